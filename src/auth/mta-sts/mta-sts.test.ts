// MTA-STS on paper: the record, the policy, and which hosts and certificates they let pass.
import assert from 'node:assert/strict'
import { test } from 'node:test'
import fc from 'fast-check'
import { certificateNames } from '../certificate-name.ts'
import { certificateProblem, policyNamesHost, tryStsPolicy } from './policy.ts'
import { stsPolicyUrl, tryStsRecord } from './record.ts'

test('the record (RFC 8461 §3.1)', () => {
  assert.equal(tryStsRecord(['v=STSv1; id=20160831085700Z;']), '20160831085700Z')
  assert.equal(tryStsRecord(['v=spf1 -all', 'v=STSv1;id=a']), 'a')
  assert.equal(tryStsRecord(['v=STSv1; id=a; ext=with=equals']), 'a')
  for (const records of [
    [],
    ['v=STSv1; id=a', 'v=STSv1; id=b'],
    ['v=STSv2; id=a'],
    ['v=STSv1;'],
    ['v=STSv1; id='],
    ['v=STSv1; id=not-alnum'],
    [`v=STSv1; id=${'a'.repeat(33)}`],
    ['V=STSv1; id=a'],
    ['v=STSv1; id=a; junk'],
  ]) {
    assert.equal(tryStsRecord(records), undefined, records.join(' | '))
  }
  assert.equal(stsPolicyUrl('example.com').href, 'https://mta-sts.example.com/.well-known/mta-sts.txt')
})

test('the policy (RFC 8461 §3.2)', () => {
  const text =
    'version: STSv1\nmode: enforce\nmx: mail.example.com\nmx: *.example.net\nmx: backupmx.example.com\nmax_age: 604800\n'
  const policy = {
    mode: 'enforce' as const,
    maxAge: 604_800_000,
    mx: ['mail.example.com', '*.example.net', 'backupmx.example.com'],
  }
  assert.deepEqual(tryStsPolicy(text), policy)
  assert.deepEqual(tryStsPolicy(text.replaceAll('\n', '\r\n')), policy)
  assert.deepEqual(tryStsPolicy(`${text}mode: none\nnew_key: x\n`), policy)
  assert.equal(tryStsPolicy(text.replace('604800', '99999999999')), undefined)
  assert.equal(tryStsPolicy(text.replace('604800', '9999999999'))?.maxAge, 31_557_600_000)
  assert.deepEqual(tryStsPolicy('version: STSv1\nmode: none\nmax_age: 0')?.mx, [])
  for (const bad of [
    '',
    'junk',
    text.replace('STSv1', 'STSv2'),
    text.replace('enforce', 'maybe'),
    text.replace('604800', '-1'),
    text.replace('*.example.net', '*'),
    text.replace('*.example.net', 'mail.*.net'),
    text.replace(/max_age.*\n/, ''),
    text.replaceAll(/mx: .*\n/g, ''),
    `${text}${'x: y\n'.repeat(20_000)}`,
  ]) {
    assert.equal(tryStsPolicy(bad), undefined, bad.slice(0, 200))
  }
})

test('which hosts a policy names (RFC 8461 §4.1)', () => {
  const policy = { mode: 'enforce' as const, maxAge: 1, mx: ['mail.example.com', '*.example.net'] }
  assert.equal(policyNamesHost(policy, 'MAIL.example.com'), true)
  assert.equal(policyNamesHost(policy, 'a.example.net'), true)
  for (const host of ['example.net', 'a.b.example.net', 'mail.example.org', '.example.net']) {
    assert.equal(policyNamesHost(policy, host), false, host)
  }
})

test('whom a certificate is for (RFC 6125 §6.4)', () => {
  const names = ['mail.example.com', '*.example.net', 'f*.example.org', '*', '*.com']
  assert.equal(certificateNames(names, 'Mail.Example.Com'), true)
  assert.equal(certificateNames(names, 'x.example.net'), true)
  for (const host of ['x.y.example.net', 'example.net', 'foo.example.org', 'anything', 'other.com', '']) {
    assert.equal(certificateNames(names, host), false, host)
  }
  const certificate = { chain: [], dnsNames: ['mx.example.net'], emailAddresses: [], problem: null }
  assert.equal(certificateProblem(certificate, 'mx.example.net'), null)
  assert.equal(certificateProblem(certificate, 'mx2.example.net'), 'name-mismatch')
  assert.equal(
    certificateProblem({ ...certificate, problem: 'CERT_HAS_EXPIRED' }, 'mx.example.net'),
    'CERT_HAS_EXPIRED',
  )
  assert.equal(certificateProblem(null, 'mx.example.net'), 'no-certificate')
})

test('no text makes the parsers throw', () => {
  fc.assert(
    fc.property(fc.string({ unit: 'binary', maxLength: 300 }), (text) => {
      tryStsPolicy(text)
      tryStsPolicy(`version: STSv1\nmode: enforce\n${text}`)
      tryStsRecord([text, `v=STSv1; ${text}`])
    }),
    { numRuns: 300 },
  )
})
