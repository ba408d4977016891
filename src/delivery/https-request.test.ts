// One small https request against a real server on loopback: certificates, sizes, times, redirects, private addresses.
import assert from 'node:assert/strict'
import { createServer, type Server } from 'node:https'
import type { AddressInfo } from 'node:net'
import { after, before, test } from 'node:test'
import { SeededRandom } from '../base/seeded-random.ts'
import { RealClock } from '../net/real-clock.ts'
import { makeSelfSigned } from '../net/self-signed.ts'
import { ZoneResolver } from '../net/zone-resolver.ts'
import { createHttpsRequest, type HttpsQuery } from './https-request.ts'

const resolver = new ZoneResolver('mta-sts.example.net. A 127.0.0.1\nother.example.net. A 127.0.0.1')
const clock = new RealClock()
let server: Server
let authority: string
let port = 0

before(async () => {
  const identity = await makeSelfSigned({
    names: ['mta-sts.example.net'],
    now: clock.now(),
    random: new SeededRandom(1),
  })
  authority = identity.certificate
  server = createServer({ cert: identity.certificate, key: identity.key }, (incoming, outgoing) => {
    if (incoming.url === '/hang') return
    if (incoming.url === '/away') outgoing.writeHead(301, { location: 'https://other.example.net/' }).end()
    else if (incoming.url === '/long') outgoing.end('x'.repeat(10_000))
    else outgoing.setHeader('content-type', 'text/plain').end(`${incoming.method} ${incoming.url}`)
  })
  await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve))
  // A server that listens on TCP has an address of this form.
  port = (server.address() as AddressInfo).port
})

after(() => {
  server.closeAllConnections()
  server.close()
})

function ask(url: string, change: Partial<HttpsQuery> = {}, allowPrivate = true) {
  const request = createHttpsRequest({ resolver, clock, allowPrivate, authorities: [authority] })
  return request({
    url: new URL(url.replace('PORT', String(port))),
    method: 'GET',
    headers: {},
    maxOctets: 1000,
    timeoutMilliseconds: 10_000,
    ...change,
  })
}

test('a page of a server that proves its name', async () => {
  assert.deepEqual(await ask('https://mta-sts.example.net:PORT/policy'), {
    ok: true,
    status: 200,
    contentType: 'text/plain',
    body: 'GET /policy',
  })
})

test('redirects are told, not followed', async () => {
  const answer = await ask('https://mta-sts.example.net:PORT/away')
  assert.equal(answer.ok && answer.status, 301)
})

const refusals: readonly (readonly [name: string, url: string, problem: RegExp, allowPrivate?: boolean])[] = [
  ['a certificate for another name', 'https://other.example.net:PORT/', /ERR_TLS_CERT_ALTNAME_INVALID/],
  ['a page that is too long', 'https://mta-sts.example.net:PORT/long', /longer than 1000 octets/],
  ['a private address', 'https://mta-sts.example.net:PORT/', /only private addresses/, false],
  ['a private address in the URL itself', 'https://127.0.0.1:PORT/', /only private addresses/, false],
  ['the same of IPv6', 'https://[::ffff:127.0.0.1]:PORT/', /only private addresses/, false],
  ['a name without address', 'https://none.example.net:PORT/', /no addresses/],
  ['plain http', 'http://mta-sts.example.net:PORT/', /not https/],
]

for (const [name, url, problem, allowPrivate] of refusals) {
  test(`refused: ${name}`, async () => {
    const answer = await ask(url, {}, allowPrivate)
    assert.ok(!answer.ok)
    assert.match(answer.problem, problem)
  })
}

test('a server that hangs is given up', async () => {
  const answer = await ask('https://mta-sts.example.net:PORT/hang', { timeoutMilliseconds: 50 })
  assert.ok(!answer.ok)
  assert.match(answer.problem, /timed out/)
})
