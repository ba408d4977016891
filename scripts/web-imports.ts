// Holds `web/` to its import rule: a page knows its own folder and `web/shared`, nothing of another page; of `src/` it takes types alone, and
// only those of what is spoken over HTTP. `web/shared` knows no page.
import { dirname, posix } from 'node:path'
import { lineAt, parseFile, walk, type Problem, type SourceFile, type SyntaxNode } from './sources.ts'

/** Folders of `src/` whose types pages may take: the words of the HTTP APIs. */
export const spokenOverHttp: readonly string[] = ['src/http/', 'src/jmap/proto/', 'src/catcher/api/']

interface WebImport {
  readonly specifier: string
  readonly line: number
  readonly typesOnly: boolean
}

function importsOf(file: SourceFile): WebImport[] {
  const found: WebImport[] = []
  walk(parseFile(file).program, (node) => {
    if (!/^(Import|ExportNamed|ExportAll)(Declaration|Expression)$/.test(node.type)) return
    const specifier = (node['source'] as SyntaxNode | null | undefined)?.['value']
    if (typeof specifier !== 'string') return
    const typesOnly = node['importKind'] === 'type' || node['exportKind'] === 'type'
    found.push({ specifier, line: lineAt(file.text, node.start), typesOnly })
  })
  return found
}

function reasonAgainst(path: string, { specifier, typesOnly }: WebImport): string | undefined {
  if (!specifier.startsWith('.')) return undefined
  const target = posix.normalize(posix.join(dirname(path), specifier))
  const [, room = ''] = path.split('/')
  const [top, targetRoom] = target.split('/')
  if (top === 'web') {
    return targetRoom === room || targetRoom === 'shared'
      ? undefined
      : `${target}: pages know nothing of each other`
  }
  if (!spokenOverHttp.some((folder) => target.startsWith(folder))) {
    return `${target}: pages know of the server only what is spoken over HTTP`
  }
  return typesOnly ? undefined : `${target}: types alone may be imported from the server`
}

/** Checks every file of `web/` given; tests as well. */
export function checkWebImports(files: readonly SourceFile[]): Problem[] {
  return files.flatMap((file) =>
    importsOf(file).flatMap((found) => {
      const message = reasonAgainst(file.path, found)
      return message === undefined ? [] : [{ path: file.path, line: found.line, message }]
    }),
  )
}
