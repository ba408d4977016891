import assert from 'node:assert/strict'
import { test } from 'node:test'
import { type Address, formatAddress, tryAddress } from './address.ts'
import { trySrsForward, trySrsReverse } from './srs.ts'
import { tryVerp, tryVerpReverse } from './verp.ts'

const key = { secret: new Uint8Array(32).fill(7), hashLength: 8 }
const day = 86_400_000
const now = 20_000 * day
const maxAge = 21 * day

function address(text: string): Address {
  const parsed = tryAddress(text, { utf8: true })
  assert.ok(parsed, text)
  return parsed
}

const forward = (text: string, at = now): string | undefined =>
  trySrsForward(address(text), { domain: 'house.example', now: at, key })

function reverse(text: string, at = now): string | undefined {
  const found = trySrsReverse(address(text), { now: at, maxAge, key })
  return found && formatAddress(found)
}

test('a sender is wrapped, and found again', () => {
  const wrapped = forward('ann.smith+x@far.example') ?? ''
  assert.match(wrapped, /^SRS0=[a-z2-7]{8}=[a-z2-7]{2}=far\.example=ann\.smith\+x@house\.example$/)
  assert.equal(reverse(wrapped), 'ann.smith+x@far.example')
  assert.equal(reverse(wrapped.toLowerCase()), 'ann.smith+x@far.example', 'hosts that fold case do no harm')
})

test('a local part with the separator in it comes back whole', () => {
  assert.equal(reverse(forward('a=b=c@far.example') ?? ''), 'a=b=c@far.example')
})

test('what another forwarder wrapped is wrapped once more, and then no longer', () => {
  const first = 'SRS0=abcd=ef=far.example=ann@one.example'
  const second = forward(first) ?? ''
  assert.match(second, /^SRS1=[a-z2-7]{8}=one\.example==abcd=ef=far\.example=ann@house\.example$/)
  assert.equal(reverse(second), 'SRS0=abcd=ef=far.example=ann@one.example')
  const other = { secret: new Uint8Array(32).fill(9), hashLength: 8 }
  const third = trySrsForward(address(second), { domain: 'third.example', now, key: other }) ?? ''
  assert.match(third, /^SRS1=[a-z2-7]{8}=one\.example==abcd=ef=far\.example=ann@third\.example$/)
  const back = trySrsReverse(address(third), { now, maxAge, key: other })
  assert.equal(back && formatAddress(back), first)
})

test('forged and old addresses lead nowhere', () => {
  const wrapped = forward('ann@far.example') ?? ''
  assert.equal(reverse(wrapped.replace('ann', 'bob')), undefined)
  assert.equal(reverse(wrapped.replace('far.example', 'victim.example')), undefined)
  assert.equal(reverse(wrapped, now + 21 * day), 'ann@far.example')
  assert.equal(reverse(wrapped, now + 22 * day), undefined)
  assert.equal(reverse(wrapped, now - day), 'ann@far.example', 'a clock that was set back')
  for (const text of [
    'SRS0=x@house.example',
    'SRS0@house.example',
    'ann@house.example',
    'SRS1=a=b=@x.example',
  ]) {
    assert.equal(reverse(text), undefined, text)
  }
})

test('what does not fit is not wrapped', () => {
  assert.equal(forward(`${'a'.repeat(60)}@far.example`), undefined)
  assert.equal(forward('jürgen@far.example'), undefined)
  assert.equal(forward('ann@[192.0.2.1]'), undefined)
})

test('a member’s bounce says by its address whom it is about', () => {
  const options = { key, separator: '+' }
  const path = tryVerp(address('news-owner@house.example'), address('bob=x@far.example'), options) ?? ''
  assert.match(path, /^news-owner\+b-[a-z2-7]{8}=bob=x=far\.example@house\.example$/)
  const found = tryVerpReverse(address(path), options)
  assert.equal(found && formatAddress(found.member), 'bob=x@far.example')
  assert.equal(found && formatAddress(found.owner), 'news-owner@house.example')
  assert.equal(tryVerpReverse(address(path.replace('bob', 'eve')), options), undefined)
  assert.equal(tryVerpReverse(address('news-owner+b-x@house.example'), options), undefined)
  assert.equal(tryVerpReverse(address('+b-x=a=b.example@house.example'), options), undefined)
  assert.equal(
    tryVerp(address('l@house.example'), address(`${'a'.repeat(55)}@far.example`), options),
    undefined,
  )
})
