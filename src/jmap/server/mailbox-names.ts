// Names and roles that a Mailbox may have (RFC 8621 §2).
// - A name has no `/`, which the store's paths are cut at, and none of IMAP's wildcards.
// - Roles but `inbox` are the store's special uses (RFC 6154); which Mailbox has one already is not looked at here.
import { Buffer } from 'node:buffer'
import type { SpecialUse } from '../../store/model.ts'

/** RFC 8621 §2: "a Net-Unicode string [RFC5198] of at least 1 character", which is in NFC and has no controls; no wildcards of IMAP's. */
export function tryName(name: string, longest: number): string | undefined {
  const normal = name.normalize('NFC')
  const sound = normal.isWellFormed() && normal.trim() !== '' && Buffer.byteLength(normal) <= longest
  return sound && !/[/*%\u0000-\u001f\u007f-\u009f\u2028\u2029]/.test(normal) ? normal : undefined
}

const uses: readonly SpecialUse[] = [
  'archive',
  'drafts',
  'junk',
  'sent',
  'trash',
  'flagged',
  'important',
  'all',
]

export function isUse(role: string): role is SpecialUse {
  return uses.some((use) => use === role)
}

export function useOf(role: string): SpecialUse {
  if (!isUse(role)) throw new Error('a role that was not read')
  return role
}
