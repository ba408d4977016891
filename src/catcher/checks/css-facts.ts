// What a style sheet uses: properties, values, at-rules, selectors. One pass over the text, no recursion; what is broken is passed over,
// as browsers do.

export interface CssFacts {
  /** Property (lower case) and value (lower case) of each declaration. */
  readonly declarations: (readonly [property: string, value: string])[]
  /** `@media (hover)`, lower case, white space folded. */
  readonly atRules: string[]
  /** Selector lists as they stand. */
  readonly selectors: string[]
  comments: number
  /** Rules inside of rules that are no at-rules. */
  nested: number
}

/** Characters of one sheet that are read, and facts that are kept. */
const longestSheet = 1024 * 1024
const mostFacts = 20_000

export function emptyCssFacts(): CssFacts {
  return { declarations: [], atRules: [], selectors: [], comments: 0, nested: 0 }
}

/** Of a `<style>` element. */
export function readSheet(text: string, facts: CssFacts): void {
  /** What stands around: `rule` for `selector {`, `at` for `@media … {`. */
  const open: ('rule' | 'at')[] = []
  let piece = ''
  for (const token of tokens(text.slice(0, longestSheet))) {
    if (token === '/**/') {
      facts.comments++
      continue
    }
    if (token === '{') {
      const prelude = fold(piece)
      piece = ''
      if (prelude.startsWith('@')) {
        keep(facts.atRules, prelude)
        // Declarations stand in these directly.
        open.push(/^@(?:font-face|page|counter-style|property)\b/.test(prelude) ? 'rule' : 'at')
      } else {
        if (open.includes('rule')) facts.nested++
        keep(facts.selectors, prelude)
        open.push('rule')
      }
    } else if (token === '}' || token === ';') {
      if (open.at(-1) === 'rule') readDeclaration(piece, facts)
      else if (open.length === 0 && piece.trim().startsWith('@')) keep(facts.atRules, fold(piece))
      piece = ''
      if (token === '}') open.pop()
    } else piece += token
  }
}

/** Of a `style` attribute. */
export function readInlineStyle(text: string, facts: CssFacts): void {
  let piece = ''
  for (const token of tokens(text.slice(0, longestSheet))) {
    if (token === '/**/') facts.comments++
    else if (token === ';') {
      readDeclaration(piece, facts)
      piece = ''
    } else piece += token
  }
  readDeclaration(piece, facts)
}

function readDeclaration(piece: string, facts: CssFacts): void {
  const colon = piece.indexOf(':')
  if (colon <= 0 || facts.declarations.length >= mostFacts) return
  const property = piece.slice(0, colon).trim().toLowerCase()
  if (/^[-a-z0-9_]+$/.test(property)) facts.declarations.push([property, fold(piece.slice(colon + 1))])
}

function keep(list: string[], text: string): void {
  if (text !== '' && list.length < mostFacts) list.push(text)
}

function fold(text: string): string {
  return text.replaceAll(/\s+/g, ' ').trim().toLowerCase()
}

/** Braces and semicolons alone, comments as one, strings and all else as text. */
function* tokens(text: string): Generator<string> {
  let from = 0
  let at = 0
  while (at < text.length) {
    const character = text[at] ?? ''
    if (character === '{' || character === '}' || character === ';') {
      if (at > from) yield text.slice(from, at)
      yield character
      at++
      from = at
    } else if (character === '/' && text[at + 1] === '*') {
      if (at > from) yield text.slice(from, at)
      yield '/**/'
      const end = text.indexOf('*/', at + 2)
      at = end < 0 ? text.length : end + 2
      from = at
    } else if (character === '"' || character === "'") {
      const end = endOfString(text, at)
      at = end
    } else if (character === '(' && /url$/i.test(text.slice(Math.max(0, at - 3), at))) {
      // An unquoted URL may hold a semicolon (`data:`).
      const end = text.indexOf(')', at)
      at = end < 0 ? text.length : end + 1
    } else at++
  }
  if (at > from) yield text.slice(from, at)
}

function endOfString(text: string, start: number): number {
  const quote = text[start]
  for (let at = start + 1; at < text.length; at++) {
    if (text[at] === '\\') at++
    else if (text[at] === quote || text[at] === '\n') return at + 1
  }
  return text.length
}
