// Where a domain of the simulated Internet stands: how DNS leads to its host, what that host's TLS is worth, what the domain's
// owner has published about it, and whether it can be reached at all.
import { createHash } from 'node:crypto'
import { Buffer } from 'node:buffer'
import { type MemoryTlsIdentity, memoryPublicKey } from '../../src/net/memory-tls.ts'
import type { Random } from '../../src/base/random.ts'

/** How a domain's mail hosts can be found and reached. */
export interface Place {
  /**
   * `usual`: one MX. `implicit`: an address alone. `first is dead`: a better MX that never answers. `host is an alias`: the MX's
   * name is a CNAME; `domain is an alias`: the domain's own is. `none`: a null MX. `ours`: the MX is a house, which does not
   * know the domain. `nowhere`: the domain does not exist.
   */
  readonly mx:
    | 'usual'
    | 'implicit'
    | 'first is dead'
    | 'host is an alias'
    | 'domain is an alias'
    | 'none'
    | 'ours'
    | 'nowhere'
  readonly connect: 'open' | 'black-hole' | 'refused' | 'unreachable'
  /** `absent`: no STARTTLS. `refuses`: 454. `lies`: 220, and then no handshake. */
  readonly tls: 'absent' | 'works' | 'refuses' | 'lies' | 'fails' | 'hangs'
  readonly certificate: 'good' | 'wrong name' | 'expired'
  /** Offers REQUIRETLS in TLS. */
  readonly requireTls: 'offered' | 'absent'
  readonly policy:
    | 'none'
    | 'sts enforced'
    | 'sts of another host'
    | 'sts in test'
    | 'sts cannot be fetched'
    | 'dane'
    | 'dane of another key'
    | 'dane cannot be looked up'
}

export const quietPlace: Place = {
  mx: 'usual',
  connect: 'open',
  tls: 'absent',
  certificate: 'good',
  requireTls: 'absent',
  policy: 'none',
}

/** Half of all places have nothing special; the others are strange in one or two ways. */
export function somePlace(random: Random): Place {
  const place: { -readonly [Field in keyof Place]: Place[Field] } = { ...quietPlace }
  if (random.below(2) === 0) return place
  place.tls = oneOf(random, ['absent', 'works', 'works', 'works', 'refuses', 'lies', 'fails', 'hangs'])
  place.certificate = oneOf(random, ['good', 'good', 'wrong name', 'expired'])
  place.requireTls = oneOf(random, ['offered', 'absent'])
  if (random.below(2) === 0) {
    place.policy = oneOf(random, [
      ...(['sts enforced', 'sts of another host', 'sts in test', 'sts cannot be fetched'] as const),
      ...(['dane', 'dane', 'dane of another key', 'dane cannot be looked up'] as const),
    ])
  }
  if (random.below(3) === 0) {
    place.mx = oneOf(random, [
      ...(['implicit', 'first is dead', 'host is an alias', 'domain is an alias'] as const),
      ...(['none', 'ours', 'nowhere'] as const),
    ])
  }
  if (random.below(8) === 0) place.connect = oneOf(random, ['black-hole', 'refused', 'unreachable'])
  return place
}

/** The host's name as the MX has it. */
export function hostNameOf(domain: string, place: Place): string {
  return place.mx === 'implicit' ? domain : `mx.${domain}`
}

/** What stands in the zone, for a host at this address. */
export function zoneOf(
  domain: string,
  place: Place,
  at: { address: string; dead: string; house: string },
): string {
  const host = hostNameOf(domain, place)
  const lines = [place.policy.startsWith('dane') ? '$AUTHENTIC yes' : '$AUTHENTIC no']
  switch (place.mx) {
    case 'nowhere':
      return ''
    case 'none':
      lines.push(`${domain}. MX 0 .`)
      break
    case 'ours':
      lines.push(`${domain}. MX 10 mx.${at.house}.`)
      break
    case 'implicit':
      lines.push(`${domain}. A ${at.address}`)
      break
    case 'host is an alias':
      lines.push(
        `${domain}. MX 10 ${host}.`,
        `${host}. CNAME real.${domain}.`,
        `real.${domain}. A ${at.address}`,
      )
      break
    case 'domain is an alias':
      lines.push(
        `${domain}. CNAME real.${domain}.`,
        `real.${domain}. MX 10 ${host}.`,
        `${host}. A ${at.address}`,
      )
      break
    case 'first is dead':
      lines.push(`${domain}. MX 10 dead.${domain}.`, `dead.${domain}. A ${at.dead}`)
      lines.push(`${domain}. MX 20 ${host}.`, `${host}. A ${at.address}`)
      break
    case 'usual':
      lines.push(`${domain}. MX 10 ${host}.`, `${host}. A ${at.address}`)
      break
  }
  if (place.policy === 'dane') lines.push(tlsa(host, domain))
  if (place.policy === 'dane of another key') lines.push(tlsa(host, 'another'))
  if (place.policy === 'dane cannot be looked up') lines.push(`$FAIL _25._tcp.${host}. TLSA servfail`)
  if (place.policy.startsWith('sts')) lines.push(`_mta-sts.${domain}. TXT "v=STSv1; id=20260101"`)
  lines.push('$AUTHENTIC no')
  return lines.join('\n')
}

function tlsa(host: string, key: string): string {
  const digest = Buffer.from(createHash('sha256').update(memoryPublicKey(key)).digest()).toString('hex')
  return `_25._tcp.${host}. TLSA 3 1 1 ${digest}`
}

/** The text behind https://mta-sts.DOMAIN; undefined where that does not answer. */
export function policyTextOf(domain: string, place: Place): string | undefined {
  if (!place.policy.startsWith('sts') || place.policy === 'sts cannot be fetched') return undefined
  const mode = place.policy === 'sts in test' ? 'testing' : 'enforce'
  const host = place.policy === 'sts of another host' ? 'elsewhere.test' : hostNameOf(domain, place)
  return `version: STSv1\r\nmode: ${mode}\r\nmx: ${host}\r\nmax_age: 604800\r\n`
}

export function identityOf(domain: string, place: Place): MemoryTlsIdentity {
  return {
    names: [place.certificate === 'wrong name' ? 'elsewhere.test' : hostNameOf(domain, place)],
    key: domain,
    problem: place.certificate === 'expired' ? 'CERT_HAS_EXPIRED' : null,
  }
}

/** What may come to a place: everything, nothing but what says `TLS-Required: No`, or that only in TLS as well. */
export function admits(place: Place): 'all' | 'tls alone' | 'nothing' {
  const works = place.tls === 'works'
  switch (place.policy) {
    case 'sts of another host':
    case 'dane of another key':
    case 'dane cannot be looked up':
      return 'nothing'
    case 'sts enforced':
      return works && place.certificate === 'good' ? 'tls alone' : 'nothing'
    case 'dane':
      return works ? 'tls alone' : 'nothing'
    default:
      return 'all'
  }
}

/** Something about the place delays or refuses mail by itself. */
export function isDisturbed(place: Place): boolean {
  const found = ['usual', 'implicit', 'first is dead', 'host is an alias', 'domain is an alias'].includes(
    place.mx,
  )
  return !found || place.connect !== 'open' || admits(place) === 'nothing'
}

export function oneOf<T>(random: Random, all: readonly [T, ...T[]]): T {
  return all[random.below(all.length)] ?? all[0]
}
