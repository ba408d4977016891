import assert from 'node:assert/strict'
import { test } from 'node:test'
import { type Address, tryAddress } from '../mail/address.ts'
import {
  plainMessageOptions,
  plainRecipientOptions,
  type RecipientOptions,
} from '../mail/delivery-options.ts'
import type { NewQueueMessage, NewQueueRecipient } from '../store/queue.ts'
import { buildQueueMessage, type EnqueueRequest, memberKey, type OutgoingRecipient } from './enqueue.ts'
import { FairTurns } from './fairness.ts'

const hour = 3_600_000
const now = 1_800_000_000_000

function address(text: string): Address {
  const parsed = tryAddress(text, { utf8: true })
  assert.ok(parsed)
  return parsed
}

const policy = {
  expireAfter: 120 * hour,
  delayAfter: 4 * hour,
  srs: 'forwarded',
  separator: '+',
  key: { secret: new Uint8Array(16), hashLength: 8 },
} as const

const request: EnqueueRequest = {
  ...{
    name: 'q1',
    origin: 'mx',
    account: null,
    sender: 'far.example',
    prefix: '',
    messageId: 'm@far.example',
  },
  reversePath: address('ann@far.example'),
  options: plainMessageOptions,
  arrivedAt: now,
  ...{ remote: [], filed: [], quarantine: null, suppressed: new Map(), senderIsOurs: false },
}

function build(change: Partial<EnqueueRequest>): NewQueueMessage {
  const built = buildQueueMessage({ ...request, ...change }, policy, new FairTurns())
  assert.ok(built)
  return built
}

function rows(change: Partial<EnqueueRequest>): readonly NewQueueRecipient[] {
  return build(change).recipients
}

const notify = (...on: ('success' | 'failure' | 'delay')[]): RecipientOptions => ({
  ...plainRecipientOptions,
  notify: on,
})

function to(text: string, change: Partial<OutgoingRecipient> = {}): OutgoingRecipient {
  return { address: address(text), via: null, list: null, ...change }
}

test('a recipient elsewhere: due at once, given up after five days, late after four hours', () => {
  const message = build({ remote: [to('bob@Other.Example')] })
  assert.equal(message.expiresAt, now + 120 * hour)
  assert.equal(message.delayReportAt, now + 4 * hour)
  assert.deepEqual(message.recipients, [
    {
      address: 'bob@Other.Example',
      domain: 'other.example',
      reversePath: null,
      options: plainRecipientOptions,
      nextAttempt: now,
      turn: now,
      state: { type: 'waiting' },
    },
  ])
})

test('nothing to queue for mailboxes alone', () => {
  assert.equal(
    buildQueueMessage({ ...request, filed: [{ address: 'x@house.example' }] }, policy, new FairTurns()),
    undefined,
  )
})

test('a mailbox of ours with NOTIFY=SUCCESS is done, and its report is due', () => {
  const [row] = rows({ filed: [{ address: 'x@house.example', options: notify('success') }] })
  assert.deepEqual(row?.state, {
    ...{ type: 'settled', outcome: 'delivered', status: '2.0.0', reply: 'delivered', report: 'success' },
  })
})

test('without a sender there is no report and no rewriting', () => {
  const built = buildQueueMessage(
    { ...request, reversePath: null, filed: [{ address: 'x@house.example', options: notify('success') }] },
    policy,
    new FairTurns(),
  )
  assert.equal(built, undefined)
  for (const list of [null, { owner: 'o@house.example' }]) {
    const [row] = rows({
      reversePath: null,
      remote: [to('bob@other.example', { via: 'x@house.example', list })],
    })
    assert.equal(row?.reversePath, null)
  }
})

test('forwarded for a sender elsewhere: SRS, and ORCPT names the address that the message came for', () => {
  const forwarded = to('bob@other.example', { via: 'x@house.example', options: notify('success', 'failure') })
  const [row] = rows({ remote: [forwarded] })
  assert.match(row?.reversePath ?? '', /^SRS0=\w+=\w\w=far\.example=ann@house\.example$/)
  assert.equal(row?.options.originalRecipient, 'rfc822;x@house.example')
  assert.deepEqual(row.options.notify, ['success', 'failure'], 'one address behind the alias: all goes on')
  assert.equal(rows({ remote: [forwarded], senderIsOurs: true })[0]?.reversePath, null)
  const given = { ...plainRecipientOptions, originalRecipient: 'rfc822;y@z' }
  const kept = rows({ remote: [{ ...forwarded, options: given }] })
  assert.equal(kept[0]?.options.originalRecipient, 'rfc822;y@z')
})

test('RFC 3461 §5.2.7.3: an alias of several is "expanded", and SUCCESS does not go on', () => {
  const options = notify('success', 'failure')
  const all = rows({
    remote: ['b@one.example', 'c@two.example'].map((text) =>
      to(text, { via: 'team@house.example', options }),
    ),
  })
  assert.deepEqual(
    all.map((row) => [row.address, row.options.notify, row.state.type]),
    [
      ['b@one.example', ['failure'], 'waiting'],
      ['c@two.example', ['failure'], 'waiting'],
      ['team@house.example', ['success', 'failure'], 'settled'],
    ],
  )
  const last = all[2]?.state
  assert.ok(last?.type === 'settled' && last.outcome === 'expanded' && last.report === 'success')
})

test('RFC 3461 §5.2.7.1: reaching a list is final, and members get nothing of what was asked for', () => {
  const list = { owner: 'news-owner@house.example' }
  const options = { ...notify('success', 'delay'), originalRecipient: 'rfc822;secret@x' }
  const all = rows({ remote: [to('b@one.example', { via: 'news@house.example', list, options })] })
  assert.match(all[0]?.reversePath ?? '', /^news-owner\+b-\w+=b=one\.example@house\.example$/)
  assert.deepEqual(all[0]?.options, {
    ...plainRecipientOptions,
    notify: ['failure'],
    originalRecipient: 'rfc822;b@one.example',
    redistributed: true,
    passedOnBy: 'news@house.example',
  })
  const done = all[1]?.state
  assert.ok(all[1]?.address === 'news@house.example')
  assert.ok(done?.type === 'settled' && done.outcome === 'delivered' && done.report === 'success')
})

test('an alias of a mailbox here and an address elsewhere is "expanded" once, for both', () => {
  const named = 'Team@house.example'
  const asked = { options: notify('success', 'failure'), named }
  const all = rows({
    remote: [to('b@one.example', { via: 'team@house.example', ...asked })],
    filed: [{ address: 'x@house.example', ...asked }],
  })
  assert.deepEqual(
    all.map((row) => [row.address, row.options.notify, row.state.type === 'settled' && row.state.outcome]),
    [
      ['b@one.example', ['failure'], false],
      [named, ['success', 'failure'], 'expanded'],
    ],
  )
  const [only, ...none] = rows({ filed: [{ address: 'x@house.example', ...asked }] })
  assert.ok(only?.state.type === 'settled' && only.state.outcome === 'delivered')
  assert.equal(only.options.originalRecipient, `rfc822;${named}`, 'one mailbox behind the alias')
  assert.equal(none.length, 0)
})

test('aliases of aliases, each of one address, are one alias of several to the sender', () => {
  const asked = { options: notify('success'), named: 'all@house.example' }
  const all = rows({
    remote: [
      to('b@one.example', { via: 'b@house.example', ...asked }),
      to('c@two.example', { via: 'c@house.example', ...asked }),
    ],
  })
  assert.deepEqual(
    all.map((row) => [row.address, row.options.notify]),
    [
      ['b@one.example', []],
      ['c@two.example', []],
      ['all@house.example', ['success']],
    ],
  )
})

test('members of a list that are here get nothing of what was asked for either, and the list answers once', () => {
  const list = { owner: 'news-owner@house.example' }
  const asked = { options: notify('success', 'delay'), named: 'news@house.example', list }
  const filed = ['x@house.example', 'y@house.example'].map((member) => ({ address: member, ...asked }))
  assert.deepEqual(
    rows({ filed }).map((row) => [row.address, row.state.type === 'settled' && row.state.outcome]),
    [['news@house.example', 'delivered']],
  )
  const [held] = rows({ filed, quarantine: 'looks odd' })
  assert.equal(held?.reversePath, list.owner)
  assert.deepEqual(held.options.notify, ['failure'])
})

test('suppressed: returned at once; a list leaves its member out silently', () => {
  const reason = 'bounced'
  const [row] = rows({ remote: [to('b@one.example')], suppressed: new Map([['b@one.example', reason]]) })
  assert.ok(row?.state.type === 'settled' && row.state.outcome === 'failed' && row.state.report === 'failure')
  assert.match(row.state.reply, /suppression list: bounced/)
  const list = { owner: 'news-owner@house.example' }
  const member = to('b@one.example', { via: 'news@house.example', list })
  const suppressed = new Map([[memberKey(list.owner, 'b@one.example'), reason]])
  const [left] = rows({ remote: [member], suppressed })
  assert.ok(
    left?.state.type === 'settled' && left.state.outcome === 'discarded' && left.state.report === null,
  )
  assert.equal(rows({ remote: [to('b@one.example')], suppressed })[0]?.state.type, 'waiting')
  const never = rows({
    remote: [to('b@one.example', { options: notify() })],
    suppressed: new Map([['b@one.example', reason]]),
  })[0]
  assert.ok(never?.state.type === 'settled' && never.state.report === null, 'NOTIFY=NEVER')
})

test('quarantine holds everything, mailboxes of ours too', () => {
  const all = rows({
    remote: [to('b@one.example')],
    filed: [{ address: 'x@house.example' }],
    quarantine: 'hook: suspicious',
  })
  assert.deepEqual(
    all.map(({ state, options }) => [state, options.local]),
    [
      [{ type: 'held', reason: 'hook: suspicious' }, undefined],
      [{ type: 'held', reason: 'hook: suspicious' }, true],
    ],
  )
})

test('RFC 4865 and RFC 2852: not before, and not after', () => {
  const held = build({
    remote: [to('b@one.example')],
    options: { ...plainMessageOptions, holdUntil: now + hour },
  })
  assert.equal(held.recipients[0]?.nextAttempt, now + hour)
  assert.equal(held.delayReportAt, now + 5 * hour)
  const deliverBy = { at: now + hour, mode: 'return', trace: 'not-asked' } as const
  const options = { ...plainMessageOptions, deliverBy }
  assert.equal(build({ remote: [to('b@one.example')], options }).expiresAt, now + hour)
  const told = { ...plainMessageOptions, deliverBy: { ...deliverBy, mode: 'notify' } as const }
  assert.equal(build({ remote: [to('b@one.example')], options: told }).delayReportAt, now + hour)
})
