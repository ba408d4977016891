// Operations written once and run by every engine: a generator yields typed SQL statements and receives their rows.
//
// - `yield*` a statement to get its result, typed: `const row = yield* get<{ uid: number }>`SELECT …``. The engine that
//   drives the generator decides how: synchronously in the SQLite writer, with round trips on PostgreSQL.
// - An operation is one transaction (or shares one with its neighbours). It cannot wait for anything but a statement, reads
//   no clock and no chance, so it can be run again from the start when its transaction must be.
// - What it changes for others to see is `yield* changed(…)`; the engine publishes after the commit, in order.
// - A refusal is a returned value. After a write, `return yield* refuse(value)` undoes what this operation wrote.
// - Arguments and results pass between threads: plain data only. Row types are asserted; a test prepares every statement.
//
// The text of a statement is compiled once per call site. The two memo tables below are keyed by the literal itself and
// hold nothing but what can be computed from it.
import type { Told } from './changes.ts'

/** What a statement may bind. Booleans are 0 and 1. */
export type SqlValue = string | number | null | Uint8Array

/** One text for each engine: `?` for SQLite, `$1` for PostgreSQL. The object is the same for each use of a call site. */
export interface Compiled {
  readonly sqlite: string
  readonly pg: string
  /** False where the statement starts with SELECT. */
  readonly writes: boolean
}

/** `get` and `all` give rows as objects, `tuples` as arrays (faster, for many rows), `run` the number of rows it changed. */
export type StatementMode = 'get' | 'all' | 'tuples' | 'run'

/** A piece of SQL with its values, to be put into a statement or another piece. */
export class Fragment {
  readonly sqlite: readonly string[]
  readonly pg: readonly string[]
  readonly values: readonly (SqlValue | Fragment)[]
  constructor(sqlite: readonly string[], pg: readonly string[], values: readonly (SqlValue | Fragment)[]) {
    this.sqlite = sqlite
    this.pg = pg
    this.values = values
  }
}

/** A statement and the type of its result. */
export class Stmt<out R> {
  readonly kind = 'statement'
  readonly mode: StatementMode
  readonly compiled: Compiled
  readonly values: readonly SqlValue[]
  constructor(mode: StatementMode, compiled: Compiled, values: readonly SqlValue[]) {
    this.mode = mode
    this.compiled = compiled
    this.values = values
  }
  *[Symbol.iterator](): Generator<Step, R, unknown> {
    // The engine answers each statement with what its mode says; the row type is the author's assertion.
    return (yield this) as R
  }
}

/** Statements that don't depend on each other: an engine may send them in one round trip. They run in order. */
export class Many<out R> {
  readonly kind = 'many'
  readonly statements: readonly Stmt<unknown>[]
  constructor(statements: readonly Stmt<unknown>[]) {
    this.statements = statements
  }
  *[Symbol.iterator](): Generator<Step, R, unknown> {
    return (yield this) as R
  }
}

/** Something to publish after the commit. Answered with nothing. */
export class Changed {
  readonly kind = 'changed'
  readonly change: Told
  constructor(change: Told) {
    this.change = change
  }
}

/** Undo what this operation wrote and forget what it wanted published. Answered with nothing. */
export class Undo {
  readonly kind = 'undo'
}

export type Step = Stmt<unknown> | Many<unknown> | Changed | Undo

/** An operation with its result. */
export type Op<R> = Generator<Step, R, unknown>

/** The result type of an operation. */
export type OpResult<F> = F extends (...parameters: never[]) => Op<infer R> ? R : never

type Values = readonly (SqlValue | Fragment)[]

const plainTexts = new WeakMap<TemplateStringsArray, Compiled>()
const composedTexts = new WeakMap<TemplateStringsArray, Map<string, Compiled>>()

/** A piece of SQL. */
export function sql(strings: TemplateStringsArray, ...values: Values): Fragment {
  return new Fragment(strings, strings, values)
}

/** A piece that differs between the engines. Both texts bind the same values in the same order. */
export function dialect(texts: { sqlite: Fragment; pg: Fragment }): Fragment {
  if (texts.sqlite.values.length !== texts.pg.values.length)
    throw new TypeError('dialects bind different values')
  return new Fragment(texts.sqlite.sqlite, texts.pg.pg, texts.sqlite.values)
}

/** The first row, or undefined. */
export function get<T extends object>(strings: TemplateStringsArray, ...values: Values): Stmt<T | undefined> {
  return statement('get', strings, values)
}

/** All rows. */
export function all<T extends object>(strings: TemplateStringsArray, ...values: Values): Stmt<T[]> {
  return statement('all', strings, values)
}

/** All rows as arrays of their columns. */
export function tuples<T extends readonly unknown[]>(
  strings: TemplateStringsArray,
  ...values: Values
): Stmt<T[]> {
  return statement('tuples', strings, values)
}

/** The number of rows changed. */
export function run(strings: TemplateStringsArray, ...values: Values): Stmt<number> {
  return statement('run', strings, values)
}

type Results<S extends readonly Stmt<unknown>[]> = { [K in keyof S]: S[K] extends Stmt<infer R> ? R : never }

/** Independent statements together; the results come in their order. */
export function many<const S extends readonly Stmt<unknown>[]>(statements: S): Many<Results<S>> {
  return new Many(statements)
}

/** Has `change` published after the commit. */
export function* changed(change: Told): Op<void> {
  yield new Changed(change)
}

/** Undoes the operation's writes; to be returned: `return yield* refuse({ ok: false, reason: 'over-quota' })`. */
export function* refuse<const R>(value: R): Op<R> {
  yield new Undo()
  return value
}

function statement<R>(mode: StatementMode, strings: TemplateStringsArray, values: Values): Stmt<R> {
  if (!hasFragment(values)) {
    let compiled = plainTexts.get(strings)
    if (!compiled) {
      compiled = numbered(strings, strings)
      plainTexts.set(strings, compiled)
    }
    // No fragment among them, as just checked.
    return new Stmt(mode, compiled, values as readonly SqlValue[])
  }
  const flat: Flat = { sqlite: [''], pg: [''], values: [] }
  flatten({ sqlite: strings, pg: strings, values }, flat)
  let variants = composedTexts.get(strings)
  if (!variants) {
    variants = new Map()
    composedTexts.set(strings, variants)
  }
  const key = `${flat.sqlite.join('?')}\0${flat.pg.join('?')}`
  let compiled = variants.get(key)
  if (!compiled) {
    compiled = numbered(flat.sqlite, flat.pg)
    variants.set(key, compiled)
  }
  return new Stmt(mode, compiled, flat.values)
}

function hasFragment(values: Values): boolean {
  for (const value of values) if (value instanceof Fragment) return true
  return false
}

interface Flat {
  readonly sqlite: string[]
  readonly pg: string[]
  readonly values: SqlValue[]
}

/** Appends a piece to `flat`, whose texts always have one string more than there are values. */
function flatten(piece: Pick<Fragment, 'sqlite' | 'pg' | 'values'>, flat: Flat): void {
  append(flat.sqlite, piece.sqlite[0])
  append(flat.pg, piece.pg[0])
  for (const [index, value] of piece.values.entries()) {
    if (value instanceof Fragment) {
      flatten(value, flat)
      append(flat.sqlite, piece.sqlite[index + 1])
      append(flat.pg, piece.pg[index + 1])
    } else {
      flat.values.push(value)
      flat.sqlite.push(piece.sqlite[index + 1] ?? '')
      flat.pg.push(piece.pg[index + 1] ?? '')
    }
  }
}

function append(texts: string[], text = ''): void {
  texts[texts.length - 1] += text
}

function numbered(sqlite: readonly string[], pg: readonly string[]): Compiled {
  const tidy = (text: string): string => text.replace(/\s+/g, ' ').trim()
  const text = tidy(sqlite.join('?'))
  return {
    sqlite: text,
    pg: tidy(pg.reduce((before, after, index) => `${before}$${index}${after}`)),
    writes: !/^select\b/i.test(text),
  }
}
