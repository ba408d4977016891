// The queue as an operator meets it: what waits and why, verbatim; holding, releasing, trying again, other routes, giving up with
// a report; with a running server and without one.
import assert from 'node:assert/strict'
import { writeFile } from 'node:fs/promises'
import { join } from 'node:path'
import { test } from 'node:test'
import type { ShownMessage, ShownRecipient } from '../../src/queue/admin.ts'
import { openFarHost } from './far-host.ts'
import {
  addPeople,
  done,
  json,
  listener,
  type Place,
  posthorn,
  serve,
  type Served,
  temporaryPlace,
  writeConfig,
} from './program.ts'

const doors = listener('smtp') + listener('pop3')

function route(port: number, more = ''): string {
  return `\n[[relay.routes]]\nname = "far"\nkind = "host"\nhost = "127.0.0.1"\nport = ${port}\ntls = "none"\n${more}`
}

const parking = `\n[[relay.routes]]\nname = "parking"\nkind = "hold"\nsenders = ["nobody@mail.test"]\n`

/** A message of Ann's; gives what the queue calls it. */
async function mail({ folder }: Place, to: readonly string[], more: readonly string[] = []): Promise<string> {
  const text = `Subject: to ${to.join(' ')}\n\nHello.\n`
  const parameters = ['sendmail', '--json', '-f', 'ann@mail.test', ...more, ...to]
  const { id } = JSON.parse(await done(folder, parameters, text)) as { id: string }
  return id
}

async function listed({ folder }: Place, ...more: string[]): Promise<ShownMessage[]> {
  return (await json(folder, ['queue', 'list', ...more])) as ShownMessage[]
}

/** The only recipient of a message, once it is as wanted. */
async function recipientOf(
  { folder }: Place,
  message: string,
  fits: (recipient: ShownRecipient) => boolean,
): Promise<ShownRecipient> {
  for (;;) {
    const shown = (await json(folder, ['queue', 'show', message])) as ShownMessage
    const [recipient] = shown.recipients
    assert.ok(recipient !== undefined)
    if (fits(recipient)) return recipient
  }
}

/** Ann's mail, once there is so much of it. */
async function inbox({ folder }: Place, server: Served, count: number): Promise<string[]> {
  await writeFile(join(folder, 'password'), 'secret\n')
  const at = ['--pop3', `127.0.0.1:${server.port('pop3')}`, '--password-file', 'password']
  for (;;) {
    const messages = (await json(folder, ['read', 'ann@mail.test', ...at])) as string[]
    if (messages.length >= count) return messages
  }
}

test('a running server: why mail waits, and what an operator does about it', async (context) => {
  const place = await temporaryPlace(context)
  const { folder } = place
  let busy = '451 4.7.1 Come back later\u0021'
  const far = await openFarHost(context, (command) => (command.startsWith('RCPT') ? busy : undefined))
  await writeConfig(folder, doors + parking + route(far.port))
  await addPeople(folder)
  const server = await serve(place)
  assert.deepEqual(await listed(place), [])
  assert.match(await done(folder, ['queue', 'list']), /The queue is empty/)

  const message = await mail(place, ['joe@far.test'])
  const waiting = await recipientOf(place, message, ({ last, state }) => last !== null && state === 'waiting')
  assert.equal(waiting.address, 'joe@far.test')
  assert.equal(waiting.attempts, 1)
  assert.equal(waiting.reason, busy)
  assert.ok(Date.parse(waiting.nextAttempt ?? '') > Date.now())
  const [attempt] = waiting.history ?? []
  assert.equal(attempt?.reply, busy)
  assert.deepEqual(
    [attempt?.stage, attempt?.outcome, attempt?.status, attempt?.host, attempt?.address],
    ['rcpt', 'deferred', '4.7.1', '127.0.0.1', '127.0.0.1'],
  )
  const text = await done(folder, ['queue', 'list'])
  assert.match(text, /joe@far\.test {2}waiting, 1 attempts, next \d{4}-.*\n {4}451 4\.7\.1 Come back later/)
  assert.match(await done(folder, ['queue', 'show', message]), /deferred {2}at rcpt {2}127\.0\.0\.1/)
  const shape = (await json(folder, ['queue', 'qshape'])) as { domains: { domain: string; total: number }[] }
  assert.deepEqual(
    shape.domains.map(({ domain, total }) => [domain, total]),
    [['far.test', 1]],
  )

  assert.match(await done(folder, ['queue', 'retry', '--domain', 'far.test']), /1 recipient due now/)
  await recipientOf(place, message, ({ attempts, state }) => attempts === 2 && state === 'waiting')
  assert.match(
    await done(folder, ['queue', 'hold', message, '--reason', 'ask Joe first']),
    /1 recipient held/,
  )
  const held = await recipientOf(place, message, ({ state }) => state === 'held')
  assert.equal(held.reason, 'ask Joe first')
  assert.equal((await listed(place, '--state', 'waiting')).length, 0)
  assert.match(await done(folder, ['queue', 'release', message]), /1 recipient released/)
  await recipientOf(place, message, ({ attempts, state }) => attempts === 3 && state === 'waiting')
  assert.match(await done(folder, ['queue', 'reroute', message, '--to', 'parking']), /1 recipient rerouted/)
  const parked = await recipientOf(place, message, ({ state }) => state === 'held')
  assert.deepEqual([parked.route, parked.reason], ['parking', 'held by a route'])
  await done(folder, ['queue', 'reroute', message, '--usual'])
  busy = '250 2.1.5 Welcome'
  await done(folder, ['queue', 'release', message])
  await far.received(1)
  for (;;) if ((await listed(place)).length === 0) break
  const [finished] = await listed(place, '--finished')
  assert.equal(finished?.recipients[0]?.outcome, 'relayed')
  assert.ok(finished.finished !== null)

  for (const wrong of [
    ['queue', 'retry'],
    ['queue', 'reroute', message],
  ]) {
    assert.equal((await posthorn(folder, wrong)).code, 2, wrong.join(' '))
  }
  for (const wrong of [
    ['queue', 'show', 'nothing'],
    ['queue', 'reroute', message, '--to', 'nowhere'],
  ]) {
    const refused = await posthorn(folder, wrong)
    assert.equal(refused.code, 1, wrong.join(' '))
    assert.doesNotMatch(refused.stderr, /\n\s+at /)
  }
  await server.stop()
})

test('a running server: giving up sends a report, discarding does not, suppressed addresses fail at once', async (context) => {
  const place = await temporaryPlace(context)
  const { folder } = place
  const far = await openFarHost(context, (command) =>
    command.startsWith('RCPT') ? '452 4.2.2 Mailbox full' : undefined,
  )
  await writeConfig(folder, doors + route(far.port))
  await addPeople(folder)
  const server = await serve(place)
  const [given, dropped] = [
    await mail(place, ['joe@far.test'], ['-V', 'E7']),
    await mail(place, ['sue@far.test']),
  ]
  for (const message of [given, dropped]) {
    await recipientOf(place, message, ({ last, state }) => last !== null && state === 'waiting')
  }
  assert.match(await done(folder, ['queue', 'fail', dropped, '--discard']), /1 recipient discarded/)
  assert.match(
    await done(folder, ['queue', 'fail', given, '--reason', 'Joe has moved']),
    /1 recipient given up/,
  )
  const [report = ''] = await inbox(place, server, 1)
  assert.match(report, /^Return-Path: <>\r$/m)
  assert.match(report, /^Original-Envelope-Id: E7\r$/m)
  assert.match(report, /^Final-Recipient: rfc822; ?joe@far\.test\r$/m)
  assert.match(report, /^Action: failed\r$/m)
  assert.match(report, /Joe has moved/)
  assert.match(report, /^Subject: to joe@far\.test\r$/m)

  await done(folder, ['suppression', 'add', 'sue@far.test', '--reason', 'she asked for it', '--for', '30d'])
  const [entry] = (await json(folder, ['suppression', 'list'])) as { address: string; reason: string }[]
  assert.deepEqual([entry?.address, entry?.reason], ['sue@far.test', 'she asked for it'])
  // A connection that rests may end meanwhile.
  const asked = (): number => far.commands.filter((command) => command.startsWith('MAIL')).length
  const before = asked()
  await mail(place, ['sue@far.test'])
  const reports = await inbox(place, server, 2)
  assert.match(reports.at(-1) ?? '', /^Final-Recipient: rfc822; ?sue@far\.test\r$/m)
  assert.equal(asked(), before)
  await done(folder, ['suppression', 'remove', 'sue@far.test'])
  assert.deepEqual(await json(folder, ['suppression', 'list']), [])
  assert.equal((await posthorn(folder, ['suppression', 'add', 'sue@far.test', '--for', 'ever'])).code, 2)
  await server.stop()
})

test('without a server the same orders work on the store, and what they began goes on at the next start', async (context) => {
  const place = await temporaryPlace(context)
  const { folder } = place
  const far = await openFarHost(context, () => undefined)
  await writeConfig(folder, doors + parking + route(far.port))
  await addPeople(folder)
  const lost = await mail(place, ['joe@far.test'])
  const kept = await mail(place, ['sue@far.test'])
  const messages = await listed(place)
  assert.deepEqual(
    messages.map(({ recipients }) =>
      recipients.map(({ address, state, attempts }) => [address, state, attempts]),
    ),
    [[['joe@far.test', 'waiting', 0]], [['sue@far.test', 'waiting', 0]]],
  )
  assert.match(await done(folder, ['queue', 'hold', '--all']), /2 recipients held/)
  assert.match(await done(folder, ['queue', 'release', kept]), /1 recipient released/)
  assert.match(await done(folder, ['queue', 'fail', lost, '--reason', 'a mistake']), /1 recipient given up/)
  assert.match(await done(folder, ['queue', 'list']), /1 reports? due/)
  const server = await serve(place)
  const [report = ''] = await inbox(place, server, 1)
  assert.match(report, /a mistake/)
  await far.received(1)
  assert.deepEqual(
    far.commands.filter((command) => command.startsWith('RCPT')),
    ['RCPT TO:<sue@far.test>'],
  )
  await server.stop()
})
