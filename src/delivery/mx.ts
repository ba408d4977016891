// From a domain to the hosts that take its mail (RFC 5321 §5.1), with their addresses, best first.
//
// - DNS that does not answer is trouble of the moment: it defers, whatever was asked (RFC 5321 §5.1). Only denials are facts.
// - Ourselves among the hosts, by name or by address, ends a loop before it begins: we and all that are no better than we
//   are left out; where we are the best, the mail is refused with 5.4.6.
// - Hosts of equal preference come in random order. Counts are bounded; beyond them the worst hosts are left out.
import { interleaveFamilies } from './happy-eyeballs.ts'
import { isPublicAddress } from '../net/public-address.ts'
import { ipOfLiteral, tryAddressLiteral } from '../mail/domain.ts'
import type { Random } from '../base/random.ts'
import type { DnsAnswer, MxRecord, Resolver } from '../base/resolver.ts'

/** One host to try. */
export interface MailHost {
  /** As the MX record has it, or the domain itself, lower case; a literal with its brackets. */
  readonly name: string
  /** In the order of RFC 8305 §4; at least one. */
  readonly addresses: readonly string[]
  /** What CNAMEs led to; `name` where there are none. */
  readonly expanded: string
  /** DNSSEC: everything that led to the addresses is authentic. */
  readonly addressesAuthentic: boolean
  /** DNSSEC: the first CNAME record is authentic. */
  readonly aliasAuthentic: boolean
}

/** No hosts, today or ever: what the sender is told. */
export interface NoRoute {
  readonly type: 'failed' | 'deferred'
  readonly reason: 'null-mx' | 'no-domain' | 'no-address' | 'dns' | 'loop' | 'closed-address' | 'literal'
  /** In the form of a reply, `556 5.1.10 …`. */
  readonly reply: string
  readonly status: string
}

export type MailRoute =
  | {
      readonly type: 'hosts'
      readonly hosts: readonly MailHost[]
      /** DNSSEC: the MX records (or their absence) are authentic. */
      readonly authentic: boolean
      /** True where no MX record said so (RFC 5321 §5.1, implicit MX). */
      readonly implicit: boolean
      /** We were among the hosts, and left out with all that are no better. */
      readonly pruned: boolean
    }
  | NoRoute

export interface MxLimits {
  /** MX hosts looked at. */
  readonly maxHosts: number
  /** Addresses of one host. */
  readonly maxAddresses: number
}

export interface MxContext {
  readonly resolver: Resolver
  readonly random: Random
  readonly limits: MxLimits
  /** Addresses that are not for everyone may be connected to. */
  readonly allowPrivate: boolean
  /** Whether CNAMEs of hosts are looked at, which only DANE needs (RFC 7672 §2.2.2). */
  readonly aliases: 'follow' | 'leave'
  /** Who we are: host names in lower case, addresses in canonical text. */
  readonly self: { readonly names: readonly string[]; readonly addresses: readonly string[] }
}

/** The hosts of a domain (A-labels) or of an address literal. */
export async function findMailHosts(domain: string, context: MxContext): Promise<MailRoute> {
  if (domain.startsWith('[')) return literalRoute(domain, context)
  const name = domain.toLowerCase()
  const answer = await context.resolver.mx(name)
  const candidates = readMx(name, answer)
  if (!Array.isArray(candidates)) return candidates
  const implicit = !answer.ok
  const authentic = answer.authentic
  // RFC 5321 §5.1: equal preferences are spread at random.
  const sorted = shuffled(candidates, context.random)
    .toSorted((a, b) => a.preference - b.preference)
    .slice(0, context.limits.maxHosts)
  const looked = await Promise.all(
    sorted.map(async (record) => ({ ...record, found: await hostAddresses(record.exchange, context) })),
  )
  const ours = looked.find(({ exchange, found }) => isSelf(exchange, found, context))
  // RFC 5321 §5.1: "all MX records of that preference and worse must be discarded".
  const kept = ours === undefined ? looked : looked.filter((one) => one.preference < ours.preference)
  if (ours !== undefined && kept.length === 0) return loop(domain)
  const hosts = kept.flatMap(({ found }) => (found.type === 'host' ? [found.host] : []))
  if (hosts.length > 0) return { type: 'hosts', hosts, authentic, implicit, pruned: ours !== undefined }
  return noAddress(
    domain,
    kept.map(({ found }) => found),
  )
}

interface Candidate {
  readonly preference: number
  readonly exchange: string
}

/** The candidates, or why there is none. */
function readMx(domain: string, answer: DnsAnswer<MxRecord>): Candidate[] | NoRoute {
  const implicit = [{ preference: 0, exchange: domain }]
  if (!answer.ok) {
    if (answer.failure === 'nodata') return implicit
    if (answer.failure === 'nxdomain') {
      return refusal('failed', 'no-domain', `550 5.1.2 The domain ${domain} does not exist`)
    }
    // RFC 5321 §5.1: "If … a temporary error is returned, the message MUST be queued and retried later".
    return refusal(
      'deferred',
      'dns',
      `451 4.4.3 The MX records of ${domain} cannot be had now (${answer.failure})`,
    )
  }
  const named = answer.records.filter(({ exchange }) => exchange !== '' && exchange !== '.')
  // RFC 7505 §3: a single MX record with the root as exchange says that the domain takes no mail.
  if (named.length === 0) {
    return answer.records.length === 0
      ? implicit
      : refusal('failed', 'null-mx', `556 5.1.10 The domain ${domain} takes no mail (null MX)`)
  }
  // A host named twice counts at its best.
  const best = new Map<string, Candidate>()
  for (const { preference, exchange } of named) {
    const name = exchange.toLowerCase()
    const known = best.get(name)
    if (known === undefined || preference < known.preference) best.set(name, { preference, exchange: name })
  }
  return [...best.values()]
}

type Found =
  | { readonly type: 'host'; readonly host: MailHost; readonly all: readonly string[] }
  | { readonly type: 'none' }
  /** It has addresses, but none that mail may go to. */
  | { readonly type: 'closed'; readonly all: readonly string[] }
  | { readonly type: 'trouble'; readonly failure: string }

/** The addresses of a host, both families at once. CNAMEs are followed by the resolver (RFC 5321 §5.1). */
export async function hostAddresses(name: string, context: Omit<MxContext, 'self'>): Promise<Found> {
  const { resolver, random, limits, allowPrivate } = context
  const [ipv6, ipv4] = await Promise.all([resolver.aaaa(name), resolver.a(name)])
  const answers = [ipv6, ipv4]
  const all = answers.flatMap((answer) => (answer.ok ? shuffled(answer.records, random) : []))
  if (all.length === 0) {
    const trouble = answers.find(
      (answer) => !answer.ok && answer.failure !== 'nxdomain' && answer.failure !== 'nodata',
    )
    return trouble === undefined || trouble.ok
      ? { type: 'none' }
      : { type: 'trouble', failure: trouble.failure }
  }
  const open = allowPrivate ? all : all.filter(isPublicAddress)
  if (open.length === 0) return { type: 'closed', all }
  const addressesAuthentic = answers.every((answer) => !answer.ok || answer.authentic)
  const alias =
    context.aliases === 'follow'
      ? await expand(name, { resolver, addressesAuthentic })
      : { expanded: name, aliasAuthentic: addressesAuthentic }
  const addresses = interleaveFamilies(open).slice(0, limits.maxAddresses)
  return { type: 'host', host: { name, addresses, addressesAuthentic, ...alias }, all }
}

/** RFC 1034 §3.6.2 sets no bound on chains of aliases; longer ones are mistakes. */
const longestChain = 8

/** Where CNAMEs lead; asked for only where DANE needs it (RFC 7672 §2.2.2), that is with a validating resolver. */
async function expand(
  name: string,
  options: { readonly resolver: Resolver; readonly addressesAuthentic: boolean },
): Promise<{ expanded: string; aliasAuthentic: boolean }> {
  const { resolver, addressesAuthentic } = options
  let expanded = name
  let aliasAuthentic = addressesAuthentic
  for (let hops = 0; hops < longestChain; hops++) {
    const alias = await resolver.cname(expanded)
    if (!alias.ok) break
    if (hops === 0) aliasAuthentic = alias.authentic
    expanded = alias.records[0]?.toLowerCase() ?? expanded
    // The rest of an insecure chain does not matter: only the name itself can be a base domain then.
    if (!addressesAuthentic) break
  }
  return { expanded, aliasAuthentic }
}

function isSelf(name: string, found: Found, { self }: MxContext): boolean {
  if (self.names.includes(name)) return true
  const addresses = found.type === 'host' || found.type === 'closed' ? found.all : []
  return addresses.some((address) => self.addresses.includes(address))
}

/** RFC 5321 §4.1.3: an address literal names the host itself; DNS has no say. */
function literalRoute(text: string, { allowPrivate, self }: MxContext): MailRoute {
  const literal = tryAddressLiteral(text)
  const address = literal === undefined ? undefined : ipOfLiteral(literal)
  if (literal === undefined || address === undefined) {
    return refusal(
      'failed',
      'literal',
      `550 5.1.2 The address literal ${text} names no host that can be reached`,
    )
  }
  if (self.addresses.includes(address)) return loop(text)
  if (!allowPrivate && !isPublicAddress(address)) {
    return refusal('failed', 'closed-address', `550 5.4.4 Mail does not go to the address ${address}`)
  }
  const host: MailHost = {
    name: literal,
    addresses: [address],
    expanded: literal,
    addressesAuthentic: false,
    aliasAuthentic: false,
  }
  return { type: 'hosts', hosts: [host], authentic: false, implicit: true, pruned: false }
}

function noAddress(domain: string, found: readonly Found[]): NoRoute {
  const trouble = found.find((one) => one.type === 'trouble')
  if (trouble !== undefined) {
    return refusal(
      'deferred',
      'dns',
      `451 4.4.3 The addresses of the mail hosts of ${domain} cannot be had now (${trouble.failure})`,
    )
  }
  if (found.some((one) => one.type === 'closed')) {
    return refusal(
      'failed',
      'closed-address',
      `550 5.4.4 The mail hosts of ${domain} have private or reserved addresses only`,
    )
  }
  // RFC 5321 §5.1: MX records none of which is usable, and an unusable implicit MX, are errors to be reported.
  return refusal('failed', 'no-address', `550 5.4.4 No mail host of ${domain} has an address`)
}

function loop(domain: string): NoRoute {
  return refusal(
    'failed',
    'loop',
    `554 5.4.6 Mail for ${domain} loops back to this host, which does not take it`,
  )
}

function refusal(type: NoRoute['type'], reason: NoRoute['reason'], reply: string): NoRoute {
  return { type, reason, reply, status: reply.split(' ', 2)[1] ?? '5.4.4' }
}

/** Fisher and Yates. */
function shuffled<T>(items: readonly T[], random: Random): T[] {
  const pool = [...items]
  const order: T[] = []
  while (pool.length > 0) order.push(...pool.splice(random.below(pool.length), 1))
  return order
}
