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
  /** By the name that a client asks for (RFC 6066 §3); others get `key` and `cert`. */
  readonly sniOptions?: Readonly<Record<string, SmtpServerCertificate>>
}

/** Its contexts are made at once: a key that cannot be read is an error of the program, not of each handshake. */
export class ProgramIdentity implements TlsIdentity {
  #usual: SecureContext | null = null
  #named = new Map<string, SecureContext>()
  /** For who has not given any. */
  readonly #other: TlsIdentity

  constructor(certificates: SmtpServerCertificates, other: TlsIdentity) {
    this.#other = other
    this.update(certificates)
  }

  /** Handshakes from now on use what is given; what is not stays. Throws, and changes nothing, where a key cannot be used. */
  update({ key, cert, passphrase, sniOptions }: SmtpServerCertificates): void {
    const phrase = passphrase === undefined ? {} : { passphrase }
    const usual = key === undefined || cert === undefined ? this.#usual : contextOf({ key, cert, ...phrase })
    const named =
      sniOptions === undefined
        ? this.#named
        : new Map(
            Object.entries(sniOptions).map(([name, one]) => [name.toLowerCase(), contextOf(one)] as const),
          )
    this.#usual = usual
    this.#named = named
  }

  async secureContext(serverName: string | null): Promise<SecureContext> {
    const named = serverName === null ? undefined : this.#named.get(serverName.toLowerCase())
    return named ?? this.#usual ?? this.#other.secureContext(serverName)
  }
}

function contextOf({ key, cert, passphrase }: SmtpServerCertificate): SecureContext {
  return createSecureContext({
    ...{ key: text(key), cert: text(cert), minVersion: minimumTlsVersion },
    ...(passphrase !== undefined && { passphrase }),
  })
}

function text(pem: string | Uint8Array): string {
  return typeof pem === 'string' ? pem : Buffer.from(pem).toString()
}
