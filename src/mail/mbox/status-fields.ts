// What mail programs write of a message's state into its header where the file has no other place for it (mbox).
//
// - `Status` (R read, O old) and `X-Status` (A answered, F flagged, T draft, D deleted): mutt, Dovecot, Pine, c-client.
// - `X-Keywords`: names parted by spaces (Dovecot, c-client); `X-Mozilla-Keys`, `X-Mozilla-Status` (four hexadecimal digits) and
//   `X-Mozilla-Status2`: Thunderbird.
// - `X-UID`, `X-IMAP`, `X-IMAPbase`, `Content-Length` and `Lines` belong to the file alone.
// These fields are of the file, not of the message: whoever reads it takes them out.
import { Buffer } from 'node:buffer'
import { fieldValue, splitHeader } from '../header.ts'

/** State of a message in words of IMAP. */
export interface MessageState {
  /** `\Seen`, `\Answered`, `\Flagged`, `\Deleted`, `\Draft` as they apply. */
  readonly flags: ReadonlySet<SystemFlag>
  readonly keywords: readonly string[]
}

export type SystemFlag = 'seen' | 'answered' | 'flagged' | 'deleted' | 'draft'

const ofTheFile = new Set([
  ...['status', 'x-status', 'x-keywords', 'x-uid', 'x-imap', 'x-imapbase', 'content-length'],
  ...['x-mozilla-status', 'x-mozilla-status2', 'x-mozilla-keys'],
])

const letters: Readonly<Record<string, SystemFlag>> = {
  R: 'seen',
  A: 'answered',
  F: 'flagged',
  D: 'deleted',
  T: 'draft',
}

/** Bits of X-Mozilla-Status (nsMsgMessageFlags.h): those that IMAP has too. */
const mozillaBits: readonly (readonly [bit: number, flag: SystemFlag])[] = [
  [0x1, 'seen'],
  [0x2, 'answered'],
  [0x4, 'flagged'],
  [0x8, 'deleted'],
]

/** A header (with its empty line) without the fields of the file, and what they said. `header` is the same object where it has none. */
export function takeStatusFields(header: Buffer): { readonly header: Buffer; readonly state: MessageState } {
  const text = header.toString('latin1')
  const flags = new Set<SystemFlag>()
  const keywords = new Set<string>()
  const kept: Buffer[] = []
  let at = 0
  for (const field of splitHeader(text).fields) {
    if (!ofTheFile.has(field.name)) continue
    kept.push(header.subarray(at, field.start))
    at = field.end
    readField(field.name, fieldValue(field), { flags, keywords })
  }
  const state = { flags, keywords: [...keywords] }
  return at === 0 ? { header, state } : { header: Buffer.concat([...kept, header.subarray(at)]), state }
}

function readField(
  name: string,
  value: string,
  found: { flags: Set<SystemFlag>; keywords: Set<string> },
): void {
  switch (name) {
    case 'status':
    case 'x-status':
      for (const letter of value.slice(0, 20)) {
        const flag = letters[letter]
        if (flag !== undefined) found.flags.add(flag)
      }
      return
    case 'x-keywords':
    case 'x-mozilla-keys':
      for (const word of value.split(/[\s,]+/, 200)) {
        const keyword = tryKeyword(Buffer.from(word, 'latin1').toString('utf8'))
        if (keyword !== undefined) found.keywords.add(keyword)
      }
      return
    case 'x-mozilla-status': {
      const bits = /^[0-9a-f]{1,8}$/i.test(value) ? Number.parseInt(value, 16) : 0
      for (const [bit, flag] of mozillaBits) if ((bits & bit) !== 0) found.flags.add(flag)
      if ((bits & 0x1000) !== 0) found.keywords.add('$Forwarded')
      return
    }
    default:
  }
}

/** RFC 9051 §9 `flag-keyword = atom`: a name as IMAP can carry it, what it cannot replaced by `_`; undefined for none. */
export function tryKeyword(name: string): string | undefined {
  const word = name
    .trim()
    .replace(/^\\+/, '')
    .replace(/[^\x21-\x7e]|[(){%*"\\\]]/g, '_')
    .slice(0, 100)
  return word === '' || /^_+$/.test(word) ? undefined : word
}

/** The fields for a state, with CRLFs: what the exporter puts before the message's own header. */
export function formatStatusFields(state: MessageState): string {
  const { flags, keywords } = state
  const status = flags.has('seen') ? 'RO' : 'O'
  const more = `${flags.has('answered') ? 'A' : ''}${flags.has('flagged') ? 'F' : ''}${flags.has('draft') ? 'T' : ''}${flags.has('deleted') ? 'D' : ''}`
  const lines = [`Status: ${status}`, ...(more === '' ? [] : [`X-Status: ${more}`])]
  if (keywords.length > 0) lines.push(`X-Keywords: ${keywords.join('\r\n ')}`)
  return lines.map((line) => `${line}\r\n`).join('')
}
