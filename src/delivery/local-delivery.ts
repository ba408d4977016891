// Delivery straight into the mailboxes of this store: no spool between the protocol and the mailbox.
import type { Checkpoint } from '../base/checkpoint.ts'
import type { MailStore } from '../store/store.ts'
import type { Arrival, ArrivalRecipient, Delivery } from './delivery.ts'

/** What ends a loop. */
export interface LoopLimits {
  /** Received fields that a message may have when it comes (RFC 5321 §6.3 asks for at least 100). */
  readonly maxReceived: number
}

/** Delivers into `store`. */
export function createLocalDelivery(options: {
  store: MailStore
  limits: LoopLimits
  checkpoint?: Checkpoint | undefined
}): Delivery {
  const { store, limits, checkpoint } = options
  return {
    async deliver(arrival) {
      const recipients = oncePerAccount(arrival.recipients)
      if (loops(arrival, recipients, limits)) return { ok: false, reason: 'loop' }
      checkpoint?.('delivery.hand-over')
      const stored = await store.deliver({
        message: arrival.message,
        internalDate: arrival.receivedAt,
        targets: recipients.map((recipient) => ({
          account: recipient.account,
          prefix: arrival.trace(recipient),
        })),
      })
      checkpoint?.('delivery.committed')
      if (!stored.ok) return stored
      return { ok: true, unknown: recipients.filter((_, index) => stored.results[index]?.ok === false) }
    },
  }
}

function oncePerAccount(recipients: readonly ArrivalRecipient[]): readonly ArrivalRecipient[] {
  if (recipients.length === 1) return recipients
  const byAccount = new Map<number, ArrivalRecipient>()
  for (const recipient of recipients) {
    if (!byAccount.has(recipient.account)) byAccount.set(recipient.account, recipient)
  }
  return [...byAccount.values()]
}

/**
 * RFC 5321 §6.3: counting Received finds loops between hosts; a Delivered-To of our own finds those of aliases and forwarding
 * on the second round already. Refused whole: a message that loops for one recipient is no message for the others.
 */
function loops(arrival: Arrival, recipients: readonly ArrivalRecipient[], limits: LoopLimits): boolean {
  const { receivedCount, deliveredTo } = arrival.structure
  if (receivedCount > limits.maxReceived) return true
  if (deliveredTo.length === 0) return false
  const seen = new Set(deliveredTo.map((address) => address.toLowerCase()))
  return recipients.some((recipient) => seen.has(recipient.deliveredTo.toLowerCase()))
}
