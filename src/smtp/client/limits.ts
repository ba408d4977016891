// How long a server may take and how much it may say. Every value can be set; the defaults are those of the standard.

/** Milliseconds. RFC 5321 §4.5.3.2 gives the least that each should be. */
export interface ClientTimeouts {
  /** For the 220 greeting (§4.5.3.2.1). */
  readonly greeting: number
  /** For the replies to EHLO, HELO and LHLO. */
  readonly hello: number
  /** For the reply to STARTTLS, and again for the handshake. */
  readonly startTls: number
  /** For each reply within an AUTH exchange. */
  readonly authenticate: number
  /** For the reply to MAIL (§4.5.3.2.2). */
  readonly mail: number
  /** For the reply to each RCPT (§4.5.3.2.3). */
  readonly rcpt: number
  /** For the reply to DATA (§4.5.3.2.4). */
  readonly data: number
  /** For the server to take more of the content (§4.5.3.2.5). */
  readonly content: number
  /** For the reply to the final dot or a chunk (§4.5.3.2.6): long, since giving up early makes second copies (RFC 1047). */
  readonly reply: number
  /** For the replies to RSET, NOOP, ETRN and others. */
  readonly command: number
  /** For the reply to ATRN: RFC 2645 §5.2.1 asks for 10 minutes. */
  readonly turn: number
  /** For the reply to QUIT, and again for the server to close. */
  readonly quit: number
}

export const defaultClientTimeouts: ClientTimeouts = {
  greeting: 300_000,
  hello: 300_000,
  startTls: 120_000,
  authenticate: 120_000,
  mail: 300_000,
  rcpt: 300_000,
  data: 120_000,
  content: 180_000,
  reply: 600_000,
  command: 120_000,
  turn: 600_000,
  quit: 5_000,
}

/** What bounds a server that talks too much, and how much we send before we have heard. */
export interface ClientLimits {
  /** Octets of one reply line; RFC 5321 §4.5.3.1.5 allows 512. */
  readonly maxReplyLine: number
  readonly maxReplyLines: number
  /** Messages up to this size may go in one group with MAIL, RCPT and BDAT, and are held in memory for it. */
  readonly maxEagerOctets: number
  /** Octets of one BDAT chunk of a longer message. */
  readonly chunkOctets: number
}

export const defaultClientLimits: ClientLimits = {
  maxReplyLine: 4096,
  maxReplyLines: 200,
  maxEagerOctets: 65_536,
  chunkOctets: 1_048_576,
}
