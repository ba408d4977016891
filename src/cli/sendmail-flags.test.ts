import assert from 'node:assert/strict'
import { test } from 'node:test'
import fc from 'fast-check'
import { parseSendmailFlags, type SendmailCall } from './sendmail-flags.ts'

const plain: SendmailCall = {
  mode: 'message',
  from: null,
  fullName: null,
  recipientsFrom: 'arguments',
  dot: 'ends',
  notify: null,
  ret: null,
  envId: null,
  recipients: [],
}

const cases: readonly (readonly [string[], Partial<SendmailCall>])[] = [
  [['ann@example.org'], { recipients: ['ann@example.org'] }],
  [['-t', '-i'], { recipientsFrom: 'header', dot: 'is-text' }],
  [['-ti'], { recipientsFrom: 'header', dot: 'is-text' }],
  [
    ['-oi', '-f', 'me@example.org', 'you@example.org'],
    { dot: 'is-text', from: 'me@example.org', recipients: ['you@example.org'] },
  ],
  [
    ['-fme@example.org', '--', '-odd@example.org'],
    { from: 'me@example.org', recipients: ['-odd@example.org'] },
  ],
  [['-f', '<>'], { from: '' }],
  [['-r', '', 'a@b'], { from: '', recipients: ['a@b'] }],
  [
    ['-F', 'Ann Lee', '-N', 'success,delay', '-R', 'hdrs', '-V', 'QQ314'],
    { fullName: 'Ann Lee', notify: ['success', 'delay'], ret: 'headers', envId: 'QQ314' },
  ],
  [['-Nnever'], { notify: [] }],
  [['-bs'], { mode: 'session' }],
  [['-bp'], { mode: 'list' }],
  [['-q'], { mode: 'run-queue' }],
  [['-bi'], { mode: 'aliases' }],
  [['-oem', '-odb', '-B8BITMIME', 'a@b'], { recipients: ['a@b'] }],
]

for (const [argv, expected] of cases) {
  test(`sendmail ${argv.join(' ')}`, () => {
    assert.deepEqual(parseSendmailFlags(argv), { ok: true, call: { ...plain, ...expected } })
  })
}

for (const argv of [['-bd'], ['-q15m'], ['-Z'], ['-f'], ['-Nsometimes'], ['-Rbody'], ['-bt']]) {
  test(`sendmail ${argv.join(' ')} is refused by name`, () => {
    const flags = parseSendmailFlags(argv)
    assert.equal(flags.ok, false)
    assert.match(flags.ok ? '' : flags.message, /^-\w/)
  })
}

test('whatever the arguments, they are read or refused', () => {
  fc.assert(
    fc.property(fc.array(fc.string()), (argv) => {
      assert.equal(typeof parseSendmailFlags(argv).ok, 'boolean')
    }),
    { numRuns: 200 },
  )
})
