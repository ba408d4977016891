// What SEARCH and SORT want of every message's row: size, dates, and which email it is. None of it ever changes.
import { growingDoubles } from './growing.ts'
import type { Message } from '../../../../store/model.ts'

/** Columns in order of UID. Dates are milliseconds since the epoch. */
export class RowFacts {
  readonly uids = growingDoubles()
  readonly emails = growingDoubles()
  readonly sizes = growingDoubles()
  readonly internalDates = growingDoubles()
  /** The internal date where no save date is known (RFC 8514 §4.3). */
  readonly savedDates = growingDoubles()
  /** UIDs below were asked for. */
  nextUid = 1

  get weight(): number {
    return 5 * this.uids.weight
  }

  add(message: Message): void {
    this.uids.push(message.uid)
    this.emails.push(message.email)
    this.sizes.push(message.size)
    this.internalDates.push(message.internalDate)
    this.savedDates.push(message.savedAt ?? message.internalDate)
    this.nextUid = message.uid + 1
  }
}
