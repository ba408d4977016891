// Holds files to 700 lines and functions to 60 lines, so that each can be read at one sitting. Functions in `.tsx` may have 90: most of
// their lines are the markup, an attribute a line.
//
// `scripts/sizes.allow.tsv` names what is still over, with its length (path, function or `-`, lines). The list only shrinks: an
// entry that has grown, or is no longer needed, is a problem too. In tests and contract suites only the file's length
// counts, since a suite's callback holds its tests.
import {
  lineAt,
  parseFile,
  parseTable,
  walk,
  type Problem,
  type SourceFile,
  type SyntaxNode,
} from './sources.ts'

export const longestFile = 700
export const longestFunction = 60
export const longestComponent = 90

function limitFor(path: string, name: string): number {
  if (name === '-') return longestFile
  return path.endsWith('.tsx') ? longestComponent : longestFunction
}

interface Size {
  readonly path: string
  /** The function's name; `-` for the file itself. */
  readonly name: string
  readonly line: number
  readonly lines: number
}

/** What is over the limits. */
export function findOversized(files: readonly SourceFile[]): Size[] {
  return files.flatMap((file) => {
    const lines = file.text.split('\n').length - 1
    const whole = lines > longestFile ? [{ path: file.path, name: '-', line: 1, lines }] : []
    return /\.test\.ts$|^test\/contracts\//.test(file.path) ? whole : [...whole, ...oversizedFunctions(file)]
  })
}

function oversizedFunctions(file: SourceFile): Size[] {
  const found: Size[] = []
  const limit = limitFor(file.path, '')
  walk(parseFile(file).program, (node, parent) => {
    if (!/^(FunctionDeclaration|FunctionExpression|ArrowFunctionExpression)$/.test(node.type)) return
    const line = lineAt(file.text, node.start)
    const lines = lineAt(file.text, node.end) - line + 1
    if (lines > limit) found.push({ path: file.path, name: nameOf(node, parent), line, lines })
  })
  return found
}

function nameOf(node: SyntaxNode, parent: SyntaxNode | null): string {
  for (const holder of [node['id'], parent?.['key'], parent?.['id']]) {
    const name = (holder as SyntaxNode | null | undefined)?.['name']
    if (typeof name === 'string') return name
  }
  return '(anonymous)'
}

/** Compares what is over the limits with the list of what may be. */
export function checkSizes(files: readonly SourceFile[], allowList: string): Problem[] {
  const allowed = new Map(
    parseTable(allowList).map(([path, name, lines]) => [`${path} ${name}`, Number(lines)]),
  )
  const problems: Problem[] = []
  for (const { path, name, line, lines } of findOversized(files)) {
    const limit = limitFor(path, name)
    const granted = allowed.get(`${path} ${name}`) ?? limit
    allowed.delete(`${path} ${name}`)
    const what = name === '-' ? 'the file' : name
    if (lines > granted)
      problems.push({ path, line, message: `${what} has ${lines} lines, at most ${granted}` })
  }
  for (const key of allowed.keys()) {
    problems.push({ path: 'scripts/sizes.allow.tsv', message: `no longer needed: ${key}` })
  }
  return problems
}
