// What a server is made with. Every function may be `async` (what it throws refuses) or take a callback as its last parameter, as
// those of `smtp-server` do; one that is absent allows.
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

export interface SmtpServerOptions {
  /** The name in the greeting. Default: that of this machine. */
  readonly name?: string
  /** Behind the name in the greeting. */
  readonly banner?: string
  /** TLS from the first octet (port 465). Default: STARTTLS. */
  readonly secure?: boolean
  /** PEM. Default: a certificate of its own that nobody signed. */
  readonly key?: string | Uint8Array
  readonly cert?: string | Uint8Array
  readonly hideSTARTTLS?: boolean
  /** Log-in over connections in the clear. Default false: AUTH comes after STARTTLS. */
  readonly allowInsecureAuth?: boolean
  /** Default false where there is `onAuth`: mail is taken after a log-in alone. */
  readonly authOptional?: boolean
  /** RFC 2033: LHLO, and an answer for each recipient. */
  readonly lmtp?: boolean
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

/** Calls one of them, whichever way it answers; undefined where it is absent. Never throws at once. */
export async function ask<T = void>(
  owner: SmtpServerOptions,
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
