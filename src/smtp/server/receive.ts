// The taking in of one message: its bytes into the store while they come, and at the end the trace fields and one commit.
//
// Nothing is promised before `deliver` has resolved, and nothing is left when it did not: whatever goes wrong before the
// commit discards what was staged (docs/architecture.md: what "250" means).
import type { Checkpoint } from '../../base/checkpoint.ts'
import type { Peer } from '../../base/core.ts'
import type { ArrivalRecipient, Delivery, DeliveryRefusal } from '../../delivery/delivery.ts'
import { tryAddress } from '../../mail/address.ts'
import { formatDeliveredTo, formatReceived, formatReturnPath, withProtocol } from '../../mail/received.ts'
import type { Ingest } from '../../store/ingest.ts'
import type { Envelope, SmtpClient } from '../proto/questions.ts'
import { replies, type Reply } from '../proto/reply.ts'

/** Who brought the message, as its Received field tells it. */
export interface Arrived {
  readonly client: SmtpClient
  readonly envelope: Envelope
  readonly peer: Peer
  /** By reverse DNS; null where unknown. */
  readonly remoteName: string | null
  /** This host. */
  readonly hostName: string
  readonly id: string
  /** Milliseconds since the epoch. */
  readonly time: number
}

export type Received =
  | {
      readonly ok: true
      readonly reply: Reply
      readonly bytes: number
      readonly vanished: readonly ArrivalRecipient[]
    }
  | { readonly ok: false; readonly reply: Reply; readonly reason: DeliveryRefusal }

/** Finishes the staged message and delivers it. Rejects when the store cannot; nothing was kept then. */
export async function receiveMessage(
  delivery: Delivery,
  message: {
    staged: Ingest
    recipients: readonly ArrivalRecipient[]
    arrived: Arrived
    checkpoint?: Checkpoint | undefined
  },
): Promise<Received> {
  const { staged, recipients, arrived, checkpoint } = message
  try {
    const finished = await staged.finish()
    checkpoint?.('smtp.staged')
    const result = await delivery.deliver({
      reversePath: arrived.envelope.sender.reversePath,
      recipients,
      message: finished.message,
      structure: finished.structure,
      trace: makeTrace(arrived),
      receivedAt: arrived.time,
    })
    if (result.ok) {
      const { size } = finished.message.blob
      return { ok: true, reply: replies.messageOkAs(arrived.id), bytes: size, vanished: result.unknown }
    }
    await staged.discard()
    return { ok: false, reply: refusals[result.reason], reason: result.reason }
  } catch (error) {
    await staged.discard()
    throw error
  }
}

const refusals: Record<DeliveryRefusal, Reply> = {
  loop: replies.loop,
  'over-quota': replies.mailboxFull,
  'no-such-account': replies.noSuchUser,
  'queue-full': replies.queueFull,
  'no-relay': replies.noRelay,
}

/** RFC 5321 §4.4: Return-Path and Received; Delivered-To (RFC 9228 §3) differs by recipient. */
function makeTrace(arrived: Arrived): (recipient: ArrivalRecipient | null) => string {
  const { client, envelope, peer } = arrived
  const { sender, recipients } = envelope
  const [only] = recipients
  const received = formatReceived({
    helo: client.name,
    remoteAddress: peer.remoteAddress,
    remoteName: arrived.remoteName,
    by: arrived.hostName,
    protocol: withProtocol({
      dialect: 'smtp',
      extended: client.extended,
      tls: client.tls !== null,
      authenticated: client.username !== null,
      utf8: sender.smtpUtf8,
    }),
    id: arrived.id,
    recipient: recipients.length === 1 ? (only?.address ?? null) : null,
    tls: client.tls,
    time: arrived.time,
  })
  const returnPath = formatReturnPath(sender.reversePath)
  return (recipient) => {
    if (recipient === null) return received
    const { deliveredTo } = recipient
    const address = tryAddress(deliveredTo, { utf8: true })
    const field = address === undefined ? '' : formatDeliveredTo(address, { utf8: sender.smtpUtf8 })
    return `${returnPath}${field}${received}`
  }
}
