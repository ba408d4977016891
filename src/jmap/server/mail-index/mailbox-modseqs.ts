// Of each mailbox by itself, when what is shown there last changed: the states of those who see some mailboxes of an account alone move with
// these, and not with what happens elsewhere.
//
// They never go back while a mailbox is there. After a reading they are those of the mailbox's row, which may be younger than need be.
import { Flag } from '../../../store/model.ts'
import type { MailModSeqs } from './mail-index.ts'

const nothingYet: Readonly<MailModSeqs> = { email: 0, thread: 0, mailbox: 0, delivery: 0 }

/** Flags of one message, or null where it is not there. */
interface PlaceChange {
  readonly was: number | null
  readonly is: number | null
  readonly modSeq: number
}

export class MailboxModSeqs {
  /** By number of a mailbox. */
  readonly #known: MailModSeqs[] = []

  add(): void {
    this.#known.push({ ...nothingYet })
  }

  /** At least this; what is not named stays. */
  note(number: number, at: Partial<MailModSeqs>): void {
    const known = this.#known[number]
    if (known === undefined) throw new Error(`there is no mailbox ${number}`)
    raise(known, at)
  }

  change(number: number, { was, is, modSeq }: PlaceChange): void {
    const [before, after] = [countedOf(was), countedOf(is)]
    if (before === hidden && after === hidden) return
    const moves = before === hidden || after === hidden
    this.note(number, {
      email: modSeq,
      ...(before === after ? {} : { mailbox: modSeq }),
      ...(moves ? { thread: modSeq } : {}),
      ...(before === hidden ? { delivery: modSeq } : {}),
    })
  }

  /** Of all mailboxes that are marked together. `mask`: by number. */
  newest(mask: Uint8Array): MailModSeqs {
    const newest = { ...nothingYet }
    for (const [number, known] of this.#known.entries()) if (mask[number] === 1) raise(newest, known)
    return newest
  }
}

const hidden = -1

/** What Mailbox/get counts of a message. */
function countedOf(flags: number | null): number {
  return flags === null || (flags & Flag.deleted) !== 0 ? hidden : flags & (Flag.seen | Flag.draft)
}

function raise(known: MailModSeqs, at: Partial<MailModSeqs>): void {
  known.email = Math.max(known.email, at.email ?? 0)
  known.thread = Math.max(known.thread, at.thread ?? 0)
  known.mailbox = Math.max(known.mailbox, at.mailbox ?? 0)
  known.delivery = Math.max(known.delivery, at.delivery ?? 0)
}
