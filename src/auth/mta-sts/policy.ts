// The policy file of MTA-STS (RFC 8461 §3.2) and what it says of a host (§4.1, §4.2).
//
// A policy that is not wholly well formed is none: half of one would be a weaker promise than its owner made. Lines end with
// CRLF or LF. Unknown keys are extensions and ignored; of a key that may stand once the first counts.
import type { PeerCertificate } from '../../base/core.ts'
import { certificateNames, nameMatches } from '../certificate-name.ts'

export interface StsPolicy {
  readonly mode: 'enforce' | 'testing' | 'none'
  /** Milliseconds from the fetch for which the policy holds. */
  readonly maxAge: number
  /** Names and `*.` patterns, lower case; empty with mode `none` alone. */
  readonly mx: readonly string[]
}

/** RFC 8461 §3.3: senders may refuse policies beyond a size; 64 KB is what it suggests. */
export const longestPolicy = 65_536
const maxPatterns = 1000
/** RFC 8461 §3.2: "a maximum value of 31557600", about a year, in seconds. */
const longestAge = 31_557_600

/** Undefined where the text is no policy. */
export function tryStsPolicy(text: string): StsPolicy | undefined {
  if (text.length > longestPolicy) return undefined
  const single = new Map<string, string>()
  const mx: string[] = []
  for (const line of text.split('\n')) {
    const trimmed = line.trim()
    if (trimmed === '') continue
    const colon = trimmed.indexOf(':')
    if (colon < 1) return undefined
    const key = trimmed.slice(0, colon).trimEnd()
    const value = trimmed.slice(colon + 1).trimStart()
    if (key === 'mx') {
      if (!isPattern(value) || mx.length >= maxPatterns) return undefined
      mx.push(value.toLowerCase())
    } else if (!single.has(key)) single.set(key, value)
  }
  return build(single, mx)
}

function build(single: ReadonlyMap<string, string>, mx: readonly string[]): StsPolicy | undefined {
  const mode = single.get('mode')
  const age = single.get('max_age') ?? ''
  if (single.get('version') !== 'STSv1' || !/^\d{1,10}$/.test(age)) return undefined
  if (mode !== 'enforce' && mode !== 'testing' && mode !== 'none') return undefined
  if (mode !== 'none' && mx.length === 0) return undefined
  return { mode, maxAge: Math.min(Number(age), longestAge) * 1000, mx }
}

/** RFC 8461 §3.2: `sts-policy-mx-value = ["*."] Domain`. */
function isPattern(value: string): boolean {
  const name = value.startsWith('*.') ? value.slice(2) : value
  return (
    name.length <= 255 &&
    /^[A-Za-z0-9-]+(?:\.[A-Za-z0-9-]+)*$/.test(name) &&
    name.split('.').every((label) => label.length <= 63)
  )
}

/** RFC 8461 §4.1: whether the policy lets mail go to that MX host. */
export function policyNamesHost(policy: StsPolicy, host: string): boolean {
  const name = host.toLowerCase()
  return policy.mx.some((pattern) => nameMatches(pattern, name) || shortWildcard(pattern, name))
}

/** RFC 8461 §4.1 knows no public suffixes: `*.example` is a pattern like any other there. */
function shortWildcard(pattern: string, host: string): boolean {
  const suffix = pattern.slice(1)
  const label = host.slice(0, -suffix.length)
  return pattern.startsWith('*.') && host.endsWith(suffix) && label !== '' && !label.includes('.')
}

/**
 * RFC 8461 §4.2: the certificate must lead to a trusted authority, be valid today, and be one for the MX host's name. Null where
 * all is well, else what is not.
 */
export function certificateProblem(certificate: PeerCertificate | null, host: string): string | null {
  if (certificate === null) return 'no-certificate'
  if (certificate.problem !== null) return certificate.problem
  return certificateNames(certificate.dnsNames, host) ? null : 'name-mismatch'
}
