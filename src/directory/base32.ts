// Secrets that people read and type: RFC 4648 §6 base32 in lower case, in groups, without the padding.

const alphabet = 'abcdefghijklmnopqrstuvwxyz234567'

/** `characters` of five bits of chance each, in groups of four with a hyphen between them. */
export function readableSecret(bytes: Uint8Array, characters: number): string {
  const text = Array.from({ length: characters }, (_, at) => alphabet[(bytes[at] ?? 0) & 31]).join('')
  return (text.match(/.{1,4}/g) ?? []).join('-')
}

/** As it is hashed: without what people add or change when they type it; undefined where it is none of that length. */
export function tryReadableSecret(text: string, characters: number): string | undefined {
  if (text.length > characters * 3) return undefined
  const bare = text.replaceAll(/[\s-]/g, '').toLowerCase()
  return bare.length === characters && /^[a-z2-7]+$/.test(bare) ? bare : undefined
}

/** RFC 4648 §6, in capitals, as authenticator apps take it. */
export function base32(bytes: Uint8Array): string {
  let bits = 0
  let held = 0
  let text = ''
  for (const byte of bytes) {
    held = (held << 8) | byte
    bits += 8
    while (bits >= 5) {
      bits -= 5
      text += alphabet[(held >>> bits) & 31] ?? ''
      held &= (1 << bits) - 1
    }
  }
  return (bits > 0 ? text + (alphabet[(held << (5 - bits)) & 31] ?? '') : text).toUpperCase()
}
