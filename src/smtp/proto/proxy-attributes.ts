// The attributes of XCLIENT and XFORWARD, as Postfix documents them: `NAME=xtext` pairs, where a value in brackets says that the
// peer does not know. What was not offered, stands twice, or could not be true refuses the whole command.
import { tryIpOctets, unmapIp } from '../../base/ip-address.ts'
import { tryHelloName, tryXtext } from './grammar.ts'

/** Reads a decoded value; undefined refuses it. */
type ReadValue = (value: string) => string | undefined
export type Attributes = ReadonlyMap<string, ReadValue>

const longestValue = 255

/** Printable, in UTF-8, no longer than Postfix lets it be. */
const text: ReadValue = (value) =>
  value.length <= longestValue && !/[\x00-\x1f\x7f]/.test(value) ? value : undefined

/** `192.0.2.1` or `IPV6:2001:db8::1`; comes back without the prefix. */
const address: ReadValue = (value) => {
  const plain = /^ipv6:/i.test(value) ? value.slice(5) : value
  return tryIpOctets(plain) === undefined ? undefined : unmapIp(plain)
}

const port: ReadValue = (value) => (/^\d{1,5}$/.test(value) && Number(value) < 65_536 ? value : undefined)

function oneOf(...words: readonly string[]): ReadValue {
  return (value) => words.find((word) => word === value.toUpperCase())
}

/** In the order in which EHLO shows them. */
export const xclientAttributes: Attributes = new Map([
  ['NAME', tryHelloName],
  ['ADDR', address],
  ['PORT', port],
  ['PROTO', oneOf('SMTP', 'ESMTP')],
  ['HELO', tryHelloName],
  ['LOGIN', text],
  ['DESTADDR', address],
  ['DESTPORT', port],
])

export const xforwardAttributes: Attributes = new Map([
  ['NAME', text],
  ['ADDR', address],
  ['PORT', port],
  ['PROTO', text],
  ['HELO', text],
  ['IDENT', text],
  ['SOURCE', oneOf('LOCAL', 'REMOTE')],
])

/** The attributes of a command, names in capitals and values decoded, null for what the peer does not know. */
export function tryAttributes(argument: string, known: Attributes): Map<string, string | null> | undefined {
  const attributes = new Map<string, string | null>()
  for (const part of argument.split(' ')) {
    if (part === '') continue
    const equals = part.indexOf('=')
    const name = part.slice(0, Math.max(equals, 0)).toUpperCase()
    const read = known.get(name)
    const value = tryXtext(part.slice(equals + 1))
    if (read === undefined || value === undefined || value === '' || attributes.has(name)) return undefined
    const unknown = /^\[(?:UNAVAILABLE|TEMPUNAVAIL)\]$/i.test(value)
    const said = unknown ? null : read(value)
    if (said === undefined) return undefined
    attributes.set(name, said)
  }
  return attributes.size === 0 ? undefined : attributes
}
