// One try, as it is kept: which host, what protected the way there, where it ended and with which words.
//
// A status always agrees with its outcome (RFC 3463 §2: class 2, 4 or 5): a host that greets with 554 is deferred by us, since
// another or the same host may take the mail later, and then the record says 4.
import type { ServerReply } from '../smtp/client/reply.ts'
import type { ClientStage, SessionEnding } from '../smtp/client/outgoing.ts'
import type { Attempt } from '../store/queue.ts'

/** What is known of a connection. */
export interface HostFacts {
  readonly host: string | null
  readonly address: string | null
  readonly tls: string | null
  readonly verification: string | null
  readonly policy: string | null
}

/** Before anything is known. */
export const noFacts: HostFacts = { host: null, address: null, tls: null, verification: null, policy: null }

/** Why a host, or all of them, could not be used. */
export interface Trouble {
  readonly facts: HostFacts
  readonly stage: string
  /** Verbatim, or our words. */
  readonly reply: string
  readonly status: string
  readonly outcome: 'deferred' | 'failed'
}

/** The record of a try. */
export function makeAttempt(request: {
  readonly at: number
  readonly facts: HostFacts
  readonly stage: string
  readonly outcome: Attempt['outcome']
  readonly reply: string
  readonly status: string
}): Attempt {
  const { facts, at, stage, outcome, reply, status } = request
  return { at, ...facts, stage, outcome, reply, status: withClass(status, classOf(outcome)) }
}

function classOf(outcome: Attempt['outcome']): '2' | '4' | '5' {
  if (outcome === 'delivered' || outcome === 'relayed' || outcome === 'discarded') return '2'
  return outcome === 'failed' ? '5' : '4'
}

/** RFC 3463 §2: the same subject and detail in another class. */
function withClass(status: string, wanted: '2' | '4' | '5'): string {
  return /^[245]\.\d{1,3}\.\d{1,3}$/.test(status) ? wanted + status.slice(1) : `${wanted}.0.0`
}

/** RFC 3463: what the host said, or the least that its code says. */
export function statusOf(reply: ServerReply): string {
  if (reply.enhanced !== null) return reply.enhanced
  // RFC 7504 §3 and §4, RFC 5321 §4.2.3: codes that mean one thing alone.
  const known = statusByCode[reply.code]
  return known ?? `${Math.trunc(reply.code / 100)}.0.0`
}

/** RFC 5248 §2.4 and the RFCs that made these codes. */
const statusByCode: Readonly<Record<number, string>> = {
  421: '4.3.2',
  450: '4.2.1',
  452: '4.3.1',
  455: '4.5.1',
  521: '5.3.2',
  535: '5.7.8',
  550: '5.1.1',
  552: '5.3.4',
  556: '5.1.10',
}

/** Where the client was, in the words of `Attempt.stage`. */
export function stageName(stage: ClientStage): string {
  return stage === 'idle' ? 'mail' : stage
}

/** The end of a session as words, and the status that it deserves (RFC 3463 §3.5). */
export function endingWords(ending: SessionEnding): { readonly reply: string; readonly status: string } {
  switch (ending.type) {
    case 'farewell':
      return { reply: ending.reply.verbatim, status: statusOf(ending.reply) }
    case 'lost':
      return { reply: `the connection was lost: ${ending.error}`, status: '4.4.2' }
    case 'timed-out':
      return {
        reply: `the host did not answer within ${Math.round(ending.milliseconds / 1000)} seconds`,
        status: '4.4.2',
      }
    case 'nonsense':
      return { reply: `what the host said is no SMTP: ${ending.problem}`, status: '4.5.0' }
    case 'cut-short':
      return { reply: `the host ended the message early: ${ending.problem}`, status: '4.4.2' }
    case 'handshake-failed':
      return { reply: `the TLS handshake failed: ${ending.error}`, status: '4.7.5' }
    case 'closed':
      return { reply: 'the session was closed by this side', status: '4.3.2' }
  }
}
