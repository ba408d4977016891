// What is told of mailboxes, as untagged responses: LIST, STATUS, ACL, METADATA, QUOTA. Names are encoded as the session has them;
// identifiers and roots are UTF-8, values of annotations octets.
import { Buffer } from 'node:buffer'
import { encodeMailbox } from './responses.ts'
import { encodeString } from './strings.ts'
import { withVirtualRights } from '../grammar/rights.ts'
import type { Modes } from '../modes.ts'

/** A name for an answer. */
export interface NameIn {
  readonly name: string
  readonly modes: Modes
}

/** Extended data items of LIST (RFC 9051 §6.3.9.6, §6.3.9.7). */
export interface ListExtras {
  /** Selection options that an inferior meets. */
  readonly childInfo?: readonly string[]
  readonly oldName?: string
}

/** `mailbox-list = "(" [mbx-list-flags] ")" SP DQUOTE QUOTED-CHAR DQUOTE SP mailbox [SP mbox-list-extended]` */
export function encodeListing(
  word: 'LIST' | 'LSUB' | 'XLIST',
  attributes: readonly string[],
  of: NameIn & ListExtras,
): string {
  const items: string[] = []
  // RFC 9051 §9 childinfo-extended-item, oldname-extended-item
  if (of.childInfo !== undefined)
    items.push(`"CHILDINFO" (${of.childInfo.map((name) => `"${name}"`).join(' ')})`)
  if (of.oldName !== undefined) items.push(`"OLDNAME" (${encodeMailbox(of.oldName, of.modes)})`)
  const extended = items.length === 0 ? '' : ` (${items.join(' ')})`
  return `* ${word} (${attributes.join(' ')}) "/" ${encodeMailbox(of.name, of.modes)}${extended}\r\n`
}

/** `"STATUS" SP mailbox SP "(" [status-att-list] ")"` */
export function encodeStatus(
  of: NameIn,
  values: readonly (readonly [item: string, value: string])[],
): string {
  const pairs = values.map(([item, value]) => `${item} ${value}`).join(' ')
  return `* STATUS ${encodeMailbox(of.name, of.modes)} (${pairs})\r\n`
}

/** `acl-data = "ACL" SP mailbox *(SP identifier SP rights)` (RFC 4314 §7) */
export function encodeAcl(
  of: NameIn,
  entries: readonly (readonly [identifier: string, rights: string])[],
): string {
  const pairs = entries.map(([identifier, rights]) => ` ${encodeAstring(identifier)} ${encodeRights(rights)}`)
  return `* ACL ${encodeMailbox(of.name, of.modes)}${pairs.join('')}\r\n`
}

/** `myrights-data = "MYRIGHTS" SP mailbox SP rights` */
export function encodeMyRights(of: NameIn, rights: string): string {
  return `* MYRIGHTS ${encodeMailbox(of.name, of.modes)} ${encodeRights(rights)}\r\n`
}

/** `listrights-data = "LISTRIGHTS" SP mailbox SP identifier SP rights *(SP rights)` */
export function encodeListRights(
  of: NameIn & { readonly identifier: string },
  required: string,
  optional: readonly string[],
): string {
  const lists = [required === '' ? '""' : encodeRights(required), ...optional].join(' ')
  return `* LISTRIGHTS ${encodeMailbox(of.name, of.modes)} ${encodeAstring(of.identifier)} ${lists}\r\n`
}

/** RFC 4314 §2.1.1: `c` and `d` for clients of RFC 2086. */
function encodeRights(rights: string): string {
  return rights === '' ? '""' : withVirtualRights(rights)
}

/** `metadata-resp = "METADATA" SP mailbox SP entry-values`; a mailbox of null is the server (RFC 5464 §5). */
export function encodeMetadata(
  of: { readonly name: string | null; readonly modes: Modes },
  entries: readonly (readonly [name: string, value: Uint8Array | null])[],
): string {
  const pairs = entries.map(([name, value]) => `${encodeAstring(name)} ${encodeValue(value)}`).join(' ')
  return `* METADATA ${encodePlace(of)} (${pairs})\r\n`
}

/** `metadata-resp = "METADATA" SP mailbox SP entry-list`: unsolicited, names alone (RFC 5464 §4.4.2). */
export function encodeMetadataNames(
  of: { readonly name: string | null; readonly modes: Modes },
  names: readonly string[],
): string {
  return `* METADATA ${encodePlace(of)} ${names.map((name) => encodeAstring(name)).join(' ')}\r\n`
}

function encodePlace({ name, modes }: { readonly name: string | null; readonly modes: Modes }): string {
  return name === null ? '""' : encodeMailbox(name, modes)
}

/** `value = nstring / literal8`: a literal8 only where NUL is in it. */
function encodeValue(value: Uint8Array | null): string {
  if (value === null) return 'NIL'
  const text = Buffer.from(value.buffer, value.byteOffset, value.length).toString('latin1')
  return text.includes('\0') ? `~{${text.length}}\r\n${text}` : encodeString(text)
}

/** `quota-response = "QUOTA" SP quota-root-name SP quota-list`; none is limited where the list is empty (RFC 9208 §4.2.1). */
export function encodeQuota(
  root: string,
  resources: readonly { readonly name: string; readonly usage: number; readonly limit: number }[],
): string {
  const list = resources.map(({ name, usage, limit }) => `${name} ${usage} ${limit}`).join(' ')
  return `* QUOTA ${encodeAstring(root)} (${list})\r\n`
}

/** `quotaroot-response = "QUOTAROOT" SP mailbox *(SP quota-root-name)` */
export function encodeQuotaRoot(of: NameIn, root: string): string {
  return `* QUOTAROOT ${encodeMailbox(of.name, of.modes)} ${encodeAstring(root)}\r\n`
}

/** `astring` of Unicode text: an atom where it can be one. */
function encodeAstring(text: string): string {
  // ASTRING-CHAR, less what some clients trip over at the start.
  if (/^[A-Za-z/$!-][A-Za-z0-9._/$!@-]*$/.test(text) && text.toUpperCase() !== 'NIL') return text
  return encodeString(Buffer.from(text, 'utf8').toString('latin1'))
}
