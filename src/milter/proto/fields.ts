// The few kinds of values inside a milter frame: numbers in network order, and texts that end with NUL.
//
// Texts are octets; here they are binary strings, one UTF-16 unit an octet, so that whatever a message holds passes unharmed.
import { Buffer } from 'node:buffer'
import { MilterProtocolError } from './frames.ts'

/** Four octets, in network order. */
export function uint32(value: number): Uint8Array {
  return Uint8Array.of(value >>> 24, value >>> 16, value >>> 8, value)
}

/** The number at that place. Throws `MilterProtocolError` where the data ends before. */
export function readUint32(data: Uint8Array, at: number): number {
  if (data.length < at + 4) throw new MilterProtocolError('a number is cut off')
  return new DataView(data.buffer, data.byteOffset).getUint32(at)
}

/** A binary string with its NUL; a NUL inside, which the protocol cannot carry, becomes a space. */
export function text(value: string): Uint8Array {
  return Buffer.from(`${value.replaceAll('\0', ' ')}\0`, 'latin1')
}

/** All texts of the data. Throws `MilterProtocolError` where the last one has no end. */
export function readTexts(data: Uint8Array): string[] {
  if (data.length === 0) return []
  if (data.at(-1) !== 0) throw new MilterProtocolError('a text without its end')
  return Buffer.from(data.buffer, data.byteOffset, data.length - 1)
    .toString('latin1')
    .split('\0')
}

/** The octets of a text, and back: what passes through a frame is octets, what the rest of Posthorn has is Unicode. */
export function binary(value: string): string {
  return Buffer.from(value, 'utf8').toString('latin1')
}

/** A binary string as the UTF-8 that it is; octets that are none become U+FFFD. */
export function unicode(value: string): string {
  return Buffer.from(value, 'latin1').toString('utf8')
}
