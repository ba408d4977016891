// opendkim as an instance of its own, and keys for it.
import { generateKeyPairSync } from 'node:crypto'
import { mkdtemp, rm, writeFile } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import type { TestContext } from 'node:test'
import { type MilterPlace, startMilter } from './milter-program.ts'

/** Starts one in the foreground with these settings, and waits until it accepts connections. */
export function startOpendkim(
  context: TestContext,
  settings: Readonly<Record<string, string>>,
  over: 'tcp' | 'unix' = 'tcp',
): Promise<MilterPlace> {
  return startMilter(
    context,
    {
      program: 'opendkim',
      signal: 'SIGKILL',
      start({ place }) {
        const socket =
          'port' in place ? `inet:${place.port}@127.0.0.1` : place.socket.replace(/^unix/, 'local')
        const all = { Socket: socket, Background: 'no', Syslog: 'no', ...settings }
        const lines = Object.entries(all).map(([name, value]) => `${name} ${value}\n`)
        return { parameters: (file) => ['-f', '-x', file], configuration: lines.join('') }
      },
    },
    over,
  )
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
