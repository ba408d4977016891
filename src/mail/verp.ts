// Variable envelope return paths: each member of a list gets the list's mail under a return path of his own, so that a
// bounce says by its address alone whom it is about.
//
// `owner+b-HASH=local=domain@ours`. To whatever does not know it, it is a subaddress of the list's owner, so nothing is lost
// when the hash is wrong: the mail goes to the owner as any other. The hash keeps strangers from taking members off a list.
// A member whose address would not fit is written to under the owner's own address (RFC 5321 §4.5.3.1.1).
import { type Address, formatAddress, tryAddress } from './address.ts'
import { hashOf, type ReturnPathKey, sameHash } from './srs.ts'

export interface VerpOptions {
  readonly key: ReturnPathKey
  /** What stands between the owner's local part and the rest: the subaddress separator. */
  readonly separator: string
}

/** The return path for one member; undefined where it cannot be written. */
export function tryVerp(owner: Address, member: Address, options: VerpOptions): string | undefined {
  if (member.domain === null || owner.domain === null || member.utf8 || owner.utf8) return undefined
  const hash = hashOf(options.key, 'verp', owner.localPart, owner.domain, member.localPart, member.domain)
  const local = `${owner.localPart}${options.separator}b-${hash}=${member.localPart}=${member.domain}`
  const address = tryAddress(`${local}@${owner.domain}`)
  return address && formatAddress(address)
}

/** Whose bounce an address of `tryVerp` gets; undefined where it is none or is forged. */
export function tryVerpReverse(
  address: Address,
  options: VerpOptions,
): { readonly owner: Address; readonly member: Address } | undefined {
  const { localPart, domain } = address
  if (domain === null) return undefined
  const mark = localPart.indexOf(`${options.separator}b-`)
  const hashEnd = localPart.indexOf('=', mark)
  const memberEnd = localPart.lastIndexOf('=')
  if (mark <= 0 || hashEnd < 0 || memberEnd <= hashEnd) return undefined
  const owner = tryAddress(`${localPart.slice(0, mark)}@${domain}`)
  const member = tryAddress(`${localPart.slice(hashEnd + 1, memberEnd)}@${localPart.slice(memberEnd + 1)}`)
  if (owner === undefined || member === undefined || member.domain === null) return undefined
  const hash = hashOf(options.key, 'verp', owner.localPart, domain, member.localPart, member.domain)
  if (!sameHash(localPart.slice(mark + options.separator.length + 2, hashEnd), hash)) return undefined
  return { owner, member }
}
