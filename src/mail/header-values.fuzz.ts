// Fuzz target: the values of header fields. No parser throws, and what is shown to people keeps no line break of the sender's.
import assert from 'node:assert/strict'
import { Buffer } from 'node:buffer'
import { parseAddressList } from './address-list.ts'
import { formatAddress, parseAddress, tryAddress } from './address.ts'
import { tryDate } from './date.ts'
import { displayText } from './encoded-word.ts'
import { attachmentName, tryDisposition, tryMediaType } from './parameters.ts'

export function target(bytes: Uint8Array): void {
  const value = Buffer.from(bytes).toString('latin1')
  displayText(value)
  tryDate(value)
  parseAddressList(value, 100)
  const disposition = tryDisposition(value) ?? null
  const type = tryMediaType(value)
  if (type !== undefined) attachmentName(type, disposition)
  parseAddress(value)
  const address = tryAddress(Buffer.from(bytes).toString(), { utf8: true })
  // An address that was accepted is read again as the same one.
  if (address !== undefined) assert.deepEqual(tryAddress(formatAddress(address), { utf8: true }), address)
}

export const seeds: readonly string[] = [
  'Ann <ann@example.org>, "B, C" <@r:b@example.org>, group: d@[192.0.2.1];',
  '"a\\"b"@xn--bcher-kva.example',
  '=?utf-8?Q?=C3=A4?= =?iso-8859-1?B?5A==?=',
  'text/plain; charset="utf-8"; name*0*=utf-8\'en\'a%20; name*1=b (comment (nested))',
  'attachment; filename="a.txt"',
  'Sat, 21 Nov 2026 23:59:60 +0100 (CET)',
  'Mon,  1 Jan 70 0:00 EST',
]

export const dictionary: readonly string[] = [
  '(',
  ')',
  '\\"',
  '=?utf-8?B?',
  '?=',
  "*=utf-8''",
  '*0*=',
  '%C3%A4',
  '@[IPv6:',
  'xn--',
  ' +0000',
  ':;',
]
