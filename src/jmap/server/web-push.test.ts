import assert from 'node:assert/strict'
import { Buffer } from 'node:buffer'
import { createDecipheriv, createECDH, createPublicKey, hkdfSync, verify } from 'node:crypto'
import { test } from 'node:test'
import { vapidKeysOf } from './vapid.ts'
import { makePush } from './web-push.ts'

const url = 'https://push.example.net:8443/push/JzLQ3raZJfFBR0aqvOMsLrt54w4rJUsV'
const now = Date.UTC(2026, 10, 22)
const vapid = vapidKeysOf(Buffer.from('0123456789abcdef'))
const by = { vapid, now, subject: 'mailto:postmaster@x.test', timeToLive: 86_400_000 }
const object = { '@type': 'StateChange', changed: { A1: { Email: 'd35ecb040aab' } } }

/** RFC 8291 §3.4 and RFC 8188 §2, from the client's side. */
function decrypt(
  body: Buffer,
  { curve, auth }: { curve: ReturnType<typeof createECDH>; auth: Buffer },
): Buffer {
  const salt = body.subarray(0, 16)
  const keyLength = body[20] ?? 0
  const serverKey = body.subarray(21, 21 + keyLength)
  const info = Buffer.concat([Buffer.from('WebPush: info\0'), curve.getPublicKey(), serverKey])
  const key = Buffer.from(hkdfSync('sha256', curve.computeSecret(serverKey), auth, info, 32))
  const derive = (name: string, length: number) =>
    Buffer.from(hkdfSync('sha256', key, salt, `Content-Encoding: ${name}\0`, length))
  const record = body.subarray(21 + keyLength)
  const cipher = createDecipheriv('aes-128-gcm', derive('aes128gcm', 16), derive('nonce', 12))
  cipher.setAuthTag(record.subarray(-16))
  const padded = Buffer.concat([cipher.update(record.subarray(0, -16)), cipher.final()])
  // The delimiter of the last record, and zeros behind it.
  return padded.subarray(0, padded.lastIndexOf(2))
}

test('the client that gave keys can read a push, and nobody else', () => {
  const curve = createECDH('prime256v1')
  const p256dh = curve.generateKeys('base64url')
  const auth = Buffer.alloc(16, 7)
  const { headers, body } = makePush({ url, keys: { p256dh, auth: auth.toString('base64url') } }, object, by)
  assert.equal(headers['content-encoding'], 'aes128gcm')
  assert.deepEqual(JSON.parse(decrypt(Buffer.from(body), { curve, auth }).toString()), object)
  assert.throws(() => decrypt(Buffer.from(body), { curve, auth: Buffer.alloc(16) }))
})

test('without keys it is JSON as it is', () => {
  const { headers, body } = makePush({ url, keys: null }, object, by)
  assert.deepEqual(JSON.parse(Buffer.from(body).toString()), object)
  assert.deepEqual(
    [headers['content-type'], headers['content-encoding'], headers['ttl']],
    ['application/json', undefined, '86400'],
  )
})

test('each is signed for its service, for less than a day (RFC 8292 §2)', () => {
  const { headers } = makePush({ url, keys: null }, object, by)
  const [, token = '', key = ''] = /^vapid t=(\S+), k=(\S+)$/.exec(headers['authorization'] ?? '') ?? []
  assert.equal(key, vapid.publicKey)
  const [head = '', claims = '', signature = ''] = token.split('.')
  assert.deepEqual(JSON.parse(Buffer.from(claims, 'base64url').toString()), {
    aud: 'https://push.example.net:8443',
    exp: now / 1000 + 43_200,
    sub: 'mailto:postmaster@x.test',
  })
  const point = Buffer.from(key, 'base64url')
  const jwk = {
    ...{ kty: 'EC', crv: 'P-256' },
    ...{ x: point.subarray(1, 33).toString('base64url'), y: point.subarray(33).toString('base64url') },
  }
  const publicKey = createPublicKey({ key: jwk, format: 'jwk' })
  const signed = Buffer.from(`${head}.${claims}`)
  const octets = Buffer.from(signature, 'base64url')
  assert.ok(verify('sha256', signed, { key: publicKey, dsaEncoding: 'ieee-p1363' }, octets))
})

test('the key is the same for ever, and another for each installation', () => {
  assert.deepEqual(vapidKeysOf(Buffer.from('0123456789abcdef')), vapid)
  assert.notEqual(vapidKeysOf(Buffer.from('0123456789abcdeg')).publicKey, vapid.publicKey)
})
