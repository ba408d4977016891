// Coverage for the fuzzer: rewrites our own modules as they are loaded so that every branch counts how often it ran.
//
// V8's own coverage is far too slow to read after each of 100,000 runs a second; an octet in a shared array is not. Only modules
// that the predicate names are rewritten, and only after this was installed; line numbers stay, since nothing is inserted that
// ends a line.
import { parse } from 'acorn'
import { full } from 'acorn-walk'
import MagicString from 'magic-string'
import { registerHooks, stripTypeScriptTypes } from 'node:module'
import { fileURLToPath } from 'node:url'

/** How many branches can be told apart; more share a counter. */
const counterCount = 1 << 16
const globalName = '__posthornBranches'

/** Counts of one run, by branch. */
export type Counters = Uint8Array

interface Node {
  readonly type: string
  readonly start: number
  readonly end: number
}

/** The parts of acorn's nodes that branch. */
interface Branching extends Node {
  readonly body?: Node
  readonly consequent?: Node | Node[]
  readonly alternate?: Node | null
  readonly right?: Node
  readonly test?: Node | null
}

/** Rewrites JavaScript so that each branch adds to its counter. Ids begin at `firstId`; returns the code and the next id. */
export function instrument(
  source: string,
  firstId: number,
): { readonly code: string; readonly nextId: number } {
  const text = new MagicString(source)
  let id = firstId
  const tick = (): string => `${globalName}[${id++ % counterCount}]++`
  const countStatement = (node: Node | null | undefined): void => {
    if (node == null) return
    if (node.type === 'BlockStatement') text.appendRight(node.start + 1, `${tick()};`)
    else text.appendRight(node.start, `{${tick()};`).appendLeft(node.end, '}')
  }
  const countExpression = (node: Node | null | undefined): void => {
    if (node != null) text.appendRight(node.start, `(${tick()},`).appendLeft(node.end, ')')
  }
  const program = parse(source, { ecmaVersion: 'latest', sourceType: 'module' })
  full(program, (visited) =>
    countBranches(visited as Branching, { countStatement, countExpression, text, tick }),
  )
  return { code: text.toString(), nextId: id }
}

interface Counting {
  readonly countStatement: (node: Node | null | undefined) => void
  readonly countExpression: (node: Node | null | undefined) => void
  readonly text: MagicString
  readonly tick: () => string
}

function countBranches(node: Branching, { countStatement, countExpression, text, tick }: Counting): void {
  switch (node.type) {
    case 'IfStatement':
      countStatement(node.consequent as Node)
      return countStatement(node.alternate)
    case 'ForStatement':
    case 'ForOfStatement':
    case 'ForInStatement':
    case 'WhileStatement':
    case 'DoWhileStatement':
      return countStatement(node.body)
    case 'FunctionDeclaration':
    case 'FunctionExpression':
    case 'ArrowFunctionExpression':
    case 'CatchClause':
      if (node.body?.type === 'BlockStatement') countStatement(node.body)
      else countExpression(node.body)
      return
    case 'SwitchCase': {
      const first = (node.consequent as Node[])[0]
      if (first !== undefined) text.appendRight(first.start, `${tick()};`)
      return
    }
    case 'ConditionalExpression':
      countExpression(node.consequent as Node)
      return countExpression(node.alternate)
    case 'LogicalExpression':
      return countExpression(node.right)
  }
}

/** Installs the rewriting for every module imported from now on; returns how to get the counters in use so far. */
export function installCoverage(wants: (path: string) => boolean): () => Counters {
  const counters = new Uint8Array(counterCount)
  Object.defineProperty(globalThis, globalName, { value: counters })
  let nextId = 0
  registerHooks({
    load(url, context, nextLoad) {
      const loaded = nextLoad(url, context)
      if (!url.startsWith('file:') || !wants(fileURLToPath(url)) || loaded.source == null) return loaded
      const source =
        typeof loaded.source === 'string'
          ? loaded.source
          : Buffer.from(loaded.source as Uint8Array).toString()
      const result = instrument(stripTypeScriptTypes(source), nextId)
      nextId = result.nextId
      return { format: 'module', source: result.code, shortCircuit: true }
    },
  })
  return () => counters.subarray(0, nextId)
}
