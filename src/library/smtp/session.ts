// What functions of a program are told: the session and the addresses, with the names that users of `smtp-server` know.
import type { Readable } from 'node:stream'

export interface SmtpServerAddress {
  /** Without angle brackets; '' is the null reverse-path (RFC 5321 §4.5.5). */
  readonly address: string
  /** Parameters of MAIL or RCPT by keyword in capitals; true where one has no value. */
  readonly args: Readonly<Record<string, string | true>>
}

export interface SmtpServerSession {
  /** Another one for each connection. */
  readonly id: string
  readonly remoteAddress: string
  readonly remotePort: number
  readonly localAddress: string
  readonly localPort: number
  /** Whether TLS is active. */
  readonly secure: boolean
  /** Of TLS, or null. */
  readonly tlsOptions: {
    readonly version: string
    readonly cipher: string
    readonly servername: string | null
    /** With `requestCert`: what the client showed; null where it showed none. */
    readonly clientCertificate: {
      /** DER. */
      readonly raw: Uint8Array
      readonly dnsNames: readonly string[]
      readonly emailAddresses: readonly string[]
      /** Why it is not to be believed (`CERT_HAS_EXPIRED`); null where an authority of `ca` vouches for it. */
      readonly problem: string | null
    } | null
  } | null
  /** The argument of HELO, EHLO or LHLO as sent; '' before it. Anybody can say anything. */
  readonly hostNameAppearsAs: string
  /** `HELO`, `EHLO` or `LHLO`; '' before it. */
  readonly openingCommand: string
  /** As in a Received field: `ESMTPS`, `LMTP`, … (RFC 3848). */
  readonly transmissionType: string
  /** What XCLIENT said that the client is called, or what `resolver` found, else its address in brackets. */
  readonly clientHostname: string
  /** What XFORWARD said, names in capitals; null is unknown. */
  readonly xForward: ReadonlyMap<string, string | null>
  /** Counts messages that were begun, from 0 before the first. */
  readonly transaction: number
  /** What `onAuth` answered as `user`; null before a log-in. */
  readonly user: unknown
  /** Of the message that is under way. */
  readonly envelope: {
    readonly mailFrom: SmtpServerAddress | null
    /** Those that were accepted. */
    readonly rcptTo: readonly SmtpServerAddress[]
    /** RFC 6152 §3, RFC 3030 §3. */
    readonly bodyType: '7bit' | '8bitmime' | 'binarymime'
    readonly smtpUtf8: boolean
    /** RFC 8689. */
    readonly requireTLS: boolean
  }
  /** For whatever the program wants to remember; never touched here. */
  data: unknown
}

export interface SmtpServerAuth {
  readonly method: string
  /** As the client said it. With a token: whose it says that it is, or ''. */
  readonly username: string
  /** Null with a token. */
  readonly password: string | null
  /** XOAUTH2 and OAUTHBEARER. */
  readonly accessToken: string | null
}

/** The message as it comes: its octets with dots unstuffed. */
export interface SmtpServerStream extends Readable {
  /** Octets so far. */
  readonly byteLength: number
}

export type Callback<T = void> = (error?: Error | null, answer?: T) => void
