// Handshakes over real sockets, with the certificates of test/corpora/tls: what each side learns of the other.
import assert from 'node:assert/strict'
import { createHash, X509Certificate } from 'node:crypto'
import { readFile } from 'node:fs/promises'
import { fileURLToPath } from 'node:url'
import { test } from 'node:test'
import type { ClientTls, Connection } from '../base/connection.ts'
import { SeededRandom } from '../base/seeded-random.ts'
import { LineClient } from '../../test/support/line-client.ts'
import { readAlternativeNames } from './peer-certificate.ts'
import { RealClock } from './real-clock.ts'
import { SocketNetwork } from './socket-network.ts'
import { createFileIdentity, createSelfSignedIdentity } from './tls-identity.ts'
import type { TlsIdentity } from './tls.ts'

const clock = new RealClock()
const network = new SocketNetwork(clock)
const corpus = new URL('../../test/corpora/tls/', import.meta.url)
const path = (name: string) => fileURLToPath(new URL(name, corpus))
const read = (name: string) => readFile(path(name), 'utf8')
const root = await read('root.crt')

function identityOf(name: string, clientAuthorities: string | null = null): TlsIdentity {
  return createFileIdentity({
    certificates: [{ certFile: path(`${name}.crt`), keyFile: path(`${name}.key`) }],
    clientAuthorities,
    clock,
    onReloadFailed: () => undefined,
  })
}

/** Both ends of a fresh connection on loopback. */
async function connect(identity: TlsIdentity | null): Promise<[client: Connection, server: Connection]> {
  const accepted = Promise.withResolvers<Connection>()
  const point = { address: '127.0.0.1', port: 0, identity }
  const listening = await network.listen(point, (connection) => accepted.resolve(connection))
  const client = await network.dial({
    address: '127.0.0.1',
    port: listening.port,
    timeoutMilliseconds: 5_000,
  })
  const server = await accepted.promise
  await listening.close()
  return [client, server]
}

/** What each end knows after a handshake. */
async function shake(identity: TlsIdentity, request: Partial<ClientTls> = {}) {
  const [client, server] = await connect(identity)
  const [seen, shown] = await Promise.all([
    client.startClientTls({ serverName: 'mx.example.org', ...request }),
    server.startTls(),
  ])
  client.destroy()
  server.destroy()
  return { seen, shown }
}

test('a client learns the names, the chain that was sent, and that it is trusted', async () => {
  const { seen, shown } = await shake(identityOf('mx'), { authorities: [root] })
  const peer = seen.peerCertificate
  assert.equal(peer?.problem, null)
  assert.deepEqual(peer.dnsNames, ['mx.example.org', '*.example.net'])
  assert.deepEqual(
    peer.chain.map(({ raw }) => new X509Certificate(raw).subject),
    ['CN=mx', 'CN=Test intermediate'],
  )
  for (const { raw, publicKey } of peer.chain) {
    const key = new X509Certificate(raw).publicKey.export({ type: 'spki', format: 'der' })
    assert.deepEqual(Buffer.from(publicKey), key)
  }
  assert.equal(seen.serverName, 'mx.example.org')
  assert.equal(shown.serverName, 'mx.example.org')
  assert.equal(shown.peerCertificate, null)
  // Both ends name the same channel (RFC 5929 §4, RFC 9266 §2).
  assert.deepEqual(seen.exporter, shown.exporter)
  assert.deepEqual(seen.serverEndPoint, shown.serverEndPoint)
  const leaf = createHash('sha256').update(peer.chain[0]?.raw ?? '')
  assert.deepEqual(seen.serverEndPoint, leaf.digest())
})

test('a handshake succeeds with certificates that are not to be believed, and says why', async () => {
  const self = createSelfSignedIdentity({
    hostname: 'mx.example.org',
    folder: null,
    clock,
    random: new SeededRandom(1),
  })
  for (const [identity, authorities, problem, length] of [
    [identityOf('mx'), [], 'UNABLE_TO_GET_ISSUER_CERT_LOCALLY', 2],
    [identityOf('expired'), [root], 'CERT_HAS_EXPIRED', 1],
    [self, [root], 'DEPTH_ZERO_SELF_SIGNED_CERT', 1],
  ] as const) {
    const { seen } = await shake(identity, { authorities })
    assert.equal(seen.peerCertificate?.problem, problem)
    assert.equal(seen.peerCertificate.chain.length, length)
  }
  // Another name than the one asked for is no problem of the certificate: the caller knows which names count.
  const { seen } = await shake(identityOf('mx'), { authorities: [root], serverName: 'other.example' })
  assert.equal(seen.peerCertificate?.problem, null)
})

test('a server that asks learns who the client is, and takes clients that have no certificate', async () => {
  const identity = identityOf('mx', path('root.crt'))
  const certificate = async (name: string) => ({
    certificate: await read(`${name}.crt`),
    key: await read(`${name}.key`),
  })
  const ann = await shake(identity, { identity: await certificate('ann') })
  assert.equal(ann.shown.peerCertificate?.problem, null)
  assert.deepEqual(ann.shown.peerCertificate.emailAddresses, ['ann@example.org', 'Ann.Other@example.org'])
  const late = await shake(identity, { identity: await certificate('expired') })
  assert.equal(late.shown.peerCertificate?.problem, 'CERT_HAS_EXPIRED')
  const nobody = await shake(identity)
  assert.equal(nobody.shown.peerCertificate, null)
  const unasked = await shake(identityOf('mx'), { identity: await certificate('ann') })
  assert.equal(unasked.shown.peerCertificate, null)
})

test('a client certificate of an authority that is not ours is recorded, and not believed', async () => {
  const identity = createSelfSignedIdentity({
    hostname: 'mx.example.org',
    folder: null,
    clientAuthorities: path('expired.crt'),
    clock,
    random: new SeededRandom(1),
  })
  const ann = { certificate: await read('ann.crt'), key: await read('ann.key') }
  const { shown } = await shake(identity, { identity: ann })
  assert.notEqual(shown.peerCertificate?.problem ?? null, null)
  assert.deepEqual(shown.peerCertificate?.emailAddresses[0], 'ann@example.org')
})

test('a file of authorities without any is refused before the first handshake', async () => {
  await assert.rejects(identityOf('mx', path('README.md')).secureContext(null))
})

test('STARTTLS as a client: the dialogue goes on inside; bytes in the clear before the handshake make it fail', async () => {
  const [client, server] = await connect(identityOf('mx'))
  const [near, far] = [new LineClient(client), new LineClient(server)]
  near.send('STARTTLS\r\n')
  assert.equal(await far.line(), 'STARTTLS')
  far.send('220 go\r\n')
  assert.equal(await near.line(), '220 go')
  await Promise.all([client.startClientTls({ serverName: null }), server.startTls()])
  near.send('EHLO\r\n')
  assert.equal(await far.line(), 'EHLO')
  far.send('250 hello\r\n')
  assert.equal(await near.line(), '250 hello')
  near.connection.destroy()
  far.connection.destroy()

  const [victim, attacker] = await connect(null)
  const line = new LineClient(victim)
  line.send('STARTTLS\r\n')
  attacker.write('220 go\r\n')
  await line.line()
  const handshake = victim.startClientTls({ serverName: null })
  attacker.write('250 injected\r\n')
  await assert.rejects(handshake)
  assert.equal(line.unread, '')
  victim.destroy()
  attacker.destroy()
})

test('a handshake with a peer that leaves is given up', async () => {
  const [client, server] = await connect(null)
  const handshake = client.startClientTls({ serverName: 'mx.example.org' })
  server.destroy()
  await assert.rejects(handshake)
  client.destroy()
})

test('dialing from a local address', async () => {
  const accepted = Promise.withResolvers<Connection>()
  const point = { address: '127.0.0.1', port: 0, identity: null }
  const { port, close } = await network.listen(point, (connection) => accepted.resolve(connection))
  const target = { address: '127.0.0.1', port, timeoutMilliseconds: 5_000 }
  const client = await network.dial({ ...target, localAddress: '127.0.0.1' })
  const server = await accepted.promise
  assert.equal(server.peer.remoteAddress, '127.0.0.1')
  assert.equal(client.peer.localAddress, '127.0.0.1')
  // TEST-NET-1: never ours.
  await assert.rejects(network.dial({ ...target, localAddress: '192.0.2.1' }), { code: 'EADDRNOTAVAIL' })
  client.destroy()
  server.destroy()
  await close()
})

test('alternative names: those of hosts and mailboxes, and nothing that is only made to look like one', () => {
  assert.deepEqual(
    readAlternativeNames('DNS:A.example, email:b@c.example, IP Address:192.0.2.1, DNS:*.d.example'),
    {
      dnsNames: ['a.example', '*.d.example'],
      emailAddresses: ['b@c.example'],
    },
  )
  assert.deepEqual(readAlternativeNames('DNS:"evil.example, DNS:bank.example", URI:"x, email:a@b.example"'), {
    dnsNames: [],
    emailAddresses: [],
  })
  assert.deepEqual(readAlternativeNames('DNS:"\\u0000\\", email:x@y.example", email:ok@y.example'), {
    dnsNames: [],
    emailAddresses: ['ok@y.example'],
  })
  assert.deepEqual(readAlternativeNames(''), { dnsNames: [], emailAddresses: [] })
})
