// RFC 5256 §2.1, step by step, and that no subject takes longer than its length.
import assert from 'node:assert/strict'
import { test } from 'node:test'
import { baseSubject } from './base-subject.ts'

const cases: readonly (readonly [subject: string, base: string, isReplyOrForward: boolean])[] = [
  ['hello', 'hello', false],
  ['', '', false],
  ['Re: hello', 'hello', true],
  ['re:  hello \t world', 'hello world', true],
  ['RE[2]: hello', 'hello', true],
  ['Re [x] : hello', 'hello', true],
  ['Fw: hello', 'hello', true],
  ['FWD: hello', 'hello', true],
  ['fwdx: hello', 'fwdx: hello', false],
  ['Reply: hello', 'Reply: hello', false],
  ['hello (fwd)', 'hello', true],
  ['hello (FWD) (fwd)  ', 'hello', true],
  ['[list] hello', 'hello', false],
  ['[list] Re: hello', 'hello', true],
  ['Re: [list] Fwd: [other] hello', 'hello', true],
  ['[a][b] [c]', '[c]', false],
  ['[list]', '[list]', false],
  ['Re: [list]', '[list]', true],
  ['[fwd: hello]', 'hello', true],
  ['[Fwd: Re: [Fwd: hello (fwd)]]', 'hello', true],
  ['[fwd: hello', '[fwd: hello', false],
  ['Re:', '', true],
  ['Re: (fwd)', '', true],
  ['=?utf-8?q?Re=3A_gr=C3=BC=C3=9Fe?=', 'grüße', true],
  ['[a[b] hello', '[a[b] hello', false],
]

for (const [subject, text, isReplyOrForward] of cases) {
  test(`the base of "${subject}"`, () => {
    assert.deepEqual(baseSubject(subject), { text, isReplyOrForward })
  })
}

test('long runs of blobs, forwards and spaces end at once', () => {
  for (const piece of ['[a]', '[fwd:', 're:', ' (fwd)', '[', '[a] ', ' ']) {
    const text = piece.repeat(50_000)
    const start = process.hrtime.bigint()
    baseSubject(`${text}x${']'.repeat(1000)}`)
    assert.ok(process.hrtime.bigint() - start < 2_000_000_000n, piece)
  }
})
