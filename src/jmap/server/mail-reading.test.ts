// Reading mail by JMAP (RFC 8621 §2 to §5), as a client does it; mail comes and changes as by SMTP and IMAP.
import assert from 'node:assert/strict'
import { test, type TestContext } from 'node:test'
import { mailHouse, type Loose, type MailHouse } from '../../../test/support/mail-house.ts'
import { encodeStructure } from '../../mail/mime/codec.ts'
import { MimeWalker } from '../../mail/mime/walker.ts'
import { Flag, type Account, type MailboxId } from '../../store/model.ts'

interface Letter {
  readonly subject?: string
  readonly from?: string
  readonly to?: string
  readonly id?: string
  readonly references?: string
  readonly body?: string
  readonly type?: string
  readonly header?: string
  readonly mailbox?: string
  readonly flags?: number
  readonly keywords?: string
  readonly at?: number
}

class Scene {
  readonly mail: MailHouse
  readonly account: Account
  #serial = 0

  constructor(mail: MailHouse) {
    this.mail = mail
    this.account = mail.ann
  }

  static async open(context: TestContext): Promise<Scene> {
    return new Scene(await mailHouse(context))
  }

  async call(name: string, args: object, as?: Account): Promise<Loose> {
    return (await this.mail.call(name, args, as)) as Loose
  }

  async refusal(name: string, args: object): Promise<unknown> {
    const [answer] = await this.mail.calls([[name, args, '0']])
    assert.equal(answer?.[0], 'error', JSON.stringify(answer))
    return (answer[1] as Loose)['type']
  }

  async boxOf(name = 'INBOX'): Promise<MailboxId> {
    const { store } = this.mail.house
    const found = await store.findMailbox({ account: this.account.id, name })
    if (found) return found.id
    const made = await store.createMailbox({ account: this.account.id, name, now: 0 })
    assert.ok(made.ok)
    return made.mailbox.id
  }

  box(name = 'INBOX'): Promise<string> {
    return this.mail.mailbox(name)
  }

  /** Puts a message into a mailbox; the id of its email. */
  async put(letter: Letter = {}): Promise<string> {
    const { store } = this.mail.house
    const serial = ++this.#serial
    const {
      subject = `S${serial}`,
      from = 'Joe <joe@x.test>',
      to = 'ann@x.test',
      id = `${serial}@x`,
    } = letter
    const lines = [
      `From: ${from}`,
      `To: ${to}`,
      `Subject: ${subject}`,
      `Message-ID: <${id}>`,
      ...(letter.references === undefined ? [] : [`References: <${letter.references}>`]),
      ...(letter.header === undefined ? [] : [letter.header]),
      ...(letter.type === undefined ? [] : [`Content-Type: ${letter.type}`]),
    ]
    const text = `${lines.join('\r\n')}\r\n\r\n${letter.body ?? 'Hello'}`
    const writer = store.blobs.stage()
    const bytes = Buffer.from(text, 'latin1')
    await writer.write(bytes)
    const walker = new MimeWalker()
    walker.push(bytes)
    const message = { blob: await writer.finish(), structure: encodeStructure(walker.finish()) }
    const { flags = 0, keywords = '', at = 1_000_000_000_000 + serial * 60_000 } = letter
    const messages = [{ message, flags, keywords, internalDate: at }]
    const place = { account: this.account.id, mailbox: await this.boxOf(letter.mailbox) }
    assert.ok((await store.append({ ...place, messages, now: 0 })).ok)
    const { emails } = await store.loadEmails(place)
    return `M${this.account.id}_${Math.max(...emails)}`
  }

  async flag(mailbox: string, uid: number, flags: number, mode: 'add' | 'remove' = 'add'): Promise<void> {
    const place = {
      account: this.account.id,
      mailbox: await this.boxOf(mailbox),
      uids: [[uid, uid]] as const,
    }
    const { store } = this.mail.house
    assert.ok((await store.setFlags({ ...place, mode, flags, keywords: [] })).ok)
  }

  async ids(args: object): Promise<string[]> {
    return (await this.call('Email/query', args))['ids']
  }
}

test('Mailbox/get: roles, parents, rights, and counts with the rule of the trash', async (context) => {
  const scene = await Scene.open(context)
  await scene.put({ id: 'a', subject: 'T', flags: Flag.seen })
  await scene.put({ id: 'b', references: 'a', subject: 'Re: T', mailbox: 'Trash' })
  await scene.put({ mailbox: 'Work/Deep', flags: Flag.draft })
  await scene.put({ mailbox: 'Work/Deep', flags: Flag.deleted })
  const { list, state } = await scene.call('Mailbox/get', {})
  const byName = new Map<string, Loose>(list.map((one: Loose) => [one['name'], one]))
  const counts = (name: string) => {
    const one = byName.get(name)
    return [one?.['totalEmails'], one?.['unreadEmails'], one?.['totalThreads'], one?.['unreadThreads']]
  }
  // RFC 8621 §2: "The "unreadThreads" count would be 1 for the trash and 0 for the inbox."
  assert.deepEqual(counts('Inbox'), [1, 0, 1, 0])
  assert.deepEqual(counts('Trash'), [1, 1, 1, 1])
  assert.deepEqual(counts('Deep'), [1, 0, 1, 0])
  assert.deepEqual(byName.get('Work')?.['parentId'], null)
  assert.equal(byName.get('Deep')?.['parentId'], byName.get('Work')?.['id'])
  assert.deepEqual(
    [byName.get('Inbox')?.['role'], byName.get('Trash')?.['role'], byName.get('Work')?.['role']],
    ['inbox', 'trash', null],
  )
  assert.equal(byName.get('Inbox')?.['isSubscribed'], true)
  assert.deepEqual(byName.get('Deep')?.['myRights'], {
    ...{
      mayReadItems: true,
      mayAddItems: true,
      mayRemoveItems: true,
      maySetSeen: true,
      maySetKeywords: true,
    },
    ...{ mayCreateChild: true, mayRename: true, mayDelete: true, maySubmit: true },
  })
  const some = await scene.call('Mailbox/get', {
    ids: [await scene.box(), 'F1_99', 'nonsense'],
    properties: ['sortOrder'],
  })
  assert.deepEqual(some, {
    accountId: 'A1',
    state,
    list: [{ id: await scene.box(), sortOrder: 0 }],
    notFound: ['F1_99', 'nonsense'],
  })
})

test('Mailbox/changes tells when only counts changed', async (context) => {
  const scene = await Scene.open(context)
  await scene.put()
  const { state } = await scene.call('Mailbox/get', {})
  const nothing = await scene.call('Mailbox/changes', { sinceState: state })
  assert.deepEqual(nothing, {
    ...{ accountId: 'A1', oldState: state, newState: state, hasMoreChanges: false },
    ...{ created: [], updated: [], destroyed: [], updatedProperties: null },
  })
  await scene.flag('INBOX', 1, Flag.flagged)
  assert.deepEqual((await scene.call('Mailbox/changes', { sinceState: state }))['newState'], state)
  await scene.flag('INBOX', 1, Flag.seen)
  const counts = await scene.call('Mailbox/changes', { sinceState: state })
  assert.deepEqual(counts['updated'], [await scene.box()])
  assert.deepEqual(counts['updatedProperties'], [
    'totalEmails',
    'unreadEmails',
    'totalThreads',
    'unreadThreads',
  ])
  const trash = await scene.boxOf('Trash')
  const { store } = scene.mail.house
  const account = scene.account.id
  await scene.boxOf('New')
  assert.ok((await store.renameMailbox({ account, mailbox: trash, name: 'Bin', now: 0 })).ok)
  const both = await scene.call('Mailbox/changes', { sinceState: state })
  assert.deepEqual(both['created'], [await scene.box('New')])
  assert.deepEqual(new Set(both['updated']), new Set([await scene.box(), await scene.box('Bin')]))
  assert.equal(both['updatedProperties'], null)
  await store.setSubscription({ account, name: 'New', subscribed: true })
  const subscribed = await scene.call('Mailbox/changes', { sinceState: both['newState'] })
  assert.deepEqual(subscribed['updated'], [await scene.box('New')])
  await store.removeMailbox({ account, mailbox: trash })
  const gone = await scene.call('Mailbox/changes', { sinceState: subscribed['newState'] })
  assert.deepEqual([gone['destroyed'], gone['updated']], [[`F1_${trash}`], []])
  assert.equal(await scene.refusal('Mailbox/changes', { sinceState: 'x' }), 'cannotCalculateChanges')
  assert.equal(
    await scene.refusal('Mailbox/changes', { sinceState: state, maxChanges: 0 }),
    'invalidArguments',
  )
})

test('Mailbox/query: filters, sorts and trees', async (context) => {
  const scene = await Scene.open(context)
  for (const name of ['b', 'a/x', 'a/b', 'C']) await scene.boxOf(name)
  const query = async (args: object): Promise<string[]> => {
    const { ids } = await scene.call('Mailbox/query', args)
    const { list } = await scene.call('Mailbox/get', { ids, properties: ['name'] })
    const names = new Map(list.map((one: Loose) => [one['id'], one['name']]))
    return ids.map((id: string) => names.get(id))
  }
  const sort = [{ property: 'name' }]
  assert.deepEqual(await query({ sort }), ['a', 'b', 'b', 'C', 'Inbox', 'Trash', 'x'])
  assert.deepEqual(
    await query({ sort: [{ property: 'name', isAscending: false }], filter: { hasAnyRole: true } }),
    ['Trash', 'Inbox'],
  )
  assert.deepEqual(await query({ sort, sortAsTree: true }), ['a', 'b', 'x', 'b', 'C', 'Inbox', 'Trash'])
  assert.deepEqual(
    await query({ sort: [{ property: 'name', collation: 'i;octet' }], filter: { parentId: null } }),
    ['C', 'Inbox', 'Trash', 'a', 'b'],
  )
  assert.deepEqual(await query({ sort, filter: { name: 'B' }, filterAsTree: true }), ['b', 'Inbox'])
  assert.deepEqual(
    await query({ sort, filter: { operator: 'NOT', conditions: [{ role: null }, { role: 'inbox' }] } }),
    ['Trash'],
  )
  assert.equal(await scene.refusal('Mailbox/query', { sort: [{ property: 'role' }] }), 'unsupportedSort')
  const strange = { sort: [{ property: 'name', keyword: 'x' }] }
  assert.equal(await scene.refusal('Mailbox/query', strange), 'invalidArguments')
  assert.equal(await scene.refusal('Mailbox/query', { filter: { name: 1 } }), 'invalidArguments')
})

test('RFC 8621 §4.2.1: Email/get of the example, and forms that are forbidden', async (context) => {
  const scene = await Scene.open(context)
  const id = await scene.put({
    ...{ subject: 'Dinner on Thursday?', from: 'Joe Bloggs <joe@example.com>' },
    header: 'List-Post: <mailto:partytime@lists.example.com>\r\nMIME-Version: 1.0',
    type: 'multipart/mixed; boundary=b',
    body: [
      '--b\r\nContent-Type: text/html\r\n\r\n<html><body><p>Hello ...\r\n--b',
      'Content-Type: text/plain\r\n\r\n-- Sent by your friendly mailing list ...\r\n--b--\r\n',
    ].join('\r\n'),
  })
  const got = await scene.call('Email/get', {
    ids: [id, 'M1_77'],
    properties: [
      'threadId',
      'mailboxIds',
      'from',
      'subject',
      'receivedAt',
      'header:List-POST:asURLs',
      'htmlBody',
      'bodyValues',
    ],
    bodyProperties: ['partId', 'blobId', 'size', 'type'],
    fetchHTMLBodyValues: true,
    maxBodyValueBytes: 256,
  })
  const [email] = got['list']
  const [html, plain] = email.htmlBody
  assert.deepEqual(email, {
    id,
    threadId: 'T1_1',
    mailboxIds: { [await scene.box()]: true },
    from: [{ name: 'Joe Bloggs', email: 'joe@example.com' }],
    subject: 'Dinner on Thursday?',
    receivedAt: '2001-09-09T01:47:40Z',
    'header:List-POST:asURLs': ['mailto:partytime@lists.example.com'],
    htmlBody: [
      { partId: '1', blobId: html.blobId, size: 24, type: 'text/html' },
      { partId: '2', blobId: plain.blobId, size: 41, type: 'text/plain' },
    ],
    bodyValues: {
      '1': { value: '<html><body><p>Hello ...', isEncodingProblem: false, isTruncated: false },
      '2': {
        value: '-- Sent by your friendly mailing list ...',
        isEncodingProblem: false,
        isTruncated: false,
      },
    },
  })
  assert.deepEqual(got['notFound'], ['M1_77'])
  const download = await scene.mail.house.fetch(
    scene.account,
    `/jmap/download/A1/${plain.blobId}/x?accept=text/plain`,
  )
  assert.equal(await download.text(), '-- Sent by your friendly mailing list ...')
  for (const property of [
    'header:From:asDate',
    'header:From:asText',
    'header:Subject:asURLs',
    'header:',
    'colour',
  ]) {
    assert.equal(
      await scene.refusal('Email/get', { ids: [id], properties: [property] }),
      'invalidArguments',
      property,
    )
  }
  assert.equal(
    await scene.refusal('Email/get', { ids: [id], bodyProperties: ['header:To:asDate'] }),
    'invalidArguments',
  )
})

test('Email/get: defaults, keywords in lower case, trees, and the trace fields of the recipient', async (context) => {
  const scene = await Scene.open(context)
  const id = await scene.put({
    keywords: '$Forwarded Zed',
    flags: Flag.flagged | Flag.answered,
    subject: '=?utf-8?q?caf=C3=A9?=',
  })
  const { list } = await scene.call('Email/get', { ids: [id] })
  const [email] = list
  assert.deepEqual(email.keywords, { $answered: true, $flagged: true, $forwarded: true, zed: true })
  assert.deepEqual([email.subject, email.sender, email.sentAt, email.bodyValues], ['café', null, null, {}])
  assert.deepEqual([email.hasAttachment, email.preview, email.attachments], [false, 'Hello', []])
  assert.deepEqual(email.messageId, ['1@x'])
  assert.deepEqual(Object.keys(email).length, 24)
  const whole = await scene.call('Email/get', {
    ids: [id],
    properties: ['headers', 'bodyStructure', 'header:to:all'],
  })
  assert.deepEqual(whole['list'][0]['header:to:all'], [' ann@x.test'])
  assert.deepEqual(whole['list'][0].headers[0], { name: 'From', value: ' Joe <joe@x.test>' })
  assert.deepEqual(whole['list'][0].bodyStructure.type, 'text/plain')
})

test('messages with \\Deleted are not there; Email/changes and Thread/changes tell of them', async (context) => {
  const scene = await Scene.open(context)
  const first = await scene.put({ id: 'a', subject: 'T' })
  const { state } = await scene.call('Email/get', { ids: [] })
  const threads = await scene.call('Thread/get', { ids: null })
  assert.deepEqual(threads['list'], [{ id: 'T1_1', emailIds: [first] }])
  const second = await scene.put({ references: 'a', subject: 'Re: T' })
  const empty = { created: [], updated: [], destroyed: [] }
  const told = async (type: string, since: string): Promise<Loose> => {
    const { created, updated, destroyed, hasMoreChanges } = await scene.call(`${type}/changes`, {
      sinceState: since,
    })
    assert.equal(hasMoreChanges, false)
    return { created, updated, destroyed }
  }
  assert.deepEqual(await told('Email', state), { ...empty, created: [second] })
  assert.deepEqual(await told('Thread', threads['state']), { ...empty, updated: ['T1_1'] })
  await scene.flag('INBOX', 1, Flag.deleted)
  assert.deepEqual(await told('Email', state), { ...empty, created: [second], destroyed: [first] })
  const { notFound } = await scene.call('Email/get', { ids: [first] })
  assert.deepEqual(notFound, [first])
  await scene.flag('INBOX', 1, Flag.deleted, 'remove')
  await scene.flag('INBOX', 2, Flag.seen)
  const { newState } = await scene.call('Email/changes', { sinceState: state })
  assert.deepEqual(await told('Email', state), { ...empty, created: [second], updated: [first] })
  assert.deepEqual(await told('Email', newState), empty)
  const page = await scene.call('Email/changes', { sinceState: state, maxChanges: 1 })
  assert.deepEqual([page['created'], page['hasMoreChanges']], [[second], true])
  assert.deepEqual(await told('Email', page['newState']), { ...empty, updated: [first, second] })
  assert.equal(
    await scene.refusal('Email/changes', { sinceState: `${Number(newState) + 100}` }),
    'cannotCalculateChanges',
  )
})

test('Email/query: conditions and operators of RFC 8621 §4.4.1', async (context) => {
  const scene = await Scene.open(context)
  const inbox = await scene.box()
  const one = await scene.put({
    id: 'a',
    subject: 'Invoice number',
    body: 'The rain in Spain',
    flags: Flag.seen,
    from: 'Ann Ax <a@x>',
  })
  const two = await scene.put({
    references: 'a',
    subject: 'Re: Invoice number',
    keywords: '$Junk',
    to: 'Team <team@x>',
  })
  const three = await scene.put({
    mailbox: 'Other',
    body: `${'x'.repeat(500)} falls`,
    header: 'X-Mark: yes\r\nCc: c@x\r\nBcc: d@x',
  })
  const four = await scene.put({
    ...{ subject: '<b>"quoted" word', type: 'multipart/mixed; boundary=b' },
    body: '--b\r\n\r\nplain\r\n--b\r\nContent-Type: application/pdf; name=x.pdf\r\n\r\nx\r\n--b--\r\n',
  })
  const other = await scene.box('Other')
  const sort = [{ property: 'receivedAt' }]
  const expected: readonly [object | null, string[]][] = [
    [null, [one, two, three, four]],
    [{}, [one, two, three, four]],
    [{ inMailbox: inbox }, [one, two, four]],
    [{ inMailbox: 'F1_99' }, []],
    [{ inMailboxOtherThan: [inbox] }, [three]],
    [{ before: '2001-09-09T01:48:40Z' }, [one]],
    [{ after: '2001-09-09T01:48:40Z' }, [two, three, four]],
    [{ minSize: 500 }, [three]],
    [{ maxSize: 500, inMailbox: inbox }, [one, two, four]],
    [{ hasKeyword: '$seen' }, [one]],
    [{ hasKeyword: '$JUNK' }, [two]],
    [{ notKeyword: '$seen' }, [two, three, four]],
    [{ allInThreadHaveKeyword: '$seen' }, []],
    [{ someInThreadHaveKeyword: '$seen' }, [one, two]],
    [{ noneInThreadHaveKeyword: '$seen' }, [three, four]],
    [{ hasAttachment: true }, [four]],
    [{ hasAttachment: false }, [one, two, three]],
    [{ text: 'SPAIN' }, [one]],
    [{ text: 'spain invoice' }, [one]],
    [{ text: '"rain in"' }, [one]],
    [{ text: '"in rain"' }, []],
    [{ text: String.raw`'\"quoted\" word'` }, [four]],
    [{ from: 'ann ax' }, [one]],
    [{ to: 'team' }, [two]],
    [{ cc: 'c@x' }, [three]],
    [{ bcc: 'd@x' }, [three]],
    [{ subject: 'invoice' }, [one, two]],
    [{ body: 'falls' }, [three]],
    [{ header: ['x-mark'] }, [three]],
    [{ header: ['X-Mark', 'YES'] }, [three]],
    [{ header: ['X-Mark', 'no'] }, []],
    [{ operator: 'AND', conditions: [{ subject: 'invoice' }, { notKeyword: '$seen' }] }, [two]],
    [{ operator: 'OR', conditions: [{ body: 'falls' }, { hasKeyword: '$seen' }] }, [one, three]],
    [{ operator: 'NOT', conditions: [{ text: 'falls' }, { hasKeyword: '$seen' }] }, [two, four]],
    [{ operator: 'AND', conditions: [] }, [one, two, three, four]],
    [{ operator: 'OR', conditions: [] }, []],
  ]
  for (const [filter, ids] of expected) {
    assert.deepEqual(await scene.ids({ filter, sort }), ids, JSON.stringify(filter))
  }
  assert.ok(other)
  assert.equal(await scene.refusal('Email/query', { filter: { colour: 'red' } }), 'unsupportedFilter')
  for (const filter of [
    { hasKeyword: 'a b' },
    { before: 'x' },
    { header: [] },
    { inMailbox: null },
    { operator: 'XOR', conditions: [] },
  ]) {
    assert.equal(await scene.refusal('Email/query', { filter }), 'invalidArguments', JSON.stringify(filter))
  }
})

test('filters and sorts are bounded', async (context) => {
  const scene = await Scene.open(context)
  const some = (count: number): object[] => Array.from({ length: count }, () => ({ hasKeyword: 'x' }))
  const filterOf = (count: number): object => ({ operator: 'OR', conditions: some(count) })
  assert.deepEqual(await scene.ids({ filter: filterOf(200) }), [])
  const asked = {
    'Email/query': {},
    'SearchSnippet/get': { emailIds: [] },
    'Email/queryChanges': { sinceQueryState: '1' },
  }
  for (const [name, args] of Object.entries(asked)) {
    assert.equal(await scene.refusal(name, { ...args, filter: filterOf(201) }), 'unsupportedFilter', name)
  }
  const sort = Array.from({ length: 21 }, () => ({ property: 'size' }))
  assert.equal(await scene.refusal('Email/query', { sort }), 'unsupportedSort')
})

test('Email/query: sorts, windows, anchors, totals and threads', async (context) => {
  const scene = await Scene.open(context)
  const a = await scene.put({ subject: 'Re: banana', from: 'Zoe <b@x>', body: 'xx', id: 't1' })
  const b = await scene.put({ subject: 'apple', from: '"" <m@x>', body: 'x', flags: Flag.flagged })
  const c = await scene.put({ subject: 'Banana', from: 'adam@x', body: 'xxx', references: 't1' })
  const by = (...sort: object[]): Promise<string[]> => scene.ids({ sort })
  assert.deepEqual(await by({ property: 'receivedAt' }), [a, b, c])
  assert.deepEqual(await by({ property: 'receivedAt', isAscending: false }), [c, b, a])
  assert.deepEqual(await by(), [c, b, a])
  assert.deepEqual(await by({ property: 'from' }), [c, b, a])
  assert.deepEqual(await by({ property: 'subject' }, { property: 'receivedAt' }), [b, a, c])
  assert.deepEqual(await by({ property: 'subject', collation: 'i;octet' }), [c, b, a])
  assert.deepEqual(
    await by({ property: 'subject', isAscending: false }, { property: 'receivedAt', isAscending: false }),
    [c, a, b],
  )
  assert.deepEqual(
    await by({ property: 'hasKeyword', keyword: '$flagged', isAscending: false }, { property: 'receivedAt' }),
    [b, a, c],
  )
  assert.deepEqual(
    await by({ property: 'someInThreadHaveKeyword', keyword: '$flagged' }, { property: 'size' }),
    [a, c, b].toSorted((one, two) => (one === b ? 1 : two === b ? -1 : 0)),
  )
  for (const sort of [[{ property: 'hasKeyword' }], [{ property: 'size', keyword: 'x' }]]) {
    assert.equal(await scene.refusal('Email/query', { sort }), 'invalidArguments')
  }
  assert.equal(await scene.refusal('Email/query', { sort: [{ property: 'colour' }] }), 'unsupportedSort')
  assert.equal(
    await scene.refusal('Email/query', { sort: [{ property: 'from', collation: 'i;nonsense' }] }),
    'unsupportedSort',
  )
  assert.equal(await scene.refusal('Email/query', { anchor: 'M1_9' }), 'anchorNotFound')
  const window = await scene.call('Email/query', {
    anchor: b,
    anchorOffset: -1,
    limit: 2,
    calculateTotal: true,
  })
  assert.deepEqual(
    [window['ids'], window['position'], window['total'], window['canCalculateChanges']],
    [[c, b], 0, 3, true],
  )
  assert.deepEqual(await scene.ids({ position: -1 }), [a])
  assert.deepEqual(await scene.ids({ collapseThreads: true }), [c, b])
})

test('Email/queryChanges: what a client makes of it is what /query tells', async (context) => {
  const scene = await Scene.open(context)
  const { store } = scene.mail.house
  const account = scene.account.id
  const inbox = await scene.boxOf()
  const trash = await scene.boxOf('Trash')
  for (let index = 0; index < 8; index++)
    await scene.put({ id: `t${index}`, ...(index % 3 === 2 ? { references: 't0', subject: 'S1' } : {}) })
  const box = await scene.box()
  const questions = [
    { filter: { inMailbox: box }, sort: [{ property: 'receivedAt', isAscending: false }] },
    { filter: { inMailbox: box }, collapseThreads: true },
    { filter: { notKeyword: '$seen' }, sort: [{ property: 'subject' }] },
    { filter: { noneInThreadHaveKeyword: '$seen' } },
    {
      filter: null,
      sort: [{ property: 'someInThreadHaveKeyword', keyword: '$seen' }],
      collapseThreads: true,
    },
    { filter: null, sort: [{ property: 'size' }] },
    { filter: { operator: 'NOT', conditions: [{ inMailbox: box }] } },
  ]
  const ask = async (question: object): Promise<Loose> =>
    scene.call('Email/query', { ...question, calculateTotal: true })
  const changes: (() => Promise<unknown>)[] = [
    () => scene.flag('INBOX', 2, Flag.seen),
    () => scene.put({ id: 'new', references: 't0', subject: 'S1' }),
    () => store.move({ account, from: inbox, to: trash, uids: [[3, 4]], now: 0 }),
    () => scene.flag('INBOX', 5, Flag.deleted),
    () => store.copy({ account, from: inbox, to: trash, uids: [[6, 6]], now: 0 }),
    () =>
      store.expunge({
        account,
        mailbox: inbox,
        which: 'regardless',
        uids: [
          [1, 1],
          [7, 7],
        ],
      }),
    () => scene.flag('INBOX', 5, Flag.deleted, 'remove'),
  ]
  const starts = await Promise.all(questions.map(ask))
  for (const change of changes) {
    const before = await Promise.all(questions.map(ask))
    await change()
    for (const [at, question] of questions.entries()) {
      const now = await ask(question)
      for (const old of [before[at], starts[at]]) {
        const args = { ...question, sinceQueryState: old?.['queryState'], calculateTotal: true }
        const told = await scene.call('Email/queryChanges', args)
        const ids = (old?.['ids'] ?? []).filter((id: string) => !told['removed'].includes(id))
        for (const { id, index } of told['added']) ids.splice(index, 0, id)
        assert.deepEqual(ids, now['ids'], JSON.stringify([question, told]))
        assert.deepEqual([told['newQueryState'], told['total']], [now['queryState'], now['total']])
      }
    }
  }
  const [first] = starts
  const same = { sinceQueryState: first?.['queryState'], ...questions[0] }
  assert.equal(await scene.refusal('Email/queryChanges', { ...same, maxChanges: 1 }), 'tooManyChanges')
  assert.equal(
    await scene.refusal('Email/queryChanges', { ...same, sinceQueryState: 'x' }),
    'cannotCalculateChanges',
  )
  const { queryState } = await ask({ filter: { inMailbox: box } })
  await scene.flag('INBOX', 6, Flag.flagged)
  const flagged = await scene.call('Email/queryChanges', {
    filter: { inMailbox: box },
    sinceQueryState: queryState,
  })
  assert.deepEqual([flagged['removed'], flagged['added']], [[], []])
})

test('SearchSnippet/get (RFC 8621 §5.1) and Email/parse (§4.9)', async (context) => {
  const scene = await Scene.open(context)
  const id = await scene.put({
    subject: 'A <foo> bar',
    type: 'text/html',
    body: '<p>Some <b>foo</b> &amp; more</p>',
  })
  const inner = 'Subject: Inner\r\nFrom: in@x\r\n\r\nDeep'
  const outer = await scene.put({
    type: 'multipart/mixed; boundary=b',
    body: `--b\r\nContent-Type: message/rfc822\r\n\r\n${inner}\r\n--b--\r\n`,
  })
  const snippets = await scene.call('SearchSnippet/get', {
    filter: { text: 'FOO' },
    emailIds: [id, outer, 'M1_9'],
  })
  assert.deepEqual(snippets, {
    accountId: 'A1',
    list: [
      { emailId: id, subject: 'A &lt;<mark>foo</mark>&gt; bar', preview: 'Some <mark>foo</mark> &amp; more' },
      { emailId: outer, subject: null, preview: null },
    ],
    notFound: ['M1_9'],
  })
  const { list } = await scene.call('Email/get', { ids: [outer], properties: ['attachments', 'blobId'] })
  const [{ attachments, blobId }] = list
  const attached = attachments[0].blobId
  const parsed = await scene.call('Email/parse', {
    blobIds: [attached, blobId, 'U1_99'],
    properties: ['id', 'subject', 'from', 'textBody', 'bodyValues', 'threadId'],
    bodyProperties: ['partId', 'size'],
    fetchTextBodyValues: true,
  })
  assert.deepEqual(parsed['parsed'][attached], {
    ...{ id: null, threadId: null, subject: 'Inner', from: [{ name: null, email: 'in@x' }] },
    textBody: [{ partId: '1', size: 4 }],
    bodyValues: { '1': { value: 'Deep', isEncodingProblem: false, isTruncated: false } },
  })
  assert.equal(parsed['parsed'][blobId].subject, 'S2')
  assert.deepEqual([parsed['notFound'], parsed['notParsable']], [['U1_99'], null])
  const upload = await scene.mail.house.upload(scene.account, '\0\0no message')
  const none = await scene.call('Email/parse', { blobIds: [upload] })
  assert.deepEqual([none['parsed'], none['notParsable'], none['notFound']], [null, [upload], null])
})

test('who shares mailboxes shows these alone', async (context) => {
  const scene = await Scene.open(context)
  const { store } = scene.mail.house
  const ben = await scene.mail.house.account('ben')
  const open = await scene.put({ mailbox: 'Team' })
  await scene.put()
  const team = await scene.boxOf('Team')
  const account = scene.account.id
  const access = {
    account,
    mailbox: team,
    grantee: ben.id,
    negative: false,
    mode: 'replace',
    rights: 'lrs',
  } as const
  assert.ok((await store.setAccess(access)).ok)
  const asBen = (name: string, args: object): Promise<Loose> =>
    scene.call(name, { accountId: 'A1', ...args }, ben)
  const mailboxes = await asBen('Mailbox/get', {})
  assert.deepEqual(
    mailboxes['list'].map((one: Loose) => [one['name'], one['isSubscribed'], one['totalEmails']]),
    [['Team', false, 1]],
  )
  const { myRights } = mailboxes['list'][0]
  assert.deepEqual(
    [myRights.mayReadItems, myRights.maySetSeen, myRights.maySetKeywords, myRights.mayAddItems],
    [true, true, false, false],
  )
  assert.deepEqual((await asBen('Email/query', {}))['ids'], [open])
  const { state, list, notFound } = await asBen('Email/get', {
    ids: [open, 'M1_2'],
    properties: ['mailboxIds'],
  })
  assert.deepEqual([list, notFound], [[{ id: open, mailboxIds: { [`F1_${team}`]: true } }], ['M1_2']])
  assert.deepEqual((await asBen('Email/changes', { sinceState: state }))['newState'], state)
  assert.ok((await store.setAccess({ ...access, mailbox: await scene.boxOf() })).ok)
  const [answer] = await scene.mail.calls(
    [['Email/changes', { accountId: 'A1', sinceState: state }, '0']],
    ben,
  )
  assert.equal(answer?.[1]['type'], 'cannotCalculateChanges')
})
