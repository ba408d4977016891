// A caught message in memory: what every list and search looks at as fields, the rest of its summary as JSON text, which is also what
// the store keeps. So 10,000 messages cost some megabytes, and a page of them is parsed when it is asked for.
import { z } from 'zod'
import type { ObjectId, Uid } from '../store/model.ts'
import type { CaughtAddress, CaughtId, CaughtPlace, CaughtSummary, Described } from './message.ts'

export interface Row {
  readonly id: CaughtId
  /** In the catcher's INBOX. */
  readonly uid: Uid
  readonly receivedAt: number
  readonly size: number
  readonly attachments: number
  readonly inline: number
  readonly username: string
  read: boolean
  inbox: string
  tags: readonly string[]
  /** `Kept`. */
  json: string
  /** Of the kept summary; null while it is not written. */
  summaryObject: ObjectId | null
  /** Of the kept record; undefined: not known whether there is one. */
  recordObject: ObjectId | null | undefined
}

type Pair = readonly [name: string, address: string]

/** What the store keeps of a summary. Short names: there is one for each message. */
interface Kept {
  readonly uid: number
  readonly at: number
  readonly inbox: string
  readonly tags: readonly string[]
  readonly user: string
  readonly size: number
  readonly files: number
  readonly inline: number
  readonly subject: string
  readonly messageId: string
  readonly from: Pair | null
  readonly to: readonly Pair[]
  readonly cc: readonly Pair[]
  readonly bcc: readonly Pair[]
  readonly replyTo: readonly Pair[]
  readonly snippet: string
  /** Account, mailbox and UID of the recipients' copies. */
  readonly places: readonly CaughtPlace[]
}

const numbers = z.object({
  uid: z.int(),
  at: z.number(),
  inbox: z.string(),
  tags: z.array(z.string()),
  user: z.string(),
  size: z.number(),
  files: z.number(),
  inline: z.number(),
})

export interface NewRow extends Described {
  readonly id: CaughtId
  readonly uid: Uid
  readonly receivedAt: number
  readonly read: boolean
  readonly inbox: string
  readonly tags: readonly string[]
  readonly username: string
  readonly places: readonly CaughtPlace[]
}

const pair = ({ name, address }: CaughtAddress): Pair => [name, address]
const unpair = ([name, address]: Pair): CaughtAddress => ({ name, address })

/** Spreads would be made anew for each message: the fields stand one by one. */
export function makeRow(message: NewRow): Row {
  const { id, uid, receivedAt, size, attachments, inline, username, read, inbox } = message
  const tags = message.tags.length === 0 ? noTags : message.tags
  const kept: Kept = {
    uid,
    at: receivedAt,
    inbox,
    tags,
    user: username,
    size,
    files: attachments,
    inline,
    subject: message.subject,
    messageId: message.messageId,
    from: message.from && pair(message.from),
    to: message.to.map(pair),
    cc: message.cc.map(pair),
    bcc: message.bcc.map(pair),
    replyTo: message.replyTo.map(pair),
    snippet: message.snippet,
    places: message.places,
  }
  return {
    id,
    uid,
    receivedAt,
    size,
    attachments,
    inline,
    username,
    read,
    inbox,
    tags,
    json: JSON.stringify(kept),
    summaryObject: null,
    recordObject: null,
  }
}

/** One for all messages without any. */
const noTags: readonly string[] = []

/** Of what the store kept; undefined where that is not ours. */
export function tryRow(id: CaughtId, json: string, object: ObjectId): Row | undefined {
  const parsed = numbers.safeParse(JSON.parse(json))
  if (!parsed.success) return undefined
  const { uid, at, inbox, tags, user, size, files, inline } = parsed.data
  return {
    // A number that the store gave.
    ...{ id, uid: uid as Uid, receivedAt: at, size, attachments: files, inline, username: user },
    ...{ read: false, inbox, tags, json, summaryObject: object, recordObject: undefined },
  }
}

export function keptOf({ json }: Row): Kept {
  // `makeRow` or an earlier run of it wrote it.
  return JSON.parse(json) as Kept
}

export function summaryOf(row: Row): CaughtSummary {
  const kept = keptOf(row)
  const { id, receivedAt, read, inbox, tags, size, attachments, inline, username } = row
  return {
    ...{ id, receivedAt, read, inbox, tags, size, attachments, inline },
    ...{ subject: kept.subject, messageId: kept.messageId },
    from: kept.from && unpair(kept.from),
    to: kept.to.map(unpair),
    cc: kept.cc.map(unpair),
    bcc: kept.bcc.map(unpair),
    replyTo: kept.replyTo.map(unpair),
    ...{ username, snippet: kept.snippet },
  }
}

/** Of a row that was made of this just now: nothing is parsed. */
export function summaryOfNew(message: NewRow): CaughtSummary {
  const { uid: _uid, places: _places, ...summary } = message
  return summary
}

export function placesOf(row: Row): readonly CaughtPlace[] {
  return keptOf(row).places
}

export function retag(row: Row, tags: readonly string[]): void {
  row.tags = tags
  row.json = JSON.stringify({ ...keptOf(row), tags })
}
