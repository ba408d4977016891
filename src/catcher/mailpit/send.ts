// Mailpit's send API: JSON in, a message handed in as if an application had sent it.
import { Buffer } from 'node:buffer'
import { z } from 'zod'
import { tryAddress } from '../../mail/address.ts'
import { bodyText } from '../gate.ts'
import type { CaughtAddress } from '../message.ts'

/** A message to be written and handed in. Addresses parse; headers are free of control characters. */
export interface NewMessage {
  readonly from: CaughtAddress
  readonly to: readonly CaughtAddress[]
  readonly cc: readonly CaughtAddress[]
  readonly replyTo: readonly CaughtAddress[]
  readonly subject: string
  readonly text: string
  /** '' for none. */
  readonly html: string
  readonly headers: Readonly<Record<string, string>>
  /** `content` in base64. */
  readonly attachments: readonly {
    readonly filename: string
    readonly contentType: string
    readonly content: string
    readonly cid: string | null
  }[]
  /** Of the envelope: all of the above and blind ones. */
  readonly recipients: readonly string[]
  readonly remoteAddress: string
}

export type Submit = (
  message: NewMessage,
) => Promise<{ readonly ok: true; readonly id: string } | { readonly ok: false; readonly error: string }>

const person = z.object({ Email: z.string().default(''), Name: z.string().default('') })

const list = <S extends z.ZodType>(schema: S) =>
  z
    .array(schema)
    .nullish()
    .transform((items) => items ?? [])

const sendBody = z.object({
  From: person.prefault({}),
  To: list(person),
  Cc: list(person),
  Bcc: list(z.string()),
  ReplyTo: list(person),
  Subject: z.string().default(''),
  Text: z.string().default(''),
  HTML: z.string().default(''),
  Attachments: list(
    z.object({
      Content: z.string().default(''),
      Filename: z.string().default(''),
      ContentType: z.string().default(''),
      ContentID: z.string().default(''),
    }),
  ),
  Tags: list(z.string()),
  Headers: z
    .record(z.string(), z.string())
    .nullish()
    .transform((headers) => headers ?? {}),
})

/** Fields that the message gets from the request's other members. */
const ownHeaders = new Set([
  ...['to', 'from', 'cc', 'bcc', 'reply-to', 'date', 'subject', 'content-type', 'mime-version'],
])

export interface SendContext {
  readonly submit: Submit
  readonly maxMessageSize: number
  readonly remoteAddress: string
  /** Who gets what is for nobody. */
  readonly catcherAddress: string
}

const problem = (error: string, status = 400): Response => Response.json({ Error: error }, { status })

export async function sendMessage(request: Request, context: SendContext): Promise<Response> {
  const { maxMessageSize } = context
  // Base64 and JSON make a message half as long again.
  const body = await bodyText(
    request,
    maxMessageSize === 0 ? Number.MAX_SAFE_INTEGER : maxMessageSize * 1.5 + 65_536,
  )
  if (body === undefined) return problem('http: request body too large', 413)
  let value: unknown
  try {
    value = JSON.parse(body)
  } catch {
    return problem('invalid JSON')
  }
  const parsed = sendBody.safeParse(value)
  if (!parsed.success) return problem(z.prettifyError(parsed.error))
  const message = messageOf(parsed.data, context)
  if (typeof message === 'string') return problem(message)
  const result = await context.submit(message)
  return result.ok ? Response.json({ ID: result.id }) : problem(result.error)
}

/** Or why there is none. */
function messageOf(body: z.output<typeof sendBody>, context: SendContext): NewMessage | string {
  if (!isAddress(body.From.Email)) return `invalid From address: ${body.From.Email}`
  for (const [field, people] of [
    ['To', body.To],
    ['Cc', body.Cc],
    ['Reply-To', body.ReplyTo],
  ] as const) {
    const wrong = people.find(({ Email: email }) => !isAddress(email))
    if (wrong !== undefined) return `invalid ${field} address: ${wrong.Email}`
  }
  const wrong = body.Bcc.find((email) => !isAddress(email))
  if (wrong !== undefined) return `invalid Bcc address: ${wrong}`
  const headers: Record<string, string> = {}
  for (const [name, content] of Object.entries(body.Headers)) {
    const key = name.toLowerCase()
    if (ownHeaders.has(key) || (key === 'x-tags' && body.Tags.length > 0))
      return `cannot overwrite header: "${name}"`
    if (!/^[\x21-\x39\x3b-\x7e]{1,76}$/.test(name)) return `invalid header name: "${name}"`
    headers[name] = oneLine(content)
  }
  if (body.Tags.length > 0) headers['X-Tags'] = body.Tags.map(oneLine).join(', ')
  const attachments: NewMessage['attachments'][number][] = []
  for (const { Content: content, Filename: name, ContentType: type, ContentID: cid } of body.Attachments) {
    // A data URL as browsers make it, or base64 alone.
    const encoded = content.split(',').at(-1) ?? ''
    if (!isBase64(encoded)) return `error decoding base64 attachment "${name}"`
    attachments.push({
      filename: oneLine(name),
      contentType: type === '' ? guessType(Buffer.from(encoded, 'base64')) : mediaType(type),
      content: encoded,
      cid: cid === '' ? null : oneLine(cid),
    })
  }
  const people = (list: readonly { Email: string; Name: string }[]): CaughtAddress[] =>
    list.map(({ Email: address, Name: name }) => ({ address, name: oneLine(name) }))
  const named = [...body.To, ...body.Cc].map(({ Email: email }) => email)
  const recipients = [...named, ...body.Bcc]
  return {
    from: { address: body.From.Email, name: oneLine(body.From.Name) },
    ...{ to: people(body.To), cc: people(body.Cc), replyTo: people(body.ReplyTo) },
    ...{ subject: oneLine(body.Subject), text: body.Text, html: body.HTML, headers, attachments },
    recipients: recipients.length === 0 ? [context.catcherAddress] : recipients,
    remoteAddress: context.remoteAddress,
  }
}

function isAddress(text: string): boolean {
  return tryAddress(text, { utf8: true }) !== undefined
}

/** RFC 5322 §2.2: no value may end its field. */
function oneLine(text: string): string {
  return text.replaceAll(/[\p{Cc}]+/gu, ' ').trim()
}

function isBase64(text: string): boolean {
  return text.length % 4 === 0 && /^[A-Za-z0-9+/]*={0,2}$/.test(text)
}

const signatures: readonly (readonly [type: string, start: string])[] = [
  ['image/png', '89504e47'],
  ['image/jpeg', 'ffd8ff'],
  ['image/gif', '47494638'],
  ['application/pdf', '25504446'],
  ['application/zip', '504b0304'],
]

/** Without parameters, which say nothing of octets that are given. */
function mediaType(text: string): string {
  const type = text.split(';')[0]?.trim().toLowerCase() ?? ''
  return /^[a-z0-9!#$&^_.+-]{1,127}\/[a-z0-9!#$&^_.+-]{1,127}$/.test(type) ? type : 'application/octet-stream'
}

function guessType(bytes: Buffer): string {
  const start = bytes.subarray(0, 4).toString('hex')
  const known = signatures.find(([, signature]) => start.startsWith(signature))
  if (known !== undefined) return known[0]
  return bytes.subarray(0, 512).every((octet) => octet >= 9 && octet !== 127)
    ? 'text/plain'
    : 'application/octet-stream'
}
