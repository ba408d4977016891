// Pages and their files, as a build leaves them: paths, caching, encodings, policies.
import assert from 'node:assert/strict'
import { mkdir, mkdtemp, rm, writeFile } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { dirname, join } from 'node:path'
import { test, type TestContext } from 'node:test'
import { brotliDecompressSync, gunzipSync } from 'node:zlib'
import type { HttpEnvironment } from '../base/http-mount.ts'
import type { Account } from '../store/model.ts'
import { createPages, type PagesOptions } from './pages.ts'

const built = {
  'webmail/index.html': '<title>Mail</title>',
  'account/index.html': '<title>Log in</title>',
  'catcher/index.html': '<title>Caught</title>',
  'frame/message.html': '<title>Message</title>',
  'frame/message-remote.html': '<title>Message</title>',
  'assets/app-abc123.js': 'let plain',
  'assets/app-abc123.js.br': 'BR',
  'assets/app-abc123.js.gz': 'GZ',
  'sw.js': 'self',
  'icon.svg': '<svg/>',
  'odd.exe': 'MZ',
  '.built': '',
}

async function open(
  context: TestContext,
  { files = built, ...options }: Partial<PagesOptions> & { files?: Record<string, string> } = {},
) {
  const folder = await mkdtemp(join(tmpdir(), 'posthorn-pages-'))
  context.after(() => rm(folder, { recursive: true }))
  for (const [name, text] of Object.entries(files)) {
    await mkdir(dirname(join(folder, name)), { recursive: true })
    await writeFile(join(folder, name), text)
  }
  const pages = createPages({ folder, home: 'webmail', strictTransport: 0, securePort: null, ...options })
  const get = (path: string, init: RequestInit & { secure?: boolean } = {}): Promise<Response> => {
    const { secure = true, ...request } = init
    const env: HttpEnvironment<Account> = {
      ...{ remoteAddress: '192.0.2.1', secure, stopping: new AbortController().signal },
      origin: `${secure ? 'https' : 'http'}://mail.example.org`,
      authenticate: () => Promise.reject(new Error('pages ask nobody who he is')),
    }
    return pages.fetch(new Request(`http://mail.example.org${path}`, request), env)
  }
  return { get, folder }
}

test('each page has all paths below its own', async (context) => {
  const { get } = await open(context)
  const title = async (path: string) => /<title>(.*)<\/title>/.exec(await (await get(path)).text())?.[1]
  assert.equal(await title('/mail/'), 'Mail')
  assert.equal(await title('/mail/inbox/42'), 'Mail')
  assert.equal(await title('/login'), 'Log in')
  assert.equal(await title('/setup'), 'Log in')
  assert.equal(await title('/account/passkeys'), 'Log in')
  const home = await get('/')
  assert.deepEqual([home.status, home.headers.get('location')], [302, '/mail/'])
  for (const path of [
    '/nothing',
    '/mail/nothing.js',
    '/assets/nothing.js',
    '/api/nothing',
    '/odd.exe',
    '/.built',
    '/%2e%2e/package.json',
  ]) {
    assert.equal((await get(path)).status, 404, path)
  }
  // People are told so by a page; programs, and whoever wants a file, by a problem.
  const asPeople = { headers: { accept: 'text/html,*/*;q=0.8' } }
  const lost = await get('/nothing', asPeople)
  assert.deepEqual([lost.status, lost.headers.get('content-type')], [404, 'text/html; charset=utf-8'])
  for (const path of ['/api/nothing', '/assets/nothing.js', '/jmap/nothing', '/odd.exe']) {
    const { status, headers } = await get(path, asPeople)
    assert.deepEqual([status, headers.get('content-type')], [404, 'application/problem+json'], path)
  }
  assert.equal((await get('/mail/', { method: 'POST' })).status, 405)
})

test('a catcher’s page is at home, with all paths that are nobody else’s', async (context) => {
  const { get } = await open(context, { home: 'catcher' })
  for (const path of ['/', '/view/abc', '/inbox/ann@example'])
    assert.match(await (await get(path)).text(), /Caught/, path)
  assert.match(await (await get('/mail/')).text(), /Mail/)
  assert.equal((await get('/api/v1/nothing')).status, 404)
})

test('hashed files are kept for ever, all else is asked for again by its hash', async (context) => {
  const { get } = await open(context)
  const asset = await get('/assets/app-abc123.js')
  assert.equal(asset.headers.get('cache-control'), 'public, max-age=31536000, immutable')
  assert.equal(asset.headers.get('content-type'), 'text/javascript; charset=utf-8')
  for (const path of ['/mail/', '/sw.js']) {
    const page = await get(path)
    assert.equal(page.headers.get('cache-control'), 'no-cache')
    const again = await get(path, { headers: { 'if-none-match': `"x", W/${page.headers.get('etag')}` } })
    assert.deepEqual([again.status, await again.text()], [304, ''])
  }
})

test('files are sent compressed to whoever takes it', async (context) => {
  const { get } = await open(context)
  const ask = async (accepted: string) => {
    const response = await get('/assets/app-abc123.js', { headers: { 'accept-encoding': accepted } })
    return `${response.headers.get('content-encoding')} ${await response.text()}`
  }
  assert.equal(await ask('gzip, deflate, br'), 'br BR')
  assert.equal(await ask('gzip'), 'gzip GZ')
  assert.equal(await ask('br;q=0, gzip;q=0.5'), 'gzip GZ')
  assert.equal(await ask('identity'), 'null let plain')
  const long = `export const text = '${'x'.repeat(2000)}'`
  const other = await open(context, { files: { 'assets/long-1.js': long, 'icon.png': 'p'.repeat(2000) } })
  for (const [accepted, coding] of [
    ['br', 'br'],
    ['gzip', 'gzip'],
  ]) {
    const response = await other.get('/assets/long-1.js', { headers: { 'accept-encoding': accepted ?? '' } })
    assert.equal(response.headers.get('content-encoding'), coding)
    const body = Buffer.from(await response.arrayBuffer())
    assert.equal((coding === 'br' ? brotliDecompressSync(body) : gunzipSync(body)).toString(), long)
  }
  const image = await other.get('/icon.png', { headers: { 'accept-encoding': 'br' } })
  assert.equal(image.headers.get('content-encoding'), null)
})

test('pages run and load nothing but their own; mail is shown in a sandbox without an origin', async (context) => {
  const { get } = await open(context)
  const page = await get('/mail/')
  const policy = page.headers.get('content-security-policy') ?? ''
  assert.match(policy, /^default-src 'none'; script-src 'self';/)
  assert.match(policy, /frame-ancestors 'none'/)
  assert.doesNotMatch(policy, /unsafe|https:|\*/)
  const worker = await get('/sw.js')
  assert.equal(worker.headers.get('content-security-policy'), policy)
  assert.equal(page.headers.get('referrer-policy'), 'no-referrer')
  assert.equal(page.headers.get('cross-origin-opener-policy'), 'same-origin')
  assert.match(page.headers.get('permissions-policy') ?? '', /camera=\(\)/)
  const frame = (await get('/frame/message')).headers.get('content-security-policy') ?? ''
  assert.match(frame, /sandbox allow-scripts/)
  assert.doesNotMatch(frame, /allow-same-origin|https:/)
  const remote = (await get('/frame/message-remote.html')).headers.get('content-security-policy') ?? ''
  assert.match(remote, /img-src 'self' data: blob: https: http:;/)
})

test('a connection on which nobody can log in leads to the one with TLS', async (context) => {
  const { get } = await open(context, { securePort: 8443, strictTransport: 3600 })
  const plain = await get('/mail/x?y=z', { secure: false })
  assert.deepEqual(
    [plain.status, plain.headers.get('location')],
    [302, 'https://mail.example.org:8443/mail/x?y=z'],
  )
  const secure = await get('/mail/')
  assert.equal(secure.headers.get('strict-transport-security'), 'max-age=3600')
})

test('pages that are not built say how, and are there as soon as they are', async (context) => {
  const { get, folder } = await open(context, { files: {} })
  const missing = await get('/mail/', { headers: { accept: 'text/html' } })
  assert.equal(missing.status, 503)
  assert.match(await missing.text(), /node scripts\/build-web\.ts/)
  assert.equal((await get('/assets/x.js')).status, 404)
  await mkdir(join(folder, 'webmail'))
  await writeFile(join(folder, 'webmail', 'index.html'), '<title>Mail</title>')
  assert.equal((await get('/mail/')).status, 200)
  // A later build puts another folder in its place.
  await rm(folder, { recursive: true })
  await mkdir(join(folder, 'webmail'), { recursive: true })
  await writeFile(join(folder, 'webmail', 'index.html'), '<title>Newer</title>')
  assert.match(await (await get('/mail/')).text(), /Newer/)
})
