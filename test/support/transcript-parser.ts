// Reads transcripts: text files that tell a dialogue between clients and a server line by line.
// `test/transcripts/README.md` is the grammar for people; this file is the same for machines.
//
// Parsing yields a flat list of steps in the order of the file. Everything that can be wrong with a transcript
// apart from the server's answers is found here, with file and line, so that a misspelt step never passes for
// one that was obeyed.

/** Where a transcript itself is wrong. */
export class TranscriptSyntaxError extends Error {
  override readonly name = 'TranscriptSyntaxError'
}

/** A piece of a line that is sent or expected. */
export type Piece =
  | { readonly type: 'text'; readonly text: string }
  | { readonly type: 'any' }
  | { readonly type: 'variable'; readonly name: string }

/** What one expectation wants from the server. */
export type Expectation =
  | { readonly type: 'line'; readonly pieces: readonly Piece[]; readonly source: string }
  /** Passes over lines until the next expectation holds; none of them, nor that one, may contain these words. */
  | { readonly type: 'skip'; readonly without: readonly string[] }
  | { readonly type: 'closed' }

export type Action =
  | { readonly type: 'use' | 'expect'; readonly text: string }
  | { readonly type: 'after'; readonly milliseconds: number }
  | { readonly type: 'connect'; readonly connection: string; readonly port: string | undefined }
  | { readonly type: 'starttls' | 'end' | 'drop'; readonly connection: string }
  | { readonly type: 'send'; readonly connection: string; readonly lines: readonly (readonly Piece[])[] }
  | { readonly type: 'send-raw' | 'receive-raw'; readonly connection: string; readonly bytes: Uint8Array }
  | {
      readonly type: 'receive'
      readonly connection: string
      readonly expectations: readonly Expectation[]
      readonly anyOrder: boolean
    }

/** An action and the line of the file that asks for it. */
export type Step = Action & { readonly line: number }

export interface Transcript {
  readonly file: string
  readonly steps: readonly Step[]
}

const units: Readonly<Record<string, number>> = { ms: 1, s: 1_000, m: 60_000, h: 3_600_000, d: 86_400_000 }

/** Reads a transcript; throws `TranscriptSyntaxError` with file and line. */
export function parseTranscript(text: string, file: string): Transcript {
  const steps: Step[] = []
  for (const [index, source] of text.split(/\r?\n/).entries()) {
    if (source.trim() === '' || source.trimStart().startsWith('#')) continue
    const line = index + 1
    try {
      for (const action of parseLine(source)) steps.push({ ...action, line })
    } catch (error) {
      if (!(error instanceof TranscriptSyntaxError)) throw error
      throw new TranscriptSyntaxError(`${file}:${line}: ${error.message}`)
    }
  }
  return { file, steps }
}

function parseLine(source: string): Action[] {
  const setting = /^(use|expect|after): *(.*)$/.exec(source)
  if (setting !== null) return parseSetting(setting[1] ?? '', stripComment(setting[2] ?? ''))
  const speech = /^(?:([0-9a-z]\w*) )?(C|S|S~)([:|]) ?(.*)$/.exec(source)
  if (speech !== null) {
    const [, connection = '1', speaker = '', kind, rest = ''] = speech
    if (kind === '|') return [parseRaw(connection, speaker, rest)]
    return [parseSpeech(connection, speaker, stripComment(rest))]
  }
  const command = /^(?:([0-9a-z]\w*) )?(connect|starttls|end|drop)(?: +(\S+))?$/.exec(stripComment(source))
  if (command !== null) {
    const [, connection = '1', type, argument] = command
    if (type === 'connect') return [{ type, connection, port: argument }]
    if (argument === undefined && (type === 'starttls' || type === 'end' || type === 'drop')) {
      return [{ type, connection }]
    }
  }
  throw new TranscriptSyntaxError(`not a transcript line: ${source}`)
}

/** A comment after a step starts at a `#` with two spaces before and one behind it. */
function stripComment(text: string): string {
  return text.replace(/ {2,}# .*$/, '').trimEnd()
}

function parseSetting(name: string, text: string): Action[] {
  if (name === 'after') return [{ type: 'after', milliseconds: parseDuration(text) }]
  const clauses = text.split(';').map((clause) => clause.trim())
  if (clauses.some((clause) => clause === ''))
    throw new TranscriptSyntaxError(`an empty clause after ${name}:`)
  const type = name === 'use' ? 'use' : 'expect'
  return clauses.map((clause) => ({ type, text: clause }))
}

function parseDuration(text: string): number {
  let milliseconds = 0
  for (const part of text.split(/ +/)) {
    const match = /^(\d+)(ms|s|m|h|d)$/.exec(part)
    if (match === null) throw new TranscriptSyntaxError(`not a duration such as 5m 30s: ${text}`)
    milliseconds += Number(match[1]) * (units[match[2] ?? ''] ?? 0)
  }
  return milliseconds
}

function parseSpeech(connection: string, speaker: string, text: string): Action {
  const lines = splitLines(text)
  if (speaker === 'C') return { type: 'send', connection, lines: lines.map(parseSentLine) }
  const expectations = lines.flatMap(parseExpectations)
  const last = expectations.at(-1)
  if (last === undefined || last.type === 'skip')
    throw new TranscriptSyntaxError('... needs something after it')
  const anyOrder = speaker === 'S~'
  if (anyOrder && expectations.some(({ type }) => type !== 'line')) {
    throw new TranscriptSyntaxError('S~ takes plain lines only')
  }
  return { type: 'receive', connection, expectations, anyOrder }
}

/** Several lines of dialogue stand on one line of the file, with ` / ` between them. */
function splitLines(text: string): string[] {
  const [first = '', ...rest] = text.split(/(?:^| )\/(?= |$)/)
  return [first, ...rest.map((part) => part.replace(/^ /, ''))]
}

function parseSentLine(text: string): Piece[] {
  return parsePieces(text, { wildcards: false })
}

function parseExpectations(text: string): Expectation[] {
  const expectations: Expectation[] = []
  let words: string[] = []
  const flush = (): void => {
    if (words.length > 0) expectations.push(parseExpectation(words.join(' ')))
    words = []
  }
  for (const word of text.split(' ')) {
    const skip = /^\.\.\.(?:-(.+))?$/.exec(word)
    if (skip === null) {
      words.push(word)
      continue
    }
    flush()
    expectations.push({ type: 'skip', without: skip[1]?.split(',') ?? [] })
  }
  flush()
  return expectations
}

function parseExpectation(source: string): Expectation {
  if (source === '<closed>') return { type: 'closed' }
  return { type: 'line', pieces: parsePieces(source, { wildcards: true }), source }
}

function parsePieces(text: string, { wildcards }: { readonly wildcards: boolean }): Piece[] {
  const pieces: Piece[] = []
  let plain = ''
  const flush = (): void => {
    if (plain !== '') pieces.push({ type: 'text', text: plain })
    plain = ''
  }
  const special = /\*|\$([a-z][a-zA-Z0-9]*)|<base64 ("(?:[^"\\]|\\.)*")>/g
  let from = 0
  for (const match of text.matchAll(special)) {
    plain += text.slice(from, match.index)
    from = match.index + match[0].length
    // IMAP's untagged responses begin with a star of their own.
    const literalStar = match[0] === '*' && (!wildcards || (match.index === 0 && text[1] === ' '))
    if (match[2] !== undefined) plain += Buffer.from(parseStrings(match[2])).toString('base64')
    else if (literalStar) plain += '*'
    else {
      flush()
      pieces.push(match[1] === undefined ? { type: 'any' } : { type: 'variable', name: match[1] })
    }
  }
  plain += text.slice(from)
  flush()
  return pieces
}

function parseRaw(connection: string, speaker: string, text: string): Action {
  if (speaker === 'S~') throw new TranscriptSyntaxError('S~ takes plain lines only')
  const type = speaker === 'C' ? 'send-raw' : 'receive-raw'
  return { type, connection, bytes: parseStrings(text.replace(/(?<=["\d]) {2,}# [^"]*$/, '').trim()) }
}

/** One or more quoted strings, each with an optional `* 1000` behind it. */
function parseStrings(text: string): Uint8Array {
  const parts: Uint8Array[] = []
  const string = /"((?:[^"\\]|\\.)*)"(?: *\* *(\d+))?(?: +|$)/y
  while (string.lastIndex < text.length) {
    const at = string.lastIndex
    const match = string.exec(text)
    if (match === null)
      throw new TranscriptSyntaxError(`expected "text" or "text" * 3, got: ${text.slice(at)}`)
    const bytes = unescapeString(match[1] ?? '')
    for (let count = Number(match[2] ?? 1); count > 0; count--) parts.push(bytes)
  }
  return Buffer.concat(parts)
}

const simpleEscapes: Readonly<Record<string, string>> = {
  r: '\r',
  n: '\n',
  t: '\t',
  '0': '\0',
  '"': '"',
  '\\': '\\',
}

/** Text as UTF-8, with `\xNN` for one octet. */
function unescapeString(text: string): Uint8Array {
  const parts: Uint8Array[] = []
  for (const match of text.matchAll(/[^\\]+|\\x([0-9a-fA-F]{2})|\\(.)/gs)) {
    const [whole, octet, escape] = match
    if (octet !== undefined) parts.push(Uint8Array.of(Number.parseInt(octet, 16)))
    else if (escape === undefined) parts.push(Buffer.from(whole))
    else {
      const plain = simpleEscapes[escape]
      if (plain === undefined) throw new TranscriptSyntaxError(`unknown escape \\${escape}`)
      parts.push(Buffer.from(plain))
    }
  }
  return Buffer.concat(parts)
}
