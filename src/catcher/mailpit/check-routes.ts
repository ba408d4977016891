// Mailpit's checks of one message: HTML compatibility, links, spam.
import { z } from 'zod'
import { checkHtml, type HtmlCheck } from '../checks/html.ts'
import { checkLinks, linksOf } from '../checks/links.ts'
import { checkSpam } from '../checks/spam.ts'
import { type MailpitApp, type MailpitParts, notFound, refused, withMessage } from './answers.ts'

export function checkRoutes(app: MailpitApp, { catcher }: MailpitParts): void {
  const { config } = catcher.parts
  app.get('/api/v1/message/:id/html-check', (context) =>
    withMessage(context, catcher, async (_, content) => {
      const html = await content.html()
      if (html === '') return refused('message does not contain HTML')
      return context.json(htmlShape(await checkHtml(html)))
    }),
  )
  app.get('/api/v1/message/:id/link-check', (context) =>
    withMessage(context, catcher, async (_, content) => {
      const follow = z.enum(['true', '1']).safeParse(context.req.query('follow')).success
      const links = linksOf(await content.html(), await content.text())
      const results = await checkLinks(links, {
        ...{ config: config.links, clock: catcher.parts.clock, lookUp: catcher.parts.lookUp },
        ...{ isPublic: catcher.parts.isPublicAddress, redirects: follow ? 'follow' : 'tell' },
        signal: context.req.raw.signal,
      })
      return context.json({
        Errors: results.filter(({ ok }) => !ok).length,
        Links: results.map(({ url, statusCode, status }) => ({
          URL: url,
          StatusCode: statusCode,
          Status: status,
        })),
      })
    }),
  )
  app.get('/api/v1/message/:id/sa-check', (context) =>
    withMessage(context, catcher, async (_, content) => {
      const { spam } = config
      if (spam === undefined) return notFound()
      const { dialer, clock, httpFetch, lookUp } = catcher.parts
      const verdict = await checkSpam(await content.raw(), { config: spam, dialer, clock, httpFetch, lookUp })
      return context.json({
        ...{ IsSpam: verdict.isSpam, Score: verdict.score, Error: verdict.error },
        Rules: verdict.rules.map(({ name, score, description }) => ({
          Name: name,
          Score: score,
          Description: description,
        })),
      })
    }),
  )
}

function htmlShape({ total, warnings, platforms }: HtmlCheck) {
  return {
    Total: {
      ...{ Tests: total.tests, Nodes: total.nodes, Supported: total.supported },
      ...{ Partial: total.partial, Unsupported: total.unsupported },
    },
    Warnings: warnings.map((warning) => ({
      ...{ Slug: warning.slug, Title: warning.title, Description: warning.description, URL: warning.url },
      ...{ Category: warning.category, Tags: warning.tags, Keywords: warning.keywords },
      Results: warning.results.map((result) => ({
        ...{
          Name: result.name,
          Family: result.family,
          Platform: result.platform,
          Version: result.version,
        },
        ...{ Support: result.support, NoteNumber: result.note },
      })),
      NotesByNumber: warning.notes,
      Score: {
        ...{ Found: warning.score.found, Supported: warning.score.supported },
        ...{ Partial: warning.score.partial, Unsupported: warning.score.unsupported },
      },
    })),
    Platforms: platforms,
  }
}
