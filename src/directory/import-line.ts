// One line of an account list: an address, white space or one comma, then the rest of the line, which is a password or
// a hash. `{PLAIN}` and `{ARGON2ID}` are the marks that Dovecot and OpenLDAP use; a bare PHC string is a hash too.
//
// Refused: other hashes than argon2id, and argon2id beyond the cost that a log-in may have. A hash cannot serve SCRAM:
// the verifier is made at the first log-in with a password.
import { Secret } from '../base/secret.ts'
import { tryParsePhc } from './password-hash.ts'
import type { Credentials } from '../store/model.ts'

export type ImportLine =
  /** Nothing on it, or a comment that starts with `#`. */
  | { readonly type: 'empty' }
  | { readonly type: 'password'; readonly address: string; readonly password: Secret }
  | { readonly type: 'hash'; readonly address: string; readonly credentials: Credentials }
  /** The message never repeats what stands after the address. */
  | { readonly type: 'bad'; readonly message: string }

/** Never throws. */
export function parseImportLine(text: string): ImportLine {
  const line = text.replace(/\r$/, '').trimStart()
  if (line === '' || line.startsWith('#')) return { type: 'empty' }
  // RFC 5321 §4.1.2: a quoted local part may hold spaces and commas.
  const [address = ''] = /^(?:"(?:[^"\\]|\\.)*")?[^\s,]*/.exec(line) ?? []
  // One comma, or white space around one: what comes after it is the password, spaces at its end included.
  const rest = line.slice(address.length).replace(/^\s*,?[\t ]*/, '')
  if (!address.includes('@')) return bad('it does not begin with an address')
  if (rest === '') return bad(`there is no password behind ${address}`)
  const marked = /^\{([A-Za-z0-9.-]+)\}/.exec(rest)
  const scheme = marked?.[1]?.toUpperCase()
  const value = scheme === undefined ? rest : rest.slice(marked?.[0].length)
  if (scheme === 'PLAIN' || scheme === 'CLEARTEXT')
    return { type: 'password', address, password: new Secret(value) }
  if (scheme !== undefined && scheme !== 'ARGON2ID')
    return bad(`{${scheme}} hashes are not supported, only argon2id`)
  if (scheme === undefined && !value.startsWith('$argon2')) {
    return { type: 'password', address, password: new Secret(value) }
  }
  const argon2id = value.trimEnd()
  if (tryParsePhc(argon2id) === undefined) {
    return bad(`the hash of ${address} is not argon2id version 19, or costs more than a log-in may`)
  }
  return { type: 'hash', address, credentials: { argon2id, scramSha256: null } }
}

function bad(message: string): ImportLine {
  return { type: 'bad', message: `Not imported: ${message}.` }
}
