// Object identifiers that IMAP (RFC 8474 §7) and JMAP (RFC 8620 §1.2) show, the same in both (RFC 8621 §1.6): one letter for the kind,
// then the account and the counter that the store gave. No two kinds and no two accounts share one, and none is ever given again, as
// the counters are not.

export type ObjectKind = 'mailbox' | 'email' | 'thread'

const letters: Readonly<Record<ObjectKind, string>> = { mailbox: 'F', email: 'M', thread: 'T' }

/** `objectid = 1*255(ALPHA / DIGIT / "_" / "-")` of a mailbox (RFC 8474 §4), an email (§5.1), a thread (§5.2). */
export function encodeObjectId(kind: ObjectKind, account: number, id: number): string {
  return `${letters[kind]}${account}_${id}`
}

/** The counter; undefined where the text is no id of that kind in that account, written as `encodeObjectId` writes it. */
export function tryObjectId(kind: ObjectKind, account: number, text: string): number | undefined {
  const start = `${letters[kind]}${account}_`
  if (!text.startsWith(start)) return undefined
  const digits = text.slice(start.length)
  const id = /^[1-9]\d{0,15}$/.test(digits) ? Number(digits) : 0
  return id > 0 && Number.isSafeInteger(id) ? id : undefined
}
