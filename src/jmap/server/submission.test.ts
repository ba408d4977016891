import assert from 'node:assert/strict'
import { test, type TestContext } from 'node:test'
import { type Loose, type MailHouse, mailHouse, mailUsing, sorted } from '../../../test/support/mail-house.ts'
import { ingest } from '../../store/ingest.ts'
import type { Attempt, QueueEntry } from '../../store/queue.ts'

interface Scene {
  readonly mail: MailHouse
  readonly drafts: string
  readonly sent: string
  readonly identityId: string
  /** Makes a draft; its id. */
  draft(email?: object): Promise<string>
  set(args: object): Promise<Loose>
  /** Makes one submission of a fresh draft; what is told of it. */
  send(object?: object, email?: object): Promise<Loose>
  get(id: string): Promise<Loose>
  queue(): Promise<QueueEntry[]>
}

async function scene(context: TestContext, options: Parameters<typeof mailHouse>[1] = {}): Promise<Scene> {
  const mail = await mailHouse(context, options)
  const { house } = mail
  await house.account('bob')
  const made: Loose = await mail.call('Mailbox/set', {
    create: { d: { name: 'Drafts', role: 'drafts' }, s: { name: 'Sent', role: 'sent' } },
  })
  const [drafts, sent] = [made['created'].d.id, made['created'].s.id]
  const identities: Loose = await mail.call('Identity/get', {})
  const identityId = identities['list'][0].id
  const draft = async (email: object = {}): Promise<string> => {
    const answer: Loose = await mail.call('Email/set', {
      create: {
        k: {
          mailboxIds: { [drafts]: true },
          keywords: { $draft: true, $seen: true },
          from: [{ name: 'Ann', email: 'ann@x.test' }],
          to: [{ name: null, email: 'zoe@elsewhere.test' }],
          bcc: [{ name: null, email: 'secret@elsewhere.test' }],
          subject: 'Hello',
          textBody: [{ partId: '1' }],
          bodyValues: { 1: { value: 'Hi!\n' } },
          ...email,
        },
      },
    })
    assert.equal(answer['notCreated'], null, JSON.stringify(answer))
    return answer['created'].k.id
  }
  const set = async (args: object): Promise<Loose> => mail.call('EmailSubmission/set', args)
  const send = async (object: object = {}, email: object = {}): Promise<Loose> => {
    const emailId = await draft(email)
    const answer = await set({ create: { k: { identityId, emailId, ...object } } })
    return answer['created']?.k ?? answer['notCreated'].k
  }
  const get = async (id: string): Promise<Loose> => {
    const answer: Loose = await mail.call('EmailSubmission/get', { ids: [id] })
    return answer['list'][0]
  }
  const queue = () => house.store.queueList({ filter: {}, limit: 100, finished: 'with' })
  return { mail, drafts, sent, identityId, draft, set, send, get, queue }
}

const envelope = (mailFrom: object | null, ...rcptTo: (string | object)[]): object => ({
  mailFrom: { email: 'ann@x.test', parameters: mailFrom },
  rcptTo: rcptTo.map((one) => (typeof one === 'string' ? { email: one, parameters: null } : one)),
})

test('an Email is sent, its draft moved, and the answers come in order', async (context) => {
  const { mail, drafts, sent, identityId, draft, queue } = await scene(context)
  const emailId = await draft()
  const answers = await mail.calls([
    [
      'EmailSubmission/set',
      {
        create: { k1490: { identityId, emailId } },
        onSuccessUpdateEmail: {
          '#k1490': { [`mailboxIds/${drafts}`]: null, [`mailboxIds/${sent}`]: true, 'keywords/$draft': null },
        },
      },
      '0',
    ],
  ])
  assert.deepEqual(
    answers.map(([name, , id]) => [name, id]),
    [
      ['EmailSubmission/set', '0'],
      ['Email/set', '0'],
    ],
  )
  const [made, moved] = answers.map(([, args]): Loose => args)
  assert.ok(made)
  const { id, threadId, sendAt, ...told } = made['created'].k1490
  assert.match(id, /^S\d+_\d+$/)
  assert.match(threadId, /^T/)
  assert.match(sendAt, /Z$/)
  assert.deepEqual(told, {
    envelope: {
      mailFrom: { email: 'ann@x.test', parameters: null },
      rcptTo: ['zoe@elsewhere.test', 'secret@elsewhere.test'].map((email) => ({ email, parameters: null })),
    },
    undoStatus: 'pending',
    deliveryStatus: {
      'zoe@elsewhere.test': { smtpReply: '250 2.1.5 Queued', delivered: 'queued', displayed: 'unknown' },
      'secret@elsewhere.test': { smtpReply: '250 2.1.5 Queued', delivered: 'queued', displayed: 'unknown' },
    },
    ...{ dsnBlobIds: [], mdnBlobIds: [] },
  })
  assert.deepEqual(moved?.['updated'], { [emailId]: null })
  const got: Loose = await mail.call('Email/get', {
    ids: [emailId],
    properties: ['mailboxIds', 'keywords', 'bcc'],
  })
  assert.deepEqual(got['list'][0].mailboxIds, { [sent]: true })
  assert.deepEqual(got['list'][0].keywords, { $seen: true })
  assert.equal(got['list'][0].bcc.length, 1, 'what is kept has its Bcc')
  const [entry] = await queue()
  assert.ok(entry)
  assert.deepEqual(
    entry.recipients.map(({ address }) => address),
    ['zoe@elsewhere.test', 'secret@elsewhere.test'],
  )
  let text = ''
  for await (const chunk of mail.house.store.blobs.read(entry.message.blob))
    text += Buffer.from(chunk).toString()
  assert.match(text, /^Subject: Hello\r$/m)
  assert.doesNotMatch(text, /secret@/)
})

test('mail for mailboxes here is there at once', async (context) => {
  const { mail, send, get } = await scene(context)
  const made = await send({}, { to: [{ email: 'bob@x.test' }], bcc: null })
  assert.equal(made['undoStatus'], 'final')
  assert.deepEqual(made['deliveryStatus']['bob@x.test'].delivered, 'yes')
  assert.deepEqual(
    (await get(made['id']))['deliveryStatus']['bob@x.test'].smtpReply,
    '250 2.1.5 Delivered to the mailbox',
  )
  const bob = await mail.house.store.findAddress('bob@x.test')
  assert.ok(bob?.type === 'account')
  const inbox: Loose = await mail.call(
    'Mailbox/get',
    { ids: null, properties: ['totalEmails', 'role'] },
    bob.account,
  )
  assert.equal(inbox['list'].find((one: Loose) => one['role'] === 'inbox').totalEmails, 1)
})

test('what is held back can be taken back, and nobody gets it', async (context) => {
  const { mail, set, send, get, queue } = await scene(context)
  const state: Loose = await mail.call('EmailSubmission/get', { ids: [] })
  const now = mail.house.clock.now()
  const made = await send({ envelope: envelope({ HOLDFOR: '10' }, 'zoe@elsewhere.test', 'bob@x.test') })
  assert.equal(Date.parse(made['sendAt']), now + 10_000)
  assert.equal(made['undoStatus'], 'pending')
  assert.deepEqual(
    Object.values<Loose>(made['deliveryStatus']).map(({ delivered }) => delivered),
    ['queued', 'queued'],
  )
  const answer = await set({ update: { [made['id']]: { undoStatus: 'canceled' } } })
  const after = await get(made['id'])
  assert.deepEqual(answer['updated'], { [made['id']]: { deliveryStatus: after['deliveryStatus'] } })
  assert.equal(after['undoStatus'], 'canceled')
  assert.deepEqual(
    Object.values<Loose>(after['deliveryStatus']).map(({ delivered }) => delivered),
    ['no', 'no'],
  )
  const [entry] = await queue()
  assert.deepEqual(
    entry?.recipients.map(({ outcome }) => outcome),
    ['discarded', 'discarded'],
  )
  const changes: Loose = await mail.call('EmailSubmission/changes', { sinceState: state['state'] })
  assert.deepEqual([changes['created'], changes['updated']], [[made['id']], []])
  const again = await set({ update: { [made['id']]: { undoStatus: 'pending' } } })
  assert.equal(again['notUpdated'][made['id']].type, 'invalidProperties')
})

test('what somebody works on cannot be taken back, not even in part', async (context) => {
  const { mail, set, send, get, queue } = await scene(context)
  const { store } = mail.house
  const made = await send({ envelope: envelope({ HOLDFOR: '10' }, 'zoe@elsewhere.test', 'yan@other.test') })
  const now = mail.house.clock.now() + 20_000
  const claimed = await store.claimDue({
    domain: 'other.test',
    limit: 1,
    now,
    holder: 'h',
    leaseUntil: now + 1e6,
  })
  const [one] = claimed
  assert.ok(one)
  const refused = await set({ update: { [made['id']]: { undoStatus: 'canceled' } } })
  assert.equal(refused['notUpdated'][made['id']].type, 'cannotUnsend')
  const [entry] = await queue()
  assert.deepEqual(
    entry?.recipients.map(({ state }) => state),
    ['waiting', 'active'],
  )
  assert.equal((await get(made['id']))['undoStatus'], 'final')
  const before: Loose = await mail.call('EmailSubmission/get', { ids: [] })
  const attempt: Attempt = {
    ...{ at: now, host: 'mx.other.test', address: '192.0.2.9', tls: null, verification: null, policy: null },
    ...{ stage: 'data', outcome: 'failed' as const, status: '5.7.1' },
    reply: '550-5.7.1 Our system has detected that this message is\n550 5.7.1 likely spam.',
  }
  const { message, number } = one.recipient
  await store.settle({
    settlements: [{ message, number, attempt, type: 'done', outcome: 'failed', report: null }],
    ...{ holder: 'h', now, events: [] },
  })
  const changes: Loose = await mail.call('EmailSubmission/changes', { sinceState: before['state'] })
  assert.deepEqual(changes['updated'], [made['id']], 'the state moves when a recipient is settled')
  const status = (await get(made['id']))['deliveryStatus']
  // RFC 8621 §7.
  assert.deepEqual(status['yan@other.test'], {
    smtpReply: '550 5.7.1 Our system has detected that this message is likely spam.',
    ...{ delivered: 'no', displayed: 'unknown' },
  })
  assert.equal(status['zoe@elsewhere.test'].delivered, 'queued')
  await store.changeQueued({ filter: {}, change: { type: 'discard', reason: 'x' }, now })
  assert.equal((await get(made['id']))['undoStatus'], 'final')
})

test('parameters are those of the submission port', async (context) => {
  const { send, queue } = await scene(context)
  const parameters = {
    RET: 'HDRS',
    ENVID: 'abc def',
    'MT-PRIORITY': '9',
    BY: '600;N',
    requiretls: null,
    SMTPUTF8: null,
    SIZE: '10',
  }
  const recipient = {
    email: 'zoe@elsewhere.test',
    parameters: { NOTIFY: 'SUCCESS,DELAY', ORCPT: 'rfc822;a+b@c.test' },
  }
  const made = await send({ envelope: envelope(parameters, recipient) })
  assert.ok(made['id'], JSON.stringify(made))
  const [entry] = await queue()
  assert.ok(entry)
  const { ret, envId, priority, deliverBy, requireTls, smtpUtf8 } = entry.message.options
  assert.deepEqual([ret, envId, priority, deliverBy?.mode, requireTls, smtpUtf8], ['headers', 'abc def', 4, 'notify', true, true]) // prettier-ignore
  const { notify, originalRecipient } = entry.recipients[0]?.options ?? {}
  assert.deepEqual([notify, originalRecipient], [['success', 'delay'], 'rfc822;a+b@c.test'])
  for (const wrong of [
    { RET: 'ALL' },
    { HOLDFOR: '99999999' },
    { HOLDFOR: 5 },
    { HOLDFOR: '1', HOLDUNTIL: '2030-01-01T00:00:00Z' },
    { X: '' },
  ]) {
    assert.equal((await send({ envelope: envelope(wrong, 'z@elsewhere.test') }))['type'], 'invalidProperties')
  }
  const odd = { email: 'z@elsewhere.test', parameters: { NOTIFY: 'NEVER,DELAY' } }
  assert.deepEqual((await send({ envelope: envelope(null, odd) }))['properties'], ['envelope'])
})

test('what cannot be sent is refused with its own error', async (context) => {
  const { mail, send, set, identityId, draft, queue } = await scene(context, { maxMessageSize: 4_000 })
  const error = async (object: object, email: object = {}): Promise<Loose> => {
    const { type, description: _, ...more } = await send(object, email)
    return { type, ...more }
  }
  assert.deepEqual(await error({ identityId: 'I1_99' }), {
    type: 'invalidProperties',
    properties: ['identityId'],
  })
  assert.deepEqual(await error({ emailId: 'M1_99' }), { type: 'invalidProperties', properties: ['emailId'] })
  assert.deepEqual(await error({ undoStatus: 'final' }), {
    type: 'invalidProperties',
    properties: ['undoStatus'],
  })
  assert.deepEqual(await error({ envelope: 7 }), { type: 'invalidProperties', properties: ['envelope'] })
  assert.deepEqual(await error({ envelope: envelope(null) }), { type: 'noRecipients' })
  assert.deepEqual(await error({}, { to: null, bcc: null }), { type: 'noRecipients' })
  const wrong = envelope(null, 'bob@x.test', 'nobody@x.test', 'no address')
  assert.deepEqual(await error({ envelope: wrong }), {
    type: 'invalidRecipients',
    invalidRecipients: ['nobody@x.test', 'no address'],
  })
  const many = Array.from({ length: 101 }, (_, at) => `a${at}@elsewhere.test`)
  assert.deepEqual(await error({ envelope: envelope(null, ...many) }), {
    type: 'tooManyRecipients',
    maxRecipients: 100,
  })
  const foreign = { ...envelope(null, 'bob@x.test'), mailFrom: { email: 'bob@x.test', parameters: null } }
  assert.deepEqual(await error({ envelope: foreign }), { type: 'forbiddenMailFrom' })
  assert.deepEqual(await error({}, { from: [{ email: 'bob@x.test' }] }), { type: 'forbiddenFrom' })
  assert.deepEqual(await error({}, { from: null }), { type: 'invalidEmail', properties: ['from'] })
  const two = [{ email: 'ann@x.test' }, { email: 'ann+b@x.test' }]
  assert.deepEqual(await error({}, { from: two }), { type: 'invalidEmail', properties: ['sender'] })
  const large = await mail.house.upload(mail.ann, 'x'.repeat(2_000))
  const importing: Loose = await mail.call('Email/import', {
    emails: { k: { blobId: large, mailboxIds: { [await mail.mailbox('INBOX')]: true } } },
  })
  assert.equal(importing['notCreated'].k.type, 'invalidEmail')
  assert.deepEqual(await queue(), [])
  const emailId = await draft()
  const answer = await set({ create: { k: { identityId, emailId: '#none' } } })
  assert.equal(answer['notCreated'].k.type, 'invalidProperties')
  assert.ok(emailId)
})

test('hourly counts are those of the submission port', async (context) => {
  const { send } = await scene(context, { settings: { submission: { messagesPerHour: 1 } } })
  assert.ok((await send())['id'])
  assert.equal((await send())['type'], 'rateLimit')
})

test('submissions are found, sorted and followed', async (context) => {
  const { mail, send, set } = await scene(context)
  const [one, two] = [
    await send(),
    await send({ envelope: envelope({ HOLDFOR: '100' }, 'z@elsewhere.test') }),
  ]
  const query = async (args: object): Promise<Loose> => mail.call('EmailSubmission/query', args)
  const sort = [{ property: 'sentAt', isAscending: false }]
  const all = await query({ sort, calculateTotal: true })
  assert.deepEqual([all['ids'], all['total']], [[two['id'], one['id']], 2])
  assert.deepEqual((await query({ filter: { after: two['sendAt'] } }))['ids'], [two['id']])
  assert.deepEqual((await query({ filter: { before: two['sendAt'] } }))['ids'], [one['id']])
  assert.deepEqual(
    (await query({ filter: { threadIds: [one['threadId']], undoStatus: 'pending' } }))['ids'],
    [one['id']],
  )
  assert.deepEqual(
    (await query({ filter: { operator: 'NOT', conditions: [{ identityIds: ['I1_99'] }] } }))['ids'].length,
    2,
  )
  const { queryState } = await query({ filter: { undoStatus: 'pending' }, sort })
  await set({ update: { [two['id']]: { undoStatus: 'canceled' } }, destroy: [one['id']] })
  const three = await send()
  const changes: Loose = await mail.call('EmailSubmission/queryChanges', {
    ...{ filter: { undoStatus: 'pending' }, sort, sinceQueryState: queryState },
  })
  assert.deepEqual(sorted(changes['removed']), sorted([one['id'], two['id']]))
  assert.deepEqual(changes['added'], [{ id: three['id'], index: 0 }])
})

test('a submission that is destroyed goes on, and takes its Email along where asked', async (context) => {
  const { mail, send, set, queue } = await scene(context)
  const made = await send()
  const got: Loose = await mail.call('EmailSubmission/get', { ids: [made['id']], properties: ['emailId'] })
  const { emailId } = got['list'][0]
  const answers = await mail.calls([
    [
      'EmailSubmission/set',
      { destroy: [made['id'], 'S1_99'], onSuccessDestroyEmail: [made['id'], 'S1_99'] },
      '0',
    ],
  ])
  const [gone, email] = answers.map(([, args]): Loose => args)
  assert.deepEqual(gone?.['destroyed'], [made['id']])
  assert.equal(gone?.['notDestroyed']['S1_99'].type, 'notFound')
  assert.deepEqual(email?.['destroyed'], [emailId])
  const [entry] = await queue()
  assert.deepEqual(
    entry?.recipients.map(({ state }) => state),
    ['waiting', 'waiting'],
  )
  const refused = await set({ create: { k: {} }, onSuccessDestroyEmail: ['#k'] })
  assert.deepEqual(refused['notCreated'].k.properties, ['identityId', 'emailId'])
})

test('identities: one for the address, more for what leads to it', async (context) => {
  const { mail, identityId } = await scene(context)
  const { store } = mail.house
  const now = mail.house.clock.now()
  for (const address of ['sales@x.test', '@x.test']) {
    await store.setAlias({ address, targets: ['ann@x.test'], now })
  }
  const first: Loose = await mail.call('Identity/get', {})
  assert.deepEqual(first['list'], [
    {
      ...{ id: identityId, name: '', email: 'ann@x.test', replyTo: null, bcc: null, mayDelete: false },
      ...{ textSignature: '', htmlSignature: '' },
    },
  ])
  const answer: Loose = await mail.call('Identity/set', {
    create: {
      a: { email: 'Sales@x.test', name: 'Sales', bcc: [{ name: null, email: 'log@x.test' }] },
      b: { email: '*@x.test' },
      c: { email: 'ann@elsewhere.test' },
      d: { email: '*@elsewhere.test' },
      e: { name: 'nobody' },
      f: { email: 'ann@x.test', mayDelete: true, replyTo: 'x' },
      g: { email: 'bob@x.test' },
    },
    update: { [identityId]: { name: 'Ann', textSignature: '-- \nAnn', email: 'ann@x.test' }, I1_99: {} },
    destroy: [identityId],
  })
  assert.deepEqual(Object.keys(answer['created']), ['a', 'b'])
  assert.deepEqual(answer['created'].a, { id: answer['created'].a.id, mayDelete: true, replyTo: null, textSignature: '', htmlSignature: '' }) // prettier-ignore
  const types = Object.values<Loose>(answer['notCreated']).map(({ type }) => type)
  assert.deepEqual(types, [
    'forbiddenFrom',
    'forbiddenFrom',
    'invalidProperties',
    'invalidProperties',
    'forbiddenFrom',
  ])
  assert.deepEqual(sorted(answer['notCreated'].f.properties), ['mayDelete', 'replyTo'])
  assert.equal(answer['notUpdated'][identityId].type, 'willDestroy')
  assert.equal(answer['notDestroyed'][identityId].type, 'forbidden')
  const renamed: Loose = await mail.call('Identity/set', { update: { [identityId]: { name: 'Ann' } } })
  assert.deepEqual(renamed['updated'], { [identityId]: null })
  const fixedOnes: Loose = await mail.call('Identity/set', {
    update: { [identityId]: { email: 'sales@x.test' } },
  })
  assert.deepEqual(fixedOnes['notUpdated'][identityId].properties, ['email'])
  const changes: Loose = await mail.call('Identity/changes', { sinceState: first['state'] })
  assert.deepEqual([changes['created'].length, changes['updated'], changes['newState']], [2, [identityId], renamed['newState']]) // prettier-ignore
  const gone: Loose = await mail.call('Identity/set', { destroy: [answer['created'].a.id] })
  assert.deepEqual(gone['destroyed'], [answer['created'].a.id])
})

test('changes of one identity by two clients at once are both kept', async (context) => {
  const { mail, identityId } = await scene(context)
  const change = (patch: object) => mail.call('Identity/set', { update: { [identityId]: patch } })
  await Promise.all([
    change({ name: 'Ann' }),
    change({ textSignature: '-- a' }),
    change({ htmlSignature: 'a' }),
  ])
  const { list }: Loose = await mail.call('Identity/get', { ids: [identityId] })
  assert.deepEqual([list[0].name, list[0].textSignature, list[0].htmlSignature], ['Ann', '-- a', 'a'])
})

test('the capability tells what is honoured', async (context) => {
  const { mail } = await scene(context)
  const session: Loose = await mail.house.session(mail.ann)
  const account =
    session['accounts'][`A${mail.ann.id}`].accountCapabilities['urn:ietf:params:jmap:submission']
  assert.equal(account.maxDelayedSend, 30 * 86_400)
  const names = [
    '8BITMIME',
    'DELIVERBY',
    'DSN',
    'FUTURERELEASE',
    'MT-PRIORITY',
    'REQUIRETLS',
    'SIZE',
    'SMTPUTF8',
  ]
  assert.deepEqual(sorted(Object.keys(account.submissionExtensions)), names)
  const [longest, latest] = account.submissionExtensions.FUTURERELEASE
  assert.deepEqual([longest, latest], [String(30 * 86_400), '2026-01-31T00:00:00Z'])
  // RFC 8620 §2: the state changes with the Session alone.
  await mail.house.clock.advance('10m')
  assert.equal((await mail.house.session(mail.ann))['state'], session['state'])
  const answer = await mail.house.calls(
    mail.ann,
    [['Identity/get', { accountId: `A${mail.ann.id}` }, '0']],
    mailUsing,
  )
  assert.equal(answer[0]?.[0], 'Identity/get')
})

test('reports that come back are in the record', async (context) => {
  const { mail, send, get } = await scene(context)
  const { store, clock } = mail.house
  const made = await send({ envelope: envelope(null, 'zoe@elsewhere.test', 'yan@other.test') })
  const [entry] = await store.queueList({ filter: {}, limit: 1, finished: 'with' })
  const arrive = async (type: string, fields: string): Promise<void> => {
    const staged = ingest({ blobs: store.blobs })
    const part = `--b\r\nContent-Type: message/${type}\r\n\r\n${fields}\r\n`
    const returned = `--b\r\nContent-Type: text/rfc822-headers\r\n\r\nMessage-ID: <${entry?.message.messageId}>\r\n\r\n--b--\r\n`
    await staged.write(
      Buffer.from(`Subject: report\r\nContent-Type: multipart/report; boundary=b\r\n\r\n${part}${returned}`),
    )
    const { message, structure } = await staged.finish()
    const result = await mail.wayIn.delivery.deliver({
      ...{ reversePath: null, recipients: [{ account: mail.ann.id, deliveredTo: 'ann@x.test' }] },
      ...{ message, structure, trace: () => '', receivedAt: clock.now() },
    })
    assert.ok(result.ok)
  }
  const group = (address: string, action: string): string =>
    `Final-Recipient: rfc822;${address}\r\nAction: ${action}\r\nStatus: ${action === 'failed' ? '5.1.1' : '2.0.0'}\r\n`
  // All at once: none may undo what another has said.
  await Promise.all([
    arrive(
      'delivery-status',
      `Reporting-MTA: dns;x\r\n\r\n${group('zoe@elsewhere.test', 'delivered')}\r\n${group('yan@other.test', 'failed')}`,
    ),
    arrive(
      'disposition-notification',
      `Final-Recipient: rfc822;zoe@elsewhere.test\r\nOriginal-Message-ID: <${entry?.message.messageId}>\r\nDisposition: manual-action/MDN-sent-manually; displayed\r\n`,
    ),
  ])
  const { deliveryStatus, dsnBlobIds, mdnBlobIds } = await get(made['id'])
  const { delivered, displayed } = deliveryStatus['zoe@elsewhere.test']
  assert.deepEqual(
    [delivered, displayed, deliveryStatus['yan@other.test'].delivered],
    ['queued', 'yes', 'queued'],
    'the queue is not done with them',
  )
  assert.deepEqual([dsnBlobIds.length, mdnBlobIds.length], [1, 1])
  const got: Loose = await mail.call('Email/parse', { blobIds: dsnBlobIds, properties: ['subject'] })
  assert.equal(got['parsed'][dsnBlobIds[0]].subject, 'report')
})
