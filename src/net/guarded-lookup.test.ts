// A name that somebody else chose: the address that was judged is the one that is connected to, however often the name changes its mind.
import assert from 'node:assert/strict'
import { once } from 'node:events'
import { createServer, request } from 'node:http'
import { test, type TestContext } from 'node:test'
import { guardedLookup, leadsInside } from './guarded-lookup.ts'
import { isPublicAddress } from './public-address.ts'
import { ZoneResolver } from './zone-resolver.ts'

async function inside(context: TestContext): Promise<{ port: number; asked: () => number }> {
  let asked = 0
  const server = createServer((_, response) => {
    asked++
    response.end('secret')
  })
  server.listen(0, '127.0.0.1')
  context.after(() => server.close())
  await once(server, 'listening')
  const address = server.address()
  assert.ok(typeof address === 'object' && address !== null)
  return { port: address.port, asked: () => asked }
}

function get(url: string, resolver: ZoneResolver, isAllowed: (address: string) => boolean): Promise<string> {
  return new Promise((resolve) => {
    const asking = request(
      url,
      { agent: false, lookup: guardedLookup({ resolver, isAllowed }) },
      (response) => {
        response.resume()
        resolve(String(response.statusCode))
      },
    )
    asking.on('error', (error) => resolve(error.message))
    asking.end()
  })
}

test('a name that leads inside by the time of the connection is not connected to', async (context) => {
  const { port, asked } = await inside(context)
  const resolver = new ZoneResolver('rebind.test. A 93.184.215.14\n')
  // Somebody has looked at the name before, and found it good.
  assert.deepEqual(await resolver.a('rebind.test'), { ...(await resolver.a('rebind.test')), ok: true })
  resolver.load('rebind.test. A 127.0.0.1\n')
  assert.equal(
    await get(`http://rebind.test:${port}/`, resolver, isPublicAddress),
    'rebind.test: only private addresses',
  )
  assert.equal(asked(), 0)
})

test('the name is asked once, and of its addresses those alone are tried that are allowed', async (context) => {
  const { port, asked } = await inside(context)
  const resolver = new ZoneResolver(
    'mixed.test. A 127.0.0.1\nmixed.test. A 127.0.0.7\nmixed.test. AAAA ::1\n',
  )
  const tried: string[] = []
  const answer = await get(`http://mixed.test:${port}/`, resolver, (address) => {
    tried.push(address)
    return address === '127.0.0.1'
  })
  assert.equal(answer, '200')
  assert.equal(asked(), 1)
  assert.deepEqual(tried.toSorted(), ['127.0.0.1', '127.0.0.7', '::1'].toSorted())
  assert.deepEqual(resolver.asked.toSorted(), ['A mixed.test', 'AAAA mixed.test'])
})

test('an address instead of a name is judged before the connection', () => {
  for (const host of [
    '127.0.0.1',
    '[::1]',
    '2130706433',
    '0x7f.1',
    '[::ffff:10.0.0.1]',
    '[64:ff9b::a00:1]',
  ]) {
    assert.equal(leadsInside(new URL(`http://${host}/`), isPublicAddress), true, host)
  }
  assert.equal(leadsInside(new URL('http://93.184.215.14/'), isPublicAddress), false)
})
