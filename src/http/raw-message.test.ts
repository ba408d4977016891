// Whole messages, however their octets come: line ends made right, and the header read without its body.
import assert from 'node:assert/strict'
import { Buffer } from 'node:buffer'
import { test } from 'node:test'
import { feedEveryWayAsync } from '../../test/support/feed.ts'
import { formatAddress } from '../mail/address.ts'
import { canonicalLines, readRawMessage } from './raw-message.ts'

async function* pieces(chunks: readonly Uint8Array[]): AsyncGenerator<Uint8Array, void, undefined> {
  yield* chunks
}

async function all(content: AsyncIterable<Uint8Array>): Promise<string> {
  const parts: Uint8Array[] = []
  for await (const part of content) parts.push(part)
  return Buffer.concat(parts).toString('latin1')
}

for (const [name, text, expected] of [
  ['nothing', '', ''],
  ['CRLF stays', 'a\r\nb\r\n', 'a\r\nb\r\n'],
  ['LF', 'a\nb\n\n', 'a\r\nb\r\n\r\n'],
  ['CR', 'a\rb\r\r', 'a\r\nb\r\n\r\n'],
  ['all kinds', '\n\r\n\r\r\n\n', '\r\n\r\n\r\n\r\n\r\n'],
  ['an end without a line end', 'a', 'a'],
  ['octets beyond ASCII', 'ä\n', Buffer.from('ä\r\n').toString('latin1')],
] as const) {
  test(`line ends: ${name}`, async () => {
    assert.equal(await feedEveryWayAsync(text, (chunks) => all(canonicalLines(pieces(chunks)))), expected)
  })
}

test('authors and recipients come from the header, whatever the body says', async () => {
  const text = [
    'From: Ann <ann@example.org>',
    'Sender: "x y"@example.org',
    'To: Group: bob@far.example, Carol <carol@far.example>;, nobody',
    'Cc: jürgen@far.example',
    '',
    'From: eve@far.example',
    '',
  ].join('\n')
  const read = await feedEveryWayAsync(text, async (chunks) => {
    const { authorship, recipients, utf8, content } = await readRawMessage(pieces(chunks), 100)
    assert.ok(authorship.ok)
    return {
      authors: authorship.claims.map(({ address }) => formatAddress(address)),
      recipients: recipients.map((one) => one && formatAddress(one)),
      ...{ utf8, content: await all(content) },
    }
  })
  assert.deepEqual(read, {
    authors: ['ann@example.org', '"x y"@example.org'],
    recipients: ['bob@far.example', 'carol@far.example', null, 'jürgen@far.example'],
    utf8: true,
    content: Buffer.from(text.replaceAll('\n', '\r\n')).toString('latin1'),
  })
})

test('what is sent on goes to those whom the last resending names (RFC 5322 §3.6.6)', async () => {
  const text = [
    'Resent-From: ann@example.org',
    'Resent-To: bob@far.example',
    'Resent-From: old@far.example',
    'Resent-To: older@far.example',
    'From: eve@far.example',
    'To: ann@example.org',
    '',
    '',
  ].join('\r\n')
  const { authorship, recipients } = await readRawMessage(pieces([Buffer.from(text)]), 100)
  assert.deepEqual(
    recipients.map((one) => one && formatAddress(one)),
    ['bob@far.example'],
  )
  assert.equal(authorship.ok && authorship.resent, true)
})
