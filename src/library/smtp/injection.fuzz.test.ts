// Whatever a program is made to put into a message by its users, the message stays the one that was meant: nothing of it becomes a
// field, a part, a recipient or a command. Read by a parser that we did not write.
import assert from 'node:assert/strict'
import { test } from 'node:test'
import fc from 'fast-check'
import PostalMime from 'postal-mime'
import { type MailToSend, MailWriter } from './compose.ts'
import { SmtpError } from './failure.ts'

const writer = new MailWriter({})

/** Pieces that attacks are made of, between text of all kinds. */
const hostile = fc
  .array(
    fc.oneof(
      fc.constantFrom(
        '\r\n',
        '\n',
        '\r',
        '\0',
        '\r\n\r\n',
        '"',
        '\\',
        ';',
        '<',
        '>',
        ',',
        ':',
        ' ',
        '\t',
        '\u2028',
        '\x85',
      ),
      fc.constantFrom(
        'Bcc: evil@x.test',
        'X-Evil: 1',
        '\r\nBcc: evil@x.test\r\n',
        '\n.\n',
        'RCPT TO:<evil@x.test>',
      ),
      fc.constantFrom(
        '=?utf-8?q?=0D=0ABcc:_evil@x.test?=',
        '--',
        '----_NmP-',
        '(',
        '<evil@x.test>',
        'evil@x.test',
        '=',
      ),
      fc.string({ maxLength: 12 }),
      fc.string({ unit: 'binary', maxLength: 6 }),
    ),
    { maxLength: 8 },
  )
  .map((pieces) => pieces.join(''))

const fields = new Set([
  ...['from', 'sender', 'to', 'cc', 'reply-to', 'subject', 'message-id', 'in-reply-to', 'references', 'date'],
  ...['mime-version', 'content-type', 'content-transfer-encoding', 'list-unsubscribe', 'x-mine', 'x-mailer'],
])

const address = 'b@y.test'

const letters: fc.Arbitrary<MailToSend> = fc
  .record({
    subject: hostile,
    name: hostile,
    reference: hostile,
    value: hostile,
    filename: hostile,
    cid: hostile,
    type: hostile,
    body: hostile,
    comment: hostile,
  })
  .map(({ subject, name, reference, value, filename, cid, type, body, comment }) => ({
    ...{ from: { name, address: 'a@x.test' }, to: [{ name, address }], replyTo: { name, address } },
    ...{ subject, inReplyTo: reference, references: [reference], text: body, html: `<p>${body}</p>` },
    ...{ messageId: reference, xMailer: value },
    headers: { 'X-Mine': value },
    list: { unsubscribe: { url: 'https://x.test/', comment } },
    attachments: [
      { filename, cid, contentType: type, content: body, headers: { 'X-Part': value } },
      { filename, content: Buffer.from(body) },
    ],
    icalEvent: { filename, method: type, content: `BEGIN:VCALENDAR${body}` },
  }))

/** Of what cannot be written nothing is sent. */
function refused(error: unknown): { bytes: Uint8Array } {
  assert.ok(error instanceof SmtpError, String(error))
  return { bytes: new Uint8Array() }
}

test('no text in a message becomes a field, a part or a recipient', async () => {
  await fc.assert(
    fc.asyncProperty(letters, async (letter) => {
      const { bytes, to, from } = await writer.compose(letter)
      assert.deepEqual([from, to], ['a@x.test', [address]])
      const raw = Buffer.from(bytes).toString('latin1')
      assert.doesNotMatch(raw, /[^\r]\n|\r[^\n]|\0/)
      const { attachments } = await PostalMime.parse(bytes)
      assert.equal(attachments.length, 4, 'two attachments, and the event twice')
      const [header = ''] = raw.split('\r\n\r\n')
      for (const line of header.split('\r\n')) {
        const name = /^([A-Za-z-]+):/.exec(line)?.[1]?.toLowerCase() ?? ''
        assert.ok(/^[ \t]/.test(line) || fields.has(name), `a line ${JSON.stringify(line)}`)
      }
    }),
    { numRuns: 150 },
  )
})

test('no address says more than one address', async () => {
  const places = fc.constantFrom('from', 'to', 'envelope from', 'envelope to')
  await fc.assert(
    fc.asyncProperty(hostile, places, async (text, place) => {
      const wrong = `a@x.test${text}`
      const letter = { from: 'a@x.test', to: address, text: '' }
      const envelope = {
        from: place === 'envelope from' ? wrong : 'a@x.test',
        to: place === 'envelope to' ? [wrong] : [address],
      }
      const mail = place.startsWith('envelope')
        ? { ...letter, envelope }
        : { ...letter, [place]: { name: '', address: wrong } }
      const composed = await writer.compose(mail).catch((error: unknown) => {
        assert.ok(error instanceof SmtpError, String(error))
        return null
      })
      for (const said of [composed?.from ?? '', ...(composed?.to ?? [])])
        assert.doesNotMatch(said, /[\0-\x1f\x7f<>]/)
      assert.ok((composed?.to.length ?? 1) === 1)
    }),
    { numRuns: 300 },
  )
})

test('a name of a field that is none makes no other field', async () => {
  await fc.assert(
    fc.asyncProperty(hostile, hostile, async (name, value) => {
      const letter = { from: 'a@x.test', to: address, text: 'x', headers: [{ key: `X-${name}`, value }] }
      const { bytes } = await writer.compose(letter).catch(refused)
      const [header = ''] = Buffer.from(bytes).toString('latin1').split('\r\n\r\n')
      assert.doesNotMatch(header, /^(?:Bcc|X-Evil:)/im)
    }),
    { numRuns: 300 },
  )
})
