// Makes the reports that are due: one for each message, kind and return path, for all its rows at once, so that nobody gets a
// hundred for one message.
//
// - Recipients of one message mostly come to their end within moments of each other. So a report of a message that has others under
//   way waits for them for a little (`reports.gatherFor`), once. What is due is in the rows: a start finds it, whatever was waited for.
// - A report is delivered in the commit that marks its rows as reported: none is lost, none sent twice, whatever stops.
// - It leaves under the null reverse-path (RFC 3461 §6.1), and nothing without a sender gets one: a report that cannot be
//   delivered ends there, by an event and, where configured, in the postmaster's mailbox.
// - The returned message is copied through the blob store piece by piece, and never held.
// What it cannot make now (the store in trouble) stays due.
import { Buffer } from 'node:buffer'
import type { Checkpoint } from '../base/checkpoint.ts'
import type { Clock, Timer } from '../base/clock.ts'
import type { Random } from '../base/random.ts'
import type { QueueConfig } from '../config/sections/queue.ts'
import { errorText } from '../events/error-text.ts'
import type { Events } from '../events/event.ts'
import { queueStoreTrouble, reportDropped, reportSent } from '../events/queue.ts'
import {
  formatReportHead,
  formatReportTail,
  type Report,
  type ReportAction,
  type ReportedRecipient,
  type Returned,
  returnedEncoder,
} from '../mail/dsn.ts'
import { displayText } from '../mail/encoded-word.ts'
import { decodeStructure } from '../mail/mime/codec.ts'
import type { MimeLimits } from '../mail/mime/limits.ts'
import { type Ingested, ingest } from '../store/ingest.ts'
import type {
  Attempt,
  QueueEntry,
  QueueId,
  QueueMessage,
  QueueRecipient,
  QueueRow,
  ReportKind,
  ReportsDue,
} from '../store/queue.ts'
import { type Store, StoreUnavailable } from '../store/store.ts'
import { wants } from './enqueue.ts'
import type { ReportMaker } from './queue.ts'
import { wantsTrace } from './settlement.ts'

/** A report on its way: whoever sends it delivers it with `rows` as reported, in one commit. */
export interface OutgoingReport extends Ingested {
  /** The return path that it goes to; null: to the postmaster, about mail without a sender. */
  readonly to: string | null
  readonly kind: ReportKind
  /** What the queue calls it. */
  readonly id: string
  readonly at: number
  readonly eightBit: boolean
  /** RFC 6710 §4. */
  readonly priority: number
  /** RFC 8689 §5: as protected as what it is about. */
  readonly requireTls: boolean
  readonly rows: readonly QueueRow[]
  /** What it is about, for a list's owner who keeps count. */
  readonly about: readonly ReportedRecipient[]
}

export interface ReportsOptions {
  readonly store: Pick<Store, 'reportsDue' | 'dropReports' | 'queueList' | 'blobs'>
  readonly clock: Clock
  readonly random: Random
  readonly events: Events
  readonly config: QueueConfig
  /** This host’s name. */
  readonly hostname: string
  /** The address that reports are from. */
  readonly from: string
  readonly mime?: Partial<MimeLimits>
  /** `nobody`: the return path leads nowhere, so that the report is dropped. Rejects where it could not be tried. */
  readonly send: (report: OutgoingReport) => Promise<'sent' | 'nobody'>
  readonly checkpoint?: Checkpoint | undefined
}

export interface Reports extends ReportMaker {
  /** Resolves when what is due has been made, as far as it could; what waits for others is left waiting. */
  settled(): Promise<void>
  /** As `settled`, for good: what waits for others is made by the next start. */
  stop(): Promise<void>
}

const pageSize = 20
const faultsAtMost = 5
const faultsRemembered = 1000
/** Messages whose reports wait for others, at most; further ones are reported at once. */
const gatheringAtMost = 10_000

export function createReports(options: ReportsOptions): Reports {
  const making = new Making(options)
  return {
    due: () => making.due(),
    delayed: (rows) => making.delayed(rows),
    settled: () => making.settled(),
    stop: () => making.stop(),
  }
}

interface Group {
  readonly message: QueueMessage
  readonly kind: ReportKind
  readonly to: string | null
  readonly rows: QueueRecipient[]
}

class Making {
  readonly #parts: ReportsOptions
  #running: Promise<void> | undefined
  #again = false
  #stopped = false
  /** Since when the report of a message has been waiting for its other recipients; milliseconds of the monotonic clock. */
  readonly #gathering = new Map<QueueId, number>()
  #gathered: Timer | undefined
  readonly #faults = new Map<QueueId, number>()

  constructor(parts: ReportsOptions) {
    this.#parts = parts
  }

  due(): void {
    if (this.#stopped) return
    if (this.#running !== undefined) {
      this.#again = true
      return
    }
    this.#running = this.#all().finally(() => {
      this.#running = undefined
      if (this.#again) {
        this.#again = false
        this.due()
      }
    })
  }

  async settled(): Promise<void> {
    while (this.#running !== undefined) await this.#running
  }

  async stop(): Promise<void> {
    this.#stopped = true
    this.#gathered?.cancel()
    await this.settled()
  }

  async delayed(rows: readonly QueueRecipient[]): Promise<void> {
    const { store } = this.#parts
    for (const id of new Set(rows.map(({ message }) => message))) {
      const [entry] = await store.queueList({ filter: { id }, limit: 1, finished: 'without' })
      if (entry === undefined) continue
      const late = rows.filter(({ message }) => message === id)
      const told = late.filter((row) => wants(row.options, 'delay') && entry.message.reversePath !== '')
      const untold = late.filter((row) => !told.includes(row))
      if (untold.length > 0) await this.#drop(untold)
      for (const group of groupsOf(entry.message, told, () => 'delay')) await this.#make(group)
    }
  }

  async #all(): Promise<void> {
    const { store, events } = this.#parts
    try {
      const seen = new Set<QueueId>()
      let after: QueueId | undefined
      for (;;) {
        const entries = await store.reportsDue({ ...(after !== undefined && { after }), limit: pageSize })
        for (const entry of entries) {
          seen.add(entry.message.id)
          if (this.#isComplete(entry)) await this.#entry(entry)
        }
        after = entries.at(-1)?.message.id
        if (entries.length < pageSize || after === undefined) break
      }
      // Another node was quicker, or an operator dropped it.
      for (const id of this.#gathering.keys()) if (!seen.has(id)) this.#gathering.delete(id)
      this.#lookWhenGathered()
    } catch (error) {
      events.emit(queueStoreTrouble, { doing: 'report', error: errorText(error) })
    }
  }

  /** Whether its report need not wait for other recipients, any more. */
  #isComplete({ message: { id }, unsettled }: ReportsDue): boolean {
    const { gatherFor } = this.#parts.config.reports
    const now = this.#parts.clock.monotonic()
    const since = this.#gathering.get(id)
    if (since === undefined && unsettled > 0 && gatherFor > 0 && this.#gathering.size < gatheringAtMost) {
      this.#gathering.set(id, now)
      return false
    }
    if (since !== undefined && unsettled > 0 && now - since < gatherFor) return false
    this.#gathering.delete(id)
    return true
  }

  #lookWhenGathered(): void {
    const { clock, config } = this.#parts
    this.#gathered?.cancel()
    this.#gathered = undefined
    // The first of them has waited longest.
    const [since] = this.#gathering.values()
    if (since === undefined || this.#stopped) return
    const wait = Math.max(1, Math.ceil(since + config.reports.gatherFor - clock.monotonic()))
    this.#gathered = clock.after(wait, () => this.due())
  }

  async #entry({ message, recipients }: QueueEntry): Promise<void> {
    const { maxRecipients } = this.#parts.config.reports
    // An operator's `fail` and a double bounce ask for a report whatever the sender asked for: NEVER is still never.
    const unwanted = recipients.filter((row) => !isWanted(message, row))
    if (unwanted.length > 0) await this.#drop(unwanted)
    const wanted = recipients.filter((row) => !unwanted.includes(row))
    for (const group of groupsOf(message, wanted, ({ report }) => report ?? 'failure')) {
      for (let at = 0; at < group.rows.length; at += Math.max(1, maxRecipients)) {
        const rows = group.rows.slice(at, at + Math.max(1, maxRecipients))
        await this.#make({ ...group, rows })
      }
    }
  }

  async #make(group: Group): Promise<void> {
    const { events, send, checkpoint } = this.#parts
    const { message, kind, rows } = group
    const to = group.to ?? '<postmaster>'
    // A return path that says nothing was asked for is never reached: only a failure without a sender has no `to`.
    if (
      group.to === null &&
      (kind !== 'failure' || this.#parts.config.reports.doubleBounce !== 'postmaster')
    ) {
      return this.#drop(rows)
    }
    try {
      checkpoint?.('report.begun')
      const report = await this.#write(group)
      checkpoint?.('report.staged')
      const outcome = await send(report)
      checkpoint?.('report.sent')
      if (outcome === 'sent') {
        events.emit(reportSent, { message: message.name, kind, to, recipients: rows.length })
        return
      }
      events.emit(reportDropped, { message: message.name, kind, to, reason: 'nobody' })
      await this.#drop(rows)
    } catch (error) {
      events.emit(queueStoreTrouble, { doing: 'report', error: errorText(error) })
      if (!(error instanceof StoreUnavailable)) await this.#countFault(group)
    }
  }

  /** A report that fails by a fault of ours stays due, but not for ever. */
  async #countFault({ message, kind, to, rows }: Group): Promise<void> {
    const faults = (this.#faults.get(message.id) ?? 0) + 1
    this.#faults.set(message.id, faults)
    if (faults < faultsAtMost && this.#faults.size <= faultsRemembered) return
    this.#faults.delete(message.id)
    const { events } = this.#parts
    events.emit(reportDropped, { message: message.name, kind, to: to ?? '<postmaster>', reason: 'fault' })
    await this.#drop(rows)
  }

  async #drop(rows: readonly QueueRecipient[]): Promise<void> {
    const { store, clock } = this.#parts
    await store.dropReports({ rows: rows.map(keyOf), now: clock.now() })
  }

  /** Stages the report. */
  async #write(group: Group): Promise<OutgoingReport> {
    const { store, clock, random, hostname, from, mime } = this.#parts
    const { message, kind, rows, to } = group
    const now = clock.now()
    const id = random.id()
    const structure = decodeStructure(message.structure)
    const header = await this.#header(message, structure.root.bodyStart)
    const returned = this.#returned(group, header)
    const subject = structure.envelope.subject
    const report: Report = {
      ...{ reportingMta: hostname, from, to: to ?? from, messageId: `${id}@${hostname}` },
      ...{ boundary: `report-${random.id()}`, now, arrivedAt: message.arrivedAt },
      // RFC 3461 §5.2.7.1: a list's owner did not give that name.
      envelopeId: rows.some(({ options }) => options.redistributed) ? null : message.options.envId,
      logId: message.name,
      originalMessageId: message.messageId,
      originalSubject: subject === null ? null : displayText(subject),
      // RFC 2852 §5, RFC 4865 §5.1.2 (2).
      deliverBy: message.options.deliverBy?.at ?? null,
      futureRelease: futureReleaseOf(message.options),
      recipients: rows.map((row) => reportedOf(row, { kind, message, now })),
      returned,
    }
    const intake = ingest({ blobs: store.blobs, ...(mime && { limits: mime }) })
    try {
      const encoder = returnedEncoder(returned)
      await intake.write(utf8.encode(formatReportHead(report)))
      if (returned.type === 'headers') await intake.write(encoder.write(header))
      else {
        await intake.write(encoder.write(utf8.encode(message.prefix)))
        for await (const chunk of store.blobs.read(message.blob)) await intake.write(encoder.write(chunk))
      }
      await intake.write(encoder.finish())
      await intake.write(utf8.encode(formatReportTail(report)))
      const staged = await intake.finish()
      const eightBit = returned.eightBit && !returned.utf8
      // RFC 6710 §4.6: as urgent as what it is about.
      const { priority, requireTls } = message.options
      const made = { ...staged, to, kind, id, at: now, eightBit, priority, requireTls }
      return { ...made, rows: rows.map(keyOf), about: report.recipients }
    } catch (error) {
      await intake.discard()
      throw error
    }
  }

  async #header(message: QueueMessage, bodyStart: number): Promise<Uint8Array> {
    const { store, config } = this.#parts
    const end = Math.min(bodyStart, message.size, config.reports.maxReturnedHeader)
    const pieces: Uint8Array[] = [utf8.encode(message.prefix)]
    for await (const chunk of store.blobs.read(message.blob, { start: 0, end })) pieces.push(chunk)
    const whole = Buffer.concat(pieces)
    // The empty line ends the header of a message; a header alone has none.
    const text = whole.subarray(0, config.reports.maxReturnedHeader)
    return text.subarray(0, lastLineEnd(text))
  }

  /** RFC 3461 §6.2: the whole message only for a failure, where it was asked for, and up to a size. */
  #returned({ message, kind, rows }: Group, header: Uint8Array): Returned {
    const { ret, body, smtpUtf8, requireTls } = message.options
    const redistributed = rows.some(({ options }) => options.redistributed)
    const full =
      kind === 'failure' &&
      ret === 'full' &&
      // RFC 8689 §5: with REQUIRETLS "RET=FULL MUST be disregarded".
      !requireTls &&
      !redistributed &&
      // RFC 3030 §3: binary can stand in no part of a message that is text.
      body !== 'BINARYMIME' &&
      message.size + message.prefix.length <= this.#parts.config.reports.maxReturned
    const utf8Header = smtpUtf8 || header.some((octet) => octet > 127)
    return {
      type: full ? 'full' : 'headers',
      utf8: utf8Header,
      eightBit: full && body === '8BITMIME',
    }
  }
}

const utf8 = new TextEncoder()

/** A settled row asks for what its sender wants; RFC 2852 §4.1.4 asks for more where a time of delivery was given. */
function isWanted({ options: { deliverBy } }: QueueMessage, { options, report }: QueueRecipient): boolean {
  const kind = report ?? 'failure'
  return wants(options, kind) || (kind === 'success' && deliverBy !== null && wantsTrace(options))
}

/** RFC 4865 §5.1.2 (2): `for;` and the seconds, or `until;` and the moment, as MAIL said it. */
function futureReleaseOf({ holdUntil, holdFor }: QueueMessage['options']): string | null {
  if (holdUntil === null) return null
  if (holdFor !== undefined) return `for;${holdFor}`
  return `until;${new Date(holdUntil).toISOString().replace(/\.\d+Z$/, 'Z')}`
}

function groupsOf(
  message: QueueMessage,
  rows: readonly QueueRecipient[],
  kindOf: (row: QueueRecipient) => ReportKind,
): Group[] {
  const groups = new Map<string, Group>()
  for (const row of rows) {
    const kind = kindOf(row)
    const path = row.reversePath ?? message.reversePath
    const group = groups.get(`${kind} ${path}`)
    if (group === undefined) {
      groups.set(`${kind} ${path}`, { message, kind, to: path === '' ? null : path, rows: [row] })
    } else group.rows.push(row)
  }
  return [...groups.values()]
}

function reportedOf(
  row: QueueRecipient,
  about: { kind: ReportKind; message: QueueMessage; now: number },
): ReportedRecipient {
  const { last, outcome } = row
  const { kind, message, now } = about
  const remote = last !== null && last.host !== null && isHostsReply(last)
  const action: ReportAction = kind === 'failure' ? 'failed' : kind === 'delay' ? 'delayed' : successOf(row)
  const common = {
    finalRecipient: row.address,
    originalRecipient: row.options.originalRecipient,
    action,
    remoteMta: last === null ? null : last.host,
    lastAttemptAt: last === null ? null : last.at,
  }
  if (kind === 'success') {
    return {
      ...common,
      status: '2.0.0',
      diagnostic: remote ? last.reply : null,
      reason: '',
      willRetryUntil: null,
    }
  }
  const words = remote ? '' : (last?.reply ?? row.reason)
  if (kind === 'delay') {
    // RFC 2852 §4.1.3: 4.4.7 where the time that was asked for is over.
    const late = message.options.deliverBy !== null && message.options.deliverBy.at <= now
    const status = late ? '4.4.7' : last?.status.startsWith('4') ? last.status : '4.4.0'
    const diagnostic = remote ? last.reply : null
    return { ...common, status, diagnostic, reason: words, willRetryUntil: message.expiresAt }
  }
  // RFC 3463 §3.5: X.4.7, the time for delivery is over.
  const expired = outcome === 'expired'
  const status = expired ? '5.4.7' : last?.status.startsWith('5') ? last.status : '5.0.0'
  const reason = expired ? ['It was tried until its time was over.', words].join(' ').trim() : words
  return { ...common, status, diagnostic: remote ? last.reply : null, reason, willRetryUntil: null }
}

/** RFC 3464 §2.3.6: a diagnostic code is what the host said; what we found out about it is said in our own name. */
function isHostsReply({ stage, reply }: Attempt): boolean {
  return stage !== 'ours' && /^[2-5][0-9]{2}[ -]/.test(reply)
}

/** RFC 3464 §2.3.3: `relayed` where another host took it that reports nothing. */
function successOf({ outcome, last }: QueueRecipient): 'delivered' | 'relayed' | 'expanded' {
  if (outcome === 'expanded') return 'expanded'
  return last !== null && last.outcome === 'relayed' ? 'relayed' : 'delivered'
}

function keyOf({ message, number }: QueueRecipient): QueueRow {
  return { message, number }
}

/** Where the last whole line ends; an empty line at the end is left out. */
function lastLineEnd(text: Uint8Array): number {
  let end = text.lastIndexOf(10) + 1
  while (
    end >= 2 &&
    text[end - 1] === 10 &&
    (text[end - 2] === 10 || (text[end - 2] === 13 && text[end - 3] === 10))
  ) {
    end -= text[end - 2] === 13 ? 2 : 1
  }
  return end
}
