// What the other side of a handshake showed, as facts that policies compare: chain, names, and what Node found of it.
//
// A chain is what the peer sent, as far as each signature fits the key of the next one: DANE believes it (RFC 7671 §5.2), so an
// issuer in name alone may not join it. An authority that only we know is not part of it.
import type { X509Certificate } from 'node:crypto'
import type { TLSSocket } from 'node:tls'
import type { CertificateFacts, PeerCertificate } from '../base/core.ts'

/** More than any real chain has; a longer one is cut there. */
const longestChain = 10

/** Null where the peer showed none. `problem` as `PeerCertificate` has it. */
export function peerCertificateOf(socket: TLSSocket, problem: string | null): PeerCertificate | null {
  const leaf = socket.getPeerX509Certificate()
  if (leaf === undefined) return null
  const names = readAlternativeNames(leaf.subjectAltName ?? '')
  return { chain: verifiedChain(leaf), ...names, problem }
}

function verifiedChain(leaf: X509Certificate): CertificateFacts[] {
  const chain = [factsOf(leaf)]
  let subject = leaf
  while (chain.length < longestChain) {
    const issuer = subject.issuerCertificate
    if (issuer === undefined || issuer.fingerprint256 === subject.fingerprint256) break
    if (!subject.checkIssued(issuer) || !subject.verify(issuer.publicKey)) break
    chain.push(factsOf(issuer))
    subject = issuer
  }
  return chain
}

function factsOf(certificate: X509Certificate): CertificateFacts {
  return { raw: certificate.raw, publicKey: certificate.publicKey.export({ type: 'spki', format: 'der' }) }
}

/**
 * The dNSName and rfc822Name entries of a subjectAltName in Node's text form: `DNS:a.example, email:b@c.example`, with
 * an entry quoted as in JSON where it holds anything that could be mistaken for the next entry.
 */
export function readAlternativeNames(text: string): { dnsNames: string[]; emailAddresses: string[] } {
  const dnsNames: string[] = []
  const emailAddresses: string[] = []
  for (const [, kind = '', value = ''] of text.matchAll(/([A-Za-z ]+):("(?:[^"\\]|\\.)*"|[^,]*)(?:, |$)/g)) {
    // A quoted name holds what no host or mailbox of ours holds: nothing is lost with it.
    if (value === '' || value.startsWith('"')) continue
    if (kind === 'DNS') dnsNames.push(value.toLowerCase())
    else if (kind === 'email') emailAddresses.push(value)
  }
  return { dnsNames, emailAddresses }
}

/** Why the certificate that a client showed is not to be believed; null where it is. For sockets that asked for one. */
export function clientCertificateProblem(socket: TLSSocket): string | null {
  // Node tells a server's socket this only through `tls.Server`, which these sockets do without; its own code asks the
  // same method of the handle. Where it is missing nothing is believed.
  const { ssl } = socket as TLSSocket & {
    readonly ssl?: { verifyError?: () => (Error & { readonly code?: string }) | null | undefined }
  }
  if (ssl?.verifyError === undefined) return 'UNVERIFIED'
  const error = ssl.verifyError()
  return error == null ? null : (error.code ?? error.message)
}
