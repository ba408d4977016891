// JSON Pointer (RFC 6901), with the `*` that maps through arrays (RFC 8620 §3.7). Linear in what it gives, which is bounded: a pointer of
// many stars over nested arrays yields each leaf once.
import { isJsonArray, isJsonObject, memberOf, type Json } from './json.ts'

/** RFC 6901 §4: reference tokens, unescaped; undefined: no pointer. */
export function tryPointer(text: string): readonly string[] | undefined {
  if (text === '') return []
  if (!text.startsWith('/')) return undefined
  return tryTokens(text.slice(1))
}

/** RFC 8620 §5.3: a path "with an implicit leading "/"". */
export function tryTokens(text: string): readonly string[] | undefined {
  // RFC 6901 §3: a tilde stands before 0 or 1 alone.
  if (/~(?![01])/.test(text)) return undefined
  return text.split('/').map((token) => token.replaceAll('~1', '/').replaceAll('~0', '~'))
}

/** As a member name to a token. */
export function escapeToken(token: string): string {
  return token.replaceAll('~', '~0').replaceAll('/', '~1')
}

/** What it points at; undefined: nothing. RFC 8620 §3.7 step 3. */
export function evaluatePointer(value: Json, tokens: readonly string[]): Json | undefined {
  let current: Json = value
  for (const [index, token] of tokens.entries()) {
    if (isJsonArray(current)) {
      if (token === '*') return mapThrough(current, tokens.slice(index + 1))
      // RFC 6901 §4: digits without leading zeros; "-" is the element after the last, which is not there.
      const item: Json | undefined = /^(0|[1-9]\d{0,9})$/.test(token) ? current[Number(token)] : undefined
      if (item === undefined) return undefined
      current = item
    } else {
      const member: Json | undefined = isJsonObject(current) ? memberOf(current, token) : undefined
      if (member === undefined) return undefined
      current = member
    }
  }
  return current
}

/** RFC 8620 §3.7: results that are arrays are flattened into one. */
function mapThrough(items: readonly Json[], rest: readonly string[]): Json | undefined {
  const results: Json[] = []
  for (const item of items) {
    const found = evaluatePointer(item, rest)
    if (found === undefined) return undefined
    if (isJsonArray(found)) for (const one of found) results.push(one)
    else results.push(found)
  }
  return results
}
