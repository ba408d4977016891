// Octets that a process puts aside for later: records of texts and data, appended to files that have no name, so that nothing of them
// is left when the process ends, however it ends.
//
// - What is appended stays in memory until a piece is full; then it is written, and from there on costs no memory.
// - A file begins anew when it is large. One whose records are all gone is closed, and the system takes its room back: whoever removes
//   old records first needs no more room than what is alive, and one file.
// - What no file can be had for, or written to (a container that is read-only, a full disk), stays in memory, and the next is tried again. No
//   record is lost for that.
import { Buffer } from 'node:buffer'
import { closeSync } from 'node:fs'
import type { Random } from '../base/random.ts'
import { type OpenNameless, readAt, temporaryFiles, writeAt } from './nameless-file.ts'

/** Where a record is. */
export type SpoolPlace = number & { readonly spoolPlace: never }

export interface SpoolRecord {
  readonly texts: readonly string[]
  readonly data: Uint8Array
}

export interface SpoolOptions {
  /** Makes its files; null: it stays in memory. */
  readonly open: OpenNameless | null
  /** Octets that are written at once; default 64 KiB. */
  readonly pieceBytes?: number
  /** Octets after which another file begins; default 16 MiB. */
  readonly fileBytes?: number
}

interface SpoolFile {
  readonly number: number
  /** Null: in memory. */
  readonly descriptor: number | null
  /** By their first octet: what is in memory. */
  readonly pieces: Map<number, Buffer>
  /** Octets. */
  size: number
  records: number
}

/** Beyond any file, so that a place is one number. */
const placesPerFile = 2 ** 28
/** Octets of a length. */
const lengthBytes = 4

export class Spool {
  readonly #options: SpoolOptions
  readonly #pieceBytes: number
  readonly #fileBytes: number
  readonly #files = new Map<number, SpoolFile>()
  #last: SpoolFile | null = null
  #next = 0
  /** The piece that is being filled, its first octet in the last file, and how much of it is. */
  #piece: Buffer
  #pieceStart = 0
  #filled = 0

  constructor(options: SpoolOptions) {
    this.#options = options
    this.#pieceBytes = options.pieceBytes ?? 64 * 1024
    this.#fileBytes = Math.min(options.fileBytes ?? 16 * 1024 * 1024, placesPerFile / 2)
    this.#piece = Buffer.allocUnsafeSlow(this.#pieceBytes)
  }

  append(texts: readonly string[], data: Uint8Array): SpoolPlace {
    // No character of a text takes more than three octets.
    let most = lengthBytes * (texts.length + 2) + data.length
    for (const text of texts) most += text.length * 3
    const file = this.#fileFor(most)
    const start = this.#filled
    const end = encode({ texts, data }, this.#piece, start)
    this.#filled = end
    file.size = this.#pieceStart + end
    file.records++
    // A place is made here and nowhere else.
    return (file.number * placesPerFile + this.#pieceStart + start) as SpoolPlace
  }

  /** Throws the system's error where the file cannot be read, and where the place is no longer there. */
  read(place: SpoolPlace): SpoolRecord {
    const file = this.#files.get(Math.floor(place / placesPerFile))
    if (file === undefined) throw new Error('the record is gone')
    const at = place % placesPerFile
    const length = this.#octets(file, at, lengthBytes).readUInt32LE()
    return decode(this.#octets(file, at + lengthBytes, length))
  }

  /** Each place once. */
  remove(place: SpoolPlace): void {
    const file = this.#files.get(Math.floor(place / placesPerFile))
    if (file === undefined) return
    file.records--
    if (file.records > 0) return
    this.#files.delete(file.number)
    if (file.descriptor !== null) closeSync(file.descriptor)
    if (this.#last !== file) return
    this.#last = null
    this.#filled = 0
  }

  close(): void {
    for (const { descriptor } of this.#files.values()) if (descriptor !== null) closeSync(descriptor)
    this.#files.clear()
    this.#last = null
  }

  /** The last file, with room for so many octets in the piece. */
  #fileFor(octets: number): SpoolFile {
    const last = this.#last
    if (last !== null && this.#filled + octets <= this.#piece.length) return last
    if (last !== null) this.#flush(last)
    if (this.#piece.length < octets) this.#piece = Buffer.allocUnsafeSlow(octets)
    if (last !== null && last.size < this.#fileBytes) return last
    const file = this.#open()
    this.#files.set(file.number, file)
    this.#last = file
    this.#pieceStart = 0
    this.#filled = 0
    return file
  }

  #open(): SpoolFile {
    const { open } = this.#options
    const descriptor = open && tryOpen(open)
    return { number: this.#next++, descriptor, pieces: new Map(), size: 0, records: 0 }
  }

  /** Writes the piece, or keeps it where that fails. */
  #flush(file: SpoolFile): void {
    const octets = this.#piece.subarray(0, this.#filled)
    if (file.descriptor === null || !isWritten(octets, file.descriptor, this.#pieceStart)) {
      file.pieces.set(this.#pieceStart, octets)
      this.#piece = Buffer.allocUnsafeSlow(this.#pieceBytes)
    } else if (this.#piece.length > this.#pieceBytes) {
      this.#piece = Buffer.allocUnsafeSlow(this.#pieceBytes)
    }
    this.#pieceStart += octets.length
    this.#filled = 0
  }

  #octets(file: SpoolFile, at: number, length: number): Buffer {
    if (file === this.#last && at >= this.#pieceStart) {
      const start = at - this.#pieceStart
      return Buffer.from(this.#piece.subarray(start, start + length))
    }
    for (const [start, piece] of file.pieces) {
      if (at >= start && at < start + piece.length) return piece.subarray(at - start, at - start + length)
    }
    if (file.descriptor === null) throw new Error('the record is gone')
    return readAt(file.descriptor, at, length)
  }
}

/** In the system's folder for such files, where this program may use it. */
export function temporarySpool(random: Random): Spool {
  return new Spool({ open: temporaryFiles(random) })
}

/** Null where there is none. */
function tryOpen(open: OpenNameless): number | null {
  try {
    return open()
  } catch {
    return null
  }
}

function isWritten(octets: Buffer, descriptor: number, position: number): boolean {
  try {
    writeAt(descriptor, octets, position)
    return true
  } catch {
    return false
  }
}

/** Length of the rest, number of texts, each text with its length, data. Gives where it ends. */
function encode({ texts, data }: SpoolRecord, into: Buffer, start: number): number {
  let at = into.writeUInt32LE(texts.length, start + lengthBytes)
  for (const text of texts) {
    const length = into.write(text, at + lengthBytes)
    into.writeUInt32LE(length, at)
    at += lengthBytes + length
  }
  into.set(data, at)
  const end = at + data.length
  into.writeUInt32LE(end - start - lengthBytes, start)
  return end
}

function decode(record: Buffer): SpoolRecord {
  const texts: string[] = []
  let at = lengthBytes
  for (let left = record.readUInt32LE(); left > 0; left--) {
    const end = at + lengthBytes + record.readUInt32LE(at)
    texts.push(record.toString('utf8', at + lengthBytes, end))
    at = end
  }
  return { texts, data: record.subarray(at) }
}
