// What IMAP and JMAP tell of the account, held to the model.
import assert from 'node:assert/strict'
import { textAt } from '../../support/jmap-house.ts'
import type { Json, JsonObject } from '../../../src/jmap/proto/json.ts'
import type { ImapClient } from '../../support/imap-session.ts'
import { isList, numberOf, pairsOf, readResponses, type Answer, wordOf, wordsOf } from '../imap/responses.ts'
import type { Email, Mailbox, Place, SharedModel, Shown } from './shared-model.ts'

export type Asked = (name: string, args: object) => Promise<JsonObject>

/** Says a command that must be OK. */
export async function say(client: ImapClient, text: string): Promise<Answer> {
  await client.send(`t ${text}\r\n`)
  if (client.failure !== null) throw new Error('the handler threw', { cause: client.failure })
  return readResponses(client.take())
}

async function sayOk(client: ImapClient, text: string): Promise<Answer> {
  const answer = await say(client, text)
  assert.equal(answer.tagged?.status, 'OK', `${text} is answered ${answer.tagged?.status}`)
  return answer
}

/** Mailboxes that somebody shares with the owner, which are no part of the model. */
const others = 'Other Users/'

/** Lists, subscriptions and messages as IMAP tells them; learns ids and UIDs. */
export async function holdImap(client: ImapClient, model: SharedModel): Promise<void> {
  const listed = await sayOk(client, 'LIST "" * RETURN (SUBSCRIBED STATUS (MAILBOXID))')
  const names = new Map<string, readonly string[]>()
  for (const { name, values } of listed.untagged) {
    if (name === 'LIST' && !wordOf(values[2]).startsWith(others)) {
      names.set(wordOf(values[2]), wordsOf(values[0]))
    }
    if (name === 'STATUS') {
      const id = pairsOf(values[1]).get('MAILBOXID')
      learn(model.find(wordOf(values[0])), isList(id) ? wordOf(id[0]) : '')
    }
  }
  assert.deepEqual([...names.keys()].toSorted(), model.mailboxes.map(({ path }) => path).toSorted(), 'LIST')
  for (const { path, selectable } of model.mailboxes) {
    const attributes = names.get(path) ?? []
    assert.equal(attributes.includes('\\noselect'), !selectable, `\\Noselect of ${path}`)
    assert.equal(
      attributes.includes('\\subscribed'),
      model.subscribed.has(path),
      `IMAP: subscription of ${path}`,
    )
  }
  for (const mailbox of model.mailboxes) if (mailbox.selectable) await holdMessages(client, model, mailbox)
}

function learn(known: { id: string } | undefined, id: string): void {
  if (known === undefined) return
  if (known.id === '') known.id = id
  else assert.equal(known.id, id, 'an id is another')
}

interface Told {
  readonly uid: number
  readonly flags: string
  readonly email: string
  readonly thread: string
  readonly nr: number
}

/** Messages of one mailbox as IMAP tells them; learns ids and UIDs. */
export async function holdMessages(client: ImapClient, model: SharedModel, mailbox: Mailbox): Promise<void> {
  await sayOk(client, `EXAMINE "${mailbox.path}"`)
  const items = 'FLAGS EMAILID THREADID BODY.PEEK[HEADER.FIELDS (X-NR)]'
  const answer = await sayOk(client, `UID FETCH 1:* (${items})`)
  const told = answer.untagged.flatMap(({ name, values }) => (name === 'FETCH' ? [messageOf(values)] : []))
  const places = model.in(mailbox)
  const where = `IMAP: messages of ${mailbox.path}`
  for (const message of told) {
    const place =
      places.find(({ uid }) => uid === message.uid) ??
      places.find((one) => one.uid === 0 && isOf(one, message) && flagsOf(one) === message.flags)
    assert.ok(place, `${where}: UID ${message.uid} (nr ${message.nr}, ${message.flags}) is not in the model`)
    place.uid = message.uid
    assert.equal(message.flags, flagsOf(place), `${where}: flags of UID ${message.uid}`)
    learn(place.email, message.email)
    learn(place.email.thread, message.thread)
  }
  assert.equal(told.length, places.length, `${where}: how many there are`)
}

const flagsOf = ({ flags }: Place): string => [...flags].toSorted().join(' ')

function isOf({ email }: Place, { email: id, nr }: Told): boolean {
  return email.id === '' ? email.nr === nr : email.id === id
}

function messageOf(values: Answer['untagged'][number]['values']): Told {
  const pairs = pairsOf(values[0])
  const flags = wordsOf(pairs.get('FLAGS')).filter((flag) => flag !== '\\recent')
  const [email, thread] = [pairs.get('EMAILID'), pairs.get('THREADID')]
  const header = wordOf([...pairs].find(([name]) => name.startsWith('BODY['))?.[1])
  return {
    ...{ uid: numberOf(pairs.get('UID')), flags: flags.join(' ') },
    email: isList(email) ? wordOf(email[0]) : '',
    thread: isList(thread) ? wordOf(thread[0]) : '',
    nr: Number(/\d+/.exec(header)?.[0]),
  }
}

/** What one viewer sees by JMAP, as objects in JSON by their ids, with their states. */
export interface JmapView {
  readonly Email: Records
  readonly Thread: Records
  readonly Mailbox: Records
}

export interface Records {
  readonly state: string
  readonly objects: ReadonlyMap<string, string>
}

const emailProperties = ['id', 'threadId', 'mailboxIds', 'keywords', 'receivedAt', 'subject', 'from']

export async function readJmap(asked: Asked): Promise<JmapView> {
  const { ids } = await asked('Email/query', { filter: null })
  const emails = await asked('Email/get', { ids, properties: emailProperties })
  assert.deepEqual(emails['notFound'], [], 'what is found by query is there')
  const list = emails['list'] as unknown as readonly { threadId: string }[]
  const threadIds = [...new Set(list.map(({ threadId }) => threadId))]
  const threads = await asked('Thread/get', { ids: threadIds })
  assert.deepEqual(threads['notFound'], [], 'threads of emails are there')
  const mailboxes = await asked('Mailbox/get', { ids: null })
  return { Email: recordsOf(emails), Thread: recordsOf(threads), Mailbox: recordsOf(mailboxes) }
}

function recordsOf(told: JsonObject): Records {
  // As RFC 8620 §5.1 has them.
  const list = told['list'] as unknown as readonly JsonObject[]
  return {
    state: textAt(told, 'state'),
    objects: new Map(list.map((object) => [textAt(object, 'id'), canonical(object)])),
  }
}

/** JSON with the members in order. */
export function canonical(value: Json): string {
  if (Array.isArray(value)) return `[${value.map((one: Json) => canonical(one)).join()}]`
  if (typeof value !== 'object' || value === null) return JSON.stringify(value)
  const members = Object.entries(value as JsonObject).toSorted(([a], [b]) => (a < b ? -1 : 1))
  return `{${members.map(([name, member]) => `${JSON.stringify(name)}:${canonical(member)}`).join()}}`
}

/** Whose view it is: the owner's, or that of a guest with rights. */
export type Viewer = 'owner' | 'guest'

export function seenBy(model: SharedModel, viewer: Viewer): (mailbox: Mailbox) => boolean {
  return (mailbox) => viewer === 'owner' || model.rights.get(mailbox)?.includes('r') === true
}

/** Holds a view to the model; learns the ids of what IMAP does not show. */
export function holdJmap(view: JmapView, model: SharedModel, viewer: Viewer): void {
  if (viewer === 'owner') learnMailboxes(view, model)
  const shown = model.shown(seenBy(model, viewer))
  holdEmails(view, shown, viewer)
  holdMailboxes(view, model, { viewer, shown })
}

/** Emails and threads. */
export function holdEmails(view: JmapView, shown: readonly Shown[], viewer: string): void {
  const told = new Map(Array.from(view.Email.objects, ([id, text]) => [id, JSON.parse(text) as JsonObject]))
  const unknown = shown.filter(({ email }) => email.id === '')
  assert.deepEqual(
    unknown.map(({ email }) => email.nr),
    [],
    'IMAP shows what JMAP shows',
  )
  assert.deepEqual(
    [...told.keys()].toSorted(),
    shown.map(({ email }) => email.id).toSorted(),
    `JMAP: emails of the ${viewer}`,
  )
  for (const { email, mailboxIds, keywords } of shown) {
    const object = told.get(email.id) ?? {}
    const wanted = {
      ...{ id: email.id, threadId: email.thread.id, subject: email.subject },
      mailboxIds: Object.fromEntries(mailboxIds.map((id) => [id, true])),
      keywords: Object.fromEntries(keywords.map((keyword) => [keyword, true])),
      receivedAt: new Date(email.receivedAt).toISOString().replace('.000Z', 'Z'),
      from: [{ name: null, email: email.from }],
    }
    assert.equal(canonical(object), canonical(wanted), `JMAP: email ${email.id} of the ${viewer}`)
  }
  holdThreads(view, shown, viewer)
}

/** Ids of mailboxes that cannot be selected, which IMAP does not tell. */
function learnMailboxes({ Mailbox }: JmapView, model: SharedModel): void {
  const objects = new Map(Array.from(Mailbox.objects, ([id, text]) => [id, JSON.parse(text) as JsonObject]))
  const pathOf = (object: JsonObject): string => {
    const { parentId } = object
    const parent = typeof parentId === 'string' ? objects.get(parentId) : undefined
    return parent === undefined ? textAt(object, 'name') : `${pathOf(parent)}/${textAt(object, 'name')}`
  }
  for (const [id, object] of objects) {
    const mailbox = model.find(pathOf(object).replace(/^Inbox/, 'INBOX'))
    if (mailbox?.id === '') mailbox.id = id
  }
}

function holdThreads({ Thread }: JmapView, shown: readonly Shown[], viewer: string): void {
  const threads = new Map<string, Email[]>()
  for (const { email } of shown)
    threads.set(email.thread.id, [...(threads.get(email.thread.id) ?? []), email])
  assert.deepEqual([...Thread.objects.keys()].toSorted(), [...threads.keys()].toSorted(), 'JMAP: threads')
  for (const [id, text] of Thread.objects) {
    const { emailIds } = JSON.parse(text) as { emailIds: readonly string[] }
    const emails = threads.get(id) ?? []
    const dates = emailIds.map((one) => emails.find((email) => email.id === one)?.receivedAt ?? NaN)
    assert.deepEqual(
      dates,
      dates.toSorted((a, b) => a - b),
      `JMAP: order of thread ${id} of the ${viewer}`,
    )
    assert.deepEqual(
      emailIds.toSorted(),
      emails.map((email) => email.id).toSorted(),
      `JMAP: thread ${id} of the ${viewer}`,
    )
  }
}

function holdMailboxes(
  { Mailbox }: JmapView,
  model: SharedModel,
  { viewer, shown }: { viewer: Viewer; shown: readonly Shown[] },
): void {
  const listed = model.mailboxes.filter((one) => viewer === 'owner' || (model.rights.get(one) ?? '') !== '')
  const trash = model.mailboxes.find(({ role }) => role === 'trash')?.id ?? ''
  assert.deepEqual(
    [...Mailbox.objects.keys()].toSorted(),
    listed.map(({ id }) => id).toSorted(),
    'JMAP: mailboxes',
  )
  for (const mailbox of listed) {
    const told = JSON.parse(Mailbox.objects.get(mailbox.id) ?? '{}') as JsonObject
    const counts = countsOf(mailbox.id, { shown, trash })
    const { totalEmails, unreadEmails, totalThreads, unreadThreads } = told
    assert.deepEqual(
      { totalEmails, unreadEmails, totalThreads, unreadThreads },
      counts,
      `JMAP: counts of ${mailbox.path} for the ${viewer}`,
    )
    if (viewer === 'guest') continue
    const parent = model.parentOf(mailbox)
    const wanted = {
      name: mailbox.path === 'INBOX' ? 'Inbox' : mailbox.path.slice(mailbox.path.lastIndexOf('/') + 1),
      parentId: parent?.id ?? null,
      role: mailbox.role,
      sortOrder: mailbox.sortOrder,
      isSubscribed: model.subscribed.has(mailbox.path),
    }
    const { name, parentId, role, sortOrder, isSubscribed } = told
    assert.deepEqual({ name, parentId, role, sortOrder, isSubscribed }, wanted, `JMAP: ${mailbox.path}`)
  }
}

/** RFC 8621 §2, with the trash apart. */
function countsOf(id: string, { shown, trash }: { shown: readonly Shown[]; trash: string }): JsonObject {
  const isUnread = ({ keywords }: Shown): boolean =>
    !keywords.includes('$seen') && !keywords.includes('$draft')
  const inside = shown.filter(({ mailboxIds }) => mailboxIds.includes(id))
  const threads = new Set(inside.map(({ email }) => email.thread))
  const counting = shown.filter(({ mailboxIds }) =>
    id === trash ? mailboxIds.includes(trash) : mailboxIds.some((one) => one !== trash),
  )
  const unread = new Set(counting.filter(isUnread).map(({ email }) => email.thread))
  return {
    totalEmails: inside.length,
    unreadEmails: inside.filter(isUnread).length,
    totalThreads: threads.size,
    unreadThreads: [...threads].filter((thread) => unread.has(thread)).length,
  }
}
