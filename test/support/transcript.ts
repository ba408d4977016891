// Plays transcripts (see `test/transcripts/README.md`) against whatever a host connects them to: a bare core over
// an in-memory network, real TCP and TLS, each storage engine, or a server somewhere else.
//
// Each step waits for what it wants and fails when the server says something else, closes, or stays silent for
// longer than a generous limit; nothing ever sleeps. A failure shows the line of the transcript, what was expected,
// what came, and the dialogue up to there. What a server says beyond the transcript's end is a failure too.
import { readFileSync, globSync } from 'node:fs'
import { relative } from 'node:path'
import { test } from 'node:test'
import { fileURLToPath } from 'node:url'
import {
  parseTranscript,
  type Expectation,
  type Piece,
  type Step,
  type Transcript,
} from './transcript-parser.ts'

/** A client's side of one connection. */
export interface TranscriptConnection {
  write(bytes: Uint8Array): void | Promise<void>
  /** The next bytes; null when the server has closed, in order or not. */
  read(): Promise<Uint8Array | null>
  /** Handshake as the client. */
  startTls(): Promise<void>
  /** Closes the sending side. */
  end(): void
  /** Closes at once. */
  destroy(): void
}

/** What a transcript is played against. */
export interface TranscriptHost {
  /** `port` is what the transcript calls it (`smtp`, `imaps`), or undefined for the host's usual one. */
  connect(connection: string, port: string | undefined): Promise<TranscriptConnection>
  /** Obeys one clause of a `use:` line; throws `TranscriptUnsupported` where this host cannot. */
  fixture(clause: string): Promise<void>
  /** Checks one clause of an `expect:` line; rejects with what is wrong. */
  expect(clause: string): Promise<void>
  /** Moves the server's clock; absent where the server runs in real time. */
  advance?(milliseconds: number): Promise<void>
}

/** A host cannot play this transcript; the test is skipped with the reason. */
export class TranscriptUnsupported extends Error {
  override readonly name = 'TranscriptUnsupported'
}

/** The server did not say what the transcript expects. */
export class TranscriptFailure extends Error {
  override readonly name = 'TranscriptFailure'
}

export interface PlayOptions {
  /** How long the server may be silent in one step, in milliseconds of real time; default 20 s. */
  readonly patience?: number
}

const crlf = Buffer.from('\r\n')

/** One connection as the transcript sees it: bytes that have come and not been asked about yet. */
class Line {
  readonly connection: TranscriptConnection
  #buffer: Buffer = Buffer.alloc(0)
  #closed = false
  readonly #patience: number

  constructor(connection: TranscriptConnection, patience: number) {
    this.connection = connection
    this.#patience = patience
  }

  get unread(): Buffer {
    return this.#buffer
  }

  /** The next line without its CRLF; null when the server has closed. */
  async readLine(): Promise<string | null> {
    let end = this.#buffer.indexOf(crlf)
    while (end < 0 && (await this.#more())) end = this.#buffer.indexOf(crlf)
    if (end < 0) return this.#buffer.length === 0 ? null : show(this.#take(this.#buffer.length))
    const line = this.#take(end)
    this.#take(crlf.length)
    return show(line)
  }

  async readBytes(length: number): Promise<Uint8Array> {
    while (this.#buffer.length < length && (await this.#more()));
    return this.#take(Math.min(length, this.#buffer.length))
  }

  #take(length: number): Buffer {
    const taken = this.#buffer.subarray(0, length)
    this.#buffer = this.#buffer.subarray(length)
    return taken
  }

  async #more(): Promise<boolean> {
    if (this.#closed) return false
    const bytes = await withPatience(this.connection.read(), this.#patience)
    if (bytes === null) this.#closed = true
    else this.#buffer = Buffer.concat([this.#buffer, bytes])
    return bytes !== null
  }
}

async function withPatience<T>(promise: Promise<T>, patience: number): Promise<T> {
  const { promise: late, reject } = Promise.withResolvers<never>()
  const seconds = patience / 1000
  const timer = setTimeout(() => reject(new TranscriptFailure(`silence for ${seconds} s`)), patience)
  try {
    return await Promise.race([promise, late])
  } finally {
    clearTimeout(timer)
  }
}

/** Octets as text: UTF-8 where they are that, else one character each. */
function show(bytes: Uint8Array): string {
  const text = Buffer.from(bytes).toString('utf8')
  return text.includes('\uFFFD') ? Buffer.from(bytes).toString('latin1') : text
}

/** One performance of one transcript. */
class Performance {
  readonly #host: TranscriptHost
  readonly #patience: number
  readonly #lines = new Map<string, Line>()
  readonly #bindings = new Map<string, string>()
  readonly #dialogue: string[] = []

  constructor(host: TranscriptHost, patience: number) {
    this.#host = host
    this.#patience = patience
  }

  get dialogue(): readonly string[] {
    return this.#dialogue
  }

  async perform(step: Step): Promise<void> {
    switch (step.type) {
      case 'use':
        return this.#host.fixture(step.text)
      case 'expect':
        return withPatience(this.#host.expect(step.text), this.#patience)
      case 'after':
        if (this.#host.advance === undefined)
          throw new TranscriptUnsupported('this host has no virtual clock')
        this.#dialogue.push(`after ${step.milliseconds} ms`)
        return this.#host.advance(step.milliseconds)
      case 'connect':
        return this.#connect(step.connection, step.port)
      default:
        return this.#speak(step)
    }
  }

  async #speak(step: Exclude<Step, { type: 'use' | 'expect' | 'after' | 'connect' }>): Promise<void> {
    const line = await this.#line(step.connection)
    switch (step.type) {
      case 'send': {
        const text = step.lines.map((pieces) => this.#fill(pieces))
        for (const sent of text) this.#dialogue.push(`${step.connection} C: ${sent}`)
        return line.connection.write(Buffer.from(text.map((sent) => `${sent}\r\n`).join('')))
      }
      case 'send-raw':
        this.#dialogue.push(`${step.connection} C| ${abbreviate(show(step.bytes))}`)
        return line.connection.write(step.bytes)
      case 'receive-raw':
        return this.#receiveRaw(step.connection, line, step.bytes)
      case 'receive':
        return step.anyOrder
          ? this.#receiveAnyOrder(step.connection, line, step.expectations)
          : this.#receive(step.connection, line, step.expectations)
      case 'starttls':
        if (line.unread.length > 0) fail('nothing before the handshake', show(line.unread))
        this.#dialogue.push(`${step.connection} starttls`)
        return withPatience(line.connection.startTls(), this.#patience)
      case 'end':
        return line.connection.end()
      case 'drop':
        this.#lines.delete(step.connection)
        return line.connection.destroy()
    }
  }

  async #connect(name: string, port: string | undefined): Promise<void> {
    if (this.#lines.has(name)) throw new TranscriptFailure(`connection ${name} is already open`)
    const connection = await withPatience(this.#host.connect(name, port), this.#patience)
    this.#lines.set(name, new Line(connection, this.#patience))
    this.#dialogue.push(`${name} connect${port === undefined ? '' : ` ${port}`}`)
  }

  async #line(name: string): Promise<Line> {
    if (!this.#lines.has(name)) await this.#connect(name, undefined)
    const line = this.#lines.get(name)
    if (line === undefined) throw new Error(`no connection ${name}`)
    return line
  }

  async #next(name: string, line: Line): Promise<string | null> {
    const text = await line.readLine()
    this.#dialogue.push(`${name} S: ${text ?? '<closed>'}`)
    return text
  }

  async #receive(name: string, line: Line, expectations: readonly Expectation[]): Promise<void> {
    let skipping: readonly string[] | null = null
    for (const expectation of expectations) {
      if (expectation.type === 'skip') {
        skipping = [...(skipping ?? []), ...expectation.without]
        continue
      }
      for (;;) {
        const text = await this.#next(name, line)
        const unwanted = skipping?.find((word) => text?.includes(word) === true)
        if (unwanted !== undefined) fail(`no line with ${unwanted}`, text)
        if (this.#matches(expectation, text)) break
        if (skipping === null || text === null) fail(describe(expectation), text)
      }
      skipping = null
    }
  }

  async #receiveAnyOrder(name: string, line: Line, expectations: readonly Expectation[]): Promise<void> {
    const waiting = [...expectations]
    while (waiting.length > 0) {
      const text = await this.#next(name, line)
      const found = waiting.findIndex((expectation) => this.#matches(expectation, text))
      if (found < 0) fail(`one of: ${waiting.map(describe).join(' / ')}`, text)
      waiting.splice(found, 1)
    }
  }

  async #receiveRaw(name: string, line: Line, wanted: Uint8Array): Promise<void> {
    const got = await line.readBytes(wanted.length)
    this.#dialogue.push(`${name} S| ${abbreviate(show(got))}`)
    if (!Buffer.from(wanted).equals(got)) fail(abbreviate(show(wanted)), abbreviate(show(got)))
  }

  /** Whether the line is the expected one; binds the variables that it is the first to name. */
  #matches(expectation: Expectation, text: string | null): boolean {
    if (expectation.type !== 'line' || text === null) return expectation.type === 'closed' && text === null
    const named = new Set<string>()
    let pattern = '^'
    for (const piece of expectation.pieces) pattern += this.#toPattern(piece, named)
    const match = new RegExp(`${pattern}$`, 'u').exec(text)
    if (match === null) return false
    for (const name of named) this.#bindings.set(name, match.groups?.[name] ?? '')
    return true
  }

  #toPattern(piece: Piece, named: Set<string>): string {
    if (piece.type === 'any') return '.*'
    if (piece.type === 'text') return RegExp.escape(piece.text)
    const bound = this.#bindings.get(piece.name)
    if (bound !== undefined) return RegExp.escape(bound)
    if (named.has(piece.name)) return `\\k<${piece.name}>`
    named.add(piece.name)
    return `(?<${piece.name}>\\S+?)`
  }

  #fill(pieces: readonly Piece[]): string {
    return pieces
      .map((piece) => {
        if (piece.type === 'any') return '*'
        if (piece.type === 'text') return piece.text
        const value = this.#bindings.get(piece.name)
        if (value === undefined) throw new TranscriptFailure(`$${piece.name} has no value yet`)
        return value
      })
      .join('')
  }

  /** What the servers said and nobody asked about. */
  finish(): void {
    for (const [name, line] of this.#lines) {
      if (line.unread.length > 0) {
        fail(`nothing more on connection ${name}`, abbreviate(show(line.unread)))
      }
    }
  }

  close(): void {
    for (const { connection } of this.#lines.values()) connection.destroy()
  }
}

function describe(expectation: Expectation): string {
  if (expectation.type === 'line') return expectation.source
  return expectation.type === 'closed' ? '<closed>' : '...'
}

function abbreviate(text: string): string {
  const quoted = JSON.stringify(text)
  return quoted.length <= 400 ? quoted : `${quoted.slice(0, 400)}… (${text.length} characters)`
}

function fail(expected: string, got: string | null): never {
  throw new TranscriptFailure(`expected ${expected}\n     got ${got ?? '<closed>'}`)
}

/** Plays one transcript; rejects with `TranscriptFailure` or `TranscriptUnsupported`. */
export async function playTranscript(
  transcript: Transcript,
  host: TranscriptHost,
  options: PlayOptions = {},
): Promise<void> {
  const performance = new Performance(host, options.patience ?? 20_000)
  let line = 0
  try {
    for (const step of transcript.steps) {
      line = step.line
      await performance.perform(step)
    }
    performance.finish()
  } catch (error) {
    if (error instanceof TranscriptUnsupported) throw error
    const reason = error instanceof Error ? error.message : String(error)
    const told = performance.dialogue.slice(-60).map((entry) => `  ${entry}`)
    const message = `${transcript.file}:${line}: ${reason}\n\nThe dialogue so far:\n${told.join('\n')}`
    throw new TranscriptFailure(message, { cause: error })
  } finally {
    performance.close()
  }
}

export interface TranscriptSuite {
  /** Where the transcripts lie; each `.txt` below it is one test. */
  readonly folder: URL
  /** What the tests' names say they were played against: `tcp`, `memory, sqlite`. */
  readonly against: string
  /** A fresh host for each transcript, disposed of after it. */
  readonly open: () => Promise<TranscriptHost & AsyncDisposable>
  readonly patience?: number
  /** True for a transcript (its text) that says nothing against this host. */
  readonly skip?: (text: string) => boolean
}

/** Registers a test for each transcript of a folder. */
export function testTranscripts(suite: TranscriptSuite): void {
  const folder = fileURLToPath(suite.folder)
  const files = globSync('**/*.txt', { cwd: folder }).sort()
  if (files.length === 0) throw new Error(`no transcripts in ${folder}`)
  for (const file of files) {
    const path = `${folder}/${file}`.replaceAll('//', '/')
    const text = readFileSync(path, 'utf8')
    if (suite.skip?.(text) === true) continue
    test(`${file} (${suite.against})`, async (context) => {
      const transcript = parseTranscript(text, relative(process.cwd(), path))
      await using host = await suite.open()
      try {
        const patience = suite.patience === undefined ? {} : { patience: suite.patience }
        await playTranscript(transcript, host, patience)
      } catch (error) {
        if (!(error instanceof TranscriptUnsupported)) throw error
        context.skip(error.message)
      }
    })
  }
}
