// Reading Emails and Threads (RFC 8621 §3, §4.2, §4.9, §5), as a client does it; mail comes and changes as by SMTP and IMAP.
import assert from 'node:assert/strict'
import { test } from 'node:test'
import type { Loose } from '../../../test/support/mail-house.ts'
import { MailScene } from '../../../test/support/mail-scene.ts'
import { Flag } from '../../store/model.ts'

test('RFC 8621 §4.2.1: Email/get of the example, and forms that are forbidden', async (context) => {
  const scene = await MailScene.open(context)
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
  const scene = await MailScene.open(context)
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
  const scene = await MailScene.open(context)
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

test('SearchSnippet/get (RFC 8621 §5.1) and Email/parse (§4.9)', async (context) => {
  const scene = await MailScene.open(context)
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
  const scene = await MailScene.open(context)
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
