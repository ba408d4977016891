// Who vouches for a message, as a reader is told: by what this server wrote of its coming, and by DNS; never by what the message says.
import assert from 'node:assert/strict'
import { type KeyObject, generateKeyPairSync } from 'node:crypto'
import { test, type TestContext } from 'node:test'
import { dkimSign } from 'mailauth/lib/dkim/sign.js'
import { arrive } from '../../../test/support/jmap-house.ts'
import { type Loose, mailHouse } from '../../../test/support/mail-house.ts'

const pair = generateKeyPairSync('ed25519')
const zone = `
shop.example. TXT "v=spf1 ip4:192.0.2.1 -all"
s1._domainkey.shop.example. TXT "v=DKIM1; k=ed25519; p=${publicKeyOf(pair.publicKey)}"
_dmarc.shop.example. TXT "v=DMARC1; p=reject"
`

function publicKeyOf(key: KeyObject): string {
  return key.export({ type: 'spki', format: 'der' }).subarray(-32).toString('base64')
}

const letter =
  'From: Shop <shop@shop.example>\r\nTo: ann@x.test\r\nSubject: Socks\r\nAuthentication-Results: mail.x.test; dmarc=pass header.from=bank.example\r\n\r\nOn their way.\r\n'

async function signed(): Promise<string> {
  const key = {
    ...{ signingDomain: 'shop.example', selector: 's1', algorithm: 'ed25519-sha256' },
    privateKey: pair.privateKey.export({ type: 'pkcs8', format: 'pem' }).toString(),
  }
  const { signatures } = await dkimSign(letter, { ...key, signatureData: [key] })
  return signatures + letter
}

function received(address: string, protocol = 'ESMTPS'): string {
  return `Return-Path: <bounce@shop.example>\r\nDelivered-To: ann@x.test\r\nReceived: from mta.shop.example ([${address}]) by mail.x.test\r\n\twith ${protocol} id 1; Sun, 22 Nov 2026 10:00:00 +0000\r\n`
}

/** What is told of a message that is delivered with these trace fields. */
async function told(
  context: TestContext,
  { prefix, message }: { prefix: string; message: string },
): Promise<Loose> {
  const { house, ann, call } = await mailHouse(context, { zone })
  await arrive(house.store, ann.id, { text: message, prefix })
  const { ids } = (await call('Email/query', {})) as Loose
  const response = await house.fetch(ann, `/jmap/authentication/A${ann.id}/${ids[0]}`)
  assert.equal(response.status, 200)
  return (await response.json()) as Loose
}

test('a message that came from where it may, signed', async (context) => {
  const { checked, results, address, helo } = await told(context, {
    prefix: received('192.0.2.1'),
    message: await signed(),
  })
  assert.deepEqual([checked, address, helo], [true, '192.0.2.1', 'mta.shop.example'])
  assert.deepEqual(
    results.map(({ method, result, domain }: Loose) => [method, result, domain]),
    [
      ['spf', 'pass', 'shop.example'],
      ['dkim', 'pass', 'shop.example'],
      ['dmarc', 'pass', 'shop.example'],
    ],
  )
})

test('one from elsewhere, changed on its way', async (context) => {
  const message = (await signed()).replace('On their way.', 'Pay here.')
  const { results } = await told(context, { prefix: received('203.0.113.9'), message })
  assert.deepEqual(
    results.map(({ method, result }: Loose) => [method, result]),
    [
      ['spf', 'fail'],
      // So mailauth calls a body that is not the one that was signed.
      ['dkim', 'neutral'],
      ['dmarc', 'fail'],
    ],
  )
})

const unjudged = [
  ['filed, with fields of others', '', received('192.0.2.1') + letter, 'not-received'],
  ['submitted', received('192.0.2.1', 'ESMTPSA'), letter, 'submitted'],
  ['handed on by a server of ours', received('192.0.2.1', 'LMTP'), letter, 'handed-on'],
] as const

for (const [name, prefix, message, reason] of unjudged) {
  test(`not judged: ${name}`, async (context) => {
    assert.deepEqual(await told(context, { prefix, message }), { checked: false, reason })
  })
}

test('another’s message is none', async (context) => {
  const { house, ann } = await mailHouse(context)
  const ben = await house.account('ben')
  for (const path of [`A${ann.id}/M${ann.id}_1`, `A${ben.id}/M${ann.id}_1`, `A${ben.id}/nonsense`]) {
    assert.equal((await house.fetch(ben, `/jmap/authentication/${path}`)).status, 404, path)
  }
})
