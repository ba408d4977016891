// How a host of the simulated Internet behaves. A personality answers at each stage of a session; what it does not decide goes the
// honest way. One object serves all sessions of a host, so that it can remember (greylisting, rate limits).
import type { Random } from '../../src/base/random.ts'
import type { VirtualClock } from '../../src/base/virtual-clock.ts'
import type { Kept } from './peer.ts'
import type { OutgoingMessage } from './sender.ts'

/** Where a session stands when the host is to answer. */
export type Stage = 'connect' | 'ehlo' | 'helo' | 'starttls' | 'mail' | 'rcpt' | 'data' | 'content' | 'quit'

/** What the host does instead of its honest reply. */
export type Act =
  /** Lines with codes, without CRLF. */
  | { readonly type: 'say'; readonly lines: readonly string[]; readonly then?: 'close' }
  | { readonly type: 'close' }
  /** Never says anything again. */
  | { readonly type: 'hang' }

/** What it knows of the session. */
export interface Session {
  readonly client: string
  readonly reversePath: string
  readonly recipient: string
  /** Messages that this connection has brought. */
  readonly messages: number
}

export interface Personality {
  readonly name: string
  /** EHLO keywords; null: a host of 1985 that knows HELO alone. */
  readonly extensions: readonly string[] | null
  /** Milliseconds before each reply. */
  pace?(stage: Stage): number
  /** `pieces`: replies come cut into single octets over time. */
  readonly replies?: 'whole' | 'pieces'
  act?(stage: Stage, session: Session): Act | undefined
  /** `kept-silently`: takes the message and breaks the connection before its reply (RFC 1047). */
  fate?(session: Session): 'kept' | 'kept-silently'
  /** Mail of its own that it sends for what it kept: automatic answers. */
  answer?(kept: Kept, domain: string): OutgoingMessage | undefined
}

export const usualExtensions = ['PIPELINING', 'SIZE 52428800', '8BITMIME', 'ENHANCEDSTATUSCODES']

const say = (...lines: string[]): Act => ({ type: 'say', lines })
const sayAndClose = (...lines: string[]): Act => ({ type: 'say', lines, then: 'close' })

export interface Surroundings {
  readonly clock: VirtualClock
  readonly random: Random
}

const minute = 60_000
const hour = 60 * minute

/** All kinds of hosts, by name. Each call makes a host with a memory of its own. */
export const personalities: Readonly<Record<string, (around: Surroundings) => Personality>> = {
  honest: () => ({
    name: 'honest',
    extensions: [...usualExtensions, 'CHUNKING', 'DSN', 'SMTPUTF8', 'LIMITS RCPTMAX=100'],
  }),
  ancient: () => ({ name: 'ancient', extensions: null }),
  'knows no pipelining': () => ({ name: 'knows no pipelining', extensions: ['SIZE 10240000'] }),
  'one recipient at a time': () => ({
    name: 'one recipient at a time',
    extensions: [...usualExtensions, 'LIMITS RCPTMAX=1 MAILMAX=2'],
  }),
  greylisting: ({ clock }) => {
    const seen = new Map<string, number>()
    return {
      name: 'greylisting',
      extensions: usualExtensions,
      act(stage, { reversePath, recipient, client }) {
        if (stage !== 'rcpt') return undefined
        const key = `${client} ${reversePath} ${recipient}`
        const first = seen.get(key)
        if (first === undefined) seen.set(key, clock.now())
        const passed = first !== undefined && clock.now() - first >= 5 * minute
        return passed ? undefined : say('451 4.7.1 Greylisted, try again later')
      },
    }
  },
  'limits the rate': ({ clock }) => {
    let windowStart = 0
    let taken = 0
    return {
      name: 'limits the rate',
      extensions: [...usualExtensions, 'CHUNKING'],
      act(stage) {
        if (clock.now() - windowStart > 10 * minute) {
          windowStart = clock.now()
          taken = 0
        }
        if (stage === 'mail' && taken >= 5) return sayAndClose('421 4.7.28 Rate limit exceeded')
        if (stage === 'content') taken++
        return undefined
      },
    }
  },
  tarpit: () => ({ name: 'tarpit', extensions: usualExtensions, pace: () => 20_000 }),
  'says it in pieces': () => ({
    name: 'says it in pieces',
    extensions: [...usualExtensions, 'CHUNKING'],
    replies: 'pieces',
    pace: () => 100,
  }),
  'thinks for minutes': () => ({
    name: 'thinks for minutes',
    extensions: usualExtensions,
    pace: (stage) => (stage === 'content' ? 8 * minute : 1000),
  }),
  'drops anywhere': ({ random }) => ({
    name: 'drops anywhere',
    extensions: [...usualExtensions, 'CHUNKING'],
    act: () => (random.below(12) === 0 ? { type: 'close' } : undefined),
  }),
  'hangs sometimes': ({ random }) => ({
    name: 'hangs sometimes',
    extensions: usualExtensions,
    act: (stage) => (stage !== 'content' && random.below(15) === 0 ? { type: 'hang' } : undefined),
  }),
  'silent after the dot': ({ random }) => ({
    name: 'silent after the dot',
    extensions: [...usualExtensions, 'CHUNKING'],
    fate: () => (random.below(3) === 0 ? 'kept-silently' : 'kept'),
  }),
  'busy at times': ({ random }) => ({
    name: 'busy at times',
    extensions: usualExtensions,
    act: (stage) =>
      stage === 'connect' && random.below(3) > 0 ? sayAndClose('421 4.3.2 Too busy, come back') : undefined,
  }),
  'refuses at the end': ({ random }) => ({
    name: 'refuses at the end',
    extensions: [...usualExtensions, 'CHUNKING'],
    act: (stage) =>
      stage === 'content' && random.below(2) === 0 ? say('451 4.3.0 The filter is not ready') : undefined,
  }),
  'knows few people': () => ({
    name: 'knows few people',
    extensions: [...usualExtensions, 'DSN'],
    act: (stage, { recipient }) =>
      stage === 'rcpt' && /^[n-z]/.test(recipient) ? say('550 5.1.1 No such user') : undefined,
  }),
  'full for a day': ({ clock }) => {
    const until = clock.now() + 24 * hour
    return {
      name: 'full for a day',
      extensions: usualExtensions,
      act: (stage) => (stage === 'rcpt' && clock.now() < until ? say('452 4.2.2 Mailbox full') : undefined),
    }
  },
  'never takes it': () => ({
    name: 'never takes it',
    extensions: usualExtensions,
    act: (stage) => (stage === 'rcpt' ? say('450 4.2.0 Not now') : undefined),
  }),
  'dislikes content': () => ({
    name: 'dislikes content',
    extensions: usualExtensions,
    act: (stage) => (stage === 'content' ? say('554 5.7.1 We do not like this') : undefined),
  }),
  'mailboxes are full': () => ({
    name: 'mailboxes are full',
    extensions: [...usualExtensions, 'DSN'],
    act: (stage) => (stage === 'rcpt' ? say('552 5.2.2 The mailbox is full') : undefined),
  }),
  'answers everything': () => ({
    name: 'answers everything',
    extensions: [...usualExtensions, 'DSN'],
    answer: (kept, domain) => automaticAnswer(kept, domain),
  }),
  'takes half of all recipients': ({ random }) => ({
    name: 'takes half of all recipients',
    extensions: [...usualExtensions, 'CHUNKING'],
    act: (stage) =>
      stage === 'rcpt' && random.below(2) === 0
        ? say(random.below(2) === 0 ? '450 4.2.1 Later' : '452 4.5.3 Enough for this time')
        : undefined,
  }),
  'closed to us': () => ({
    name: 'closed to us',
    extensions: usualExtensions,
    act: (stage) => (stage === 'connect' ? sayAndClose('554 5.7.1 Your address is listed') : undefined),
  }),
}

/** An automatic answer of the worst kind: to everything, reports too, but marked as RFC 3834 §5 wants it. */
export function automaticAnswer(
  { reversePath, recipient, content }: Kept,
  domain: string,
): OutgoingMessage | undefined {
  const to = reversePath === '' ? /^From: .*?<([^>]+)>/im.exec(content)?.[1] : reversePath
  if (to === undefined || !to.includes('.test') || to.endsWith(`@${domain}`)) return undefined
  const header = `From: <${recipient}>\r\nTo: <${to}>\r\nSubject: Away\r\nAuto-Submitted: auto-replied\r\nDate: Thu, 1 Jan 2026 00:00:00 +0000\r\n`
  return { from: '', to, text: `${header}\r\nI am away.\r\n` }
}
