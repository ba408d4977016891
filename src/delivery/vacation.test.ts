import assert from 'node:assert/strict'
import { test, type TestContext } from 'node:test'
import { type Loose, type MailHouse, mailHouse, sorted } from '../../test/support/mail-house.ts'
import { tryAddress } from '../mail/address.ts'
import { splitHeader } from '../mail/header.ts'
import { ingest } from '../store/ingest.ts'
import { mayAnswer } from './vacation-rules.ts'

/** Somebody's message on its way to Ann, as the MX takes it. */
async function deliver(
  mail: MailHouse,
  message: { from?: string | null; header?: string; to?: string; held?: number } = {},
): Promise<void> {
  const { store, clock } = mail.house
  const { from = 'zoe@elsewhere.test', header = '', to = 'ann@x.test', held } = message
  const staged = ingest({ blobs: store.blobs })
  await staged.write(
    Buffer.from(
      `To: ${to}\r\nSubject: Quarterly =?utf-8?Q?caf=C3=A9?=\r\nMessage-ID: <m1@elsewhere.test>\r\nReferences: <m0@x.test>\r\n${header}\r\nHi\r\n`,
    ),
  )
  const { message: whole, structure } = await staged.finish()
  const result = await mail.wayIn.delivery.deliver({
    reversePath: from === null ? null : (tryAddress(from) ?? null),
    recipients: [{ account: mail.ann.id, deliveredTo: 'ann@x.test' }],
    ...{
      message: whole,
      structure,
      trace: () => '',
      receivedAt: clock.now(),
      id: clock.now().toString(36) + Math.trunc(structure.size).toString(),
    },
    ...(held === undefined ? {} : { quarantine: 'look' }),
  })
  assert.ok(result.ok)
  await mail.wayIn.vacation.settled()
}

/** The texts of answers in the queue. */
async function answers(mail: MailHouse): Promise<string[]> {
  const { store } = mail.house
  const texts: string[] = []
  for (const { message } of await store.queueList({ filter: {}, limit: 100, finished: 'with' })) {
    let text = ''
    for await (const chunk of store.blobs.read(message.blob)) text += Buffer.from(chunk).toString('latin1')
    texts.push(text)
  }
  return texts
}

async function away(context: TestContext, settings: object = {}): Promise<MailHouse> {
  const mail = await mailHouse(context)
  await set(mail, { isEnabled: true, ...settings })
  return mail
}

async function set(mail: MailHouse, settings: object): Promise<void> {
  const answer: Loose = await mail.call('VacationResponse/set', { update: { singleton: settings } })
  assert.deepEqual(answer['updated'], { singleton: null }, JSON.stringify(answer))
}

test('who writes is told once that the owner is away', async (context) => {
  const mail = await away(context, { textBody: 'Back in May.\n' })
  const identity: Loose = await mail.call('Identity/get', {})
  await mail.call('Identity/set', { update: { [identity['list'][0].id]: { name: 'Ann Lee' } } })
  await deliver(mail)
  await deliver(mail, { header: 'X-Again: 1\r\n' })
  const [text, another] = await answers(mail)
  assert.equal(another, undefined)
  assert.ok(text)
  for (const line of [
    'From: Ann Lee <ann@x.test>',
    'To: zoe@elsewhere.test',
    'In-Reply-To: <m1@elsewhere.test>',
    'References: <m0@x.test> <m1@elsewhere.test>',
    'Auto-Submitted: auto-replied',
    'Subject: Auto: Quarterly =?utf-8?B?Y2Fmw6k=?=',
  ]) {
    assert.ok(text.includes(`${line}\r\n`), `${line}\n${text}`)
  }
  assert.ok(text.endsWith('\r\n\r\nBack in May.\r\n'))
  const [entry] = await mail.house.store.queueList({ filter: {}, limit: 1, finished: 'with' })
  assert.equal(entry?.message.reversePath, '')
  assert.deepEqual(
    entry.recipients.map(({ address }) => address),
    ['zoe@elsewhere.test'],
  )
  const inbox: Loose = await mail.call('Mailbox/get', {
    ids: [await mail.mailbox('INBOX')],
    properties: ['totalEmails'],
  })
  assert.equal(inbox['list'][0].totalEmails, 2)
})

test('after seven days, and for other words, a sender is answered again', async (context) => {
  const mail = await away(context, { subject: 'Away' })
  await deliver(mail)
  await mail.house.clock.advance(6 * 86_400_000)
  await deliver(mail, { header: 'X: 2\r\n' })
  assert.equal((await answers(mail)).length, 1)
  await mail.house.clock.advance(86_400_001)
  await deliver(mail, { header: 'X: 3\r\n' })
  assert.equal((await answers(mail)).length, 2)
  await set(mail, { subject: 'Still away' })
  await deliver(mail, { header: 'X: 4\r\n' })
  const texts = await answers(mail)
  assert.equal(texts.length, 3)
  assert.ok(texts.at(-1)?.includes('Subject: Still away\r\n'))
})

test('only between the dates, and only where it is enabled', async (context) => {
  const mail = await mailHouse(context)
  const now = mail.house.clock.now()
  const date = (offset: number): string =>
    `${new Date(Math.trunc(now / 1000) * 1000 + offset).toISOString().slice(0, -5)}Z`
  await deliver(mail)
  await set(mail, { isEnabled: true, fromDate: date(60_000) })
  await deliver(mail, { header: 'X: 2\r\n' })
  await set(mail, { isEnabled: true, fromDate: null, toDate: date(-1_000) })
  await deliver(mail, { header: 'X: 3\r\n' })
  await set(mail, { isEnabled: false, toDate: null })
  await deliver(mail, { header: 'X: 4\r\n' })
  assert.deepEqual(await answers(mail), [])
  await set(mail, { isEnabled: true, fromDate: date(-1_000), toDate: date(60_000) })
  await deliver(mail, { header: 'X: 5\r\n' })
  assert.equal((await answers(mail)).length, 1)
})

test('nobody is answered who is no person, or did not write to the owner', async (context) => {
  const mail = await away(context)
  await deliver(mail, { from: null })
  await deliver(mail, { to: 'list@elsewhere.test' })
  await deliver(mail, { from: 'ann@x.test' })
  await deliver(mail, { header: 'List-Id: <a.b>\r\n' })
  await deliver(mail, { held: 1 })
  const quarantined = await mail.house.store.queueList({ filter: {}, limit: 10, finished: 'with' })
  assert.deepEqual(
    quarantined.map(({ recipients }) => recipients[0]?.state),
    ['held'],
  )
  const now = mail.house.clock.now()
  await mail.house.store.setAlias({ address: 'sales@x.test', targets: ['ann@x.test'], now })
  await deliver(mail, { to: 'Sales <sales@x.test>, b@elsewhere.test' })
  assert.equal((await answers(mail)).length, 2, 'an alias is the owner')
})

test('which messages are answered (RFC 3834 §2, RFC 5230 §4.6)', () => {
  const may = (from: string | null, header = ''): boolean =>
    mayAnswer(from === null ? null : (tryAddress(from) ?? null), splitHeader(header).fields)
  for (const header of [
    '',
    'Auto-Submitted: no\r\n',
    'Precedence: first-class\r\n',
    'X-Auto-Response-Suppress: RN\r\n',
  ]) {
    assert.ok(may('zoe@elsewhere.test', header), header)
  }
  for (const header of [
    'Auto-Submitted: auto-replied\r\n',
    'AUTO-SUBMITTED: Auto-Generated (x)\r\n',
    'Precedence: bulk\r\n',
    'Precedence: List\r\n',
    'List-Unsubscribe: <mailto:a@b>\r\n',
    'X-Auto-Response-Suppress: DR, OOF\r\n',
  ]) {
    assert.ok(!may('zoe@elsewhere.test', header), header)
  }
  for (const from of [
    null,
    'MAILER-DAEMON@x.test',
    'owner-list@x.test',
    'list-request@x.test',
    'no-reply@x.test',
    'noreply@x.test',
    'list-bounces@x.test',
    'bounce+1=a@x.test',
  ]) {
    assert.ok(!may(from), String(from))
  }
})

test('HTML is answered with text beside it', async (context) => {
  const mail = await away(context, {
    htmlBody: '<p>Back in <b>May</b>&nbsp;— é</p>',
    subject: 'Weg\r\nBcc: evil@x.test',
  })
  await deliver(mail)
  const [text] = await answers(mail)
  assert.match(text ?? '', /Content-Type: multipart\/alternative/)
  assert.ok(text?.includes(Buffer.from('Back in May — é\r\n').toString('base64')))
  assert.match(text ?? '', /^Subject: Weg Bcc: evil@x.test\r$/m)
  assert.doesNotMatch(text ?? '', /^Bcc:/m)
})

test('the one VacationResponse of an account is read and set', async (context) => {
  const mail = await mailHouse(context)
  const first: Loose = await mail.call('VacationResponse/get', { ids: null })
  assert.deepEqual(first['list'], [
    {
      ...{ id: 'singleton', isEnabled: false, fromDate: null, toDate: null },
      ...{ subject: null, textBody: null, htmlBody: null },
    },
  ])
  const other: Loose = await mail.call('VacationResponse/get', {
    ids: ['x', 'singleton'],
    properties: ['subject'],
  })
  assert.deepEqual([other['list'], other['notFound']], [[{ id: 'singleton', subject: null }], ['x']])
  const answer: Loose = await mail.call('VacationResponse/set', {
    create: { k: { isEnabled: true } },
    update: { singleton: { isEnabled: 1, fromDate: 'soon', subject: [] }, x: {} },
    destroy: ['y'],
  })
  assert.equal(answer['notCreated'].k.type, 'singleton')
  assert.deepEqual(sorted(answer['notUpdated'].singleton.properties), ['fromDate', 'isEnabled', 'subject'])
  assert.equal(answer['notUpdated'].x.type, 'notFound')
  assert.equal(answer['notDestroyed'].y.type, 'notFound')
  const gone: Loose = await mail.call('VacationResponse/set', { destroy: ['singleton'] })
  assert.equal(gone['notDestroyed'].singleton.type, 'singleton')
  await set(mail, { isEnabled: true, toDate: '2030-01-01T00:00:00Z', subject: 'Away' })
  const now: Loose = await mail.call('VacationResponse/get', {})
  assert.notEqual(now['state'], first['state'])
  assert.deepEqual(now['list'][0].toDate, '2030-01-01T00:00:00Z')
  await set(mail, { ...now['list'][0], subject: null })
})
