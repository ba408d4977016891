// The namespace of other users' mailboxes (RFC 2342 §3, RFC 9051 §5.1.2): `Other Users/ann@example.org/Folder`.
//
// The second level is the account's address. What a name cannot hold or LIST could not ask for stands there as `=` and two hexadecimal
// digits of the octet, `=` itself too, so that every address has one name and every name one address. What is below belongs to that
// account; in the personal namespace no mailbox can have a name that begins so.
import { Buffer } from 'node:buffer'
import { canonicalInbox, delimiter } from '../proto/grammar/mailbox.ts'

const first = 'Other Users'

/** As NAMESPACE tells it. */
export const otherUsersPrefix = `${first}${delimiter}`

/** Whether a name is in the namespace, or its first level. */
export function isOfOthers(name: string): boolean {
  return name === first || name.startsWith(otherUsersPrefix)
}

/** The name under which others see a mailbox of the account with that address. */
export function nameForOthers(address: string, name: string): string {
  return `${otherUsersPrefix}${encodeAddress(address)}${delimiter}${name}`
}

/** Whose mailbox a name in the namespace means, and its name there; undefined where it has not all its levels. */
export function tryNameOfOthers(name: string): { address: string; name: string } | undefined {
  const end = name.indexOf(delimiter, otherUsersPrefix.length)
  if (!name.startsWith(otherUsersPrefix) || end === -1) return undefined
  const address = tryDecodeAddress(name.slice(otherUsersPrefix.length, end))
  return address === undefined ? undefined : { address, name: canonicalInbox(name.slice(end + 1)) }
}

function encodeAddress(address: string): string {
  return address.replace(
    /[/%*=\u0000-\u001f\u007f]/g,
    (character) => `=${character.charCodeAt(0).toString(16).toUpperCase().padStart(2, '0')}`,
  )
}

function tryDecodeAddress(encoded: string): string | undefined {
  const address = encoded.replace(/=([0-9A-F]{2})/g, (_, digits: string) =>
    Buffer.from(digits, 'hex').toString('latin1'),
  )
  return encodeAddress(address) === encoded ? address : undefined
}
