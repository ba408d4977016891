// What the tables promise is shown: each command and each extension has its transcript, each extension its standard.
import assert from 'node:assert/strict'
import { globSync, readFileSync } from 'node:fs'
import { test } from 'node:test'
import { fileURLToPath } from 'node:url'
import { commands } from '../../../src/smtp/proto/commands/table.ts'
import { extensions } from '../../../src/smtp/proto/extensions.ts'

const folder = fileURLToPath(new URL('.', import.meta.url))
const texts = globSync('*.txt', { cwd: folder }).map((file) => readFileSync(`${folder}/${file}`, 'utf8'))
const sent = texts
  .flatMap((text) => text.split('\n').filter((line) => /^(?:\w+ )?C[:|]/.test(line)))
  .join('\n')
const expected = texts
  .flatMap((text) => text.split('\n').filter((line) => /^(?:\w+ )?S/.test(line)))
  .join('\n')

test('each command has a transcript', () => {
  for (const { name } of commands) assert.match(sent, new RegExp(`\\b${name}\\b`), name)
})

test('each extension has a transcript, and a row in the list of standards', () => {
  const listed = readFileSync(fileURLToPath(new URL('../../../docs/rfcs.tsv', import.meta.url)), 'utf8')
  for (const { keyword, rfc } of extensions) {
    assert.match(expected, new RegExp(`250[ -]${keyword}\\b`), keyword)
    if (rfc !== null) assert.match(listed, new RegExp(`^${rfc}\\t`, 'm'), `RFC ${rfc} of ${keyword}`)
  }
})
