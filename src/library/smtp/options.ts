// What a server is made with. Every function may be `async` (what it throws refuses) or take a callback as its last parameter, as
// those of `smtp-server` do; one that is absent allows.
import type { SmtpServerCertificates } from './identity.ts'
import type { SmtpLogger } from './logger.ts'
import { refuseUnknown } from './known-options.ts'
import type {
  Callback,
  SmtpServerAddress,
  SmtpServerAuth,
  SmtpServerSession,
  SmtpServerStream,
} from './session.ts'

type Allowed<T = void> = void | undefined | T | Promise<void | undefined | T>

export interface AuthAnswer {
  /** Kept as `session.user`; nothing (or null) refuses with 535. */
  readonly user?: unknown
}

/** The answer to a message: the text of the reply 250, or, with `lmtp`, one for each recipient, an Error where he is refused. */
export type DataAnswer = string | readonly (string | Error)[]

/** Everybody, or who connects from one of these (`127.0.0.1`, `10.0.0.0/8`). */
export type Peers = boolean | readonly string[]

/** `dns` and `dns.promises` are ones. */
export interface SmtpServerResolver {
  reverse(address: string, callback: (error: Error | null, names: string[]) => void): unknown
}

export interface SmtpServerOptions extends SmtpServerCertificates {
  /** The name in the greeting. Default: that of this machine. */
  readonly name?: string
  /** Behind the name in the greeting. */
  readonly banner?: string
  /** TLS from the first octet (port 465). Default: STARTTLS. */
  readonly secure?: boolean
  /** Not offered. The default certificate (without `key` and `cert`) is one of its own that nobody signed. */
  readonly hideSTARTTLS?: boolean
  /** Not named in the EHLO response, and honoured all the same. */
  readonly hidePIPELINING?: boolean
  readonly hide8BITMIME?: boolean
  readonly hideSMTPUTF8?: boolean
  readonly hideENHANCEDSTATUSCODES?: boolean
  readonly hideSize?: boolean
  /** And BINARYMIME, which needs it. */
  readonly hideCHUNKING?: boolean
  /** RFC 3461 is offered: the program sends the reports that clients then count on. Default false. */
  readonly dsn?: boolean
  /** RFC 8689 is offered under TLS: the program passes such mail on over TLS alone. Default false. */
  readonly requireTLS?: boolean
  /** Those that are offered, of PLAIN, LOGIN, XOAUTH2 and OAUTHBEARER (the last two under TLS alone). Default: all. */
  readonly authMethods?: readonly string[]
  /** Clients are asked for a certificate; `ca` says whose are believed. Default false. */
  readonly requestCert?: boolean
  /** With `requestCert`: who shows none, or one that is not believed, is turned away after the handshake. Default true. */
  readonly rejectUnauthorized?: boolean
  /** AUTH (nobody has to log in then), STARTTLS, XCLIENT, XFORWARD: neither offered nor known. Others belong to the protocol. */
  readonly disabledCommands?: readonly string[]
  /** Log-in over connections in the clear. Default false: AUTH comes after STARTTLS. */
  readonly allowInsecureAuth?: boolean
  /** Default false where there is `onAuth`: mail is taken after a log-in alone. */
  readonly authOptional?: boolean
  /** RFC 2033: LHLO, and an answer for each recipient. */
  readonly lmtp?: boolean
  /** Whose PROXY protocol header (1 or 2) tells who the client is: everybody's, or that of addresses and networks. Default nobody's. */
  readonly useProxy?: Peers
  /** Who may say XCLIENT, which begins the session anew as another client's, `onConnect` included. Default nobody. */
  readonly useXClient?: Peers
  /** Who may say XFORWARD: `session.xForward`. Default nobody. */
  readonly useXForward?: Peers
  /**
   * Looks up the name of the client's address for `session.clientHostname`, within 1.5 seconds: `dns`, or what has its `reverse`.
   * Default: none is looked up. Such a name proves nothing: whoever has the address chose it.
   */
  readonly resolver?: SmtpServerResolver
  /** Gets events of each session with their facts, never a secret or content; `true`: lines on standard error. Default: none. */
  readonly logger?: SmtpLogger | boolean
  /** Octets of a message (RFC 1870). Default 50 MB; 0 is no limit. */
  readonly size?: number
  /** Open connections. Default 1,000. */
  readonly maxClients?: number
  /** Milliseconds of silence. Default five minutes. */
  readonly socketTimeout?: number
  /** Milliseconds that `close` waits for sessions to end. Default 30 s. */
  readonly closeTimeout?: number

  onConnect?(session: SmtpServerSession, callback: Callback): Allowed
  /** After a handshake, by STARTTLS or at once. */
  onSecure?(session: SmtpServerSession, callback: Callback): Allowed
  /** With it AUTH is offered: PLAIN, LOGIN, XOAUTH2 and OAUTHBEARER. */
  onAuth?(
    auth: SmtpServerAuth,
    session: SmtpServerSession,
    callback: Callback<AuthAnswer>,
  ): Allowed<AuthAnswer>
  onMailFrom?(address: SmtpServerAddress, session: SmtpServerSession, callback: Callback): Allowed
  onRcptTo?(address: SmtpServerAddress, session: SmtpServerSession, callback: Callback): Allowed
  /**
   * Called when the message begins; its answer is waited for at its end, and 250 is a promise to keep the message. What is not read of the
   * stream is thrown away. The stream fails where the client goes away or the message is too large.
   */
  onData?(
    stream: SmtpServerStream,
    session: SmtpServerSession,
    callback: Callback<DataAnswer>,
  ): Allowed<DataAnswer>
  onClose?(session: SmtpServerSession): void
}

/** All of `SmtpServerOptions`, as the types check. */
const known: Readonly<Record<keyof SmtpServerOptions, true>> = {
  ...{ name: true, banner: true, secure: true, hideSTARTTLS: true, hidePIPELINING: true, hide8BITMIME: true },
  ...{ hideSMTPUTF8: true, hideENHANCEDSTATUSCODES: true, hideSize: true, hideCHUNKING: true, dsn: true },
  ...{
    requireTLS: true,
    authMethods: true,
    requestCert: true,
    rejectUnauthorized: true,
    disabledCommands: true,
  },
  ...{ allowInsecureAuth: true, authOptional: true, lmtp: true, useProxy: true, useXClient: true },
  ...{ useXForward: true, resolver: true, logger: true, size: true, maxClients: true, socketTimeout: true },
  ...{ closeTimeout: true, onConnect: true, onSecure: true, onAuth: true, onMailFrom: true, onRcptTo: true },
  ...{
    onData: true,
    onClose: true,
    key: true,
    cert: true,
    ca: true,
    passphrase: true,
    sniOptions: true,
    SNICallback: true,
  },
}

const absent: Readonly<Record<string, string>> = {
  needsUpgrade: 'listen behind a proxy that ends TLS with `useProxy`, or let `secure` do the handshake',
  disableReverseLookup: 'no name is looked up unless `resolver` is given',
  hideDSN: 'DSN is offered with `dsn: true` alone',
  hideREQUIRETLS: 'REQUIRETLS is offered with `requireTLS: true` alone',
  minVersion: 'TLS 1.2 is the oldest that is spoken (RFC 8997), and the ciphers are those of Node',
  maxVersion: 'TLS 1.2 is the oldest that is spoken (RFC 8997), and the ciphers are those of Node',
  ciphers: 'the ciphers are those of Node; a context of your own comes by `SNICallback`',
}

const disabling: readonly string[] = ['AUTH', 'STARTTLS', 'XCLIENT', 'XFORWARD']

/** Throws a TypeError for an option, or a command in `disabledCommands`, that there is not. */
export function checkServerOptions(options: SmtpServerOptions): void {
  refuseUnknown('SmtpServer', options, { known: Object.keys(known), absent })
  const strange = options.disabledCommands?.find((name) => !disabling.includes(name.toUpperCase()))
  if (strange !== undefined) {
    throw new TypeError(`disabledCommands: ${strange} cannot be disabled, only ${disabling.join(', ')}`)
  }
}

/** Whether one of `disabling` is. */
export function isDisabled({ disabledCommands = [] }: SmtpServerOptions, name: string): boolean {
  return disabledCommands.some((one) => one.toUpperCase() === name)
}

/** Calls one of them, whichever way it answers; undefined where it is absent. Never throws at once. */
export async function ask<T = void>(
  owner: object,
  // Of whatever parameters; the interface above says what each is called with and gives.
  work: ((...parameters: never[]) => unknown) | undefined,
  parameters: readonly unknown[],
): Promise<T | undefined> {
  if (work === undefined) return undefined
  // As many as declared, or more, are a callback too.
  const byCallback = work.length > parameters.length
  return new Promise<T | undefined>((resolve, reject) => {
    const callback = (error?: Error | null, answer?: T): void => {
      if (error === undefined || error === null) resolve(answer)
      else reject(error)
    }
    try {
      const returned: unknown = Reflect.apply(work, owner, [...parameters, callback])
      // A promise of any kind and any realm is waited for; with a callback only its failure counts.
      if (!byCallback) resolve(returned as T)
      else Promise.resolve(returned).catch(reject)
    } catch (error) {
      reject(error as Error)
    }
  })
}
