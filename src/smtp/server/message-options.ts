// What MAIL asked for, as it travels with the message: relative times made absolute, and what this host does not let everybody
// ask for lowered.
import { plainMessageOptions, type MessageOptions } from '../../mail/delivery-options.ts'
import type { Sender } from '../proto/questions.ts'

interface Allowed {
  /** Milliseconds since the epoch. */
  readonly now: number
  /** The highest that this sender may ask for. */
  readonly maxPriority: number
  /** The address that the client proved to be his; null where he proved none. */
  readonly account: string | null
}

/** The options of a message that begins now. */
export function messageOptions(sender: Sender, { now, maxPriority, account }: Allowed): MessageOptions {
  if (isPlain(sender)) return plainMessageOptions
  const { hold, by } = sender
  const { body, smtpUtf8, ret, envId, requireTls, solicitation, auth } = sender
  return {
    ...{ body, smtpUtf8, ret, envId, requireTls, solicitation },
    // RFC 4954 §5: what a client says of others without our trust goes on as `<>`.
    auth: auth === null || auth.toLowerCase() === account ? auth : '',
    // The header says it, and that is not here yet.
    tlsOptional: false,
    // RFC 4865 §4.2 (5) and (6): not released before.
    holdUntil: hold === null ? null : 'until' in hold ? hold.until : now + hold.seconds * 1000,
    ...(hold !== null && 'seconds' in hold ? { holdFor: hold.seconds } : {}),
    // RFC 2852 §4: "convert the by-time into a locale-specific absolute time".
    deliverBy: by === null ? null : { at: now + by.seconds * 1000, mode: by.mode, trace: by.trace },
    // RFC 6710 §4.1 (3): a server may lower what it was asked for.
    priority: Math.min(sender.priority, maxPriority),
  }
}

/** Most messages ask for nothing. */
function isPlain(sender: Sender): boolean {
  return (
    sender.body === '7BIT' &&
    !sender.smtpUtf8 &&
    sender.ret === null &&
    sender.envId === null &&
    !sender.requireTls &&
    sender.hold === null &&
    sender.by === null &&
    sender.priority === 0 &&
    sender.solicitation.length === 0 &&
    sender.auth === null
  )
}
