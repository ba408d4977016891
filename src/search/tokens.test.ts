import assert from 'node:assert/strict'
import { describe, it } from 'node:test'
import fc from 'fast-check'
import { fold } from '../mail/search-text/fold.ts'
import { gramAt, needleOf, tokenise, type Needle, type Term } from './tokens.ts'

interface Tokens {
  readonly tokens: Set<string>
  readonly grams: Set<string>
}

function tokensOf(text: string): Tokens {
  const found = { tokens: new Set<string>(), grams: new Set<string>() }
  tokenise(text, {
    token: (token) => found.tokens.add(token),
    gram: (whole, at) => found.grams.add(gramAt(whole, at)),
  })
  return found
}

function holds(term: Term, { tokens, grams }: Tokens): boolean {
  const test = { inside: 'includes', end: 'endsWith', start: 'startsWith' } as const
  const inTokens = [...tokens].some((token) =>
    term.place === 'whole' ? token === term.text : token[test[term.place]](term.text),
  )
  if (inTokens && !term.gramsOnly) return true
  return term.grams.length > 0 && term.grams.every((gram) => [...grams].some((known) => known.includes(gram)))
}

const holdsAll = (needle: Needle, tokens: Tokens): boolean =>
  needle.terms.every((term) => holds(term, tokens))

describe('tokenise', () => {
  it('gives words, pairs of scripts without spaces, and grams of what looks like chance', () => {
    const { tokens, grams } = tokensOf(fold('Re: Grüße, 2 Äpfel 日本語です <ab12cd34ef@x.y>'))
    assert.deepEqual(
      [...tokens],
      ['re', 'gru\u0308ße', '2', 'a\u0308pfel', '日本', '本語', '語て', 'て\u3099', '\u3099す', 'x', 'y'],
    )
    assert.deepEqual([...grams], ['ab1', 'b12', '12c', '2cd', 'cd3', 'd34', '34e', '4ef'])
  })
})

describe('needleOf', () => {
  const pieces = fc.constantFrom(
    ...[
      'a',
      'b',
      'ab',
      'abc',
      'invoice',
      '1',
      '12',
      '20261122',
      ' ',
      '-',
      '.',
      '@',
      '日',
      '本',
      'ガ',
      '가',
      '𠀀',
      '𝐀',
      'ß',
    ],
    ...['é', '\u0301', 'Σ', 'İ', 'ก', 'ñ'],
  )
  const text = fc.array(pieces, { maxLength: 14 }).map((parts) => fold(parts.join('')))

  it('asks nothing that a text with the needle has not', () => {
    fc.assert(
      fc.property(text, fc.nat(20), fc.nat(8), (whole, from, length) => {
        const needle = whole.slice(from, from + length)
        const asked = needleOf(needle)
        if (asked !== null) assert.ok(holdsAll(asked, tokensOf(whole)), JSON.stringify({ whole, needle }))
      }),
      { numRuns: 3_000 },
    )
  })

  it('says exact only where a token with it is proof', () => {
    fc.assert(
      fc.property(text, text, (whole, needle) => {
        const asked = needleOf(needle)
        if (asked?.exact !== true) return
        const { tokens } = tokensOf(whole)
        assert.equal(asked.terms.length, 1)
        const [term] = asked.terms
        if (term !== undefined && holds({ ...term, grams: [] }, { tokens, grams: new Set() }))
          assert.ok(whole.includes(needle), JSON.stringify({ whole, needle }))
      }),
      { numRuns: 3_000 },
    )
  })

  it('knows nothing of needles without a letter or digit, and of half characters', () => {
    for (const needle of ['', ' ', '--', '<@>', '\udc00abc']) assert.equal(needleOf(needle), null)
  })
})
