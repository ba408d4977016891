// The namespace of other users' mailboxes (RFC 2342 §3, RFC 9051 §5.1.2): `Other Users/ann@example.org/Folder`.
//
// The second level is the account's address. What a name cannot hold or LIST could not ask for stands there as `=` and two hexadecimal
// digits of the octet, `=` itself too, so that every address has one name and every name one address. What is below belongs to that
// account; in the personal namespace no mailbox can have a name that begins so.
import { Buffer } from 'node:buffer'
import { encodeOther, othersLevel } from '../../mail/names-of-others.ts'
import { canonicalInbox, delimiter } from '../proto/grammar/mailbox.ts'

export { nameForOthers } from '../../mail/names-of-others.ts'

/** As NAMESPACE tells it. */
export const otherUsersPrefix = `${othersLevel}${delimiter}`

/** Whether a name is in the namespace, or its first level. */
export function isOfOthers(name: string): boolean {
  return name === othersLevel || name.startsWith(otherUsersPrefix)
}

/** Whose mailbox a name in the namespace means, and its name there; undefined where it has not all its levels. */
export function tryNameOfOthers(name: string): { address: string; name: string } | undefined {
  const end = name.indexOf(delimiter, otherUsersPrefix.length)
  if (!name.startsWith(otherUsersPrefix) || end === -1) return undefined
  const address = tryDecodeAddress(name.slice(otherUsersPrefix.length, end))
  return address === undefined ? undefined : { address, name: canonicalInbox(name.slice(end + 1)) }
}

function tryDecodeAddress(encoded: string): string | undefined {
  const address = encoded.replace(/=([0-9A-F]{2})/g, (_, digits: string) =>
    Buffer.from(digits, 'hex').toString('latin1'),
  )
  return encodeOther(address) === encoded ? address : undefined
}
