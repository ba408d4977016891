// What the page knows, as signals: the list (only the stretches that were in sight), the message that is open, and what the server tells
// as it happens. Everything that changes something goes through here.
import { batch, computed, signal, type Signal } from '@preact/signals'
import type * as schema from '../../src/catcher/api/schema.ts'
import { api } from '../shared/api.ts'
import { startRouter } from '../shared/router.ts'
import { readSetting, writeSetting } from '../shared/settings.ts'
import { openStream } from '../shared/stream.ts'
import { announce } from '../shared/ui/live.tsx'
import { toast, toastError } from '../shared/ui/toast.tsx'

export type Summary = schema.MessageSummary
export type Detail = schema.MessageDetail
type Output<T extends { readonly _output: unknown }> = T['_output']
export type Status = Output<typeof schema.status>
export type Refusal = Output<typeof schema.refusal>
export type ChaosState = Output<typeof schema.chaosState>
export type Inbox = Output<typeof schema.inboxList>['inboxes'][number]
export type Tag = Output<typeof schema.tagList>['tags'][number]
type List = Output<typeof schema.messageList>

/** Where the page stands, with a slash at the end: scripts are in `assets/` below it (`catcher.webRoot`). */
export const root = new URL(import.meta.url).pathname.replace(/[^/]*\/[^/]*$/, '')
const base = `${root}api/v1/catcher`
export const apiPath = (path: string): string => base + path

export const router = startRouter(root)

/** What is shown beside the bar: `messages`, or one of the other pages. */
export const section = computed(() => {
  const [first = ''] = router.location.value.segments
  return ['refused', 'chaos', 'connect'].includes(first) ? first : 'messages'
})
export const openId = computed(() => {
  const [first, id] = router.location.value.segments
  return first === 'message' && id !== undefined ? id : null
})
export const query = computed(() => router.location.value.query.get('q') ?? '')
export const inbox = computed(() => router.location.value.query.get('inbox') ?? '')

export const rows: Signal<ReadonlyMap<number, Summary>> = signal(new Map())
export const total = signal(0)
export const unread = signal(0)
export const failure = signal<string | null>(null)
export const loaded = signal(false)
export const selected: Signal<ReadonlySet<string>> = signal(new Set<string>())
/** Index of the row that the keys move from. */
export const cursor = signal(0)
export const detail = signal<Detail | null>(null)
export const detailFailure = signal<string | null>(null)
export const status = signal<Status | null>(null)
export const inboxes = signal<readonly Inbox[]>([])
export const tags = signal<readonly Tag[]>([])
export const refusals = signal<readonly Refusal[]>([])
export const live = signal<'connecting' | 'live' | 'lost'>('connecting')

const pageSize = 100
const pending = new Set<number>()
/** Answers to what was asked before this are old. */
let generation = 0

/** The address of a place, with the search and the inbox kept. */
export function place(path: string, changes: { q?: string; inbox?: string } = {}): string {
  const search = new URLSearchParams()
  const q = changes.q ?? query.peek()
  const box = changes.inbox ?? inbox.peek()
  if (q !== '') search.set('q', q)
  if (box !== '') search.set('inbox', box)
  const text = search.toString()
  return text === '' ? path : `${path}?${text}`
}

function finding(): URLSearchParams {
  const search = new URLSearchParams({ timeZone: Intl.DateTimeFormat().resolvedOptions().timeZone })
  if (query.peek() !== '') search.set('query', query.peek())
  if (inbox.peek() !== '') search.set('inbox', inbox.peek())
  return search
}

/** Asks for the stretches that are in sight and not there. */
export function needRows(first: number, last: number): void {
  for (let page = Math.floor(first / pageSize); page * pageSize < last; page++) {
    const start = page * pageSize
    if (pending.has(start) || rows.peek().has(start) || start >= total.peek()) continue
    void loadPage(start)
  }
}

/** What was changed, here or by others as the server told, while lists or the changes were on their way: lists may be older than that. */
const changedMeanwhile = new Map<string, Pick<Summary, 'read' | 'tags'>>()
let onTheirWay = 0

async function underWay<T>(asking: () => Promise<T>): Promise<T> {
  onTheirWay++
  try {
    return await asking()
  } finally {
    if (--onTheirWay === 0) changedMeanwhile.clear()
  }
}

/** A part of the list, not older than what is known already. */
function askForList(search: URLSearchParams): Promise<List> {
  return underWay(async () => {
    const list = await api.get<List>(`${base}/messages?${search}`)
    let newlyRead = 0
    const messages = list.messages.map((message) => {
      const changed = changedMeanwhile.get(message.id)
      if (changed === undefined) return message
      newlyRead += Number(changed.read) - Number(message.read)
      return { ...message, ...changed }
    })
    return { ...list, messages, unread: Math.max(0, list.unread - newlyRead) }
  })
}

async function loadPage(start: number): Promise<void> {
  const mine = generation
  pending.add(start)
  const search = finding()
  search.set('start', String(start))
  search.set('limit', String(pageSize))
  try {
    const list = await askForList(search)
    if (mine !== generation) return
    batch(() => {
      const next = new Map(rows.peek())
      for (const [index, message] of list.messages.entries()) next.set(start + index, message)
      rows.value = next
      total.value = list.total
      unread.value = list.unread
      failure.value = null
      loaded.value = true
    })
  } catch (error) {
    if (mine === generation) failure.value = error instanceof Error ? error.message : String(error)
  } finally {
    pending.delete(start)
  }
}

/** Begins the list anew; what is in sight stays until the answer is there. */
export async function reload(): Promise<void> {
  generation++
  pending.clear()
  const mine = generation
  const search = finding()
  search.set('limit', String(pageSize))
  try {
    const list = await askForList(search)
    if (mine !== generation) return
    batch(() => {
      rows.value = new Map(list.messages.entries())
      total.value = list.total
      unread.value = list.unread
      failure.value = null
      loaded.value = true
    })
  } catch (error) {
    if (mine === generation) failure.value = error instanceof Error ? error.message : String(error)
  }
}

let reloading = 0
function reloadSoon(): void {
  reloading ||= window.setTimeout(() => {
    reloading = 0
    void reload()
  }, 150)
}

let sidesLoading = 0
function sidesSoon(): void {
  sidesLoading ||= window.setTimeout(() => {
    sidesLoading = 0
    void loadSides()
  }, 300)
}

async function loadSides(): Promise<void> {
  try {
    const [state, boxes, names] = await Promise.all([
      api.get<Status>(`${base}/status`),
      api.get<Output<typeof schema.inboxList>>(`${base}/inboxes`),
      api.get<Output<typeof schema.tagList>>(`${base}/tags`),
    ])
    batch(() => {
      status.value = state
      inboxes.value = boxes.inboxes
      tags.value = names.tags
    })
  } catch {
    // The list says what is wrong; the side keeps what it knew.
  }
}

export async function loadRefusals(): Promise<void> {
  try {
    refusals.value = (await api.get<Output<typeof schema.refusalList>>(`${base}/refusals`)).refusals
  } catch (error) {
    toastError(error, 'Refused mail could not be read')
  }
}

export async function clearRefusals(): Promise<void> {
  await api.delete(`${base}/refusals`)
  refusals.value = []
}

export function indexOf(id: string): number {
  for (const [index, row] of rows.peek()) if (row.id === id) return index
  return -1
}

export function open(id: string): void {
  const index = indexOf(id)
  if (index >= 0) cursor.value = index
  router.go(place(`message/${id}`))
}

export function close(): void {
  router.go(place(''))
}

async function loadDetail(id: string | null): Promise<void> {
  detailFailure.value = null
  if (id === null) {
    detail.value = null
    return
  }
  try {
    const message = await api.get<Detail>(`${base}/messages/${id}`)
    if (openId.peek() !== id) return
    detail.value = message
    if (!message.read) void setRead([id], true)
  } catch (error) {
    if (openId.peek() !== id) return
    detail.value = null
    detailFailure.value = error instanceof Error ? error.message : String(error)
  }
}

/** What could not be read may be there now. */
export function retryDetail(): void {
  void loadDetail(openId.peek())
}

function patchRows(ids: ReadonlySet<string>, change: (row: Summary) => Summary): void {
  const next = new Map(rows.peek())
  let newlyRead = 0
  for (const [index, row] of next) {
    if (!ids.has(row.id)) continue
    const changed = change(row)
    newlyRead += Number(changed.read) - Number(row.read)
    next.set(index, changed)
    if (onTheirWay > 0) changedMeanwhile.set(row.id, { read: changed.read, tags: changed.tags })
  }
  rows.value = next
  unread.value = Math.max(0, unread.peek() - newlyRead)
  const shown = detail.peek()
  if (shown !== null && ids.has(shown.id)) detail.value = { ...shown, ...change(shown) }
}

/** Shows a change at once and asks for it; what the server does not take is shown as it is there. */
function change(
  ids: readonly string[],
  asked: { readonly read?: boolean; readonly tags?: readonly string[] },
  trouble?: string,
): Promise<void> {
  return underWay(async () => {
    const { read, tags: names } = asked
    patchRows(new Set(ids), (row) => ({ ...row, read: read ?? row.read, tags: [...(names ?? row.tags)] }))
    try {
      await api.patch(`${base}/messages`, { ids, ...asked })
      sidesSoon()
    } catch (error) {
      for (const id of ids) changedMeanwhile.delete(id)
      toastError(error, trouble)
      reloadSoon()
    }
  })
}

export function setRead(ids: readonly string[], read: boolean): Promise<void> {
  return change(ids, { read })
}

export async function setAllRead(): Promise<void> {
  const search = finding()
  const body = {
    query: search.get('query') ?? undefined,
    inbox: search.get('inbox') ?? undefined,
    read: true,
  }
  await api.patch(`${base}/messages`, body).catch((error: unknown) => toastError(error))
  reloadSoon()
  sidesSoon()
}

export function setTags(ids: readonly string[], names: readonly string[]): Promise<void> {
  return change(ids, { tags: names }, 'The tags were not kept')
}

export async function addTag(ids: readonly string[], name: string): Promise<void> {
  try {
    await api.patch(`${base}/messages`, { ids, addTags: [name] })
    reloadSoon()
    sidesSoon()
  } catch (error) {
    toastError(error, 'The tag was not added')
  }
}

export async function remove(ids: readonly string[]): Promise<void> {
  const current = openId.peek()
  const at = current === null ? -1 : indexOf(current)
  const next = at < 0 ? undefined : (rows.peek().get(at + 1) ?? rows.peek().get(at - 1))
  try {
    await api.delete(`${base}/messages`, { ids })
    selected.value = new Set()
    toast(ids.length === 1 ? 'Deleted' : `${ids.length} messages deleted`)
    if (current !== null && ids.includes(current)) {
      if (next !== undefined && !ids.includes(next.id)) open(next.id)
      else close()
    }
    await reload()
    sidesSoon()
  } catch (error) {
    toastError(error, 'Nothing was deleted')
  }
}

/** All that the search and the inbox show. */
export async function removeShown(): Promise<void> {
  const search = finding()
  const body = { query: search.get('query') ?? undefined, inbox: search.get('inbox') ?? undefined }
  try {
    await api.delete(`${base}/messages`, body)
    close()
    await reload()
    sidesSoon()
  } catch (error) {
    toastError(error, 'Nothing was deleted')
  }
}

type LiveEvent = schema.LiveEvent

function hear(event: LiveEvent): void {
  switch (event.type) {
    case 'new':
      announce(`New message: ${event.message.subject}`)
      notify(event.message)
      reloadSoon()
      sidesSoon()
      return
    case 'update': {
      const { id, read, tags: names } = event
      // Of what is not in sight only the server can count.
      if (indexOf(id) < 0) reloadSoon()
      patchRows(new Set([id]), (row) => ({
        ...row,
        ...(read !== undefined && { read }),
        ...(names !== undefined && { tags: names }),
      }))
      sidesSoon()
      return
    }
    case 'delete':
    case 'reload':
      reloadSoon()
      sidesSoon()
      return
    case 'stats':
      return
    case 'refusal':
      refusals.value = [event.refusal, ...refusals.peek()].slice(0, 500)
  }
}

/** Whether somebody wants them in this browser; kept, and held only while the browser allows them. */
export const notifying = signal(
  readSetting('catcher-notify', 'no') === 'yes' &&
    typeof Notification !== 'undefined' &&
    Notification.permission === 'granted',
)

/** Browser notifications, where somebody wants them. */
export async function wantNotifications(wanted: boolean): Promise<void> {
  if (wanted && typeof Notification === 'undefined') {
    toast('Browsers notify only for pages of https or localhost', { tone: 'bad' })
    return
  }
  if (wanted && Notification.permission !== 'granted') {
    const answer = await Notification.requestPermission()
    if (answer !== 'granted') {
      toast('This browser does not allow notifications for this page', { tone: 'bad' })
      return
    }
  }
  notifying.value = wanted
  writeSetting('catcher-notify', wanted ? 'yes' : 'no')
}

function notify({ id, from, subject, snippet }: Summary): void {
  if (!notifying.peek() || document.visibilityState === 'visible') return
  const shown = new Notification(subject === '' ? '(no subject)' : subject, {
    body: `${from?.name || from?.address || ''}\n${snippet}`,
    tag: id,
  })
  shown.onclick = () => {
    window.focus()
    open(id)
  }
}

function listen(): void {
  const types: readonly LiveEvent['type'][] = ['new', 'update', 'delete', 'reload', 'stats', 'refusal']
  // The server's own events: `liveEvent` of the schema.
  const take = (data: string): void => hear(JSON.parse(data) as LiveEvent)
  const catchUp = (): void => {
    reloadSoon()
    sidesSoon()
    void loadRefusals()
    if (detailFailure.peek() !== null) retryDetail()
  }
  openStream({
    path: `${base}/events`,
    events: Object.fromEntries(types.map((type) => [type, take])),
    onOpen: () => {
      live.value = 'live'
      catchUp()
    },
    onLost: () => (live.value = 'lost'),
    onRefused: catchUp,
  })
}

/** Called once, before the first render. */
export function start(): void {
  // Where `/view/{id}`, as Mailpit has it, leads.
  const asked = router.location.peek().query.get('message')
  if (asked !== null) router.go(`message/${encodeURIComponent(asked)}`, { replace: true })
  let shownFor: string | null = null
  query.subscribe(() => {
    const now = `${query.value}\n${inbox.value}`
    if (now === shownFor) return
    shownFor = now
    changedSearch()
  })
  inbox.subscribe(() => {
    const now = `${query.value}\n${inbox.value}`
    if (now === shownFor) return
    shownFor = now
    changedSearch()
  })
  openId.subscribe((id) => void loadDetail(id))
  void loadSides()
  void loadRefusals()
  listen()
}

function changedSearch(): void {
  selected.value = new Set()
  cursor.value = 0
  void reload()
}
