import { encode } from 'dns-packet'
import { Buffer } from 'node:buffer'
import { test } from 'node:test'
import fc from 'fast-check'
import { readResponse, type DnsQuery } from './dns-message.ts'

const soa = {
  mname: 'ns.example',
  rname: 'root.example',
  serial: 1,
  refresh: 1,
  retry: 1,
  expire: 1,
  minimum: 1,
}

test('no message makes the reader throw', () => {
  const query: DnsQuery = { id: 1, name: 'a.example', type: 'MX', edns: 'used' }
  const good = encode({
    type: 'response',
    id: 1,
    questions: [{ name: 'a.example', type: 'MX' }],
    answers: [{ name: 'a.example', type: 'MX', ttl: 1, data: { preference: 1, exchange: 'b.example' } }],
    authorities: [{ name: 'example', type: 'SOA', ttl: 1, data: soa }],
  })
  fc.assert(
    fc.property(
      fc.array(fc.tuple(fc.nat(good.length - 1), fc.nat(255)), { maxLength: 6 }),
      fc.nat(good.length),
      (changes, length) => {
        const message = Buffer.from(good)
        for (const [at, octet] of changes) message[at] = octet
        readResponse(message.subarray(0, length), query)
      },
    ),
    { numRuns: 300 },
  )
})
