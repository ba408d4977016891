// TLSA records against certificates: which records count, what they demand, and which chains meet them.
import assert from 'node:assert/strict'
import { Buffer } from 'node:buffer'
import { createHash, X509Certificate } from 'node:crypto'
import { test } from 'node:test'
import type { PeerCertificate } from '../../base/core.ts'
import type { DnsAnswer, TlsaRecord } from '../../base/resolver.ts'
import { readTlsa, tlsaBaseDomains, tlsaName, verifyDane } from './dane.ts'

// Made for this test: an authority, and a certificate for mx.example.net that it issued, valid for a year from 2026-11-22.
const leaf = facts(
  'MIIBljCCATugAwIBAgIUA8x8ImiJO0VSNFNtaR+WlGn48B8wCgYIKoZIzj0EAwIwEjEQMA4GA1UEAwwHVGVzdCBDQTAeFw0yNjExMjIwMjU0MTBaFw0yNzExMjIwMjU0MTBaMBkxFzAVBgNVBAMMDm14LmV4YW1wbGUubmV0MFkwEwYHKoZIzj0CAQYIKoZIzj0DAQcDQgAEBIn4Ckr2QT0dupB90amYpRvfS8ZSECEvuGZPbzBcVW9ssgUwgc8hqV5Hwue7vWwLVhHwQq/cTP6shT7lbXjo4KNoMGYwGQYDVR0RBBIwEIIObXguZXhhbXBsZS5uZXQwCQYDVR0TBAIwADAdBgNVHQ4EFgQUN6EFazOBKMIUeFfJ0scPdPS6LZswHwYDVR0jBBgwFoAU3B/4CBPbnmKrBuhpcCcxro/i7P4wCgYIKoZIzj0EAwIDSQAwRgIhAMW/ixyU0d7shvTzfj/NAwU52GjquzYBx/Es+fGuFWl1AiEAv1M/RXKtgYg6durRAswy2/bm+ytDWiVKRuTG06BOQiM=',
)
const authority = facts(
  'MIIBeTCCAR+gAwIBAgIUNnMzNhzmMNC2Kte8AzkQdiE+ax0wCgYIKoZIzj0EAwIwEjEQMA4GA1UEAwwHVGVzdCBDQTAeFw0yNjExMjIwMjU0MTBaFw0zNjExMTkwMjU0MTBaMBIxEDAOBgNVBAMMB1Rlc3QgQ0EwWTATBgcqhkjOPQIBBggqhkjOPQMBBwNCAARiuNV9oDPtMNgQlx/+WR6El0pvv17EwQPl/ujrL+NQcT/03OcP4GWrZiqeVwk8YdXPZx+Rz/85yuoheqKkfZ9+o1MwUTAdBgNVHQ4EFgQU3B/4CBPbnmKrBuhpcCcxro/i7P4wHwYDVR0jBBgwFoAU3B/4CBPbnmKrBuhpcCcxro/i7P4wDwYDVR0TAQH/BAUwAwEB/zAKBggqhkjOPQQDAgNIADBFAiEAvos6Os6ROkXwkECh/0mCaAije0J91dmrdQVE8Zqhwm0CIGB28b53+C7ZMQCnrWw2I9B7wuvF0h0TNmjchDkHNepr',
)

function facts(base64: string): { raw: Uint8Array; publicKey: Uint8Array } {
  const certificate = new X509Certificate(Buffer.from(base64, 'base64'))
  return { raw: certificate.raw, publicKey: certificate.publicKey.export({ type: 'spki', format: 'der' }) }
}

const chain: PeerCertificate = {
  chain: [leaf, authority],
  dnsNames: ['mx.example.net'],
  emailAddresses: [],
  problem: 'SELF_SIGNED_CERT_IN_CHAIN',
}
const inTime = Date.parse('2027-01-01T00:00:00Z')
const tooLate = Date.parse('2030-01-01T00:00:00Z')
const tooEarly = Date.parse('2020-01-01T00:00:00Z')

const sha = (name: string, bytes: Uint8Array) => createHash(name).update(bytes).digest()
const record = (usage: number, selector: number, matchingType: number, data: Uint8Array): TlsaRecord => {
  return { usage, selector, matchingType, data }
}

function answer(records: readonly TlsaRecord[], authentic = true): DnsAnswer<TlsaRecord> {
  return { ok: true, records, authentic, ttl: 60 }
}

test('which records count (RFC 7672 §2.2, §3.1.3)', () => {
  const good = record(3, 1, 1, sha('sha256', leaf.publicKey))
  assert.deepEqual(readTlsa(answer([good])), { type: 'authenticate', records: [good] })
  assert.deepEqual(readTlsa(answer([good], false)), { type: 'none' })
  assert.deepEqual(readTlsa({ ok: false, failure: 'nodata', authentic: false }), { type: 'none' })
  assert.deepEqual(readTlsa({ ok: false, failure: 'nxdomain', authentic: true }), { type: 'none' })
  for (const failure of ['servfail', 'refused', 'timeout', 'malformed'] as const) {
    assert.deepEqual(readTlsa({ ok: false, failure, authentic: false }), { type: 'unknown', reason: failure })
  }
  const unusable = [
    record(0, 1, 1, good.data),
    record(1, 1, 1, good.data),
    record(4, 1, 1, good.data),
    record(3, 2, 1, good.data),
    record(3, 1, 3, good.data),
    record(3, 1, 1, good.data.subarray(1)),
    record(3, 1, 2, good.data),
    record(3, 0, 0, new Uint8Array(0)),
  ]
  for (const one of unusable) assert.deepEqual(readTlsa(answer([one])), { type: 'encrypt' })
  assert.deepEqual(readTlsa(answer([...unusable, good])), { type: 'authenticate', records: [good] })
})

test('of the digests for one usage and selector the strongest counts (RFC 7671 §9)', () => {
  const weak = record(3, 1, 1, sha('sha256', leaf.publicKey))
  const strong = record(3, 1, 2, sha('sha512', authority.publicKey))
  const other = record(3, 0, 1, sha('sha256', leaf.raw))
  assert.deepEqual(readTlsa(answer([weak, strong, other])), {
    type: 'authenticate',
    records: [strong, other],
  })
})

const verify = (records: readonly TlsaRecord[], change: Partial<Parameters<typeof verifyDane>[0]> = {}) =>
  verifyDane({ records, certificate: chain, referenceNames: ['mx.example.net'], now: inTime, ...change })

test('DANE-EE matches by certificate or key, whole or digested; name and dates do not matter', () => {
  const forms = [
    record(3, 0, 0, leaf.raw),
    record(3, 1, 0, leaf.publicKey),
    record(3, 0, 1, sha('sha256', leaf.raw)),
    record(3, 1, 2, sha('sha512', leaf.publicKey)),
  ]
  for (const one of forms) {
    const result = verify([one], { now: tooLate, referenceNames: ['else.example'] })
    assert.deepEqual(result, { ok: true, usage: 'dane-ee' })
  }
  assert.deepEqual(verify([record(3, 1, 1, sha('sha256', authority.publicKey))]), {
    ok: false,
    failure: 'no-match',
  })
})

test('DANE-TA wants a valid path to the anchor and a reference name', () => {
  const anchor = record(2, 0, 1, sha('sha256', authority.raw))
  assert.deepEqual(verify([anchor]), { ok: true, usage: 'dane-ta' })
  assert.deepEqual(verify([anchor], { now: tooLate }), { ok: false, failure: 'expired' })
  assert.deepEqual(verify([anchor], { now: tooEarly }), { ok: false, failure: 'expired' })
  assert.deepEqual(verify([anchor], { referenceNames: ['example.net'] }), {
    ok: false,
    failure: 'name-mismatch',
  })
  assert.deepEqual(verify([anchor], { certificate: { ...chain, chain: [leaf] } }), {
    ok: false,
    failure: 'no-match',
  })
  assert.deepEqual(verify([anchor], { certificate: null }), { ok: false, failure: 'no-certificate' })
  const leafAsIssuer = { ...chain, chain: [leaf, leaf, authority] }
  const second = record(2, 1, 0, authority.publicKey)
  assert.deepEqual(verify([second], { certificate: leafAsIssuer }), {
    ok: false,
    failure: 'not-an-authority',
  })
  // A key that the owner names as its anchor may be the leaf's own.
  assert.deepEqual(verify([record(2, 1, 0, leaf.publicKey)]), { ok: true, usage: 'dane-ta' })
})

test('where records are looked for (RFC 7672 §2.2.2)', () => {
  const host = {
    name: 'mx.a.example',
    expanded: 'mx.a.example',
    addressesAuthentic: true,
    aliasAuthentic: true,
  }
  assert.deepEqual(tlsaBaseDomains(host), ['mx.a.example'])
  assert.deepEqual(tlsaBaseDomains({ ...host, addressesAuthentic: false, aliasAuthentic: false }), [])
  const alias = { ...host, expanded: 'mx.b.example' }
  assert.deepEqual(tlsaBaseDomains(alias), ['mx.b.example', 'mx.a.example'])
  assert.deepEqual(tlsaBaseDomains({ ...alias, addressesAuthentic: false }), ['mx.a.example'])
  assert.deepEqual(tlsaBaseDomains({ ...alias, addressesAuthentic: false, aliasAuthentic: false }), [])
  assert.equal(tlsaName('mx.a.example', 25), '_25._tcp.mx.a.example')
})
