// Mailpit's `/view/…`: a message's HTML and text as pages of their own, for tests that drive a browser.
//
// The HTML is the message's, as it came, so its page runs no script and is of no origin of ours (CSP `sandbox`).
import type { CaughtContent } from '../content.ts'
import {
  type MailpitApp,
  type MailpitContext,
  type MailpitParts,
  notFound,
  text,
  withMessage,
} from './answers.ts'

/** Images and styles may be fetched, as a mail program would; nothing runs. */
export const messagePolicy =
  "default-src 'none'; img-src * data:; media-src * data:; font-src * data:; style-src 'unsafe-inline' *; base-uri 'none'; form-action 'none'; frame-ancestors 'self'; sandbox allow-popups allow-popups-to-escape-sandbox"

/** The same with nothing fetched from elsewhere. */
export const closedMessagePolicy =
  "default-src 'none'; img-src 'self' data:; media-src data:; font-src data:; style-src 'unsafe-inline'; base-uri 'none'; form-action 'none'; frame-ancestors 'self'; sandbox allow-popups allow-popups-to-escape-sandbox"

/** Those for a frame that our page lays out to see how high it is: of our origin, and still nothing runs. */
export const measuredMessagePolicy = measured(messagePolicy)
export const measuredClosedPolicy = measured(closedMessagePolicy)

function measured(policy: string): string {
  return policy.replace(/sandbox .*$/, 'sandbox allow-same-origin')
}

const missing = (): Response => text('Message not found', 404)

export function viewRoutes(app: MailpitApp, { catcher }: MailpitParts): void {
  app.get('/view/:file', (context) => {
    const [, id = '', extension = ''] =
      /^([A-Za-z0-9]+)(?:\.(html|txt|raw|eml))?$/.exec(context.req.param('file')) ?? []
    if (id === '') return notFound()
    return withMessage(
      context,
      catcher,
      async (summary, content) => {
        switch (extension) {
          case 'html':
            return htmlPage(context, summary.id, content)
          case 'txt':
            return text(await content.text())
          case 'raw':
          case 'eml':
            return new Response(await content.raw(), {
              headers: { 'content-type': 'text/plain; charset=utf-8' },
            })
          default:
            return new Response(null, { status: 302, headers: { location: `/?message=${summary.id}` } })
        }
      },
      { id, missing },
    )
  })
}

async function htmlPage(context: MailpitContext, id: string, content: CaughtContent): Promise<Response> {
  const html = await content.html()
  if (html === '') return text('This message does not contain a HTML part', 404)
  const linked = linkParts(
    html,
    content,
    (partId) => `${context.env.root ?? ''}/api/v1/message/${id}/part/${partId}`,
  )
  const embedded = context.req.query('embed') === '1'
  return new Response(embedded ? openOutside(linked) : linked, {
    headers: { 'content-type': 'text/html; charset=utf-8', 'content-security-policy': messagePolicy },
  })
}

/** `cid:` URLs of parts that are there, as URLs of ours. */
export function linkParts(html: string, content: CaughtContent, urlOf: (partId: string) => string): string {
  const byId = new Map(
    content.attached().flatMap(({ contentId, partId }) => (contentId === '' ? [] : [[contentId, partId]])),
  )
  if (byId.size === 0) return html
  return html.replaceAll(/(?<before>=\s*["']?|url\(\s*["']?)cid:(?<id>[^"'\s>)]+)/gi, (whole, ...found) => {
    // The last argument is the named groups.
    const { before, id } = found.at(-1) as { before: string; id: string }
    const partId = byId.get(safeDecode(id))
    return partId === undefined ? whole : `${before}${urlOf(partId)}`
  })
}

function safeDecode(text: string): string {
  try {
    return decodeURIComponent(text)
  } catch {
    return text
  }
}

/**
 * Frames and plugins as elements that mean nothing. The policy forbids what they load, but browsers look up and connect to the host of a
 * frame before they ask the policy. A tag's name stands in the text as it is, so that no way of writing it is missed.
 */
export function withoutFrames(html: string): string {
  return html.replaceAll(
    /<(\/?)(?=(?:i?frame|frameset|fencedframe|portal|object|embed|applet)(?:[\s/>]|$))/gi,
    '<$1x-',
  )
}

/** Links open elsewhere, and tell nobody where they were. */
export function openOutside(html: string): string {
  return html.replaceAll(/<a(?=[\s>])/gi, '<a target="_blank" rel="noreferrer noopener"')
}
