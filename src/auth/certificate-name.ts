// Whether a certificate is one for a host: the DNS-ID comparison that MTA-STS, DANE-TA(2) and smart hosts share.
//
// Only dNSName entries of subjectAltName count (`PeerCertificate.dnsNames`); the subject's common name never does. A wildcard
// stands alone in the left-most label and for exactly one label; `f*.example.org` and a bare `*` match nothing.

/** RFC 6125 §6.4: true where one of the certificate's names is `host`. Both sides without a final dot; case does not matter. */
export function certificateNames(dnsNames: readonly string[], host: string): boolean {
  const wanted = host.toLowerCase()
  return wanted !== '' && dnsNames.some((name) => nameMatches(name.toLowerCase(), wanted))
}

/** A name, or a pattern with `*.` in front (RFC 6125 §6.4.3, RFC 8461 §4.1), against a host; both lower case. */
export function nameMatches(pattern: string, host: string): boolean {
  if (!pattern.startsWith('*.')) return pattern === host && !pattern.includes('*')
  const suffix = pattern.slice(1)
  if (suffix.includes('*') || !suffix.slice(1).includes('.') || !host.endsWith(suffix)) return false
  const label = host.slice(0, -suffix.length)
  return label !== '' && !label.includes('.')
}
