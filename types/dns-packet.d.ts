// dns-packet ships no types; this names the part of its interface that the resolver and its tests use.
declare module 'dns-packet' {
  interface Question {
    name: string
    type: string
    class?: string
  }
  interface Answer {
    name: string
    type: string
    class?: string
    /** Seconds. */
    ttl?: number
    /** Its shape depends on the type; what comes from the network must be checked. */
    data?: unknown
    /** OPT (EDNS) only. */
    udpPayloadSize?: number
    flags?: number
  }
  interface Packet {
    type?: 'query' | 'response'
    id?: number
    flags?: number
    questions?: Question[]
    answers?: Answer[]
    authorities?: Answer[]
    additionals?: Answer[]
  }
  interface DecodedPacket extends Required<Packet> {
    flag_tc: boolean
    flag_ad: boolean
    /** `NOERROR`, `NXDOMAIN`, … */
    rcode: string
  }
  export const AUTHENTIC_DATA: number
  export const AUTHORITATIVE_ANSWER: number
  export const RECURSION_AVAILABLE: number
  export const RECURSION_DESIRED: number
  export const TRUNCATED_RESPONSE: number
  export function encode(packet: Packet): Buffer
  /** Throws an Error on what is no message. */
  export function decode(message: Uint8Array): DecodedPacket
}
