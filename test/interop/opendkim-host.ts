// opendkim as an instance of its own, and keys for it.
import assert from 'node:assert/strict'
import { generateKeyPairSync } from 'node:crypto'
import { spawn } from 'node:child_process'
import { once } from 'node:events'
import { mkdtemp, rm, writeFile } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import type { TestContext } from 'node:test'
import { RealClock } from '../../src/net/real-clock.ts'
import { SocketNetwork } from '../../src/net/socket-network.ts'
import { freePort } from './mail-host.ts'

/** Starts one in the foreground with these settings, and waits until it accepts connections. */
export async function startOpendkim(context: TestContext, settings: Record<string, string>): Promise<number> {
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

/** Files for the settings `KeyFile` and `TestPublicKeys`: a key with the selector `sel` of a domain. */
export async function makeKeys(
  context: TestContext,
  domain: string,
): Promise<{ keyFile: string; keysFile: string }> {
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
  await writeFile(keysFile, `sel._domainkey.${domain} ${record}\n`)
  return { keyFile, keysFile }
}
