// Base64 as SASL profiles carry it: the strict alphabet of RFC 4648 §4, padded, nothing ignored (RFC 5034 §4 and
// RFC 4954 §4 both say that a server must reject, not skip, what does not belong).
import { Buffer } from 'node:buffer'

// A class with a fixed count repeated: no alternative overlaps, so matching is linear.
const wellFormed = /^(?:[A-Za-z0-9+/]{4})*(?:[A-Za-z0-9+/]{2}==|[A-Za-z0-9+/]{3}=)?$/

/** The octets, or undefined where the text is not base64 to the letter. '' is no octets. */
export function tryDecodeBase64(text: string): Uint8Array | undefined {
  if (text.length % 4 !== 0 || !wellFormed.test(text)) return undefined
  return Buffer.from(text, 'base64')
}

/** Padded, without line breaks. */
export function encodeBase64(bytes: Uint8Array): string {
  return Buffer.from(bytes.buffer, bytes.byteOffset, bytes.byteLength).toString('base64')
}
