// I-JSON (RFC 7493), which all of JMAP is (RFC 8620 §1.5): UTF-8 without a mark, no member twice, no half of a surrogate pair, no code point
// that is no character, numbers that a double holds. Depth is bounded here, so that whoever walks a value may recurse.
//
// The engine's own parser does the work; of two members with one name it keeps the last, so members are counted in the text and in what
// came of it.
import { isJsonArray, isJsonObject, type Json } from './json.ts'

export type IJson =
  | { readonly ok: true; readonly value: Json }
  | { readonly ok: false; readonly detail: string }

/** RFC 8259 §9 lets a parser bound the depth; FilterOperators and body structures need far less. */
export const deepestJson = 100

// The property `Noncharacter_Code_Point`, written out since that is read a hundred times as fast.
const nonCharacters =
  /[\ufdd0-\ufdef\ufffe\uffff]|[\ud83f\ud87f\ud8bf\ud8ff\ud93f\ud97f\ud9bf\ud9ff\uda3f\uda7f\udabf\udaff\udb3f\udb7f\udbbf\udbff][\udffe\udfff]/
/** Behind an even number of backslashes: those are text. */
const escapedHalf = /(?<=(?<!\\)(?:\\\\)*)\\ud[89a-f][0-9a-f]{2}/g
const everyNonCharacter = new RegExp(nonCharacters, 'g')

const decoder = new TextDecoder('utf-8', { fatal: true, ignoreBOM: true })

export function parseIJson(octets: Uint8Array): IJson {
  let text: string
  try {
    text = decoder.decode(octets)
  } catch {
    return { ok: false, detail: 'The text is not UTF-8.' }
  }
  return parseIJsonText(text)
}

export function parseIJsonText(text: string): IJson {
  const { members, depth } = scan(text)
  if (depth > deepestJson) return { ok: false, detail: `It is nested deeper than ${deepestJson}.` }
  let value: Json
  try {
    // What JSON.parse gives is JSON.
    value = JSON.parse(text) as Json
  } catch {
    return { ok: false, detail: 'The text is not JSON.' }
  }
  const found = inspect(value)
  if (!found.sound) return { ok: false, detail: 'A string or number is not one of I-JSON.' }
  if (found.members !== members) return { ok: false, detail: 'An object has two members with one name.' }
  return { ok: true, value }
}

/** Colons outside of strings, and how deep brackets stand; of JSON each colon is a member's. */
function scan(text: string): { members: number; depth: number } {
  let members = 0
  let depth = 0
  let deepest = 0
  for (let at = 0; at < text.length; at++) {
    const unit = text.charCodeAt(at)
    if (unit === 0x22) at = endOfString(text, at + 1)
    else if (unit === 0x3a) members++
    else if (unit === 0x7b || unit === 0x5b) deepest = Math.max(deepest, ++depth)
    else if (unit === 0x7d || unit === 0x5d) depth--
  }
  return { members, depth: deepest }
}

/** Where its closing quotation mark stands. */
function endOfString(text: string, start: number): number {
  for (let at = start; ;) {
    const quote = text.indexOf('"', at)
    if (quote < 0) return text.length
    let slashes = 0
    while (quote - slashes > start && text.charCodeAt(quote - slashes - 1) === 0x5c) slashes++
    if (slashes % 2 === 0) return quote
    at = quote + 1
  }
}

/** RFC 7493 §2.1: strings "MUST NOT include code points that identify Surrogates or Noncharacters". */
function isText(text: string): boolean {
  return text.isWellFormed() && !nonCharacters.test(text)
}

/** As I-JSON: what stands in mail and is none is replaced, as decoders of UTF-8 do with what they cannot read. */
export function toIJsonText(value: Json | object): string {
  const text = JSON.stringify(value)
  // JSON.stringify escapes halves of surrogate pairs, and nothing else that begins so.
  const whole = text.includes('\\ud') ? text.replace(escapedHalf, '\ufffd') : text
  return nonCharacters.test(whole) ? whole.replace(everyNonCharacter, '\ufffd') : whole
}

function inspect(root: Json): { members: number; sound: boolean } {
  let members = 0
  const waiting: Json[] = [root]
  for (let value = waiting.pop(); value !== undefined; value = waiting.pop()) {
    if (typeof value === 'string') {
      if (!isText(value)) return { members, sound: false }
    } else if (typeof value === 'number') {
      if (!Number.isFinite(value)) return { members, sound: false }
    } else if (isJsonArray(value)) {
      for (const item of value) waiting.push(item)
    } else if (isJsonObject(value)) {
      for (const [name, member] of Object.entries(value)) {
        if (!isText(name)) return { members, sound: false }
        members++
        waiting.push(member)
      }
    }
  }
  return { members, sound: true }
}
