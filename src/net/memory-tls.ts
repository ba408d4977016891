// Certificates for TLS that is only pretended (memory-network.ts): the facts that policies compare, without any cryptography.
// Octets that stand for certificates and keys are made from names, so that a zone can publish the TLSA record of a key.
import { Buffer } from 'node:buffer'
import type { CertificateFacts, PeerCertificate } from '../base/core.ts'

/** Who an end says it is in a pretended handshake. */
export interface MemoryTlsIdentity {
  /** dNSName entries of its certificate. */
  readonly names: readonly string[]
  readonly emailAddresses?: readonly string[]
  /** Stands for the public key: the same text, the same key. */
  readonly key: string
  /** The keys of its issuers, the nearest first. */
  readonly issuers?: readonly string[]
  /** Null where it is trusted and valid; else Node's code: `CERT_HAS_EXPIRED`, `DEPTH_ZERO_SELF_SIGNED_CERT`, … */
  readonly problem: string | null
}

/** What the other end of a handshake is shown. */
export function memoryCertificate(identity: MemoryTlsIdentity): PeerCertificate {
  const { names, emailAddresses = [], key, issuers = [], problem } = identity
  return {
    chain: [factsOf(key, names), ...issuers.map((issuer) => factsOf(issuer, []))],
    dnsNames: names.map((name) => name.toLowerCase()),
    emailAddresses,
    problem,
  }
}

/** The octets that stand for that key, for a TLSA record with selector 1 (RFC 6698 §2.1.2). */
export function memoryPublicKey(key: string): Uint8Array {
  return Buffer.from(`public key ${key}`)
}

function factsOf(key: string, names: readonly string[]): CertificateFacts {
  return { raw: Buffer.from(`certificate ${names.join(' ')} of ${key}`), publicKey: memoryPublicKey(key) }
}
