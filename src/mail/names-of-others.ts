// What the mailboxes of other users are called (RFC 2342 §3, RFC 9051 §5.1.2): `Other Users/ann@example.org/Folder`. IMAP shows these
// names, and subscriptions are kept under them.
//
// The second level is the account's address. What a name cannot hold or LIST could not ask for stands there as `=` and two hexadecimal
// digits of the octet, `=` itself too, so that every address has one name and every name one address.

/** The first level. */
export const othersLevel = 'Other Users'

/** The name under which others see a mailbox of the account with that address. */
export function nameForOthers(address: string, name: string): string {
  return `${othersLevel}/${encodeOther(address)}/${name}`
}

/** The second level for an address. */
export function encodeOther(address: string): string {
  return address.replace(
    /[/%*=\u0000-\u001f\u007f]/g,
    (character) => `=${character.charCodeAt(0).toString(16).toUpperCase().padStart(2, '0')}`,
  )
}
