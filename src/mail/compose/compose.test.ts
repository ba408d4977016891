import assert from 'node:assert/strict'
import { Buffer } from 'node:buffer'
import { test } from 'node:test'
import fc from 'fast-check'
import { fieldValue, splitHeader } from '../header.ts'
import { displayText } from '../encoded-word.ts'
import { decodeParameters, tryMediaType } from '../parameters.ts'
import { parseAddressList } from '../address-list.ts'
import { MimeWalker } from '../mime/walker.ts'
import type { Part } from '../mime/structure.ts'
import { decodeTransfer } from '../transfer.ts'
import { composeMessage, type ComposePart } from './compose.ts'
import { tryFormatField } from './fields.ts'
import { formatWithParameters } from './parameters.ts'

/** The one field that a header of it alone has; fails where it became more or less. */
function onlyField(field: string): string {
  const { fields, malformed } = splitHeader(`${field}\r\nbody`)
  assert.equal(malformed, 0)
  assert.equal(fields.length, 1)
  for (const line of field.split('\r\n')) assert.ok(line.length <= 998)
  const [only] = fields
  assert.ok(only)
  return fieldValue(only)
}

const text = fc.string({ unit: 'binary', maxLength: 200 }).filter((value) => value.isWellFormed())

test('text comes back as it was, and is one field whatever it holds', () => {
  fc.assert(
    fc.property(
      fc.oneof(text, fc.string({ unit: fc.constantFrom('a', ' ', 'é', '=?', '\n', '\r', '?=', '\t') })),
      (value) => {
        const field = tryFormatField('Subject', { form: 'text', value })
        assert.ok(field !== undefined)
        const read = displayText(onlyField(field))
        const wanted = value
          .replace(/[ \t]*[\r\n]+[ \t]*/g, ' ')
          .replace(/[\0-\x08\x0b\x0c\x0e-\x1f\x7f]/g, '')
        assert.equal(read, wanted)
        assert.match(field, /^[\t\r\n -~]*$/)
      },
    ),
    { numRuns: 300 },
  )
})

test('a subject in ASCII stands as it is, folded where it is long', () => {
  assert.equal(tryFormatField('Subject', { form: 'text', value: 'Hello there' }), 'Subject: Hello there\r\n')
  const long = tryFormatField('Subject', { form: 'text', value: 'word '.repeat(30).trim() })
  assert.ok(long?.split('\r\n').every((line) => line.length <= 78))
})

test('names are atoms, quoted strings or encoded words', () => {
  const written = (name: string | null): string | undefined =>
    tryFormatField('To', {
      form: 'groups',
      groups: [{ name: null, addresses: [{ name, email: 'a@b.test' }] }],
    })
  assert.equal(written(null), 'To: a@b.test\r\n')
  assert.equal(written('Ann Lee'), 'To: Ann Lee <a@b.test>\r\n')
  assert.equal(written('Lee, Ann "x"'), 'To: "Lee, Ann \\"x\\"" <a@b.test>\r\n')
  assert.equal(written('Zoë'), 'To: =?utf-8?B?Wm/Dqw==?= <a@b.test>\r\n')
})

test('groups are written as groups', () => {
  const field = tryFormatField('To', {
    form: 'groups',
    groups: [
      { name: null, addresses: [{ name: 'James', email: 'j@example.com' }] },
      {
        name: 'Friends',
        addresses: [
          { name: null, email: 'jane@example.com' },
          { name: 'John Smîth', email: 'john@example.com' },
        ],
      },
      { name: 'Nobody', addresses: [] },
    ],
  })
  assert.equal(
    field?.replaceAll('\r\n ', ' '),
    'To: James <j@example.com>, Friends: jane@example.com, =?utf-8?Q?John_Sm=C3=AEth?= <john@example.com>;, Nobody:;\r\n',
  )
})

test('addresses come back, and none can bring another one along', () => {
  fc.assert(
    fc.property(text, fc.string({ unit: 'binary', maxLength: 40 }), (name, email) => {
      const field = tryFormatField('To', {
        form: 'groups',
        groups: [{ name: null, addresses: [{ name, email }] }],
      })
      if (field === undefined || field === '') return
      const { addresses } = parseAddressList(onlyField(field), 10)
      assert.equal(addresses.length, 1)
    }),
    { numRuns: 300 },
  )
  for (const email of ['a@b>, <c@d', 'a@b\r\nBcc: c@d', '', 'a,b', 'x:y;', '"a@b']) {
    const addresses = [{ name: null, email }]
    assert.equal(tryFormatField('To', { form: 'groups', groups: [{ name: null, addresses }] }), undefined)
  }
})

test('a domain beyond ASCII has its A-labels, a local part UTF-8', () => {
  const written = (email: string): string | undefined =>
    tryFormatField('To', { form: 'groups', groups: [{ name: null, addresses: [{ name: null, email }] }] })
  assert.equal(written('ann@exämple.test'), 'To: ann@xn--exmple-cua.test\r\n')
  assert.equal(Buffer.from(written('änn@x.test') ?? '', 'latin1').toString(), 'To: änn@x.test\r\n')
})

test('a raw value stands as it is, and can begin no other field', () => {
  const raw = (value: string): string | undefined => tryFormatField('X-A', { form: 'raw', value })
  assert.equal(raw(' one\r\n two'), 'X-A: one\r\n two\r\n')
  assert.equal(raw('tight'), 'X-A:tight\r\n')
  for (const value of ['a\r\nB: c', 'a\nB', 'a\rB', 'a\r\n\r\n', 'a\r\n ', 'a\0', 'a'.repeat(999)]) {
    assert.equal(raw(value), undefined, JSON.stringify(value))
  }
  assert.equal(tryFormatField('X A', { form: 'raw', value: 'x' }), undefined)
})

test('identifiers, dates and URLs', () => {
  assert.equal(
    tryFormatField('References', { form: 'message-ids', ids: ['a@b', 'c@d'] }),
    'References: <a@b> <c@d>\r\n',
  )
  assert.equal(tryFormatField('References', { form: 'message-ids', ids: ['a b'] }), undefined)
  assert.equal(tryFormatField('References', { form: 'message-ids', ids: ['a>\r\nB: <c'] }), undefined)
  assert.equal(
    tryFormatField('Date', { form: 'date', time: Date.UTC(2026, 10, 22, 8, 0, 0), zoneMinutes: 60 }),
    'Date: Sun, 22 Nov 2026 09:00:00 +0100\r\n',
  )
  assert.equal(
    tryFormatField('List-Post', { form: 'urls', urls: ['mailto:a@b', 'https://x.test/'] }),
    'List-Post: <mailto:a@b>, <https://x.test/>\r\n',
  )
})

test('parameters come back, however long and in whatever script (RFC 2231)', () => {
  fc.assert(
    fc.property(text, (value) => {
      const type = tryMediaType(
        onlyField(formatWithParameters('Content-Type', 'image/png', [['name', value]])),
      )
      assert.ok(type)
      const [read] = [...decodeParameters(type.parameters).values()]
      // Of what cannot be in a quoted string nothing is.
      assert.equal(read, value)
    }),
    { numRuns: 200 },
  )
})

function leaf(mediaType: string, content: string | Uint8Array): ComposePart {
  return {
    ...{ mediaType, parameters: [], fields: [] },
    content:
      typeof content === 'string'
        ? { type: 'text', text: content }
        : {
            type: 'octets',
            read: async function* () {
              for (let at = 0; at < content.length; at += 50) yield content.subarray(at, at + 50)
            },
          },
  }
}

async function compose(
  root: ComposePart,
  fields: string[] = [],
): Promise<{ octets: Buffer; root: Part; defects: readonly string[] }> {
  const chunks: Uint8Array[] = []
  for await (const chunk of composeMessage({ fields, root }, 'fresh')) chunks.push(chunk)
  const octets = Buffer.concat(chunks)
  const walker = new MimeWalker()
  walker.push(octets)
  const structure = walker.finish()
  return { octets, root: structure.root, defects: structure.defects }
}

function contentOf({ octets }: { octets: Buffer }, part: Part): Buffer {
  return Buffer.from(decodeTransfer(octets.subarray(part.bodyStart, part.bodyEnd), part.encoding))
}

const anyOctets = fc.uint8Array({ maxLength: 300 })
const lines = fc
  .array(fc.constantFrom('plain', 'grün', '.', 'From x', '', 'x'.repeat(100), 'end  ', '--=_1.stale'), {
    maxLength: 12,
  })
  .chain((parts) => fc.constantFrom('\n', '\r\n', '\r').map((end) => parts.join(end)))

const tree = fc.letrec<{ part: ComposePart }>((tie) => ({
  part: fc.oneof(
    { depthSize: 'small', withCrossShrink: true },
    lines.map((value) => leaf('text/plain', value)),
    anyOctets.map((octets) => leaf('application/octet-stream', octets)),
    fc
      .tuple(fc.constantFrom('text/csv', 'message/x-note'), anyOctets)
      .map(([type, octets]) => leaf(type, octets)),
    fc
      .tuple(
        fc.constantFrom('multipart/mixed', 'multipart/related'),
        fc.array(tie('part'), { minLength: 1, maxLength: 3 }),
      )
      .map(([mediaType, parts]) => ({
        ...{ mediaType, parameters: [['boundary', 'hostile"\r\n'] as const], fields: [] },
        content: { type: 'multipart' as const, parts },
      })),
  ),
})).part

test('a tree comes out as it is, each part with its octets', async () => {
  await fc.assert(
    fc.asyncProperty(tree, async (root) => {
      const composed = await compose(root)
      assert.deepEqual(
        composed.defects.filter((defect) => defect !== 'bare-newline'),
        [],
      )
      check(composed, root, composed.root)
    }),
    { numRuns: 100 },
  )
})

function check(composed: { octets: Buffer }, given: ComposePart, found: Part): void {
  assert.equal(`${found.type}/${found.subtype}`, given.mediaType)
  const { content } = given
  if (content.type === 'multipart') {
    assert.equal(found.parts.length, content.parts.length)
    content.parts.forEach((child, index) => {
      const part = found.parts[index]
      assert.ok(part)
      check(composed, child, part)
    })
    return
  }
  if (content.type === 'text') {
    assert.equal(contentOf(composed, found).toString(), content.text.replace(/\r?\n/g, '\r\n'))
  }
}

test('octets come back exactly', async () => {
  await fc.assert(
    fc.asyncProperty(
      fc.constantFrom('image/png', 'text/plain', 'message/x-note'),
      anyOctets,
      async (type, octets) => {
        const root: ComposePart = {
          ...{ mediaType: 'multipart/mixed', parameters: [], fields: [] },
          content: { type: 'multipart', parts: [leaf(type, octets), leaf('text/plain', 'x')] },
        }
        const composed = await compose(root)
        const [part] = composed.root.parts
        assert.ok(part)
        // What cannot be encoded and holds the boundary's line by chance would not; 300 octets do not.
        assert.deepEqual(contentOf(composed, part), Buffer.from(octets))
      },
    ),
    { numRuns: 150 },
  )
})

test('an enclosed message is not encoded, and tells how wide it is', async () => {
  const inner = Buffer.from('Subject: grün\r\n\r\nhällo\r\n')
  const root: ComposePart = {
    ...{ mediaType: 'multipart/mixed', parameters: [], fields: [] },
    content: { type: 'multipart', parts: [leaf('text/plain', 'see below'), leaf('message/rfc822', inner)] },
  }
  const composed = await compose(root, ['Subject: Fwd\r\n'])
  assert.equal(composed.root.encoding, '8bit')
  assert.deepEqual(
    composed.root.parts.map(({ encoding }) => encoding),
    ['7bit', '8bit'],
  )
  assert.equal(composed.root.parts[1]?.message?.envelope.subject, Buffer.from('grün').toString('latin1'))
})

test('boundaries of parts inside one another are told apart', async () => {
  let part = leaf('text/plain', 'deep')
  for (let depth = 0; depth < 15; depth++) {
    part = {
      ...leaf('multipart/mixed', ''),
      content: { type: 'multipart', parts: [part, leaf('text/plain', `${depth}`)] },
    }
  }
  const composed = await compose(part)
  check(composed, part, composed.root)
})
