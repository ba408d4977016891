// Preparing names and passwords for comparison: the OpaqueString profile (RFC 8265 §4.2), which took the place of
// SASLprep (RFC 4013) and agrees with it on everything that people type.
//
// One rule for both sides: a password is prepared when it is set and when it is tried, so a password typed on a
// machine that composes its accents and on one that does not is the same password.
//
// Refused: the empty string, controls, unassigned, private and surrogate code points, and characters that cannot be
// seen (RFC 8264 §9). Deviates in one point: ZERO WIDTH JOINER and NON-JOINER are allowed wherever they stand, without
// the context rules of RFC 5892, because emoji are built with them and people use emoji in passwords.

/** RFC 8265 §4.2.2 rule 2: any space of Unicode other than U+0020. */
const otherSpaces = /(?! )\p{Zs}/gu
/** RFC 8264 §9: controls, surrogates, private use, unassigned, invisible; U+200C and U+200D apart. Tags and variation selectors fall under it too. */
const disallowed =
  /\p{Cc}|\p{Cs}|\p{Co}|\p{Cn}|(?![\u200c\u200d\ufe0e\ufe0f])\p{Default_Ignorable_Code_Point}/u

/**
 * The string prepared by OpaqueString, or undefined where it is empty or holds a character that is refused. Idempotent.
 * `maximumLength` is in UTF-16 code units, before and after; default 1024.
 */
export function tryPrepare(text: string, maximumLength = 1024): string | undefined {
  if (text.length > maximumLength) return undefined
  // RFC 8265 §4.2.2 rule 4: Normalization Form C, after the mapping of spaces.
  const prepared = text.replace(otherSpaces, ' ').normalize('NFC')
  if (prepared === '' || prepared.length > maximumLength || disallowed.test(prepared)) return undefined
  return prepared
}

const utf8 = new TextDecoder('utf-8', { fatal: true, ignoreBOM: true })

/** UTF-8 decoded, or undefined where it is not UTF-8. */
export function tryDecodeUtf8(bytes: Uint8Array): string | undefined {
  try {
    return utf8.decode(bytes)
  } catch {
    return undefined
  }
}
