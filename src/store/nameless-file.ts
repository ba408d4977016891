// Files without a name: of those nothing is left when the process ends, however it ends.
import { Buffer } from 'node:buffer'
import { accessSync, closeSync, constants, openSync, readSync, unlinkSync, writeSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import type { Random } from '../base/random.ts'

/** Makes a file, for reading and writing, and takes its name away. Throws the system's error. */
export type OpenNameless = () => number

/** In the system's folder for such files; null where this program may not use it (a container that is read-only). */
export function temporaryFiles(random: Random): OpenNameless | null {
  try {
    accessSync(tmpdir(), constants.W_OK | constants.X_OK)
  } catch {
    return null
  }
  return () => openNameless(join(tmpdir(), `posthorn-${Buffer.from(random.bytes(16)).toString('hex')}`))
}

/** `path` is its name for a moment. */
export function openNameless(path: string): number {
  const descriptor = openSync(path, 'wx+', 0o600)
  try {
    unlinkSync(path)
  } catch (error) {
    // One that keeps its name would be found.
    closeSync(descriptor)
    throw error
  }
  return descriptor
}

/** Throws the system's error. */
export function writeAt(descriptor: number, octets: Uint8Array, position: number): void {
  for (let done = 0; done < octets.length;)
    done += writeSync(descriptor, octets, done, octets.length - done, position + done)
}

/** Throws the system's error, and where the file ends before. */
export function readAt(descriptor: number, position: number, length: number): Buffer {
  const octets = Buffer.allocUnsafe(length)
  for (let done = 0; done < length;) {
    const read = readSync(descriptor, octets, done, length - done, position + done)
    if (read === 0) throw new Error('a temporary file is shorter than what was written to it')
    done += read
  }
  return octets
}
