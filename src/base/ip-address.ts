// IP addresses in text form, as octets and by prefix. Strict: no leading zeros or short forms in IPv4, at most one `::`
// in IPv6 (RFC 4291 §2.2, written as RFC 5952 §4 recommends), no zone identifiers, no brackets.

/** 4 or 16 octets, or undefined where the text is no address. */
export function tryIpOctets(text: string): Uint8Array | undefined {
  return text.includes(':') ? tryIpv6(text) : tryIpv4(text)
}

const ipv4Pattern = /^(\d{1,3})\.(\d{1,3})\.(\d{1,3})\.(\d{1,3})$/

function tryIpv4(text: string): Uint8Array | undefined {
  const match = ipv4Pattern.exec(text)
  if (match === null) return undefined
  const octets = new Uint8Array(4)
  for (let at = 0; at < 4; at++) {
    const part = match[at + 1] ?? ''
    const value = Number(part)
    if (value > 255 || String(value) !== part) return undefined
    octets[at] = value
  }
  return octets
}

const longestIpv6 = 45

function tryIpv6(text: string): Uint8Array | undefined {
  if (text.length > longestIpv6) return undefined
  const halves = text.split('::')
  const [before = '', after] = halves
  if (halves.length > 2) return undefined
  const head = tryGroups(before, after === undefined)
  const tail = after === undefined ? [] : tryGroups(after, true)
  if (head === undefined || tail === undefined) return undefined
  const length = head.length + tail.length
  // `::` stands for at least one group of zeros.
  if (after === undefined ? length !== 16 : length > 14) return undefined
  const octets = new Uint8Array(16)
  octets.set(head, 0)
  octets.set(tail, 16 - tail.length)
  return octets
}

/** The octets of groups between colons; the last one may be an IPv4 address where `last` says so. */
function tryGroups(text: string, last: boolean): number[] | undefined {
  const octets: number[] = []
  if (text === '') return octets
  const groups = text.split(':')
  for (const [at, group] of groups.entries()) {
    if (/^[0-9a-f]{1,4}$/i.test(group)) {
      const value = Number.parseInt(group, 16)
      octets.push(value >> 8, value & 0xff)
      continue
    }
    const embedded = last && at === groups.length - 1 ? tryIpv4(group) : undefined
    if (embedded === undefined) return undefined
    octets.push(...embedded)
  }
  return octets
}

/** The canonical text of 4 or 16 octets (RFC 5952 §4). Throws a RangeError for another length. */
export function formatIp(octets: Uint8Array): string {
  if (octets.length === 4) return octets.join('.')
  if (octets.length !== 16) throw new RangeError(`an address has 4 or 16 octets, not ${octets.length}`)
  const groups: number[] = []
  for (let at = 0; at < 16; at += 2) groups.push(((octets[at] ?? 0) << 8) | (octets[at + 1] ?? 0))
  const [start, length] = longestZeros(groups)
  const hex = (part: number[]) => part.map((group) => group.toString(16)).join(':')
  if (length < 2) return hex(groups)
  return `${hex(groups.slice(0, start))}::${hex(groups.slice(start + length))}`
}

/** The first longest run of zero groups, as start and length. */
function longestZeros(groups: number[]): [start: number, length: number] {
  let best: [number, number] = [0, 0]
  let run = 0
  for (const [at, group] of groups.entries()) {
    run = group === 0 ? run + 1 : 0
    if (run > best[1]) best = [at - run + 1, run]
  }
  return best
}

/** An IPv4 address that came mapped into IPv6 (RFC 4291 §2.5.5.2), as IPv4; any other text unchanged. */
export function unmapIp(text: string): string {
  if (!text.startsWith('::') || !text.includes(':')) return text
  const octets = tryIpOctets(text)
  if (octets?.length !== 16 || octets[10] !== 0xff || octets[11] !== 0xff) return text
  return octets.subarray(0, 10).every((octet) => octet === 0) ? formatIp(octets.subarray(12)) : text
}

/** The prefix of so many bits as text, `192.0.2.0/24`; the text itself where it is no address. */
export function ipPrefix(text: string, bits: { readonly ipv4: number; readonly ipv6: number }): string {
  const octets = tryIpOctets(text)
  if (octets === undefined) return text
  const length = octets.length === 4 ? bits.ipv4 : bits.ipv6
  for (let at = 0; at < octets.length; at++) {
    const kept = Math.max(0, Math.min(8, length - at * 8))
    octets[at] = (octets[at] ?? 0) & (0xff00 >> kept)
  }
  return `${formatIp(octets)}/${length}`
}

/** The name under which an address is looked up in reverse (RFC 1035 §3.5, RFC 3596 §2.5); undefined where it is none. */
export function tryReverseName(text: string): string | undefined {
  const octets = tryIpOctets(unmapIp(text))
  if (octets === undefined) return undefined
  if (octets.length === 4) return `${octets.toReversed().join('.')}.in-addr.arpa`
  const nibbles = Array.from(
    octets.toReversed(),
    (octet) => `${(octet & 15).toString(16)}.${(octet >> 4).toString(16)}`,
  )
  return `${nibbles.join('.')}.ip6.arpa`
}
