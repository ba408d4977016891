// Frames of the milter protocol: four octets of length in network order, one octet that says what it is, and its data.
//
// There is no RFC: the protocol is that of Sendmail's libmilter (`include/libmilter/mfdef.h`, versions 2 to 6). A frame longer than
// the limit, or an empty one, is an error that cannot be mended: where the next frame begins is not known then.

/** The other side does not speak the protocol. */
export class MilterProtocolError extends Error {
  override name = 'MilterProtocolError'
}

/** One frame: the letter that says what it is, and what follows it. */
export interface Frame {
  readonly letter: string
  readonly data: Uint8Array
}

/** Octets of length and letter before the data. */
const headOctets = 5

/** libmilter's MILTER_CHUNK_SIZE: octets of a message's body in one frame. */
export const chunkOctets = 65_535

/** Room for a chunk of a body, its head, and the little that some filters add. */
export const maxFrameOctets = 131_072

/** The frame as it is sent. */
export function encodeFrame(letter: string, data: Uint8Array): Uint8Array {
  const frame = new Uint8Array(headOctets + data.length)
  new DataView(frame.buffer).setUint32(0, data.length + 1)
  frame[4] = letter.charCodeAt(0)
  frame.set(data, headOctets)
  return frame
}

/** Takes frames out of a byte stream, however it is cut. */
export class FrameReader {
  readonly #maxOctets: number
  #chunks: Uint8Array[] = []
  #octets = 0
  /** The length of the frame that is being read; null before it is known. */
  #wanted: number | null = null

  constructor(maxOctets: number = maxFrameOctets) {
    this.#maxOctets = maxOctets
  }

  /** The frames that these bytes complete. Throws `MilterProtocolError` for a length that is none. */
  read(bytes: Uint8Array): Frame[] {
    if (bytes.length > 0) this.#chunks.push(bytes)
    this.#octets += bytes.length
    const frames: Frame[] = []
    for (;;) {
      this.#wanted ??= this.#length()
      if (this.#wanted === null || this.#octets < this.#wanted + 4) return frames
      const whole = this.#take(this.#wanted + 4)
      this.#wanted = null
      frames.push({ letter: String.fromCharCode(whole[4] ?? 0), data: whole.subarray(headOctets) })
    }
  }

  #length(): number | null {
    if (this.#octets < 4) return null
    const head = this.#join()
    const length = new DataView(head.buffer, head.byteOffset).getUint32(0)
    if (length < 1) throw new MilterProtocolError('an empty frame')
    if (length > this.#maxOctets) throw new MilterProtocolError(`a frame of ${length} octets`)
    return length
  }

  #take(octets: number): Uint8Array {
    const all = this.#join()
    this.#chunks = octets === all.length ? [] : [all.subarray(octets)]
    this.#octets -= octets
    return all.subarray(0, octets)
  }

  /** What is kept, as one piece; joined once for the length and once for the frame, so that the work stays linear. */
  #join(): Uint8Array {
    const [first] = this.#chunks
    if (first !== undefined && this.#chunks.length === 1) return first
    const all = new Uint8Array(this.#octets)
    let at = 0
    for (const chunk of this.#chunks) {
      all.set(chunk, at)
      at += chunk.length
    }
    this.#chunks = [all]
    return all
  }
}
