// What is asked of one host's TLS, and why: DANE before MTA-STS before what opportunism can get (RFC 8461 §2, RFC 7672 §1.3).
//
// A policy is a value made before the connection, so that the same value says whether clear text may be used, judges the
// certificate, and stands in the record of the attempt. REQUIRETLS (RFC 8689 §4.2.1) raises it, `TLS-Required: No` (§4.2.2) lowers
// it to a wish: what a domain publishes is still tried, and failure is no obstacle.
import { verifyDane, type DaneDemand } from '../auth/dane/dane.ts'
import { certificateProblem, policyNamesHost, type StsPolicy } from '../auth/mta-sts/policy.ts'
import type { PeerCertificate, TlsState } from '../base/core.ts'
import type { TlsWish } from './routes.ts'

/** What a certificate proved, for the record; or what is wrong with it. */
export type Judgement =
  | { readonly ok: true; readonly verification: string }
  | { readonly ok: false; readonly problem: string }

export interface HostPolicy {
  /** As `Attempt.policy` has it. */
  readonly name: string
  /** `never`: no TLS at all. `wished`: clear text where it fails. `demanded`: TLS or nothing. `implicit`: from the first octet. */
  readonly tls: 'never' | 'wished' | 'demanded' | 'implicit'
  /** SNI (RFC 7672 §8.1: the TLSA base domain); null for none. */
  readonly serverName: string | null
  /** Null where any certificate will do. */
  readonly judge: ((certificate: PeerCertificate | null) => Judgement) | null
  /** The host must offer REQUIRETLS. */
  readonly requireTls: boolean
  /** Against whose name a certificate is held where only the record asks. */
  readonly reference: string
  /** A policy that is not obeyed but reported: `mta-sts testing`, or what `TLS-Required: No` sets aside. */
  readonly watched: {
    readonly name: string
    readonly judge: (certificate: PeerCertificate | null) => Judgement
  } | null
}

/** The host must not be used. */
export interface Unusable {
  readonly type: 'unusable'
  readonly policy: string
  readonly problem: string
  readonly status: string
  /** `failed` where waiting would not help (REQUIRETLS). */
  readonly outcome: 'deferred' | 'failed'
  readonly stage: 'dns' | 'tls'
}

export interface MxPolicyRequest {
  readonly host: string
  /** The next-hop domain. */
  readonly domain: string
  /** The MX records are authentic by DNSSEC. */
  readonly mxAuthentic: boolean
  readonly dane: DaneDemand
  /** The name that the TLSA records were found under. */
  readonly tlsaBase: string | null
  readonly sts: StsPolicy | null
  readonly wish: TlsWish
  /** What the route asks at least. */
  readonly least: 'opportunistic' | 'required' | 'verified'
  readonly now: () => number
}

/** The policy of one MX host. */
export function mxPolicy(request: MxPolicyRequest): HostPolicy | Unusable {
  const strict = strictPolicy(request)
  if (request.wish !== 'optional') return strict
  // RFC 8689 §4.2.2: "follow any policy published by the recipient domain, but do not fail if this is unsuccessful".
  const base = plainPolicy('tls-optional', request.host)
  if ('type' in strict) return base
  const { judge } = strict
  return {
    ...base,
    serverName: strict.serverName,
    watched: judge === null ? null : { name: strict.name, judge },
  }
}

function strictPolicy(request: MxPolicyRequest): HostPolicy | Unusable {
  const { dane, sts, host } = request
  if (dane.type === 'unknown') {
    // RFC 7672 §2.1.2: trouble with the TLSA look-up makes the host unreachable.
    const problem = `the TLSA records of ${host} cannot be had now (${dane.reason})`
    return { type: 'unusable', policy: 'dane', problem, status: '4.4.3', outcome: 'deferred', stage: 'dns' }
  }
  const enforced = sts?.mode === 'enforce'
  // RFC 8461 §2: DANE comes first; but where it hangs on MX records that nobody signed, the list of names still counts.
  const listed = sts === null || sts.mode === 'none' || policyNamesHost(sts, host)
  if (enforced && !listed && !(request.mxAuthentic && dane.type !== 'none')) return notListed(host)
  const policy = domainPolicy(request, listed)
  if (request.wish === 'required') return requiredPolicy(request, policy)
  return atLeast(policy, request)
}

/** What the domain itself publishes. */
function domainPolicy(request: MxPolicyRequest, listed: boolean): HostPolicy {
  const { dane, sts, host, domain, mxAuthentic, tlsaBase, now } = request
  if (dane.type === 'authenticate' || dane.type === 'encrypt') {
    const base = tlsaBase ?? host
    // RFC 7672 §3.2.2: the next-hop domain is a reference identifier only where the MX records are authentic.
    const referenceNames = mxAuthentic ? [base, host, domain] : [base, host]
    const records = dane.type === 'authenticate' ? dane.records : null
    return {
      ...plainPolicy('dane', host),
      tls: 'demanded',
      serverName: base,
      judge:
        records === null
          ? null
          : (certificate) => {
              const result = verifyDane({ records, certificate, referenceNames, now: now() })
              return result.ok
                ? { ok: true, verification: result.usage }
                : { ok: false, problem: result.failure }
            },
    }
  }
  if (sts === null || sts.mode === 'none') return plainPolicy('opportunistic', host)
  const judge = stsJudge(host)
  if (sts.mode === 'enforce') return { ...plainPolicy('mta-sts enforce', host), tls: 'demanded', judge }
  // RFC 8461 §5: `testing` is reported and never obeyed.
  const watched = listed
    ? { name: 'mta-sts testing', judge }
    : { name: 'mta-sts testing', judge: () => ({ ok: false as const, problem: 'host-not-listed' }) }
  return { ...plainPolicy('mta-sts testing', host), watched }
}

/** RFC 8689 §4.2.1: the name of the host must be vouched for, its certificate must be its own, and it must offer REQUIRETLS. */
function requiredPolicy(request: MxPolicyRequest, policy: HostPolicy): HostPolicy | Unusable {
  const { sts, host, mxAuthentic } = request
  const named = mxAuthentic || (sts !== null && sts.mode !== 'none' && policyNamesHost(sts, host))
  if (!named) {
    const problem = `nothing vouches for ${host} (no DNSSEC, no MTA-STS policy), and the sender requires it`
    return {
      type: 'unusable',
      policy: 'requiretls',
      problem,
      status: '5.7.10',
      outcome: 'failed',
      stage: 'tls',
    }
  }
  const judge = policy.name === 'dane' && policy.judge !== null ? policy.judge : pkixJudge(host)
  return { ...policy, name: 'requiretls', tls: 'demanded', judge, requireTls: true, watched: null }
}

function atLeast(policy: HostPolicy, { least, host }: MxPolicyRequest): HostPolicy {
  if (least === 'opportunistic' || policy.judge !== null) return policy
  const judge = least === 'verified' ? pkixJudge(host) : null
  return { ...policy, name: policy.tls === 'demanded' ? policy.name : 'route', tls: 'demanded', judge }
}

export interface FixedHostRequest {
  readonly host: string
  readonly tls: 'none' | 'opportunistic' | 'required' | 'verified' | 'implicit'
  /** The name in the certificate. */
  readonly tlsName: string
  readonly wish: TlsWish
}

/** The policy of a host that the configuration names: it decides alone, but for REQUIRETLS. */
export function fixedPolicy({ host, tls, tlsName, wish }: FixedHostRequest): HostPolicy {
  const base = { ...plainPolicy('route', tlsName), serverName: isName(tlsName) ? tlsName : null }
  const judge = pkixJudge(tlsName)
  if (wish === 'required' && tls !== 'none') {
    return {
      ...base,
      name: 'requiretls',
      tls: tls === 'implicit' ? 'implicit' : 'demanded',
      judge,
      requireTls: true,
    }
  }
  // Without TLS nothing can be required: the host cannot offer REQUIRETLS then (RFC 8689 §2), and that is what refuses.
  if (tls === 'none') return { ...base, tls: 'never', serverName: null, requireTls: wish === 'required' }
  if (tls === 'opportunistic') return { ...base, name: 'opportunistic', reference: host }
  if (tls === 'required') return { ...base, tls: 'demanded' }
  return { ...base, tls: tls === 'implicit' ? 'implicit' : 'demanded', judge }
}

/** Opportunistic TLS (RFC 3207, RFC 7435 §3) under that name. */
function plainPolicy(name: string, host: string): HostPolicy {
  return {
    name,
    tls: 'wished',
    serverName: isName(host) ? host : null,
    judge: null,
    requireTls: false,
    reference: host,
    watched: null,
  }
}

/** RFC 6066 knows no addresses as server names. */
function isName(host: string): boolean {
  return !host.startsWith('[') && !host.includes(':') && !/^[\d.]+$/.test(host)
}

function pkixJudge(name: string): (certificate: PeerCertificate | null) => Judgement {
  return (certificate) => {
    const problem = certificateProblem(certificate, name)
    return problem === null ? { ok: true, verification: 'pkix' } : { ok: false, problem }
  }
}

function stsJudge(host: string): (certificate: PeerCertificate | null) => Judgement {
  return (certificate) => {
    const problem = certificateProblem(certificate, host)
    return problem === null ? { ok: true, verification: 'mta-sts' } : { ok: false, problem }
  }
}

function notListed(host: string): Unusable {
  // RFC 8461 §4.1 and §5: under `enforce` a host that the policy does not name gets no mail.
  return {
    type: 'unusable',
    policy: 'mta-sts enforce',
    problem: `the MTA-STS policy does not name the host ${host}`,
    status: '4.7.5',
    outcome: 'deferred',
    stage: 'tls',
  }
}

/** What a handshake proved, where no policy asks: for the record alone. */
export function observedVerification(policy: HostPolicy, tls: TlsState): string {
  return certificateProblem(tls.peerCertificate, policy.reference) === null ? 'pkix' : 'none'
}
