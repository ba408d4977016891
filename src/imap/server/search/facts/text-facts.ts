// What SEARCH, SORT and THREAD want of every message's header: the envelope's texts to search in, the sent date, and words to
// compare. None of it ever changes.
import { baseSubject } from '../../../../mail/base-subject.ts'
import { tryDate } from '../../../../mail/date.ts'
import { displayText } from '../../../../mail/encoded-word.ts'
import { fold } from '../../../../mail/search-text/fold.ts'
import { envelopeText } from '../../../../mail/search-text/texts.ts'
import { growingBytes, growingDoubles, growingIntegers } from './growing.ts'
import { TextColumn } from './text-column.ts'
import { WordTable } from './word-table.ts'
import type { EnvelopeAddress } from '../../../../mail/address-list.ts'
import type { Envelope } from '../../../../mail/mime/structure.ts'
import type { EnvelopeField } from '../../../proto/grammar/search-key.ts'

const day = 86_400_000

/** A day that no message has: `sentDays` of a message without a date. */
export const noDay = -0x8000_0000

const fields: readonly EnvelopeField[] = ['subject', 'from', 'to', 'cc', 'bcc']

export interface SentDate {
  /** Milliseconds since the epoch. */
  readonly time: number
  /** Days since 1970 where it was written: RFC 3501 §6.4.4 "disregarding time and timezone". */
  readonly day: number
}

export function trySentDate(envelope: Envelope): SentDate | undefined {
  const sent = envelope.date === null ? undefined : tryDate(envelope.date)
  return sent && { time: sent.time, day: Math.floor((sent.time + sent.zoneMinutes * 60_000) / day) }
}

/** Columns in order of UID. Words are numbers of `words`. */
export class TextFacts {
  readonly uids = growingDoubles()
  readonly words = new WordTable()
  /** Milliseconds; NaN is no date. */
  readonly sentTimes = growingDoubles()
  readonly sentDays = growingIntegers()
  /** RFC 5256 §2.1, and whether it was a reply or forward. */
  readonly subjects = growingIntegers()
  readonly replies = growingBytes()
  /** RFC 5256 §3 FROM, TO, CC: the mailbox of the first address. */
  readonly from = growingIntegers()
  readonly to = growingIntegers()
  readonly cc = growingIntegers()
  /** RFC 5957 §3. */
  readonly displayFrom = growingIntegers()
  readonly displayTo = growingIntegers()
  readonly texts: Readonly<Record<EnvelopeField, TextColumn>> = {
    ...{ subject: new TextColumn(), from: new TextColumn(), to: new TextColumn() },
    ...{ cc: new TextColumn(), bcc: new TextColumn() },
  }
  /** UIDs below were asked for. */
  nextUid = 1

  get weight(): number {
    const texts = fields.reduce((sum, field) => sum + this.texts[field].weight, 0)
    return texts + this.words.weight + 2 * this.uids.weight + 7 * this.from.weight + this.replies.weight
  }

  add(uid: number, envelope: Envelope): void {
    this.uids.push(uid)
    const sent = trySentDate(envelope)
    this.sentTimes.push(sent?.time ?? NaN)
    this.sentDays.push(sent?.day ?? noDay)
    const subject = baseSubject(envelope.subject ?? '')
    this.subjects.push(this.words.number(fold(subject.text)))
    this.replies.push(subject.isReplyOrForward ? 1 : 0)
    this.from.push(this.#mailbox(envelope.from))
    this.to.push(this.#mailbox(envelope.to))
    this.cc.push(this.#mailbox(envelope.cc))
    this.displayFrom.push(this.#displayed(envelope.from))
    this.displayTo.push(this.#displayed(envelope.to))
    for (const field of fields) this.texts[field].push(envelopeText(envelope, field))
    this.nextUid = uid + 1
  }

  #mailbox(addresses: readonly EnvelopeAddress[] | null): number {
    return this.words.number(fold(displayText(addresses?.[0]?.mailbox ?? '')))
  }

  #displayed(addresses: readonly EnvelopeAddress[] | null): number {
    const first = addresses?.[0]
    if (first === undefined) return 0
    const name = displayText(first.name ?? '')
    const address = first.host === null ? (first.mailbox ?? '') : `${first.mailbox ?? ''}@${first.host}`
    return this.words.number(fold(name === '' ? displayText(address) : name))
  }
}
