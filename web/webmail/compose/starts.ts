// What a message begins with: an answer, something passed on, a draft taken up again. Threading fields are RFC 5322 §3.6.4's.
import { formatDate } from '../../shared/format.ts'
import type { EmailAddress, FullEmail, Id } from '../../shared/jmap/types.ts'
import type { Quote } from '../../shared/mail/frame-messages.ts'
import { loadInlineParts } from '../reading/inline-parts.ts'
import type { DraftFile, DraftStart, Webmail } from '../store/webmail.ts'
import { formatAddresses } from './addresses.ts'
import { escapeHtml, textToHtml } from '../../shared/mail/html-text.ts'

/** The text of a message, as it came, and the pictures in it. */
async function quoteOf(webmail: Webmail, email: FullEmail, cited: boolean): Promise<Quote> {
  const html = email.htmlBody.find(({ type }) => type === 'text/html')
  const text = html === undefined ? undefined : email.bodyValues[html.partId ?? '']?.value
  if (text === undefined) {
    const plain = email.textBody.map(({ partId }) => email.bodyValues[partId ?? '']?.value ?? '').join('\n')
    return { html: textToHtml(plain), inline: {}, cited }
  }
  const inline = await loadInlineParts(webmail.client, email).catch(() => ({}))
  return { html: text, inline, cited }
}

function prefixed(prefix: string, subject: string | null): string {
  const plain = (subject ?? '').trim()
  return new RegExp(`^${prefix}\\s*:`, 'i').test(plain) ? plain : `${prefix}: ${plain}`
}

function own(webmail: Webmail): Set<string> {
  const addresses = webmail.identities.value.map(({ email }) => email.toLowerCase())
  return new Set([...addresses, webmail.client.session.username.toLowerCase()])
}

function without(people: readonly EmailAddress[] | null, gone: ReadonlySet<string>): EmailAddress[] {
  return (people ?? []).filter(({ email }) => !gone.has(email.toLowerCase()))
}

/** The identity that the message was sent to. */
function identityFor(webmail: Webmail, email: FullEmail): { identityId?: Id } {
  const addressed = new Set([...(email.to ?? []), ...(email.cc ?? [])].map((one) => one.email.toLowerCase()))
  const found = webmail.identities.value.find((identity) => addressed.has(identity.email.toLowerCase()))
  return found === undefined ? {} : { identityId: found.id }
}

function threading(email: FullEmail): Pick<DraftStart, 'inReplyTo' | 'references'> {
  const ids = email.messageId ?? []
  return { inReplyTo: ids, references: [...(email.references ?? email.inReplyTo ?? []), ...ids] }
}

export async function replyStart(webmail: Webmail, id: Id, { all }: { all: boolean }): Promise<DraftStart> {
  const email = await webmail.store.full(id)
  const mine = own(webmail)
  const fromMe = (email.from ?? []).some((one) => mine.has(one.email.toLowerCase()))
  const to = fromMe ? (email.to ?? []) : (email.replyTo ?? email.from ?? [])
  const gone = new Set([...mine, ...to.map((one) => one.email.toLowerCase())])
  const others = all ? without([...(fromMe ? [] : (email.to ?? [])), ...(email.cc ?? [])], gone) : []
  const quote = await quoteOf(webmail, email, true)
  const writer = formatAddresses(email.from?.slice(0, 1) ?? [])
  const when = formatDate(Date.parse(email.sentAt ?? email.receivedAt))
  const attribution = `<div class="posthorn-attribution">On ${escapeHtml(when)}, ${escapeHtml(writer)} wrote:</div>`
  return {
    kind: 'reply',
    original: id,
    to: formatAddresses(to),
    cc: formatAddresses(others),
    subject: prefixed('Re', email.subject),
    html: attribution,
    quote,
    attachments: filesOf(email).filter(({ cid }) => cid !== undefined && cid in quote.inline),
    ...threading(email),
    ...identityFor(webmail, email),
  }
}

export async function forwardStart(webmail: Webmail, id: Id): Promise<DraftStart> {
  const email = await webmail.store.full(id)
  const fields: [string, string][] = [
    ['From', formatAddresses(email.from)],
    ['Date', formatDate(Date.parse(email.sentAt ?? email.receivedAt))],
    ['Subject', email.subject ?? ''],
    ['To', formatAddresses(email.to)],
  ]
  const quote = await quoteOf(webmail, email, false)
  const head = fields.map(([name, value]) => `<div>${name}: ${escapeHtml(value)}</div>`).join('')
  return {
    kind: 'forward',
    original: id,
    subject: prefixed('Fwd', email.subject),
    html: `<div class="posthorn-attribution">Forwarded message</div>${head}<div><br></div>`,
    quote,
    attachments: filesOf(email).filter(({ cid }) => cid === undefined || cid in quote.inline),
    ...threading(email),
    ...(email.messageId === null ? {} : { forwardedIds: email.messageId }),
    ...identityFor(webmail, email),
  }
}

function filesOf(email: FullEmail): DraftFile[] {
  return email.attachments.flatMap(({ blobId, name, type, size, cid, disposition }) =>
    blobId === null
      ? []
      : [
          {
            blobId,
            name: name ?? 'unnamed',
            type,
            size,
            ...(cid === null || disposition === 'attachment' ? {} : { cid: cid.replaceAll(/[<>]/g, '') }),
          },
        ],
  )
}

/** The identity that wrote it; of those of one address the one of that name. */
function writerOf(webmail: Webmail, email: FullEmail): { identityId?: Id } {
  const [from] = email.from ?? []
  const same = webmail.identities.value.filter((one) => one.email.toLowerCase() === from?.email.toLowerCase())
  const found = same.find(({ name }) => name === (from?.name ?? '')) ?? same[0]
  return found === undefined ? {} : { identityId: found.id }
}

/** What the draft answers or passes on, as its own fields tell: of ours and of other programs. */
function answered(
  email: FullEmail,
): Pick<DraftStart, 'answers' | 'inReplyTo' | 'references' | 'forwardedIds'> {
  const { inReplyTo, references, headers } = email
  const field = headers.find(({ name }) => name.toLowerCase() === 'x-forwarded-message-id')
  const forwardedIds = [...(field?.value.matchAll(/<([^<>\s]+)>/g) ?? [])].map(([, id = '']) => id)
  return {
    ...(inReplyTo === null ? {} : { answers: 'reply', inReplyTo }),
    ...(references === null ? {} : { references }),
    ...(forwardedIds.length === 0 ? {} : { answers: 'forward', forwardedIds }),
  }
}

export async function editDraft(webmail: Webmail, id: Id): Promise<DraftStart> {
  const email = await webmail.store.full(id)
  // What is saved takes its place: the rest of it would be gone.
  if (Object.values(email.bodyValues).some(({ isTruncated }) => isTruncated))
    throw new Error('This draft is too long to be written on here. Another mail program can.')
  const html = email.htmlBody.some(({ type }) => type === 'text/html')
  return {
    kind: 'edit',
    draftId: id,
    to: formatAddresses(email.to),
    cc: formatAddresses(email.cc),
    bcc: formatAddresses(email.bcc),
    subject: email.subject ?? '',
    quote: await quoteOf(webmail, email, false),
    plain: !html,
    attachments: filesOf(email),
    ...answered(email),
    ...writerOf(webmail, email),
  }
}
