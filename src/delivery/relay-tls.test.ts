// What is asked of a host's TLS, and what happens when it is not met: DANE, MTA-STS, REQUIRETLS, TLS-Required: No, opportunism.
import assert from 'node:assert/strict'
import { createHash } from 'node:crypto'
import { Buffer } from 'node:buffer'
import { test } from 'node:test'
import { plainMessageOptions, type MessageOptions } from '../mail/delivery-options.ts'
import { memoryPublicKey, type MemoryTlsIdentity } from '../net/memory-tls.ts'
import { RelayScene, told, type SceneOptions } from '../../test/support/relay-scene.ts'
import type { MemoryHostConditions } from '../net/memory-network.ts'
import type { PeerScript } from '../../test/support/relay-peer.ts'

const good: MemoryTlsIdentity = { names: ['mx.example.net'], key: 'k1', issuers: ['ca'], problem: null }
const expired: MemoryTlsIdentity = { ...good, problem: 'CERT_HAS_EXPIRED' }
const selfSigned: MemoryTlsIdentity = { ...good, issuers: [], problem: 'DEPTH_ZERO_SELF_SIGNED_CERT' }
const otherName: MemoryTlsIdentity = { ...good, names: ['mx.other.example'] }

const digest = (key: string) =>
  Buffer.from(createHash('sha256').update(memoryPublicKey(key)).digest()).toString('hex')

const insecureZone = 'example.net. MX 10 mx.example.net.\nmx.example.net. A 192.0.2.1\n'
const dane = (records: string) => `$AUTHENTIC yes\n${insecureZone}${records}`
const stsTxt = '_mta-sts.example.net. TXT "v=STSv1; id=20260101"\n'
const stsPolicy = (mode: string, mx = 'mx.example.net') =>
  `version: STSv1\r\nmode: ${mode}\r\nmx: ${mx}\r\nmax_age: 604800\r\n`

const tlsScript = { extensions: ['PIPELINING', 'STARTTLS', 'DSN'] }

interface Case {
  readonly zone?: string
  readonly policy?: string
  readonly tls?: MemoryTlsIdentity | null
  readonly script?: PeerScript
  readonly conditions?: MemoryHostConditions
  readonly options?: Partial<MessageOptions>
  readonly scene?: SceneOptions
}

async function attempt({
  zone = insecureZone,
  policy,
  tls = good,
  script,
  conditions,
  options,
  scene,
}: Case) {
  const made = new RelayScene({
    zone: zone + (policy === undefined ? '' : stsTxt),
    https: (query) =>
      Promise.resolve(
        policy === undefined
          ? { ok: false, problem: 'no such host' }
          : {
              ok: true,
              status: 200,
              contentType: 'text/plain',
              body: query.url.hostname === 'mta-sts.example.net' ? policy : '',
            },
      ),
    ...scene,
  })
  const peer = made.peer('192.0.2.1', { ...tlsScript, ...script, conditions: { ...conditions, tls } })
  const [result] = await made.send({ message: { options: { ...plainMessageOptions, ...options } } })
  return { scene: made, peer, result, line: told(result) }
}

const cases: readonly (readonly [name: string, given: Case, line: string, secured: boolean | null])[] = [
  // Opportunism: TLS where it can be had, whatever the certificate.
  ['opportunistic, good certificate', {}, 'done relayed reply 2.0.0 mx.example.net opportunistic pkix', true],
  [
    'opportunistic, expired',
    { tls: expired },
    'done relayed reply 2.0.0 mx.example.net opportunistic none',
    true,
  ],
  [
    'opportunistic, no STARTTLS',
    { script: { extensions: ['DSN'] } },
    'done relayed reply 2.0.0 mx.example.net opportunistic -',
    false,
  ],
  [
    'opportunistic, STARTTLS refused',
    { script: { rule: (command) => (command === 'STARTTLS' ? '454 4.7.0 not now' : undefined) } },
    'done relayed reply 2.0.0 mx.example.net opportunistic -',
    false,
  ],
  [
    'opportunistic, handshake fails: the same host in the clear',
    { conditions: { faults: { handshake: 'fails' } } },
    'done relayed reply 2.0.0 mx.example.net opportunistic -',
    false,
  ],
  [
    'opportunistic, handshake hangs: the same host in the clear',
    { conditions: { faults: { handshake: 'hangs' } } },
    'done relayed reply 2.0.0 mx.example.net opportunistic -',
    false,
  ],
  // DANE (RFC 7672)
  [
    'DANE-EE matches: neither name nor date matter',
    {
      zone: dane(`_25._tcp.mx.example.net. TLSA 3 1 1 ${digest('k1')}`),
      tls: { ...expired, names: ['x.example'] },
    },
    'done relayed reply 2.0.0 mx.example.net dane dane-ee',
    true,
  ],
  [
    'DANE-EE for another key',
    { zone: dane(`_25._tcp.mx.example.net. TLSA 3 1 1 ${digest('k2')}`) },
    'deferred destination tls 4.7.5 mx.example.net dane no-match',
    null,
  ],
  [
    'DANE-TA matches the issuer',
    {
      zone: dane(`_25._tcp.mx.example.net. TLSA 2 1 1 ${digest('ca')}`),
      tls: { ...good, problem: 'SELF_SIGNED_CERT_IN_CHAIN' },
    },
    'done relayed reply 2.0.0 mx.example.net dane dane-ta',
    true,
  ],
  [
    'DANE-TA, certificate for the domain itself, MX authentic',
    {
      zone: dane(`_25._tcp.mx.example.net. TLSA 2 1 1 ${digest('ca')}`),
      tls: { ...good, names: ['example.net'] },
    },
    'done relayed reply 2.0.0 mx.example.net dane dane-ta',
    true,
  ],
  [
    'DANE-TA, certificate for another name',
    { zone: dane(`_25._tcp.mx.example.net. TLSA 2 1 1 ${digest('ca')}`), tls: otherName },
    'deferred destination tls 4.7.5 mx.example.net dane name-mismatch',
    null,
  ],
  [
    'DANE-TA, expired',
    { zone: dane(`_25._tcp.mx.example.net. TLSA 2 1 1 ${digest('ca')}`), tls: expired },
    'deferred destination tls 4.7.5 mx.example.net dane expired',
    null,
  ],
  [
    'DANE, records unusable: any certificate, but never clear text',
    { zone: dane('_25._tcp.mx.example.net. TLSA 1 1 1 00ff'), tls: selfSigned },
    'done relayed reply 2.0.0 mx.example.net dane none',
    true,
  ],
  [
    'DANE, records unusable, no STARTTLS',
    { zone: dane('_25._tcp.mx.example.net. TLSA 1 1 1 00ff'), script: { extensions: [] } },
    'deferred destination tls 4.7.4 mx.example.net dane -',
    null,
  ],
  [
    'DANE, the handshake fails',
    {
      zone: dane(`_25._tcp.mx.example.net. TLSA 3 1 1 ${digest('k1')}`),
      conditions: { faults: { handshake: 'fails' } },
    },
    'deferred destination tls 4.4.2 mx.example.net dane -',
    null,
  ],
  [
    'DANE, TLSA look-up fails: the host counts as unreachable',
    { zone: dane('$FAIL _25._tcp.mx.example.net. TLSA servfail') },
    'deferred destination dns 4.4.3 mx.example.net dane -',
    null,
  ],
  [
    'TLSA records that nobody vouches for are none',
    { zone: `${insecureZone}_25._tcp.mx.example.net. TLSA 3 1 1 ${digest('k2')}` },
    'done relayed reply 2.0.0 mx.example.net opportunistic pkix',
    true,
  ],
  // MTA-STS (RFC 8461)
  [
    'MTA-STS enforce, good certificate',
    { policy: stsPolicy('enforce') },
    'done relayed reply 2.0.0 mx.example.net mta-sts enforce mta-sts',
    true,
  ],
  [
    'MTA-STS enforce, expired',
    { policy: stsPolicy('enforce'), tls: expired },
    'deferred destination tls 4.7.5 mx.example.net mta-sts enforce CERT_HAS_EXPIRED',
    null,
  ],
  [
    'MTA-STS enforce, certificate for another name',
    { policy: stsPolicy('enforce'), tls: otherName },
    'deferred destination tls 4.7.5 mx.example.net mta-sts enforce name-mismatch',
    null,
  ],
  [
    'MTA-STS enforce, no STARTTLS',
    { policy: stsPolicy('enforce'), script: { extensions: [] } },
    'deferred destination tls 4.7.4 mx.example.net mta-sts enforce -',
    null,
  ],
  [
    'MTA-STS enforce, host not named',
    { policy: stsPolicy('enforce', '*.mail.example.net') },
    'deferred destination tls 4.7.5 mx.example.net mta-sts enforce -',
    null,
  ],
  [
    'MTA-STS testing, expired: delivered and reported',
    { policy: stsPolicy('testing'), tls: expired },
    'done relayed reply 2.0.0 mx.example.net mta-sts testing none',
    true,
  ],
  [
    'MTA-STS none',
    { policy: 'version: STSv1\nmode: none\nmax_age: 86400\n', tls: expired },
    'done relayed reply 2.0.0 mx.example.net opportunistic none',
    true,
  ],
  [
    'MTA-STS policy that is malformed is none',
    { policy: 'mode: enforce', tls: expired },
    'done relayed reply 2.0.0 mx.example.net opportunistic none',
    true,
  ],
  [
    'DANE before MTA-STS',
    {
      zone: dane(`_25._tcp.mx.example.net. TLSA 3 1 1 ${digest('k1')}\n`),
      policy: stsPolicy('enforce'),
      tls: expired,
    },
    'done relayed reply 2.0.0 mx.example.net dane dane-ee',
    true,
  ],
  [
    'DANE of a host that unsigned MX records name: used, but the MTA-STS list still counts',
    {
      zone: `example.net. MX 10 mx.example.net.\n$AUTHENTIC yes\nmx.example.net. A 192.0.2.1\n_25._tcp.mx.example.net. TLSA 3 1 1 ${digest('k1')}\n$AUTHENTIC no\n`,
      policy: stsPolicy('enforce', '*.mail.example.net'),
    },
    'deferred destination tls 4.7.5 mx.example.net mta-sts enforce -',
    null,
  ],
  [
    'DANE of a host that unsigned MX records name',
    {
      zone: `example.net. MX 10 mx.example.net.\n$AUTHENTIC yes\nmx.example.net. A 192.0.2.1\n_25._tcp.mx.example.net. TLSA 3 1 1 ${digest('k1')}\n$AUTHENTIC no\n`,
    },
    'done relayed reply 2.0.0 mx.example.net dane dane-ee',
    true,
  ],
  // What a route asks at least
  [
    'a route that wants a verified host, good certificate',
    { scene: { config: { routes: [{ kind: 'mx', tls: 'verified' }] } } },
    'done relayed reply 2.0.0 mx.example.net route pkix',
    true,
  ],
  [
    'a route that wants a verified host, expired',
    { scene: { config: { routes: [{ kind: 'mx', tls: 'verified' }] } }, tls: expired },
    'deferred destination tls 4.7.5 mx.example.net route CERT_HAS_EXPIRED',
    null,
  ],
  [
    'a route that wants TLS, any certificate',
    { scene: { config: { routes: [{ kind: 'mx', tls: 'required' }] } }, tls: selfSigned },
    'done relayed reply 2.0.0 mx.example.net route none',
    true,
  ],
  [
    'a route that wants TLS, no STARTTLS',
    { scene: { config: { routes: [{ kind: 'mx', tls: 'required' }] } }, script: { extensions: [] } },
    'deferred destination tls 4.7.4 mx.example.net route -',
    null,
  ],
  [
    'DANE and MTA-STS switched off',
    {
      zone: dane(`_25._tcp.mx.example.net. TLSA 3 1 1 ${digest('k2')}\n`),
      policy: stsPolicy('enforce'),
      tls: expired,
      scene: { config: { dane: false, mtaSts: false } },
    },
    'done relayed reply 2.0.0 mx.example.net opportunistic none',
    true,
  ],
  // REQUIRETLS (RFC 8689)
  [
    'REQUIRETLS, MTA-STS, offered',
    {
      policy: stsPolicy('enforce'),
      options: { requireTls: true },
      script: { securedExtensions: ['REQUIRETLS', 'DSN'] },
    },
    'done relayed reply 2.0.0 mx.example.net requiretls pkix',
    true,
  ],
  [
    'REQUIRETLS, not offered',
    { policy: stsPolicy('enforce'), options: { requireTls: true } },
    'failed tls 5.7.30 mx.example.net requiretls pkix',
    null,
  ],
  [
    'REQUIRETLS, nothing vouches for the host',
    { options: { requireTls: true }, script: { securedExtensions: ['REQUIRETLS'] } },
    'failed tls 5.7.10 mx.example.net requiretls -',
    null,
  ],
  [
    'REQUIRETLS, bad certificate',
    {
      policy: stsPolicy('testing'),
      options: { requireTls: true },
      tls: expired,
      script: { securedExtensions: ['REQUIRETLS'] },
    },
    'failed tls 5.7.10 mx.example.net requiretls CERT_HAS_EXPIRED',
    null,
  ],
  [
    'TLS-Required: No passes a bad certificate under enforce',
    { policy: stsPolicy('enforce'), options: { tlsOptional: true }, tls: expired },
    'done relayed reply 2.0.0 mx.example.net tls-optional none',
    true,
  ],
  [
    'TLS-Required: No goes in the clear where DANE demands TLS',
    {
      zone: dane(`_25._tcp.mx.example.net. TLSA 3 1 1 ${digest('k1')}`),
      options: { tlsOptional: true },
      script: { extensions: ['DSN'] },
    },
    'done relayed reply 2.0.0 mx.example.net tls-optional -',
    false,
  ],
]

for (const [name, given, line, secured] of cases) {
  test(name, async () => {
    const outcome = await attempt(given)
    assert.equal(outcome.line, line)
    assert.equal(outcome.peer.messages[0]?.secured ?? null, secured)
  })
}

test('failures of policies and fall-backs are told', async () => {
  const enforced = await attempt({ policy: stsPolicy('enforce'), tls: expired })
  assert.deepEqual(enforced.scene.events.records.find(({ name }) => name === 'relay.policy-failed')?.fields, {
    destination: 'mx example.net',
    host: 'mx.example.net',
    policy: 'mta-sts enforce',
    problem: 'CERT_HAS_EXPIRED',
    obeyed: true,
  })
  const testing = await attempt({ policy: stsPolicy('testing'), tls: expired })
  const [failure] = testing.scene.events.records.filter(({ name }) => name === 'relay.policy-failed')
  assert.equal(failure?.fields['obeyed'], false)
  const clear = await attempt({ conditions: { faults: { handshake: 'fails' } } })
  assert.equal(clear.scene.events.count('relay.fell-back'), 1)
  assert.equal(clear.peer.connections, 2)
})

test('REQUIRETLS is carried in MAIL, and the session is not shared with other mail', async () => {
  const { peer, scene } = await attempt({
    policy: stsPolicy('enforce'),
    options: { requireTls: true },
    script: { securedExtensions: ['REQUIRETLS'] },
  })
  assert.ok(peer.messages[0]?.mail.includes(' REQUIRETLS'))
  const keyOf = (options: Partial<MessageOptions>) => {
    const job = scene.job({ message: { options: { ...plainMessageOptions, ...options } } })
    const [recipient] = job.recipients
    assert.ok(recipient !== undefined)
    return scene.relay.transport.destinationOf(recipient, job.message).key
  }
  assert.equal(keyOf({}), 'mx example.net')
  assert.equal(keyOf({ requireTls: true }), 'mx example.net tls-required')
  assert.equal(keyOf({ tlsOptional: true }), 'mx example.net tls-optional')
})

test('a host that fails its policy is passed over for the next (RFC 8461 §5.1)', async () => {
  const scene = new RelayScene({
    zone: `example.net. MX 10 mx1.example.net.\nexample.net. MX 20 mx.example.net.\nmx1.example.net. A 192.0.2.9\nmx.example.net. A 192.0.2.1\n${stsTxt}`,
    https: () =>
      Promise.resolve({
        ok: true,
        status: 200,
        contentType: 'text/plain',
        body: stsPolicy('enforce', '*.example.net'),
      }),
  })
  const bad = scene.peer('192.0.2.9', {
    ...tlsScript,
    conditions: { tls: { ...good, problem: 'CERT_HAS_EXPIRED' } },
  })
  scene.peer('192.0.2.1', { ...tlsScript, conditions: { tls: good } })
  const [result] = await scene.send()
  assert.equal(told(result), 'done relayed reply 2.0.0 mx.example.net mta-sts enforce mta-sts')
  assert.equal(bad.messages.length, 0)
})
