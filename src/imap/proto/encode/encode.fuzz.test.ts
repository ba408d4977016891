// Whatever a message looks like, its ENVELOPE, BODY and BODYSTRUCTURE can be read by the grammar of RFC 3501 §9.
import assert from 'node:assert/strict'
import { test } from 'node:test'
import { Buffer } from 'node:buffer'
import fc from 'fast-check'
import { encodeBody, encodeKeptBody } from './body-structure.ts'
import { encodeEnvelope, encodeKeptEnvelope } from './envelope.ts'
import { encodeStructure, tryRootOffsets } from '../../../mail/mime/codec.ts'
import { noModes } from '../modes.ts'
import { MimeWalker } from '../../../mail/mime/walker.ts'
import type { MessageStructure } from '../../../mail/mime/structure.ts'

type Value = string | number | null | Value[]

/** Reads one value of the response grammar; throws where it is none. */
class Reader {
  readonly #text: string
  #at = 0

  constructor(text: string) {
    this.#text = text
  }

  get done(): boolean {
    return this.#at === this.#text.length
  }

  value(): Value {
    const rest = this.#text.slice(this.#at, this.#at + 20)
    if (rest.startsWith('(')) return this.#list()
    if (rest.startsWith('"')) return this.#quoted()
    const literal = /^\{(\d+)\}\r\n/.exec(rest)
    if (literal !== null) {
      const start = this.#at + literal[0].length
      this.#at = start + Number(literal[1])
      const text = this.#text.slice(start, this.#at)
      assert.ok(text.length === Number(literal[1]) && !text.includes('\0'))
      return text
    }
    const atom = /^(NIL|\d+)/.exec(rest)
    assert.ok(atom, `a value at ${JSON.stringify(rest)}`)
    this.#at += atom[0].length
    return atom[0] === 'NIL' ? null : Number(atom[0])
  }

  #quoted(): string {
    // QUOTED-CHAR = <any TEXT-CHAR except quoted-specials> / "\" quoted-specials
    const quoted = /"((?:[^"\\\r\n\0\u0080-\uffff]|\\["\\])*)"/y
    quoted.lastIndex = this.#at
    const found = quoted.exec(this.#text)
    assert.ok(found, 'a quoted string')
    this.#at += found[0].length
    return (found[1] ?? '').replace(/\\(.)/g, '$1')
  }

  #list(): Value[] {
    const values: Value[] = []
    this.#at++
    while (this.#text[this.#at] !== ')') {
      assert.ok(!this.done, 'a list ends')
      values.push(this.value())
      if (this.#text[this.#at] === ' ') this.#at++
    }
    this.#at++
    return values
  }
}

function read(text: string): Value {
  const reader = new Reader(text)
  const value = reader.value()
  assert.ok(reader.done, 'nothing follows')
  return value
}

/** `body = "(" (body-type-1part / body-type-mpart) ")"`, by shape. */
function checkBody(body: Value, form: 'body' | 'bodystructure'): void {
  assert.ok(Array.isArray(body))
  if (Array.isArray(body[0])) {
    const children = body.findIndex((value) => !Array.isArray(value))
    assert.ok(children > 0 && typeof body[children] === 'string')
    for (const child of body.slice(0, children)) checkBody(child, form)
    assert.equal(body.length, children + (form === 'body' ? 1 : 5))
    return
  }
  const [type, subtype, , , , encoding, octets] = body
  assert.ok(typeof type === 'string' && typeof subtype === 'string')
  assert.ok(typeof encoding === 'string' && typeof octets === 'number')
  const isMessage = type === 'message' && subtype === 'rfc822'
  const own = isMessage ? 3 : type === 'text' ? 1 : 0
  if (isMessage) {
    assert.equal((body[7] as Value[]).length, 10)
    checkBody(body[8] ?? null, form)
  }
  assert.equal(body.length, 7 + own + (form === 'body' ? 0 : 4))
}

function walk(bytes: Uint8Array): MessageStructure {
  const walker = new MimeWalker()
  walker.push(bytes)
  return walker.finish()
}

const piece = fc.constantFrom(
  'Content-Type: multipart/mixed; boundary=x\r\n',
  'Content-Type: multipart/digest; boundary="y z"; a="q\\"q"\r\n',
  'Content-Type: message/rfc822\r\n',
  "Content-Type: text/html; charset*=utf-8''%e9\r\n",
  'Content-Disposition: attachment; filename="\xe9\xff"\r\n',
  'Content-Language: de, en\r\n',
  'Content-ID: <a"b\\c>\r\n',
  'From: "A \\" B" <a@b>, g: c@d, e@f;, <broken\r\n',
  'Subject: =?utf-8?q?x?= \0 nul \xe9\r\n',
  '\r\n',
  '--x\r\n',
  '--x--\r\n',
  '--y z\r\n',
  'text\r\n',
  '\n',
)

test('structures of any message are well formed', () => {
  const message = fc.array(fc.oneof({ weight: 8, arbitrary: piece }, { weight: 1, arbitrary: fc.string() }))
  fc.assert(
    fc.property(message, (pieces) => {
      const structure = walk(Buffer.from(pieces.join(''), 'latin1'))
      const envelope = read(encodeEnvelope(structure.envelope, noModes))
      assert.ok(Array.isArray(envelope) && envelope.length === 10)
      const { headerStart, bodyStart } = structure.root
      assert.deepEqual(tryRootOffsets(encodeStructure(structure)), { headerStart, bodyStart })
      for (const modes of [noModes, { ...noModes, utf8: true }]) {
        const kept = encodeKeptEnvelope(encodeStructure(structure), modes)
        assert.equal(kept, encodeEnvelope(structure.envelope, modes))
        for (const form of ['body', 'bodystructure'] as const) {
          const body = encodeKeptBody(encodeStructure(structure), form, modes)
          assert.equal(body, encodeBody(structure.root, form, modes))
        }
      }
      checkBody(read(encodeBody(structure.root, 'body', noModes)), 'body')
      checkBody(read(encodeBody(structure.root, 'bodystructure', noModes)), 'bodystructure')
    }),
    { numRuns: 300 },
  )
})

test('a message nested beyond the walk still has a legal structure', () => {
  const nested = 'Content-Type: message/rfc822\r\n\r\n'.repeat(1_000)
  checkBody(read(encodeBody(walk(Buffer.from(nested)).root, 'bodystructure', noModes)), 'bodystructure')
  const boundaries = Array.from(
    { length: 1_000 },
    (_, n) => `Content-Type: multipart/mixed; boundary=b${n}\r\n\r\n--b${n}\r\n`,
  )
  checkBody(read(encodeBody(walk(Buffer.from(boundaries.join(''))).root, 'body', noModes)), 'body')
})
