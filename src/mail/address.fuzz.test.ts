// Properties of the mailbox grammar: never throws, and what it accepts it writes and reads again as the same thing.
import assert from 'node:assert/strict'
import { test } from 'node:test'
import fc from 'fast-check'
import { addressKey, formatAddress, makeAddress, parseAddress, tryAddress } from './address.ts'
import { tryAddressLiteral, tryIpv6 } from './domain.ts'

const hostile = fc.string({ unit: fc.constantFrom(...'ab.@"\\[]<>() \r\n\0:é\ud800%!'), maxLength: 40 })

test('any text parses or is refused, and what parses survives formatting', () => {
  fc.assert(
    fc.property(fc.oneof(hostile, fc.string({ unit: 'binary' })), fc.boolean(), (text, utf8) => {
      const parsed = parseAddress(text, { utf8 })
      if (!parsed.ok) return
      const written = formatAddress(parsed.address)
      assert.deepEqual(tryAddress(written, { utf8 }), parsed.address)
      assert.doesNotMatch(written, /[\r\n\0]/)
      const key = tryAddress(addressKey(parsed.address), { utf8 })
      if (key !== undefined) assert.equal(addressKey(key), addressKey(parsed.address))
    }),
    { numRuns: 500 },
  )
})

test('any printable local part can be written and comes back', () => {
  const printable = fc.string({ minLength: 0, maxLength: 30 })
  fc.assert(
    fc.property(printable, (localPart) => {
      const address = makeAddress(localPart, 'example.org')
      assert.ok(address)
      assert.equal(tryAddress(formatAddress(address))?.localPart, localPart)
    }),
  )
})

test('IPv6 has one spelling', () => {
  fc.assert(
    fc.property(fc.ipV6(), (text) => {
      const once = tryIpv6(text)
      assert.ok(once !== undefined, text)
      assert.equal(tryIpv6(once), once)
      assert.equal(tryAddressLiteral(`[IPv6:${text}]`), `[IPv6:${once}]`)
    }),
  )
})
