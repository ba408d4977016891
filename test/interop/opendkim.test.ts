// opendkim as a milter: it signs what Posthorn's milter client shows it, and verifies what it signed, by both canonicalizations.
//
// The strict one (`simple`) covers every octet of the header, its folding and blanks, so a signature that verifies shows that
// messages pass through the protocol, and rewrites come back, without a change.
import assert from 'node:assert/strict'
import { generateKeyPairSync } from 'node:crypto'
import { spawn } from 'node:child_process'
import { once } from 'node:events'
import { mkdtemp, rm, writeFile } from 'node:fs/promises'
import { createServer } from 'node:net'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { test, type TestContext } from 'node:test'
import { RealRandom } from '../../src/base/real-random.ts'
import type { Rewrite } from '../../src/config/hooks.ts'
import { resolveConfig } from '../../src/config/layers.ts'
import { createEvents, EventMemory } from '../../src/events/event.ts'
import { createPolicy } from '../../src/hooks/chain.ts'
import type { MessageVerdict } from '../../src/hooks/policy.ts'
import { editHeader } from '../../src/mail/header-edit.ts'
import { RealClock } from '../../src/net/real-clock.ts'
import { SocketNetwork } from '../../src/net/socket-network.ts'
import { hookHello, hookMail, hookMessage, hookRcpt } from '../support/hook-session.ts'
import { missing } from './tool.ts'

const skip = missing('opendkim')

async function freePort(): Promise<number> {
  const server = createServer().listen(0, '127.0.0.1')
  await once(server, 'listening')
  const address = server.address()
  server.close()
  await once(server, 'close')
  assert.ok(typeof address === 'object' && address !== null)
  return address.port
}

/** Starts one in the foreground with these settings, and waits until it accepts connections. */
async function startOpendkim(context: TestContext, settings: Record<string, string>): Promise<number> {
  const folder = await mkdtemp(join(tmpdir(), 'posthorn-opendkim-'))
  const port = await freePort()
  const file = join(folder, 'opendkim.conf')
  const all = { Socket: `inet:${port}@127.0.0.1`, Background: 'no', Syslog: 'no', ...settings }
  const lines = Object.entries(all).map(([name, value]) => `${name} ${value}\n`)
  await writeFile(file, lines.join(''))
  const child = spawn('opendkim', ['-f', '-x', file], { stdio: ['ignore', 'pipe', 'pipe'] })
  let said = ''
  child.stderr.on('data', (chunk: Buffer) => (said += chunk.toString()))
  context.after(async () => {
    if (child.exitCode === null) {
      child.kill('SIGKILL')
      await once(child, 'exit')
    }
    await rm(folder, { recursive: true, force: true })
  })
  const clock = new RealClock()
  const network = new SocketNetwork(clock)
  for (let attempt = 0; attempt < 500; attempt++) {
    assert.equal(child.exitCode, null, `opendkim ended: ${said}`)
    try {
      const connection = await network.dial({ address: '127.0.0.1', port, timeoutMilliseconds: 1000 })
      connection.destroy()
      return port
    } catch {
      await clock.sleep(20)
    }
  }
  throw new Error(`opendkim does not listen: ${said}`)
}

async function judge(port: number, text: string, username: string | null): Promise<MessageVerdict | null> {
  const clock = new RealClock()
  const memory = new EventMemory()
  const { hooks } = resolveConfig([
    { name: 'test', settings: { hooks: { milters: [{ name: 'opendkim', port }] } } },
  ])
  const policy = createPolicy(hooks, {
    clock,
    random: new RealRandom(),
    events: createEvents([memory]),
    dialer: new SocketNetwork(clock),
    httpFetch: fetch,
    hostname: 'mx.example.net',
    maxMessageSize: 0,
  })
  const session = policy?.open()
  assert.ok(session)
  assert.equal(await session.connect(hookHello), null)
  assert.equal(await session.hello(hookHello), null)
  assert.equal(await session.mail({ ...hookMail, username }), null)
  assert.equal(await session.rcpt({ ...hookRcpt, username }), null)
  const verdict = await session.message({ ...hookMessage(text, 999), username })
  session.closed()
  assert.deepEqual(
    memory.records.filter(({ name }) => name === 'hook.failed'),
    [],
  )
  return verdict
}

function applied(text: string, rewrites: readonly Rewrite[]): string {
  const end = text.indexOf('\r\n\r\n') + 4
  const header = rewrites.reduce((sum, rewrite) => editHeader(sum, rewrite.header ?? []), text.slice(0, end))
  return header + text.slice(end)
}

async function sign(port: number, text: string): Promise<string> {
  const verdict = await judge(port, text, 'ann@example.org')
  assert.equal(verdict?.type, 'rewrite')
  return applied(text, verdict.rewrites)
}

const message = [
  'Subject:  two blanks,  and\r\n\tfolded by a tab',
  'From: Ann <ann@example.org>',
  'To:bob@example.net',
  'Date: Sun, 22 Nov 2026 10:00:00 +0000',
  'Message-ID: <1@example.org>',
  '',
  'Hello  Bob, \r\n.\r\n',
  '',
].join('\r\n')

for (const canonicalization of ['simple/simple', 'relaxed/relaxed']) {
  test(`opendkim signs and verifies by ${canonicalization}`, { skip }, async (context) => {
    const folder = await mkdtemp(join(tmpdir(), 'posthorn-keys-'))
    context.after(() => rm(folder, { recursive: true, force: true }))
    const { privateKey, publicKey } = generateKeyPairSync('rsa', {
      modulusLength: 2048,
      publicKeyEncoding: { type: 'spki', format: 'der' },
      privateKeyEncoding: { type: 'pkcs8', format: 'pem' },
    })
    const keyFile = join(folder, 'private.pem')
    const keysFile = join(folder, 'public.txt')
    await writeFile(keyFile, privateKey, { mode: 0o600 })
    const record = `v=DKIM1; k=rsa; p=${publicKey.toString('base64')}`
    await writeFile(keysFile, `sel._domainkey.example.org ${record}\n`)
    const signer = await startOpendkim(context, {
      Mode: 's',
      Domain: 'example.org',
      Selector: 'sel',
      KeyFile: keyFile,
      RequireSafeKeys: 'no',
      Canonicalization: canonicalization,
    })
    const verifier = await startOpendkim(context, {
      Mode: 'v',
      TestPublicKeys: keysFile,
      AlwaysAddARHeader: 'yes',
      'On-BadSignature': 'reject',
    })
    const long = `${message}${'x'.repeat(70)}\r\n`
    for (const text of [message, long + 'line of a long body\r\n'.repeat(20_000)]) {
      const signed = await sign(signer, text)
      assert.match(signed, /^DKIM-Signature: v=1;[^]*b=/)
      assert.ok(signed.endsWith(text.slice(text.indexOf('\r\n\r\n'))))
      const verdict = await judge(verifier, signed, null)
      assert.equal(verdict?.type, 'rewrite')
      assert.match(applied(signed, verdict.rewrites), /^Authentication-Results: [^]*?dkim=pass/)
      const forged = await judge(verifier, signed.replace('Hello', 'Hallo'), null)
      assert.equal(forged?.type === 'refuse' && forged.code, 550)
    }
  })
}

test('opendkim does not sign for a client that did not log in', { skip }, async (context) => {
  const folder = await mkdtemp(join(tmpdir(), 'posthorn-keys-'))
  context.after(() => rm(folder, { recursive: true, force: true }))
  const { privateKey } = generateKeyPairSync('rsa', {
    modulusLength: 2048,
    publicKeyEncoding: { type: 'spki', format: 'pem' },
    privateKeyEncoding: { type: 'pkcs8', format: 'pem' },
  })
  const keyFile = join(folder, 'private.pem')
  await writeFile(keyFile, privateKey, { mode: 0o600 })
  const signer = await startOpendkim(context, {
    Mode: 's',
    Domain: 'example.org',
    Selector: 'sel',
    KeyFile: keyFile,
    RequireSafeKeys: 'no',
  })
  assert.equal(await judge(signer, message, null), null)
})
