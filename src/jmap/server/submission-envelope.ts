// The Envelope of an EmailSubmission (RFC 8621 §7): addresses, and the parameters that SMTP would have with them, decoded already. What is
// told as `submissionExtensions` is what is read here.
import type { SubmissionConfig } from '../../config/sections/submission.ts'
import {
  type MessageOptions,
  type NotifyOn,
  plainMessageOptions,
  plainRecipientOptions,
  type RecipientOptions,
} from '../../mail/delivery-options.ts'
import { formatUtcDate, tryDate } from '../proto/date.ts'
import type { Json, JsonObject } from '../proto/json.ts'
import { anyObject, listOf, nullable, record, string, type Wrong } from '../proto/shape.ts'

/** Seconds. */
const day = 86_400

const address = record({ email: string, parameters: nullable(anyObject) })
const envelope = record({ mailFrom: address, rcptTo: listOf(address) })

export interface EnvelopeAddress {
  readonly email: string
  readonly parameters: JsonObject | null
}

export interface Envelope {
  readonly mailFrom: EnvelopeAddress
  readonly rcptTo: readonly EnvelopeAddress[]
}

export function readEnvelope(value: Json): Envelope | Wrong {
  return envelope(value)
}

/** RFC 8621 §1.3.2 `submissionExtensions`: EHLO names with their arguments. */
export function submissionExtensions(
  config: Pick<SubmissionConfig, 'maxHold'>,
  { maxMessageSize, now }: { readonly maxMessageSize: number; readonly now: number },
): JsonObject {
  const hold = Math.floor(config.maxHold / 1000)
  // RFC 4865 §3: the longest interval, and the latest time; the day of it, since the Session must not change with every second.
  const step = Math.max(1, Math.min(day, hold)) * 1000
  const latest = formatUtcDate(Math.floor((now + hold * 1000) / step) * step)
  return {
    SIZE: maxMessageSize === 0 ? [] : [String(maxMessageSize)],
    '8BITMIME': [],
    SMTPUTF8: [],
    DSN: [],
    DELIVERBY: [],
    'MT-PRIORITY': [],
    REQUIRETLS: [],
    ...(hold > 0 ? { FUTURERELEASE: [String(hold), latest] } : {}),
  }
}

/** A parameter's value; null: it has none. */
type Reader = (value: string | null, context: Context) => Partial<MessageOptions> | undefined

interface Context {
  readonly config: Pick<SubmissionConfig, 'maxHold' | 'maxPriority'>
  /** Milliseconds since the epoch. */
  readonly now: number
}

const messageParameters: ReadonlyMap<string, Reader> = new Map<string, Reader>([
  // RFC 3461 §4.3.
  ['RET', (value) => retOf(value?.toUpperCase())],
  // RFC 3461 §4.4: printable US-ASCII, at most 100 characters.
  ['ENVID', (value) => (value !== null && /^[ -~]{1,100}$/.test(value) ? { envId: value } : undefined)],
  ['HOLDFOR', (value, context) => holdFor(value, context)],
  ['HOLDUNTIL', (value, context) => holdUntil(value, context)],
  ['BY', (value, context) => deliverBy(value, context)],
  ['MT-PRIORITY', (value, context) => priority(value, context)],
  // RFC 8689 §2.
  ['REQUIRETLS', (value) => (value === null ? { requireTls: true } : undefined)],
  ['SMTPUTF8', (value) => (value === null ? { smtpUtf8: true } : undefined)],
  // RFC 1870 §6: the message is at hand, so that its size is known.
  ['SIZE', (value) => (value !== null && /^\d{1,20}$/.test(value) ? {} : undefined)],
  // RFC 6152 §3: relaying looks for itself.
  ['BODY', (value) => (/^(?:7BIT|8BITMIME)$/i.test(value ?? '') ? {} : undefined)],
])

function retOf(value: string | undefined): Partial<MessageOptions> | undefined {
  if (value === 'FULL') return { ret: 'full' }
  return value === 'HDRS' ? { ret: 'headers' } : undefined
}

/** RFC 4865 §3: seconds, nine digits at most. */
function holdFor(value: string | null, { config, now }: Context): Partial<MessageOptions> | undefined {
  if (value === null || !/^\d{1,9}$/.test(value)) return undefined
  const seconds = Number(value)
  if (seconds * 1000 > config.maxHold) return undefined
  return seconds === 0 ? {} : { holdUntil: now + seconds * 1000, holdFor: seconds }
}

function holdUntil(value: string | null, { config, now }: Context): Partial<MessageOptions> | undefined {
  const until = value === null ? undefined : tryDate(value)
  if (until === undefined || until > now + config.maxHold) return undefined
  return until > now ? { holdUntil: until } : {}
}

/** RFC 2852 §4. */
function deliverBy(value: string | null, { now }: Context): Partial<MessageOptions> | undefined {
  const [, digits = '', mode = '', trace] = /^([+-]?\d{1,9});([NR])(T?)$/i.exec(value ?? '') ?? []
  const seconds = Number(digits)
  const returns = mode.toUpperCase() === 'R'
  if (digits === '' || (returns && seconds <= 0)) return undefined
  const at = now + seconds * 1000
  return {
    deliverBy: { at, mode: returns ? 'return' : 'notify', trace: trace === '' ? 'not-asked' : 'asked' },
  }
}

/** RFC 6710 §4.1: more than may be asked for is lowered. */
function priority(value: string | null, { config }: Context): Partial<MessageOptions> | undefined {
  if (value === null || !/^(?:-?[1-9]|0)$/.test(value)) return undefined
  return { priority: Math.min(Number(value), config.maxPriority) }
}

/** Undefined where one is not known, or its value not what it should be; `wrong` names it. */
export function readMessageParameters(
  parameters: JsonObject | null,
  context: Context,
): MessageOptions | { readonly wrong: string } {
  let options: MessageOptions = { ...plainMessageOptions, body: '8BITMIME' }
  const names = new Set<string>()
  for (const [given, value] of Object.entries(parameters ?? {})) {
    const name = given.toUpperCase()
    const isValue = value === null || typeof value === 'string'
    const read = isValue ? messageParameters.get(name)?.(value, context) : undefined
    // RFC 4865 §4: one of the two.
    const both = name.startsWith('HOLD') && (names.has('HOLDFOR') || names.has('HOLDUNTIL'))
    if (read === undefined || names.has(name) || both) return { wrong: given }
    names.add(name)
    options = { ...options, ...read }
  }
  return options
}

const notifyWords: ReadonlyMap<string, NotifyOn> = new Map([
  ['SUCCESS', 'success'],
  ['FAILURE', 'failure'],
  ['DELAY', 'delay'],
])

export function readRecipientParameters(
  parameters: JsonObject | null,
): RecipientOptions | { readonly wrong: string } {
  let options: RecipientOptions = plainRecipientOptions
  for (const [given, value] of Object.entries(parameters ?? {})) {
    const text = typeof value === 'string' ? value : ''
    const notify = given.toUpperCase() === 'NOTIFY' ? readNotify(text) : undefined
    const original = given.toUpperCase() === 'ORCPT' ? readOriginal(text) : undefined
    if (notify === undefined && original === undefined) return { wrong: given }
    options = {
      ...options,
      ...(notify === undefined ? {} : { notify }),
      ...(original === undefined ? {} : { originalRecipient: original }),
    }
  }
  return options
}

/** RFC 3461 §4.1: NEVER by itself, or the others. */
function readNotify(text: string): readonly NotifyOn[] | undefined {
  const upper = text.toUpperCase()
  if (upper === 'NEVER') return []
  const words = upper.split(',').map((word) => notifyWords.get(word))
  const known = words.filter((word) => word !== undefined)
  return known.length === words.length ? [...new Set(known)] : undefined
}

/** RFC 3461 §4.2: `addr-type ";"` and the address, its xtext taken off already (RFC 8621 §7). */
function readOriginal(text: string): string | undefined {
  const [, type = '', of = ''] = /^([A-Za-z0-9!#$%&'*+/=?^_`{|}~-]+);(.{1,490})$/.exec(text) ?? []
  const sound = type.toLowerCase() === 'utf-8' ? !/[\0-\x1f\x7f-\x9f]/.test(of) : /^[ -~]+$/.test(of)
  return type !== '' && sound ? `${type.toLowerCase()};${of}` : undefined
}
