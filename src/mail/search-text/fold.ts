// The comparison of SEARCH, SORT and THREAD: i;unicode-casemap (RFC 5051), which RFC 5255 §4.2 (I18NLEVEL=1) asks for.
//
// RFC 5051 compares titlecased and decomposed text. Here text is decomposed and brought to lower case, with the letters that
// share a title case and not a lower case made one: the same texts are equal, and a folded word can still be stemmed. Folding is
// the same for a character wherever it stands, so that what is a substring stays one. Hangul syllables stay whole: Unicode
// decomposes them by arithmetic, and RFC 5051 speaks of the decomposition property in the character database.

/** For comparison; of a folded text the same text. */
export function fold(text: string): string {
  // Nearly all mail: for ASCII the rest changes nothing.
  if (isAscii(text)) return text.toLowerCase()
  const lower = text.normalize('NFKD').toLowerCase()
  const one = oddCase.test(lower)
    ? lower.replace(oddCases, (letter) => oddLetters.get(letter) ?? letter)
    : lower
  return jamo.test(one) ? one.replace(jamoRuns, (run) => run.normalize('NFC')) : one
}

function isAscii(text: string): boolean {
  // The engine answers this from how it keeps the text, or by one pass without a call per character.
  // oxlint-disable-next-line no-control-regex -- ASCII has controls
  return /^[\x00-\x7f]*$/.test(text)
}

/** Letters with the title case of another one, and that one. */
const oddLetters: ReadonlyMap<string, string> = new Map([
  ['ς', 'σ'],
  ['ı', 'i'],
  ['\u0345', 'ι'],
  ['\u1c80', 'в'],
  ['\u1c81', 'д'],
  ['\u1c82', 'о'],
  ['\u1c83', 'с'],
  ['\u1c84', 'т'],
  ['\u1c85', 'т'],
  ['\u1c86', 'ъ'],
  ['\u1c87', 'ѣ'],
  ['\u1c88', '\ua64b'],
])
const oddCase = /[ςı\u0345\u1c80-\u1c88]/
const oddCases = /[ςı\u0345\u1c80-\u1c88]/g
const jamo = /[\u1100-\u11ff]/
const jamoRuns = /[\u1100-\u11ff]+/g
