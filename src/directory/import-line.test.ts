// Where the address of a line ends and its password begins.
import assert from 'node:assert/strict'
import { test } from 'node:test'
import { parseImportLine } from './import-line.ts'

const lines: [line: string, address: string, password: string][] = [
  ['ann@example.org secret', 'ann@example.org', 'secret'],
  ['ann@example.org,secret', 'ann@example.org', 'secret'],
  ['  ann@example.org \t, two words \r', 'ann@example.org', 'two words '],
  ['"a b,c"@example.org secret', '"a b,c"@example.org', 'secret'],
  ['"a \\" b@"@example.org,"secret"', '"a \\" b@"@example.org', '"secret"'],
  ['jörg@bücher.example pässwört', 'jörg@bücher.example', 'pässwört'],
  ['ann@example.org {PLAIN}$argon2id$', 'ann@example.org', '$argon2id$'],
]
for (const [text, address, password] of lines) {
  test(`${JSON.stringify(text)}: ${address}`, () => {
    const line = parseImportLine(text)
    assert.ok(line.type === 'password')
    assert.equal(line.address, address)
    assert.equal(line.password.reveal(), password)
  })
}

for (const text of [
  '"never closed@example.org secret',
  '" "',
  'ann secret',
  'ann@example.org',
  '"a b"@example.org ,',
]) {
  test(`${JSON.stringify(text)} is refused`, () => {
    assert.equal(parseImportLine(text).type, 'bad')
  })
}

test('a line of a megabyte is read in linear time', () => {
  assert.equal(parseImportLine(`"${'\\"'.repeat(500_000)}`).type, 'bad')
})
