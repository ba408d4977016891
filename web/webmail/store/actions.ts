// What can be done with conversations, each thing undone by one click or `z`. The list shows it at once. What is done to a whole list, of
// whatever length, goes in groups, says how far it is, and can be stopped.
import { formatNumber, plural } from '../../shared/format.ts'
import { JmapError } from '../../shared/jmap/client.ts'
import type { Email, Filter, GetResponse, Id, QueryResponse } from '../../shared/jmap/types.ts'
import { confirm } from '../../shared/ui/dialog.tsx'
import { toast, toastError } from '../../shared/ui/toast.tsx'
import type { ConversationList } from './conversation-list.ts'
import { inversePatch, movePatch, type Patch, type Placed, pointerToken } from './email-patch.ts'
import type { WriteOptions, Written } from './email-writer.ts'
import type { MailStore } from './mail-store.ts'

/** Where the user is: the mailbox whose part of a conversation is meant, or null in a search. */
export interface Scene {
  readonly store: MailStore
  readonly list: ConversationList | null
  readonly mailboxId: Id | null
}

/** Conversations by thread, or all of the list. */
export type Targets = readonly Id[] | 'all'

/** Emails asked for at once when all of a list are meant. */
const group = 500
/** What takes longer than this many emails says how far it is. */
const quick = 500

/** The emails of those conversations that an action is about: those here, or all where none is. */
function emailsOf({ store, mailboxId }: Scene, threadIds: readonly Id[]): Email[] {
  const all = threadIds.flatMap((id) => store.threadEmails(id))
  if (mailboxId === null) return all
  const here = all.filter((email) => email.mailboxIds[mailboxId] === true)
  return here.length > 0 ? here : all
}

/** How far something long is, with the way to stop it. */
function startProgress(doing: string, total: number): Required<WriteOptions> & { end: () => void } {
  const stop = new AbortController()
  let remove = (): void => undefined
  const action = { label: 'Stop', run: () => stop.abort() }
  return {
    stop: stop.signal,
    onProgress(done) {
      remove()
      if (stop.signal.aborted) return
      remove = toast(`${doing}: ${formatNumber(done)} of ${formatNumber(total)}`, {
        ...{ key: 'progress', stay: 0, action },
      })
    },
    end: () => remove(),
  }
}

/** All emails of a list, in the order of their arrival. Null: it was stopped. */
async function everyEmail({ store }: Scene, filter: Filter): Promise<Placed[] | null> {
  const { client } = store
  const limit = Math.min(group, client.limits.objectsInGet)
  const found: Placed[] = []
  let progress: ReturnType<typeof startProgress> | undefined
  try {
    for (;;) {
      const batch = client.batch()
      const query = batch.add<QueryResponse>('Email/query', {
        ...{ filter, sort: [{ property: 'receivedAt', isAscending: true }] },
        ...{ position: found.length, limit, calculateTotal: found.length === 0 },
      })
      const emails = batch.add<GetResponse<Placed>>('Email/get', {
        '#ids': query.ref('/ids'),
        properties: ['id', 'mailboxIds', 'keywords'],
      })
      await batch.send()
      const { ids, total = 0 } = await query.result
      if (found.length === 0 && total > quick) progress = startProgress('Looking through', total)
      found.push(...(await emails.result).list)
      if (ids.length < limit) return found
      progress?.onProgress(found.length)
      if (progress?.stop.aborted === true) return null
    }
  } finally {
    progress?.end()
  }
}

/** The emails meant, or null where nothing is to be done. */
async function meant(scene: Scene, targets: Targets): Promise<readonly Placed[] | null> {
  if (targets !== 'all') return emailsOf(scene, targets)
  if (scene.list === null) return null
  try {
    return await everyEmail(scene, scene.list.filter)
  } catch (error) {
    toastError(error)
    return null
  }
}

interface Change {
  readonly patches: ReadonlyMap<Id, Patch>
  /** The emails as they were. */
  readonly emails: readonly Placed[]
  /** What is said at the end; empty: nothing. */
  readonly done: string
  /** Conversations that leave the list with it. */
  readonly leaves: Targets
}

function takeOut({ list, store }: Scene, leaves: Targets): void {
  if (list === null || leaves === 'all' || leaves.length === 0) return
  const threads = new Set(leaves)
  const heads = list.ids.flatMap((id) =>
    id !== undefined && threads.has(store.emails.get(id)?.threadId ?? '') ? [id] : [],
  )
  list.remove(new Set(heads))
}

async function write({ store, list }: Scene, patches: ReadonlyMap<Id, Patch>): Promise<Written> {
  const release = list?.hold()
  const progress = patches.size > quick ? startProgress('Changing', patches.size) : undefined
  try {
    return await store.writer.update(patches, progress)
  } finally {
    progress?.end()
    release?.()
  }
}

async function change(scene: Scene, { patches, emails, done, leaves }: Change): Promise<void> {
  if (patches.size === 0) return
  const { list } = scene
  const back = new Map<Id, Patch>()
  for (const email of emails) {
    const patch = patches.get(email.id)
    if (patch !== undefined) back.set(email.id, inversePatch(email, patch))
  }
  takeOut(scene, leaves)
  const undo = async (): Promise<void> => {
    const { error } = await write(scene, back)
    if (error !== null) toastError(error, 'Could not undo')
    await list?.refresh()
  }
  const offer = (): void => {
    if (done !== '') toast(done, { key: 'undo', action: { label: 'Undo', run: () => void undo() } })
  }
  const atOnce = patches.size <= quick
  if (atOnce) offer()
  const { done: count, error } = await write(scene, patches)
  // What was not done cannot be undone: the offer goes.
  if (error !== null) toastError(error, undefined, count === 0 ? 'undo' : undefined)
  if (!atOnce && count > 0) offer()
  if (error !== null || count < patches.size || leaves === 'all') await list?.refresh()
}

function count(targets: Targets): string {
  if (targets === 'all') return 'All of it'
  return targets.length === 1 ? 'Conversation' : `${formatNumber(targets.length)} conversations`
}

/** Moves what of the conversations is here into another mailbox. */
export async function moveTo(scene: Scene, targets: Targets, target: Id): Promise<void> {
  const { store, mailboxId: here } = scene
  const emails = await meant(scene, targets)
  const patches = new Map<Id, Patch>()
  const sent = store.byRole('sent')?.id
  for (const email of emails ?? []) {
    const patch = movePatch(email, target, { here, sent })
    if (patch !== null) patches.set(email.id, patch)
  }
  const done = `${count(targets)} moved to ${store.mailbox(target)?.name ?? 'folder'}`
  await change(scene, { patches, emails: emails ?? [], done, leaves: here === null ? [] : targets })
}

/** Moves to the mailbox of that role. */
export async function moveToRole(
  scene: Scene,
  targets: Targets,
  role: 'archive' | 'trash' | 'junk' | 'inbox',
): Promise<void> {
  const target = scene.store.byRole(role)
  if (target === undefined) {
    toast(`There is no folder for ${role}. Make one first.`, { tone: 'bad' })
    return
  }
  await moveTo(scene, targets, target.id)
}

/** Into the bin; from the bin for good, after a question. */
export async function trash(scene: Scene, targets: Targets): Promise<void> {
  const bin = scene.store.byRole('trash')
  if (bin !== undefined && scene.mailboxId !== bin.id) {
    await moveTo(scene, targets, bin.id)
    return
  }
  const emails = (await meant(scene, targets)) ?? []
  if (emails.length === 0) return
  const sure = await confirm({
    title: 'Delete for good?',
    text: `${plural(emails.length, 'message')} will be gone. This cannot be undone.`,
    confirm: 'Delete',
    danger: true,
  })
  if (sure)
    await destroy(
      scene,
      emails.map(({ id }) => id),
    )
}

async function destroy({ store, list }: Scene, ids: readonly Id[]): Promise<void> {
  const progress = ids.length > quick ? startProgress('Deleting', ids.length) : undefined
  const { error } = await store.writer.destroy(ids, progress)
  progress?.end()
  if (error !== null && !(error instanceof JmapError && error.type === 'notFound')) toastError(error)
  await list?.refresh()
}

/** Deletes all of a mailbox for good. */
export async function emptyMailbox(scene: Scene, inMailbox: Id): Promise<void> {
  try {
    const emails = await everyEmail(scene, { inMailbox })
    await destroy(
      scene,
      (emails ?? []).map(({ id }) => id),
    )
    await scene.store.refresh()
  } catch (error) {
    toastError(error, 'Could not empty the folder')
  }
}

/** Sets or takes a keyword of what is here. */
export async function setKeyword(
  scene: Scene,
  targets: Targets,
  { keyword, on, done = '' }: { keyword: string; on: boolean; done?: string },
): Promise<void> {
  const emails = await meant(scene, targets)
  const patches = new Map<Id, Patch>()
  for (const email of emails ?? []) {
    if ((email.keywords[keyword] === true) !== on) {
      patches.set(email.id, { [`keywords/${pointerToken(keyword)}`]: on ? true : null })
    }
  }
  await change(scene, { patches, emails: emails ?? [], done, leaves: [] })
}

export async function markRead(scene: Scene, targets: Targets, read: boolean): Promise<void> {
  const done = `${count(targets)} marked as ${read ? 'read' : 'unread'}`
  await setKeyword(scene, targets, { keyword: '$seen', on: read, done })
}

/** A star stands on the newest message of a conversation; taking it clears all. */
export async function toggleStar(scene: Scene, threadId: Id): Promise<void> {
  const emails = emailsOf(scene, [threadId])
  const starred = emails.some(({ keywords }) => keywords['$flagged'] === true)
  const some = starred ? emails.filter(({ keywords }) => keywords['$flagged'] === true) : emails.slice(-1)
  const patch: Patch = { 'keywords/$flagged': starred ? null : true }
  await change(scene, { patches: new Map(some.map(({ id }) => [id, patch])), emails, done: '', leaves: [] })
}
