import assert from 'node:assert/strict'
import { createHash } from 'node:crypto'
import { test } from 'node:test'
import { checkDependencies } from './dependencies.ts'
import { compareMigrations } from './migrations.ts'

const say = (problems: readonly { path: string; message: string }[]): string[] =>
  problems.map(({ path, message }) => `${path}: ${message}`)

test('each runtime dependency has a sentence, and no sentence lacks its dependency', () => {
  const manifest = JSON.stringify({
    dependencies: { zod: '4.0.0', tr46: '7.0.0' },
    devDependencies: { knip: '6.0.0' },
  })
  assert.deepEqual(say(checkDependencies(manifest, '- `zod`: checks.\n- `tr46`: names.\n')), [])
  assert.deepEqual(say(checkDependencies(manifest, '- `zod`: checks.\n- `left-pad`: pads.\n')), [
    'docs/dependencies.md: no sentence for tr46',
    'docs/dependencies.md: left-pad is no runtime dependency',
  ])
})

test('a range instead of a version is found, and so is an install script', () => {
  const manifest = JSON.stringify({ devDependencies: { knip: '^6.0.0' }, scripts: { postinstall: 'x' } })
  assert.equal(checkDependencies(manifest, '').length, 2)
})

const path = 'src/store/sqlite/migrations/001-begin.sql'
const sum = (text: string): string => createHash('sha256').update(text).digest('hex')

test('a listed migration may neither change nor go', () => {
  const list = `${sum('CREATE')}  ${path}\n`
  assert.deepEqual(say(compareMigrations([{ path, text: 'CREATE' }], list)), [])
  assert.deepEqual(say(compareMigrations([{ path, text: 'DROP' }], list)), [
    `${path}: differs from what was released; add a new one`,
  ])
  assert.deepEqual(say(compareMigrations([], list)), [`${path}: a released migration is gone`])
})

test('a new migration must be listed and named by number', () => {
  assert.equal(compareMigrations([{ path, text: 'x' }], '').length, 1)
  assert.equal(compareMigrations([{ path: path.replace('001-', ''), text: 'x' }], '').length, 2)
})
