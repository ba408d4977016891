// The arithmetic of SCRAM (RFC 5802 §3 with its SHA-1, or the SHA-256 of RFC 7677): keys, signatures, proofs, and the verifier
// that a server keeps instead of the password. Comparisons of secrets take the same time whatever they find.
import { Buffer } from 'node:buffer'
import { createHash, createHmac, pbkdf2, pbkdf2Sync, timingSafeEqual } from 'node:crypto'
import { encodeBase64 } from './base64.ts'
import { tryPrepare } from './prepare.ts'
import type { ScramVerifier } from './mechanism.ts'

/** The hash of a SCRAM mechanism, as its verifiers have it. */
export type ScramHash = 'sha1' | 'sha256'

/** Octets of the hash, and so of every key made with it. */
const keyLengths: Record<ScramHash, number> = { sha1: 20, sha256: 32 }

/** Octets of a fresh salt; fake ones have the same, or they would show. */
export const saltLength = 16

export function hmac(scramHash: ScramHash, key: Uint8Array, text: Uint8Array | string): Uint8Array {
  return createHmac(scramHash, key).update(text).digest()
}

export function hash(scramHash: ScramHash, bytes: Uint8Array): Uint8Array {
  return createHash(scramHash).update(bytes).digest()
}

export function xor(left: Uint8Array, right: Uint8Array): Uint8Array {
  return left.map((octet, at) => octet ^ (right[at] ?? 0))
}

/** False at once for unequal lengths, which are no secret. */
export function equalInConstantTime(left: Uint8Array, right: Uint8Array): boolean {
  return left.byteLength === right.byteLength && timingSafeEqual(left, right)
}

/** RFC 5802 §3: SaltedPassword := Hi(Normalize(password), salt, i). Blocks for about a millisecond per 3000 iterations. */
export function saltPasswordSync(
  password: string,
  request: { scramHash: ScramHash; salt: Uint8Array; iterations: number },
): Uint8Array {
  const { scramHash, salt, iterations } = request
  return pbkdf2Sync(password, salt, iterations, keyLengths[scramHash], scramHash)
}

/** RFC 5802 §3: StoredKey and ServerKey from SaltedPassword. */
export function deriveKeys(
  scramHash: ScramHash,
  saltedPassword: Uint8Array,
): {
  clientKey: Uint8Array
  storedKey: Uint8Array
  serverKey: Uint8Array
} {
  const clientKey = hmac(scramHash, saltedPassword, 'Client Key')
  const serverKey = hmac(scramHash, saltedPassword, 'Server Key')
  return { clientKey, storedKey: hash(scramHash, clientKey), serverKey }
}

/** What to keep for a password; undefined where it cannot be prepared. The work is done off the main thread. */
export async function makeScramVerifier(request: {
  readonly scramHash: ScramHash
  readonly password: string
  readonly salt: Uint8Array
  readonly iterations: number
}): Promise<ScramVerifier | undefined> {
  const { scramHash, salt, iterations } = request
  const password = tryPrepare(request.password)
  if (password === undefined) return undefined
  const salted = await new Promise<Uint8Array>((resolve, reject) => {
    pbkdf2(password, salt, iterations, keyLengths[scramHash], scramHash, (error, key) =>
      error ? reject(error) : resolve(key),
    )
  })
  const { storedKey, serverKey } = deriveKeys(scramHash, salted)
  return {
    salt: encodeBase64(salt),
    iterations,
    storedKey: encodeBase64(storedKey),
    serverKey: encodeBase64(serverKey),
  }
}

/**
 * A verifier for a name that nobody has: the same at every try, different for every name, and no password fits it.
 * RFC 5802 §9 leaves names to be probed by their salts; this does not.
 */
export function fakeVerifier(request: {
  scramHash: ScramHash
  serverSecret: Uint8Array
  username: string
  iterations: number
}): ScramVerifier {
  const { scramHash, serverSecret, username, iterations } = request
  const name = scramHash === 'sha256' ? 'scram-sha-256' : 'scram-sha-1'
  const seed = hmac(scramHash, serverSecret, `${name} salt\0${username.toLowerCase()}`)
  const key = hmac(scramHash, serverSecret, `${name} key\0${username.toLowerCase()}`)
  return {
    salt: encodeBase64(seed.subarray(0, saltLength)),
    iterations,
    storedKey: encodeBase64(key),
    serverKey: encodeBase64(hash(scramHash, key)),
  }
}

/** RFC 5802 §3: true when H(ClientProof XOR HMAC(StoredKey, AuthMessage)) is StoredKey. */
export function proofFits(
  scramHash: ScramHash,
  verifier: ScramVerifier,
  of: { authMessage: string; proof: Uint8Array },
): boolean {
  const { authMessage, proof } = of
  const keyLength = keyLengths[scramHash]
  const storedKey = Buffer.from(verifier.storedKey, 'base64')
  if (proof.byteLength !== keyLength || storedKey.byteLength !== keyLength) return false
  const clientKey = xor(proof, hmac(scramHash, storedKey, authMessage))
  return equalInConstantTime(hash(scramHash, clientKey), storedKey)
}

/** RFC 5802 §3: ServerSignature := HMAC(ServerKey, AuthMessage). */
export function serverSignature(
  scramHash: ScramHash,
  verifier: ScramVerifier,
  authMessage: string,
): Uint8Array {
  return hmac(scramHash, Buffer.from(verifier.serverKey, 'base64'), authMessage)
}
