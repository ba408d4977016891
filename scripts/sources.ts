// The project's own files as the checks see them: path, text, and for TypeScript the syntax tree.
//
// Checks take these as arguments rather than reading the disk, so that a test can hand them a faulty file as text.
import { existsSync, globSync, readFileSync } from 'node:fs'
import { join } from 'node:path'
import { fileURLToPath } from 'node:url'
import { parseSync, type ParseResult } from 'oxc-parser'

export const root: string = fileURLToPath(new URL('..', import.meta.url))

/** A file of the project. `path` is relative to its root, with forward slashes. */
export interface SourceFile {
  readonly path: string
  readonly text: string
}

/** Something that a check found wrong. */
export interface Problem {
  readonly path: string
  /** Counted from 1; absent where the whole file is meant. */
  readonly line?: number
  readonly message: string
}

/** A node of the syntax tree, reduced to what every node has. */
export interface SyntaxNode {
  readonly type: string
  readonly start: number
  readonly end: number
  readonly [key: string]: unknown
}

export function formatProblem({ path, line, message }: Problem): string {
  return `${path}${line === undefined ? '' : `:${line}`}: ${message}`
}

/** Reads the files that match, sorted by path. */
export function readFiles(patterns: readonly string[]): SourceFile[] {
  return globSync([...patterns], { cwd: root, exclude: (path) => path.includes('node_modules') })
    .sort()
    .map((path) => ({ path: path.replaceAll('\\', '/'), text: readFileSync(join(root, path), 'utf8') }))
}

/** A file's text, or an empty one where it does not exist yet. */
export function readIfPresent(path: string): string {
  const file = join(root, path)
  return existsSync(file) ? readFileSync(file, 'utf8') : ''
}

export function parseFile(file: SourceFile): ParseResult {
  const lang = file.path.endsWith('.tsx') ? 'tsx' : 'ts'
  return parseSync(file.path, file.text, { lang, sourceType: 'module' })
}

/** The line, counted from 1, on which the offset lies. */
export function lineAt(text: string, offset: number): number {
  let line = 1
  for (let at = text.indexOf('\n'); at >= 0 && at < offset; at = text.indexOf('\n', at + 1)) line++
  return line
}

function isNode(value: unknown): value is SyntaxNode {
  return typeof value === 'object' && value !== null && 'type' in value && typeof value.type === 'string'
}

/** Calls `visit` for each node below (and with) `node`, with its parent and the parent's key it stands under. */
export function walk(
  node: unknown,
  visit: (node: SyntaxNode, parent: SyntaxNode | null, key: string) => void,
  parent: SyntaxNode | null = null,
  key = '',
): void {
  if (Array.isArray(node)) {
    for (const item of node) walk(item, visit, parent, key)
    return
  }
  if (!isNode(node)) return
  visit(node, parent, key)
  for (const [name, child] of Object.entries(node)) {
    if (typeof child === 'object' && child !== null) walk(child, visit, node, name)
  }
}

/** Rows of a tab-separated file without comments and empty lines. */
export function parseTable(text: string): string[][] {
  return text
    .split('\n')
    .filter((line) => line.trim() !== '' && !line.startsWith('#'))
    .map((line) => line.split('\t'))
}
