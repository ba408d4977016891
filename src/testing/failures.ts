// Failures as a test scripts them, made into rules of the catcher's chaos: the same on each run.
import { type ChaosRule, chaosRule, type ChaosStage } from '../config/sections/catcher.ts'

/** A text is the whole address or name; a pattern is looked for. */
type Named = string | RegExp

export interface Failure {
  /** Where in the session. `end` is the reply to the message itself. */
  readonly at: ChaosStage
  readonly sender?: Named
  readonly recipient?: Named
  readonly username?: Named
  /** What EHLO said. */
  readonly client?: Named
  /** At `end` alone. */
  readonly subject?: Named
  /** Only the first so many times that all of this fits; default: always. */
  readonly first?: number
  /** Not the first so many times. */
  readonly skip?: number
  readonly every?: number
  /** What these three count by; default: the server. */
  readonly per?: 'server' | 'session' | 'sender' | 'recipient'
  /** Only while more connections than this are open. */
  readonly connections?: number
  /** 421, or with a text, `'421 4.7.0 Come back later'`. After 421 the connection ends. */
  readonly reply?: number | string
  /** The reply comes that much later (`'2s'`, or milliseconds). */
  readonly delay?: number | string
  /** Ends the connection instead of a reply: in order, or at once. */
  readonly drop?: 'close' | 'reset'
  /** With `drop`, at `body`: after so many octets of the message. */
  readonly after?: number
  /** At `starttls`: what comes instead of a handshake. */
  readonly tls?: 'close' | 'garbage'
  /** At `body`: octets a second. */
  readonly slow?: number
}

/** The rules that it stands for: a delay goes before what else is done. Throws a TypeError where it does nothing, or two things. */
export function rulesOf(failure: Failure): ChaosRule[] {
  const actions = actionsOf(failure)
  if (actions.length === 0) throw new TypeError('a failure needs one of reply, delay, drop, tls and slow')
  if (actions.filter(({ type }) => type !== 'delay' && type !== 'slow').length > 1) {
    throw new TypeError('a failure can have one of reply, drop and tls')
  }
  const { at, sender, recipient, username, client, subject, first, skip, every, per, connections } = failure
  const named = Object.entries({ sender, recipient, username, client, subject }).flatMap(([name, value]) =>
    value === undefined ? [] : [[name, patternOf(value)] as const],
  )
  const counted = Object.entries({ first, skip, every, per, connections }).filter(
    ([, value]) => value !== undefined,
  )
  return actions.map((action) =>
    chaosRule.parse({ stage: at, ...Object.fromEntries([...named, ...counted]), action }),
  )
}

function actionsOf({ reply, delay, drop, after, tls, slow }: Failure): { type: string }[] {
  const actions: { type: string }[] = []
  if (delay !== undefined) actions.push({ type: 'delay', ...{ time: duration(delay) } })
  if (slow !== undefined) actions.push({ type: 'slow', ...{ rate: slow } })
  if (reply !== undefined) actions.push({ type: 'reply', ...replyOf(reply) })
  if (drop !== undefined)
    actions.push({ type: 'drop', ...{ how: drop, ...(after !== undefined && { after }) } })
  if (tls !== undefined) actions.push({ type: 'tls-failure', ...{ how: tls } })
  return actions
}

function duration(length: number | string): string {
  return typeof length === 'number' ? `${length}ms` : length
}

function replyOf(reply: number | string): object {
  const match = /^([45]\d\d)(?: ([45]\.\d{1,3}\.\d{1,3}))?(?: (.*))?$/.exec(String(reply))
  if (match === null) throw new TypeError(`${reply} is no reply of class 4 or 5`)
  const [, code, status, text] = match
  // RFC 5321 §3.8: whoever says 421 closes.
  return { code: Number(code), ...(status && { status }), ...(text && { text }), close: code === '421' }
}

/** Of the whole text where it is one. */
function patternOf(value: Named): string {
  // Not `instanceof RegExp`: a pattern of Jest's sandbox is of another realm.
  return typeof value === 'string' ? `^${RegExp.escape(value)}$` : value.source
}
