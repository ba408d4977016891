// Conversion for hosts that take less: what it changes, what it refuses, and that nothing decodes to anything else.
import assert from 'node:assert/strict'
import { Buffer, isAscii } from 'node:buffer'
import { test } from 'node:test'
import fc from 'fast-check'
import { feedEveryWay } from '../../test/support/feed.ts'
import { DowngradeScan, Downgrader, type DowngradePlan, type TargetBody } from './downgrade.ts'
import { defaultMimeLimits } from './mime/limits.ts'
import type { MessageStructure, Part } from './mime/structure.ts'
import { MimeWalker } from './mime/walker.ts'
import { decodeTransfer } from './transfer.ts'
import { Base64Encoder, QuotedPrintableEncoder, type TransferEncoder } from './transfer-encode.ts'

function structureOf(bytes: Uint8Array): MessageStructure {
  const walker = new MimeWalker(defaultMimeLimits)
  walker.push(bytes)
  return walker.finish()
}

function planFor(message: Uint8Array, target: TargetBody = '7bit'): DowngradePlan {
  const scan = new DowngradeScan(structureOf(message))
  scan.push(message)
  return scan.finish().plan(target, { maxHeader: 65_536 })
}

function convert(text: string | Uint8Array, target: TargetBody = '7bit'): string {
  const message = Buffer.from(text)
  const plan = planFor(message, target)
  if (plan.type === 'impossible') return `impossible: ${plan.failure}`
  if (plan.type === 'as-it-is') return 'as it is'
  return Buffer.from(new Downgrader(plan).push(message)).toString('latin1')
}

/** Decoded bodies of all leaves. */
function leaves(bytes: Uint8Array): string[] {
  const found: string[] = []
  const visit = (part: Part) => {
    if (part.message !== null) visit(part.message.root)
    else if (part.parts.length > 0) part.parts.forEach(visit)
    else {
      const body = bytes.subarray(part.bodyStart, part.bodyEnd)
      found.push(Buffer.from(decodeTransfer(body, part.encoding)).toString('latin1'))
    }
  }
  visit(structureOf(bytes).root)
  return found
}

const mime = 'MIME-Version: 1.0\r\n'

test('a text is quoted, its header says so', () => {
  assert.equal(
    convert(
      `Subject: x\r\n${mime}Content-Type: text/plain; charset=utf-8\r\nContent-Transfer-Encoding: 8bit\r\n\r\nå = \r\n`,
    ),
    `Subject: x\r\n${mime}Content-Type: text/plain; charset=utf-8\r\nContent-Transfer-Encoding: quoted-printable\r\n\r\n=C3=A5 =3D=20\r\n`,
  )
})

test('a message without MIME gets the header that it lacked (RFC 1428 §3)', () => {
  assert.equal(
    convert('Subject: x\r\n\r\nå\r\n'),
    `Subject: x\r\n${mime}Content-Type: text/plain; charset=unknown-8bit\r\nContent-Transfer-Encoding: quoted-printable\r\n\r\n=C3=A5\r\n`,
  )
})

test('parts are converted one by one, what holds them is relabelled, what is in order stays', () => {
  const before =
    `${mime}Content-Type: multipart/mixed; boundary=b\r\nContent-Transfer-Encoding: 8bit\r\n\r\npreamble\r\n` +
    '--b\r\nContent-Type: text/plain\r\n\r\nplain = text\r\n' +
    '--b\r\nContent-Type: application/x-y\r\nContent-Transfer-Encoding: 8bit\r\n\r\nåß\r\n' +
    `--b\r\nContent-Type: message/rfc822\r\nContent-Transfer-Encoding: 8bit\r\n\r\nSubject: inner\r\n${mime}Content-Transfer-Encoding: 8bit\r\n\r\nå\r\n` +
    '--b--\r\n'
  assert.equal(
    convert(before),
    `${mime}Content-Type: multipart/mixed; boundary=b\r\nContent-Transfer-Encoding: 7bit\r\n\r\npreamble\r\n` +
      '--b\r\nContent-Type: text/plain\r\n\r\nplain = text\r\n' +
      '--b\r\nContent-Type: application/x-y\r\nContent-Transfer-Encoding: base64\r\n\r\nw6XDnw==\r\n' +
      `--b\r\nContent-Type: message/rfc822\r\nContent-Transfer-Encoding: 7bit\r\n\r\nSubject: inner\r\n${mime}Content-Type: text/plain; charset=unknown-8bit\r\nContent-Transfer-Encoding: quoted-printable\r\n\r\n=C3=A5\r\n` +
      '--b--\r\n',
  )
})

test('binary becomes something with lines, for hosts with 8BITMIME too', () => {
  const binary = Buffer.from(
    `${mime}Content-Type: image/x\r\nContent-Transfer-Encoding: binary\r\n\r\n\0\n\rå`,
  )
  const converted = convert(binary, '8bit')
  assert.equal(
    converted,
    `${mime}Content-Type: image/x\r\nContent-Transfer-Encoding: base64\r\n\r\nAAoNw6U=\r\n`,
  )
  assert.equal(convert(`${mime}Content-Transfer-Encoding: 8bit\r\n\r\nå\r\n`, '8bit'), 'as it is')
  assert.equal(convert('Subject: x\r\n\r\nascii\r\n'), 'as it is')
})

test('what cannot be converted without damage is refused', () => {
  const signed = (body: string) =>
    `${mime}Content-Type: multipart/signed; boundary=b\r\n\r\n--b\r\nContent-Transfer-Encoding: 8bit\r\n\r\n${body}\r\n--b--\r\n`
  assert.equal(convert(signed('å')), 'impossible: signed')
  assert.equal(convert(signed('a')), 'as it is')
  assert.equal(convert('Subject: å\r\n\r\nascii\r\n'), 'impossible: header-eight-bit')
  assert.equal(
    convert(`${mime}Content-Type: multipart/mixed; boundary=b\r\n\r\nå\r\n--b\r\n\r\nx\r\n--b--\r\n`),
    'impossible: opaque',
  )
  assert.equal(convert(`${mime}Content-Type: multipart/mixed\r\n\r\nå\r\n`), 'impossible: opaque')
  const plan = (() => {
    const message = Buffer.from(`X: ${'x'.repeat(500)}\r\n\r\nå\r\n`)
    const scan = new DowngradeScan(structureOf(message))
    scan.push(message)
    return scan.finish().plan('7bit', { maxHeader: 100 })
  })()
  assert.deepEqual(plan, { type: 'impossible', failure: 'header-too-long' })
})

test('cuts in the stream make no difference', () => {
  const text = Buffer.from(
    `${mime}Content-Type: multipart/mixed; boundary=b\r\n\r\n--b\r\nContent-Transfer-Encoding: 8bit\r\n\r\nå  \r\n.dot ${'é'.repeat(60)}\r\n--b\r\nContent-Type: a/b\r\nContent-Transfer-Encoding: binary\r\n\r\n${'\0\n'.repeat(100)}\r\n--b--\r\n`,
  )
  feedEveryWay(text, (pieces) => {
    const scan = new DowngradeScan(structureOf(text))
    for (const piece of pieces) scan.push(piece)
    const plan = scan.finish().plan('7bit', { maxHeader: 1000 })
    assert.ok(plan.type === 'convert')
    const downgrader = new Downgrader(plan)
    return pieces.map((piece) => Buffer.from(downgrader.push(piece)).toString('latin1')).join('')
  })
})

test('the encoders decode to what went in, in lines of at most 76', () => {
  const encoders: readonly (readonly [string, () => TransferEncoder])[] = [
    ['base64', () => new Base64Encoder()],
    ['quoted-printable', () => new QuotedPrintableEncoder()],
  ]
  const octet = fc.oneof(fc.constantFrom(13, 10, 32, 9, 46, 61), fc.integer({ min: 0, max: 255 }))
  fc.assert(
    fc.property(fc.array(octet, { maxLength: 400 }), fc.nat(50), (octets, cut) => {
      const input = Uint8Array.from(octets)
      for (const [name, make] of encoders) {
        const encoder = make()
        const out = Buffer.concat([
          encoder.push(input.subarray(0, cut)),
          encoder.push(input.subarray(cut)),
          encoder.finish(),
        ])
        assert.ok(isAscii(out))
        assert.ok(
          out
            .toString()
            .split('\r\n')
            .every((line) => line.length <= 76 && !/[\r\n]/.test(line)),
        )
        assert.deepEqual(Buffer.from(decodeTransfer(out, name)), Buffer.from(input), name)
      }
    }),
    { numRuns: 300 },
  )
})

test('whatever is converted keeps its content, and is 7bit', () => {
  const body = fc.string({ unit: fc.constantFrom('a', ' ', 'å', '\r\n', '=', '.', '-', '\n'), maxLength: 80 })
  fc.assert(
    fc.property(
      fc.array(fc.tuple(body, fc.constantFrom('8bit', 'binary', '7bit')), { minLength: 1, maxLength: 4 }),
      (bodies) => {
        const message = Buffer.from(
          `${mime}Content-Type: multipart/mixed; boundary=bbb\r\n\r\n${bodies.map(([text, encoding]) => `--bbb\r\nContent-Type: a/b\r\nContent-Transfer-Encoding: ${encoding}\r\n\r\n${text}\r\n`).join('')}--bbb--\r\n`,
        )
        const plan = planFor(message)
        if (plan.type !== 'convert') return
        const out = Buffer.from(new Downgrader(plan).push(message))
        assert.ok(isAscii(out))
        assert.deepEqual(leaves(out), leaves(message))
      },
    ),
    { numRuns: 200 },
  )
})
