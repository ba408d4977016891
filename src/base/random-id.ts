// What both sources of randomness share: the text of an identifier, and the bounds that they accept.
// Identifiers are lower-case letters and digits without `l`, `o`, `0` and `1`, which people misread. They need no quoting
// in a URL, a Message-ID, a file name or a shell, and survive systems that ignore case.

const alphabet = 'abcdefghijkmnpqrstuvwxyz23456789'
const bitsPerCharacter = 5

/** An identifier with at least that many bits, from a source of random octets. */
export function randomId(bytes: (length: number) => Uint8Array, bits: number): string {
  let text = ''
  // Each octet gives one character: 256 is a multiple of 32, so that none is likelier than another.
  const octets = bytes(Math.ceil(bits / bitsPerCharacter))
  for (let index = 0; index < octets.length; index++) text += alphabet[(octets[index] ?? 0) & 31]
  return text
}

/** Refuses a bound that `Random.below` doesn't define. */
export function checkBound(bound: number): void {
  if (!Number.isSafeInteger(bound) || bound < 1 || bound > 2 ** 48) {
    throw new RangeError(`bound must be an integer from 1 to 2^48, not ${bound}`)
  }
}
