import assert from 'node:assert/strict'
import { test, type TestContext } from 'node:test'
import { attempt, failed, queueHouse, type QueueHouse, relayed } from '../../test/support/queue-house.ts'
import { SeededRandom } from '../base/seeded-random.ts'
import { directorySection } from '../config/sections/auth.ts'
import { AddressResolver } from '../directory/resolve.ts'
import { createEvents } from '../events/event.ts'
import { type Address, tryAddress } from '../mail/address.ts'
import { plainMessageOptions, plainRecipientOptions } from '../mail/delivery-options.ts'
import { QueueAdmin } from '../queue/admin.ts'
import { createReports, type Reports } from '../queue/reports.ts'
import type { Transport } from '../queue/transport.ts'
import { createReturnPaths, type ReturnPaths } from '../queue/return-paths.ts'
import { ingest } from '../store/ingest.ts'
import type { AccountId } from '../store/model.ts'
import type { NewHookEvent, QueueId } from '../store/queue.ts'
import { createBounceReader } from './bounces.ts'
import type { Arrival, Delivery, DeliveryResult } from './delivery.ts'
import { withLocalLane } from './local-lane.ts'
import { QueueGauge } from './queue-gauge.ts'
import { createReportDelivery } from './report-delivery.ts'
import { createStoreDelivery } from './store-delivery.ts'

const key = { secret: new Uint8Array(16).fill(3), hashLength: 8 }

function address(text: string): Address {
  const parsed = tryAddress(text, { utf8: true })
  assert.ok(parsed, text)
  return parsed
}

/** A whole way: delivery, queue, reports, bounces, over one store with ann and owner at house.example. */
class Way {
  readonly house: QueueHouse
  readonly delivery: Delivery
  readonly reports: Reports
  readonly returnPaths: ReturnPaths
  ann = 0 as AccountId
  owner = 0 as AccountId
  #ids = 0

  constructor(house: QueueHouse, options: { maxMessages?: number } = {}) {
    this.house = house
    const { store, clock, config } = house
    const events = createEvents([house.events])
    const rules = config.bounces
    const { srsMaxAge } = config.returnPath
    const returnPaths = createReturnPaths({ clock, key, srsMaxAge, separator: '+' })
    const bounces = createBounceReader({ store, events, rules, returnPaths, webhooks: 'on' })
    this.returnPaths = returnPaths
    this.delivery = createStoreDelivery({
      ...{ store, events, bounces, webhooks: 'on' },
      limits: { maxReceived: 100, automaticPerHour: 3 },
      queue: {
        policy: {
          expireAfter: config.retry.expireAfter,
          delayAfter: config.reports.delayAfter,
          ...{ srs: 'forwarded', separator: '+', key },
        },
        turns: house.turns,
        express: house.express,
        gauge: new QueueGauge({ store, clock, limit: options.maxMessages ?? 0 }),
      },
    })
    const directory = new AddressResolver(store, directorySection.parse({}))
    this.reports = createReports({
      ...{ store, clock, random: new SeededRandom('reports'), events, config },
      hostname: 'mail.house.example',
      from: 'mailer-daemon@house.example',
      send: createReportDelivery({
        ...{ directory, delivery: this.delivery, returnPaths: this.returnPaths, bounces, events },
      }),
    })
  }

  async furnish(): Promise<void> {
    const { store, clock } = this.house
    const now = clock.now()
    await store.addDomain({ name: 'house.example', now })
    const account = async (name: string): Promise<AccountId> => {
      const made = await store.addAccount({
        address: `${name}@house.example`,
        credentials: { argon2id: null, scramSha256: null },
        quota: { bytes: null, messages: null },
        ...{ mailboxes: [], now },
      })
      assert.ok(made.ok)
      return made.account.id
    }
    this.ann = await account('ann')
    this.owner = await account('news-owner')
  }

  async arrive(change: Partial<Arrival> & { text?: string }): Promise<DeliveryResult> {
    const { text = 'From: ann@house.example\r\nMessage-ID: <m1@house.example>\r\n\r\nhello\r\n', ...rest } =
      change
    const intake = ingest({ blobs: this.house.store.blobs })
    await intake.write(Buffer.from(text))
    const { message, structure } = await intake.finish()
    return this.delivery.deliver({
      ...{ reversePath: address('ann@house.example'), recipients: [], message, structure },
      trace: (recipient) =>
        recipient === null ? 'Received: by x\r\n' : `Delivered-To: ${recipient.deliveredTo}\r\n`,
      receivedAt: this.house.clock.now(),
      id: `a${++this.#ids}`,
      ...rest,
    })
  }

  /** The only message of an account's INBOX, or the last. */
  async mail(account: AccountId): Promise<string> {
    const { store } = this.house
    const inbox = await store.findMailbox({ account, name: 'INBOX' })
    assert.ok(inbox)
    let text = ''
    for await (const batch of store.messageTexts({ account, mailbox: inbox.id, uids: [[1, 999]] })) {
      for (const { prefix, blob } of batch) {
        text = prefix
        for await (const chunk of store.blobs.read(blob)) text += Buffer.from(chunk).toString()
      }
    }
    return text
  }

  async count(account: AccountId): Promise<number> {
    return (await this.house.store.findMailbox({ account, name: 'INBOX' }))?.messages ?? 0
  }

  async queued(name: string): Promise<QueueId> {
    const id = await this.house.store.findQueued(name)
    assert.ok(id !== undefined, name)
    return id
  }

  async hooks(): Promise<NewHookEvent[]> {
    return this.house.store.hookEvents({ after: 0, limit: 100 })
  }
}

async function way(context: TestContext, config: object = {}, options: object = {}): Promise<Way> {
  const house = await queueHouse(context, config)
  const made = new Way(house, options)
  await made.furnish()
  return made
}

const remote = (text: string, change: object = {}): NonNullable<Arrival['remote']> => [
  { address: address(text), via: null, list: null, ...change },
]

test('mailbox and queue in one commit, and webhooks hear of both', async (context) => {
  const the = await way(context)
  const result = await the.arrive({
    recipients: [{ account: the.ann, deliveredTo: 'ann@house.example', mailbox: 'Work' }],
    remote: remote('bob@far.example'),
  })
  const { places = [], ...rest } = result.ok ? result : assert.fail(result.reason)
  assert.deepEqual(rest, { ok: true, unknown: [], queued: 'a1' })
  assert.deepEqual(
    places.map(({ account }) => account),
    [the.ann],
  )
  assert.ok(await the.house.store.findMailbox({ account: the.ann, name: 'Work' }))
  assert.equal((await the.house.row(await the.queued('a1'))).address, 'bob@far.example')
  const entry = await the.house.entry(await the.queued('a1'))
  assert.equal(entry.message.prefix, 'Received: by x\r\n')
  assert.deepEqual(
    (await the.hooks()).map(({ type }) => type),
    ['message.received', 'message.delivered'],
  )
})

test('webhooks hear that mail to a suppressed address has failed, and who it was for while it is held', async (context) => {
  const the = await way(context)
  const since = the.house.clock.now()
  await the.house.store.suppress({ address: 'bob@far.example', reason: 'asked', since, until: null })
  await the.arrive({ remote: remote('bob@far.example') })
  const [received, bounced, ...none] = await the.hooks()
  assert.deepEqual([received?.type, bounced?.type, none.length], ['message.received', 'message.bounced', 0])
  assert.match(bounced?.payload ?? '', /"recipient":"bob@far\.example".*"status":"5\.7\.1"/)
  await the.arrive({
    quarantine: 'looks odd',
    recipients: [{ account: the.ann, deliveredTo: 'ann@house.example' }],
  })
  const last = (await the.hooks()).at(-1)
  assert.equal(last?.type, 'message.received')
  assert.match(last.payload, /"recipients":\["ann@house\.example"\]/)
})

test('a failure comes back to the mailbox of the sender, once for all recipients', async (context) => {
  const the = await way(context)
  the.house.transport.script = (job) => job.recipients.map(() => failed('550-5.1.1 nobody\n550 of that name'))
  await the.house.queue.start()
  const options = { ...plainMessageOptions, ret: 'full', envId: 'E=1' } as const
  await the.arrive({
    options,
    remote: [...remote('bob@far.example'), ...remote('eve@other.example')],
  })
  await the.house.clock.advance(100)
  the.reports.due()
  await the.reports.settled()
  assert.equal(await the.count(the.ann), 1)
  const mail = await the.mail(the.ann)
  assert.match(mail, /^Return-Path: <>\r\nDelivered-To: ann@house\.example\r\n/)
  assert.match(mail, /Final-Recipient: rfc822; bob@far\.example/)
  assert.match(mail, /Final-Recipient: rfc822; eve@other\.example/)
  assert.match(mail, /550-5\.1\.1 nobody\r\n +550 of that name/)
  assert.match(mail, /Original-Envelope-Id: E=1/)
  assert.match(mail, /Content-Type: message\/rfc822[^]*hello/)
  the.reports.due()
  await the.reports.settled()
  assert.equal(await the.count(the.ann), 1, 'not twice')
})

test('what we found out about a host is not put into its mouth (RFC 3464 §2.3.6)', async (context) => {
  const the = await way(context)
  const words = 'mx.far.example does not support REQUIRETLS, which the sender asks for'
  const found = attempt({ outcome: 'failed', stage: 'tls', reply: words, status: '5.7.30' })
  the.house.transport.script = (job) => job.recipients.map(() => ({ type: 'failed', attempt: found }))
  await the.house.queue.start()
  await the.arrive({ remote: remote('bob@far.example') })
  await the.house.clock.advance(100)
  the.reports.due()
  await the.reports.settled()
  const mail = await the.mail(the.ann)
  assert.doesNotMatch(mail, / said:|Diagnostic-Code: smtp/)
  assert.ok(mail.includes(`Diagnostic-Code: x-posthorn; ${words}\r\n`), mail)
})

test('a large message comes back as its header, in spite of RET=FULL', async (context) => {
  const the = await way(context, { reports: { maxReturned: '1 KB' } })
  the.house.transport.script = (job) => job.recipients.map(() => failed())
  await the.house.queue.start()
  const text = `Message-ID: <m1@house.example>\r\nSubject: big\r\n\r\n${'body\r\n'.repeat(500)}`
  await the.arrive({
    text,
    options: { ...plainMessageOptions, ret: 'full' },
    remote: remote('bob@far.example'),
  })
  await the.house.clock.advance(100)
  the.reports.due()
  await the.reports.settled()
  const mail = await the.mail(the.ann)
  assert.match(mail, /text\/rfc822-headers[^]*Subject: big\r\n\r\n--report/)
  assert.doesNotMatch(mail, /body\r\n/)
})

test('RFC 8689 §5: a report about mail under REQUIRETLS is under it too, and gives back the header alone', async (context) => {
  const the = await way(context)
  the.house.transport.script = (job) => job.recipients.map(() => failed())
  const options = { ...plainMessageOptions, requireTls: true, ret: 'full' } as const
  await the.arrive({ reversePath: address('x@other.example'), remote: remote('a@far.example'), options })
  await the.house.queue.start()
  await the.house.clock.advance(100)
  the.house.transport.script = (job) => job.recipients.map(() => relayed)
  the.reports.due()
  await the.reports.settled()
  await the.house.clock.advance(100)
  const sent = the.house.transport.jobs.at(-1)
  assert.deepEqual(sent?.recipients, ['x@other.example'])
  assert.equal(sent?.job.message.options.requireTls, true)
  let text = ''
  assert.ok(sent)
  for await (const chunk of the.house.store.blobs.read(sent.job.message.blob))
    text += Buffer.from(chunk).toString()
  assert.match(text, /text\/rfc822-headers/)
  assert.doesNotMatch(text, /hello/)
})

test('a report to a sender elsewhere is queued; when it fails, nobody is told by mail', async (context) => {
  const the = await way(context)
  the.house.transport.script = (job) => job.recipients.map(() => failed())
  await the.house.queue.start()
  await the.arrive({ reversePath: address('joe@far.example'), remote: remote('bob@other.example') })
  await the.house.clock.advance(100)
  the.reports.due()
  await the.reports.settled()
  await the.house.clock.advance(100)
  the.reports.due()
  await the.reports.settled()
  await the.house.clock.advance('1d')
  assert.deepEqual(
    the.house.transport.jobs.map(({ recipients, job }) => [recipients[0], job.message.reversePath]),
    [
      ['bob@other.example', 'joe@far.example'],
      ['joe@far.example', ''],
    ],
  )
  assert.equal(the.house.events.count('queue.double-bounce'), 1)
})

test('a double bounce goes to the postmaster where that is wanted, and ends there', async (context) => {
  const the = await way(context, { reports: { doubleBounce: 'postmaster' } })
  the.house.transport.script = (job) => job.recipients.map(() => failed())
  await the.house.queue.start()
  await the.arrive({ reversePath: null, remote: remote('bob@other.example') })
  await the.house.clock.advance(100)
  the.reports.due()
  await the.reports.settled()
  assert.equal(await the.count(the.ann), 1, 'the oldest account is the postmaster')
})

test('NOTIFY=SUCCESS for a mailbox: a report of delivery from the same commit', async (context) => {
  const the = await way(context)
  const options = { ...plainRecipientOptions, notify: ['success'], originalRecipient: 'rfc822;o@x' } as const
  await the.arrive({ recipients: [{ account: the.owner, deliveredTo: 'news-owner@house.example', options }] })
  the.reports.due()
  await the.reports.settled()
  const mail = await the.mail(the.ann)
  assert.match(mail, /Action: delivered\r\nStatus: 2\.0\.0/)
  assert.match(mail, /Original-Recipient: rfc822;o@x/)
  assert.match(mail, /text\/rfc822-headers/)
})

test('late mail is told of once, unless NOTIFY leaves DELAY out', async (context) => {
  const the = await way(context)
  const now = the.house.clock.now()
  const quiet = { ...plainRecipientOptions, notify: ['failure'] as const }
  await the.arrive({ remote: [...remote('a@far.example'), ...remote('b@far.example', { options: quiet })] })
  const late = now + 5 * 3_600_000
  const { delayed } = await the.house.store.queueOverdue({ now: late, limit: 10 })
  await the.reports.delayed(delayed)
  const mail = await the.mail(the.ann)
  assert.match(mail, /Action: delayed\r\nStatus: 4\.4\.0/)
  assert.doesNotMatch(mail, /b@far\.example/)
  assert.deepEqual((await the.house.store.queueOverdue({ now: late, limit: 10 })).delayed, [])
})

test('a Deliver By request: "delayed" with 4.4.7 at its time, "relayed" with all that was asked (RFC 2852 §4.1.3, §4.1.4)', async (context) => {
  const the = await way(context)
  const now = the.house.clock.now()
  const deliverBy = { at: now + 60_000, mode: 'notify', trace: 'asked' } as const
  const options = { ...plainMessageOptions, deliverBy, holdUntil: now, holdFor: 600, priority: 3 }
  await the.arrive({ remote: remote('a@far.example'), options })
  const { delayed } = await the.house.store.queueOverdue({ now: now + 60_001, limit: 10 })
  await the.house.clock.advance(60_001)
  await the.reports.delayed(delayed)
  assert.match(await the.mail(the.ann), /Action: delayed\r\nStatus: 4\.4\.7/)
  the.house.transport.script = (job) => job.recipients.map(() => ({ ...relayed, owes: 'relayed-report' }))
  await the.house.queue.start()
  await the.house.clock.advance(100)
  the.reports.due()
  await the.reports.settled()
  const mail = await the.mail(the.ann)
  assert.match(mail, /Action: relayed\r\nStatus: 2\.0\.0/)
  assert.match(mail, /\r\nDeliver-By-Date: .*\r\nFuture-Release-Request: for;600\r\n/)
})

test('forwarded mail leaves under SRS, and its failure goes to the sender elsewhere', async (context) => {
  const the = await way(context)
  the.house.transport.script = (job) =>
    job.recipients.map(({ address: to }) => (to === 'bob@other.example' ? failed() : relayed))
  await the.house.queue.start()
  await the.arrive({
    reversePath: address('joe@far.example'),
    remote: remote('bob@other.example', { via: 'fwd@house.example' }),
  })
  await the.house.clock.advance(100)
  the.reports.due()
  await the.reports.settled()
  await the.house.clock.advance(100)
  const [first, second] = the.house.transport.jobs
  assert.match(first?.job.message.reversePath ?? '', /^SRS0=.*=far\.example=joe@house\.example$/)
  assert.match(first?.job.message.prefix ?? '', /^Delivered-To: fwd@house\.example\r\n/)
  assert.deepEqual(second?.recipients, ['joe@far.example'])
  const back = the.returnPaths.tryReturnPath(address(first?.job.message.reversePath ?? ''))
  assert.ok(back?.type === 'forward' && back.address.localPart === 'joe')
})

test('what an alias passes on says so, beside recipients that the sender named himself', async (context) => {
  const the = await way(context)
  await the.house.queue.start()
  const others = [
    ...remote('bob@other.example', { via: 'fwd@house.example' }),
    ...remote('cid@other.example'),
  ]
  await the.arrive({ reversePath: address('ann@house.example'), remote: others })
  await the.house.clock.advance(100)
  assert.deepEqual(
    the.house.transport.jobs.map(({ recipients, job }) => [recipients, job.message.prefix]),
    [
      [['bob@other.example'], 'Delivered-To: fwd@house.example\r\nReceived: by x\r\n'],
      [['cid@other.example'], 'Received: by x\r\n'],
    ],
  )
})

test('forwarding in a circle is refused on the second round', async (context) => {
  const the = await way(context)
  const again = await the.arrive({
    text: 'Received: x\r\nDelivered-To: fwd@house.example\r\nFrom: joe@far.example\r\n\r\nhello\r\n',
    remote: remote('bob@other.example', { via: 'fwd@house.example' }),
  })
  assert.deepEqual(again, { ok: false, reason: 'loop' })
  const many = 'Received: x\r\n'.repeat(101)
  const deep = await the.arrive({ text: `${many}\r\nx\r\n`, remote: remote('bob@other.example') })
  assert.deepEqual(deep, { ok: false, reason: 'loop' })
})

test('a list’s member whose mail fails three times is left out; the owner gets the reports', async (context) => {
  const the = await way(context, { bounces: { suppressFor: '1h' } })
  the.house.transport.script = (job) => job.recipients.map(() => failed())
  await the.house.queue.start()
  const list = { owner: 'news-owner@house.example' }
  for (let round = 0; round < 4; round++) {
    await the.arrive({ remote: remote('bob@far.example', { via: 'news@house.example', list }) })
    await the.house.clock.advance(100)
    the.reports.due()
    await the.reports.settled()
  }
  assert.equal(the.house.transport.jobs.length, 3)
  assert.equal(await the.count(the.owner), 3)
  const last = await the.house.row(await the.queued('a4'))
  assert.equal(last.outcome, 'discarded')
  await the.house.clock.advance('2h')
  await the.arrive({ remote: remote('bob@far.example', { via: 'news@house.example', list }) })
  await the.house.clock.advance(100)
  assert.equal(the.house.transport.jobs.length, 4, 'for a while only')
})

const bounce = (id: string): string =>
  'From: mailer-daemon@far.example\r\nContent-Type: multipart/report; report-type=delivery-status; boundary=b\r\n\r\n' +
  '--b\r\n\r\nsorry\r\n--b\r\nContent-Type: message/delivery-status\r\n\r\nReporting-MTA: dns; far.example\r\n\r\n' +
  'Final-Recipient: rfc822; bob@far.example\r\nAction: failed\r\nStatus: 5.1.1\r\n' +
  `--b\r\nContent-Type: text/rfc822-headers\r\n\r\nMessage-ID: <${id}>\r\n--b--\r\n`

test('a report from elsewhere is matched by Message-ID, told to webhooks, and filed', async (context) => {
  const the = await way(context)
  await the.house.queue.start()
  await the.arrive({ remote: remote('bob@far.example') })
  await the.house.clock.advance(100)
  const recipients = [{ account: the.ann, deliveredTo: 'ann@house.example' }]
  await the.arrive({ reversePath: null, text: bounce('m1@house.example'), recipients })
  const matched = the.house.events.records.find(({ name }) => name === 'queue.bounce-matched')
  assert.equal(matched?.fields['recipient'], 'bob@far.example')
  assert.equal((await the.hooks()).at(-1)?.type, 'message.bounced')
  assert.equal(await the.count(the.ann), 1)
  await the.arrive({ reversePath: null, text: bounce('unknown@house.example'), recipients })
  assert.equal(the.house.events.count('queue.bounce-matched'), 1)
})

test('a report to a member’s return path counts against him, a holiday note does not', async (context) => {
  const the = await way(context)
  const about = { owner: 'news-owner@house.example', member: 'bob@far.example' }
  const recipients = [{ account: the.owner, deliveredTo: about.owner, bounce: about }]
  for (let round = 0; round < 5; round++) await the.arrive({ reversePath: null, recipients })
  assert.deepEqual(await the.house.store.listSuppressions({ limit: 10 }), [])
  for (let round = 0; round < 3; round++) {
    await the.arrive({ reversePath: null, recipients, text: bounce('x@y') })
  }
  const [suppressed] = await the.house.store.listSuppressions({ limit: 10 })
  assert.equal(suppressed?.address, 'bob@far.example of news-owner@house.example')
})

test('automatic answers are cut at the ceiling for their pair; what a program sends on its own is not', async (context) => {
  const the = await way(context)
  const recipients = [{ account: the.ann, deliveredTo: 'ann@house.example' }]
  const vacation = 'From: bob@far.example\r\nAuto-Submitted: auto-replied\r\n\r\naway\r\n'
  const results = []
  for (let round = 0; round < 5; round++) {
    const result = await the.arrive({ reversePath: address('bob@far.example'), text: vacation, recipients })
    results.push(result.ok)
  }
  assert.deepEqual(results, [true, true, true, false, false])
  const generated = vacation.replace('auto-replied', 'auto-generated')
  for (let round = 0; round < 5; round++) {
    assert.ok((await the.arrive({ reversePath: address('bob@far.example'), text: generated, recipients })).ok)
  }
  await the.house.clock.advance('1h')
  assert.ok((await the.arrive({ reversePath: address('bob@far.example'), text: vacation, recipients })).ok)
})

test('a recipient beyond the ceiling is not dropped without a word when others get the message', async (context) => {
  const the = await way(context)
  const ann = { account: the.ann, deliveredTo: 'ann@house.example' }
  const owner = { account: the.owner, deliveredTo: 'owner@house.example' }
  const from = { reversePath: address('ann@house.example') }
  const text = 'From: ann@house.example\r\nAuto-Submitted: auto-replied\r\n\r\naway\r\n'
  for (let round = 0; round < 3; round++) await the.arrive({ ...from, text, recipients: [owner] })
  const before = await the.count(the.owner)
  const result = await the.arrive({ ...from, text, recipients: [owner, ann] })
  assert.ok(result.ok && result.queued !== undefined)
  assert.deepEqual([await the.count(the.owner), await the.count(the.ann)], [before, 1])
  const entry = await the.house.store.queueEntry(await the.queued(result.queued))
  const [row, ...none] = entry?.recipients ?? []
  assert.deepEqual(
    [row?.address, row?.outcome, row?.report, none],
    ['owner@house.example', 'failed', 'failure', []],
  )
  assert.match(entry?.attempts[0]?.attempt.reply ?? '', /too many automatic answers/)
  const told = (await the.hooks()).slice(-3)
  assert.deepEqual(
    told.map(({ type, payload }) => [type, (JSON.parse(payload) as { recipient?: string }).recipient]),
    [
      ['message.received', undefined],
      ['message.delivered', 'ann@house.example'],
      ['message.bounced', 'owner@house.example'],
    ],
  )
  the.reports.due()
  await the.reports.settled()
  assert.equal(await the.count(the.ann), 2)
  assert.match(await the.mail(the.ann), /Final-Recipient: rfc822; owner@house\.example[^]*Status: 5\.4\.6/)
})

test('no webhook hears that mail was delivered to a mailbox that is full or gone', async (context) => {
  const the = await way(context)
  const { store } = the.house
  const owner = { account: the.owner, deliveredTo: 'owner@house.example' }
  const ann = { account: the.ann, deliveredTo: 'ann@house.example' }
  assert.ok((await store.updateAccount({ id: the.ann, quota: { bytes: 1, messages: null } })).ok)
  const full = await the.arrive({ recipients: [ann, owner], quota: 'each' })
  assert.ok(full.ok && full.full?.length === 1)
  const tellings = async () =>
    (await the.hooks()).map(({ type, payload }) => {
      const { recipient = '' } = JSON.parse(payload) as { recipient?: string }
      return `${type} ${recipient}`
    })
  assert.deepEqual(await tellings(), ['message.received ', 'message.delivered owner@house.example'])
  await store.removeAccount(the.ann)
  const gone = await the.arrive({ recipients: [ann, owner] })
  assert.ok(gone.ok && gone.unknown.length === 1)
  assert.deepEqual((await tellings()).slice(2), [
    'message.received ',
    'message.bounced ann@house.example',
    'message.delivered owner@house.example',
  ])
})

test('quarantine files nothing and holds everything', async (context) => {
  const the = await way(context)
  const result = await the.arrive({
    recipients: [{ account: the.ann, deliveredTo: 'ann@house.example' }],
    remote: remote('bob@far.example'),
    quarantine: 'milter: suspicious',
  })
  assert.ok(result.ok && result.queued === 'a1')
  assert.equal(await the.count(the.ann), 0)
  const entry = await the.house.entry(await the.queued('a1'))
  assert.deepEqual(
    entry.recipients.map(({ state, reason }) => `${state} ${reason}`),
    ['held milter: suspicious', 'held milter: suspicious'],
  )
  const { store, clock, transport } = the.house
  const directory = new AddressResolver(store, directorySection.parse({}))
  const elsewhere: Transport = {
    destinationOf: transport.destinationOf.bind(transport),
    run: transport.run.bind(transport),
  }
  const lane = withLocalLane({ store, directory, clock, elsewhere })
  transport.destinationOf = (recipient) => lane.destinationOf(recipient, entry.message)
  transport.run = (work) => lane.run(work)
  await the.house.queue.start()
  const admin = new QueueAdmin({ store, clock, routes: [] })
  const filter = { message: 'a1', recipient: 'ann@house.example' }
  assert.deepEqual(await admin.order(filter, { type: 'release' }), { ok: true, changed: 1 })
  await clock.advance(100)
  assert.equal(await the.count(the.ann), 1, 'released, it is filed')
  assert.match(
    await the.mail(the.ann),
    /^Return-Path: <ann@house\.example>\r\nDelivered-To: ann@house\.example\r\nReceived: by x/,
  )
  const shown = await admin.show('a1')
  assert.deepEqual(
    shown?.recipients.map(({ state }) => state).toSorted((one, other) => one.localeCompare(other)),
    ['held', 'settled'],
  )
})

test('a full queue refuses, a Posthorn without one relays nothing, and neither keeps anything', async (context) => {
  const the = await way(context, {}, { maxMessages: 1 })
  assert.ok((await the.arrive({ remote: remote('bob@far.example') })).ok)
  assert.deepEqual(await the.arrive({ remote: remote('eve@far.example') }), {
    ok: false,
    reason: 'queue-full',
  })
  const plain = createStoreDelivery({ store: the.house.store, limits: { maxReceived: 100 } })
  const intake = ingest({ blobs: the.house.store.blobs })
  await intake.write(Buffer.from('x\r\n'))
  const { message, structure } = await intake.finish()
  const arrival: Arrival = {
    ...{ reversePath: null, recipients: [], remote: remote('bob@far.example'), message, structure },
    ...{ trace: () => '', receivedAt: 1 },
  }
  assert.deepEqual(await plain.deliver(arrival), { ok: false, reason: 'no-relay' })
})

test('an idempotency key delivers once', async (context) => {
  const the = await way(context)
  const once = { account: the.ann, key: 'k', result: () => 'first', expiresAt: the.house.clock.now() + 1000 }
  const recipients = [{ account: the.ann, deliveredTo: 'ann@house.example' }]
  assert.ok((await the.arrive({ recipients, once })).ok)
  assert.deepEqual(await the.arrive({ recipients, once }), { ok: true, unknown: [], before: 'first' })
  assert.equal(await the.count(the.ann), 1)
})
