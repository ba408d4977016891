import assert from 'node:assert/strict'
import { test } from 'node:test'
import fc from 'fast-check'
import { tryImapUrl } from './imap-url.ts'

test('RFC 5092 §6: URLs of messages and of their parts', () => {
  const url = tryImapUrl(
    'imap://bob%40x.example@IMAP.example:1143/Gr%C3%BC%C3%9Fe;UIDVALIDITY=7/;UID=20/;SECTION=1.2.MIME;URLAUTH=submit+ann%40x.example:internal:91354a473744909de610943775f92038',
  )
  assert.deepEqual(url, {
    server: { user: 'bob@x.example', host: 'imap.example', port: 1143 },
    mailbox: 'Grüße',
    uidValidity: 7,
    uid: 20,
    section: '1.2.MIME',
    partial: null,
    expires: null,
    authorization: {
      access: { type: 'submit', user: 'ann@x.example' },
      token: { mechanism: 'INTERNAL', value: '91354a473744909de610943775f92038' },
      rump: 'imap://bob%40x.example@IMAP.example:1143/Gr%C3%BC%C3%9Fe;UIDVALIDITY=7/;UID=20/;SECTION=1.2.MIME;URLAUTH=submit+ann%40x.example',
    },
  })
  const relative = tryImapUrl('/a/b/;uid=1/;section=HEADER.FIELDS%20(To%20Cc)/;partial=10.20')
  assert.equal(relative?.mailbox, 'a/b')
  assert.equal(relative?.section, 'HEADER.FIELDS (To Cc)')
  assert.deepEqual(relative?.partial, { start: 10, length: 20 })
  assert.equal(tryImapUrl(';UID=3')?.mailbox, null)
  assert.equal(
    tryImapUrl('/x/;uid=1;expire=2030-01-01T00:00:00Z;urlauth=anonymous')?.expires,
    Date.UTC(2030, 0),
  )
})

test('what names no message, or cannot be read, is no URL here', () => {
  for (const text of [
    '',
    'imap://host/',
    'imap://host/INBOX',
    '/INBOX;UIDVALIDITY=1',
    '/INBOX?SUBJECT%20x',
    '/INBOX/;UID=0',
    '/INBOX/;UID=4294967296',
    '/INBOX/;UID=x',
    '/%ff/;UID=1',
    '/%4/;UID=1',
    '/a%00b/;UID=1',
    '/a b/;UID=1',
    'http://host/INBOX/;UID=1',
    '/INBOX/;UID=1;URLAUTH=everybody',
    '/INBOX/;UID=1;URLAUTH=anonymous:internal:short',
    '/INBOX/;UID=1;EXPIRE=soon;URLAUTH=anonymous',
    `/${'a'.repeat(5_000)}/;UID=1`,
  ]) {
    assert.equal(tryImapUrl(text), undefined, text)
  }
})

test('any text is a URL or none, in linear time', () => {
  const piece = fc.constantFrom(
    'imap://',
    'a',
    '@',
    '/',
    ';UID=1',
    ';SECTION=',
    '%41',
    '%',
    ';URLAUTH=',
    ':',
    ';',
    '+',
  )
  fc.assert(
    fc.property(fc.array(piece, { maxLength: 400 }), (pieces) => {
      const text = pieces.join('')
      const url = tryImapUrl(text)
      if (url !== undefined) assert.ok(url.uid >= 1)
    }),
  )
})
