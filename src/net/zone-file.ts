// Zone text for simulations: a small part of the master file format of RFC 1035 §5.
//
// One record a line: `name [ttl] [IN] TYPE data`, a name left out repeats the last one, `@` is the origin, names without a
// final dot are relative to it, `;` starts a comment, strings may be quoted. Types: A, AAAA, MX, TXT, CNAME, TLSA, PTR.
// Directives: `$ORIGIN name`, `$TTL seconds`, and two of our own: `$AUTHENTIC yes|no` (the records that follow carry the
// AD bit; with a name behind it: whatever is said of that name, denials too) and
// `$FAIL name [TYPE] servfail|refused|timeout|malformed|bogus` (bogus is what a validating resolver makes of wrong
// signatures, which is servfail). Anything else is an error that names its line.
import { Buffer } from 'node:buffer'
import { formatIp, tryIpOctets } from '../base/ip-address.ts'
import type { DnsFailure } from '../base/resolver.ts'
import type { DnsRecords, DnsType } from './dns-message.ts'

export interface ZoneRecord<Type extends DnsType = DnsType> {
  readonly type: Type
  /** Lower-case, without a final dot. */
  readonly name: string
  /** Seconds. */
  readonly ttl: number
  readonly authentic: boolean
  readonly value: DnsRecords[Type]
}

export interface ZoneFailure {
  readonly name: string
  /** Null for every type. */
  readonly type: DnsType | null
  readonly failure: DnsFailure
}

export interface Zone {
  readonly records: readonly ZoneRecord[]
  readonly failures: readonly ZoneFailure[]
  /** Names of which all that is said is authentic, or is not. */
  readonly authenticity: ReadonlyMap<string, boolean>
}

const failures: readonly string[] = ['servfail', 'refused', 'timeout', 'malformed'] satisfies DnsFailure[]
const defaultTtl = 3_600

class ZoneError extends Error {
  override readonly name = 'ZoneError'
}

/** Throws an Error that names the line where the text is not as the file header says. */
export function parseZone(text: string): Zone {
  const reader = new ZoneReader()
  for (const [index, line] of text.split('\n').entries()) {
    try {
      reader.read(line)
    } catch (error) {
      if (error instanceof ZoneError) throw new ZoneError(`zone line ${index + 1}: ${error.message}`)
      throw error
    }
  }
  return reader
}

class ZoneReader implements Zone {
  readonly records: ZoneRecord[] = []
  readonly failures: ZoneFailure[] = []
  readonly authenticity = new Map<string, boolean>()
  #origin = ''
  #ttl = defaultTtl
  #authentic = false
  #last: string | null = null

  read(line: string): void {
    const words = wordsOf(line)
    const [first] = words
    if (first === undefined) return
    if (first.startsWith('$')) this.#directive(first.toUpperCase(), words.slice(1))
    else this.#record(/^\s/.test(line) ? words : words.slice(1), /^\s/.test(line) ? null : first)
  }

  #directive(directive: string, values: readonly string[]): void {
    const [value = ''] = values
    switch (directive) {
      case '$ORIGIN':
        this.#origin = this.#name(value)
        return
      case '$TTL':
        this.#ttl = number(value, 2_147_483_647)
        return
      case '$AUTHENTIC':
        if (value !== 'yes' && value !== 'no') throw new ZoneError('$AUTHENTIC wants yes or no')
        if (values[1] === undefined) this.#authentic = value === 'yes'
        else this.authenticity.set(this.#name(values[1]), value === 'yes')
        return
      case '$FAIL': {
        const said = values.at(-1)?.toLowerCase() ?? ''
        const failure = said === 'bogus' ? 'servfail' : said
        if (!isFailure(failure)) throw new ZoneError(`no such failure: ${failure}`)
        const type = values.length > 2 ? dnsType(values[1] ?? '') : null
        this.failures.push({ name: this.#name(value), type, failure })
        return
      }
      default:
        throw new ZoneError(`no such directive: ${directive}`)
    }
  }

  #record(words: readonly string[], owner: string | null): void {
    const name = owner === null ? this.#last : this.#name(owner)
    if (name === null) throw new ZoneError('the first record needs a name')
    this.#last = name
    const rest = [...words]
    let ttl = this.#ttl
    if (/^\d+$/.test(rest[0] ?? '')) ttl = number(rest.shift() ?? '', 2_147_483_647)
    if (rest[0]?.toUpperCase() === 'IN') rest.shift()
    const type = dnsType(rest.shift() ?? '')
    this.records.push({ name, type, ttl, authentic: this.#authentic, value: this.#value(type, rest) })
  }

  #value(type: DnsType, data: readonly string[]): DnsRecords[DnsType] {
    const [first = '', second = '', third = ''] = data
    switch (type) {
      case 'A':
        return address(first, 4)
      case 'AAAA':
        return address(first, 16)
      case 'MX':
        return { preference: number(first, 65_535), exchange: this.#name(second) }
      case 'TXT':
        return data.join('')
      case 'CNAME':
      case 'PTR':
        return this.#name(first)
      case 'TLSA':
        return {
          usage: number(first, 255),
          selector: number(second, 255),
          matchingType: number(third, 255),
          data: hexadecimal(data.slice(3).join('')),
        }
    }
  }

  #name(text: string): string {
    if (text === '') throw new ZoneError('a name is missing')
    const lower = text.toLowerCase()
    if (lower === '@') return this.#origin
    if (lower.endsWith('.')) return lower.slice(0, -1)
    return this.#origin === '' ? lower : `${lower}.${this.#origin}`
  }
}

/** Words and quoted strings, up to a comment. */
function wordsOf(line: string): string[] {
  const words: string[] = []
  for (const [word] of line.matchAll(/"[^"]*"|;.*|[^\s;"]+/g)) {
    if (word.startsWith(';')) break
    words.push(word.startsWith('"') ? word.slice(1, -1) : word)
  }
  return words
}

const types: readonly string[] = ['A', 'AAAA', 'MX', 'TXT', 'CNAME', 'TLSA', 'PTR'] satisfies DnsType[]

function dnsType(text: string): DnsType {
  const type = text.toUpperCase()
  if (!types.includes(type)) throw new ZoneError(`no such type: ${text}`)
  // Checked against the list above.
  return type as DnsType
}

function isFailure(text: string): text is DnsFailure {
  return failures.includes(text)
}

function number(text: string, most: number): number {
  const value = Number(text)
  if (!/^\d+$/.test(text) || value > most) throw new ZoneError(`not a number up to ${most}: ${text}`)
  return value
}

function address(text: string, length: 4 | 16): string {
  const octets = tryIpOctets(text)
  if (octets?.length !== length) throw new ZoneError(`not an address: ${text}`)
  return formatIp(octets)
}

function hexadecimal(text: string): Uint8Array {
  if (!/^(?:[0-9a-f]{2})+$/i.test(text)) throw new ZoneError(`not hexadecimal: ${text}`)
  return Buffer.from(text, 'hex')
}
