// The arithmetic of SCRAM-SHA-256 (RFC 5802 §3 with the hash of RFC 7677): keys, signatures, proofs, and the verifier
// that a server keeps instead of the password. Comparisons of secrets take the same time whatever they find.
import { Buffer } from 'node:buffer'
import { createHash, createHmac, pbkdf2, pbkdf2Sync, timingSafeEqual } from 'node:crypto'
import { encodeBase64 } from './base64.ts'
import { tryPrepare } from './prepare.ts'
import type { ScramVerifier } from './mechanism.ts'

/** Octets of SHA-256, and so of every key here. */
export const keyLength = 32
/** Octets of a fresh salt; fake ones have the same, or they would show. */
export const saltLength = 16

export function hmac(key: Uint8Array, text: Uint8Array | string): Uint8Array {
  return createHmac('sha256', key).update(text).digest()
}

export function hash(bytes: Uint8Array): Uint8Array {
  return createHash('sha256').update(bytes).digest()
}

export function xor(left: Uint8Array, right: Uint8Array): Uint8Array {
  return left.map((octet, at) => octet ^ (right[at] ?? 0))
}

/** False at once for unequal lengths, which are no secret. */
export function equalInConstantTime(left: Uint8Array, right: Uint8Array): boolean {
  return left.byteLength === right.byteLength && timingSafeEqual(left, right)
}

/** RFC 5802 §3: SaltedPassword := Hi(Normalize(password), salt, i). Blocks for about a millisecond per 3000 iterations. */
export function saltPasswordSync(password: string, salt: Uint8Array, iterations: number): Uint8Array {
  return pbkdf2Sync(password, salt, iterations, keyLength, 'sha256')
}

/** RFC 5802 §3: StoredKey and ServerKey from SaltedPassword. */
export function deriveKeys(saltedPassword: Uint8Array): {
  clientKey: Uint8Array
  storedKey: Uint8Array
  serverKey: Uint8Array
} {
  const clientKey = hmac(saltedPassword, 'Client Key')
  return { clientKey, storedKey: hash(clientKey), serverKey: hmac(saltedPassword, 'Server Key') }
}

/** What to keep for a password; undefined where it cannot be prepared. The work is done off the main thread. */
export async function makeScramVerifier(request: {
  readonly password: string
  readonly salt: Uint8Array
  readonly iterations: number
}): Promise<ScramVerifier | undefined> {
  const { salt, iterations } = request
  const password = tryPrepare(request.password)
  if (password === undefined) return undefined
  const salted = await new Promise<Uint8Array>((resolve, reject) => {
    pbkdf2(password, salt, iterations, keyLength, 'sha256', (error, key) =>
      error ? reject(error) : resolve(key),
    )
  })
  const { storedKey, serverKey } = deriveKeys(salted)
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
export function fakeVerifier(serverSecret: Uint8Array, username: string, iterations: number): ScramVerifier {
  const seed = hmac(serverSecret, `scram-sha-256 salt\0${username.toLowerCase()}`)
  const key = hmac(serverSecret, `scram-sha-256 key\0${username.toLowerCase()}`)
  return {
    salt: encodeBase64(seed.subarray(0, saltLength)),
    iterations,
    storedKey: encodeBase64(key),
    serverKey: encodeBase64(hash(key)),
  }
}

/** RFC 5802 §3: true when H(ClientProof XOR HMAC(StoredKey, AuthMessage)) is StoredKey. */
export function proofFits(verifier: ScramVerifier, authMessage: string, proof: Uint8Array): boolean {
  const storedKey = Buffer.from(verifier.storedKey, 'base64')
  if (proof.byteLength !== keyLength || storedKey.byteLength !== keyLength) return false
  const clientKey = xor(proof, hmac(storedKey, authMessage))
  return equalInConstantTime(hash(clientKey), storedKey)
}

/** RFC 5802 §3: ServerSignature := HMAC(ServerKey, AuthMessage). */
export function serverSignature(verifier: ScramVerifier, authMessage: string): Uint8Array {
  return hmac(Buffer.from(verifier.serverKey, 'base64'), authMessage)
}
