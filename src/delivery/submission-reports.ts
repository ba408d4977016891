// Reports that come back to whoever submitted a message by JMAP (RFC 8621 §7): what a delivery status notification (RFC 3464) or a notification of
// reading (RFC 8098) says of a submission is added to its record, with the message that says it.
//
// - Stands around the way in for all mail and looks at reports alone: the null reverse-path and a multipart/report.
// - A report is a claim of a stranger. It is believed by who has got it as far as it names the Message-ID of one of his own submissions and one
//   of its recipients, and changes nothing but what he is told of that. It is filed in any case.
import { Buffer } from 'node:buffer'
import { errorText } from '../events/error-text.ts'
import type { Events } from '../events/event.ts'
import { queueStoreTrouble } from '../events/queue.ts'
import { tryReport } from '../mail/dsn-parse.ts'
import { fieldValue, messageIds, splitHeader } from '../mail/header.ts'
import type { MessageStructure, Part } from '../mail/mime/structure.ts'
import { decodeTransfer } from '../mail/transfer.ts'
import type { EmailId } from '../store/model.ts'
import type { StoredObject } from '../store/objects.ts'
import type { BlobStore, Store } from '../store/store.ts'
import { submissionKind } from '../store/submissions.ts'
import type { Arrival, Delivery, FiledPlace } from './delivery.ts'
import type { SubmissionRecord, SubmissionStatus } from './submission-record.ts'

export interface SubmissionReportParts {
  readonly store: Pick<Store, 'listObjects' | 'getObjects' | 'changeObjects' | 'messages'>
  readonly blobs: Pick<BlobStore, 'readStaged'>
  readonly events: Events
  /** Octets of a report that is read. */
  readonly maxSize: number
}

/** What a report says. */
interface Said {
  readonly kind: 'dsn' | 'mdn'
  readonly messageId: string
  /** By address in lower case. */
  readonly changes: ReadonlyMap<string, (before: SubmissionStatus) => SubmissionStatus>
}

/** Reports of one kind that a record names. */
const mostReports = 200
/** Records of one Message-ID: a message that was sent more than once. */
const mostMeant = 20

export function withSubmissionReports(delivery: Delivery, parts: SubmissionReportParts): Delivery {
  return {
    async deliver(arrival) {
      if (!isReport(arrival)) return delivery.deliver(arrival)
      // Before it is filed: afterwards it is staged no more.
      const said = await readSaid(arrival, parts)
      const result = await delivery.deliver(arrival)
      if (!result.ok || said === undefined) return result
      try {
        for (const place of result.places ?? []) await note(parts, { place, said, now: arrival.receivedAt })
      } catch (error) {
        parts.events.emit(queueStoreTrouble, { doing: 'bounce', error: errorText(error) })
      }
      return result
    },
  }
}

function isReport({ reversePath, structure }: Arrival): boolean {
  const { type, subtype } = structure.root
  return reversePath === null && type === 'multipart' && subtype === 'report'
}

async function readSaid(
  { message, structure }: Arrival,
  { blobs, maxSize }: SubmissionReportParts,
): Promise<Said | undefined> {
  const { blob } = message
  if (blob.size > maxSize) return undefined
  const chunks: Uint8Array[] = []
  if (blob.type === 'inline') chunks.push(blob.bytes)
  else for await (const chunk of blobs.readStaged(blob)) chunks.push(chunk)
  const bytes = Buffer.concat(chunks)
  return saidByReader(bytes, structure) ?? saidByHost(bytes, structure)
}

/** RFC 3464. */
function saidByHost(bytes: Uint8Array, structure: MessageStructure): Said | undefined {
  const report = tryReport(bytes, structure)
  if (report === undefined || report.originalMessageId === null) return undefined
  const changes = new Map<string, (before: SubmissionStatus) => SubmissionStatus>()
  for (const { action, status, diagnostic, finalRecipient, originalRecipient } of report.recipients) {
    const code = action === 'failed' ? 550 : 250
    const smtpReply = diagnostic ?? `${code} ${status === '' ? '2.0.0' : status} ${action}`
    // RFC 8621 §7: "delivered" and "failed"; "Receipt of any other DSN SHOULD NOT affect this property".
    const delivered = action === 'delivered' ? 'yes' : action === 'failed' ? 'no' : undefined
    if (delivered === undefined) continue
    for (const address of [finalRecipient, originalRecipient ?? '']) {
      if (address !== '')
        changes.set(address.toLowerCase(), (before) => ({ ...before, delivered, smtpReply }))
    }
  }
  return { kind: 'dsn', messageId: report.originalMessageId, changes }
}

/** RFC 8098 §3.2.6.2 "displayed". */
function saidByReader(bytes: Uint8Array, { root }: MessageStructure): Said | undefined {
  const part = root.parts.find(
    ({ type, subtype }) => type === 'message' && /^(?:global-)?disposition-notification$/.test(subtype),
  )
  if (part === undefined) return undefined
  const fields = new Map(
    splitHeader(textOf(bytes, part)).fields.map((field) => [field.name, fieldValue(field)]),
  )
  const [messageId] = messageIds(fields.get('original-message-id') ?? '', 1)
  const recipient = (fields.get('original-recipient') ?? fields.get('final-recipient') ?? '')
    .split(';')
    .at(-1)
  if (messageId === undefined || recipient === undefined) return undefined
  const displayed = /;\s*displayed\b/i.test(fields.get('disposition') ?? '')
  const changes = new Map<string, (before: SubmissionStatus) => SubmissionStatus>()
  if (displayed) changes.set(recipient.trim().toLowerCase(), (before) => ({ ...before, displayed: 'yes' }))
  return { kind: 'mdn', messageId, changes }
}

function textOf(bytes: Uint8Array, { bodyStart, bodyEnd, encoding }: Part): string {
  return Buffer.from(decodeTransfer(bytes.subarray(bodyStart, bodyEnd), encoding)).toString('latin1')
}

async function note(
  { store }: Pick<SubmissionReportParts, 'store'>,
  { place, said, now }: { readonly place: FiledPlace; readonly said: Said; readonly now: number },
): Promise<void> {
  const request = { account: place.account, kind: submissionKind, now }
  // Whoever sends reports decides how often this is looked for: the store hands out what may be meant alone.
  const quoted = JSON.stringify(said.messageId)
  const meant = await store.listObjects({ ...request, containing: quoted, limit: mostMeant })
  for (const object of meant) {
    let current: StoredObject | undefined = object
    while (current !== undefined) {
      // Written by `jmap/server`.
      const record = JSON.parse(current.value) as SubmissionRecord
      if (record.messageId !== said.messageId || record[said.kind].length >= mostReports) break
      const email = await emailAt(store, place)
      if (email === undefined) return
      const value = JSON.stringify(noted(record, said, email))
      const update = [{ id: current.id, value, ifModSeq: current.modSeq }]
      const changed = await store.changeObjects({ ...request, update })
      if (changed.ok || changed.reason !== 'changed') break
      // Another report, or its sender, came first: what this one says is added to that.
      current = (await store.getObjects({ ...request, ids: [current.id] }))[0]
    }
  }
}

function noted(record: SubmissionRecord, { kind, changes }: Said, email: EmailId): SubmissionRecord {
  const status = Object.entries(record.status).map(([address, before]) => {
    return [address, changes.get(address.toLowerCase())?.(before) ?? before] as const
  })
  return { ...record, [kind]: [...record[kind], email], status: Object.fromEntries(status) }
}

async function emailAt(
  store: SubmissionReportParts['store'],
  { account, mailbox, uid }: FiledPlace,
): Promise<EmailId | undefined> {
  for await (const [row] of store.messages({ account, mailbox, uids: [[uid, uid]] })) return row?.email
  return undefined
}
