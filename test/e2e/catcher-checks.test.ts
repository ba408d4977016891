// What the catcher says of a message, and how whole messages go in and come out.
import assert from 'node:assert/strict'
import { generateKeyPairSync } from 'node:crypto'
import { readdir, readFile, writeFile } from 'node:fs/promises'
import { join } from 'node:path'
import { test } from 'node:test'
import { dkimSign } from 'mailauth/lib/dkim/sign.js'
import { done, json as printed, posthorn, temporaryPlace } from './program.ts'
import { askCatcher, jsonRequest, letter, newestCaught, openCatcherHouse } from '../support/catcher-house.ts'

test('SPF, DKIM and DMARC as the world would see them, over a zone of the request', async (context) => {
  const the = await openCatcherHouse(context)
  const { privateKey, publicKey } = generateKeyPairSync('rsa', { modulusLength: 2048 })
  const message = letter('signed', 'hello').replaceAll('\n', '\r\n') + '\r\n'
  const key = {
    ...{ signingDomain: 'shop.example', selector: 's1', algorithm: 'rsa-sha256' },
    ...{ privateKey: privateKey.export({ type: 'pkcs8', format: 'pem' }).toString() },
  }
  const { signatures } = await dkimSign(message, {
    ...{ canonicalization: 'relaxed/relaxed', ...key, signatureData: [key] },
  })
  await the.send(`${signatures.trim()}\r\n${message.trimEnd()}`)
  const id = await newestCaught(the)
  const shown = publicKey.export({ type: 'spki', format: 'der' }).toString('base64')
  const zone = [
    'shop.example. TXT "v=spf1 ip4:198.51.100.7 -all"',
    `s1._domainkey.shop.example. TXT "v=DKIM1; k=rsa; p=${shown.slice(0, 200)}" "${shown.slice(200)}"`,
    '_dmarc.shop.example. TXT "v=DMARC1; p=reject"',
  ].join('\n')
  const path = `/messages/${id}/checks/authentication`
  type Check = Record<'spf' | 'dmarc', { result: string; record: string }> & {
    dkim: { result: string; aligned: boolean }[]
  }
  const good = await askCatcher<Check>(the, path, jsonRequest('POST', { zone, address: '198.51.100.7' }))
  assert.equal(good.spf.result, 'pass')
  assert.equal(good.dkim[0]?.result, 'pass')
  assert.equal(good.dmarc.result, 'pass')
  const elsewhere = await askCatcher<Check>(the, path, jsonRequest('POST', { zone, address: '203.0.113.9' }))
  assert.equal(elsewhere.spf.result, 'fail')
  assert.equal(elsewhere.dmarc.result, 'pass')
  const bare = await askCatcher<Check>(the, path, jsonRequest('POST', { zone: 'other.example. TXT "x"' }))
  assert.equal(bare.spf.result, 'none')
  assert.notEqual(bare.dkim[0]?.result, 'pass')
  const wrong = await the.get(`/api/v1/catcher${path}`, jsonRequest('POST', { zone: 'no zone at all' }))
  assert.equal(wrong.status, 400)
})

test('one-click: what is there, and what is missing', async (context) => {
  const the = await openCatcherHouse(context)
  await the.send(
    letter('news', 'x', [
      'List-Unsubscribe: <https://shop.example/u?1>, <mailto:u@shop.example>',
      'List-Unsubscribe-Post: List-Unsubscribe=One-Click',
    ]),
  )
  const id = await newestCaught(the)
  const found = await askCatcher<{ oneClick: boolean; problems: string[]; links: string[] }>(
    the,
    `/messages/${id}/checks/unsubscribe`,
  )
  assert.deepEqual(found.links, ['https://shop.example/u?1', 'mailto:u@shop.example'])
  assert.deepEqual(found.problems, ['one-click needs a DKIM signature that covers both fields'])
})

test('hostile HTML is a page that runs nothing and fetches nothing', async (context) => {
  const the = await openCatcherHouse(context)
  await the.send(
    letter('evil', '<script>alert(1)</script><img src="http://evil.example/x.png">', [
      'Content-Type: text/html',
    ]),
  )
  const id = await newestCaught(the)
  const page = await the.get(`/api/v1/catcher/messages/${id}/html`)
  const policy = page.headers.get('content-security-policy') ?? ''
  assert.match(policy, /default-src 'none'/)
  assert.match(policy, /img-src 'self' data:;/)
  assert.match(policy, /sandbox(?! allow-scripts)/)
  assert.doesNotMatch(policy, /script-src/)
})

test('fields of a header have the names that the sender wrote', async (context) => {
  const the = await openCatcherHouse(context)
  await the.send(letter('Hello', 'x', ['X-MyApp-ID: 7', 'list-ID: <a.test>']))
  const path = `/messages/${await newestCaught(the)}/headers`
  const { fields } = await askCatcher<{ fields: { name: string; value: string }[] }>(the, path)
  const own = fields.slice(fields.findIndex(({ name }) => name === 'From'))
  assert.deepEqual(
    own.map(({ name }) => name),
    ['From', 'To', 'Subject', 'X-MyApp-ID', 'list-ID'],
  )
})

test('the OpenAPI document names every route', async (context) => {
  const the = await openCatcherHouse(context)
  const { paths } = await askCatcher<{ paths: Record<string, object> }>(the, '/openapi.json')
  assert.ok(Object.keys(paths).length >= 28)
  assert.ok(paths['/api/v1/catcher/messages/{id}/checks/authentication'])
})

test('files go in, and what was caught comes out as files', async (context) => {
  const the = await openCatcherHouse(context, { catcher: { users: [{ name: 'dev', password: 'pass' }] } })
  const { folder } = await temporaryPlace(context)
  const mbox = [1, 2].map(
    (number) => `From app@shop.example Mon Jan  5 10:00:00 2026\n${letter(`mbox ${number}`)}\n\n`,
  )
  await writeFile(join(folder, 'in.mbox'), mbox.join(''))
  const where = ['--url', the.url, '--user', 'dev:pass']
  const put = ['catcher', 'ingest', join(folder, 'in.mbox'), ...where]
  assert.deepEqual(await printed(folder, put), { messages: 2, problems: [] })
  await done(folder, ['catcher', 'ingest', '-', '--to', 'qa@team.example', ...where], letter('by hand'))
  assert.deepEqual(
    (await the.catcher.find({})).messages.map(({ subject }) => subject),
    ['by hand', 'mbox 2', 'mbox 1'],
  )
  const out = join(folder, 'out')
  assert.match(
    await done(folder, ['catcher', 'dump', out, '--query', 'subject:mbox', ...where]),
    /^2 messages in /,
  )
  const files = await readdir(out)
  assert.equal(files.length, 2)
  const text = await readFile(join(out, files[0] ?? ''), 'utf8')
  assert.match(text, /^Return-Path: <app@shop\.example>\r\n[^]*Subject: mbox \d\r\n/)
  const refused = await posthorn(folder, ['catcher', 'dump', out, '--url', the.url])
  assert.equal(refused.code, 1)
  const nobody = await posthorn(folder, ['catcher', 'dump', out, '--url', 'http://127.0.0.1:1'])
  assert.equal(nobody.code, 4)
})
