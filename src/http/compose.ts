// From the JSON of a request to the octets of a message. Writing MIME is nodemailer's work; what may be written was decided by the
// schema. It can reach neither files nor URLs, and nothing of it is random but the boundary, which is given.
import { Buffer } from 'node:buffer'
import MailComposer from 'nodemailer/lib/mail-composer'
import type { People, Person, SendRequest } from './schema.ts'

export interface ComposeContext {
  /** Milliseconds since the epoch. */
  readonly now: number
  /** Without angle brackets. */
  readonly messageId: string
  /** Fresh, so that no text can hold it. */
  readonly boundary: string
}

/** The message, piece by piece, lines ended by CRLF. Bcc is not in it. */
export function compose(request: SendRequest, context: ComposeContext): AsyncIterable<Uint8Array> {
  const { from, to, cc, replyTo, subject, text, html, attachments, headers } = request
  const composer = new MailComposer({
    from: named(from),
    to: list(to).map(named),
    cc: list(cc).map(named),
    ...(replyTo === undefined ? {} : { replyTo: list(replyTo).map(named) }),
    ...(text === undefined ? {} : { text }),
    ...(html === undefined ? {} : { html }),
    subject,
    headers,
    attachments: attachments.map(({ filename, contentType, content, cid }) => ({
      filename,
      contentType,
      content: Buffer.from(content, 'base64'),
      ...(cid === undefined ? {} : { cid }),
    })),
    date: new Date(context.now),
    messageId: `<${context.messageId}>`,
    newline: 'windows',
    baseBoundary: context.boundary,
    boundaryPrefix: '=_',
    disableFileAccess: true,
    disableUrlAccess: true,
  })
  return composer.compile().createReadStream()
}

function named(person: Person): { address: string; name: string } {
  return typeof person === 'string'
    ? { address: person, name: '' }
    : { address: person.address, name: person.name ?? '' }
}

/** One or several, as a list. */
export function list(people: People): readonly Person[] {
  return Array.isArray(people) ? people : [people]
}

export function addressOf(person: Person): string {
  return typeof person === 'string' ? person : person.address
}
