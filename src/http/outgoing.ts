// From either form of a send request to one thing: an envelope, options and a message. Says no in words; looks at nothing but the
// request.
import { Buffer } from 'node:buffer'
import type { z } from 'zod'
import { BadAnswer } from '../hooks/decision.ts'
import { type Address, tryAddress } from '../mail/address.ts'
import type { AuthorshipFault } from '../mail/authorship.ts'
import {
  type MessageOptions,
  plainMessageOptions,
  plainRecipientOptions,
  type RecipientOptions,
} from '../mail/delivery-options.ts'
import { bodyOf, boundedBody } from './body.ts'
import { addressOf, compose, list } from './compose.ts'
import type { HttpParts } from './parts.ts'
import { isProblem, makeProblem, type Problem } from './problem.ts'
import { readRawMessage } from './raw-message.ts'
import { scheduledAt, sendRequest, type SendRequest } from './schema.ts'

/** A message to be sent, as a request asks for it. */
export interface Outgoing {
  readonly reversePath: Address | null
  /** Every one must belong to the account. */
  readonly authors: readonly Address[]
  readonly recipients: readonly Address[]
  readonly recipientOptions: RecipientOptions
  readonly options: MessageOptions
  readonly content: AsyncIterable<Uint8Array>
}

type Context = Pick<HttpParts, 'clock' | 'random' | 'config' | 'hostname' | 'maxMessageSize' | 'submission'>

/** `saw` hears every octet of the request's body, for telling one request from another. */
export async function readOutgoing(
  request: Request,
  context: Context,
  saw: (bytes: Uint8Array) => void,
): Promise<Outgoing | Problem> {
  const type = (request.headers.get('content-type') ?? '').split(';')[0]?.trim().toLowerCase()
  if (type === 'application/json') return fromJson(request, context, saw)
  if (type === 'message/rfc822') return fromRaw(request, context, saw)
  return makeProblem(415, 'unsupported-media-type', 'Send application/json or message/rfc822.')
}

async function fromJson(
  request: Request,
  context: Context,
  saw: (bytes: Uint8Array) => void,
): Promise<Outgoing | Problem> {
  const { maxMessageSize, clock, random, hostname, config } = context
  // Base64 makes four octets of three; the rest is room for the envelope.
  const limit = maxMessageSize === 0 ? Infinity : Math.ceil((maxMessageSize * 4) / 3) + config.maxBody
  const body = await boundedBody(request, limit)
  if (isProblem(body)) return body
  saw(body)
  let json: unknown
  try {
    json = JSON.parse(new TextDecoder('utf-8', { fatal: true }).decode(body))
  } catch {
    return makeProblem(400, 'bad-json', 'The body is no JSON.')
  }
  const parsed = sendRequest.safeParse(json)
  if (!parsed.success) return invalid(parsed.error)
  const message = parsed.data
  const { from, to, cc, bcc, reversePath } = message
  const author = parse(addressOf(from))
  const recipients = [...list(to), ...list(cc), ...list(bcc)].map((person) => parse(addressOf(person)))
  const options = optionsOf(message, context, needsUtf8([author, ...recipients]))
  if (isProblem(options)) return options
  return {
    reversePath: reversePath === undefined ? author : parse(reversePath),
    ...{ authors: [author], recipients, options },
    recipientOptions: recipientOptionsOf(message.dsn),
    content: compose(message, {
      now: clock.now(),
      messageId: `${random.id()}@${hostname}`,
      boundary: random.id(),
    }),
  }
}

async function fromRaw(
  request: Request,
  context: Context,
  saw: (bytes: Uint8Array) => void,
): Promise<Outgoing | Problem> {
  const query = new URL(request.url).searchParams
  const watched = async function* (): AsyncGenerator<Uint8Array, void, undefined> {
    for await (const piece of bodyOf(request)) {
      saw(piece)
      yield piece
    }
  }
  let raw
  try {
    raw = await readRawMessage(watched(), context.config.maxRecipients + 1)
  } catch (error) {
    if (error instanceof BadAnswer)
      return makeProblem(422, 'header-too-large', 'The message’s header is too large.')
    throw error
  }
  const named = query.getAll('to').map((text) => tryAddress(text, { utf8: true }))
  const recipients = named.length > 0 ? named : raw.recipients
  if (!raw.authorship.ok) return faults[raw.authorship.fault](raw.authorship.field)
  const { claims, resent } = raw.authorship
  const checked = claims.filter(({ field }) => {
    return !resent || !context.submission.allowResent || field.startsWith('Resent-')
  })
  const authors = checked.map(({ address }) => address)
  const first = claims.find(({ field }) => field === (resent ? 'Resent-From' : 'From'))?.address
  if (!recipients.every(isAddress)) return makeProblem(422, 'bad-recipient', 'A recipient is no address.')
  const from = query.get('from')
  const reversePath = from === null ? first : from === '' ? null : tryAddress(from, { utf8: true })
  if (reversePath === undefined) return makeProblem(422, 'bad-sender', 'The query’s `from` is no address.')
  const schedule = scheduledAt.optional().safeParse(query.get('scheduledAt') ?? undefined)
  if (!schedule.success)
    return makeProblem(422, 'bad-schedule', 'The query’s `scheduledAt` is no date and time.')
  const utf8 = raw.utf8 || needsUtf8([...recipients, ...(reversePath === null ? [] : [reversePath])])
  const asked = { scheduledAt: schedule.data, requireTls: query.get('requireTls') === 'true', dsn: undefined }
  const options = optionsOf(asked, context, utf8)
  if (isProblem(options)) return options
  // RFC 6152 §3: nobody has looked at all of its octets yet, so that it may hold any; relaying converts where it must.
  const eightBit = { ...options, body: '8BITMIME' } as const
  return {
    ...{ reversePath, authors, recipients, content: raw.content },
    options: eightBit,
    recipientOptions: plainRecipientOptions,
  }
}

function isAddress(value: Address | null | undefined): value is Address {
  return value !== null && value !== undefined
}

const faults: Record<AuthorshipFault, (field: string) => Problem> = {
  'no-author': () => makeProblem(422, 'no-author', 'The message has no From field.'),
  'several-fields': (field) =>
    makeProblem(422, 'bad-author', `The message has more than one ${field} field.`),
  unreadable: (field) => makeProblem(422, 'bad-author', `${field} holds what is no address.`),
  'no-sender': (field) =>
    makeProblem(
      422,
      'no-sender',
      `Several addresses in ${field} need a ${field === 'From' ? 'Sender' : 'Resent-Sender'} field.`,
    ),
}

/** The schema has looked at it. */
function parse(text: string): Address {
  const address = tryAddress(text, { utf8: true })
  if (address === undefined) throw new TypeError('an address that no schema looked at')
  return address
}

/** RFC 6531 §3.3: a local part beyond US-ASCII goes to hosts with SMTPUTF8 alone; a domain has its A-labels. */
function needsUtf8(addresses: readonly Address[]): boolean {
  return addresses.some(({ localPart }) => /[^\0-\x7f]/.test(localPart))
}

function recipientOptionsOf(dsn: SendRequest['dsn']): RecipientOptions {
  if (dsn?.notify === undefined) return plainRecipientOptions
  return { ...plainRecipientOptions, notify: dsn.notify === 'never' ? [] : dsn.notify }
}

function optionsOf(
  asked: { scheduledAt?: string | undefined; requireTls: boolean; dsn?: SendRequest['dsn'] | undefined },
  { clock, submission }: Context,
  smtpUtf8: boolean,
): MessageOptions | Problem {
  const at = asked.scheduledAt === undefined ? null : Date.parse(asked.scheduledAt)
  if (at !== null && at > clock.now() + submission.maxHold) {
    return makeProblem(422, 'scheduled-too-late', 'The time is further away than messages are held.')
  }
  return {
    ...plainMessageOptions,
    smtpUtf8,
    ret: asked.dsn?.ret ?? null,
    envId: asked.dsn?.envId ?? null,
    requireTls: asked.requireTls,
    holdUntil: at !== null && at > clock.now() ? at : null,
  }
}

function invalid(error: z.ZodError): Problem {
  const [first] = error.issues
  const where = first?.path.join('.') ?? ''
  return makeProblem(
    422,
    'invalid',
    `${where === '' ? 'The request' : where}: ${first?.message ?? 'is invalid'}`,
  )
}

/** What two requests have in common when they are the same one. */
export function fingerprintText(request: Request): Uint8Array {
  const { search } = new URL(request.url)
  return Buffer.from(`${request.headers.get('content-type') ?? ''}\n${search}\n`)
}
