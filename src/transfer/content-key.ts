// What tells messages of a folder apart that have no key of their own: their octets, and how many of the same came before.
import type { Hash } from 'node:crypto'

/** 96 bits of a digest of the message's octets. */
export function contentDigest(sha256: Hash): string {
  return sha256.digest('hex').slice(0, 24)
}

/** `count`: the how-manieth of these octets it is in its folder, from 1. */
export function contentKey(digest: string, count: number): string {
  return count === 1 ? digest : `${digest}#${count}`
}
