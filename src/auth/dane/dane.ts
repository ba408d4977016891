// DANE for SMTP: what TLSA records demand of a host, and whether a certificate chain meets it (RFC 7672, RFC 6698, RFC 7671).
//
// Pure: the records and what is known of their DNSSEC status come as arguments, the time too. Records count only where the
// resolver vouched for them (`authentic`), and a record that cannot be used here still means that TLS is expected:
// RFC 7672 §2.2 makes "some secure record" forbid clear text. PKIX-TA(0) and PKIX-EE(1) are unusable for SMTP.
import { createHash, X509Certificate } from 'node:crypto'
import type { PeerCertificate } from '../../base/core.ts'
import type { DnsAnswer, TlsaRecord } from '../../base/resolver.ts'
import { certificateNames } from '../certificate-name.ts'

/** What the TLSA records of a host ask for. */
export type DaneDemand =
  /** No secure records: DANE does not apply. */
  | { readonly type: 'none' }
  /** The records could not be had: the host counts as unreachable (RFC 7672 §2.1.2), lest an attacker hide them. */
  | { readonly type: 'unknown'; readonly reason: string }
  /** Secure records, none of them usable: TLS with any certificate, never clear text. */
  | { readonly type: 'encrypt' }
  /** One of these must match. */
  | { readonly type: 'authenticate'; readonly records: readonly TlsaRecord[] }

/** Certificate usages of RFC 7218 §2.1 that SMTP knows (RFC 7672 §3.1). */
const daneTa = 2
const daneEe = 3

/** Reads an answer to a TLSA query. */
export function readTlsa(answer: DnsAnswer<TlsaRecord>): DaneDemand {
  if (!answer.ok) {
    // RFC 7672 §2.1.2: an authenticated or insecure denial is a fact; any other failure is no reason to go on without.
    return answer.failure === 'nxdomain' || answer.failure === 'nodata'
      ? { type: 'none' }
      : { type: 'unknown', reason: answer.failure }
  }
  // RFC 7672 §2.2: "An 'insecure' TLSA RRset … is handled as no records".
  if (!answer.authentic || answer.records.length === 0) return { type: 'none' }
  const usable = strongestDigests(answer.records.filter(isUsable))
  return usable.length === 0 ? { type: 'encrypt' } : { type: 'authenticate', records: usable }
}

/** RFC 6698 §2.1 and RFC 7672 §3.1.3: usages 2 and 3, known selectors and matching types, data of the right length. */
function isUsable({ usage, selector, matchingType, data }: TlsaRecord): boolean {
  if (usage !== daneTa && usage !== daneEe) return false
  if (selector !== 0 && selector !== 1) return false
  if (matchingType === 0) return data.length > 0
  return data.length === digestOctets[matchingType]
}

/** RFC 6698 §2.1.3. */
const digestOctets: Readonly<Record<number, number>> = { 1: 32, 2: 64 }
const digestNames: Readonly<Record<number, string>> = { 1: 'sha256', 2: 'sha512' }

/** RFC 7671 §9: of the digests for one usage and selector only the strongest counts; whole data always does. */
function strongestDigests(records: readonly TlsaRecord[]): readonly TlsaRecord[] {
  const strongest = new Map<string, number>()
  const key = (record: TlsaRecord) => `${record.usage} ${record.selector}`
  for (const record of records) {
    strongest.set(key(record), Math.max(strongest.get(key(record)) ?? 0, record.matchingType))
  }
  return records.filter(
    (record) => record.matchingType === 0 || record.matchingType === strongest.get(key(record)),
  )
}

/** Why a chain did not pass, for the record of the attempt. */
export type DaneFailure =
  /** No record matches any certificate that was shown. */
  | 'no-match'
  /** A trust anchor matches, but the certificate is for another name. */
  | 'name-mismatch'
  /** A trust anchor matches, but a certificate below it is not valid today. */
  | 'expired'
  /** A trust anchor matches, but one on the way to it may not issue certificates. */
  | 'not-an-authority'
  | 'no-certificate'

export type DaneResult =
  | { readonly ok: true; readonly usage: 'dane-ee' | 'dane-ta' }
  | { readonly ok: false; readonly failure: DaneFailure }

/** Holds a chain against the usable records. `now` in milliseconds since the epoch. */
export function verifyDane(request: {
  readonly records: readonly TlsaRecord[]
  readonly certificate: PeerCertificate | null
  /** RFC 7672 §3.2.2: the TLSA base domain, and the next-hop domain where its MX records were secure. */
  readonly referenceNames: readonly string[]
  readonly now: number
}): DaneResult {
  const { records, certificate, referenceNames, now } = request
  const leaf = certificate?.chain[0]
  if (certificate === null || leaf === undefined) return { ok: false, failure: 'no-certificate' }
  // RFC 7672 §3.1.1: DANE-EE(3) binds the key to the name by itself; neither name nor dates of the certificate matter.
  if (records.some((record) => record.usage === daneEe && matches(record, leaf)))
    return { ok: true, usage: 'dane-ee' }
  const anchors = records.filter((record) => record.usage === daneTa)
  const depth = certificate.chain.findIndex((one) => anchors.some((record) => matches(record, one)))
  if (depth < 0) return { ok: false, failure: 'no-match' }
  const problem = pathProblem(certificate, depth, now)
  if (problem !== null) return { ok: false, failure: problem }
  // RFC 7672 §3.2.3: with DANE-TA(2) the certificate must be one for a reference identifier.
  return referenceNames.some((name) => certificateNames(certificate.dnsNames, name))
    ? { ok: true, usage: 'dane-ta' }
    : { ok: false, failure: 'name-mismatch' }
}

/** RFC 6698 §2.1.2 and §2.1.3: the certificate or its key, whole or as a digest. */
function matches(
  record: TlsaRecord,
  certificate: { readonly raw: Uint8Array; readonly publicKey: Uint8Array },
): boolean {
  const selected = record.selector === 0 ? certificate.raw : certificate.publicKey
  const digest = digestNames[record.matchingType]
  const wanted = digest === undefined ? selected : createHash(digest).update(selected).digest()
  return wanted.length === record.data.length && wanted.every((octet, at) => octet === record.data[at])
}

/**
 * RFC 7671 §5.2: the path from the end entity up to the anchor must be valid (its signatures are checked already by whoever
 * made the chain); the anchor's own dates do not matter (RFC 5280 §6.1.1 (d)).
 */
function pathProblem(certificate: PeerCertificate, depth: number, now: number): DaneFailure | null {
  for (const [at, facts] of certificate.chain.slice(0, depth + 1).entries()) {
    const { current, authority } = inspect(facts.raw, { certificate, now })
    if (at > 0 && !authority) return 'not-an-authority'
    if ((at < depth || depth === 0) && !current) return 'expired'
  }
  return null
}

/** Problems that the TLS library names when dates are wrong. */
const dateProblems: readonly (string | null)[] = ['CERT_HAS_EXPIRED', 'CERT_NOT_YET_VALID']

function inspect(
  raw: Uint8Array,
  { certificate, now }: { readonly certificate: PeerCertificate; readonly now: number },
): { current: boolean; authority: boolean } {
  try {
    const parsed = new X509Certificate(raw)
    const current = parsed.validFromDate.getTime() <= now && now < parsed.validToDate.getTime()
    return { current, authority: parsed.ca }
  } catch {
    // No DER: no handshake of a real library shows such a certificate, only a simulated one, and that one's word is all there is.
    return { current: !dateProblems.includes(certificate.problem), authority: true }
  }
}

/** RFC 7672 §2.2.3: where the records of a host's port are. */
export function tlsaName(baseDomain: string, port: number): string {
  return `_${port}._tcp.${baseDomain}`
}

/**
 * RFC 7672 §2.2.2: the names under which TLSA records are looked for, best first; empty where DANE cannot apply because the
 * addresses are not vouched for. `expanded` is what CNAMEs led to (the host itself where there are none).
 */
export function tlsaBaseDomains(host: {
  readonly name: string
  readonly expanded: string
  /** The whole way to the addresses is authentic. */
  readonly addressesAuthentic: boolean
  /** The first CNAME record is authentic; as `addressesAuthentic` where there is none. */
  readonly aliasAuthentic: boolean
}): string[] {
  const { name, expanded, addressesAuthentic, aliasAuthentic } = host
  if (addressesAuthentic) return expanded === name ? [name] : [expanded, name]
  return expanded !== name && aliasAuthentic ? [name] : []
}
