// What the store promises about mailboxes as names: hierarchy, INBOX, UIDVALIDITY over every delete, re-create and rename,
// subscriptions and \Recent.
import assert from 'node:assert/strict'
import fc from 'fast-check'
import { Flag, type AccountId, type Mailbox, type MailboxId } from '../../src/store/model.ts'
import { everything, letter, type House, type Room } from './house.ts'

export function mailboxContract(test: Room): void {
  test('a new account has INBOX and its special-use mailboxes, subscribed', async (house) => {
    const account = await house.account()
    assert.deepEqual(await house.names(account), ['Drafts', 'INBOX', 'Sent', 'Trash'])
    assert.deepEqual((await house.store.subscriptions(account)).sort(), ['Drafts', 'INBOX', 'Sent', 'Trash'])
    assert.equal((await house.mailbox(account, 'Sent')).specialUse, 'sent')
    const inbox = await house.mailbox(account)
    assert.equal(inbox.specialUse, null)
    assert.deepEqual(
      [inbox.messages, inbox.unseen, inbox.deleted, inbox.bytes, inbox.uidNext, inbox.recentFrom],
      [0, 0, 0, 0, 1, 1],
    )
    assert.ok(inbox.uidValidity >= 1 && inbox.uidValidity <= 4_294_967_295)
    assert.deepEqual(await house.store.getMailbox({ account, mailbox: inbox.id }), inbox)
  })

  test('RFC 3501 §6.3.3: creating makes superiors, and an existing name is refused', async (house) => {
    const account = await house.account()
    await house.create(account, 'a/b/c')
    assert.deepEqual(await house.names(account), ['Drafts', 'INBOX', 'Sent', 'Trash', 'a', 'a/b', 'a/b/c'])
    for (const name of ['INBOX', 'a', 'a/b/c', 'Sent']) {
      const again = await house.store.createMailbox({ account, name, now: house.now })
      assert.deepEqual(again, { ok: false, reason: 'exists' })
    }
  })

  test('names that only look alike are different names', async (house) => {
    const account = await house.account()
    for (const name of ['work', 'Work', 'work%', 'work_', 'workx', 'wor', 'work/', 'INBOX/x'].filter(
      (name) => !name.endsWith('/'),
    )) {
      await house.create(account, name)
    }
    await house.create(account, 'work_/inner')
    const under = await house.mailbox(account, 'work_')
    const renamed = await house.store.renameMailbox({
      account,
      mailbox: under.id,
      name: 'moved',
      now: house.now,
    })
    assert.ok(renamed.ok)
    assert.deepEqual(await house.names(account), [
      'Drafts', 'INBOX', 'INBOX/x', 'Sent', 'Trash', 'Work', 'moved', 'moved/inner', 'wor', 'work', 'work%', 'workx',
    ]) // prettier-ignore
  })

  test('a special use belongs to one mailbox', async (house) => {
    const account = await house.account()
    const taken = await house.store.createMailbox({
      account,
      name: 'Old',
      specialUse: 'trash',
      now: house.now,
    })
    assert.deepEqual(taken, { ok: false, reason: 'special-use-taken' })
    assert.equal(await house.store.findMailbox({ account, name: 'Old' }), undefined)
    const free = await house.store.createMailbox({
      account,
      name: 'Old',
      specialUse: 'archive',
      now: house.now,
    })
    assert.ok(free.ok)
    assert.equal(free.mailbox.specialUse, 'archive')
    await house.store.removeMailbox({ account, mailbox: free.mailbox.id })
    const again = await house.store.createMailbox({
      account,
      name: 'New',
      specialUse: 'archive',
      now: house.now,
    })
    assert.ok(again.ok, 'free again once its mailbox is gone')
  })

  test('RFC 6154 §4: a special use can be given, and is taken from the mailbox that had it', async (house) => {
    const account = await house.account()
    const [sent, made] = [await house.mailbox(account, 'Sent'), await house.create(account, 'Gone out')]
    const uses = async (): Promise<unknown[]> => [
      (await house.mailbox(account, 'Sent')).specialUse,
      (await house.mailbox(account, 'Gone out')).specialUse,
    ]
    const set = (mailbox: MailboxId, specialUse: Mailbox['specialUse']): Promise<unknown> =>
      house.store.setSpecialUse({ account, mailbox, specialUse })
    assert.deepEqual(await set(made.id, 'sent'), { ok: true })
    assert.deepEqual(await uses(), [null, 'sent'])
    assert.deepEqual(await set(made.id, 'sent'), { ok: true })
    assert.deepEqual(await set(sent.id, null), { ok: true })
    assert.deepEqual(await set(made.id, null), { ok: true })
    assert.deepEqual(await uses(), [null, null])
    assert.deepEqual(await set(4_711 as MailboxId, 'sent'), { ok: false, reason: 'not-found' })
  })

  test('the keywords of a mailbox are told once each, those of its messages now', async (house) => {
    const account = await house.account()
    const { id: mailbox } = await house.mailbox(account)
    const keywords = (): Promise<string[]> => house.store.keywordsIn({ account, mailbox })
    assert.deepEqual(await keywords(), [])
    for (const list of ['zebra', '$Junk apple', 'Apple zebra', '']) {
      await house.append(account, mailbox, { keywords: list })
    }
    assert.deepEqual(
      (await keywords()).map((word) => word.toLowerCase()),
      ['$junk', 'apple', 'zebra'],
    )
    await house.store.expunge({ account, mailbox, uids: [[1, 2]], which: 'regardless' })
    assert.deepEqual(await keywords(), ['Apple', 'zebra'])
    const { id: other } = await house.mailbox(account, 'Sent')
    assert.deepEqual(await house.store.keywordsIn({ account, mailbox: other }), [])
  })

  test('RFC 3501 §6.3.4: with inferiors the name stays, not selectable, and is then not removable', async (house) => {
    const account = await house.account()
    const parent = await house.create(account, 'p')
    const child = await house.create(account, 'p/c')
    await house.append(account, parent.id)
    assert.ok((await house.store.removeMailbox({ account, mailbox: parent.id })).ok)
    assert.ok((await house.names(account)).includes('(p)'))
    const left = await house.mailbox(account, 'p')
    assert.equal(left.messages, 0)
    assert.deepEqual(await house.store.removeMailbox({ account, mailbox: left.id }), {
      ok: false,
      reason: 'has-children',
    })
    const appended = await house.store.append({
      account,
      mailbox: left.id,
      messages: [{ message: await house.stage('x'), flags: 0, keywords: '', internalDate: 0 }],
      now: 0,
    })
    assert.deepEqual(appended, { ok: false, reason: 'no-such-mailbox' })
    assert.equal(await house.store.openMailbox({ account, mailbox: left.id, claimRecent: true }), undefined)

    const reborn = await house.create(account, 'p')
    assert.ok(reborn.selectable)
    assert.ok(reborn.uidValidity > parent.uidValidity, 'its UIDs start anew, so its UIDVALIDITY is greater')
    assert.ok((await house.store.removeMailbox({ account, mailbox: child.id })).ok)
  })

  test('delivery to a name that only holds others makes it a mailbox, or goes to INBOX', async (house) => {
    const account = await house.account()
    const parent = await house.create(account, 'p')
    await house.create(account, 'p/c')
    await house.store.removeMailbox({ account, mailbox: parent.id })
    await house.deliverTo([{ account, prefix: '', mailbox: { name: 'p', create: false } }], letter('x'))
    assert.equal((await house.mailbox(account)).messages, 1)
    await house.deliverTo([{ account, prefix: '', mailbox: { name: 'p', create: true } }], letter('x'))
    const made = await house.mailbox(account, 'p')
    assert.deepEqual([made.selectable, made.messages], [true, 1])
  })

  test('INBOX and unknown mailboxes are not removed; a removed one is gone with its messages', async (house) => {
    const account = await house.account()
    const inbox = await house.mailbox(account)
    const remove = (mailbox: MailboxId): Promise<unknown> => house.store.removeMailbox({ account, mailbox })
    assert.deepEqual(await remove(inbox.id), { ok: false, reason: 'is-inbox' })
    assert.deepEqual(await remove(4_711 as MailboxId), { ok: false, reason: 'not-found' })
    const box = await house.create(account, 'box')
    await house.append(account, box.id, { count: 3 })
    assert.deepEqual(await remove(box.id), { ok: true })
    assert.deepEqual(await remove(box.id), { ok: false, reason: 'not-found' })
    assert.deepEqual((await house.accountOf(account)).used, { bytes: 0, messages: 0 })
    assert.deepEqual(await house.messages(account, box.id), [])
    const again = await house.create(account, 'box')
    assert.notEqual(again.id, box.id)
    assert.ok(again.uidValidity > box.uidValidity)
  })

  test('RFC 3501 §2.3.1.1: a clock that goes back gives no UIDVALIDITY again', async (house) => {
    const account = await house.account()
    const make = async (now: number): Promise<Mailbox> => {
      const made = await house.store.createMailbox({ account, name: 'box', now })
      assert.ok(made.ok)
      return made.mailbox
    }
    let last = 0
    for (const jump of [0, -3_600_000, -3_599_000, 3_600_000, -86_400_000]) {
      const box = await make(house.now + jump)
      assert.ok(box.uidValidity > last)
      last = box.uidValidity
      assert.ok((await house.store.removeMailbox({ account, mailbox: box.id })).ok)
    }
  })

  test('RFC 3501 §6.3.5: inferiors move along, missing superiors are made, messages stay', async (house) => {
    const account = await house.account()
    const top = await house.create(account, 'a')
    const deep = await house.create(account, 'a/b/c')
    await house.append(account, deep.id, { flags: Flag.flagged })
    const rename = (mailbox: MailboxId, name: string): Promise<unknown> =>
      house.store.renameMailbox({ account, mailbox, name, now: house.now })
    assert.deepEqual(await rename(top.id, 'x/y'), { ok: true })
    assert.deepEqual(await house.names(account), [
      'Drafts',
      'INBOX',
      'Sent',
      'Trash',
      'x',
      'x/y',
      'x/y/b',
      'x/y/b/c',
    ])
    const moved = await house.mailbox(account, 'x/y/b/c')
    assert.deepEqual([moved.id, moved.messages], [deep.id, 1])

    assert.deepEqual(await rename(top.id, 'x/y/b/q'), { ok: false, reason: 'into-itself' })
    assert.deepEqual(await rename(top.id, 'Sent'), { ok: false, reason: 'exists' })
    assert.deepEqual(await rename(top.id, 'INBOX'), { ok: false, reason: 'exists' })
    assert.deepEqual(await rename(4_711 as MailboxId, 'z'), { ok: false, reason: 'not-found' })
    const successor = await house.create(account, 'a')
    assert.ok(successor.uidValidity > top.uidValidity)
  })

  test('renaming INBOX moves its messages to a new mailbox and leaves it empty', async (house) => {
    const account = await house.account()
    await house.deliver([account], letter('one'))
    await house.deliver([account], letter('two'))
    const inbox = await house.mailbox(account)
    const below = await house.create(account, 'INBOX/below')
    const before = await house.messages(account, inbox.id)
    const renamed = await house.store.renameMailbox({
      account,
      mailbox: inbox.id,
      name: 'old/mail',
      now: house.now,
    })
    assert.deepEqual(renamed, { ok: true })
    const emptied = await house.mailbox(account)
    assert.deepEqual([emptied.id, emptied.messages, emptied.uidValidity], [inbox.id, 0, inbox.uidValidity])
    assert.ok(emptied.uidNext >= inbox.uidNext, 'a UID is never given twice')
    const old = await house.mailbox(account, 'old/mail')
    assert.notEqual(old.uidValidity, inbox.uidValidity)
    const after = await house.messages(account, old.id)
    assert.deepEqual(
      after.map((message) => message.email),
      before.map((message) => message.email),
    )
    // RFC 3501 §6.3.5: inferiors of INBOX are unaffected.
    assert.equal((await house.mailbox(account, 'INBOX/below')).id, below.id)
    assert.equal((await house.deliver([account]))[0], emptied.uidNext)
  })

  test('subscriptions are names of their own, whether or not a mailbox has them', async (house) => {
    const account = await house.account()
    const set = (name: string, subscribed: boolean): Promise<void> =>
      house.store.setSubscription({ account, name, subscribed })
    await set('not/there', true)
    await set('not/there', true)
    await set('Sent', false)
    await set('never', false)
    assert.deepEqual((await house.store.subscriptions(account)).sort(), [
      'Drafts',
      'INBOX',
      'Trash',
      'not/there',
    ])
    // RFC 3501 §6.3.6: a name stays subscribed when its mailbox is removed.
    const box = await house.create(account, 'box')
    await set('box', true)
    await house.store.removeMailbox({ account, mailbox: box.id })
    assert.ok((await house.store.subscriptions(account)).includes('box'))
  })

  test('\\Recent is for the first session that selects, and not for one that examines', async (house) => {
    const account = await house.account()
    await house.deliver([account])
    await house.deliver([account])
    const { id } = await house.mailbox(account)
    const open = async (claimRecent: boolean): Promise<number[]> => {
      const opened = await house.store.openMailbox({ account, mailbox: id, claimRecent })
      return [opened?.recentFrom ?? -1, opened?.mailbox.uidNext ?? -1]
    }
    assert.deepEqual(await open(false), [1, 3])
    assert.deepEqual(await open(true), [1, 3])
    assert.deepEqual(await open(true), [3, 3])
    await house.deliver([account])
    assert.deepEqual(await open(false), [3, 4])
    assert.deepEqual(await open(true), [3, 4])
    assert.equal((await house.mailbox(account)).recentFrom, 4)
    assert.equal(
      await house.store.openMailbox({ account, mailbox: 4_711 as MailboxId, claimRecent: true }),
      undefined,
    )
  })

  test('two sessions that select at once never both get a message as \\Recent', async (house) => {
    const account = await house.account()
    for (let index = 0; index < 5; index++) await house.deliver([account])
    const { id } = await house.mailbox(account)
    const opened = await Promise.all(
      Array.from({ length: 6 }, () => house.store.openMailbox({ account, mailbox: id, claimRecent: true })),
    )
    const claims = opened.filter((one) => one !== undefined && one.recentFrom < one.mailbox.uidNext)
    assert.equal(claims.length, 1)
  })

  test('property: a name, UIDVALIDITY and UID never mean two messages', async (house) => {
    const account = await house.account()
    await fc.assert(
      fc.asyncProperty(
        fc.array(fc.tuple(fc.nat(6), fc.nat(3), fc.nat(3)), { maxLength: 25 }),
        async (steps) => {
          for (const [kind, one, other] of steps) await upheaval(house, { account, kind, one, other })
          await remember(house, account, seen)
        },
      ),
      { numRuns: 8 },
    )
  })
  const seen = new Map<string, number>()
}

const names = ['INBOX', 'a', 'b', 'a/c']

/** One random change to names and what is in them; a refusal is fine. */
async function upheaval(
  house: House,
  step: { account: AccountId; kind: number; one: number; other: number },
): Promise<void> {
  const { account } = step
  const name = names[step.one] ?? 'INBOX'
  const other = names[step.other] ?? 'a'
  const mailbox = (await house.store.findMailbox({ account, name }))?.id
  assert.equal((await house.store.locateMailbox({ account, name }))?.id, mailbox)
  if (mailbox === undefined || step.kind === 0) {
    await house.store.createMailbox({ account, name, now: house.now })
  } else if (step.kind === 1) {
    await house.store.removeMailbox({ account, mailbox })
  } else if (step.kind === 2) {
    await house.store.renameMailbox({ account, mailbox, name: other, now: house.now })
  } else if (step.kind === 3) {
    await house.store.expunge({ account, mailbox, uids: [[2, 9]], which: 'regardless' })
  } else if (step.kind === 4) {
    const to = (await house.store.findMailbox({ account, name: other }))?.id ?? mailbox
    await house.store.move({ account, from: mailbox, uids: everything, to, now: 0 })
  } else {
    await house.deliverTo([{ account, prefix: '', mailbox: { name, create: true } }], letter(name))
  }
}

async function remember(house: House, account: AccountId, seen: Map<string, number>): Promise<void> {
  for (const { name, id, uidValidity, uidNext } of await house.store.listMailboxes(account)) {
    for (const message of await house.messages(account, id)) {
      assert.ok(message.uid < uidNext)
      const key = `${name} ${uidValidity} ${message.uid}`
      assert.equal(seen.get(key) ?? message.email, message.email, key)
      seen.set(key, message.email)
    }
  }
}
