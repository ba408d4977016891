import assert from 'node:assert/strict'
import { once } from 'node:events'
import { createServer } from 'node:http'
import { type TestContext, test } from 'node:test'
import { isPublicAddress } from '../../net/public-address.ts'
import { RealClock } from '../../net/real-clock.ts'
import { createPushRequest, type PushAnswer } from './push-request.ts'

/** Names that lead to these addresses, whatever their case. */
const names: Readonly<Record<string, readonly string[]>> = {
  'inside.test': ['10.0.0.7'],
  'loop.test': ['127.0.0.1'],
  'six.test': ['::1', 'fd00::1', '::ffff:127.0.0.1'],
}

const clock = new RealClock()

function post(
  url: string,
  isAllowed: (address: string) => boolean,
  timeoutMilliseconds = 2000,
): Promise<PushAnswer> {
  const look = (family: 4 | 6) => async (name: string) => ({
    ok: true as const,
    records: (names[name] ?? []).filter((address) => address.includes(':') === (family === 6)),
    ...{ ttl: 60, isAuthentic: false, canonicalName: name },
  })
  // The fields that a look-up of push services reads.
  const resolver = { a: look(4), aaaa: look(6) } as unknown as Parameters<
    typeof createPushRequest
  >[0]['resolver']
  const request = createPushRequest({ resolver, clock, isAllowed })
  return request({ url, headers: { ttl: '1' }, body: Buffer.from('{}'), timeoutMilliseconds })
}

test('no address of this machine or its networks is asked, however it is written', async () => {
  for (const url of [
    'https://127.0.0.1/',
    'https://2130706433/',
    'https://0x7f.1/',
    'https://[::1]/',
    'https://[::ffff:127.0.0.1]/',
    'https://192.168.1.1:8080/',
    'https://169.254.169.254/latest/meta-data',
    'https://inside.test/',
    'https://LOOP.test/',
    'https://six.test/',
    'https://nowhere.test/',
  ]) {
    const answer = await post(url, isPublicAddress)
    assert.ok(!answer.ok && answer.problem.endsWith('addresses'), `${url}: ${JSON.stringify(answer)}`)
  }
})

async function service(
  context: TestContext,
  status: number,
  headers = {},
): Promise<{ port: number; asked: string[] }> {
  const asked: string[] = []
  const server = createServer((request, response) => {
    asked.push(`${request.method} ${request.url} ${request.headers['content-length']}`)
    if (status !== 0) response.writeHead(status, headers).end('body that nobody reads')
  })
  server.listen(0, '127.0.0.1')
  context.after(() => {
    server.closeAllConnections()
    server.close()
  })
  await once(server, 'listening')
  const address = server.address()
  assert.ok(typeof address === 'object' && address !== null)
  return { port: address.port, asked }
}

test('a service answers with its status; redirects are not followed', async (context) => {
  const { port, asked } = await service(context, 302, { location: '/other', 'retry-after': '7' })
  const answer = await post(`http://loop.test:${port}/push?x=1`, () => true)
  assert.deepEqual(answer, { ok: true, status: 302, retryAfter: '7' })
  assert.deepEqual(asked, ['POST /push?x=1 2'])
})

test('a service that does not answer is given up', async (context) => {
  const { port } = await service(context, 0)
  const answer = await post(`http://127.0.0.1:${port}/`, () => true, 50)
  assert.ok(!answer.ok && answer.problem.includes('timed out'))
})
