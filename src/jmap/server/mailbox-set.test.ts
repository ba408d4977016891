import assert from 'node:assert/strict'
import { test } from 'node:test'
import { type Loose, type MailHouse, mailHouse, mailUsing, sorted } from '../../../test/support/mail-house.ts'

async function set(mail: MailHouse, args: object): Promise<Loose> {
  return mail.call('Mailbox/set', args)
}

async function made(mail: MailHouse, object: object): Promise<string> {
  const answer = await set(mail, { create: { k: object } })
  assert.equal(answer['notCreated'], null, JSON.stringify(answer))
  return answer['created'].k.id
}

async function get(mail: MailHouse, id: string): Promise<Loose> {
  const answer: Loose = await mail.call('Mailbox/get', { ids: [id] })
  assert.equal(answer['list'].length, 1)
  return answer['list'][0]
}

async function updated(mail: MailHouse, update: Record<string, object>): Promise<void> {
  const answer = await set(mail, { update })
  assert.equal(answer['notUpdated'], null, JSON.stringify(answer))
  assert.deepEqual(sorted(Object.keys(answer['updated'])), sorted(Object.keys(update)))
}

/** Type and properties of the error. */
async function unmade(mail: MailHouse, object: object): Promise<unknown[]> {
  const { type, properties } = (await set(mail, { create: { k: object } }))['notCreated'].k
  return [type, properties]
}

async function unchanged(mail: MailHouse, id: string, patch: object): Promise<unknown[]> {
  const { type, properties } = (await set(mail, { update: { [id]: patch } }))['notUpdated'][id]
  return [type, properties]
}

test('a Mailbox is made with what was left out told', async (context) => {
  const mail = await mailHouse(context)
  const answer = await set(mail, { create: { k: { name: 'Travel' } } })
  const { id, ...told } = answer['created'].k
  assert.deepEqual(told, {
    ...{ parentId: null, role: null, sortOrder: 0, isSubscribed: true },
    ...{ totalEmails: 0, unreadEmails: 0, totalThreads: 0, unreadThreads: 0 },
    myRights: {
      ...{
        mayReadItems: true,
        mayAddItems: true,
        mayRemoveItems: true,
        maySetSeen: true,
        maySetKeywords: true,
      },
      ...{ mayCreateChild: true, mayRename: true, mayDelete: true, maySubmit: true },
    },
  })
  assert.equal((await get(mail, id))['name'], 'Travel')
  assert.notEqual(answer['oldState'], answer['newState'])
})

test('Mailboxes of one call may be inside one another, in any order', async (context) => {
  const mail = await mailHouse(context)
  const answer = await set(mail, {
    create: {
      c: { name: 'C', parentId: '#b', sortOrder: 7, isSubscribed: false },
      b: { name: 'B', parentId: '#a', role: 'archive' },
      a: { name: 'A' },
      x: { name: 'X', parentId: '#nobody' },
    },
  })
  assert.deepEqual(Object.keys(answer['created']), ['a', 'b', 'c'])
  assert.deepEqual(answer['notCreated'].x.properties, ['parentId'])
  const found = await mail.house.store.findMailbox({ account: mail.ann.id, name: 'A/B/C' })
  assert.ok(found)
  const { id } = answer['created'].c
  const { sortOrder, isSubscribed, parentId } = await get(mail, id)
  assert.deepEqual([sortOrder, isSubscribed, parentId], [7, false, answer['created'].b.id])
  assert.equal((await get(mail, answer['created'].b.id))['role'], 'archive')
})

test('names, parents, roles, orders and subscriptions change', async (context) => {
  const mail = await mailHouse(context)
  const [one, two] = [await made(mail, { name: 'One' }), await made(mail, { name: 'Two' })]
  const inner = await made(mail, { name: 'In', parentId: one })
  await updated(mail, {
    [one]: { name: 'Eins', parentId: two, sortOrder: 3, role: 'junk', isSubscribed: true },
  })
  const names = (await mail.house.store.listMailboxes(mail.ann.id)).map(({ name }) => name)
  assert.ok(names.includes('Two/Eins/In'))
  const { name, parentId, sortOrder, role, isSubscribed } = await get(mail, one)
  assert.deepEqual([name, parentId, sortOrder, role, isSubscribed], ['Eins', two, 3, 'junk', true])
  assert.equal((await get(mail, inner))['isSubscribed'], true, 'a subscription goes along with its name')
  await updated(mail, { [one]: { parentId: null, role: null, sortOrder: null, isSubscribed: false } })
  const after = await get(mail, one)
  assert.deepEqual([after['parentId'], after['role'], after['sortOrder'], after['isSubscribed']], [null, null, 0, false]) // prettier-ignore
  const normal = await set(mail, { update: { [one]: { ...after, name: 'u\u0308ber' } } })
  assert.deepEqual(normal['updated'], { [one]: { name: '\u00fcber' } }, 'the server says what it made of it')
  assert.equal((await get(mail, one))['name'], '\u00fcber')
})

test('names are swapped, roles too, and a branch turns around', async (context) => {
  const mail = await mailHouse(context)
  const [a, b] = [
    await made(mail, { name: 'A', role: 'sent' }),
    await made(mail, { name: 'B', role: 'junk' }),
  ]
  await updated(mail, { [a]: { name: 'B', role: 'junk' }, [b]: { name: 'A', role: null } })
  assert.deepEqual([(await get(mail, a))['name'], (await get(mail, b))['name']], ['B', 'A'])
  assert.deepEqual([(await get(mail, a))['role'], (await get(mail, b))['role']], ['junk', null])
  await updated(mail, { [b]: { parentId: a } })
  await updated(mail, { [a]: { parentId: b }, [b]: { parentId: null } })
  assert.equal((await get(mail, a))['parentId'], b)
  assert.deepEqual(await unchanged(mail, b, { parentId: a }), ['invalidProperties', ['parentId']])
  assert.deepEqual(await unchanged(mail, b, { parentId: b }), ['invalidProperties', ['parentId']])
  const names = (await mail.house.store.listMailboxes(mail.ann.id)).map(({ name }) => name)
  assert.deepEqual(names, ['A', 'A/B', 'INBOX', 'Trash'])
})

test('roles are swapped, names go round in a ring, and nobody loses his to one that cannot move on', async (context) => {
  const mail = await mailHouse(context)
  const box = (name: string, role: string | null = null) => made(mail, { name, role })
  const [a, b, c] = [await box('A', 'sent'), await box('B', 'junk'), await box('C')]
  await updated(mail, { [a]: { role: 'junk' }, [b]: { role: 'sent' } })
  assert.deepEqual([(await get(mail, a))['role'], (await get(mail, b))['role']], ['junk', 'sent'])
  await updated(mail, {
    [a]: { name: 'B', role: 'sent' },
    [b]: { name: 'C', role: null },
    [c]: { name: 'A' },
  })
  const names = async (): Promise<unknown[]> => {
    const all = await Promise.all([a, b, c].map((id) => get(mail, id)))
    return all.map(({ name, role }) => [name, role])
  }
  assert.deepEqual(await names(), [['B', 'sent'], ['C', null], ['A', null]]) // prettier-ignore
  const answer = await set(mail, {
    update: { [a]: { name: 'Trash' }, [b]: { name: 'B' }, [c]: { name: 'C' } },
  })
  assert.deepEqual(Object.keys(answer['notUpdated']), [a, b, c])
  assert.deepEqual(await names(), [['B', 'sent'], ['C', null], ['A', null]]) // prettier-ignore
})

test('creates, updates and destroys of one call make room for each other', async (context) => {
  const mail = await mailHouse(context)
  const [old, child] = [await made(mail, { name: 'Old' }), await made(mail, { name: 'Child' })]
  const answer = await set(mail, {
    create: { k: { name: 'Old' } },
    update: { [child]: { parentId: '#k' }, '#k': { sortOrder: 4 } },
    destroy: [old],
  })
  const { id } = answer['created'].k
  assert.deepEqual(answer['destroyed'], [old])
  assert.deepEqual(sorted(Object.keys(answer['updated'])), sorted([child, id]))
  assert.deepEqual([answer['notCreated'], answer['notUpdated'], answer['notDestroyed']], [null, null, null])
  assert.deepEqual([(await get(mail, child))['parentId'], (await get(mail, id))['sortOrder']], [id, 4])
  // What is inside of it moves into what takes the name of another that is destroyed.
  const [outer, last] = [await made(mail, { name: 'Outer' }), await made(mail, { name: 'Last' })]
  const inner = await made(mail, { name: 'Inner', parentId: outer })
  const more = await set(mail, {
    create: { l: { name: 'Last' } },
    update: { [inner]: { parentId: '#l' } },
    destroy: [outer, last],
  })
  assert.deepEqual([more['notCreated'], more['notUpdated'], more['notDestroyed']], [null, null, null])
})

test('what no Mailbox may be', async (context) => {
  const mail = await mailHouse(context)
  const one = await made(mail, { name: 'One' })
  const wrong = (...properties: string[]): unknown[] => ['invalidProperties', properties]
  for (const name of ['', ' ', 'a/b', 'a*', 'a\n', 'x'.repeat(201), 7, null, 'Other Users']) {
    assert.deepEqual(await unmade(mail, { name }), wrong('name'), String(name))
  }
  for (const name of ['One', 'inbox']) {
    assert.deepEqual(await unmade(mail, { name }), ['alreadyExists', undefined], name)
  }
  assert.deepEqual(await unmade(mail, {}), wrong('name'))
  assert.deepEqual(await unmade(mail, { name: 'x', parentId: 'F1_99' }), wrong('parentId'))
  assert.deepEqual(await unmade(mail, { name: 'x', role: 'inbox' }), wrong('role'))
  assert.deepEqual(await unmade(mail, { name: 'x', role: 'trash' }), wrong('role'))
  assert.deepEqual(await unmade(mail, { name: 'x', role: 'king' }), wrong('role'))
  assert.deepEqual(await unmade(mail, { name: 'x', sortOrder: -1 }), wrong('sortOrder'))
  assert.deepEqual(await unmade(mail, { name: 'x', sortOrder: 2 ** 31 }), wrong('sortOrder'))
  assert.deepEqual(await unmade(mail, { name: 'x', sortOrder: 1.5 }), wrong('sortOrder'))
  assert.deepEqual(await unmade(mail, { name: 'x', isSubscribed: null }), wrong('isSubscribed'))
  assert.deepEqual(await unmade(mail, { name: 'x', id: 'F1_1', totalEmails: 0 }), wrong('id', 'totalEmails'))
  assert.deepEqual(await unmade(mail, { name: '', role: 'king' }), wrong('name', 'role'))
  assert.deepEqual(await unchanged(mail, one, { totalEmails: 5 }), wrong('totalEmails'))
  assert.deepEqual(await unchanged(mail, one, { unheardOf: 5 }), wrong('unheardOf'))
  assert.deepEqual(await unchanged(mail, one, { 'name/x': 5 }), ['invalidPatch', undefined])
  assert.deepEqual(await unchanged(mail, 'F1_99', { name: 'x' }), ['notFound', undefined])
  assert.equal((await set(mail, { update: { [one]: { totalEmails: 0, id: one } } }))['notUpdated'], null)
  let parentId: string | null = null
  for (let depth = 0; depth < 10; depth++) parentId = await made(mail, { name: 'd', parentId })
  assert.deepEqual(await unmade(mail, { name: 'd', parentId }), wrong('parentId'))
})

test('the inbox stays', async (context) => {
  const mail = await mailHouse(context)
  const inbox = await mail.mailbox('INBOX')
  assert.deepEqual(await unchanged(mail, inbox, { name: 'Other' }), ['forbidden', undefined])
  assert.deepEqual(await unchanged(mail, inbox, { role: 'sent' }), ['invalidProperties', ['role']])
  await updated(mail, { [inbox]: { sortOrder: 1 } })
  const gone = await set(mail, { destroy: [inbox] })
  assert.equal(gone['notDestroyed'][inbox].type, 'forbidden')
})

test('Mailboxes are destroyed: not with Mailboxes inside, and with Emails only where that is said', async (context) => {
  const mail = await mailHouse(context)
  const [one, inbox] = [await made(mail, { name: 'One' }), await mail.mailbox('INBOX')]
  const inner = await made(mail, { name: 'In', parentId: one })
  const typeOf = async (args: { destroy: string[]; onDestroyRemoveEmails?: boolean }): Promise<unknown> =>
    (await set(mail, args))['notDestroyed']?.[args.destroy[0] ?? '']?.type
  assert.equal(await typeOf({ destroy: [one] }), 'mailboxHasChild')
  const email = (mailboxIds: object): object => ({
    mailboxIds,
    textBody: [{ partId: '1' }],
    bodyValues: { 1: { value: 'x' } },
  })
  const emails: Loose = await mail.call('Email/set', {
    create: { a: email({ [inner]: true }), b: email({ [inner]: true, [inbox]: true }) },
  })
  assert.equal(await typeOf({ destroy: [inner] }), 'mailboxHasEmail')
  assert.equal(await typeOf({ destroy: ['F1_99'] }), 'notFound')
  const gone = await set(mail, { destroy: [one, inner], onDestroyRemoveEmails: true })
  assert.deepEqual(gone['destroyed'], [inner, one], 'those inside first')
  const { a, b } = emails['created']
  const left: Loose = await mail.call('Email/get', { ids: [a.id, b.id], properties: ['mailboxIds'] })
  assert.deepEqual(left['notFound'], [a.id])
  assert.deepEqual(left['list'], [{ id: b.id, mailboxIds: { [inbox]: true } }])
  assert.deepEqual(await mail.house.store.subscriptions(mail.ann.id), ['INBOX', 'Trash'])
})

test('rights in another account', async (context) => {
  const mail = await mailHouse(context)
  const { house, ann } = mail
  const ben = await house.account('ben')
  const team = await made(mail, { name: 'Team' })
  const mailbox = await house.store.findMailbox({ account: ann.id, name: 'Team' })
  assert.ok(mailbox)
  const grant = (rights: string) =>
    house.store.setAccess({
      ...{ account: ann.id, mailbox: mailbox.id, grantee: ben.id, negative: false, mode: 'replace', rights },
    })
  await grant('lrs')
  const asBen = async (args: object): Promise<Loose> =>
    house.call(ben, 'Mailbox/set', { accountId: `A${ann.id}`, ...args }, mailUsing)
  const before: Loose = await house.call(ben, 'Mailbox/get', { accountId: `A${ann.id}` }, mailUsing)
  assert.equal(before['list'][0].isSubscribed, false)
  assert.deepEqual((await asBen({ update: { [team]: { isSubscribed: true } } }))['updated'], { [team]: null })
  assert.deepEqual(await house.store.subscriptions(ben.id), ['INBOX', 'Other Users/ann@x.test/Team', 'Trash'])
  assert.equal((await asBen({ update: { [team]: { name: 'x' } } }))['notUpdated'][team].type, 'forbidden')
  assert.equal((await asBen({ update: { [team]: { sortOrder: 4 } } }))['notUpdated'][team].type, 'forbidden')
  assert.equal(
    (await asBen({ create: { k: { name: 'x', parentId: team } } }))['notCreated'].k.type,
    'forbidden',
  )
  assert.equal((await asBen({ destroy: [team] }))['notDestroyed'][team].type, 'forbidden')
  await grant('lrskx')
  assert.equal((await asBen({ create: { k: { name: 'x' } } }))['notCreated'].k.type, 'forbidden')
  const inner = await asBen({ create: { k: { name: 'x', parentId: team } } })
  assert.equal(inner['created'].k.isSubscribed, false)
  const branch = await asBen({
    create: {
      a: { name: 'a', parentId: team },
      b: { name: 'b', parentId: '#a' },
      c: { name: 'c', parentId: '#b' },
    },
  })
  assert.equal(branch['notCreated'], null, JSON.stringify(branch))
  const ids = ['c', 'b', 'a'].map((name) => branch['created'][name].id)
  assert.deepEqual((await asBen({ destroy: ids }))['destroyed'], ids)
  assert.deepEqual((await asBen({ destroy: [inner['created'].k.id, team] }))['destroyed'].length, 2)
})

test('a shared Mailbox inside of what is not shared stays there, whatever it is called', async (context) => {
  const mail = await mailHouse(context)
  const { house, ann } = mail
  const ben = await house.account('ben')
  const hidden = await made(mail, { name: 'Hidden' })
  const [one, two] = [await made(mail, { name: 'One', parentId: hidden }), await made(mail, { name: 'Two' })]
  for (const name of ['Hidden/One', 'Two']) {
    const mailbox = await house.store.findMailbox({ account: ann.id, name })
    assert.ok(mailbox)
    const entry = { grantee: ben.id, negative: false, mode: 'replace', rights: 'lrkx' } as const
    await house.store.setAccess({ account: ann.id, mailbox: mailbox.id, ...entry })
  }
  const asBen = async (method: string, args: object): Promise<Loose> =>
    house.call(ben, method, { accountId: `A${ann.id}`, ...args }, mailUsing)
  const change = async (patch: object): Promise<unknown> => {
    const answer = await asBen('Mailbox/set', { update: { [one]: patch } })
    assert.equal(answer['notUpdated'], null, JSON.stringify(answer))
    return answer['updated'][one]
  }
  const seen = async (): Promise<unknown> => {
    const { list } = await asBen('Mailbox/get', { ids: [one] })
    const { name, parentId } = list[0]
    return [name, parentId, (await get(mail, one))['parentId']]
  }
  assert.deepEqual(await seen(), ['Hidden/One', null, hidden])
  assert.equal(await change({ isSubscribed: true }), null)
  assert.equal(await change({ name: 'Hidden/One' }), null)
  assert.deepEqual(await change({ name: 'Eins' }), { name: 'Hidden/Eins' })
  assert.deepEqual(await seen(), ['Hidden/Eins', null, hidden])
  assert.deepEqual(await change({ parentId: two }), { name: 'Eins' })
  assert.deepEqual(await seen(), ['Eins', two, two])
  const out = await asBen('Mailbox/set', { update: { [one]: { parentId: null } } })
  assert.equal(out['notUpdated'][one].type, 'forbidden')
})
