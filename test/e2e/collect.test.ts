// `posthorn collect` as a customer runs it: two servers, both child processes, one that keeps mail and one that comes for it by ATRN
// (RFC 2645; docs/collect.md).
import assert from 'node:assert/strict'
import { writeFile } from 'node:fs/promises'
import { join } from 'node:path'
import { test } from 'node:test'
import { done, json, listener, posthorn, serve, temporaryPlace, writeConfig } from './program.ts'

test('collect fetches what waits, says what it did, and refuses to fetch what nobody would take', async (context) => {
  const provider = await temporaryPlace(context)
  const customer = await temporaryPlace(context)
  await writeConfig(
    provider.folder,
    `relay.enabled = true
${listener('odmr')}
[[smtp.odmr]]
account = "customer@mail.test"
domains = ["shop.test"]
`,
  )
  await done(provider.folder, ['domain', 'add', 'mail.test'])
  await done(provider.folder, ['account', 'import', '-'], 'customer@mail.test secret\nbob@mail.test secret\n')
  const keeping = await serve(provider)
  for (const number of [1, 2]) {
    const text = `Subject: ${number}\n\nHello.\n`
    await done(provider.folder, ['sendmail', '-f', 'bob@mail.test', 'ann@shop.test'], text)
  }
  await writeFile(join(customer.folder, 'provider.password'), 'secret\n')
  await writeConfig(
    customer.folder,
    `${listener('pop3')}
[[collect]]
name = "provider"
host = "127.0.0.1"
port = ${keeping.port('odmr')}
tls = "none"
authentication = { username = "customer@mail.test", passwordFile = "provider.password" }
`,
  )
  const fetching = await serve(customer)
  const early = await posthorn(customer.folder, ['collect'])
  assert.equal(early.code, 1)
  assert.match(early.stdout, /this server has no domain yet.*posthorn domain add/)
  assert.match(early.stderr, /Nothing could be collected from provider/)
  await done(customer.folder, ['domain', 'add', 'shop.test'])
  await done(customer.folder, ['account', 'import', '-'], 'ann@shop.test secret\n')
  assert.equal(await done(customer.folder, ['collect']), 'provider: 2 messages collected\n')
  await writeFile(join(customer.folder, 'password'), 'secret\n')
  const at = ['--pop3', `127.0.0.1:${fetching.port('pop3')}`, '--password-file', 'password']
  const texts = (await json(customer.folder, ['read', 'ann@shop.test', ...at])) as string[]
  const subjects = new Set(texts.map((text) => /^Subject: (.*)\r$/m.exec(text)?.[1]))
  assert.deepEqual([texts.length, subjects], [2, new Set(['1', '2'])])
  assert.equal(await done(customer.folder, ['collect', 'provider']), 'provider: no mail\n')
  const [visit] = (await json(customer.folder, ['collect'])) as { name: string; type: string }[]
  assert.deepEqual([visit?.name, visit?.type], ['provider', 'no-mail'])
  assert.equal((await posthorn(customer.folder, ['collect', 'nobody'])).code, 1)
  await keeping.stop()
  const gone = await posthorn(customer.folder, ['collect'])
  assert.equal(gone.code, 1)
  assert.match(gone.stdout, /^provider: failed at /)
  await fetching.stop()
  assert.equal((await posthorn(customer.folder, ['collect'])).code, 4)
})
