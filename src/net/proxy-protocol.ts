// The PROXY protocol, versions 1 and 2 (haproxy's proxy-protocol.txt §2): what a proxy says before it passes a client's bytes on.
//
// Pure and incremental: bytes in, at most one header out, and what came behind it. Version 1 is a line of at most 107
// octets; version 2 has a length of its own, bounded here. TLVs are skipped. What is refused: anything that is neither, addresses
// that are none, datagrams, and headers longer than the limit: whoever may send one must send a right one.
import { Buffer } from 'node:buffer'
import { formatIp, tryIpOctets, unmapIp } from '../base/ip-address.ts'
import type { Peer } from '../base/core.ts'

/** What a proxy told. */
export type ProxyHeader =
  /** It speaks for this client; `local…` is where the client connected to. */
  | { readonly type: 'forwarded'; readonly peer: Peer }
  /** It speaks for itself (LOCAL, a health check), or for somebody whose address it does not know (UNKNOWN, UNSPEC, UNIX). */
  | { readonly type: 'unnamed' }

export type ProxyStep =
  | { readonly type: 'more' }
  | { readonly type: 'done'; readonly header: ProxyHeader; readonly rest: Uint8Array }
  | { readonly type: 'invalid' }

const invalid = { type: 'invalid' } as const
const more = { type: 'more' } as const
const unnamed: ProxyHeader = { type: 'unnamed' }

/** §2.2: the twelve octets that begin version 2. */
const signature = Buffer.from('0d0a0d0a000d0a515549540a', 'hex')
const fixedLength = signature.length + 4
const lineBegin = Buffer.from('PROXY ')
/** §2.1: with its CRLF. */
const longestLine = 107

export class ProxyHeaderReader {
  readonly #longest: number
  #received: Buffer = Buffer.alloc(0)
  #over = false

  /** `longestHeader`: octets of a version 2 header, TLVs included. */
  constructor(longestHeader: number) {
    this.#longest = longestHeader
  }

  /** Takes the next bytes. After `done` and `invalid` there is no further step. */
  receive(bytes: Uint8Array): ProxyStep {
    if (this.#over) throw new Error('the header is over')
    // Never more is kept than one read beside a header within its limits.
    this.#received = Buffer.concat([this.#received, bytes])
    const step = this.#read()
    this.#over = step.type !== 'more'
    return step
  }

  #read(): ProxyStep {
    if (beginsLike(this.#received, signature)) return this.#readBinary()
    return beginsLike(this.#received, lineBegin) ? this.#readLine() : invalid
  }

  #readLine(): ProxyStep {
    const end = this.#received.subarray(0, longestLine).indexOf('\r\n')
    if (end < 0) return this.#received.length < longestLine ? more : invalid
    const header = tryLine(this.#received.toString('latin1', 0, end))
    return header === undefined ? invalid : this.#done(header, end + 2)
  }

  #readBinary(): ProxyStep {
    const received = this.#received
    if (received.length < fixedLength) return more
    const length = fixedLength + received.readUInt16BE(fixedLength - 2)
    if (length > this.#longest) return invalid
    if (received.length < length) return more
    const header = tryBinary(received.subarray(0, length))
    return header === undefined ? invalid : this.#done(header, length)
  }

  #done(header: ProxyHeader, length: number): ProxyStep {
    return { type: 'done', header, rest: this.#received.subarray(length) }
  }
}

/** Whether so much of the one as is there agrees with the other. */
function beginsLike(bytes: Buffer, begin: Buffer): boolean {
  const length = Math.min(bytes.length, begin.length)
  return bytes.subarray(0, length).equals(begin.subarray(0, length))
}

/** §2.1: `PROXY TCP4 source destination source-port destination-port`, one space between; UNKNOWN with anything behind it. */
function tryLine(line: string): ProxyHeader | undefined {
  if (/^PROXY UNKNOWN(?: .*)?$/.test(line)) return unnamed
  const match = /^PROXY TCP([46]) ([\da-f.:]+) ([\da-f.:]+) (\d{1,5}) (\d{1,5})$/i.exec(line)
  if (match === null) return undefined
  const [, family, source = '', destination = '', sourcePort = '', destinationPort = ''] = match
  const length = family === '4' ? 4 : 16
  const remoteAddress = tryText(source, length)
  const localAddress = tryText(destination, length)
  const remotePort = tryPort(sourcePort)
  const localPort = tryPort(destinationPort)
  if (remoteAddress === undefined || localAddress === undefined) return undefined
  if (remotePort === undefined || localPort === undefined) return undefined
  return { type: 'forwarded', peer: { remoteAddress, remotePort, localAddress, localPort } }
}

function tryText(text: string, length: 4 | 16): string | undefined {
  const octets = tryIpOctets(text)
  return octets?.length === length ? unmapIp(formatIp(octets)) : undefined
}

function tryPort(text: string): number | undefined {
  const port = Number(text)
  // §2.1: no leading zeros.
  return port <= 65_535 && String(port) === text ? port : undefined
}

/** §2.2: version and command, family and transport, length, addresses, TLVs. */
function tryBinary(header: Buffer): ProxyHeader | undefined {
  const command = header[signature.length]
  // LOCAL: the receiver accepts it, and uses the real ends of the connection.
  if (command === 0x20) return unnamed
  if (command !== 0x21) return undefined
  switch (header[signature.length + 1]) {
    case 0x11:
      return tryAddresses(header.subarray(fixedLength), 4)
    case 0x21:
      return tryAddresses(header.subarray(fixedLength), 16)
    // AF_UNSPEC, and a client on a UNIX socket: nothing that has an IP address.
    case 0x00:
    case 0x31:
      return unnamed
    default:
      return undefined
  }
}

function tryAddresses(block: Buffer, length: 4 | 16): ProxyHeader | undefined {
  if (block.length < 2 * length + 4) return undefined
  const address = (at: number) => unmapIp(formatIp(block.subarray(at, at + length)))
  return {
    type: 'forwarded',
    peer: {
      remoteAddress: address(0),
      remotePort: block.readUInt16BE(2 * length),
      localAddress: address(length),
      localPort: block.readUInt16BE(2 * length + 2),
    },
  }
}
