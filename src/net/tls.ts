// TLS as a connection needs it: which certificate and key a server's handshake uses, and what a handshake established.
//
// An identity is asked at each handshake, so that renewed certificates are taken up without a restart. TLS 1.2 is the
// oldest version spoken (RFC 8996 §5, RFC 9325 §3.1.1); session tickets and ciphers are Node's.
import { createHash, type X509Certificate } from 'node:crypto'
import type { SecureContext, TLSSocket } from 'node:tls'
import type { TlsState } from '../base/core.ts'
import { clientCertificateProblem, peerCertificateOf } from './peer-certificate.ts'

/** RFC 8996 §4 and §5, for mail RFC 8997 §3: TLS 1.0 and 1.1 are not spoken, on either side. */
export const minimumTlsVersion = 'TLSv1.2'

/** Who the server says it is. */
export interface TlsIdentity {
  /** The context for the name that the client asks for (SNI), or the default one. */
  secureContext(serverName: string | null): Promise<SecureContext>
  /** Whether clients are asked for a certificate. None is demanded, and one that is not believed changes nothing. */
  readonly clientCertificates?: 'asked' | 'ignored'
}

/** Which end of the handshake we were, and as a server whether we asked for a certificate. */
export type TlsSide = 'client' | 'server' | 'asking-server'

/** What the handshake of a socket established. */
export function tlsStateOf(socket: TLSSocket, side: TlsSide): TlsState {
  const version = socket.getProtocol() ?? 'unknown'
  // @types/node knows `servername` on sockets of tls.Server alone.
  const { servername } = socket as TLSSocket & { readonly servername?: string | false | null }
  return {
    version,
    cipher: socket.getCipher().standardName,
    serverName: typeof servername === 'string' && servername !== '' ? servername : null,
    // RFC 9266 §4.2: below TLS 1.3 the exporter binds only with the extended master secret, which Node doesn't show.
    exporter: version === 'TLSv1.3' ? exportChannelBinding(socket) : null,
    serverEndPoint: hashServerEndPoint(
      side === 'client' ? socket.getPeerX509Certificate() : socket.getX509Certificate(),
    ),
    peerCertificate: side === 'server' ? null : peerCertificateOf(socket, problemOf(socket, side)),
  }
}

function problemOf(socket: TLSSocket, side: TlsSide): string | null {
  if (side !== 'client') return clientCertificateProblem(socket)
  if (socket.authorized) return null
  // @types/node says Error; it is the code of one.
  return String(socket.authorizationError)
}

/** RFC 9266 §2: 32 octets, label EXPORTER-Channel-Binding, empty context. */
function exportChannelBinding(socket: TLSSocket): Uint8Array {
  return socket.exportKeyingMaterial(32, 'EXPORTER-Channel-Binding', Buffer.alloc(0))
}

/**
 * RFC 5929 §4.1: the certificate hashed with the hash of its own signature, MD5 and SHA-1 replaced by SHA-256; null
 * where the signature has no single hash (Ed25519, RSASSA-PSS).
 */
export function hashServerEndPoint(certificate: X509Certificate | undefined): Uint8Array | null {
  const algorithm = certificate?.signatureAlgorithm
  if (certificate === undefined || algorithm === undefined) return null
  const match = /(?:^|[^a-z])(?:md5|sha-?(1|224|256|384|512))(?![0-9])/i.exec(algorithm)
  if (match === null) return null
  const size = match[1] === undefined || match[1] === '1' ? '256' : match[1]
  return createHash(`sha${size}`).update(certificate.raw).digest()
}
