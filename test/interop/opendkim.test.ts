// opendkim as a milter: it signs what Posthorn's milter client shows it, and verifies what it signed, by both canonicalizations.
//
// The strict one (`simple`) covers every octet of the header, its folding and blanks, so a signature that verifies shows that
// messages pass through the protocol, and rewrites come back, without a change.
import assert from 'node:assert/strict'
import { test } from 'node:test'
import { createTransport } from 'nodemailer'
import type { Rewrite } from '../../src/config/hooks.ts'
import { editHeader } from '../../src/mail/header-edit.ts'
import type { MilterPlace } from './milter-program.ts'
import { judge } from './milter-session.ts'
import { makeKeys, startOpendkim } from './opendkim-host.ts'
import { startServer } from './server.ts'
import { submit } from './submit.ts'
import { missing } from './tool.ts'

const skip = missing('opendkim')

function applied(text: string, rewrites: readonly Rewrite[]): string {
  const end = text.indexOf('\r\n\r\n') + 4
  const header = rewrites.reduce((sum, rewrite) => editHeader(sum, rewrite.header ?? []), text.slice(0, end))
  return header + text.slice(end)
}

async function sign(place: MilterPlace, text: string): Promise<string> {
  const verdict = await judge(place, text, 'ann@example.org')
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

for (const [canonicalization, over] of [
  ['simple/simple', 'tcp'],
  ['relaxed/relaxed', 'unix'],
] as const) {
  test(`opendkim over ${over} signs and verifies by ${canonicalization}`, { skip }, async (context) => {
    const { keyFile, keysFile } = await makeKeys(context, 'example.org')
    const key = { Domain: 'example.org', Selector: 'sel', KeyFile: keyFile, RequireSafeKeys: 'no' }
    const signing = { ...key, Mode: 's', Canonicalization: canonicalization }
    const signer = await startOpendkim(context, signing, over)
    const verifying = {
      Mode: 'v',
      TestPublicKeys: keysFile,
      AlwaysAddARHeader: 'yes',
      'On-BadSignature': 'reject',
    }
    const verifier = await startOpendkim(context, verifying, over)
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
  const { keyFile } = await makeKeys(context, 'example.org')
  const signer = await startOpendkim(context, {
    Mode: 's',
    Domain: 'example.org',
    Selector: 'sel',
    KeyFile: keyFile,
    RequireSafeKeys: 'no',
  })
  assert.equal(await judge(signer, message, null), null)
})

test(
  'a whole server signs what users submit, and tells of signatures on what comes in',
  { skip },
  async (context) => {
    const { keyFile, keysFile } = await makeKeys(context, 'mail.test')
    const key = { KeyFile: keyFile, RequireSafeKeys: 'no', Domain: 'mail.test', Selector: 'sel' }
    const signer = await startOpendkim(context, { ...key, Mode: 's', Canonicalization: 'simple/simple' })
    const verifier = await startOpendkim(context, {
      ...{ Mode: 'v', TestPublicKeys: keysFile, AlwaysAddARHeader: 'yes', 'On-BadSignature': 'reject' },
      AuthservID: 'mx.mail.test',
    })
    const server = await startServer(context, {
      settings: {
        hooks: {
          milters: [
            { name: 'signer', ...signer, services: ['submission'] },
            { name: 'verifier', ...verifier, services: ['smtp'] },
          ],
        },
      },
    })
    const text = message.replaceAll('example.org', 'mail.test')
    await submit(server, { to: 'bob@mail.test', text: text.replace('\r\n.\r\n', '\r\n.\r\nBcc-less\r\n') })
    const [filed = ''] = await server.messages('bob@mail.test')
    // What the mailbox put on top would make it a loop.
    const signed = filed.replace(/^(Return-Path|Delivered-To): .*\r\n/gm, '')
    assert.match(signed, /\r\nDKIM-Signature: v=1;[^]*?d=mail\.test;[^]*?b=/)
    // Its way around the world: the trace fields that were put on top are covered by no signature.
    const transport = createTransport({ host: '127.0.0.1', port: server.ports.smtp, ignoreTLS: true })
    context.after(() => transport.close())
    const envelope = { from: 'ann@mail.test', to: 'bob@mail.test' }
    await transport.sendMail({ envelope, raw: signed })
    const [, verified = ''] = await server.messages('bob@mail.test')
    assert.match(verified, /\r\nAuthentication-Results: mx\.mail\.test;[^]*?dkim=pass/)
    await assert.rejects(transport.sendMail({ envelope, raw: signed.replace('Hello', 'Hallo') }), /550/)
    assert.equal((await server.messages('bob@mail.test')).length, 2)
  },
)
