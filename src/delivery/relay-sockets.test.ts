// The relay over real sockets and real TLS on loopback: DANE, trusted authorities, and opportunism with certificates of OpenSSL's.
import assert from 'node:assert/strict'
import { createHash, X509Certificate } from 'node:crypto'
import { Buffer } from 'node:buffer'
import { test, type TestContext } from 'node:test'
import { createSecureContext } from 'node:tls'
import { SeededRandom } from '../base/seeded-random.ts'
import { relaySection } from '../config/sections/relay.ts'
import { createEvents } from '../events/event.ts'
import { plainMessageOptions } from '../mail/delivery-options.ts'
import { RealClock } from '../net/real-clock.ts'
import { makeSelfSigned } from '../net/self-signed.ts'
import { SocketNetwork } from '../net/socket-network.ts'
import { ZoneResolver } from '../net/zone-resolver.ts'
import type { z } from 'zod'
import { RelayPeer } from '../../test/support/relay-peer.ts'
import { told } from '../../test/support/relay-scene.ts'
import { createRelay } from './relay.ts'
import type { Parcel } from './parcel.ts'

const text = Buffer.from('Subject: hello\r\n\r\nHello.\r\n')
const parcel: Parcel = {
  name: 'direct',
  options: plainMessageOptions,
  prefix: '',
  bodySize: text.length,
  small: () => Promise.resolve(text),
  async *read() {
    yield await Promise.resolve(text)
  },
  structure() {
    throw new Error('nothing is to be converted')
  },
}

/** A host with TLS on loopback, and what the relay makes of it. */
async function deliver(
  context: TestContext,
  make: (facts: { port: number; tlsa: string }) => { zone?: string; config: z.input<typeof relaySection> },
): Promise<{ line: string; tls: string | null; secured: boolean | undefined }> {
  const clock = new RealClock()
  const network = new SocketNetwork(clock)
  const random = new SeededRandom(1)
  const pair = await makeSelfSigned({ names: ['mx.example.net'], now: clock.now(), random })
  const secure = createSecureContext({ cert: pair.certificate, key: pair.key })
  const peer = new RelayPeer({ extensions: ['PIPELINING', 'STARTTLS', 'DSN', 'CHUNKING'] })
  const listening = await network.listen(
    { address: '127.0.0.1', port: 0, identity: { secureContext: () => Promise.resolve(secure) } },
    (connection) => peer.serve(connection),
  )
  context.after(() => listening.close())
  const key = new X509Certificate(pair.certificate).publicKey.export({ type: 'spki', format: 'der' })
  const { zone = '', config } = make({
    port: listening.port,
    tlsa: createHash('sha256').update(key).digest('hex'),
  })
  const relay = createRelay({
    config: relaySection.parse(config),
    hostname: 'relay.example.org',
    resolver: new ZoneResolver(zone),
    dialer: network,
    clock,
    random,
    events: createEvents([]),
    ownAddresses: () => [],
    readFile: () => Promise.resolve(pair.certificate),
    store: {
      remember: () => Promise.resolve(),
      recall: () => Promise.resolve(undefined),
      blobs: {
        readSmall: () => Promise.resolve(undefined),
        async *read() {
          yield await Promise.resolve(text)
        },
      },
    },
  })
  const [first] = await relay.direct.deliver({
    parcel,
    reversePath: 'me@here.example',
    recipients: [{ address: 'bob@example.net' }],
  })
  const result = first?.result
  const tls = result?.type === 'done' ? result.attempt.tls : null
  return { line: told(result), tls, secured: peer.messages[0]?.secured }
}

const zoneOf = (port: number, tlsa: string) =>
  `$AUTHENTIC yes\nexample.net. MX 10 mx.example.net.\nmx.example.net. A 127.0.0.1\n_${port}._tcp.mx.example.net. TLSA 3 1 1 ${tlsa}`

test('DANE-EE by the key of a self-signed certificate', async (context) => {
  const { line, tls, secured } = await deliver(context, ({ port, tlsa }) => {
    return { zone: zoneOf(port, tlsa), config: { mxPort: port, allowPrivateAddresses: true } }
  })
  assert.equal(line, 'done relayed reply 2.0.0 mx.example.net dane dane-ee')
  assert.match(tls ?? '', /^TLSv1\.3 TLS_/)
  assert.equal(secured, true)
})

test('DANE-EE for another key', async (context) => {
  const { line, secured } = await deliver(context, ({ port, tlsa }) => {
    return {
      zone: zoneOf(
        port,
        tlsa.replace(/^../, (octet) => (octet === '00' ? '01' : '00')),
      ),
      config: { mxPort: port, allowPrivateAddresses: true },
    }
  })
  assert.equal(line, 'deferred destination tls 4.7.5 mx.example.net dane no-match')
  assert.equal(secured, undefined)
})

test('a smart host with an authority of its own, and one that nobody knows', async (context) => {
  const host = (port: number) => ({
    kind: 'host' as const,
    host: '127.0.0.1',
    port,
    tlsName: 'mx.example.net',
  })
  const known = await deliver(context, ({ port }) => {
    return { config: { routes: [{ ...host(port), authoritiesFile: 'ca.pem' }] } }
  })
  assert.equal(known.line, 'done relayed reply 2.0.0 127.0.0.1 route pkix')
  const unknown = await deliver(context, ({ port }) => ({ config: { routes: [host(port)] } }))
  assert.equal(unknown.line, 'deferred destination tls 4.7.5 127.0.0.1 route DEPTH_ZERO_SELF_SIGNED_CERT')
  const any = await deliver(context, ({ port }) => {
    return { config: { routes: [{ ...host(port), tls: 'opportunistic' }] } }
  })
  assert.equal(any.line, 'done relayed reply 2.0.0 127.0.0.1 opportunistic none')
  assert.equal(any.secured, true)
})
