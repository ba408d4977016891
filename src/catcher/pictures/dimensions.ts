// How large a picture says it is, from its first octets, before anything decodes it: a few octets can ask for gigabytes of pixels. Knows
// the formats that are scaled; for all else, and for what is cut short, the answer is undefined. Linear in the octets, which are hostile.
import { Buffer } from 'node:buffer'

export interface Dimensions {
  readonly width: number
  readonly height: number
}

/** By what the octets are, whatever their type says. */
export function tryDimensions(octets: Uint8Array): Dimensions | undefined {
  const bytes = Buffer.from(octets.buffer, octets.byteOffset, octets.byteLength)
  const found = ofPng(bytes) ?? ofGif(bytes) ?? ofWebp(bytes) ?? ofBmp(bytes) ?? ofJpeg(bytes)
  return found !== undefined && found.width > 0 && found.height > 0 ? found : undefined
}

/** PNG §11.2.2: IHDR is the first chunk. */
function ofPng(bytes: Buffer): Dimensions | undefined {
  if (bytes.length < 24 || !bytes.subarray(0, 8).equals(pngSignature)) return undefined
  return { width: bytes.readUInt32BE(16), height: bytes.readUInt32BE(20) }
}

const pngSignature = Buffer.from('89504e470d0a1a0a', 'hex')

/** GIF89a §18: the logical screen; a frame may be no larger than what it is drawn on. */
function ofGif(bytes: Buffer): Dimensions | undefined {
  if (bytes.length < 10 || !/^GIF8[79]a$/.test(bytes.toString('latin1', 0, 6))) return undefined
  return { width: bytes.readUInt16LE(6), height: bytes.readUInt16LE(8) }
}

/** RFC 9649 §2.5 to §2.7. */
function ofWebp(bytes: Buffer): Dimensions | undefined {
  if (bytes.length < 30 || bytes.toString('latin1', 0, 4) !== 'RIFF') return undefined
  switch (bytes.toString('latin1', 8, 16)) {
    case 'WEBPVP8 ':
      return { width: bytes.readUInt16LE(26) & 0x3fff, height: bytes.readUInt16LE(28) & 0x3fff }
    case 'WEBPVP8L': {
      const packed = bytes.readUInt32LE(21)
      return { width: (packed & 0x3fff) + 1, height: ((packed >>> 14) & 0x3fff) + 1 }
    }
    case 'WEBPVP8X':
      return { width: bytes.readUIntLE(24, 3) + 1, height: bytes.readUIntLE(27, 3) + 1 }
    default:
      return undefined
  }
}

function ofBmp(bytes: Buffer): Dimensions | undefined {
  if (bytes.length < 26 || bytes.toString('latin1', 0, 2) !== 'BM') return undefined
  // Of a picture whose rows stand from top to bottom the height is negative.
  return { width: Math.abs(bytes.readInt32LE(18)), height: Math.abs(bytes.readInt32LE(22)) }
}

/** ITU-T T.81 §B.2.2: the frame header, behind whatever segments come before it. */
function ofJpeg(bytes: Buffer): Dimensions | undefined {
  if (bytes.length < 4 || bytes.readUInt16BE(0) !== 0xffd8) return undefined
  let at = 2
  while (at + 9 <= bytes.length) {
    if (bytes[at] !== 0xff) return undefined
    const marker = bytes[at + 1] ?? 0
    if (marker === 0xff) at++
    else if (isFrameHeader(marker))
      return { width: bytes.readUInt16BE(at + 7), height: bytes.readUInt16BE(at + 5) }
    else at += 2 + Math.max(bytes.readUInt16BE(at + 2), 2)
  }
  return undefined
}

/** SOF0 to SOF15 without DHT, JPG and DAC, which stand among them. */
function isFrameHeader(marker: number): boolean {
  return marker >= 0xc0 && marker <= 0xcf && marker !== 0xc4 && marker !== 0xc8 && marker !== 0xcc
}
