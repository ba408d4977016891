import assert from 'node:assert/strict'
import { test, type TestContext } from 'node:test'
import { type Loose, type MailHouse, mailHouse, sorted } from '../../../test/support/mail-house.ts'
import type { JsonObject } from '../proto/json.ts'

/** Makes an Email; what /set says of it, or fails. */
async function create(mail: MailHouse, email: object): Promise<Loose> {
  const inbox = await mail.mailbox('INBOX')
  const create = { k: { mailboxIds: { [inbox]: true }, ...email } }
  const answer = (await mail.call('Email/set', { create })) as Loose
  assert.equal(answer['notCreated'], null, JSON.stringify(answer))
  return answer['created'].k
}

async function refused(mail: MailHouse, email: object): Promise<Loose> {
  const inbox = await mail.mailbox('INBOX')
  const create = { k: { mailboxIds: { [inbox]: true }, ...email } }
  const answer = (await mail.call('Email/set', { create })) as Loose
  assert.equal(answer['created'], null)
  return answer['notCreated'].k
}

async function get(mail: MailHouse, id: string, args: object): Promise<Loose> {
  const answer = (await mail.call('Email/get', { ids: [id], ...args })) as Loose
  assert.deepEqual(answer['notFound'], [])
  return answer['list'][0]
}

async function raw(mail: MailHouse, blobId: string): Promise<string> {
  const response = await mail.house.fetch(
    mail.ann,
    `/jmap/download/A${mail.ann.id}/${blobId}/x?accept=message%2Frfc822`,
  )
  assert.equal(response.status, 200)
  return response.text()
}

test('the draft of RFC 8621 §4.10 is made, and comes back as it was', async (context) => {
  const mail = await mailHouse(context)
  const email = {
    keywords: { $seen: true, $draft: true },
    from: [{ name: 'Joe Bloggs', email: 'joe@example.com' }],
    subject: 'World domination',
    receivedAt: '2018-07-10T01:03:11Z',
    sentAt: '2018-07-10T11:03:11+10:00',
    bodyStructure: {
      type: 'multipart/alternative',
      subParts: [
        { partId: 'a49d', type: 'text/html' },
        { partId: 'bd48', type: 'text/plain' },
      ],
    },
    bodyValues: {
      bd48: {
        value: 'I have the most brilliant plan.  Let me tell\nyou all about it.  What we do is, we',
        isTruncated: false,
      },
      a49d: {
        value: '<!DOCTYPE html><html><head><title></title></head><body><div>I have the most brilliant plan.',
        isTruncated: false,
      },
    },
  }
  const made = await create(mail, email)
  assert.deepEqual(sorted(Object.keys(made)), ['blobId', 'id', 'size', 'threadId'])
  const got = await get(mail, made['id'], {
    properties: [
      'keywords',
      'from',
      'subject',
      'receivedAt',
      'sentAt',
      'bodyStructure',
      'bodyValues',
      'size',
      'blobId',
      'threadId',
      'messageId',
    ],
    fetchAllBodyValues: true,
    bodyProperties: ['partId', 'type', 'subParts', 'charset'],
  })
  for (const name of ['keywords', 'from', 'subject', 'receivedAt', 'sentAt'] as const) {
    assert.deepEqual(got[name], email[name])
  }
  assert.deepEqual(
    [got['blobId'], got['threadId'], got['size']],
    [made['blobId'], made['threadId'], made['size']],
  )
  assert.match(got['messageId'][0], /^[^@]+@mail\.x\.test$/)
  assert.equal(got['bodyStructure'].type, 'multipart/alternative')
  const [html, text] = got['bodyStructure'].subParts
  assert.deepEqual([html.type, text.type, text.charset], ['text/html', 'text/plain', 'utf-8'])
  assert.equal(got['bodyValues'][text.partId].value, email.bodyValues.bd48.value)
  const octets = await raw(mail, made['blobId'])
  assert.equal(octets.length, made['size'])
  assert.match(octets, /^MIME-Version: 1\.0\r$/m)
  assert.match(octets, /^Content-Type: multipart\/alternative; boundary=/m)
})

test('header fields come back in the forms in which they were given', async (context) => {
  const mail = await mailHouse(context)
  const given: JsonObject = {
    'header:Comments:asText': 'Grüße, “all” of you '.repeat(8).trim(),
    'header:X-Raw': ' exactly  so\r\n and folded',
    'header:X-Many:asText:all': ['one', 'two', 'drei €'],
    'header:X-When:asDate': '2020-02-29T12:00:00-05:00',
    'header:List-Post:asURLs': ['mailto:list@example.com', 'https://example.com/?a=1&b=2'],
    'header:Resent-To:asAddresses:all': [
      [{ name: null, email: 'a@example.com' }],
      [{ name: 'B, C', email: 'b@example.com' }],
    ],
    'header:To:asGroupedAddresses': [
      { name: null, addresses: [{ name: 'James Smythe', email: 'james@example.com' }] },
      { name: 'Friends', addresses: [{ name: 'John Smîth', email: 'john@example.com' }] },
    ],
    references: ['one@example.com', 'two@example.com'],
    inReplyTo: ['two@example.com'],
    messageId: ['three@example.com'],
    replyTo: [{ name: 'Zoë "Z" O\'Neil', email: 'zoe+x@example.com' }],
    cc: [
      { name: null, email: 'half' },
      { name: 'ünder', email: 'a.b@example.com' },
    ],
  }
  const made = await create(mail, {
    ...given,
    textBody: [{ partId: '1' }],
    bodyValues: { 1: { value: 'x' } },
  })
  const got = await get(mail, made['id'], { properties: Object.keys(given) })
  for (const [name, value] of Object.entries(given)) assert.deepEqual(got[name], value, name)
})

test('bodies, embedded images and attachments become the usual tree, and come back as the same lists', async (context) => {
  const mail = await mailHouse(context)
  const image = await mail.house.upload(mail.ann, Buffer.from([0, 255, 13, 10, 0]), 'image/png')
  const table = await mail.house.upload(mail.ann, 'a;b\nc;d\n', 'text/csv')
  const made = await create(mail, {
    subject: 'All of it',
    textBody: [{ partId: 't', type: 'text/plain' }],
    htmlBody: [{ partId: 'h', type: 'text/html' }],
    attachments: [
      { blobId: image, type: 'image/png', cid: 'pic@x', disposition: 'inline', name: 'pic.png' },
      { blobId: table, type: 'text/csv', name: 'Übersicht – „Zahlen“.csv', charset: 'us-ascii' },
    ],
    bodyValues: { t: { value: 'plain\n' }, h: { value: '<img src="cid:pic@x">' } },
  })
  const got = await get(mail, made['id'], {
    properties: ['bodyStructure', 'textBody', 'htmlBody', 'attachments', 'hasAttachment', 'bodyValues'],
    fetchTextBodyValues: true,
    fetchHTMLBodyValues: true,
    bodyProperties: ['partId', 'blobId', 'size', 'name', 'type', 'charset', 'disposition', 'cid', 'subParts'],
  })
  const shape = (part: Loose): unknown =>
    part['subParts'] ? [part['type'], ...part['subParts'].map(shape)] : part['type']
  assert.deepEqual(shape(got['bodyStructure']), [
    'multipart/mixed',
    ['multipart/alternative', 'text/plain', ['multipart/related', 'text/html', 'image/png']],
    'text/csv',
  ])
  const picked = got['attachments'].map((part: Loose) => [
    part['type'],
    part['name'],
    part['disposition'],
    part['cid'],
    part['size'],
  ])
  assert.deepEqual(picked, [
    ['image/png', 'pic.png', 'inline', 'pic@x', 5],
    ['text/csv', 'Übersicht – „Zahlen“.csv', 'attachment', null, 8],
  ])
  assert.equal(got['hasAttachment'], true)
  assert.equal(got['bodyValues'][got['textBody'][0].partId].value, 'plain\n')
  const response = await mail.house.fetch(
    mail.ann,
    `/jmap/download/A${mail.ann.id}/${got['attachments'][1].blobId}/x?accept=text%2Fcsv`,
  )
  assert.equal(await response.text(), 'a;b\nc;d\n')
})

test('a single part keeps its type, and a message is attached as it is', async (context) => {
  const mail = await mailHouse(context)
  const first = await create(mail, {
    subject: 'inner',
    textBody: [{ partId: '1' }],
    bodyValues: { 1: { value: 'é' } },
  })
  const second = await create(mail, {
    bodyStructure: {
      subParts: [
        { partId: '1', type: 'text/plain', language: ['en', 'de-CH'], location: 'https://x.test/a' },
        { blobId: first['blobId'], type: 'message/rfc822', disposition: 'attachment', name: 'inner.eml' },
      ],
      'header:X-Root:asText': 'of the message',
    },
    bodyValues: { 1: { value: 'see' } },
  })
  const got = await get(mail, second['id'], {
    properties: ['bodyStructure', 'header:X-Root:asText'],
    bodyProperties: ['type', 'language', 'location', 'subParts', 'blobId', 'size', 'name'],
  })
  assert.equal(got['header:X-Root:asText'], 'of the message')
  const [text, inner] = got['bodyStructure'].subParts
  assert.deepEqual([text.language, text.location], [['en', 'de-CH'], 'https://x.test/a'])
  assert.equal(inner.size, first['size'])
  const parsed = (await mail.call('Email/parse', {
    blobIds: [inner.blobId],
    properties: ['subject'],
  })) as Loose
  assert.equal(parsed['parsed'][inner.blobId].subject, 'inner')
})

const hello = { textBody: [{ partId: '1' }], bodyValues: { 1: { value: 'x' } } }

test('what RFC 8621 §4.6 forbids is told, all of it at once', async (context) => {
  const mail = await mailHouse(context)
  const cases: [properties: string[], email: object][] = [
    [['headers'], { headers: [] }],
    [['id', 'size', 'preview'], { id: 'M1', size: 1, preview: 'x' }],
    [['header:from:asAddresses'], { from: [], 'header:from:asAddresses': [] }],
    [['header:From:asDate'], { 'header:From:asDate': '2020-01-01T00:00:00Z' }],
    [['header:Content-Type'], { 'header:Content-Type': ' text/plain' }],
    [['textBody'], { bodyStructure: { partId: '1' }, ...hello }],
    [['textBody/0/type'], { textBody: [{ partId: '1', type: 'text/html' }], bodyValues: hello.bodyValues }],
    [['textBody'], { textBody: [], bodyValues: {} }],
    [['htmlBody'], { htmlBody: [{ partId: '1' }, { partId: '1' }], bodyValues: hello.bodyValues }],
    [['textBody/0/partId'], { textBody: [{ partId: '2' }], bodyValues: hello.bodyValues }],
    [['textBody/0'], { textBody: [{ partId: '1', blobId: 'U1_1' }], bodyValues: hello.bodyValues }],
    [['textBody/0/charset'], { textBody: [{ partId: '1', charset: 'utf-8' }], bodyValues: hello.bodyValues }],
    [['textBody/0/size'], { textBody: [{ partId: '1', size: 1 }], bodyValues: hello.bodyValues }],
    [['textBody/0/headers'], { textBody: [{ partId: '1', headers: [] }], bodyValues: hello.bodyValues }],
    [
      ['textBody/0/header:Content-Transfer-Encoding'],
      {
        textBody: [{ partId: '1', 'header:Content-Transfer-Encoding': ' 8bit' }],
        bodyValues: hello.bodyValues,
      },
    ],
    [
      ['textBody/0/type'],
      {
        textBody: [{ partId: '1', type: 'text/plain', 'header:Content-Type': ' text/plain' }],
        bodyValues: hello.bodyValues,
      },
    ],
    [
      ['bodyValues/1/isTruncated'],
      { textBody: [{ partId: '1' }], bodyValues: { 1: { value: 'x', isTruncated: true } } },
    ],
    [
      ['bodyValues/1/isEncodingProblem'],
      { textBody: [{ partId: '1' }], bodyValues: { 1: { value: 'x', isEncodingProblem: true } } },
    ],
    [
      ['bodyStructure/header:Subject:asText'],
      {
        subject: 'x',
        bodyStructure: { partId: '1', 'header:Subject:asText': 'y' },
        bodyValues: hello.bodyValues,
      },
    ],
    [['keywords'], { keywords: { 'a b': true } }],
    [['keywords'], { keywords: { $seen: false } }],
    [['receivedAt'], { receivedAt: 'yesterday' }],
    [['subject'], { subject: 7 }],
    [['header:X-A'], { 'header:X-A': 'a\r\nBcc: evil@example.com' }],
    [['to'], { to: [{ email: 'a@b.test>\r\nBcc: <c@d.test' }] }],
    [['mailboxIds'], { mailboxIds: {} }],
    [['mailboxIds'], { mailboxIds: { F1_99999: true, nonsense: true } }],
    [['unheardOf', 'subject'], { unheardOf: 1, subject: [] }],
  ]
  for (const [properties, email] of cases) {
    const error = await refused(mail, email)
    assert.equal(error['type'], 'invalidProperties', JSON.stringify(email))
    assert.deepEqual(sorted(error['properties']), sorted(properties), JSON.stringify([email, error]))
  }
})

test('blobs that are not there are told, every one', async (context) => {
  const mail = await mailHouse(context)
  const there = await mail.house.upload(mail.ann, 'x')
  const error = await refused(mail, {
    bodyStructure: {
      subParts: [
        { blobId: there, type: 'text/plain' },
        { blobId: 'nope', type: 'text/plain' },
        { subParts: [{ blobId: 'U1_777' }], type: 'multipart/mixed' },
      ],
    },
  })
  assert.equal(error['type'], 'blobNotFound')
  assert.deepEqual(error['notFound'], ['nope', 'U1_777'])
})

test('hostile text stays in its field', async (context) => {
  const mail = await mailHouse(context)
  const made = await create(mail, {
    subject: 'a\r\nBcc: evil@example.com\r\n\r\nbody',
    from: [{ name: 'x\r\nBcc: evil@example.com', email: 'a@b.test' }],
    textBody: [{ partId: '1' }],
    attachments: [],
    bodyValues: { 1: { value: 'x' } },
  })
  const got = await get(mail, made['id'], { properties: ['bcc', 'subject', 'from'] })
  assert.equal(got['bcc'], null)
  assert.equal(got['subject'], 'a Bcc: evil@example.com body')
})

test('too many keywords, too large a message, too large attachments', async (context) => {
  const mail = await mailHouse(context, { maxMessageSize: 5_000 })
  const keywords = Object.fromEntries(Array.from({ length: 200 }, (_, at) => [`k${at}`, true]))
  assert.equal((await refused(mail, { ...hello, keywords }))['type'], 'tooManyKeywords')
  const large = { textBody: [{ partId: '1' }], bodyValues: { 1: { value: 'x'.repeat(6_000) } } }
  const error = await refused(mail, large)
  assert.deepEqual([error['type'], error['maxSize']], ['tooLarge', 5_000])
  const blob = await mail.house.upload(mail.ann, 'x'.repeat(500_001))
  assert.equal((await refused(mail, { attachments: [{ blobId: blob }] }))['maxSize'], 500_000)
})

async function setOne(mail: MailHouse, id: string, patch: object): Promise<unknown> {
  const answer = (await mail.call('Email/set', { update: { [id]: patch } })) as Loose
  return answer['updated'] === null ? answer['notUpdated'][id] : answer['updated']
}

async function scene(context: TestContext) {
  const mail = await mailHouse(context)
  const [inbox, trash] = [await mail.mailbox('INBOX'), await mail.mailbox('Trash')]
  const { id } = await create(mail, { ...hello, subject: 'one', keywords: { $seen: true, Work: true } })
  const now = (): Promise<Loose> => get(mail, id, { properties: ['keywords', 'mailboxIds'] })
  return { mail, inbox, trash, id, now }
}

test('keywords and mailboxes are patched or replaced', async (context) => {
  const { mail, inbox, trash, id, now } = await scene(context)
  const updated = { [id]: null }
  assert.deepEqual(
    await setOne(mail, id, { 'keywords/$flagged': true, 'keywords/WORK': null, 'keywords/$none': null }),
    updated,
  )
  assert.deepEqual((await now())['keywords'], { $seen: true, $flagged: true })
  assert.deepEqual(await setOne(mail, id, { [`mailboxIds/${trash}`]: true }), updated)
  assert.deepEqual((await now())['mailboxIds'], { [inbox]: true, [trash]: true })
  assert.deepEqual(await setOne(mail, id, { [`mailboxIds/${inbox}`]: null, keywords: { a: true } }), updated)
  assert.deepEqual(await now(), { id, keywords: { a: true }, mailboxIds: { [trash]: true } })
  assert.deepEqual(await setOne(mail, id, { mailboxIds: { [inbox]: true }, keywords: null }), updated)
  assert.deepEqual(await now(), { id, keywords: {}, mailboxIds: { [inbox]: true } })
  const all = await get(mail, id, {})
  assert.deepEqual(
    await setOne(mail, id, { ...all, keywords: { b: true } }),
    updated,
    'a whole object is a patch',
  )
  assert.deepEqual((await now())['keywords'], { b: true })
})

test('updates that cannot be', async (context) => {
  const { mail, inbox, id, now } = await scene(context)
  const before = await now()
  const typeOf = async (patch: object, of = id): Promise<unknown> =>
    ((await setOne(mail, of, patch)) as Loose)['type']
  assert.equal(await typeOf({ [`mailboxIds/${inbox}`]: null }), 'invalidProperties')
  assert.equal(await typeOf({ mailboxIds: {} }), 'invalidProperties')
  assert.equal(await typeOf({ 'mailboxIds/F1_777': true }), 'invalidProperties')
  assert.equal(await typeOf({ 'keywords/a b': true }), 'invalidProperties')
  assert.equal(await typeOf({ 'keywords/a': false }), 'invalidProperties')
  assert.equal(await typeOf({ subject: 'two' }), 'invalidProperties')
  assert.equal(await typeOf({ unheardOf: 1 }), 'invalidProperties')
  assert.equal(await typeOf({ keywords: {}, 'keywords/a': true }), 'invalidPatch')
  assert.equal(await typeOf({ 'keywords/$seen': null }, 'M1_777'), 'notFound')
  assert.equal(await typeOf({ 'keywords/$seen': null }, 'nonsense'), 'notFound')
  assert.deepEqual(await now(), before)
})

test('one call makes, changes and destroys, and names what it made', async (context) => {
  const { mail, inbox, trash, id } = await scene(context)
  const answers = await mail.calls([
    [
      'Email/set',
      {
        create: {
          a: { mailboxIds: { [inbox]: true }, ...hello },
          b: { mailboxIds: { [inbox]: true }, ...hello },
        },
        update: { '#a': { 'keywords/x': true }, [id]: { 'keywords/x': true } },
        destroy: [id, '#b', 'M1_999'],
      },
      '0',
    ],
    ['Email/get', { ids: ['#a', '#b', id], properties: ['keywords'] }, '1'],
  ])
  const [set, read] = answers.map(([, args]) => args as Loose)
  const made = set?.['created'].a.id
  assert.deepEqual(set?.['updated'], { [made]: null })
  assert.equal(set?.['notUpdated'][id].type, 'willDestroy')
  assert.deepEqual(sorted(set?.['destroyed']), sorted([id, set?.['created'].b.id]))
  assert.equal(set?.['notDestroyed']['M1_999'].type, 'notFound')
  assert.notEqual(set?.['oldState'], set?.['newState'])
  assert.deepEqual(read?.['list'], [{ id: made, keywords: { x: true } }])
  const bad = await mail.house.refusal(
    mail.ann,
    'Email/set',
    { accountId: `A${mail.ann.id}`, ifInState: set?.['oldState'], destroy: [made] },
    ['urn:ietf:params:jmap:core', 'urn:ietf:params:jmap:mail'],
  )
  assert.equal(bad, 'stateMismatch')
  assert.ok(trash)
})

test('a thousand Emails move and are read in one call', async (context) => {
  const { mail, trash, id } = await scene(context)
  const create: Loose = {}
  const inbox = await mail.mailbox('INBOX')
  for (let at = 0; at < 300; at++) create[`k${at}`] = { mailboxIds: { [inbox]: true }, ...hello }
  const made = (await mail.call('Email/set', { create })) as Loose
  const ids: string[] = [id, ...Object.values<Loose>(made['created']).map((one) => one['id'])]
  const update = Object.fromEntries(
    ids.map((one) => [one, { mailboxIds: { [trash]: true }, 'keywords/$seen': true }]),
  )
  const moved = (await mail.call('Email/set', { update })) as Loose
  assert.equal(moved['notUpdated'], null)
  assert.equal(Object.keys(moved['updated']).length, 301)
  const boxes = (await mail.call('Mailbox/get', {
    ids: [inbox, trash],
    properties: ['totalEmails', 'unreadEmails'],
  })) as Loose
  assert.deepEqual(
    sorted(boxes['list'].map((one: Loose) => `${one['totalEmails']} ${one['unreadEmails']}`)),
    ['0 0', '301 0'],
  )
  const gone = (await mail.call('Email/set', { destroy: ids })) as Loose
  assert.equal(gone['destroyed'].length, 301)
})

test('messages are imported as they are', async (context) => {
  const mail = await mailHouse(context)
  const [inbox, trash] = [await mail.mailbox('INBOX'), await mail.mailbox('Trash')]
  const octets =
    'Received: from a by b; Sun, 22 Nov 2026 08:00:00 +0100\r\nSubject: grün\r\nFrom: ä@x.test\r\n\r\nbody\r\n'
  const blobId = await mail.house.upload(mail.ann, octets, 'message/rfc822')
  const emails = {
    a: { blobId, mailboxIds: { [inbox]: true, [trash]: true }, keywords: { $Seen: true } },
    b: { blobId, mailboxIds: { [inbox]: true }, receivedAt: '2020-01-01T00:00:00Z' },
    c: { blobId: 'U1_999', mailboxIds: { [inbox]: true } },
    d: { blobId, mailboxIds: {} },
    e: { blobId, mailboxIds: { [inbox]: true }, keywords: { 'x y': true } },
    f: { blobId: await mail.house.upload(mail.ann, '\r\nno header'), mailboxIds: { [inbox]: true } },
    g: { blobId: await mail.house.upload(mail.ann, 'A: b\n\n\0x\ny\r\n'), mailboxIds: { [inbox]: true } },
  }
  const answer = (await mail.call('Email/import', { emails })) as Loose
  assert.deepEqual(Object.keys(answer['created']), ['a', 'b', 'g'])
  const errors = Object.entries<Loose>(answer['notCreated']).map(([key, error]) => [
    key,
    error['type'],
    error['properties'],
  ])
  assert.deepEqual(errors, [
    ['c', 'invalidProperties', ['blobId']],
    ['d', 'invalidProperties', ['mailboxIds']],
    ['e', 'invalidProperties', ['keywords']],
    ['f', 'invalidEmail', undefined],
  ])
  const { a, b, g } = answer['created']
  assert.equal(a.size, Buffer.byteLength(octets))
  assert.equal(await raw(mail, a.blobId), octets)
  assert.equal(await raw(mail, g.blobId), 'A: b\r\n\r\nx\r\ny\r\n')
  const got = await get(mail, a.id, {
    properties: ['receivedAt', 'keywords', 'mailboxIds', 'subject', 'from'],
  })
  assert.deepEqual(got, {
    ...{ id: a.id, receivedAt: '2026-11-22T07:00:00Z', keywords: { $seen: true }, subject: 'grün' },
    mailboxIds: { [inbox]: true, [trash]: true },
    from: [{ name: null, email: 'ä@x.test' }],
  })
  assert.equal((await get(mail, b.id, { properties: ['receivedAt'] }))['receivedAt'], '2020-01-01T00:00:00Z')
})

test('an Email is copied to another account, and its original destroyed', async (context) => {
  const mail = await mailHouse(context)
  const { house, ann } = mail
  const ben = await house.account('ben')
  const inbox = await house.store.findMailbox({ account: ben.id, name: 'INBOX' })
  assert.ok(inbox)
  await house.store.setAccess({
    ...{
      account: ben.id,
      mailbox: inbox.id,
      grantee: ann.id,
      negative: false,
      mode: 'replace',
      rights: 'lrswi',
    },
  })
  const { id, size } = await create(mail, { ...hello, subject: 'moved', keywords: { a: true } })
  const target = `F${ben.id}_${inbox.id}`
  const copy = {
    ...{ fromAccountId: `A${ann.id}`, accountId: `A${ben.id}`, onSuccessDestroyOriginal: true },
    create: {
      k: { id, mailboxIds: { [target]: true } },
      l: { id: 'M1_999', mailboxIds: { [target]: true } },
      m: { id, subject: 'x', mailboxIds: {} },
    },
  }
  const [copied, destroyed] = await house.calls(
    ann,
    [['Email/copy', copy, '0']],
    ['urn:ietf:params:jmap:core', 'urn:ietf:params:jmap:mail'],
  )
  const args = copied?.[1] as Loose
  assert.equal(args['created'].k.size, size)
  assert.equal(args['notCreated'].l.type, 'notFound')
  assert.deepEqual(sorted(args['notCreated'].m.properties), ['mailboxIds', 'subject'])
  assert.deepEqual([destroyed?.[0], destroyed?.[2]], ['Email/set', '0'])
  const removed: Loose = destroyed?.[1] ?? {}
  assert.deepEqual(removed['destroyed'], [id])
  const got = (await mail.call('Email/get', {
    accountId: `A${ben.id}`,
    ids: [args['created'].k.id],
    properties: ['subject', 'keywords'],
  })) as Loose
  assert.deepEqual(got['list'], [{ id: args['created'].k.id, subject: 'moved', keywords: { a: true } }])
})

test('rights in a shared mailbox are what may be done', async (context) => {
  const mail = await mailHouse(context)
  const { house, ann } = mail
  const ben = await house.account('ben')
  const { id } = await create(mail, hello)
  const inbox = await house.store.findMailbox({ account: ann.id, name: 'INBOX' })
  assert.ok(inbox)
  const grant = (rights: string) =>
    house.store.setAccess({
      ...{ account: ann.id, mailbox: inbox.id, grantee: ben.id, negative: false, mode: 'replace', rights },
    })
  await grant('lrs')
  const asBen = async (args: object): Promise<Loose> =>
    (await house.call(ben, 'Email/set', { accountId: `A${ann.id}`, ...args }, [
      'urn:ietf:params:jmap:core',
      'urn:ietf:params:jmap:mail',
    ])) as Loose
  assert.deepEqual((await asBen({ update: { [id]: { 'keywords/$seen': true } } }))['updated'], { [id]: null })
  assert.equal(
    (await asBen({ update: { [id]: { 'keywords/x': true } } }))['notUpdated'][id].type,
    'forbidden',
  )
  assert.equal((await asBen({ destroy: [id] }))['notDestroyed'][id].type, 'forbidden')
  const mailboxIds = { [`F${ann.id}_${inbox.id}`]: true }
  assert.equal((await asBen({ create: { k: { ...hello, mailboxIds } } }))['notCreated'].k.type, 'forbidden')
  await grant('lrswite')
  assert.ok((await asBen({ create: { k: { ...hello, mailboxIds } } }))['created'].k)
  assert.deepEqual((await asBen({ destroy: [id] }))['destroyed'], [id])
})
