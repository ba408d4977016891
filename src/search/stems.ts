// Stems of words by Snowball (snowballstem.org), for languages that a text may be in: what a script or an accent hints at, and the
// commonest ones where nothing does. A wrong guess makes a fuzzy search a little fuzzier.

/** The stem of a folded word in one language. */
export type Stem = (word: string) => string

interface Hint {
  readonly sign: RegExp
  readonly languages: readonly string[]
}

/** Signs in folded text: accents stand alone behind their letter. */
const hints: readonly Hint[] = [
  { sign: /\p{Script=Cyrillic}/u, languages: ['russian'] },
  { sign: /\p{Script=Arabic}/u, languages: ['arabic'] },
  { sign: /\p{Script=Armenian}/u, languages: ['armenian'] },
  { sign: /\p{Script=Tamil}/u, languages: ['tamil'] },
  { sign: /[ß\u0308]/, languages: ['german', 'swedish', 'finnish', 'turkish', 'hungarian'] },
  { sign: /[øæ\u030a]/, languages: ['danish', 'norwegian', 'swedish'] },
  { sign: /\u0303/, languages: ['spanish', 'portuguese'] },
  { sign: /\u0327/, languages: ['french', 'portuguese', 'turkish', 'romanian'] },
  { sign: /[\u0300\u0302]/, languages: ['french', 'italian', 'portuguese'] },
  { sign: /\u0301/, languages: ['spanish', 'french', 'portuguese', 'czech', 'hungarian', 'irish'] },
  { sign: /\u030c/, languages: ['czech', 'slovene'] },
]
const latin = /[a-z]/
/** Where nothing hints at a language. */
const commonest: readonly string[] = ['english', 'german', 'french', 'spanish']

/** Languages that a folded text may be in, the likeliest first; none of scripts without stems. */
export function languagesOf(text: string): readonly string[] {
  const hinted = hints.filter(({ sign }) => sign.test(text)).flatMap(({ languages }) => languages)
  return [...new Set(latin.test(text) ? [...hinted, ...commonest] : hinted)]
}

/** The stemmers of some languages. Their tables, nearly a megabyte, are loaded when the first one is asked for. */
export async function loadStems(languages: readonly string[]): Promise<readonly Stem[]> {
  if (languages.length === 0) return []
  const { default: snowball } = await import('snowball-stemmers')
  return languages.map((language) => {
    const stemmer = snowball.newStemmer(language)
    // The algorithms know letters with their accents.
    return (word) => stemmer.stem(word.normalize('NFC')).normalize('NFKD')
  })
}
