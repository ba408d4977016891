// What a hook answered, read with suspicion: a function may return anything, and an HTTP service too.
//
// Nothing that comes out of here can break a reply or a header: codes are of the class that the decision says, texts are one line of
// printable US-ASCII, addresses parse, and a line break in a header value is folding or nothing. Whatever is otherwise is a
// `BadAnswer`, which the caller turns into a deferral.
import { Buffer } from 'node:buffer'
import type { Rewrite } from '../config/hooks.ts'
import { tryAddress } from '../mail/address.ts'
import type { PolicyRefusal } from './policy.ts'

/** The answer cannot be used; the message says why. */
export class BadAnswer extends Error {
  override name = 'BadAnswer'
}

export type ReadDecision =
  | { readonly type: 'accept' }
  | {
      readonly type: 'defer' | 'reject'
      readonly code?: number
      readonly status?: string
      readonly text?: string
    }
  | { readonly type: 'quarantine'; readonly reason: string }
  | { readonly type: 'rewrite'; readonly rewrite: Rewrite }

/** Header changes and recipients that one answer may ask for. */
export interface DecisionLimits {
  readonly maxRewrites: number
}

/** `message`: what only makes sense once the message is there may be answered too. */
export type DecisionScope = 'envelope' | 'message'

type Fields = Readonly<Record<string, unknown>>

const maxTextLength = 400

/** Reads a decision. Throws `BadAnswer`. */
export function readDecision(
  value: unknown,
  options: DecisionLimits & { scope: DecisionScope },
): ReadDecision {
  if (value === undefined || value === null) return { type: 'accept' }
  const answer = fieldsOf(value, 'the answer')
  const type = answer['type']
  if (type === 'accept') return { type }
  if (type === 'defer' || type === 'reject') return readRefusal(answer, type)
  if (options.scope === 'message' && type === 'quarantine') {
    return { type, reason: line(answer['reason'] ?? 'held by a hook', 'reason') }
  }
  if (options.scope === 'message' && type === 'rewrite')
    return { type, rewrite: readRewrite(answer, options) }
  throw new BadAnswer(`no decision: ${JSON.stringify(type)}`)
}

function readRefusal(answer: Fields, type: 'defer' | 'reject'): ReadDecision {
  const { code, status, text } = { code: answer['code'], status: answer['status'], text: answer['text'] }
  return {
    type,
    ...(code === undefined ? {} : { code: checkCode(code, type) }),
    ...(status === undefined ? {} : { status: checkStatus(status, type) }),
    ...(text === undefined ? {} : { text: line(text, 'text') }),
  }
}

/** RFC 5321 §4.2.1: the first digit says whether to try again, the second one what it is about. */
function checkCode(code: unknown, type: 'defer' | 'reject'): number {
  const pattern = type === 'defer' ? /^4[0-5][0-9]$/ : /^5[0-5][0-9]$/
  if (typeof code !== 'number' || !pattern.test(String(code))) {
    throw new BadAnswer(`code ${JSON.stringify(code)} does not ${type}`)
  }
  return code
}

/** RFC 3463 §2: of the same class as the code. */
function checkStatus(status: unknown, type: 'defer' | 'reject'): string {
  const pattern = type === 'defer' ? /^4\.[0-9]{1,3}\.[0-9]{1,3}$/ : /^5\.[0-9]{1,3}\.[0-9]{1,3}$/
  if (typeof status !== 'string' || !pattern.test(status)) {
    throw new BadAnswer(`status ${JSON.stringify(status)} does not ${type}`)
  }
  return status
}

/** RFC 5321 §4.2 `textstring`: one line of a reply. */
function line(text: unknown, what: string): string {
  if (typeof text !== 'string' || text.length > maxTextLength || !/^[\t\x20-\x7e]*$/.test(text)) {
    throw new BadAnswer(`the ${what} is not one line of US-ASCII`)
  }
  return text
}

/** Checks what a hook wants changed. Throws `BadAnswer`. */
export function readRewrite(value: unknown, { maxRewrites }: DecisionLimits): Rewrite {
  const answer = fieldsOf(value, 'the rewrite')
  const reversePath = answer['reversePath']
  if (reversePath !== undefined && reversePath !== '') checkAddress(reversePath)
  const added = addresses(answer['addRecipients'], maxRewrites)
  const removed = addresses(answer['removeRecipients'], maxRewrites)
  const header = list(answer['header'], { what: 'header', limit: maxRewrites })?.map(readHeaderChange)
  const body = answer['body']
  if (body !== undefined && !(body instanceof Uint8Array)) throw new BadAnswer('the body is no Uint8Array')
  return {
    ...(typeof reversePath === 'string' ? { reversePath } : {}),
    ...(added === undefined ? {} : { addRecipients: added }),
    ...(removed === undefined ? {} : { removeRecipients: removed }),
    ...(header === undefined ? {} : { header }),
    ...(body === undefined ? {} : { body }),
  }
}

type HeaderChange = NonNullable<Rewrite['header']>[number]

function readHeaderChange(value: unknown): HeaderChange {
  const change = fieldsOf(value, 'a header change')
  const name = checkFieldName(change['name'])
  const index = change['index']
  if (index !== undefined && !isCount(index, 1)) throw new BadAnswer('a header index that counts nothing')
  const at = change['at']
  switch (change['type']) {
    case 'add':
      if (at !== undefined && at !== 'start' && at !== 'end' && !isCount(at, 0)) {
        throw new BadAnswer('a place in the header that is none')
      }
      return {
        type: 'add',
        name,
        value: checkFieldValue(change['value']),
        ...(at === undefined ? {} : { at }),
      }
    case 'change':
      return {
        type: 'change',
        name,
        value: checkFieldValue(change['value']),
        ...(index === undefined ? {} : { index }),
      }
    case 'remove':
      return { type: 'remove', name, ...(index === undefined ? {} : { index }) }
    default:
      throw new BadAnswer(`no header change: ${JSON.stringify(change['type'])}`)
  }
}

function isCount(value: unknown, least: number): value is number {
  return typeof value === 'number' && Number.isSafeInteger(value) && value >= least
}

/** RFC 5322 §3.6.8 `ftext`; RFC 5322 §2.1.1: a line has at most 998 characters. */
function checkFieldName(name: unknown): string {
  if (typeof name !== 'string' || !/^[!-9;-~]{1,900}$/.test(name)) {
    throw new BadAnswer(`no name of a header field: ${JSON.stringify(name)}`)
  }
  return name
}

/** RFC 5322 §2.2.3: a line break is followed by white space, and no line is blank; else the header would end, or a field begin. */
function checkFieldValue(value: unknown): string {
  if (typeof value !== 'string') throw new BadAnswer('a header value is no text')
  const lines = value.split(/\r?\n/)
  const folded = lines.slice(1).every((next) => /^[ \t]+[^ \t]/.test(next))
  if (!folded || /[\0\r]/.test(lines.join('')))
    throw new BadAnswer('a header value that would break the header')
  // RFC 5322 §2.1.1: without the room for the name, which the first line shares.
  if (lines.some((text) => Buffer.byteLength(text) > 998))
    throw new BadAnswer('a header line of over 998 octets')
  return lines.join('\r\n')
}

function checkAddress(value: unknown): string {
  if (typeof value !== 'string' || tryAddress(value, { utf8: true }) === undefined) {
    throw new BadAnswer(`no address: ${JSON.stringify(value)}`)
  }
  return value
}

function addresses(value: unknown, limit: number): string[] | undefined {
  return list(value, { what: 'recipients', limit })?.map(checkAddress)
}

function list(
  value: unknown,
  { what, limit }: { what: string; limit: number },
): readonly unknown[] | undefined {
  if (value === undefined) return undefined
  if (!Array.isArray(value)) throw new BadAnswer(`${what} is no list`)
  if (value.length > limit) throw new BadAnswer(`${what} has more than ${limit} entries`)
  return value
}

function fieldsOf(value: unknown, what: string): Fields {
  if (typeof value !== 'object' || value === null || Array.isArray(value)) {
    throw new BadAnswer(`${what} is no object`)
  }
  // An object that is no list has named properties; each is looked at before it is used.
  return value as Fields
}

/** Where in a session: a refusal before the greeting ends it. */
export type Stage = 'connect' | 'helo' | 'mail' | 'rcpt' | 'data'

/** The reply to a refusal. RFC 5321 §4.3.2: before the greeting only 421 and 554 may be said, and both end the session. */
export function makeRefusal(
  decision: { type: 'defer' | 'reject'; code?: number; status?: string; text?: string },
  { by, stage }: { by: string; stage: Stage },
): PolicyRefusal {
  const early = stage === 'connect'
  const usual = decision.type === 'defer' ? (early ? 421 : 451) : early ? 554 : 550
  const code = early ? usual : (decision.code ?? usual)
  return {
    type: 'refuse',
    code,
    // RFC 3463 §3.8: X.7.1, refused by policy.
    status: decision.status ?? (decision.type === 'defer' ? '4.7.1' : '5.7.1'),
    text: decision.text ?? (decision.type === 'defer' ? 'Try again later' : 'Refused by policy'),
    then: early || code === 421 ? 'close' : 'go-on',
    by,
  }
}
