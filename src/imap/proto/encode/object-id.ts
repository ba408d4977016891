// Object identifiers (RFC 8474 §7): one letter for the kind, then the account and the counter that the store gave. No two kinds and no
// two accounts share one, and none is ever given again, as the counters are not.

/** `objectid = 1*255(ALPHA / DIGIT / "_" / "-")` of a mailbox (RFC 8474 §4), an email (§5.1), a thread (§5.2). */
export function encodeObjectId(kind: 'mailbox' | 'email' | 'thread', account: number, id: number): string {
  const letter = kind === 'mailbox' ? 'F' : kind === 'email' ? 'M' : 'T'
  return `${letter}${account}_${id}`
}
