// What can be done with conversations, each thing undone by one click or `z`. The list shows it at once.
import { formatNumber, plural } from '../../shared/format.ts'
import type { Email, Id } from '../../shared/jmap/types.ts'
import { confirm } from '../../shared/ui/dialog.tsx'
import { toast, toastError } from '../../shared/ui/toast.tsx'
import type { ConversationList } from './conversation-list.ts'
import { inversePatch, type MailStore, type Patch, pointerToken } from './mail-store.ts'

/** Where the user is: the mailbox whose part of a conversation is meant, or null in a search. */
export interface Scene {
  readonly store: MailStore
  readonly list: ConversationList | null
  readonly mailboxId: Id | null
}

/** The emails of those conversations that an action is about: those here, or all that are not drafts in the bin. */
export function emailsOf({ store, mailboxId }: Scene, threadIds: readonly Id[]): Email[] {
  const all = threadIds.flatMap((id) => store.threadEmails(id))
  if (mailboxId === null) return all
  const here = all.filter((email) => email.mailboxIds[mailboxId] === true)
  return here.length > 0 ? here : all
}

async function change(
  scene: Scene,
  done: string,
  patches: ReadonlyMap<Id, Patch>,
  leaves: readonly Id[],
): Promise<void> {
  const { store, list } = scene
  if (patches.size === 0) return
  const back = new Map<Id, Patch>()
  for (const [id, patch] of patches) {
    const email = store.emails.get(id)
    if (email !== undefined) back.set(id, inversePatch(email, patch))
  }
  const threads = new Set(leaves)
  const heads = (list?.ids ?? []).filter(
    (id) => id !== undefined && threads.has(store.emails.get(id)?.threadId ?? ''),
  )
  if (leaves.length > 0) list?.remove(new Set(heads.flatMap((id) => id ?? [])))
  const undo = (): void => {
    store.update(back).then(
      () => list?.refresh(),
      (error: unknown) => toastError(error, 'Could not undo'),
    )
  }
  if (done !== '') toast(done, { key: 'undo', action: { label: 'Undo', run: undo } })
  try {
    await store.update(patches)
  } catch (error) {
    toastError(error)
    await list?.refresh()
  }
}

function count(threadIds: readonly Id[]): string {
  return threadIds.length === 1 ? 'Conversation' : `${formatNumber(threadIds.length)} conversations`
}

/** Moves what of the conversations is here into another mailbox. */
export async function moveTo(scene: Scene, threadIds: readonly Id[], target: Id): Promise<void> {
  const { store, mailboxId } = scene
  const patches = new Map<Id, Patch>()
  for (const email of emailsOf(scene, threadIds)) {
    const patch: Record<string, true | null> = { [`mailboxIds/${pointerToken(target)}`]: true }
    for (const id of Object.keys(email.mailboxIds)) {
      const own = id === mailboxId || mailboxId === null || store.mailbox(id)?.role !== 'sent'
      if (id !== target && own) patch[`mailboxIds/${pointerToken(id)}`] = null
    }
    if (email.mailboxIds[target] !== true) patches.set(email.id, patch)
  }
  const name = store.mailbox(target)?.name ?? 'folder'
  await change(scene, `${count(threadIds)} moved to ${name}`, patches, mailboxId === null ? [] : threadIds)
}

/** Moves to the mailbox of that role; makes it where there is none. */
export async function moveToRole(
  scene: Scene,
  threadIds: readonly Id[],
  role: 'archive' | 'trash' | 'junk' | 'inbox',
): Promise<void> {
  const target = scene.store.byRole(role)
  if (target === undefined) {
    toast(`There is no folder for ${role}. Make one first.`, { tone: 'bad' })
    return
  }
  await moveTo(scene, threadIds, target.id)
}

/** Into the bin; from the bin for good, after a question. */
export async function trash(scene: Scene, threadIds: readonly Id[]): Promise<void> {
  const bin = scene.store.byRole('trash')
  if (bin !== undefined && scene.mailboxId !== bin.id) {
    await moveTo(scene, threadIds, bin.id)
    return
  }
  const emails = emailsOf(scene, threadIds)
  const sure = await confirm({
    title: 'Delete for good?',
    text: `${plural(emails.length, 'message')} will be gone. This cannot be undone.`,
    confirm: 'Delete',
    danger: true,
  })
  if (!sure) return
  try {
    await scene.store.destroy(emails.map(({ id }) => id))
    await scene.list?.refresh()
  } catch (error) {
    toastError(error)
  }
}

/** Sets or takes a keyword of what is here. */
export async function setKeyword(
  scene: Scene,
  threadIds: readonly Id[],
  { keyword, on, done = '' }: { keyword: string; on: boolean; done?: string },
): Promise<void> {
  const patches = new Map<Id, Patch>()
  for (const email of emailsOf(scene, threadIds)) {
    if ((email.keywords[keyword] === true) !== on) {
      patches.set(email.id, { [`keywords/${pointerToken(keyword)}`]: on ? true : null })
    }
  }
  await change(scene, done, patches, [])
}

export async function markRead(scene: Scene, threadIds: readonly Id[], read: boolean): Promise<void> {
  const done = `${count(threadIds)} marked as ${read ? 'read' : 'unread'}`
  await setKeyword(scene, threadIds, { keyword: '$seen', on: read, done })
}

/** A star stands on the newest message of a conversation; taking it clears all. */
export async function toggleStar(scene: Scene, threadId: Id): Promise<void> {
  const emails = emailsOf(scene, [threadId])
  const starred = emails.some(({ keywords }) => keywords['$flagged'] === true)
  const meant = starred ? emails.filter(({ keywords }) => keywords['$flagged'] === true) : emails.slice(-1)
  const patches = new Map<Id, Patch>(
    meant.map(({ id }) => [id, { 'keywords/$flagged': starred ? null : true }]),
  )
  await change(scene, '', patches, [])
}
