// The counts of Mailbox/get (RFC 8621 §2), of all mailboxes in one pass over the threads.
import type { MailView } from './mail-view.ts'

export interface MailboxCounts {
  totalEmails: number
  unreadEmails: number
  totalThreads: number
  unreadThreads: number
}

/** By number of a mailbox. `trash`: that of the mailbox with this role; −1: there is none. */
export function mailboxCounts(view: MailView, trash: number): MailboxCounts[] {
  const counting = new Counting(view, trash)
  for (let thread = 0; thread < view.index.threads.length; thread++) counting.take(thread)
  return counting.counts
}

class Counting {
  readonly counts: MailboxCounts[]
  readonly #view: MailView
  readonly #trash: number
  /** By number of a mailbox: the email and the thread that were last counted there, one more than its slot. */
  readonly #lastEmail: Int32Array
  readonly #lastThread: Int32Array

  constructor(view: MailView, trash: number) {
    const { mailboxes } = view.index
    view.sheet()
    this.#view = view
    this.#trash = trash
    this.#lastEmail = new Int32Array(mailboxes.length)
    this.#lastThread = new Int32Array(mailboxes.length)
    this.counts = mailboxes.map(() => ({
      totalEmails: 0,
      unreadEmails: 0,
      totalThreads: 0,
      unreadThreads: 0,
    }))
  }

  take(thread: number): void {
    const view = this.#view
    const { firstInThread, nextInThread, nextOfEmail, firstMessage, mailboxOf } = view.index
    const trash = this.#trash
    const places: number[] = []
    let unreadElsewhere = false
    let unreadInTrash = false
    for (
      let email = firstInThread.array[thread] ?? -1;
      email !== -1;
      email = nextInThread.array[email] ?? -1
    ) {
      if (!view.hasEmail(email)) continue
      const unread = view.isUnread(email)
      for (let at = firstMessage.array[email] ?? -1; at !== -1; at = nextOfEmail.array[at] ?? -1) {
        if (!view.shows(at)) continue
        const place = mailboxOf.array[at] ?? 0
        if (this.#isFirst(this.#lastThread, place, thread)) places.push(place)
        if (this.#isFirst(this.#lastEmail, place, email)) this.#countEmail(place, unread)
        if (!unread) continue
        // "Emails that are *only* in the trash … are ignored" for other mailboxes, and those not in it for the trash.
        if (place === trash) unreadInTrash = true
        else unreadElsewhere = true
      }
    }
    for (const place of places) {
      const count = this.counts[place]
      if (count === undefined) continue
      count.totalThreads++
      if (place === trash ? unreadInTrash : unreadElsewhere) count.unreadThreads++
    }
  }

  #isFirst(last: Int32Array, place: number, slot: number): boolean {
    if (last[place] === slot + 1) return false
    last[place] = slot + 1
    return true
  }

  #countEmail(place: number, unread: boolean): void {
    const count = this.counts[place]
    if (count === undefined) return
    count.totalEmails++
    if (unread) count.unreadEmails++
  }
}
