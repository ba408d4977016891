// Statements: their two texts, nesting, dialects, and that a call site is compiled once.
import assert from 'node:assert/strict'
import { test } from 'node:test'
import { all, dialect, get, many, type Op, run, sql, type Stmt } from './op.ts'

test('values become marks of either engine, white space becomes one space', () => {
  const stmt = get<{ a: number }>`SELECT a FROM t
    WHERE b = ${1} AND c = ${'x'}`
  assert.equal(stmt.compiled.sqlite, 'SELECT a FROM t WHERE b = ? AND c = ?')
  assert.equal(stmt.compiled.pg, 'SELECT a FROM t WHERE b = $1 AND c = $2')
  assert.deepEqual(stmt.values, [1, 'x'])
  assert.equal(stmt.compiled.writes, false)
})

test('fragments nest, and their values take their places in order', () => {
  const inner = sql`x BETWEEN ${2} AND ${3}`
  const stmt = run`DELETE FROM t WHERE a = ${1} AND ${sql`(${inner} OR y = ${4})`} AND z = ${5}`
  assert.equal(stmt.compiled.pg, 'DELETE FROM t WHERE a = $1 AND (x BETWEEN $2 AND $3 OR y = $4) AND z = $5')
  assert.deepEqual(stmt.values, [1, 2, 3, 4, 5])
  assert.equal(stmt.compiled.writes, true)
})

test('a dialect gives each engine its own text for the same values', () => {
  const lock = dialect({ sqlite: sql`a = ${1}`, pg: sql`a = ${1} FOR UPDATE` })
  const stmt = get`SELECT 1 FROM t WHERE ${lock}`
  assert.equal(stmt.compiled.sqlite, 'SELECT 1 FROM t WHERE a = ?')
  assert.equal(stmt.compiled.pg, 'SELECT 1 FROM t WHERE a = $1 FOR UPDATE')
  assert.throws(() => dialect({ sqlite: sql`${1}`, pg: sql`1` }), TypeError)
})

test('a call site compiles once, and once for each shape of its fragments', () => {
  const plain = (value: number): Stmt<unknown> => all`SELECT ${value}`
  assert.equal(plain(1).compiled, plain(2).compiled)
  const shaped = (more: boolean): Stmt<unknown> => all`SELECT 1 ${more ? sql`LIMIT ${1}` : sql``}`
  assert.equal(shaped(true).compiled, shaped(true).compiled)
  assert.notEqual(shaped(true).compiled, shaped(false).compiled)
})

test('yield* gives each statement its own result', () => {
  function* operation(): Op<string> {
    const row = yield* get<{ n: number }>`SELECT 1`
    const [first, second] = yield* many([run`DELETE FROM a`, all<{ m: string }>`SELECT 2`])
    return `${row?.n} ${first} ${second[0]?.m}`
  }
  const op = operation()
  op.next()
  op.next({ n: 7 })
  const done = op.next([3, [{ m: 'x' }]])
  assert.deepEqual(done, { done: true, value: '7 3 x' })
})
