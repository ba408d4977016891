// What comes back: reports of other hosts are matched to the messages that they are about, recorded, told to webhooks, and a
// list's member whose mail keeps bouncing is left out by rule.
//
// A report is a claim of a stranger. It is believed as far as it names something that only those know who had the message: our
// envelope id, its Message-ID, or a return path of ours with its hash; and it can at most leave out a member of a list that
// the message went to. It is filed in any case: nothing here refuses or drops mail, and trouble here is only logged.
import { Buffer } from 'node:buffer'
import type { Events } from '../events/event.ts'
import { bounceMatched, queueStoreTrouble, recipientSuppressed } from '../events/queue.ts'
import { errorText } from '../events/error-text.ts'
import { addressKey, formatAddress, tryAddress } from '../mail/address.ts'
import { type ParsedRecipientReport, type ParsedReport, tryReport } from '../mail/dsn-parse.ts'
import { memberKey } from '../queue/enqueue.ts'
import type { ReturnPaths } from '../queue/return-paths.ts'
import type { QueueEntry, QueueRecipient } from '../store/queue.ts'
import type { Store } from '../store/store.ts'
import type { Arrival } from './delivery.ts'

export interface BounceRules {
  /** 0: never. */
  readonly suppressAfter: number
  /** Milliseconds. */
  readonly within: number
  readonly suppressFor: number
  /** Octets of a report that is read. */
  readonly maxSize: number
}

/** One failure of one member of a list. */
export interface MemberBounce {
  /** Addresses. */
  readonly owner: string
  readonly member: string
  readonly status: string
  readonly at: number
}

export interface BounceReader {
  /** Looks at a message without a sender that was filed. Never rejects. */
  take(arrival: Arrival): Promise<void>
  /** Counts a failure towards the rule. Never rejects. */
  countMember(bounce: MemberBounce): Promise<void>
}

export interface BounceReaderOptions {
  readonly store: Pick<Store, 'findSent' | 'queueList' | 'chargeRate' | 'suppress' | 'settle' | 'blobs'>
  readonly events: Events
  readonly rules: BounceRules
  /** To know the owner and the member in a return path that a row has. */
  readonly returnPaths: ReturnPaths
  readonly webhooks?: 'on' | 'off'
}

export function createBounceReader(options: BounceReaderOptions): BounceReader {
  const reading = new Reading(options)
  const guarded = async (work: Promise<void>): Promise<void> => {
    try {
      await work
    } catch (error) {
      options.events.emit(queueStoreTrouble, { doing: 'bounce', error: errorText(error) })
    }
  }
  return {
    take: (arrival) => guarded(reading.take(arrival)),
    countMember: (bounce) => guarded(reading.countMember(bounce)),
  }
}

class Reading {
  readonly #parts: BounceReaderOptions

  constructor(parts: BounceReaderOptions) {
    this.#parts = parts
  }

  async take(arrival: Arrival): Promise<void> {
    // Our own reports say nothing that was not known here before they were made.
    if (arrival.origin === 'report') return
    const report = await this.#report(arrival)
    if (report === undefined) return
    const at = arrival.receivedAt
    for (const { bounce } of arrival.recipients) {
      const failed = report.recipients.find(isFinal)
      if (bounce === undefined || failed === undefined) continue
      await this.countMember({ ...bounce, status: failed.status, at })
    }
    const entry = await this.#match(report)
    if (entry === undefined) return
    const byPath = arrival.recipients.some(({ bounce }) => bounce !== undefined)
    for (const one of report.recipients) await this.#record(one, { entry, at, byPath })
  }

  async countMember({ owner, member, status, at }: MemberBounce): Promise<void> {
    const { rules, store, events } = this.#parts
    if (rules.suppressAfter === 0) return
    const parsed = tryAddress(member, { utf8: true })
    const address = memberKey(owner, parsed === undefined ? member : addressKey(parsed))
    const charged = await store.chargeRate({
      key: `bounce ${address}`,
      start: Math.floor(at / rules.within) * rules.within,
      amount: 1,
      limit: rules.suppressAfter - 1,
    })
    if (charged.ok) return
    const reason = `${rules.suppressAfter} failures (the last one ${status || 'without a status'})`
    await store.suppress({ address, reason, since: at, until: at + rules.suppressFor })
    events.emit(recipientSuppressed, { address, reason })
  }

  async #report(arrival: Arrival): Promise<ParsedReport | undefined> {
    const { rules, store } = this.#parts
    const { blob } = arrival.message
    if (blob.size > rules.maxSize) return undefined
    if (blob.type === 'inline') return tryReport(blob.bytes, arrival.structure)
    const chunks: Uint8Array[] = []
    for await (const chunk of store.blobs.readStaged(blob)) chunks.push(chunk)
    return tryReport(Buffer.concat(chunks), arrival.structure)
  }

  async #match(report: ParsedReport): Promise<(QueueEntry & { by: string }) | undefined> {
    const { store } = this.#parts
    const { envelopeId, originalMessageId } = report
    const byEnvelope = envelopeId === null ? undefined : await store.findSent({ envId: envelopeId })
    const id =
      byEnvelope ??
      (originalMessageId === null ? undefined : await store.findSent({ messageId: originalMessageId }))
    if (id === undefined) return undefined
    const [entry] = await store.queueList({ filter: { id }, limit: 1, finished: 'with' })
    return entry && { ...entry, by: byEnvelope === undefined ? 'message-id' : 'envelope-id' }
  }

  async #record(
    one: ParsedRecipientReport,
    context: { entry: QueueEntry & { by: string }; at: number; byPath: boolean },
  ): Promise<void> {
    const { store, events, webhooks } = this.#parts
    const { entry, at, byPath } = context
    const row = rowOf(one, entry.recipients)
    const recipient = row?.address ?? one.finalRecipient
    const { name } = entry.message
    const { action, status, diagnostic } = one
    events.emit(bounceMatched, { message: name, recipient, by: entry.by, action, status })
    if (webhooks === 'on' && action === 'failed') {
      const payload = JSON.stringify({ id: name, recipient, status, diagnostic, reportedBy: 'report' })
      const hookEvents = [{ type: 'message.bounced', at, payload }]
      await store.settle({ settlements: [], holder: null, now: at, events: hookEvents })
    }
    // A list's mail that left under the owner's plain address: the row tells whose it was.
    if (byPath || row === undefined || row.options.redistributed === undefined || !isFinal(one)) return
    const address = row.reversePath === null ? undefined : tryAddress(row.reversePath, { utf8: true })
    if (address === undefined) return
    const path = this.#parts.returnPaths.tryReturnPath(address)
    const owner = path?.type === 'list-bounce' ? path.owner : formatAddress(address)
    await this.countMember({ owner, member: row.address, status, at })
  }
}

/** Failed for good: policy refusals (5.7) say nothing about the address. */
function isFinal({ action, status }: ParsedRecipientReport): boolean {
  return action === 'failed' && !status.startsWith('4') && !status.startsWith('5.7')
}

function rowOf(
  { finalRecipient, originalRecipient }: ParsedRecipientReport,
  rows: readonly QueueRecipient[],
): QueueRecipient | undefined {
  const wanted = [finalRecipient, originalRecipient ?? ''].map((text) => text.toLowerCase())
  const found = rows.find(({ address }) => wanted.includes(address.toLowerCase()))
  return found ?? (rows.length === 1 ? rows[0] : undefined)
}
