// What the pages tell readers to type, held against the program: TOML and TypeScript configurations are ones that it takes, programs type
// check, JSON parses, each command, option, script and setting is there, and each path of the HTTP API.
//
// A block without a language is a problem, since nobody would look into it. What a page leaves out of its programs (`signUp`) is declared here.
import { spawn } from 'node:child_process'
import { mkdtempSync, rmSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { Readable } from 'node:stream'
import type { Command } from 'commander'
import { parse } from 'smol-toml'
import { makeProgram } from '../src/cli/program.ts'
import { leavesOf, wordsOf } from '../src/cli/command-notes.ts'
import { catcherOpenApi } from '../src/catcher/api/openapi.ts'
import { settingCatalogue } from '../src/config/catalogue.ts'
import { resolveConfig } from '../src/config/layers.ts'
import { type Problem, root, type SourceFile } from './sources.ts'

/** A fenced block of a page. */
export interface Block {
  readonly path: string
  /** Of the fence. */
  readonly line: number
  readonly language: string
  readonly text: string
}

/** Blocks of one page, also those inside of lists. */
export function blocksOf({ path, text }: SourceFile): Block[] {
  const blocks: Block[] = []
  let open: { line: number; indent: string; language: string; lines: string[] } | null = null
  for (const [index, line] of text.split('\n').entries()) {
    const [, indent = '', language = ''] = /^( *)```(\w*)/.exec(line) ?? []
    if (!/^ *```/.test(line)) open?.lines.push(line.replace(open.indent, ''))
    else if (open === null) open = { line: index + 1, indent, language, lines: [] }
    else {
      blocks.push({ path, line: open.line, language: open.language, text: open.lines.join('\n') })
      open = null
    }
  }
  return blocks
}

/** What is known to the checks of words. */
export interface Known {
  readonly commands: readonly Command[]
  readonly scripts: ReadonlySet<string>
  readonly settings: readonly string[]
  /** Everything that stands in quotes in the sources: events and operations look like settings. */
  readonly sources: string
  /** Of the HTTP API, as its documents name them. */
  readonly paths: readonly string[]
}

/** All but the type check, which is one for all pages. */
export function checkBlocks(pages: readonly SourceFile[], known: Known): Problem[] {
  return pages.flatMap((page) => [
    ...blocksOf(page).flatMap((block) => checkBlock(block, known)),
    ...checkInline(page, known),
    ...checkPaths(page, known),
  ])
}

function checkBlock(block: Block, known: Known): Problem[] {
  const problem = (message: string | null): Problem[] =>
    message === null ? [] : [{ path: block.path, line: block.line, message }]
  switch (block.language) {
    case '':
      return problem('a block without a language: sh, console, toml, ts, json or text')
    case 'toml':
      return problem(tomlProblem(block.text))
    case 'json':
      return block.text.split('\n').flatMap((line) => problem(jsonProblem(line)))
    case 'sh':
    case 'console':
      return commandLines(block).flatMap((line) => problem(lineProblem(line, known)))
    case 'ts':
    case 'text':
      return []
    default:
      return problem(`nothing checks ${block.language}`)
  }
}

function tomlProblem(text: string): string | null {
  try {
    resolveConfig([
      { name: 'page', settings: { hostname: 'mail.example.org' } },
      // The schema judges what it is.
      { name: 'block', settings: parse(text) as object },
    ])
    return null
  } catch (error) {
    return error instanceof Error ? error.message : String(error)
  }
}

function jsonProblem(line: string): string | null {
  try {
    JSON.parse(line)
    return null
  } catch (error) {
    return error instanceof Error ? error.message : String(error)
  }
}

/** Lines that a reader types: all of `sh`, those behind `$` of `console`; quotes and `\` hold them together. */
function commandLines({ language, text }: Block): string[] {
  const joined = text
    .replaceAll(/\\\n\s*/g, ' ')
    .replaceAll(/'[^']*'/g, (quoted) => quoted.replaceAll('\n', ' '))
  const lines = joined.split('\n').filter((line) => line.trim() !== '' && !line.startsWith('#'))
  return language === 'sh'
    ? lines
    : lines.filter((line) => line.startsWith('$ ')).map((line) => line.slice(2))
}

/** What is wrong with a line of a shell, or null. */
export function lineProblem(line: string, known: Known): string | null {
  const pieces = line.replace(/\s# .*$/, '').split(/ && | \|\| | \| |; /)
  for (const piece of pieces) {
    const words = [...piece.matchAll(/"([^"]*)"|'([^']*)'|(\S+)/g)].map(([, a, b, c]) => a ?? b ?? c ?? '')
    if (words[0] === 'npx') words.shift()
    const found =
      words[0] === 'posthorn'
        ? commandProblem(words.slice(1), known.commands)
        : words[0] === 'npm' && words[1] === 'run' && !known.scripts.has(words[2] ?? '')
          ? `there is no script ${words[2]}`
          : null
    if (found !== null) return found
  }
  return null
}

function commandProblem(words: readonly string[], commands: readonly Command[]): string | null {
  const [first = ''] = words
  if (first === '' || first.startsWith('-') || first === 'help') return null
  const fits = commands
    .map((command) => ({ command, name: wordsOf(command).split(' ') }))
    .filter(({ name }) => name.every((word, index) => (words[index] ?? '').split('|').includes(word)))
  // A group may be named as a whole.
  const groups = new Set(commands.map((command) => wordsOf(command).split(' ')[0]))
  const [fit] = fits
  if (fit === undefined)
    return words.length === 1 && groups.has(first) ? null : `there is no command ${words.join(' ')}`
  if (first === 'sendmail') return null
  const options = fit.command.options.flatMap(({ long, short }) => [long, short])
  const strange = words.find((word) => /^--?[a-z]/.test(word) && !options.includes(word.split('=')[0] ?? ''))
  return strange === undefined ? null : `${wordsOf(fit.command)} has no option ${strange}`
}

const spans = /`([^`\n]+)`/g

/** Commands, scripts and settings in the running text. */
function checkInline({ path, text }: SourceFile, known: Known): Problem[] {
  const problems: Problem[] = []
  const sections = new Set(known.settings.map((setting) => setting.split('.')[0]))
  let isBlock = false
  for (const [index, line] of text.split('\n').entries()) {
    if (/^ *```/.test(line)) isBlock = !isBlock
    if (isBlock) continue
    for (const [, span = ''] of line.matchAll(spans)) {
      const found = lineProblem(span, known) ?? settingProblem(span, sections, known)
      if (found !== null) problems.push({ path, line: index + 1, message: found })
    }
  }
  return problems
}

const apiPath = /\/api\/v1\/[\w./{}<>,-]+/g

/** Paths of the API, in text and in blocks; what ends in `/` stands for all below it, what has commas for several. */
function checkPaths({ path, text }: SourceFile, known: Known): Problem[] {
  const plain = (one: string): string => one.replaceAll(/\{\w*\}|<\w*>|:\w+/g, '{}').replace(/[.,]$/, '')
  const paths = new Set(known.paths.map(plain))
  return text.split('\n').flatMap((line, index) =>
    [...line.matchAll(apiPath)].flatMap(([found]) => {
      if (/,\w|\/$/.test(found) || paths.has(plain(found)) || known.sources.includes(`${plain(found)}'`))
        return []
      return [{ path, line: index + 1, message: `the API has no ${found}` }]
    }),
  )
}

function settingProblem(
  span: string,
  sections: ReadonlySet<string | undefined>,
  known: Known,
): string | null {
  const [word = ''] = /^[a-z]+[\w-]*(?:\.[\w-]+)+/i.exec(span) ?? []
  if (!sections.has(word.split('.')[0]) || /\.(?:ts|md|js|toml|example|org|test)$/.test(word)) return null
  const isSetting = known.settings.some((setting) => setting === word || setting.startsWith(`${word}.`))
  return isSetting || known.sources.includes(`'${word}'`) ? null : `there is no setting ${word}`
}

/** What the checks know of this program. */
export function knownWords(manifest: string, openApi: string, sources: readonly SourceFile[]): Known {
  const program = makeProgram({ input: Readable.from([]), out: () => {}, err: () => {}, interactive: false })
  // npm's own format.
  const { scripts } = JSON.parse(manifest) as { scripts: Record<string, string> }
  return {
    commands: leavesOf(program),
    scripts: new Set(Object.keys(scripts)),
    settings: settingCatalogue().map(({ key }) => key.replaceAll('[]', '')),
    // Ours, written by the check of the generated pages.
    paths: [openApi, JSON.stringify(catcherOpenApi())].flatMap((document) =>
      Object.keys((JSON.parse(document) as { paths: object }).paths),
    ),
    sources: sources.map(({ text }) => text).join('\n'),
  }
}

/** What programs of the pages use and readers have themselves. */
const given = `
declare function signUp(address: string, server: { readonly host: string; readonly port: number; readonly url: string }): Promise<void>
declare function keep(chunk: Uint8Array): Promise<void>
`

/** Type checks the programs of all pages, each page as one file, so that a later block goes on where an earlier one ended. */
export async function checkPrograms(pages: readonly SourceFile[]): Promise<Problem[]> {
  const folder = mkdtempSync(join(tmpdir(), 'posthorn-pages-'))
  try {
    const places = new Map<string, string>()
    for (const page of pages) {
      const programs = blocksOf(page).filter(({ language }) => language === 'ts')
      if (programs.length === 0) continue
      const file = `${page.path.replaceAll(/\W/g, '-')}.ts`
      // A block stands on the lines that it has in the page.
      const lines: string[] = []
      for (const { line, text } of programs) {
        while (lines.length < line) lines.push('')
        lines.push(...text.split('\n'))
      }
      places.set(file, page.path)
      writeFileSync(join(folder, file), lines.join('\n'))
    }
    writeFileSync(join(folder, 'given.d.ts'), given)
    writeFileSync(join(folder, 'package.json'), '{"type":"module"}')
    const source = (path: string): string[] => [join(root, 'src', path)]
    writeFileSync(
      join(folder, 'tsconfig.json'),
      JSON.stringify({
        extends: join(root, 'tsconfig.json'),
        compilerOptions: {
          typeRoots: [join(root, 'node_modules/@types')],
          moduleDetection: 'auto',
          rewriteRelativeImportExtensions: false,
          // A rule of this house, not of its readers.
          noImplicitReturns: false,
          paths: {
            'jmap-jam': [join(root, 'types/jmap-jam.d.ts')],
            posthorn: source('index.ts'),
            'posthorn/smtp': source('library/smtp/index.ts'),
            'posthorn/testing': source('testing/index.ts'),
          },
        },
        include: [join(folder, '*.ts'), join(root, 'types')],
      }),
    )
    const output = await run(join(root, 'node_modules/.bin/tsc'), ['-p', folder, '--pretty', 'false'])
    return output.split('\n').flatMap((line) => problemOf(line, places))
  } finally {
    rmSync(folder, { recursive: true, force: true })
  }
}

function problemOf(line: string, places: ReadonlyMap<string, string>): Problem[] {
  const [, file, at, message] = /([\w-]+\.ts)\((\d+),\d+\): error (.*)$/.exec(line) ?? []
  if (message === undefined) return /^\s|^$/.test(line) ? [] : [{ path: 'docs', message: line }]
  return [{ path: places.get(file ?? '') ?? `docs (${file})`, line: Number(at), message }]
}

function run(command: string, parameters: readonly string[]): Promise<string> {
  const child = spawn(command, parameters, { cwd: root, stdio: ['ignore', 'pipe', 'inherit'] })
  let output = ''
  child.stdout.on('data', (chunk: Buffer) => (output += chunk.toString('utf8')))
  return new Promise((resolve, reject) => {
    child.on('error', reject)
    child.on('close', () => resolve(output))
  })
}
