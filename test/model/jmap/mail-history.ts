// Random changes as IMAP makes them, and after each of them the question of JMAP: does what was at an earlier state, with what /changes
// tells since, give what is now (RFC 8620 §5.2)? In pages of any size, for emails, threads and mailboxes, for the owner and for somebody
// with whom a mailbox is shared, by an index that lived through it and by one that was loaded just now.
import assert from 'node:assert/strict'
import fc from 'fast-check'
import type { Departure } from '../../../src/store/emails.ts'
import type { AccountId, EmailId, Mailbox, MailboxId } from '../../../src/store/model.ts'
import { MailAccess, type MailRights } from '../../../src/jmap/server/mail-access.ts'
import { mailboxCounts } from '../../../src/jmap/server/mail-index/mailbox-counts.ts'
import {
  mailboxesNow,
  mailboxPast,
  mailboxState,
} from '../../../src/jmap/server/mailboxes/mailbox-methods.ts'
import type { AccountCall } from '../../../src/jmap/server/module.ts'
import { departedBy, emailEvents, threadEvents } from '../../../src/jmap/server/mail-index/history.ts'
import type { MailView } from '../../../src/jmap/server/mail-index/mail-view.ts'
import { baseOf, pageOf, type Event, type Point } from '../../../src/jmap/server/mail-index/point.ts'
import { House, letter, type OpenedStore, structureOf } from '../../contracts/house.ts'

/** One step; numbers are taken modulo what there is. */
export type Step =
  | { readonly do: 'deliver'; readonly mailbox: number; readonly thread: number; readonly flags: number }
  | {
      readonly do: 'flag'
      readonly mailbox: number
      readonly first: number
      readonly count: number
      readonly flags: number
      readonly mode: 'add' | 'remove' | 'replace'
    }
  | {
      readonly do: 'copy' | 'move'
      readonly mailbox: number
      readonly first: number
      readonly count: number
      readonly to: number
    }
  | {
      readonly do: 'expunge'
      readonly mailbox: number
      readonly first: number
      readonly which: 'deleted' | 'regardless'
    }
  | { readonly do: 'remove-mailbox'; readonly mailbox: number }
  | {
      readonly do: 'change-email'
      readonly mailbox: number
      readonly email: number
      readonly enter: number | null
      readonly leave: number | null
      readonly flags: number
    }
  | { readonly do: 'destroy-email'; readonly mailbox: number; readonly email: number }
  | { readonly do: 'look' }

const small = fc.nat({ max: 5 })

export const steps: fc.Arbitrary<Step[]> = fc.array(
  fc.oneof(
    {
      weight: 4,
      arbitrary: fc.record({
        do: fc.constant('deliver' as const),
        mailbox: small,
        thread: fc.nat({ max: 3 }),
        flags: fc.constantFrom(0, 0, 1, 8),
      }),
    },
    {
      weight: 5,
      arbitrary: fc.record({
        ...{ do: fc.constant('flag' as const), mailbox: small, first: small, count: small },
        ...{
          flags: fc.constantFrom(1, 4, 8, 8, 9),
          mode: fc.constantFrom('add' as const, 'remove' as const, 'replace' as const),
        },
      }),
    },
    {
      weight: 4,
      arbitrary: fc.record({
        do: fc.constantFrom('copy' as const, 'move' as const),
        mailbox: small,
        first: small,
        count: small,
        to: small,
      }),
    },
    {
      weight: 2,
      arbitrary: fc.record({
        do: fc.constant('expunge' as const),
        mailbox: small,
        first: small,
        which: fc.constantFrom('deleted' as const, 'regardless' as const),
      }),
    },
    {
      weight: 5,
      arbitrary: fc.record({
        ...{ do: fc.constant('change-email' as const), mailbox: small, email: small },
        ...{ enter: fc.option(small), leave: fc.option(small), flags: fc.constantFrom(0, 1, 4) },
      }),
    },
    {
      weight: 1,
      arbitrary: fc.record({ do: fc.constant('destroy-email' as const), mailbox: small, email: small }),
    },
    { weight: 1, arbitrary: fc.record({ do: fc.constant('remove-mailbox' as const), mailbox: small }) },
    { weight: 3, arbitrary: fc.record({ do: fc.constant('look' as const) }) },
  ),
  { minLength: 3, maxLength: 30 },
)

/** What a client would have fetched: an email's changeable properties, a thread's emails. */
interface Snapshot {
  readonly modSeq: { readonly email: number; readonly thread: number }
  readonly emails: ReadonlyMap<number, string>
  readonly threads: ReadonlyMap<number, string>
}

function snapshotOf(view: MailView): Snapshot {
  const { index } = view
  const emails = new Map<number, string>()
  const threads = new Map<number, string>()
  for (let slot = 0; slot < index.emails.length; slot++) {
    if (!view.hasEmail(slot)) continue
    const places = view
      .mailboxesOf(slot)
      .toSorted((a, b) => (index.mailboxes[a] ?? 0) - (index.mailboxes[b] ?? 0))
    emails.set(
      index.emails.array[slot] ?? 0,
      `${places.map((number) => index.mailboxes[number]).join()} ${view.keywordsOf(slot).join()}`,
    )
    const thread = index.threadOf.array[slot] ?? 0
    const ids = view.emailsOfThread(thread).map((other) => index.emails.array[other])
    threads.set(index.threads.array[thread] ?? 0, ids.join())
  }
  return { modSeq: { ...view.last }, emails, threads }
}

/** Plays pages of changes over what was known, as RFC 8620 §5.2 has a client do it. */
function replayed(
  before: ReadonlyMap<number, string>,
  now: ReadonlyMap<number, string>,
  { since, most, events }: { since: number; most: number; events: (point: Point) => Event[] },
): Map<number, string> {
  const known = new Map(before)
  let point: Point | null = { modSeq: since, id: null }
  for (let page = 0; point !== null; page++) {
    assert.ok(page < 1_000, 'pages come to an end')
    const found = pageOf(events(point), most)
    assert.ok(found.created.length + found.updated.length + found.destroyed.length <= most)
    for (const id of [...found.created, ...found.updated]) {
      const value = now.get(id)
      if (value === undefined) known.delete(id)
      else known.set(id, value)
    }
    for (const id of found.created) if (most > 100) assert.ok(!before.has(id), `email ${id} was there`)
    for (const id of found.updated) if (most > 100) assert.ok(before.has(id), `email ${id} was not there`)
    for (const id of found.destroyed) {
      if (most > 100) assert.ok(before.has(id), `email ${id} was never there`)
      known.delete(id)
    }
    point = found.next
  }
  return known
}

/** Mailboxes of the owner as Mailbox/get tells them, and its state. */
interface MailboxLook {
  readonly state: string
  readonly mailboxes: ReadonlyMap<number, string>
}

type Asking = Pick<AccountCall, 'place' | 'now'>

async function lookAtMailboxes(access: MailAccess, asking: Asking): Promise<MailboxLook> {
  const now = await mailboxesNow(access, asking)
  const trash = now.list.find(({ role }) => role === 'trash')
  const counts = mailboxCounts(now.view, trash ? now.view.index.numberOf(trash.id) : -1)
  const told = now.list.map(({ id, path, isSubscribed }) => {
    const count = counts[now.view.index.numberOf(id)]
    const { totalEmails = 0, unreadEmails = 0, totalThreads = 0, unreadThreads = 0 } = count ?? {}
    const numbers = [totalEmails, unreadEmails, totalThreads, unreadThreads].join()
    return [id, `${path} ${isSubscribed} ${numbers}`] as const
  })
  return { state: mailboxState(now), mailboxes: new Map(told) }
}

async function compareMailboxes(
  access: MailAccess,
  { asking, before, now }: { asking: Asking; before: MailboxLook; now: MailboxLook },
): Promise<void> {
  const past = await mailboxPast(access, asking, before.state)
  assert.ok(past, `the state ${before.state} is known`)
  const known = new Map(before.mailboxes)
  for (const { id, what } of past.events) {
    const value = now.mailboxes.get(id)
    if (what === 'destroyed' || value === undefined) known.delete(id)
    else known.set(id, value)
    if (what === 'created') assert.ok(!before.mailboxes.has(id), `mailbox ${id} was there`)
    if (what === 'updated') assert.ok(before.mailboxes.has(id), `mailbox ${id} was not there`)
  }
  assert.deepEqual(inOrder(known), inOrder(now.mailboxes), `mailboxes since ${before.state}`)
  if (before.state === now.state) assert.deepEqual(past.events, [])
}

const inOrder = (map: ReadonlyMap<number, string>): [number, string][] => [...map].sort(([a], [b]) => a - b)

/** Runs the steps on a fresh store, and compares at each look. */
export async function replay(opened: OpenedStore, run: readonly Step[]): Promise<void> {
  const house = new House(opened)
  await opened.store.addDomain({ name: house.domain, now: house.now })
  const account = await house.account('ann')
  const viewer = await house.account('ben')
  for (const name of ['one', 'two', 'three']) await house.create(account, name)
  const shared = new Map<MailboxId, { mailbox: Mailbox; rights: string }>()
  for (const name of ['INBOX', 'two']) {
    const mailbox = await house.mailbox(account, name)
    shared.set(mailbox.id, { mailbox, rights: 'lr' })
  }
  const rightsOf: MailRights[] = [
    { account, shared: null, fingerprint: '' },
    { account, shared, fingerprint: 'x' },
  ]
  assert.notEqual(viewer, account)
  const parts = { store: opened.store, memory: 1e9, now: () => house.now }
  const living = new MailAccess(parts)
  const seen: Snapshot[][] = rightsOf.map(() => [])
  const owner = await house.accountOf(account)
  const place = { id: `A${account}`, account: owner, viewer: owner, isPersonal: true, isReadOnly: false }
  const asking: Asking = { place, now: () => house.now }
  const mailboxLooks: MailboxLook[] = []
  let serial = 0
  for (const step of [...run, { do: 'look' } as const]) {
    if (step.do !== 'look') {
      await take(house, { account, step, serial: serial++ })
      continue
    }
    const fresh = new MailAccess(parts)
    const mailboxes = await lookAtMailboxes(living, asking)
    for (const access of [living, fresh]) {
      const now = await lookAtMailboxes(access, asking)
      assert.deepEqual(inOrder(now.mailboxes), inOrder(mailboxes.mailboxes))
      for (const before of [...mailboxLooks, now]) await compareMailboxes(access, { asking, before, now })
    }
    mailboxLooks.push(mailboxes)
    for (const [at, rights] of rightsOf.entries()) {
      const looks = seen[at] ?? []
      for (const access of [living, fresh]) {
        const snapshot = snapshotOf(await access.view(rights))
        for (const before of [...looks, snapshot]) await compare(access, { rights, before, snapshot })
        if (access === living) looks.push(snapshot)
        else assert.deepEqual(inOrder(snapshot.emails), inOrder(looks.at(-1)?.emails ?? new Map()))
      }
    }
    fresh.close()
  }
  living.close()
  await house.audit()
}

async function compare(
  access: MailAccess,
  { rights, before, snapshot }: { rights: MailRights; before: Snapshot; snapshot: Snapshot },
): Promise<void> {
  for (const most of [1_000, 1, 3]) {
    for (const what of ['emails', 'threads'] as const) {
      const since = what === 'emails' ? before.modSeq.email : before.modSeq.thread
      const found = await access.viewSince(rights, Math.max(0, baseOf({ modSeq: since, id: 1 })))
      assert.ok(found)
      const { view, departures } = found
      const known = replayed(before[what], snapshot[what], {
        ...{ since, most },
        events: (point) => eventsOf(view, departures, { what, point }),
      })
      assert.deepEqual(inOrder(known), inOrder(snapshot[what]), `${what} by ${most} since ${since}`)
    }
  }
}

function eventsOf(
  view: MailView,
  departures: readonly Departure[],
  { what, point }: { what: 'emails' | 'threads'; point: Point },
): Event[] {
  const after = departures.filter(({ modSeq }) => modSeq > baseOf(point))
  const departed = departedBy(view, after)
  return what === 'emails'
    ? emailEvents(view, departed, point)
    : threadEvents(view, after, { departed, point })
}

/** Does a step. */
export async function take(
  house: House,
  { account, step, serial }: { account: AccountId; step: Exclude<Step, { do: 'look' }>; serial: number },
): Promise<void> {
  const { store, now } = house
  const mailboxes = (await store.listMailboxes(account)).filter(({ selectable }) => selectable)
  const pick = (number: number): Mailbox => {
    const mailbox = mailboxes[number % mailboxes.length]
    assert.ok(mailbox)
    return mailbox
  }
  const from = pick(step.mailbox)
  const place = { account, mailbox: from.id }
  switch (step.do) {
    case 'deliver': {
      const content = `Message-ID: <${serial}@x>\r\nReferences: <t${step.thread}@x>\r\n${letter(`Thread ${step.thread}`)}`
      const message = await house.stage(content)
      assert.equal(message.structure, structureOf(Buffer.from(content)))
      const messages = [
        { message, flags: step.flags, keywords: step.flags === 1 ? 'k' : '', internalDate: now + serial },
      ]
      assert.ok((await store.append({ ...place, messages, now })).ok)
      return
    }
    case 'flag': {
      const { flags, mode, first, count } = step
      const uids = [[first + 1, first + 1 + count]] as const
      await store.setFlags({ ...place, uids, mode, flags, keywords: flags === 4 ? ['Word'] : [] })
      return
    }
    case 'copy':
    case 'move': {
      const uids = [[step.first + 1, step.first + 1 + step.count]] as const
      const transfer = { account, from: from.id, to: pick(step.to).id, uids, now }
      await (step.do === 'copy' ? store.copy(transfer) : store.move(transfer))
      return
    }
    case 'expunge':
      await store.expunge({ ...place, uids: [[step.first + 1, step.first + 3]], which: step.which })
      return
    case 'change-email': {
      const { flags, enter, leave } = step
      const change = {
        // One that there may be.
        email: (step.email + 1) as EmailId,
        add: { flags, keywords: flags === 4 ? ['Word'] : [] },
        ...(enter === null ? {} : { enter: [pick(enter).id] }),
        ...(leave === null ? {} : { leave: [pick(leave).id] }),
      }
      await store.changeEmails({ account, changes: [change], now })
      return
    }
    case 'destroy-email':
      await store.destroyEmails({ account, emails: [{ email: (step.email + 1) as EmailId }] })
      return
    case 'remove-mailbox':
      await store.removeMailbox(place)
  }
}
