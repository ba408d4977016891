// The way of queued mail for mailboxes of ours: what was held on arrival and has been released. Wraps the transport for
// everything else.
//
// A message is filed once, whatever stops between the mailbox and the queue's row: each row's delivery has a key of its own.
import { Buffer } from 'node:buffer'
import type { Clock } from '../base/clock.ts'
import type { Directory } from '../directory/directory.ts'
import { tryAddress } from '../mail/address.ts'
import { formatDeliveredTo, formatReturnPath } from '../mail/received.ts'
import type { Destination, JobSource, RecipientResult, Transport } from '../queue/transport.ts'
import { ingest } from '../store/ingest.ts'
import type { VacationResponder } from './vacation.ts'
import type { Attempt, QueueMessage, QueueRecipient } from '../store/queue.ts'
import type { Store } from '../store/store.ts'

export interface LocalLaneOptions {
  readonly store: Pick<Store, 'deliver' | 'blobs'>
  readonly directory: Pick<Directory, 'resolve'>
  readonly clock: Clock
  /** Absent: nobody is answered. */
  readonly vacation?: Pick<VacationResponder, 'delivered'>
  /** For recipients elsewhere. */
  readonly elsewhere: Transport
}

const destination: Destination = { key: 'local', route: 'local', maxConnections: 4, maxRecipients: 1 }
/** How long a delivery that was made is remembered: longer than a row lives. */
const rememberedFor = 30 * 86_400_000

export function withLocalLane(options: LocalLaneOptions): Transport {
  const { elsewhere } = options
  return {
    destinationOf: (recipient, message) =>
      recipient.options.local ? destination : elsewhere.destinationOf(recipient, message),
    run: (lane) =>
      lane.destination.key === destination.key ? file(lane.jobs, options) : elsewhere.run(lane),
  }
}

async function file(jobs: JobSource, options: LocalLaneOptions): Promise<void> {
  for (let job = await jobs.next(); job !== null; job = await jobs.next()) {
    const results: RecipientResult[] = []
    for (const recipient of job.recipients) results.push(await fileOne(job.message, recipient, options))
    jobs.report(job, results)
  }
}

async function fileOne(
  message: QueueMessage,
  recipient: QueueRecipient,
  options: LocalLaneOptions,
): Promise<RecipientResult> {
  const { store, directory, clock } = options
  const now = clock.now()
  const address = tryAddress(recipient.address, { utf8: true })
  const resolution = address && (await directory.resolve(address))
  if (resolution?.type === 'over-quota') return full(now)
  const [owner] = resolution?.type === 'local' ? resolution.recipients : []
  if (address === undefined || owner === undefined) return gone(now)
  const sender = tryAddress(message.reversePath, { utf8: true })
  const utf8 = message.options.smtpUtf8
  const copy = ingest({ blobs: store.blobs })
  try {
    const header = new HeaderStart()
    for await (const chunk of store.blobs.read(message.blob)) {
      header.push(chunk)
      await copy.write(chunk)
    }
    const staged = await copy.finish()
    const stored = await store.deliver({
      message: staged.message,
      internalDate: now,
      targets: [
        {
          account: owner.account.id,
          prefix: formatReturnPath(sender ?? null) + formatDeliveredTo(address, { utf8 }) + message.prefix,
        },
      ],
      once: {
        account: owner.account.id,
        key: `queue ${message.id} ${recipient.number}`,
        result: '',
        expiresAt: now + rememberedFor,
      },
    })
    const filed = { outcome: 'delivered', reply: 'delivered', status: '2.0.0' } as const
    if (stored.ok) {
      const { account, list } = owner
      await options.vacation?.delivered({
        recipient: { account: account.id, deliveredTo: recipient.address, list },
        ...{ sender: sender ?? null, header: header.text, name: message.name },
      })
    }
    if (stored.ok || stored.reason === 'done-before') {
      return { type: 'done', outcome: 'delivered', attempt: words(now, filed) }
    }
    return stored.reason === 'over-quota' ? full(now) : gone(now)
  } finally {
    await copy.discard()
  }
}

function full(now: number): RecipientResult {
  const attempt = words(now, { outcome: 'deferred', reply: 'the mailbox is full', status: '4.2.2' })
  return { type: 'deferred', scope: 'recipient', attempt }
}

function gone(now: number): RecipientResult {
  const attempt = words(now, { outcome: 'failed', reply: 'the mailbox is gone', status: '5.1.1' })
  return { type: 'failed', attempt }
}

function words(at: number, said: Pick<Attempt, 'outcome' | 'reply' | 'status'>): Attempt {
  return {
    ...{ at, host: null, address: null, tls: null, verification: null, policy: null, stage: 'content' },
    ...said,
  }
}

/** Octets of a message that hold its header, as a rule. */
const headerOctets = 128 * 1024

/** The first octets of what passes by. */
class HeaderStart {
  readonly #chunks: Uint8Array[] = []
  #octets = 0

  push(chunk: Uint8Array): void {
    if (this.#octets >= headerOctets) return
    const piece = chunk.subarray(0, headerOctets - this.#octets)
    this.#chunks.push(piece)
    this.#octets += piece.length
  }

  /** A binary string. */
  get text(): string {
    return Buffer.concat(this.#chunks).toString('latin1')
  }
}
