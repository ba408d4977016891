import assert from 'node:assert/strict'
import { test } from 'node:test'
import { checkImports } from './imports.ts'

const opening = '// What it is for.\n'

/** What the checker says of one file (besides the others, which are only there to be found). */
function check(path: string, text: string, others: readonly string[] = []): string[] {
  const files = [{ path, text: opening + text }, ...others.map((other) => ({ path: other, text: opening }))]
  return checkImports(files).map(({ path: where, line, message }) => `${where}:${line ?? 0}: ${message}`)
}

test('an import down the rows passes', () => {
  assert.deepEqual(check('src/smtp/proto/x.ts', "import { a } from '../../mail/address.ts'\n"), [])
  assert.deepEqual(check('src/wiring/storage.ts', "import { a } from '../store/sqlite/engine.ts'\n"), [])
})

test('an import up the rows is found, types and re-exports too', () => {
  for (const text of [
    "import { a } from '../store/store.ts'\n",
    "import type { A } from '../store/store.ts'\n",
    "export { a } from '../store/store.ts'\n",
    "export * from '../store/store.ts'\n",
    "const a = await import('../store/store.ts')\n",
  ]) {
    assert.match(check('src/mail/x.ts', text).join(), /mail \(row 2\) may not import store \(row 5\)/, text)
  }
})

test('an import sideways is found, and so is one of another protocol', () => {
  assert.match(check('src/mail/x.ts', "import '../sasl/y.ts'\n").join(), /stand in one row/)
  assert.match(
    check('src/imap/server/x.ts', "import '../../smtp/proto/y.ts'\n").join(),
    /protocol imap may not import/,
  )
})

test('only the wiring sees an engine behind the store', () => {
  assert.match(
    check('src/queue/x.ts', "import '../store/sqlite/y.ts'\n").join(),
    /only wiring may import store\/sqlite/,
  )
  assert.deepEqual(check('src/queue/x.test.ts', "import '../store/sqlite/y.ts'\n"), [])
})

test('a folder with a door is entered by it', () => {
  const text = "import '../mail/address.ts'\n"
  assert.match(check('src/net/x.ts', text, ['src/mail/index.ts']).join(), /the door of mail is/)
})

test('pure rows import no Node module but buffers and crypto', () => {
  assert.deepEqual(check('src/mail/x.ts', "import { createHash } from 'node:crypto'\n"), [])
  assert.match(check('src/mail/x.ts', "import 'node:fs'\n").join(), /mail is pure and may not import node:fs/)
  assert.match(check('src/net/x.ts', "import 'fs'\n").join(), /write node:fs/)
  assert.deepEqual(check('src/mail/x.test.ts', "import 'node:fs'\nimport 'fast-check'\n"), [])
})

test('a package is imported where the table allows it only', () => {
  assert.deepEqual(check('src/config/x.ts', "import { z } from 'zod'\n"), [])
  assert.match(
    check('src/mail/x.ts', "import { z } from 'zod'\n").join(),
    /mail may not import the package zod/,
  )
  assert.deepEqual(check('src/net/x.ts', "import '@peculiar/x509'\n"), [])
})

test('what lies outside src is for tests only', () => {
  const text = "import '../../test/support/feed.ts'\n"
  assert.match(check('src/mail/x.ts', text).join(), /lies outside src/)
  assert.deepEqual(check('src/mail/x.test.ts', text), [])
})

test('ambient time and chance are found, names that only look like them are not', () => {
  for (const text of [
    'f(Date.now())',
    'f(new Date())',
    'f(Math.random())',
    'setTimeout(f)',
    'f(process.env)',
  ]) {
    assert.match(check('src/mail/x.ts', `${text}\n`).join(), /is ambient/, text)
  }
  assert.match(check('src/net/x.ts', 'console.log(1)\n').join(), /console is ambient/)
  const fine =
    'clock.setTimeout(f)\nconst o = { process: 1 }\nfunction g(fetch: F): void {}\nf(new Date(0))\n'
  assert.deepEqual(check('src/mail/x.ts', fine), [])
  assert.deepEqual(check('src/net/real-clock.ts', 'f(Date.now())\n'), [])
  assert.deepEqual(check('src/mail/x.ts', "import { fetch } from './fetch.ts'\nfetch(1)\n"), [])
  assert.deepEqual(check('src/store/x.ts', 'f(process.platform)\n'), [])
  assert.match(check('src/store/x.ts', 'f(process.env.X)\n').join(), /process is ambient/)
})

test('module-level state is found', () => {
  assert.match(check('src/mail/x.ts', 'let a = 1\n').join(), /x\.ts:2: module-level let/)
  assert.match(check('src/mail/x.ts', 'export let a = 1\n').join(), /module-level let/)
  assert.match(
    check('src/mail/x.ts', 'const a = new Map<string, string>()\n').join(),
    /empty module-level Map/,
  )
  assert.deepEqual(check('src/mail/x.ts', 'const a: ReadonlyMap<string, string> = new Map()\n'), [])
  assert.match(
    check('src/mail/x.ts', 'const a: Map<string, string> = new Map()\n').join(),
    /empty module-level Map/,
  )
  assert.deepEqual(check('src/mail/x.ts', "const a = new Set(['x'])\nfunction f(): void { let b = 1 }\n"), [])
})

test('a file opens with a comment, has a name that says something, and lies in a known folder', () => {
  const silent = checkImports([{ path: 'src/mail/x.ts', text: 'export const a = 1\n' }])
  assert.deepEqual(
    silent.map(({ message }) => message),
    ['opens without a comment'],
  )
  assert.match(check('src/mail/utils.ts', '').join(), /does not say what is inside/)
  assert.match(check('src/mail/someThing.ts', '').join(), /not kebab-case/)
  assert.match(check('src/elsewhere/x.ts', '').join(), /belongs to no folder/)
})
