// Transcripts of JMAP: a text file with method calls and what must be answered, as an RFC's examples show them (test/jmap/README.md).
import assert from 'node:assert/strict'
import { isJsonArray, isJsonObject, type Json } from '../../src/jmap/proto/json.ts'

/** One request and its answer. */
export interface Exchange {
  /** Where it begins in the file. */
  readonly line: number
  /** Whose it is. */
  readonly as: string
  /** A body as it stands, or method calls. */
  readonly request:
    | { readonly type: 'calls'; readonly calls: readonly Json[] }
    | { readonly type: 'body'; readonly contentType: string; readonly text: string }
  /** Null: 200 with these method responses. */
  readonly status: number | null
  readonly expected: readonly Json[]
}

export interface JmapTranscript {
  readonly title: string
  readonly using: readonly string[]
  readonly users: readonly string[]
  /** Those whose INBOX the first may use. */
  readonly shared: readonly string[]
  readonly exchanges: readonly Exchange[]
}

interface Piece {
  readonly line: number
  readonly kind: string
  readonly text: string
}

/** Throws an Error that names the line. */
export function parseJmapTranscript(text: string): JmapTranscript {
  const [first = ''] = text.split('\n')
  assert.match(first, /^# /, 'a transcript begins with what it proves')
  const pieces = piecesOf(text)
  const words = (kind: string): string[] =>
    pieces.filter((piece) => piece.kind === kind).flatMap((piece) => piece.text.trim().split(/\s+/))
  return {
    title: first.slice(2),
    using: words('using').map((name) => (name.includes(':') ? name : `urn:ietf:params:jmap:${name}`)),
    users: words('users'),
    shared: words('shared'),
    exchanges: exchangesOf(pieces.filter(({ kind }) => /^(?:\w+ )?[CS](?: \S+)?$/.test(kind))),
  }
}

/** A piece is a word before a colon, and what follows to the next such line; lines that begin with `#` are comments. */
function piecesOf(text: string): Piece[] {
  const pieces: Piece[] = []
  for (const [index, line] of text.split('\n').entries()) {
    const [, kind, rest = ''] = /^((?:\w+ )?[CS](?: [\w/+;=-]+)?|using|users|shared): (.*)$/.exec(line) ?? []
    if (kind !== undefined) pieces.push({ line: index + 1, kind, text: rest })
    else if (/^\s+\S/.test(line)) {
      const last = pieces.pop()
      assert.ok(last, `line ${index + 1} continues nothing`)
      pieces.push({ ...last, text: `${last.text}\n${line}` })
    } else assert.match(line, /^(#.*)?$/, `line ${index + 1} is not understood`)
  }
  return pieces
}

function exchangesOf(pieces: readonly Piece[]): Exchange[] {
  const exchanges: Exchange[] = []
  let at = 0
  while (at < pieces.length) {
    const asked: Piece[] = []
    const answered: Piece[] = []
    for (; pieces[at]?.kind.includes('C') === true; at++) asked.push(pieces[at] ?? assert.fail())
    for (; pieces[at]?.kind.includes('S') === true; at++) answered.push(pieces[at] ?? assert.fail())
    const [call] = asked
    const [answer] = answered
    assert.ok(call && answer, `line ${pieces[at - 1]?.line}: a request and an answer are wanted`)
    const [, as = 'ann', type] = /^(?:(\w+) )?C(?: (\S+))?$/.exec(call.kind) ?? []
    const [, status] = /^(\d{3}) /.exec(answer.text) ?? []
    exchanges.push({
      ...{ line: call.line, as },
      request:
        type === undefined
          ? { type: 'calls', calls: asked.map(read) }
          : { type: 'body', contentType: type, text: call.text },
      status: status === undefined ? null : Number(status),
      expected: answered.map((piece) => read({ ...piece, text: piece.text.replace(/^\d{3} /, '') })),
    })
  }
  return exchanges
}

function read({ line, text }: Piece): Json {
  try {
    return JSON.parse(text)
  } catch (error) {
    throw new Error(`line ${line} is no JSON: ${String(error)}`, { cause: error })
  }
}

/** What was bound so far, put where `$name` stands. */
export function filledIn(value: Json, names: ReadonlyMap<string, Json>): Json {
  if (typeof value === 'string') return names.get(value) ?? value
  if (isJsonArray(value)) return value.map((item) => filledIn(item, names))
  if (!isJsonObject(value)) return value
  return Object.fromEntries(
    Object.entries(value).map(([name, member]) => {
      const bound = names.get(name)
      return [typeof bound === 'string' ? bound : name, filledIn(member, names)]
    }),
  )
}

/** Undefined where it is as expected, else where it is not. Binds names. */
export function differenceOf(
  expected: Json,
  actual: Json | undefined,
  names: Map<string, Json>,
): string | undefined {
  if (expected === '*' && actual !== undefined) return undefined
  if (typeof expected === 'string' && /^\$[a-z]\w*$/.test(expected) && actual !== undefined) {
    const bound = names.get(expected)
    if (bound === undefined) names.set(expected, actual)
    return bound === undefined || bound === actual ? undefined : `${expected} is ${JSON.stringify(bound)}`
  }
  if (isJsonArray(expected)) {
    if (!isJsonArray(actual)) return 'is no array'
    if (actual.length !== expected.length) return `has ${actual.length} items`
    return firstOf(
      expected.map((item, index) => [String(index), item, actual[index]]),
      names,
    )
  }
  if (isJsonObject(expected)) {
    if (!isJsonObject(actual)) return 'is no object'
    const { '...': more, ...members } = expected
    const wanted = Object.entries(members).map(([name, value]) => {
      const bound = names.get(name)
      return [typeof bound === 'string' ? bound : name, value] as const
    })
    const known = new Set(wanted.map(([name]) => name))
    const stranger = Object.keys(actual).find((name) => !known.has(name))
    if (more === undefined && stranger !== undefined)
      return `has ${stranger}: ${JSON.stringify(actual[stranger])}`
    return firstOf(
      wanted.map(([name, value]) => [name, value, actual[name]]),
      names,
    )
  }
  return expected === actual ? undefined : `is ${JSON.stringify(actual)}`
}

function firstOf(
  members: readonly (readonly [string, Json, Json | undefined])[],
  names: Map<string, Json>,
): string | undefined {
  for (const [name, expected, actual] of members) {
    const difference = differenceOf(expected, actual, names)
    if (difference !== undefined) return `${name} > ${difference}`
  }
  return undefined
}
