// In whose name does a message speak? What its header says of authors and senders, for checks of what an account may submit.
//
// - A field that may stand there once (RFC 5322 §3.6) and stands there twice is a fault: what one reader skips is what another shows.
// - Of several resendings the topmost is the last one (RFC 5322 §3.6.6); those below it are trace, and say nothing of who submits.
import { Buffer } from 'node:buffer'
import { parseAddressList } from './address-list.ts'
import { type Address, formatAddress, makeAddress } from './address.ts'
import { fieldValue, type HeaderField } from './header.ts'

const fieldNames = {
  from: 'From',
  sender: 'Sender',
  'resent-from': 'Resent-From',
  'resent-sender': 'Resent-Sender',
} as const

type FieldKey = keyof typeof fieldNames
export type AuthorField = (typeof fieldNames)[FieldKey]

/** An address that a message claims as its author or sender. */
export interface Claim {
  readonly field: AuthorField
  readonly address: Address
}

export type AuthorshipFault =
  /** RFC 5322 §3.6: there MUST be one From field. */
  | 'no-author'
  | 'several-fields'
  | 'unreadable'
  /** RFC 5322 §3.6.2: with several authors, Sender MUST say who sent it. */
  | 'no-sender'

export type Authorship =
  | {
      readonly ok: true
      /** Each address once for its field. */
      readonly claims: readonly Claim[]
      /** True where Resent-From says that the message is another's, sent on. */
      readonly resent: boolean
    }
  | { readonly ok: false; readonly fault: AuthorshipFault; readonly field: AuthorField }

/** Addresses of one field that are read; more make it unreadable. */
const maxAddresses = 100

/** Reads the fields of a header, in the order in which they stand there. */
export function readAuthorship(fields: readonly HeaderField[]): Authorship {
  const resending = topResending(fields)
  const resent = resending.some(({ name }) => name === 'resent-from')
  const claims: Claim[] = []
  for (const [from, sender, among] of [
    ['from', 'sender', fields],
    ['resent-from', 'resent-sender', resending],
  ] as const) {
    const read = readPair(among, { from, sender })
    if (!('claims' in read)) return read
    if (from === 'from' && !read.claims.some(({ field }) => field === 'From')) return fault('no-author', from)
    claims.push(...read.claims)
  }
  return { ok: true, claims, resent }
}

interface Pair {
  readonly from: FieldKey
  readonly sender: FieldKey
}

function readPair(
  fields: readonly HeaderField[],
  { from, sender }: Pair,
): { readonly claims: readonly Claim[] } | (Authorship & { readonly ok: false }) {
  const claims: Claim[] = []
  for (const key of [from, sender]) {
    const [first, ...more] = fields.filter(({ name }) => name === key)
    if (more.length > 0) return fault('several-fields', key)
    if (first === undefined) continue
    const addresses = tryAddresses(first)
    if (addresses === undefined) return fault('unreadable', key)
    // RFC 5322 §3.6.2: `sender` is one mailbox.
    if (key === sender && addresses.length > 1) return fault('unreadable', key)
    claims.push(...addresses.map((address) => ({ field: fieldNames[key], address })))
  }
  const authors = claims.filter(({ field }) => field === fieldNames[from])
  const senders = claims.length - authors.length
  return authors.length > 1 && senders === 0 ? fault('no-sender', from) : { claims }
}

/** The topmost block of Resent fields: it ends where a name comes again. */
export function topResending(fields: readonly HeaderField[]): readonly HeaderField[] {
  const block: HeaderField[] = []
  const names = new Set<string>()
  for (const field of fields) {
    if (!field.name.startsWith('resent-')) continue
    if (names.has(field.name)) break
    names.add(field.name)
    block.push(field)
  }
  return block
}

function fault(what: AuthorshipFault, key: FieldKey): Authorship & { readonly ok: false } {
  return { ok: false, fault: what, field: fieldNames[key] }
}

/** Each address once; undefined where there is none, or one that is none. */
function tryAddresses(field: HeaderField): Address[] | undefined {
  const found = new Map<string, Address>()
  const { addresses, truncated } = parseAddressList(fieldValue(field), maxAddresses)
  if (truncated) return undefined
  for (const { mailbox, host } of addresses) {
    // RFC 5322 §3.4: a group's name, or its end.
    if (host === null) continue
    const address = makeAddress(unicode(mailbox ?? ''), unicode(host), { utf8: true })
    if (address === undefined) return undefined
    found.set(formatAddress(address), address)
  }
  return found.size === 0 ? undefined : [...found.values()]
}

/** RFC 6532 §3.2: raw UTF-8 in a header, here as octets. */
function unicode(binary: string): string {
  return Buffer.from(binary, 'latin1').toString('utf8')
}
