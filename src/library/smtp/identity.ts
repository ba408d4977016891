// Who a server says it is in TLS: what the program gave, by name where it has several, and replaced while it runs.
import { createSecureContext, type SecureContext } from 'node:tls'
import { minimumTlsVersion, type TlsIdentity } from '../../net/tls.ts'

/** PEM. */
export interface SmtpServerCertificate {
  readonly key: string | Uint8Array
  /** Its own first, then its chain. */
  readonly cert: string | Uint8Array
  /** Of the key. */
  readonly passphrase?: string
}

export interface SmtpServerCertificates extends Partial<SmtpServerCertificate> {
  /** PEM of authorities whose client certificates are believed, with `requestCert`. Default: the system's. */
  readonly ca?: string | Uint8Array | readonly (string | Uint8Array)[]
  /** Gives the context of a name that a client asks for, or none: then `sniOptions` and `key` hold. As that of `node:tls`. */
  SNICallback?(serverName: string, callback: (error: Error | null, context?: SecureContext) => void): void
  /** By the name that a client asks for (RFC 6066 §3); others get `key` and `cert`. */
  readonly sniOptions?: Readonly<Record<string, SmtpServerCertificate>>
}

/** Its contexts are made at once: a key that cannot be read is an error of the program, not of each handshake. */
export class ProgramIdentity implements TlsIdentity {
  readonly clientCertificates: 'asked' | 'ignored'
  #usual: SecureContext | null = null
  #authorities: SmtpServerCertificates['ca']
  #callback: SmtpServerCertificates['SNICallback']
  #named = new Map<string, SecureContext>()
  /** For who has not given any. */
  readonly #other: TlsIdentity

  constructor(certificates: SmtpServerCertificates & { readonly requestCert?: boolean }, other: TlsIdentity) {
    this.clientCertificates = certificates.requestCert === true ? 'asked' : 'ignored'
    this.#other = other
    this.update(certificates)
  }

  /** Handshakes from now on use what is given; what is not stays. Throws, and changes nothing, where a key cannot be used. */
  update({
    key,
    cert,
    passphrase,
    sniOptions,
    ca = this.#authorities,
    SNICallback,
  }: SmtpServerCertificates): void {
    const phrase = passphrase === undefined ? {} : { passphrase }
    const usual =
      key === undefined || cert === undefined ? this.#usual : contextOf({ key, cert, ...phrase }, ca)
    const named =
      sniOptions === undefined
        ? this.#named
        : new Map(
            Object.entries(sniOptions).map(
              ([name, one]) => [name.toLowerCase(), contextOf(one, ca)] as const,
            ),
          )
    this.#usual = usual
    this.#named = named
    this.#authorities = ca
    this.#callback = SNICallback ?? this.#callback
  }

  /** What the program's own callback gives, which may be nothing. */
  #asked(serverName: string): Promise<SecureContext | undefined> {
    const callback = this.#callback
    if (callback === undefined) return Promise.resolve(undefined)
    return new Promise((resolve, reject) => {
      callback(serverName, (error, context) => {
        if (error === null || error === undefined) resolve(context)
        else reject(error)
      })
    })
  }

  async secureContext(serverName: string | null): Promise<SecureContext> {
    const named =
      serverName === null
        ? undefined
        : ((await this.#asked(serverName)) ?? this.#named.get(serverName.toLowerCase()))
    return named ?? this.#usual ?? this.#other.secureContext(serverName)
  }
}

function contextOf(
  { key, cert, passphrase }: SmtpServerCertificate,
  ca: SmtpServerCertificates['ca'],
): SecureContext {
  const authorities = ca === undefined ? [] : typeof ca === 'string' || ca instanceof Uint8Array ? [ca] : ca
  return createSecureContext({
    ...(authorities.length > 0 && { ca: authorities.map(text) }),
    ...{ key: text(key), cert: text(cert), minVersion: minimumTlsVersion },
    ...(passphrase !== undefined && { passphrase }),
  })
}

function text(pem: string | Uint8Array): string {
  return typeof pem === 'string' ? pem : Buffer.from(pem).toString()
}
