// Connections that change who speaks first, both sides against a scripted peer and against each other.
import assert from 'node:assert/strict'
import { test } from 'node:test'
import { SeededRandom } from '../base/seeded-random.ts'
import { connectInMemory } from '../net/memory-network.ts'
import type { Job, RecipientResult } from '../queue/transport.ts'
import { relaySection } from '../config/sections/relay.ts'
import type { RouteConfig } from '../config/sections/relay.ts'
import { RelayPeer, type PeerScript } from '../../test/support/relay-peer.ts'
import { RelayScene, told } from '../../test/support/relay-scene.ts'
import { fetchByTurn, sendTurned } from './turn.ts'

/** We are the provider: the customer serves on the other end of a connection that it made. */
async function provide(script: PeerScript, count: number) {
  const scene = new RelayScene()
  const [ours, theirs] = connectInMemory(
    { clock: scene.clock, random: new SeededRandom(1) },
    { local: { address: '198.51.100.1', port: 366 }, remote: { address: '203.0.113.9', port: 40_000 } },
  )
  const customer = new RelayPeer(script)
  customer.serve(theirs)
  const jobs = Array.from({ length: count }, () => scene.job({ to: ['a@customer.example'] }))
  const results = new Map<Job, readonly RecipientResult[]>()
  const waiting = [...jobs]
  await scene.settle(
    sendTurned({
      connection: ours,
      peer: 'customer',
      heloName: 'provider.example',
      context: scene.relay.context,
      blobs: scene.blobs,
      jobs: {
        next: () => Promise.resolve(waiting.shift() ?? null),
        report: (job, given) => void results.set(job, given),
      },
      signal: new AbortController().signal,
    }),
  )
  return { customer, lines: jobs.map((job) => told(results.get(job)?.[0])) }
}

test('a provider sends what is queued over the turned connection, then says QUIT (RFC 2645 §5.2.1)', async () => {
  const { customer, lines } = await provide({ name: 'customer.example' }, 3)
  assert.deepEqual(
    lines,
    Array.from({ length: 3 }, () => 'done relayed reply 2.0.0 customer turn -'),
  )
  assert.equal(customer.messages.length, 3)
  assert.equal(customer.commands[0], 'EHLO provider.example')
  assert.equal(customer.commands.at(-1), 'QUIT')
  assert.equal(customer.connections, 1)
})

test('a customer that refuses or goes away defers; nobody connects to him', async () => {
  const refused = await provide({ greeting: '554 5.3.2 no' }, 2)
  assert.deepEqual(refused.lines, ['deferred destination greeting 4.3.2 customer turn -', 'nothing'])
  const gone = await provide(
    { rule: (command, { index }) => (command.startsWith('MAIL') && index === 1 ? 'drop' : undefined) },
    2,
  )
  assert.equal(gone.lines[0], 'done relayed reply 2.0.0 customer turn -')
  assert.ok(gone.lines[1]?.startsWith('deferred destination') === true)
  assert.equal(gone.customer.connections, 1)
})

const provider = (): Extract<RouteConfig, { kind: 'host' }> => {
  const [route] = relaySection.parse({
    routes: [
      {
        kind: 'host',
        host: '192.0.2.66',
        port: 366,
        tls: 'none',
        authentication: { username: 'customer', passwordFile: 'pass' },
      },
    ],
  }).routes
  assert.ok(route?.kind === 'host')
  return route
}

async function fetch(script: PeerScript) {
  const scene = new RelayScene({ files: { pass: 'secret' } })
  const peer = scene.peer('192.0.2.66', { port: 366, extensions: ['ATRN', 'AUTH PLAIN'], ...script })
  const served: string[] = []
  const outcome = await scene.settle(
    fetchByTurn({
      provider: provider(),
      verb: 'ATRN',
      domains: ['customer.example'],
      heloName: 'customer.example',
      context: scene.relay.context,
      serve(connection) {
        served.push(connection.peer.remoteAddress)
        connection.destroy()
        return Promise.resolve()
      },
      signal: new AbortController().signal,
    }),
  )
  return { peer, outcome, served }
}

const consent = (command: string) => (command.startsWith('AUTH') ? '235 2.7.0 welcome' : undefined)

test('a customer logs in, asks for its domains, and serves on the connection', async () => {
  const { peer, outcome, served } = await fetch({ rule: consent })
  assert.deepEqual(outcome, { type: 'served' })
  assert.deepEqual(served, ['192.0.2.66'])
  assert.equal(peer.commands.at(-1), 'ATRN customer.example')
})

test('no mail is no failure (RFC 2645 §5.2.1); a refusal is', async () => {
  const none = await fetch({
    rule: (command) => consent(command) ?? (command.startsWith('ATRN') ? '453 no mail' : undefined),
  })
  assert.deepEqual(none.outcome, { type: 'no-mail', reply: '453 no mail' })
  assert.deepEqual(none.served, [])
  const refused = await fetch({
    rule: (command) => consent(command) ?? (command.startsWith('ATRN') ? '450 4.7.0 not yours' : undefined),
  })
  assert.equal(refused.outcome.type === 'failed' ? refused.outcome.trouble.status : '', '4.7.0')
  const wrong = await fetch({ rule: (command) => (command.startsWith('AUTH') ? '535 5.7.8 no' : undefined) })
  assert.equal(wrong.outcome.type === 'failed' ? wrong.outcome.trouble.stage : '', 'auth')
})
