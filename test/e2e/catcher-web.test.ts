// How the catcher is reached by HTTP: below a path, over TLS, by name and password, from pages of other origins.
import assert from 'node:assert/strict'
import { get } from 'node:https'
import { test } from 'node:test'
import WebSocket from 'ws'
import { letter, openCatcherHouse } from '../support/catcher-house.ts'

const picture = [
  ...['MIME-Version: 1.0', 'Content-Type: multipart/related; boundary=b', '', '--b'],
  ...['Content-Type: text/html', '', '<img src="cid:one">', '--b', 'Content-Type: image/gif'],
  ...['Content-ID: <one>', 'Content-Transfer-Encoding: base64', ''],
  ...['R0lGODlhAQABAIAAAAAAAP///yH5BAEAAAAALAAAAAABAAEAAAIBRAA7', '--b--', ''],
].join('\n')

test('below a path: page, both APIs, live events, JMAP; nothing beside it', async (context) => {
  const the = await openCatcherHouse(context, { catcher: { webRoot: '/mail/pit/' } })
  await the.send(`From: app@shop.example\nTo: ann@example.org\nSubject: One\n${picture}`)
  const at = (path: string) => the.get(`/mail/pit${path}`, { redirect: 'manual' })
  for (const path of ['/', '/api/v1/messages', '/mail/pitfall/', '/assets/x.js'])
    assert.equal((await the.get(path, { redirect: 'manual' })).status, 404, path)
  const { headers } = await the.get('/mail/pit', { redirect: 'manual' })
  assert.equal(headers.get('location'), '/mail/pit/')

  const { messages } = (await (await at('/api/v1/messages')).json()) as { messages: { ID: string }[] }
  const id = messages[0]?.ID ?? assert.fail()
  const view = await at('/view/latest')
  assert.deepEqual([view.status, view.headers.get('location')], [302, `/mail/pit/?message=${id}`])
  for (const path of ['/view/latest.html', `/api/v1/catcher/messages/${id}/html`]) {
    const html = await (await at(path)).text()
    const [, source = ''] = /src="([^"]+)"/.exec(html) ?? []
    assert.match(source, /^\/mail\/pit\/api\//)
    assert.equal((await the.get(source)).headers.get('content-type'), 'image/gif')
  }
  const words = await (await at('/api/')).text()
  assert.match(words, /<h2>Caught mail<\/h2>.*\/api\/v1\/catcher\/messages\/\{id\}.*<h2>Mail<\/h2>/s)
  for (const [, href = ''] of words.matchAll(/<a href="([^"]+)">/g)) {
    const document = await the.get(new URL(href, `${the.url}/mail/pit/api/`).pathname)
    assert.equal(((await document.json()) as { openapi: string }).openapi, '3.1.0')
  }
  assert.equal((await at('/livez')).status, 200)
  const session = (await (
    await the.get('/mail/pit/jmap/session', {
      headers: { authorization: `Basic ${Buffer.from('ann@example.org:any').toString('base64')}` },
    })
  ).json()) as { apiUrl: string }
  assert.equal(session.apiUrl, `${the.url}/mail/pit/jmap/api`)

  for (const path of ['/mail/pit/api/events', '/mail/pit/api/v1/catcher/live']) {
    const socket = new WebSocket(`${the.url.replace('http', 'ws')}${path}`)
    context.after(() => socket.terminate())
    await new Promise((resolve, reject) => socket.once('message', resolve).once('error', reject))
  }
  const outside = new WebSocket(`${the.url.replace('http', 'ws')}/api/events`)
  const refused = await new Promise<string>((resolve) =>
    outside.once('error', ({ message }) => resolve(message)),
  )
  assert.match(refused, /404/)
  const stream = await at('/api/v1/catcher/events')
  assert.equal(stream.headers.get('content-type'), 'text/event-stream')
  await stream.body?.cancel()
})

test('over TLS: the page and its API', async (context) => {
  const listen = (service: 'catcher' | 'http', tls: 'none' | 'implicit') =>
    ({ service, address: '127.0.0.1', port: 0, tls }) as const
  const the = await openCatcherHouse(context, {
    listeners: [listen('catcher', 'none'), listen('http', 'implicit')],
  })
  await the.send(letter('Secure'))
  const text = await new Promise<string>((resolve, reject) => {
    const url = `${the.url.replace('http:', 'https:')}/api/v1/messages`
    const asked = get(url, { rejectUnauthorized: false }, (answer) => {
      let heard = ''
      answer.setEncoding('utf8')
      answer.on('data', (piece: string) => (heard += piece)).on('end', () => resolve(heard))
    })
    asked.on('error', reject)
  })
  assert.match(text, /"Subject":"Secure"/)
})

test('by name and password, and from pages of listed origins', async (context) => {
  const the = await openCatcherHouse(context, {
    catcher: { users: [{ name: 'dev', password: 'long enough' }], cors: ['https://app.example'] },
  })
  const authorization = `Basic ${Buffer.from('dev:long enough').toString('base64')}`
  const origin = 'https://app.example'
  for (const path of ['/api/v1/messages', '/api/v1/catcher/messages', '/view/latest', '/api/events']) {
    const { status, headers } = await the.get(path)
    assert.deepEqual([status, headers.get('www-authenticate')?.slice(0, 5)], [401, 'Basic'], path)
  }
  for (const path of ['/api/v1/messages', '/api/v1/catcher/messages']) {
    assert.equal((await the.get(path, { headers: { authorization } })).status, 200)
    const preflight = await the.get(path, {
      method: 'OPTIONS',
      headers: { origin, 'access-control-request-method': 'DELETE' },
    })
    assert.deepEqual(
      [preflight.status, preflight.headers.get('access-control-allow-origin')],
      [204, origin],
      path,
    )
    const foreign = await the.get(path, { headers: { authorization, origin: 'https://evil.example' } })
    assert.equal(foreign.headers.get('access-control-allow-origin'), null)
  }
  const deleted = await the.get('/api/v1/messages', {
    method: 'DELETE',
    headers: { authorization, origin },
  })
  assert.deepEqual([deleted.status, deleted.headers.get('access-control-allow-origin')], [200, origin])
})
