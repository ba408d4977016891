// States of who sees a part of another's account: they move with what he sees, and he is told of nothing else (RFC 8620 §7).
import assert from 'node:assert/strict'
import { type TestContext, test } from 'node:test'
import { SeededRandom } from '../../base/seeded-random.ts'
import { settled } from '../../../test/support/jmap-house.ts'
import { mailHouse, sorted } from '../../../test/support/mail-house.ts'
import { testStore } from '../../../test/support/store.ts'
import type { MailboxId, Uid } from '../../store/model.ts'
import type { Store } from '../../store/store.ts'
import type { JsonObject } from '../proto/json.ts'

const flag = { seen: 1, flagged: 4, deleted: 8 }
const [inbox, trash] = [1 as MailboxId, 2 as MailboxId]
const types = ['Email', 'Thread', 'Mailbox'] as const

/** ann shares her inbox with ben, for reading, and keeps the rest to herself. */
async function shared(context: TestContext, options: { readonly store?: Store } = {}) {
  const made = await mailHouse(context, options)
  const { house, ann, call } = made
  const { store, clock } = house
  const ben = await house.account('ben')
  const entry = { grantee: ben.id, negative: false, mode: 'replace', rights: 'lrs' } as const
  assert.ok((await store.setAccess({ account: ann.id, mailbox: inbox, ...entry })).ok)
  const asBen = (name: string, args: object): Promise<JsonObject> =>
    call(name, { accountId: 'A1', ...args }, ben)
  return {
    ...{ ...made, store, clock, ben, asBen },
    async states(): Promise<unknown[]> {
      const told: unknown[] = []
      for (const type of types) told.push((await asBen(`${type}/get`, { ids: [] }))['state'])
      return told
    },
    async setFlags(mailbox: MailboxId, uid: number, flags: number, mode: 'add' | 'remove' = 'add') {
      const uids = [[uid as Uid, uid as Uid]] as const
      await store.setFlags({ account: ann.id, mailbox, uids, mode, flags, keywords: [] })
    },
    async expunge(mailbox: MailboxId, uid: number) {
      const uids = [[uid as Uid, uid as Uid]] as const
      await store.expunge({ account: ann.id, mailbox, uids, which: 'regardless' })
    },
    async move(from: MailboxId, to: MailboxId, uid: number) {
      const uids = [[uid as Uid, uid as Uid]] as const
      await store.move({ account: ann.id, from, to, uids, now: clock.now() })
    },
    /** All of one name are one thread. */
    async file(name: string, ...mailboxes: readonly string[]): Promise<void> {
      const text = `Subject: ${name}\r\nReferences: <${name}@x.test>\r\n\r\nText.\r\n`
      const blobId = await house.upload(ann, text, 'message/rfc822')
      const mailboxIds = Object.fromEntries(mailboxes.map((id) => [id, true]))
      const { created } = await call('Email/import', { emails: { k: { blobId, mailboxIds } } })
      assert.ok(created)
    },
  }
}

test('states of a guest stay where the owner changes what he does not see', async (context) => {
  const { ann, call, store, clock, states, file, setFlags, expunge } = await shared(context)
  await file('one', 'F1_1')
  const before = await states()
  await file('one', 'F1_2')
  await setFlags(trash, 1, flag.seen)
  await expunge(trash, 1)
  await store.createMailbox({ account: ann.id, name: 'Secret', now: clock.now() })
  await store.setSubscription({ account: ann.id, name: 'Secret', subscribed: true })
  await call('Mailbox/set', { update: { F1_2: { sortOrder: 7 } } })
  assert.deepEqual(await states(), before)
})

test('states of a guest move with what he sees, each by itself', async (context) => {
  const { call, asBen, states, file, setFlags, expunge, move } = await shared(context)
  const told: Record<string, string> = {}
  let before = await states()
  const note = async (what: string): Promise<void> => {
    const after = await states()
    told[what] = types.filter((_, at) => before[at] !== after[at]).join(' ')
    for (const [at, type] of types.entries()) {
      const { newState, hasMoreChanges } = await asBen(`${type}/changes`, { sinceState: before[at] })
      assert.deepEqual([newState, hasMoreChanges], [after[at], false])
    }
    before = after
  }
  await file('one', 'F1_1')
  await note('a coming')
  await setFlags(inbox, 1, flag.flagged)
  await note('a flag')
  await setFlags(inbox, 1, flag.seen)
  await note('a flag that is counted')
  await move(inbox, trash, 1)
  await note('a move away')
  await move(trash, inbox, 1)
  await note('a move into it')
  await setFlags(inbox, 2, flag.deleted)
  await note('a mark of removal')
  await expunge(inbox, 2)
  await note('the removal of what was marked')
  await call('Mailbox/set', { update: { F1_1: { sortOrder: 7 } } })
  await note('another order')
  const all = 'Email Thread Mailbox'
  assert.deepEqual(told, {
    ...{ 'a coming': all, 'a flag': 'Email', 'a flag that is counted': 'Email Mailbox' },
    ...{ 'a move away': all, 'a move into it': all, 'a mark of removal': all },
    ...{ 'the removal of what was marked': '', 'another order': 'Mailbox' },
  })
})

test('whatever the owner does, a guest is told of what changes for him, and of it alone', async (context) => {
  const { asBen, states, file, setFlags, expunge, move } = await shared(context)
  const random = new SeededRandom(11)
  const pick = (below: number): number => random.below(below)
  const seen = async (): Promise<Map<string, string>[]> => {
    const objects: Map<string, string>[] = []
    for (const type of types) {
      const { list } = await asBen(`${type}/get`, { ids: type === 'Mailbox' ? null : await idsOf(type) })
      objects.push(new Map((list as { id: string }[]).map((one) => [one.id, JSON.stringify(one)])))
    }
    return objects
  }
  const idsOf = async (type: string): Promise<unknown[]> => {
    const ids = (await asBen('Email/query', {}))['ids'] as string[]
    if (type === 'Email') return ids
    const { list } = await asBen('Email/get', { ids, properties: ['threadId'] })
    return [...new Set((list as { threadId: string }[]).map(({ threadId }) => threadId))]
  }
  let [known, were] = [await states(), await seen()]
  for (let round = 0; round < 120; round++) {
    const [from, to] = pick(2) === 0 ? [inbox, trash] : [trash, inbox]
    const uid = 1 + pick(12)
    const places = [['F1_1'], ['F1_2'], ['F1_1', 'F1_2']][pick(3)] ?? []
    const what = pick(5)
    if (what === 0) await file(`t${pick(4)}`, ...places)
    else if (what === 1) await setFlags(from, uid, [1, 4, 8, 16][pick(4)] ?? 0, 'add')
    else if (what === 2) await setFlags(from, uid, [1, 4, 8, 16][pick(4)] ?? 0, 'remove')
    else if (what === 3) await expunge(from, uid)
    else await move(from, to, uid)
    const [now, are] = [await states(), await seen()]
    const isPrivate = from === trash && (what === 1 || what === 2 || what === 3)
    if (isPrivate || (what === 0 && places.join() === 'F1_2')) assert.deepEqual(now, known)
    for (const [at, type] of types.entries()) {
      const [was, is] = [were[at] ?? new Map(), are[at] ?? new Map()]
      const changes = await asBen(`${type}/changes`, { sinceState: known[at] })
      assert.equal(changes['newState'], now[at])
      assert.deepEqual(
        sorted(changes['created'] as string[]),
        sorted([...is.keys()].filter((id) => !was.has(id))),
      )
      assert.deepEqual(
        sorted(changes['destroyed'] as string[]),
        sorted([...was.keys()].filter((id) => !is.has(id))),
      )
      const updated = [...is].filter(([id, text]) => was.has(id) && was.get(id) !== text)
      for (const [id] of updated) assert.ok((changes['updated'] as string[]).includes(id), `${type} ${id}`)
    }
    ;[known, were] = [now, are]
  }
})

test('nothing is pushed to a guest of what he does not see', async (context) => {
  const { house, ben, file, setFlags, store } = await shared(context)
  await file('one', 'F1_1')
  const response = await house.fetch(ben, '/jmap/eventsource?types=*')
  const reader = response.body?.getReader() ?? assert.fail()
  let text = ''
  const until = async (wanted: RegExp): Promise<void> => {
    while (!wanted.test(text)) {
      const { done, value } = await reader.read()
      assert.ok(!done)
      text += Buffer.from(value).toString()
    }
  }
  await until(/: here/)
  await settled()
  await file('two', 'F1_2')
  await setFlags(trash, 1, flag.seen)
  await settled()
  await setFlags(inbox, 1, flag.flagged)
  await until(/data: .*\n/)
  // RFC 8621 §2 isSubscribed: his own of what is another's.
  await store.setSubscription({ account: ben.id, name: 'Other Users/ann@x.test/INBOX', subscribed: true })
  await until(/data: .*\n[^]*data: .*\n/)
  await reader.cancel()
  const told = [...text.matchAll(/data: (.*)\n/g)].map(([, json = '']) => {
    const { changed } = JSON.parse(json) as { changed: Record<string, JsonObject> }
    return Object.entries(changed).map(([account, states]) => `${account} ${Object.keys(states).join(' ')}`)
  })
  assert.deepEqual(told, [['A1 Email'], ['A2 Mailbox', 'A1 Mailbox']])
})

test('nothing is read for a guest of what he does not see, and what is made in what he sees is followed', async (context) => {
  const real = await testStore(context)
  let looks = 0
  const sharedMailboxes: Store['sharedMailboxes'] = async (request) => {
    looks++
    return real.sharedMailboxes(request)
  }
  const { house, call, ben, file, setFlags } = await shared(context, { store: { ...real, sharedMailboxes } })
  await file('one', 'F1_1')
  const response = await house.fetch(ben, '/jmap/eventsource?types=Email')
  const reader = response.body?.getReader() ?? assert.fail()
  let text = ''
  const told = async (count: number): Promise<void> => {
    while (text.split('event: state').length - 1 < count) {
      const { done, value } = await reader.read()
      assert.ok(!done)
      text += Buffer.from(value).toString()
    }
  }
  await settled()
  await setFlags(inbox, 1, flag.flagged)
  await told(1)
  await settled()
  looks = 0
  await file('two', 'F1_2')
  for (const flags of [flag.seen, flag.flagged, flag.deleted]) await setFlags(trash, 1, flags)
  await settled()
  assert.equal(looks, 0)
  const { created } = await call('Mailbox/set', { create: { k: { name: 'In', parentId: 'F1_1' } } })
  await file('three', (created as { k: { id: string } }).k.id)
  await told(2)
  await reader.cancel()
})
