// Where a folder of a source goes: the mailbox that is named, or the one with the folder's special use, or the one with its name;
// made where there is none.
import type { AccountId, Mailbox, MailboxId } from '../store/model.ts'
import type { Store } from '../store/store.ts'
import { mailboxName } from './folder-names.ts'
import type { ImportRecord } from './records.ts'

export interface ImportPlace {
  readonly name: string
  /** Null in a dry run that would have to make it. */
  readonly mailbox: MailboxId | null
}

interface Parts {
  readonly store: Store
  readonly account: AccountId
  readonly now: number
  readonly dryRun: boolean
}

type Folder = Extract<ImportRecord, { type: 'folder' }>

/** A sentence where there can be none. */
export async function placeFor(parts: Parts, folder: Folder): Promise<ImportPlace | string> {
  const { store, account, dryRun } = parts
  const mailboxes = await store.listMailboxes(account)
  const name = mailboxName((folder.target ?? folder.name).split('/'))
  const use = folder.target === null ? folder.specialUse : null
  const byUse = use === null ? undefined : mailboxes.find(({ specialUse }) => specialUse === use)
  if (byUse !== undefined && folder.goesBy === 'special-use' && byUse.selectable) {
    return { name: byUse.name, mailbox: byUse.id }
  }
  const byName = mailboxes.find((mailbox) => mailbox.name === name && mailbox.selectable)
  if (dryRun) return { name, mailbox: byName?.id ?? null }
  const made = byName ?? (await make(parts, name, folder))
  if (typeof made === 'string') return made
  // An export of ours knows which mailbox had the use; it is taken only from one that nobody has used yet.
  if (use !== null && made.specialUse === null && (byUse === undefined || byUse.messages === 0)) {
    await store.setSpecialUse({ account, mailbox: made.id, specialUse: use })
  }
  if (folder.goesBy === 'name') {
    await store.setSubscription({ account, name, subscribed: folder.subscribed })
  }
  return { name, mailbox: made.id }
}

async function make({ store, account, now }: Parts, name: string, folder: Folder): Promise<Mailbox | string> {
  const made = await store.createMailbox({ account, name, now })
  if (!made.ok) {
    if (made.reason !== 'exists') return `the mailbox ${name} cannot be made (${made.reason})`
    const found = await store.findMailbox({ account, name })
    return found ?? `the mailbox ${name} was removed meanwhile`
  }
  if (folder.subscribed) await store.setSubscription({ account, name, subscribed: true })
  return made.mailbox
}
