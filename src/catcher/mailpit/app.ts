// Mailpit's HTTP API, version 1: its routes, parameters, shapes, status codes and texts, over the catcher's own operations, so that
// tests that were written for Mailpit go on. What it leaves open is as its public documentation says.
//
// Errors are text, as Mailpit's are: 404 for what is not there, 400 for all else.
import { Hono } from 'hono'
import { z } from 'zod'
import { errorText } from '../../events/error-text.ts'
import type { Catcher } from '../catcher.ts'
import type { CaughtContent } from '../content.ts'
import { bodyText } from '../gate.ts'
import type { CaughtSummary } from '../message.ts'
import {
  done,
  jsonBody,
  type MailpitApp,
  type MailpitContext,
  type MailpitParts,
  notFound,
  refused,
  searchOf,
  text,
  tryJson,
  withMessage,
} from './answers.ts'
import { checkRoutes } from './check-routes.ts'
import { thumbnailResponse } from '../pictures/thumbnail.ts'
import { sendMessage } from './send.ts'
import { mailpitHeaders, mailpitMessage, mailpitSummary } from './shapes.ts'
import { viewRoutes } from './view-routes.ts'

export function createMailpitApp(parts: MailpitParts): MailpitApp {
  const app: MailpitApp = new Hono()
  app.onError((error) => refused(errorText(error)))
  app.notFound(() => notFound())
  statusRoutes(app, parts)
  chaosRoutes(app, parts)
  listRoutes(app, parts)
  tagRoutes(app, parts)
  messageRoutes(app, parts)
  checkRoutes(app, parts)
  viewRoutes(app, parts)
  return app
}

function statusRoutes(
  app: MailpitApp,
  { catcher, submit, maxMessageSize, version, database }: MailpitParts,
): void {
  app.get('/api/v1/info', (context) => {
    const { total, unread } = catcher.stats
    const { uptime, accepted, acceptedSize, rejected, ignored, deleted } = catcher.counts
    return context.json({
      ...{ Version: version, LatestVersion: version, Database: database, DatabaseSize: catcher.size },
      ...{ Messages: total, Unread: unread },
      Tags: Object.fromEntries(catcher.tags().map(({ name, messages }) => [name, messages])),
      RuntimeStats: {
        Uptime: Math.floor(uptime),
        MessagesDeleted: deleted,
        SMTPAccepted: accepted,
        SMTPAcceptedSize: acceptedSize,
        SMTPRejected: rejected,
        SMTPIgnored: ignored,
      },
    })
  })
  app.get('/api/v1/webui', (context) => {
    const { relay, label, chaos, spam, ignoreDuplicates } = catcher.parts.config
    return context.json({
      Label: label,
      MessageRelay: {
        Enabled: relay !== undefined,
        SMTPServer: relay === undefined ? '' : `${relay.host}:${relay.port}`,
        ReturnPath: relay?.returnPath ?? '',
        AllowedRecipients: relay?.allow ?? '',
        BlockedRecipients: relay?.block ?? '',
        OverrideFrom: relay?.overrideFrom ?? '',
        PreserveMessageIDs: relay?.preserveMessageIds ?? false,
        RecipientAllowlist: relay?.allow ?? '',
      },
      SpamAssassin: spam !== undefined,
      ChaosEnabled: chaos.enabled,
      DuplicatesIgnored: ignoreDuplicates,
      HideDeleteAllButton: false,
    })
  })
  app.post('/api/v1/send', async ({ req, env }) =>
    sendMessage(req.raw, {
      ...{ submit, maxMessageSize, remoteAddress: env.remoteAddress },
      catcherAddress: catcher.parts.account.address,
    }),
  )
}

function chaosRoutes(app: MailpitApp, { catcher }: MailpitParts): void {
  const triggers = () => {
    const { sender, recipient, authentication } = catcher.chaos.triggers
    const shown = ({ errorCode, probability }: typeof sender) => ({
      ErrorCode: errorCode,
      Probability: probability,
    })
    return { Sender: shown(sender), Recipient: shown(recipient), Authentication: shown(authentication) }
  }
  app.get('/api/v1/chaos', (context) =>
    catcher.chaos.enabled ? context.json(triggers()) : refused('Chaos is not enabled'),
  )
  app.put('/api/v1/chaos', async (context) => {
    if (!catcher.chaos.enabled) return refused('Chaos is not enabled')
    const body = await jsonBody(context, catcher, chaosBody)
    if (body instanceof Response) return body
    const all = [body.Sender, body.Recipient, body.Authentication]
    if (all.some(({ ErrorCode: code }) => code !== 0 && (code < 400 || code > 599))) {
      return refused('error code must be between 400 and 599')
    }
    if (all.some(({ Probability: chance }) => chance < 0 || chance > 100)) {
      return refused('probability must be between 0 and 100')
    }
    const set = ({ ErrorCode: code, Probability: probability }: (typeof all)[number], usual: number) => ({
      errorCode: code === 0 ? usual : code,
      probability,
    })
    catcher.chaos.setTriggers({
      sender: set(body.Sender, 451),
      recipient: set(body.Recipient, 451),
      authentication: set(body.Authentication, 535),
    })
    return context.json(triggers())
  })
}

const trigger = z.object({ ErrorCode: z.int().default(0), Probability: z.int().default(0) }).prefault({})
const chaosBody = z.object({ Sender: trigger, Recipient: trigger, Authentication: trigger })

function listRoutes(app: MailpitApp, { catcher }: MailpitParts): void {
  app.get('/api/v1/messages', async (context) => {
    const { start, limit, before } = pageOf(context)
    const found = await catcher.find({
      start,
      limit: limit === 0 ? Number.MAX_SAFE_INTEGER : limit,
      ...before,
    })
    const { total, unread } = catcher.stats
    return context.json(summaryOf(catcher, { start, found, messages: total, unread }))
  })
  app.put('/api/v1/messages', async (context) => {
    const body = await jsonBody(context, catcher, readBody)
    if (body instanceof Response) return body
    const { Read: read, IDs: ids, Search: search } = body
    if (ids.length > 0 && search !== '')
      return refused('You may specify either IDs or a search query, not both')
    await catcher.setRead(search === '' && ids.length > 0 ? ids : searchOf(context, search), read)
    return done()
  })
  app.delete('/api/v1/messages', async (context) => {
    const asked = await bodyText(context.req.raw, catcher.parts.config.limits.requestSize)
    if (asked === undefined) return text('request body too large', 413)
    // What cannot be read asks for nothing in particular: all are deleted, as Mailpit does.
    const body = deleteBody.safeParse(tryJson(asked))
    const ids = body.success ? body.data.IDs : []
    await catcher.remove(ids.length === 0 ? {} : ids)
    return done()
  })
  app.get('/api/v1/search', async (context) => {
    const query = (context.req.query('query') ?? '').trim()
    if (query === '') return refused('Error: no search query')
    const { start, limit, before } = pageOf(context)
    const found = await catcher.find({ ...searchOf(context, query), start, limit, ...before })
    return context.json(summaryOf(catcher, { start, found, messages: found.total, unread: found.unread }))
  })
  app.delete('/api/v1/search', async (context) => {
    const query = (context.req.query('query') ?? '').trim()
    if (query === '') return refused('Error: no search query')
    await catcher.remove(searchOf(context, query))
    return done()
  })
}

const idList = z
  .array(z.string())
  .nullish()
  .transform((ids) => ids ?? [])
const readBody = z.object({
  Read: z.boolean().default(false),
  IDs: idList,
  Search: z
    .string()
    .nullish()
    .transform((search) => search?.trim() ?? ''),
})
const deleteBody = z.object({ IDs: idList })

function pageOf(context: MailpitContext): { start: number; limit: number; before: { before?: number } } {
  const number = (name: string, usual: number): number => {
    const given = context.req.query(name)
    return given !== undefined && /^\d{1,9}$/.test(given) ? Number(given) : usual
  }
  const before = Date.parse(context.req.query('before') ?? '')
  return {
    start: number('start', 0),
    limit: number('limit', 50),
    before: Number.isNaN(before) ? {} : { before },
  }
}

function summaryOf(
  catcher: Catcher,
  {
    start,
    found,
    messages,
    unread,
  }: { start: number; found: { messages: readonly CaughtSummary[] }; messages: number; unread: number },
) {
  return {
    total: catcher.stats.total,
    unread: catcher.stats.unread,
    count: found.messages.length,
    messages_count: messages,
    messages_unread: unread,
    start,
    tags: catcher.tags().map(({ name }) => name),
    messages: found.messages.map(mailpitSummary),
  }
}

function tagRoutes(app: MailpitApp, { catcher }: MailpitParts): void {
  app.get('/api/v1/tags', (context) => context.json(catcher.tags().map(({ name }) => name)))
  app.put('/api/v1/tags', async (context) => {
    const body = await jsonBody(context, catcher, z.object({ IDs: idList, Tags: idList }))
    if (body instanceof Response) return body
    catcher.setTags(body.IDs, body.Tags)
    return done()
  })
  app.put('/api/v1/tags/:tag', async (context) => {
    const body = await jsonBody(context, catcher, z.object({ Name: z.string().default('') }))
    if (body instanceof Response) return body
    if (body.Name.trim() === '') return refused('tag name cannot be empty')
    const tag = context.req.param('tag')
    if (!catcher.tags().some(({ name }) => name.toLowerCase() === tag.toLowerCase())) {
      return refused(`tag not found: ${tag}`)
    }
    catcher.renameTag(tag, body.Name)
    return done()
  })
  app.delete('/api/v1/tags/:tag', (context) => {
    catcher.renameTag(context.req.param('tag'), null)
    return done()
  })
}

function messageRoutes(app: MailpitApp, { catcher }: MailpitParts): void {
  app.get('/api/v1/message/:id', (context) =>
    withMessage(context, catcher, async (summary, content) => {
      const shape = await mailpitMessage(summary, content)
      await catcher.setRead([summary.id], true)
      return context.json(shape)
    }),
  )
  app.get('/api/v1/message/:id/headers', (context) =>
    withMessage(context, catcher, async (_, content) => context.json(mailpitHeaders(await content.fields()))),
  )
  app.get('/api/v1/message/:id/raw', (context) =>
    withMessage(context, catcher, async ({ id }, content) => {
      const headers = new Headers({ 'content-type': 'text/plain; charset=utf-8' })
      if (context.req.query('dl') === '1')
        headers.set('content-disposition', `attachment; filename="${id}.eml"`)
      return new Response(await content.raw(), { headers })
    }),
  )
  app.get('/api/v1/message/:id/part/:part', (context) =>
    withMessage(context, catcher, async (_, content) => partResponse(content, context.req.param('part'))),
  )
  app.get('/api/v1/message/:id/part/:part/thumb', (context) =>
    withMessage(context, catcher, async (_, content) => {
      const thumbnail = { partId: context.req.param('part'), thumbnailer: catcher.parts.thumbnailer }
      return (await thumbnailResponse(content, thumbnail)) ?? notFound()
    }),
  )
  app.post('/api/v1/message/:id/release', (context) =>
    withMessage(context, catcher, async ({ id }) => releaseMessage(context, catcher, id)),
  )
}

/** Types that a browser would run, or read as a page. */
const activeTypes = new Set([
  ...['text/html', 'text/xml', 'application/xhtml+xml', 'image/svg+xml', 'application/xml', 'text/xsl'],
  ...['application/javascript', 'text/javascript', 'application/pdf'],
])

export async function partResponse(content: CaughtContent, partId: string): Promise<Response> {
  const part = await content.part(partId)
  if (part === undefined) return notFound()
  const active = activeTypes.has(part.contentType.split(';')[0] ?? '')
  const name = encodeURIComponent(part.fileName === '' ? part.contentId : part.fileName)
  return new Response(Uint8Array.from(part.bytes), {
    headers: {
      'content-type': active ? 'application/octet-stream' : part.contentType,
      'content-disposition': `${active ? 'attachment' : 'inline'}; filename="${name}"`,
    },
  })
}

async function releaseMessage(context: MailpitContext, catcher: Catcher, id: string): Promise<Response> {
  const body = await jsonBody(context, catcher, z.object({ To: idList }))
  if (body instanceof Response) return body
  const wrong = body.To.find((address) => !/^[^@\s]+@[^@\s]+$/.test(address))
  if (wrong !== undefined) return refused(`Invalid email address: ${wrong}`)
  const outcome = await catcher.release(id, body.To, 'api')
  if (outcome.ok) return done()
  switch (outcome.reason) {
    case 'off':
    case 'not-found':
      return notFound()
    case 'no-recipients':
      return refused('No valid addresses found')
    case 'not-allowed': {
      const [noun, verb] = outcome.refused.length === 1 ? ['Address', 'do'] : ['Addresses', 'do']
      const why = outcome.by === 'allow' ? `${verb} not match the allowlist` : 'found on blocklist'
      return refused(`Failed: ${noun} ${why}: ${outcome.refused.join(', ')}`)
    }
    case 'failed':
      return refused(`SMTP error: ${outcome.error}`)
  }
}
