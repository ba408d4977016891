// The data of a response (RFC 9051 §9) as values: atoms and numbers as words, strings, lists, NIL. Depth and count are bounded; what is
// no grammar ends the reading of that response and of no other.
import { Buffer } from 'node:buffer'

/** A list is an array; NIL is null; a string, quoted or literal, has its octets as Latin-1. */
export type Value =
  | { readonly type: 'word'; readonly text: string }
  | { readonly type: 'string'; readonly text: string }
  | { readonly type: 'list'; readonly items: readonly Value[] }
  | { readonly type: 'nil' }

/** Pieces of a response: text between literals, and the literals. */
export type Pieces = readonly (string | Buffer)[]

const deepest = 20
const mostValues = 200_000

/** The values of a response, as many as can be read. */
export function readValues(pieces: Pieces): Value[] {
  const stack: Value[][] = [[]]
  let count = 0
  const put = (value: Value): void => {
    if (count++ < mostValues) stack.at(-1)?.push(value)
  }
  for (const piece of pieces) {
    if (typeof piece !== 'string') {
      put({ type: 'string', text: piece.toString('latin1') })
      continue
    }
    for (const [token] of piece.matchAll(tokens)) {
      if (token === '(') {
        if (stack.length > deepest) return stack[0] ?? []
        stack.push([])
      } else if (token === ')') {
        const items = stack.length > 1 ? stack.pop() : undefined
        if (items !== undefined) put({ type: 'list', items })
      } else if (token.startsWith('"')) {
        put({ type: 'string', text: token.slice(1, -1).replace(/\\(["\\])/g, '$1') })
      } else if (/^nil$/i.test(token)) put({ type: 'nil' })
      else put({ type: 'word', text: token })
    }
  }
  return stack[0] ?? []
}

/** A section may hold spaces and parentheses: `BODY[HEADER.FIELDS (DATE)]`. */
const tokens = /[()]|"(?:[^"\\]|\\.)*"|(?:[^\s()"[\]]|\[[^\]]*\]?|\])+/g

export function textOf(value: Value | undefined): string | undefined {
  return value?.type === 'word' || value?.type === 'string' ? value.text : undefined
}

export function listOf(value: Value | undefined): readonly Value[] {
  return value?.type === 'list' ? value.items : []
}

/** Words of a list. */
export function wordsOf(value: Value | undefined): string[] {
  return listOf(value).flatMap((item) => textOf(item) ?? [])
}

/** Name and value by turns, as in FETCH and STATUS; names in capitals. */
export function pairsOf(items: readonly Value[]): Map<string, Value> {
  const pairs = new Map<string, Value>()
  for (let at = 0; at + 1 < items.length; at += 2) {
    const name = textOf(items[at])
    const value = items[at + 1]
    if (name !== undefined && value !== undefined) pairs.set(name.toUpperCase(), value)
  }
  return pairs
}

/** A string as a command sends it where it needs no literal: quoted; undefined where that cannot be. */
export function tryQuoted(text: string): string | undefined {
  // RFC 9051 §4.3: quoted strings hold no CR, LF and NUL; 8 bits only by agreement.
  return /^[\x01-\x09\x0b\x0c\x0e-\x7f]*$/.test(text) ? `"${text.replace(/["\\]/g, '\\$&')}"` : undefined
}

/** Base64 of UTF-8. */
export function base64(text: string): string {
  return Buffer.from(text).toString('base64')
}
