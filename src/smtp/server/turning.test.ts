// ETRN, TURN and ATRN: who may start a queue, and who may take what is in it.
import assert from 'node:assert/strict'
import { test, type TestContext } from 'node:test'
import { openSmtpHouse } from '../../../test/support/smtp-house.ts'
import type { PeerCertificate, TlsState } from '../../base/core.ts'
import type { SmtpClient } from '../proto/questions.ts'
import type { RelayOver, RemoteQueue } from './remote-queue.ts'

/** A queue with mail for two domains, one of which cannot be counted. */
function queueOf(taken: RelayOver[] = []): RemoteQueue {
  const waiting = new Map([['full.example', 3]])
  return {
    flush({ node, form }) {
      if (form === 'subdomains') return Promise.resolve({ type: 'started', pending: null })
      if (node === 'stuck.example') return Promise.resolve({ type: 'unable' })
      const pending = waiting.get(node)
      return Promise.resolve(pending === undefined ? { type: 'none' } : { type: 'started', pending })
    },
    pending: (domains) => Promise.resolve(domains.reduce((sum, one) => sum + (waiting.get(one) ?? 0), 0)),
    relayOver(connection, request) {
      taken.push(request)
      connection.write('EHLO from the other side\r\n')
      connection.end()
      return Promise.resolve()
    },
  }
}

test('ETRN (RFC 1985 §5.1)', async (context) => {
  const etrn = [
    { domain: 'full.example' },
    { domain: 'empty.example' },
    { domain: 'stuck.example' },
    { domain: 'far.example', networks: ['203.0.113.0/24'] },
  ]
  const house = await openSmtpHouse(context, { remoteQueue: queueOf(), config: { etrn } })
  const client = await house.connect()
  for (const [command, reply] of [
    ['ETRN full.example', '253 2.0.0 OK, 3 pending messages for node full.example started'],
    ['ETRN empty.example', '251 2.0.0 OK, no messages waiting for node empty.example'],
    ['ETRN @full.example', '252 2.0.0 OK, pending messages for node @full.example started'],
    ['ETRN @x.full.example', '252 2.0.0 OK, pending messages for node @x.full.example started'],
    ['ETRN stuck.example', '458 4.3.0 Unable to queue messages for node stuck.example'],
    ['ETRN other.example', '459 4.7.1 Node other.example not allowed: not served here'],
    ['ETRN far.example', '459 4.7.1 Node far.example not allowed: not for you'],
  ] as const) {
    assert.equal(await client.say(command), reply)
  }
})

test('without a queue none of them is there', async (context) => {
  const client = await (await openSmtpHouse(context)).connect()
  assert.deepEqual(await client.codes('ETRN full.example', 'TURN', 'ATRN'), [
    '502 5.5.1',
    '502 5.5.1',
    '502 5.5.1',
  ])
})

async function odmr(context: TestContext, taken: RelayOver[] = []) {
  return openSmtpHouse(context, {
    role: 'odmr',
    remoteQueue: queueOf(taken),
    config: { odmr: [{ account: 'ann@example.org', domains: ['full.example', 'empty.example'] }] },
  })
}

test('ATRN hands the mail of his own domains over, and nobody else’s (RFC 2645 §5.2.1)', async (context) => {
  const taken: RelayOver[] = []
  const house = await odmr(context, taken)
  const nobody = await house.connect()
  assert.match(await nobody.say('ATRN'), /^530 /)
  const bob = await house.connect({ as: 'bob@example.org' })
  assert.match(await bob.say('ATRN full.example'), /^450 4\.7\.1/)
  const client = await house.connect({ as: 'ann@example.org' })
  assert.deepEqual(
    await client.codes(
      'MAIL FROM:<ann@example.org>',
      'ATRN full.example,other.example',
      'ATRN empty.example',
    ),
    ['502 5.5.1', '450 4.7.1', '453 4.0.0'],
  )
  assert.match(await client.say('ATRN'), /^250 /)
  assert.equal(await client.line(), 'EHLO from the other side')
  assert.deepEqual(taken, [
    { domains: ['full.example', 'empty.example'], by: { type: 'account', name: 'ann@example.org' } },
  ])
})

test('TURN needs a believed certificate with the name (RFC 821 §3.8)', async (context) => {
  const turn = [{ domain: 'full.example', certificateName: 'mx.full.example' }]
  const house = await openSmtpHouse(context, { remoteQueue: queueOf(), config: { turn } })
  const gone = new AbortController().signal
  const sink = { write: () => undefined, gone, held: 0, between: () => undefined }
  const peer = { remoteAddress: '203.0.113.9', remotePort: 1, localAddress: '192.0.2.1', localPort: 25 }
  const ask = async (certificate: Partial<PeerCertificate> | null): Promise<number> => {
    const peerCertificate = certificate && {
      chain: [],
      dnsNames: [],
      emailAddresses: [],
      problem: null,
      ...certificate,
    }
    const tls: TlsState = {
      ...{ version: 'TLSv1.3', cipher: 'x', serverName: null, exporter: null, serverEndPoint: null },
      peerCertificate,
    }
    const client: SmtpClient = { name: 'mx.full.example', extended: true, tls, username: null }
    const answer = await house.makeHandler(sink, peer).answer({ type: 'turn', client })
    return answer.type === 'reply' ? answer.reply.code : 0
  }
  assert.equal(await ask(null), 502)
  assert.equal(await ask({ dnsNames: ['mx.other.example'] }), 502)
  assert.equal(await ask({ dnsNames: ['*.full.example'] }), 502)
  assert.equal(await ask({ dnsNames: ['mx.full.example'], problem: 'CERT_HAS_EXPIRED' }), 502)
  assert.equal(await ask({ dnsNames: ['mx.full.example'] }), 250)
})
