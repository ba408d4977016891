// Responses as text: status lines with their codes, mailbox data, and the names under which FETCH answers.
//
// Everything is US-ASCII but the binary strings that callers put into it. Human text is cleaned of CR, LF and 8-bit, so that
// no error can break the framing.
import { Buffer } from 'node:buffer'
import { namesInUtf8 } from '../modes.ts'
import { encodeModifiedUtf7 } from '../grammar/mailbox.ts'
import { encodeAString, encodeString } from './strings.ts'
import type { Modes } from '../modes.ts'
import type { FetchItem, Section } from '../grammar/fetch.ts'

/** `resp-cond-state` */
export type Status = 'OK' | 'NO' | 'BAD'

/** `resp-text = ["[" resp-text-code "]" SP] text` behind a status or BYE. */
export function encodeCondition(
  status: Status | 'BYE' | 'PREAUTH',
  code: string | null,
  text: string,
): string {
  // TEXT-CHAR = <any CHAR except CR and LF>
  const clean = text.replace(/[^ -~]+/g, ' ')
  return code === null ? `${status} ${clean}\r\n` : `${status} [${code}] ${clean}\r\n`
}

/** A mailbox name as `astring`: modified UTF-7, or UTF-8 where the session has enabled it (RFC 9051 §5.1). */
export function encodeMailbox(name: string, modes: Modes): string {
  if (name === 'INBOX') return name
  if (!namesInUtf8(modes)) return encodeString(encodeModifiedUtf7(name))
  // RFC 9051 §9: QUOTED-CHAR takes UTF-8 there.
  return `"${Buffer.from(name, 'utf8').toString('latin1').replace(/["\\]/g, '\\$&')}"`
}

/** The name of a data item in an answer: as asked, the partial's length left out (RFC 3501 §7.4.2, RFC 3516 §4.3). */
export function encodeItemName(item: Extract<FetchItem, { name: 'SECTION' | 'BINARY' }>): string {
  const partial = item.partial === null ? '' : `<${item.partial.start}>`
  if (item.name === 'BINARY') return `BINARY[${item.part.join('.')}]${partial}`
  return item.as ?? `BODY[${encodeSection(item.section)}]${partial}`
}

function encodeSection({ part, text }: Section): string {
  const numbers = part.join('.')
  if (text === null) return numbers
  const dot = numbers === '' ? '' : '.'
  if (text.type !== 'fields') return `${numbers}${dot}${text.type.toUpperCase()}`
  const names = text.names.map((name) => encodeAString(name)).join(' ')
  return `${numbers}${dot}HEADER.FIELDS${text.not ? '.NOT' : ''} (${names})`
}
