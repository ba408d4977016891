import assert from 'node:assert/strict'
import { Buffer } from 'node:buffer'
import { test } from 'node:test'
import fc from 'fast-check'
import { feedEveryWay } from '../../test/support/feed.ts'
import { tryIpOctets } from '../base/ip-address.ts'
import { ProxyHeaderReader } from './proxy-protocol.ts'

const begins = [
  '',
  'PROXY ',
  'PROXY TCP4 ',
  'PROXY UNKNOWN',
  '\r\n\r\n\0\r\nQUIT\n',
  '\r\n\r\n\0\r\nQUIT\n\x21\x11\0\x0c',
]

test('no bytes make the reader throw, or give another result when cut; addresses are addresses', () => {
  const input = fc.tuple(fc.constantFrom(...begins), fc.uint8Array({ maxLength: 150 }))
  fc.assert(
    fc.property(input, ([begin, bytes]) => {
      const all = Buffer.concat([Buffer.from(begin, 'latin1'), bytes])
      feedEveryWay(
        all,
        (chunks) => {
          const reader = new ProxyHeaderReader(100)
          let taken = 0
          for (const chunk of chunks) {
            taken += chunk.length
            const step = reader.receive(chunk)
            if (step.type === 'more') continue
            if (step.type === 'invalid') return 'invalid'
            if (step.header.type === 'forwarded') {
              assert.ok(tryIpOctets(step.header.peer.remoteAddress))
              assert.ok(tryIpOctets(step.header.peer.localAddress))
            }
            return { header: step.header, length: taken - step.rest.length }
          }
          return 'more'
        },
        { cuts: 2 },
      )
    }),
    { numRuns: 300 },
  )
})
