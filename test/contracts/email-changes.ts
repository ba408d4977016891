// What the store promises of changes by email (`src/store/email-changes.ts`).
import assert from 'node:assert/strict'
import type { EmailChange } from '../../src/store/email-changes.ts'
import { type AccountId, type EmailId, Flag, type MailboxId } from '../../src/store/model.ts'
import { everything, type House, letter, noQuota, type Room } from './house.ts'

interface Scene {
  readonly ann: AccountId
  readonly inbox: MailboxId
  readonly sent: MailboxId
  readonly trash: MailboxId
  /** Of INBOX, in order. */
  readonly emails: readonly EmailId[]
}

async function scene(house: House, letters = 3): Promise<Scene> {
  const ann = await house.account('ann')
  const [inbox, sent, trash] = await Promise.all(
    ['INBOX', 'Sent', 'Trash'].map(async (name) => (await house.mailbox(ann, name)).id),
  )
  assert.ok(inbox !== undefined && sent !== undefined && trash !== undefined)
  for (let at = 0; at < letters; at++) await house.deliver([ann], letter(`letter ${at}`))
  return { ann, inbox, sent, trash, emails: await emailsIn(house, ann, inbox) }
}

async function emailsIn(house: House, account: AccountId, mailbox: MailboxId): Promise<EmailId[]> {
  const { emails } = await house.store.loadEmails({ account, mailbox })
  return Array.from(emails, (id) => id as EmailId)
}

function email({ emails }: Scene, index: number): EmailId {
  const id = emails[index]
  assert.ok(id !== undefined)
  return id
}

async function change(house: House, { ann }: Scene, ...changes: EmailChange[]): Promise<string[]> {
  const outcomes = await house.store.changeEmails({ account: ann, changes, now: house.now + 9 })
  return outcomes.map((outcome) => (outcome.ok ? 'ok' : outcome.reason))
}

async function flagsIn(house: House, account: AccountId, mailbox: MailboxId): Promise<string[]> {
  const rows = await house.messages(account, mailbox)
  return rows.map(({ flags, keywords, email: id }) => `${id} ${flags} ${keywords}`.trim())
}

export function emailChangeContract(test: Room): void {
  test('flags and keywords are changed on all messages of an email', async (house) => {
    const at = await scene(house)
    const { ann, inbox, sent } = at
    const one = email(at, 0)
    const { now } = house
    assert.ok((await house.store.copy({ account: ann, from: inbox, to: sent, uids: [[1, 1]], now })).ok)
    const add = { flags: Flag.seen | Flag.flagged, keywords: ['work'] }
    assert.deepEqual(await change(house, at, { email: one, places: [[inbox, 1]], add }), ['ok'])
    assert.deepEqual((await flagsIn(house, ann, inbox)).slice(0, 2), [`${one} 5 work`, `${email(at, 1)} 0`])
    assert.deepEqual(await flagsIn(house, ann, sent), [`${one} 5 work`])
    const remove = { flags: Flag.seen, keywords: ['WORK'] }
    assert.deepEqual(await change(house, at, { email: one, remove }), ['ok'])
    assert.deepEqual(await flagsIn(house, ann, sent), [`${one} 4`])
  })

  test('an email moves, comes into more mailboxes and leaves some, and stays the same email', async (house) => {
    const at = await scene(house)
    const { ann, inbox, sent, trash } = at
    const before = (await house.accountOf(ann)).used
    const [one, two, three] = [email(at, 0), email(at, 1), email(at, 2)]
    const add = { flags: Flag.flagged, keywords: ['kept'] }
    const outcome = await change(
      house,
      at,
      { email: one, leave: [inbox], enter: [trash], add },
      { email: two, enter: [sent, trash], places: [[inbox, 2]] },
      { email: three, leave: [inbox], enter: [sent, trash], places: [[inbox, 99]] },
    )
    assert.deepEqual(outcome, ['ok', 'ok', 'ok'])
    assert.deepEqual(await emailsIn(house, ann, inbox), [two])
    assert.deepEqual(
      (await emailsIn(house, ann, sent)).toSorted((a, b) => a - b),
      [two, three],
    )
    assert.deepEqual(
      (await emailsIn(house, ann, trash)).toSorted((a, b) => a - b),
      [one, two, three],
    )
    assert.ok((await flagsIn(house, ann, trash)).includes(`${one} 4 kept`))
    const after = (await house.accountOf(ann)).used
    assert.deepEqual(after, { bytes: before.bytes, messages: before.messages + 3 })
    // What it has already and what it lacks.
    assert.deepEqual(await change(house, at, { email: two, enter: [sent], leave: [99 as MailboxId] }), ['ok'])
    assert.deepEqual(await change(house, at, { email: two, leave: [sent, trash] }), ['ok'])
    assert.deepEqual((await emailsIn(house, ann, sent)).length, 1)
  })

  test('what cannot be is refused, and does not stop the others', async (house) => {
    const at = await scene(house)
    const { ann, inbox, sent } = at
    const many = Array.from({ length: 101 }, (_, index) => `k${index}`)
    assert.deepEqual(
      await change(
        house,
        at,
        { email: email(at, 0), leave: [inbox] },
        { email: email(at, 0), enter: [99 as MailboxId] },
        { email: email(at, 0), add: { flags: 0, keywords: many } },
        { email: 999 as EmailId, enter: [sent] },
        { email: email(at, 1), enter: [sent] },
      ),
      ['no-mailbox-left', 'no-such-mailbox', 'too-many-keywords', 'not-found', 'ok'],
    )
    assert.deepEqual(await flagsIn(house, ann, sent), [`${email(at, 1)} 0`])
  })

  test('quota counts what an email gains, not what it moves', async (house) => {
    const at = await scene(house)
    const { ann, inbox, sent } = at
    await house.store.updateAccount({ id: ann, quota: { ...noQuota, messages: 4 } })
    assert.deepEqual(
      await change(
        house,
        at,
        { email: email(at, 0), enter: [sent] },
        { email: email(at, 1), enter: [sent] },
        { email: email(at, 2), enter: [sent], leave: [inbox] },
      ),
      ['ok', 'over-quota', 'ok'],
    )
  })

  test('messages with \\Deleted are no places, stay as they are, and go with their email', async (house) => {
    const at = await scene(house)
    const { ann, inbox, sent } = at
    const one = email(at, 0)
    const { now } = house
    assert.ok((await house.store.copy({ account: ann, from: inbox, to: sent, uids: [[1, 1]], now })).ok)
    await house.setFlags({ account: ann, mailbox: inbox, uids: [[1, 1]], flags: Flag.deleted })
    const add = { flags: Flag.seen, keywords: [] }
    assert.deepEqual(await change(house, at, { email: one, add }), ['ok'])
    assert.equal((await flagsIn(house, ann, inbox))[0], `${one} 8`)
    assert.deepEqual(await change(house, at, { email: one, leave: [sent] }), ['no-mailbox-left'])
    assert.deepEqual(await change(house, at, { email: one, enter: [inbox] }), ['ok'])
    const emails = [{ email: one }, { email: 999 as EmailId }]
    assert.deepEqual(await house.store.destroyEmails({ account: ann, emails }), [999])
    assert.deepEqual(await emailsIn(house, ann, inbox), [email(at, 1), email(at, 2)])
    assert.deepEqual(await emailsIn(house, ann, sent), [])
    await house.setFlags({ account: ann, mailbox: inbox, flags: Flag.deleted })
    assert.deepEqual(await change(house, at, { email: email(at, 1), add }), ['not-found'])
    const hidden = [{ email: email(at, 1) }]
    assert.deepEqual(await house.store.destroyEmails({ account: ann, emails: hidden }), [email(at, 1)])
  })

  test('an email whose messages differ brings what it has as a whole', async (house) => {
    const at = await scene(house)
    const { ann, inbox, sent, trash } = at
    const one = email(at, 0)
    const { now } = house
    assert.ok((await house.store.copy({ account: ann, from: inbox, to: sent, uids: [[1, 1]], now })).ok)
    await house.setFlags({ account: ann, mailbox: inbox, uids: [[1, 1]], flags: Flag.seen, keywords: ['a'] })
    await house.setFlags({ account: ann, mailbox: sent, flags: Flag.flagged, keywords: ['b'] })
    const add = { flags: Flag.draft, keywords: ['c'] }
    assert.deepEqual(await change(house, at, { email: one, enter: [trash], add }), ['ok'])
    assert.deepEqual(await flagsIn(house, ann, trash), [`${one} ${Flag.flagged | Flag.draft} a b c`])
  })

  test('thousands change at once', async (house) => {
    const at = await scene(house, 1)
    const { ann, inbox, trash } = at
    for (let step = 1; step < 2_048; step *= 2) {
      const copied = await house.store.copy({
        ...{ account: ann, from: inbox, to: inbox, uids: everything, now: house.now },
      })
      assert.ok(copied.ok)
    }
    const other = await house.account('other')
    const otherInbox = (await house.mailbox(other)).id
    const across = await house.store.copy({
      ...{ account: ann, from: inbox, to: otherInbox, toAccount: other, uids: everything, now: house.now },
    })
    assert.ok(across.ok)
    const add = { flags: Flag.seen, keywords: [] }
    const outcome = await change(house, at, { email: email(at, 0), enter: [trash], leave: [inbox], add })
    assert.deepEqual(outcome, ['ok'])
    assert.equal((await house.mailbox(ann)).messages, 0)
    assert.deepEqual(await emailsIn(house, ann, trash), [email(at, 0)])
  })

  test('a new email is in all its mailboxes, once', async (house) => {
    const at = await scene(house)
    const { ann, inbox, sent } = at
    const before = await house.accountOf(ann)
    const words = letter('new')
    const added = await house.store.addEmail({
      ...{ account: ann, source: { type: 'message', message: await house.stage(words) } },
      ...{
        mailboxes: [inbox, sent, inbox],
        flags: Flag.draft,
        keywords: 'b c',
        receivedAt: 5,
        now: house.now,
      },
    })
    assert.ok(added.ok)
    assert.equal(added.size, words.length)
    assert.equal((await flagsIn(house, ann, sent)).at(-1), `${added.email} ${Flag.draft} b c`)
    assert.equal((await flagsIn(house, ann, inbox)).at(-1), `${added.email} ${Flag.draft} b c`)
    const after = await house.accountOf(ann)
    assert.equal(after.used.bytes, before.used.bytes + words.length)
    assert.equal(after.used.messages, before.used.messages + 2)
    const [row] = await house.messages(ann, sent)
    assert.deepEqual([row?.internalDate, row?.savedAt], [5, house.now])
  })

  test('a copy of an email in another account shares its octets and keeps its date', async (house) => {
    const at = await scene(house)
    const { ann, inbox } = at
    const ben = await house.account('ben')
    const target = (await house.mailbox(ben)).id
    const request = {
      ...{ account: ben, mailboxes: [target], flags: 0, keywords: '', receivedAt: null, now: house.now },
      source: { type: 'email', account: ann, email: email(at, 0) },
    } as const
    const added = await house.store.addEmail(request)
    assert.ok(added.ok)
    const [mine] = await house.messages(ann, inbox)
    const [his] = await house.messages(ben, target)
    assert.deepEqual([his?.size, his?.internalDate], [mine?.size, mine?.internalDate])
    await house.store.removeAccount(ann)
    assert.deepEqual(await house.store.addEmail(request), { ok: false, reason: 'no-such-email' })
    await house.store.collectGarbage({ now: house.now + 1e9 })
    const uid = his?.uid
    assert.ok(uid !== undefined && (await house.text(ben, target, uid)).includes('letter 0'))
  })

  test('a new email is refused whole', async (house) => {
    const at = await scene(house)
    const { ann, inbox } = at
    const source = { type: 'message', message: await house.stage(letter('new')) } as const
    const request = { account: ann, source, flags: 0, keywords: '', receivedAt: null, now: house.now }
    const gone = { ...request, mailboxes: [inbox, 99 as MailboxId] }
    assert.deepEqual(await house.store.addEmail(gone), { ok: false, reason: 'no-such-mailbox' })
    await house.store.updateAccount({ id: ann, quota: { ...noQuota, messages: 3 } })
    const full = { ...request, mailboxes: [inbox] }
    assert.deepEqual(await house.store.addEmail(full), { ok: false, reason: 'over-quota' })
    assert.equal((await house.messages(ann, inbox)).length, 3)
  })
}
