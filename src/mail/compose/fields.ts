// Writes header fields from their meaning: text, addresses, identifiers, dates, URLs, or the raw value as it stands.
//
// - A field is one field: nothing that it is made from can begin another one, or end the header. What cannot be written
//   without meaning something else is refused (undefined), never repaired into it.
// - Text beyond US-ASCII becomes encoded words (RFC 2047). An address whose local part is beyond US-ASCII has no other form
//   than UTF-8 (RFC 6532 §3.2), and so has a raw value; everything else stays US-ASCII.
// - Drafts are drafts: an address that is none yet is written as it is, as long as it can be read back.
import { formatAddressAscii, tryAddress } from '../address.ts'
import { formatDate } from '../date.ts'
import { isFieldName } from '../header-edit.ts'
import { binary, foldField, longestLine, phraseTokens, textTokens } from './words.ts'

/** RFC 5322 §3.4 `mailbox`; a name that is null or '' is none. */
export interface NamedAddress {
  readonly name: string | null
  readonly email: string
}

/** RFC 5322 §3.4 `group`; null: addresses that are in none. */
export interface AddressGroup {
  readonly name: string | null
  readonly addresses: readonly NamedAddress[]
}

/** What a field says, in one of the forms of RFC 8621 §4.1.2. */
export type FieldContent =
  /** What follows the colon, folded or not. */
  | { readonly form: 'raw'; readonly value: string }
  | { readonly form: 'text'; readonly value: string }
  | { readonly form: 'groups'; readonly groups: readonly AddressGroup[] }
  /** Without angle brackets. */
  | { readonly form: 'message-ids'; readonly ids: readonly string[] }
  /** Milliseconds since the epoch, and minutes east of UTC. */
  | { readonly form: 'date'; readonly time: number; readonly zoneMinutes: number }
  /** Without angle brackets. */
  | { readonly form: 'urls'; readonly urls: readonly string[] }

/** The field with its CRLF, as a binary string; '' where there is nothing to say; undefined where it cannot be said. */
export function tryFormatField(name: string, content: FieldContent): string | undefined {
  if (!isFieldName(name)) return undefined
  const field = format(name, content)
  if (field === undefined) return undefined
  // RFC 5322 §2.1.1.
  return field.split('\r\n').some((line) => line.length > longestLine) ? undefined : field
}

function format(name: string, content: FieldContent): string | undefined {
  switch (content.form) {
    case 'raw':
      return formatRaw(name, content.value)
    case 'text':
      return foldField(name, textTokens(content.value))
    case 'groups':
      return formatGroups(name, content.groups)
    case 'message-ids':
      return formatBracketed(name, content.ids, ' ')
    case 'date':
      return foldField(name, [formatDate(content.time, content.zoneMinutes)])
    case 'urls':
      return formatBracketed(name, content.urls, ', ')
  }
}

/** RFC 5322 §2.2.3: a line break stands only before white space, and no line is white space alone. */
function formatRaw(name: string, value: string): string | undefined {
  const lines = value.split(/\r\n|\n/)
  if (lines.some((line) => /[\r\0]/.test(line))) return undefined
  if (lines.slice(1).some((line) => !/^[ \t]/.test(line) || line.trim() === '')) return undefined
  return `${name}:${binary(lines.join('\r\n'))}\r\n`
}

function formatGroups(name: string, groups: readonly AddressGroup[]): string | undefined {
  const tokens: string[] = []
  for (const group of groups) {
    const mailboxes: string[][] = []
    for (const address of group.addresses) {
      const written = mailboxTokens(address)
      if (written === undefined) return undefined
      mailboxes.push(written)
    }
    if (group.name === null) {
      for (const mailbox of mailboxes) append(tokens, mailbox, ',')
      continue
    }
    const phrase = phraseTokens(group.name)
    // RFC 5322 §3.4: a group has a name, and it may be empty.
    append(tokens, phrase.length === 0 ? ['"":'] : closed(phrase, ':'), ',')
    mailboxes.forEach((mailbox, index) => append(tokens, mailbox, index === 0 ? '' : ','))
    close(tokens, ';')
  }
  return tokens.length === 0 ? '' : foldField(name, tokens)
}

/** Adds tokens behind a separator, which stands at the end of what came before. */
function append(tokens: string[], more: readonly string[], separator: string): void {
  if (tokens.length > 0) close(tokens, separator)
  more.forEach((token, index) => tokens.push(index === 0 && tokens.length > 0 ? ` ${token}` : token))
}

function close(tokens: string[], mark: string): void {
  const last = tokens.pop() ?? ''
  tokens.push(last + mark)
}

function closed(tokens: readonly string[], mark: string): string[] {
  const all = [...tokens]
  close(all, mark)
  return all
}

function mailboxTokens({ name, email }: NamedAddress): string[] | undefined {
  const address = writableAddress(email)
  if (address === undefined) return undefined
  const phrase = name === null ? [] : phraseTokens(name)
  return phrase.length === 0 ? [address] : [...phrase, ` <${address}>`]
}

/** RFC 5322 §3.4.1 `addr-spec` as it was given; undefined where it would end, or become something else. */
function writableAddress(email: string): string | undefined {
  if (/[\0-\x1f\x7f]/.test(email) || !email.isWellFormed()) return undefined
  const address = tryAddress(email, { utf8: true })
  if (address !== undefined) {
    if (!/[^\0-\x7f]/.test(email)) return email
    // A domain has its A-labels; a local part has UTF-8 alone (RFC 6531 §3.2).
    const written = /[^\0-\x7f]/.test(address.localPart) ? email : formatAddressAscii(address)
    return binary(written)
  }
  // Half of one, as people type it.
  return /^[^ <>()[\]\\,;:"]+(?: [^ <>()[\]\\,;:"]+)*$/.test(email) ? binary(email) : undefined
}

function formatBracketed(name: string, values: readonly string[], separator: string): string | undefined {
  // RFC 5322 §3.6.4 and RFC 2369 §2: neither has white space or angle brackets inside.
  if (values.some((value) => !/^[^\0-\x20\x7f<>]+$/.test(value) || !value.isWellFormed())) return undefined
  if (values.length === 0) return ''
  const [mark, blank] = [separator.trimEnd(), ' ']
  return foldField(
    name,
    values.map((value, index) => {
      return `${index === 0 ? '' : blank}<${binary(value)}>${index === values.length - 1 ? '' : mark}`
    }),
  )
}
