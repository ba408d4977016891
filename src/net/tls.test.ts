import assert from 'node:assert/strict'
import { Buffer } from 'node:buffer'
import { createHash, X509Certificate } from 'node:crypto'
import { mkdtemp, readFile, rm, stat, utimes, writeFile } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { after, test } from 'node:test'
import { createSecureContext } from 'node:tls'
import { SeededRandom } from '../base/seeded-random.ts'
import { VirtualClock } from '../base/virtual-clock.ts'
import { makeSelfSigned } from './self-signed.ts'
import { createFileIdentity, createSelfSignedIdentity } from './tls-identity.ts'
import { hashServerEndPoint } from './tls.ts'

const folder = await mkdtemp(join(tmpdir(), 'posthorn-tls-'))
after(() => rm(folder, { recursive: true }))

const random = new SeededRandom(1)

async function writePair(name: string, names: string[]) {
  const pair = await makeSelfSigned({ names, now: Date.parse('2026-06-01T00:00:00Z'), random })
  const files = { certFile: join(folder, `${name}.crt`), keyFile: join(folder, `${name}.key`) }
  await writeFile(files.certFile, pair.certificate)
  await writeFile(files.keyFile, pair.key)
  return { ...files, pair }
}

test('a self-signed certificate says what it should', async () => {
  const now = Date.parse('2026-06-01T12:34:56Z')
  const pair = await makeSelfSigned({
    names: ['mail.example.org', 'localhost', '127.0.0.1', '::1'],
    now,
    random,
  })
  const certificate = new X509Certificate(pair.certificate)
  assert.equal(certificate.subject, 'CN=mail.example.org')
  assert.equal(certificate.issuer, certificate.subject)
  assert.ok(certificate.verify(certificate.publicKey))
  assert.ok(!certificate.ca)
  assert.equal(
    certificate.subjectAltName,
    'DNS:mail.example.org, DNS:localhost, IP Address:127.0.0.1, IP Address:0:0:0:0:0:0:0:1',
  )
  assert.deepEqual(certificate.keyUsage, ['1.3.6.1.5.5.7.3.1'])
  assert.equal(certificate.validFromDate.toISOString(), '2026-05-31T12:34:56.000Z')
  assert.equal(certificate.validToDate.getTime(), now + 825 * 86_400_000)
  assert.equal(certificate.serialNumber.length, 32)
  createSecureContext({ cert: pair.certificate, key: pair.key })
})

test('dates past 2049 and long names are written as RFC 5280 wants them', async () => {
  const host = `${'x'.repeat(60)}.${'y'.repeat(60)}.example`
  const pair = await makeSelfSigned({ names: [host], now: Date.parse('2049-06-01T00:00:00Z'), random })
  const certificate = new X509Certificate(pair.certificate)
  assert.equal(certificate.validToDate.getUTCFullYear(), 2051)
  assert.equal(certificate.checkHost(host), host)
})

test('a server makes its certificate once, keeps it with a private key file, and renews it in time', async () => {
  const clock = new VirtualClock()
  const own = join(folder, 'own')
  const options = { hostname: 'mail.example.org', folder: own, clock, random }
  const identity = createSelfSignedIdentity(options)
  const [one, two] = await Promise.all([identity.secureContext(null), identity.secureContext('x')])
  assert.equal(one, two)
  const keyFile = join(own, 'self-signed.key')
  assert.equal((await stat(keyFile)).mode & 0o777, 0o600)
  const kept = await readFile(keyFile, 'utf8')
  await createSelfSignedIdentity(options).secureContext(null)
  assert.equal(await readFile(keyFile, 'utf8'), kept, 'the next start made another key')
  await createSelfSignedIdentity({ ...options, hostname: 'other.example.org' }).secureContext(null)
  assert.notEqual(await readFile(keyFile, 'utf8'), kept, 'another host name needs another certificate')
  await clock.advance(800 * 86_400_000)
  assert.notEqual(await identity.secureContext(null), one)
})

test('certificates from files are read again when they change; bad ones are reported and not used', async () => {
  const clock = new VirtualClock()
  const files = await writePair('live', ['live.example.org'])
  const failures: unknown[] = []
  const onReloadFailed = (_files: unknown, error: unknown) => void failures.push(error)
  const identity = createFileIdentity({ certificates: [files], clock, onReloadFailed })
  const first = await identity.secureContext(null)
  assert.equal(await identity.secureContext(null), first)
  await writeFile(files.certFile, 'half a certificate')
  await clock.advance('6s')
  assert.equal(await identity.secureContext(null), first)
  assert.equal(failures.length, 1)
  await writePair('live', ['live.example.org'])
  await utimes(files.certFile, 1, 1)
  await clock.advance('6s')
  assert.notEqual(await identity.secureContext(null), first)
})

test('without a good certificate there is no context', async () => {
  const missing = { certFile: join(folder, 'none.crt'), keyFile: join(folder, 'none.key') }
  const clock = new VirtualClock()
  const identity = createFileIdentity({ certificates: [missing], clock, onReloadFailed: () => undefined })
  await assert.rejects(identity.secureContext(null), { code: 'ENOENT' })
})

test('the name that the client asks for decides between certificates', async () => {
  const clock = new VirtualClock()
  const one = await writePair('one', ['one.example.org'])
  const two = await writePair('two', ['two.example.org', '*.two.example.org'])
  const identity = createFileIdentity({ certificates: [one, two], clock, onReloadFailed: () => undefined })
  const first = await identity.secureContext('one.example.org')
  const second = await identity.secureContext('two.example.org')
  assert.notEqual(first, second)
  assert.equal(await identity.secureContext('imap.two.example.org'), second)
  assert.equal(await identity.secureContext('unknown.example.org'), first)
  assert.equal(await identity.secureContext('\0..*'), first)
  assert.equal(await identity.secureContext(null), first)
})

test('tls-server-end-point is the SHA-256 of a certificate signed with it', async () => {
  const pair = await makeSelfSigned({ names: ['a.example'], now: 0, random })
  const certificate = new X509Certificate(pair.certificate)
  const wanted = createHash('sha256').update(certificate.raw).digest()
  assert.deepEqual(hashServerEndPoint(certificate), wanted)
  assert.equal(hashServerEndPoint(undefined), null)
  assert.equal(Buffer.from(wanted).length, 32)
})
