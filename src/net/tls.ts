// The server's side of TLS: which certificate and key a handshake uses, and what it established.
//
// An identity is asked at each handshake, so that renewed certificates are taken up without a restart. TLS 1.2 is the
// oldest version spoken (RFC 8996 §5, RFC 9325 §3.1.1); session tickets and ciphers are Node's.
import { createHash, type X509Certificate } from 'node:crypto'
import type { SecureContext, TLSSocket } from 'node:tls'
import type { TlsState } from '../base/core.ts'

/** Who the server says it is. */
export interface TlsIdentity {
  /** The context for the name that the client asks for (SNI), or the default one. */
  secureContext(serverName: string | null): Promise<SecureContext>
}

/** What the handshake of a server's socket established. */
export function tlsStateOf(socket: TLSSocket): TlsState {
  const version = socket.getProtocol() ?? 'unknown'
  // @types/node knows `servername` on sockets of tls.Server alone.
  const { servername } = socket as TLSSocket & { readonly servername?: string | false | null }
  return {
    version,
    cipher: socket.getCipher().standardName,
    serverName: typeof servername === 'string' && servername !== '' ? servername : null,
    // RFC 9266 §4.2: below TLS 1.3 the exporter binds only with the extended master secret, which Node doesn't show.
    exporter: version === 'TLSv1.3' ? exportChannelBinding(socket) : null,
    serverEndPoint: hashServerEndPoint(socket.getX509Certificate()),
  }
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
