// What a server says, read apart by the grammar of RFC 9051 §9 and by nothing of the server's own code: lines with their literals, as
// nested values. Throws `Illegal` where the octets are not a response.

/** The server said what it must not say, or not now. */
export class Illegal extends Error {
  override name = 'Illegal'
}

/** An atom in capital letters, a string, NIL as null, or a list. */
export type Value = Atom | Text | null | readonly Value[]

export interface Atom {
  readonly atom: string
}

/** A quoted string or a literal, one unit per octet. */
export interface Text {
  readonly text: string
}

/** A condition with its code: `OK [UIDNEXT 4] text`. */
export interface Condition {
  readonly status: string
  /** Without the brackets, as it was said; '' for none. */
  readonly code: string
}

export interface Untagged extends Condition {
  /** `FETCH`, `EXISTS`, `OK`, … */
  readonly name: string
  /** Before the name; 0 for none. */
  readonly number: number
  /** Behind the name; empty where it is a condition. */
  readonly values: readonly Value[]
  readonly line: string
}

export interface Answer {
  readonly untagged: readonly Untagged[]
  readonly continued: boolean
  /** Of the tagged response; null where none came. */
  readonly tagged: (Condition & { readonly tag: string }) | null
}

/** Everything that was said, as a binary string. */
export function readResponses(octets: string): Answer {
  const untagged: Untagged[] = []
  let tagged: Answer['tagged'] = null
  let continued = false
  let at = 0
  while (at < octets.length) {
    const end = endOfLine(octets, at)
    const line = octets.slice(at, end)
    at = end + 2
    if (tagged !== null) throw new Illegal(`something is said behind the tagged response: ${line}`)
    if (line.startsWith('+ ')) continued = true
    else if (line.startsWith('* ')) untagged.push(readUntagged(line))
    else {
      const [tag = '', ...rest] = line.split(' ')
      tagged = { tag, ...readCondition(rest.join(' ')) }
    }
  }
  return { untagged, continued, tagged }
}

/** Where the line ends, its literals passed over. */
function endOfLine(octets: string, start: number): number {
  let at = start
  for (;;) {
    const end = octets.indexOf('\r\n', at)
    if (end === -1) throw new Illegal(`a line without an end: ${octets.slice(start)}`)
    const literal = /\{(\d+)\}$/.exec(octets.slice(Math.max(at, end - 20), end))
    if (literal === null) return end
    at = end + 2 + Number(literal[1])
  }
}

function readCondition(text: string): Condition {
  const match = /^(OK|NO|BAD|BYE|PREAUTH)(?: \[([^\]]*)\])? /.exec(text)
  if (match === null) throw new Illegal(`not a condition: ${text}`)
  return { status: match[1] ?? '', code: match[2] ?? '' }
}

function readUntagged(line: string): Untagged {
  const text = line.slice(2)
  if (/^(?:OK|NO|BAD|BYE) /.test(text)) {
    const condition = readCondition(text)
    return { ...condition, name: condition.status, number: 0, values: [], line }
  }
  const match = /^(?:(\d+) )?([A-Z0-9]+)/.exec(text)
  if (match === null) throw new Illegal(`not a response: ${line}`)
  const reader = new Reader(text.slice(match[0].length))
  const values = reader.values()
  return { status: '', code: '', name: match[2] ?? '', number: Number(match[1] ?? 0), values, line }
}

class Reader {
  readonly #text: string
  #at = 0

  constructor(text: string) {
    this.#text = text
  }

  /** `*(SP value)` up to the end or a closing parenthesis. */
  values(): Value[] {
    const values: Value[] = []
    while (this.#at < this.#text.length && this.#text[this.#at] !== ')') {
      if (this.#text[this.#at] === ' ') this.#at++
      values.push(this.#value())
    }
    return values
  }

  #value(): Value {
    const next = this.#text[this.#at]
    if (next === '(') {
      this.#at++
      const values = this.values()
      this.#take(')')
      return values
    }
    if (next === '"') return this.#quoted()
    if (next === '{' || next === '~') return this.#literal()
    const match = /^(?:[^ ()"[\]{}]*\[[^\]]*\](?:<\d+>)?|[^ ()"{}]+)/.exec(this.#text.slice(this.#at))
    if (match === null) throw new Illegal(`not a value: ${this.#text.slice(this.#at)}`)
    this.#at += match[0].length
    return match[0] === 'NIL' ? null : { atom: match[0] }
  }

  #quoted(): Text {
    const match = /^"((?:[^"\\\r\n]|\\["\\])*)"/.exec(this.#text.slice(this.#at))
    if (match === null) throw new Illegal(`not a quoted string: ${this.#text.slice(this.#at)}`)
    this.#at += match[0].length
    return { text: (match[1] ?? '').replace(/\\(.)/g, '$1') }
  }

  #literal(): Text {
    const match = /^~?\{(\d+)\}\r\n/.exec(this.#text.slice(this.#at))
    if (match === null) throw new Illegal(`not a literal: ${this.#text.slice(this.#at)}`)
    const start = this.#at + match[0].length
    this.#at = start + Number(match[1])
    return { text: this.#text.slice(start, this.#at) }
  }

  #take(character: string): void {
    if (this.#text[this.#at++] !== character) throw new Illegal(`expected ${character} in ${this.#text}`)
  }
}

/** A list of pairs, as FETCH and STATUS have them. */
export function pairsOf(list: Value | undefined): ReadonlyMap<string, Value> {
  const pairs = new Map<string, Value>()
  if (!isList(list)) throw new Illegal('expected a list of pairs')
  for (let at = 0; at < list.length; at += 2) {
    const name = wordOf(list[at]).toUpperCase()
    if (pairs.has(name)) throw new Illegal(`${name} stands twice`)
    const value = list[at + 1]
    if (value === undefined) throw new Illegal(`${name} has no value`)
    pairs.set(name, value)
  }
  return pairs
}

export function isList(value: Value | undefined): value is readonly Value[] {
  return Array.isArray(value)
}

/** An atom or a string. */
export function wordOf(value: Value | undefined): string {
  if (value === null || value === undefined || isList(value)) throw new Illegal('expected a word')
  return 'atom' in value ? value.atom : value.text
}

export function numberOf(value: Value | undefined): number {
  const word = wordOf(value)
  if (!/^\d+$/.test(word)) throw new Illegal(`expected a number: ${word}`)
  return Number(word)
}

/** A list of words, sorted, in small letters. */
export function wordsOf(value: Value | undefined): string[] {
  if (!isList(value)) throw new Illegal('expected a list of words')
  return value.map((each) => wordOf(each).toLowerCase()).sort()
}

/** `1:3,7` as numbers, in the order in which they stand; ranges ascend. */
export function numbersIn(set: string): number[] {
  if (!/^\d+(?::\d+)?(?:,\d+(?::\d+)?)*$/.test(set)) throw new Illegal(`not a set: ${set}`)
  return set.split(',').flatMap((range) => {
    const [first = '0', last = first] = range.split(':')
    const [from, to] = [Math.min(Number(first), Number(last)), Math.max(Number(first), Number(last))]
    return Array.from({ length: to - from + 1 }, (_, index) => from + index)
  })
}

/** The arguments of a response code among the untagged conditions or the tagged one. */
export function codesIn({ untagged, tagged }: Answer, name: string): string[] {
  const codes = [...untagged.map(({ code }) => code), tagged?.code ?? '']
  return codes.filter((code) => code.split(' ', 1)[0] === name).map((code) => code.slice(name.length + 1))
}
