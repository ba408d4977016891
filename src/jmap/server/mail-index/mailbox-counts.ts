// The counts of Mailbox/get (RFC 8621 §2), of all mailboxes in one pass over the threads.
import type { MailView } from './mail-view.ts'

export interface MailboxCounts {
  totalEmails: number
  unreadEmails: number
  totalThreads: number
  unreadThreads: number
}

/** By number of a mailbox. `trash`: numbers of the mailboxes with that role; at most one. */
export function mailboxCounts(view: MailView, trash: number): MailboxCounts[] {
  const { index } = view
  const counts = index.mailboxes.map(() => ({
    totalEmails: 0,
    unreadEmails: 0,
    totalThreads: 0,
    unreadThreads: 0,
  }))
  for (let thread = 0; thread < index.threads.length; thread++) countThread(view, { thread, trash, counts })
  return counts
}

function countThread(
  view: MailView,
  { thread, trash, counts }: { thread: number; trash: number; counts: MailboxCounts[] },
): void {
  const { firstInThread, nextInThread } = view.index
  const inThread: number[] = []
  let unreadElsewhere = false
  let unreadInTrash = false
  for (let email = firstInThread.array[thread] ?? -1; email !== -1; email = nextInThread.array[email] ?? -1) {
    const places = view.mailboxesOf(email)
    if (places.length === 0) continue
    const unread = view.isUnread(email)
    for (const place of places) {
      if (!inThread.includes(place)) inThread.push(place)
      const count = counts[place]
      if (count === undefined) continue
      count.totalEmails++
      if (unread) count.unreadEmails++
      if (!unread) continue
      // "Emails that are *only* in the trash … are ignored" for other mailboxes, and those not in it for the trash.
      if (place === trash) unreadInTrash = true
      else unreadElsewhere = true
    }
  }
  for (const place of inThread) {
    const count = counts[place]
    if (count === undefined) continue
    count.totalThreads++
    if (place === trash ? unreadInTrash : unreadElsewhere) count.unreadThreads++
  }
}
