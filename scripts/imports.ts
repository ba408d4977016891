// Holds `src/` to the import rule (`scripts/layers.ts`) and to what follows from it: pure rows touch nothing
// ambient, no module keeps state, each file says first what it is for, and files are named so that they are found.
//
// Tests beside a file obey its row, but may import packages, Node and `test/support` freely.
import { isBuiltin } from 'node:module'
import { dirname, posix } from 'node:path'
import {
  ambientFiles,
  bannedNames,
  hiddenFolders,
  lastPureRow,
  protocols,
  pureNodeModules,
  units,
  type Unit,
} from './layers.ts'
import { lineAt, parseFile, walk, type Problem, type SourceFile, type SyntaxNode } from './sources.ts'

interface Import {
  readonly specifier: string
  readonly line: number
}

const isTest = (path: string): boolean => /\.(test|fuzz|bench)\.ts$/.test(path)

/** The unit of the table that a path below `src/` belongs to. */
function unitOf(path: string): Unit | undefined {
  const inside = path.replace(/^src\//, '')
  return units.find(({ name }) => inside === name || inside.startsWith(`${name}/`))
}

/** All that a file imports or re-exports, types included: a type is knowledge too. */
function importsOf(file: SourceFile): Import[] {
  const found: Import[] = []
  walk(parseFile(file).program, (node) => {
    const isImport = /^(Import|ExportNamed|ExportAll)(Declaration|Expression)$/.test(node.type)
    const source = node['source'] as SyntaxNode | null | undefined
    if (isImport && typeof source?.['value'] === 'string') {
      found.push({ specifier: source['value'], line: lineAt(file.text, node.start) })
    }
  })
  return found
}

/** Checks every file of `src/` given. */
export function checkImports(files: readonly SourceFile[]): Problem[] {
  const known = new Set(files.map(({ path }) => path))
  return files
    .filter(({ path }) => path.startsWith('src/'))
    .flatMap((file) => [
      ...checkName(file),
      ...(unitOf(file.path) === undefined
        ? [{ path: file.path, message: 'belongs to no folder of scripts/layers.ts' }]
        : importsOf(file).flatMap((found) => checkImport(file, found, known))),
      ...(isTest(file.path) ? [] : [...checkOpening(file), ...checkState(file), ...checkAmbient(file)]),
    ])
}

function checkImport(file: SourceFile, { specifier, line }: Import, known: ReadonlySet<string>): Problem[] {
  const from = unitOf(file.path)
  if (from === undefined) return []
  const problem = (message: string): Problem[] => [{ path: file.path, line, message }]
  const test = isTest(file.path)
  if (!specifier.startsWith('.')) {
    return test ? [] : checkPackage(from, specifier).flatMap((message) => problem(message))
  }
  const target = posix.normalize(posix.join(dirname(file.path), specifier))
  if (!target.startsWith('src/')) {
    if (test && target.startsWith('test/support/')) return []
    if (target === 'package.json') return []
    return problem(`${specifier} lies outside src/`)
  }
  const to = unitOf(target)
  if (to === undefined) return problem(`${target} belongs to no folder of scripts/layers.ts`)
  if (from === to) return []
  const reason = checkUnits(from, to) ?? checkHidden(from, target, test) ?? checkDoor(to, target, known)
  return reason === undefined ? [] : problem(`${target}: ${reason}`)
}

function checkUnits(from: Unit, to: Unit): string | undefined {
  if (to.row > from.row) return `${from.name} (row ${from.row}) may not import ${to.name} (row ${to.row})`
  if (to.row === from.row) return `${from.name} and ${to.name} stand in one row and may not know each other`
  const [mine = '', theirs = ''] = [from.name.split('/')[0], to.name.split('/')[0]]
  if (mine !== theirs && protocols.includes(mine) && protocols.includes(theirs)) {
    return `protocol ${mine} may not import protocol ${theirs}`
  }
  return undefined
}

function checkHidden(from: Unit, target: string, test: boolean): string | undefined {
  for (const [folder, importers] of Object.entries(hiddenFolders)) {
    if (!target.startsWith(`src/${folder}/`) || importers.includes(from.name) || test) continue
    return `only ${importers.join(', ')} may import ${folder}`
  }
  return undefined
}

/** A folder with an index.ts is entered by it. */
function checkDoor(to: Unit, target: string, known: ReadonlySet<string>): string | undefined {
  const door = `src/${to.name}/index.ts`
  return known.has(door) && target !== door ? `the door of ${to.name} is ${door}` : undefined
}

function checkPackage(from: Unit, specifier: string): string[] {
  if (isBuiltin(specifier)) {
    if (!specifier.startsWith('node:')) return [`write node:${specifier}`]
    if (from.row > lastPureRow || pureNodeModules.includes(specifier)) return []
    return [`${from.name} is pure and may not import ${specifier}`]
  }
  const name = specifier.split('/', specifier.startsWith('@') ? 2 : 1).join('/')
  return from.packages.includes(name) ? [] : [`${from.name} may not import the package ${name}`]
}

function checkName({ path }: SourceFile): Problem[] {
  const problems: Problem[] = []
  for (const part of path.replace(/\.ts$/, '').split('/')) {
    const stem = part.replace(/\.(test|fuzz|bench|d)$/, '')
    // `inbox.fuzz.test` is a property test beside a fuzz target.
    if (!/^[a-z0-9]+(-[a-z0-9]+)*(\.fuzz)?$/.test(stem))
      problems.push({ path, message: `${part} is not kebab-case` })
    if (bannedNames.includes(stem)) problems.push({ path, message: `${part} does not say what is inside` })
  }
  return problems
}

/** The file says first what it is for. */
function checkOpening({ path, text }: SourceFile): Problem[] {
  return /^(#!.*\n)?(\/\/ \S|\/\*\*?\s)/.test(text)
    ? []
    : [{ path, line: 1, message: 'opens without a comment' }]
}

const container = new Set(['Map', 'Set', 'Array'])

/** Modules hold no state: no top-level `let` or `var`, no empty container that waits to be filled. */
function checkState(file: SourceFile): Problem[] {
  const problems: Problem[] = []
  for (const statement of parseFile(file).program.body) {
    const inner = statement.type === 'ExportNamedDeclaration' ? statement.declaration : statement
    if (inner?.type !== 'VariableDeclaration') continue
    const line = lineAt(file.text, inner.start)
    if (inner.kind === 'let' || inner.kind === 'var') {
      problems.push({
        path: file.path,
        line,
        message: `module-level ${inner.kind} is state that every caller shares`,
      })
    }
    for (const { id, init } of inner.declarations) {
      // An empty constant of a type that nobody can fill (ReadonlyMap, or a name for it) is a value.
      if (/:\s*(?!Map\b|Set\b|Array\b)\w/.test(file.text.slice(id.start, id.end))) continue
      const empty = init?.type === 'NewExpression' && init.arguments.length === 0
      if (!empty || init.callee.type !== 'Identifier' || !container.has(init.callee.name)) continue
      const message = `an empty module-level ${init.callee.name} is state that every caller shares`
      problems.push({ path: file.path, line, message })
    }
  }
  return problems
}

const ambientNames = new Set([
  'setTimeout',
  'setInterval',
  'setImmediate',
  'process',
  'performance',
  'fetch',
  'console',
])
const ambientMembers = new Set(['Date.now', 'Math.random', 'crypto.randomUUID', 'crypto.getRandomValues'])

/** Clock, chance, timers and environment are arguments, except in the files that provide them. */
function checkAmbient(file: SourceFile): Problem[] {
  if (ambientFiles.some((pattern) => pattern.test(file.path))) return []
  const pure = (unitOf(file.path)?.row ?? 0) <= lastPureRow
  const problems: Problem[] = []
  const { program } = parseFile(file)
  const own = ownNames(program)
  walk(program, (node, parent, key) => {
    const name = ambientUse(node, parent, key)
    // To let others run in between is no use of time.
    if (name === undefined || own.has(name) || (!pure && (name === 'setImmediate' || isFact(name, parent))))
      return
    const line = lineAt(file.text, node.start)
    problems.push({ path: file.path, line, message: `${name} is ambient: take it as an argument` })
  })
  return problems
}

/** What the module imports or declares as a function: such a name is no longer the ambient one. */
function ownNames(program: unknown): ReadonlySet<string> {
  const names = new Set<string>()
  walk(program, (node) => {
    const declared = /^Import(Default|Namespace)?Specifier$/.test(node.type) ? node['local'] : node['id']
    const declares = node.type.endsWith('Specifier') || node.type === 'FunctionDeclaration'
    const name = (declared as SyntaxNode | null | undefined)?.['name']
    if (declares && typeof name === 'string') names.add(name)
  })
  return names
}

/** `process.platform` and the like never change while the program runs. */
function isFact(name: string, parent: SyntaxNode | null): boolean {
  const property = parent?.['property'] as SyntaxNode | undefined
  return (
    name === 'process' &&
    ['platform', 'pid', 'arch', 'version', 'versions'].includes(String(property?.['name']))
  )
}

/** The ambient thing that a node refers to, or undefined. */
function ambientUse(node: SyntaxNode, parent: SyntaxNode | null, key: string): string | undefined {
  if (node.type === 'MemberExpression') {
    const object = node['object'] as SyntaxNode
    const property = node['property'] as SyntaxNode
    const name = `${String(object['name'])}.${String(property['name'])}`
    return ambientMembers.has(name) ? name : undefined
  }
  if (node.type === 'NewExpression' && (node['callee'] as SyntaxNode)['name'] === 'Date') {
    return (node['arguments'] as unknown[]).length === 0 ? 'new Date()' : undefined
  }
  const name = String(node['name'])
  if (node.type !== 'Identifier' || !ambientNames.has(name)) return undefined
  // A property, parameter or type of that name is someone's own.
  const isMember = (key === 'property' || key === 'key') && parent?.['computed'] !== true
  const isDeclaration = key === 'params' || key === 'id' || parent?.type.startsWith('TS') === true
  return isMember || isDeclaration ? undefined : name
}
