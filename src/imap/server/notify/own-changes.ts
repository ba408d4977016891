// What this session itself changed: RFC 5465 §5 "The server SHOULD omit notifying the client if the event is caused by this client".
//
// The store tells a change to all alike, before or after the command that made it has its answer. Messages are known by their UIDs and
// mod-sequences, whenever they come; names only until the answer, since the next change of the same name may be another's. What is
// forgotten too early, or comes late, is told once too often.
import type { AccountId, MailboxId, ModSeq, Uid } from '../../../store/model.ts'

/** Changes that are kept. */
const most = 1_000

/** What a command changed that is told by name. */
export type OwnName =
  | { readonly of: 'mailbox'; readonly name: string }
  | { readonly of: 'subscription'; readonly name: string }
  /** An entry of a mailbox, or, with null, of the server. */
  | { readonly of: 'entry'; readonly mailbox: string | null; readonly name: string }

/** Messages that a command put somewhere. */
export interface OwnArrivals {
  readonly account: AccountId
  readonly mailbox: MailboxId
  readonly modSeq: ModSeq
  readonly uids: readonly Uid[]
}

export class OwnChanges {
  /** `account/modSeq` of changes of messages. */
  readonly #changes = new Set<string>()
  /** `account/mailbox/uid` of messages, for those that are told one by one. */
  readonly #messages = new Set<string>()
  /** Names of mailboxes. */
  readonly #names = new Set<string>()

  arrived({ account, mailbox, modSeq, uids }: OwnArrivals): void {
    keep(this.#changes, `${account}/${modSeq}`)
    for (const uid of uids.slice(-most)) keep(this.#messages, `${account}/${mailbox}/${uid}`)
  }

  named(name: string): void {
    keep(this.#names, name)
  }

  madeChange(account: AccountId, modSeq: ModSeq): boolean {
    return this.#changes.has(`${account}/${modSeq}`)
  }

  /** Each once. */
  takeMessage(account: AccountId, mailbox: MailboxId, uid: number): boolean {
    return this.#messages.delete(`${account}/${mailbox}/${uid}`)
  }

  hasName(name: string): boolean {
    return this.#names.has(name)
  }

  forgetNames(): void {
    this.#names.clear()
  }
}

function keep(set: Set<string>, value: string): void {
  set.delete(value)
  set.add(value)
  if (set.size <= most) return
  const [oldest] = set
  if (oldest !== undefined) set.delete(oldest)
}
