// The client's name by reverse DNS: only where it leads back.
import assert from 'node:assert/strict'
import { test } from 'node:test'
import type { DnsAnswer, Resolver } from '../../base/resolver.ts'
import { findReverseName } from './reverse-name.ts'

function resolver(names: readonly string[], forward: Record<string, readonly string[]>): Resolver {
  const found = <T>(records: readonly T[] | undefined): Promise<DnsAnswer<T>> =>
    Promise.resolve(
      records === undefined
        ? { ok: false, failure: 'nxdomain', authentic: false }
        : { ok: true, records, authentic: false, ttl: 60 },
    )
  const none = <T>(): Promise<DnsAnswer<T>> => found<T>(undefined)
  return {
    a: (name) => found(forward[name]),
    aaaa: (name) => found(forward[name]),
    mx: none,
    txt: none,
    cname: none,
    tlsa: none,
    reverse: () => found(names.length === 0 ? undefined : names),
  }
}

test('a name counts only where it leads back to the address', async () => {
  const forward = {
    'good.example': ['192.0.2.1'],
    'liar.example': ['192.0.2.9'],
    'six.example': ['2001:db8::1'],
  }
  assert.equal(
    await findReverseName(resolver(['liar.example', 'good.example'], forward), '192.0.2.1'),
    'good.example',
  )
  assert.equal(await findReverseName(resolver(['liar.example'], forward), '192.0.2.1'), null)
  assert.equal(await findReverseName(resolver(['six.example'], forward), '2001:db8::1'), 'six.example')
  assert.equal(await findReverseName(resolver([], forward), '192.0.2.1'), null)
})

test('a resolver that fails is as good as none', async () => {
  const broken = { ...resolver([], {}), reverse: () => Promise.reject(new Error('broken')) }
  assert.equal(await findReverseName(broken, '192.0.2.1'), null)
})
