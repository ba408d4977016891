// Properties of what hooks answer: whatever it is, it is refused as a `BadAnswer` or can do no harm to a reply or a header.
import assert from 'node:assert/strict'
import { test } from 'node:test'
import fc from 'fast-check'
import { editHeader } from '../mail/header-edit.ts'
import { splitHeader } from '../mail/header.ts'
import { BadAnswer, makeRefusal, readDecision, type ReadDecision } from './decision.ts'

const text = fc.oneof(
  fc.string({ unit: fc.constantFrom(...'aX:- \t\r\n\0é,;<>@.'), maxLength: 20 }),
  fc.constantFrom('X-A', 'a@b.example', 'Subject', '5.7.1', '4.7.1'),
)
const number = fc.oneof(fc.integer({ min: -1, max: 700 }), fc.double())
const change = fc.record(
  {
    type: fc.constantFrom('add', 'change', 'remove', 'x'),
    name: text,
    value: text,
    index: number,
    at: number,
  },
  { requiredKeys: ['type', 'name'] },
)
const answer = fc.oneof(
  fc.anything(),
  fc.record(
    {
      type: fc.constantFrom('accept', 'defer', 'reject', 'quarantine', 'rewrite', 'x'),
      code: number,
      status: text,
      text,
      reason: text,
      reversePath: text,
      addRecipients: fc.array(text, { maxLength: 3 }),
      header: fc.array(change, { maxLength: 4 }),
    },
    { requiredKeys: ['type'] },
  ),
)

function tryDecision(value: unknown): ReadDecision | null {
  try {
    return readDecision(value, { scope: 'message', maxRewrites: 10 })
  } catch (error) {
    assert.ok(error instanceof BadAnswer)
    return null
  }
}

test('any answer is refused or harmless', () => {
  const header = 'Subject: x\r\nFrom: a@b.example\r\n\r\n'
  fc.assert(
    fc.property(answer, (value) => {
      const decision = tryDecision(value)
      if (decision === null) return
      if (decision.type === 'defer' || decision.type === 'reject') {
        const refusal = makeRefusal(decision, { by: 'x', stage: 'rcpt' })
        assert.equal(String(refusal.code)[0], decision.type === 'defer' ? '4' : '5')
        assert.equal(refusal.status[0], String(refusal.code)[0])
        assert.match(refusal.text, /^[\t\x20-\x7e]*$/)
      }
      if (decision.type !== 'rewrite') return
      const { header: edits = [] } = decision.rewrite
      const edited = editHeader(header, edits)
      const { fields, malformed } = splitHeader(edited)
      assert.equal(malformed, 0)
      assert.ok(edited.endsWith('\r\n\r\n') || fields.length === 0)
      const named = new Set(['subject', 'from', ...edits.map(({ name }) => name.toLowerCase())])
      for (const { name } of fields) assert.ok(named.has(name), name)
      assert.ok(fields.length <= 2 + edits.length)
    }),
    { numRuns: 1000 },
  )
})
