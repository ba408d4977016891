// The arithmetic of CRAM-MD5 (RFC 2195 §2): HMAC-MD5 (RFC 2104 §2) of a challenge, from what is kept instead of the password.
//
// RFC 2104 §4: the state of MD5 after the first block, which is all key, is enough to reckon HMAC with, and the key cannot be read
// from it. The states are MD5's four chaining values in its own (little-endian) order, as other servers keep them. They open
// CRAM-MD5 as well as the password does; docs/decisions/012 weighs that. Node cannot begin a hash in the middle: spark-md5 can.
import { Buffer } from 'node:buffer'
import { createHash } from 'node:crypto'
import SparkMD5 from 'spark-md5'
import { encodeBase64, tryDecodeBase64 } from './base64.ts'
import { tryPrepare } from './prepare.ts'
import type { CramVerifier } from './mechanism.ts'

const blockLength = 64
const digestLength = 16

/** What to keep for a password; undefined where it cannot be prepared. */
export function makeCramVerifier(password: string): CramVerifier | undefined {
  const prepared = tryPrepare(password)
  if (prepared === undefined) return undefined
  const bytes = Buffer.from(prepared)
  // RFC 2104 §2: a key longer than a block is replaced by its hash, a shorter one padded with zeros.
  const key = Buffer.alloc(blockLength)
  key.set(bytes.length > blockLength ? createHash('md5').update(bytes).digest() : bytes)
  return { inner: stateAfter(key, 0x36), outer: stateAfter(key, 0x5c) }
}

/** HMAC-MD5 of the text; undefined where the verifier is damaged. */
export function tryCramDigest(verifier: CramVerifier, text: Uint8Array): Uint8Array | undefined {
  const inner = tryFinish(verifier.inner, text)
  return inner === undefined ? undefined : tryFinish(verifier.outer, inner)
}

function stateAfter(key: Uint8Array, pad: number): string {
  const { hash } = new SparkMD5.ArrayBuffer().append(copyOf(key.map((octet) => octet ^ pad))).getState()
  const octets = Buffer.alloc(digestLength)
  for (const [at, word] of hash.entries()) octets.writeInt32LE(word | 0, at * 4)
  return encodeBase64(octets)
}

function tryFinish(state: string, text: Uint8Array): Uint8Array | undefined {
  const octets = tryDecodeBase64(state)
  if (octets?.length !== digestLength) return undefined
  const words = Buffer.from(octets)
  const hash = [0, 4, 8, 12].map((at) => words.readInt32LE(at))
  const md5 = new SparkMD5.ArrayBuffer().setState({ buff: '', length: blockLength, hash })
  return Buffer.from(md5.append(copyOf(text)).end(), 'hex')
}

function copyOf(bytes: Uint8Array): ArrayBuffer {
  const copy = new ArrayBuffer(bytes.length)
  new Uint8Array(copy).set(bytes)
  return copy
}
