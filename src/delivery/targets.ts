// From a way (route and domain) to the hosts that may be tried, in order, each with its TLS policy and how to log in.
//
// Policies are made when a host's turn comes, not before: TLSA records of a host that nobody reaches are never asked for
// (RFC 7672 §2.2.2 wants the addresses first in any case).
import { readTlsa, tlsaBaseDomains, tlsaName, type DaneDemand } from '../auth/dane/dane.ts'
import { tryIpOctets } from '../base/ip-address.ts'
import type { StsPolicy } from '../auth/mta-sts/policy.ts'
import type { RouteConfig } from '../config/sections/relay.ts'
import { hostsFound, loopRefused } from '../events/relay.ts'
import { noFacts, type Trouble } from './attempt.ts'
import type { RelayContext } from './context.ts'
import { findMailHosts, hostAddresses, type MailHost, type NoRoute } from './mx.ts'
import type { Way } from './routes.ts'
import { fixedPolicy, mxPolicy, type HostPolicy, type Unusable } from './tls-policy.ts'

type HostRoute = Extract<RouteConfig, { kind: 'host' }>

/** One host to try. */
export interface Target {
  readonly host: string
  readonly addresses: readonly string[]
  readonly port: number
  readonly dialect: 'smtp' | 'lmtp'
  readonly policy: () => Promise<HostPolicy | Unusable>
  /** The route with its credentials and certificates, where it names the host. */
  readonly fixed: HostRoute | null
}

export type Targets =
  | { readonly type: 'targets'; readonly targets: readonly Target[] }
  | { readonly type: 'none'; readonly trouble: Trouble }

/** Finds the hosts of a way. Routes that lead nowhere (`hold`, `discard`) have none. */
export async function findTargets(way: Way, context: RelayContext): Promise<Targets> {
  const { config } = way.route
  if (config.kind === 'mx') return mxTargets(way, { context, least: config.tls })
  if (config.kind === 'host' || config.kind === 'lmtp') return fixedTargets(way, { context, config })
  return noTargets('dns', '451 4.3.5 The route leads to no host', { status: '4.3.5', outcome: 'deferred' })
}

async function mxTargets(
  way: Way,
  options: { readonly context: RelayContext; readonly least: 'opportunistic' | 'required' | 'verified' },
): Promise<Targets> {
  const { context, least } = options
  const { config, clock } = context
  const { domain } = way
  const route = await findMailHosts(domain, mxContext(context))
  if (route.type !== 'hosts') {
    if (route.reason === 'loop') context.events.emit(loopRefused, { domain })
    return refused(route)
  }
  context.events.emit(hostsFound, {
    destination: way.destination.key,
    hosts: route.hosts.map(({ name }) => name).join(', '),
    authentic: route.authentic,
  })
  // RFC 8461 §2: policies belong to domains; an address literal has none.
  const wantsSts = context.sts !== null && !domain.startsWith('[')
  let sts: Promise<StsPolicy | null> | null = null
  const stsPolicy = () =>
    (sts ??= wantsSts && context.sts !== null ? context.sts.policyOf(domain) : Promise.resolve(null))
  return {
    type: 'targets',
    targets: route.hosts.map((host) => ({
      host: host.name,
      addresses: host.addresses,
      port: config.mxPort,
      dialect: 'smtp',
      fixed: null,
      policy: async () => {
        const [{ demand, base }, policy] = await Promise.all([daneOf(host, context), stsPolicy()])
        return mxPolicy({
          host: host.name,
          domain,
          mxAuthentic: route.authentic,
          dane: demand,
          tlsaBase: base,
          sts: policy,
          wish: way.tls,
          least,
          now: () => clock.now(),
        })
      },
    })),
  }
}

/** RFC 7672 §2.2.2 and §2.2.3: the first base domain with secure records counts. */
async function daneOf(
  host: MailHost,
  { config, resolver }: RelayContext,
): Promise<{ demand: DaneDemand; base: string | null }> {
  if (!config.dane || host.name.startsWith('[')) return { demand: { type: 'none' }, base: null }
  for (const base of tlsaBaseDomains(host)) {
    const demand = readTlsa(await resolver.tlsa(tlsaName(base, config.mxPort)))
    if (demand.type !== 'none') return { demand, base }
  }
  return { demand: { type: 'none' }, base: null }
}

async function fixedTargets(
  way: Way,
  options: {
    readonly context: RelayContext
    readonly config: Extract<RouteConfig, { kind: 'host' | 'lmtp' }>
  },
): Promise<Targets> {
  const { context, config } = options
  const plain = config.host.replace(/^\[(?:IPv6:)?(.*)\]$/i, '$1')
  const found =
    tryIpOctets(plain) === undefined
      ? // Whoever writes a route means it: its host may be private.
        await hostAddresses(config.host.toLowerCase(), { ...mxContext(context), allowPrivate: true })
      : { type: 'host' as const, host: { addresses: [plain] } }
  if (found.type !== 'host') {
    const why = found.type === 'trouble' ? `cannot be had now (${found.failure})` : 'do not exist'
    // A mistake in the configuration is mended by people, so the mail waits for them.
    return noTargets('dns', `451 4.4.3 The addresses of ${config.host} ${why}`, {
      status: '4.4.3',
      outcome: 'deferred',
    })
  }
  const tls = config.kind === 'host' ? config.tls : 'opportunistic'
  const tlsName = config.kind === 'host' ? (config.tlsName ?? plain) : plain
  const policy = fixedPolicy({ host: config.host, tls, tlsName, wish: way.tls })
  const target: Target = {
    host: config.host,
    addresses: found.host.addresses,
    port: config.port,
    dialect: config.kind === 'lmtp' ? 'lmtp' : 'smtp',
    fixed: config.kind === 'host' ? config : null,
    policy: () => Promise.resolve(policy),
  }
  return { type: 'targets', targets: [target] }
}

function mxContext(context: RelayContext): Parameters<typeof findMailHosts>[1] {
  const { config, resolver, random, self } = context
  return {
    resolver,
    random,
    limits: { maxHosts: config.maxHosts, maxAddresses: config.maxAddresses },
    allowPrivate: config.allowPrivateAddresses,
    aliases: config.dane ? 'follow' : 'leave',
    self: self(),
  }
}

function refused({ type, reply, status }: NoRoute): Targets {
  return noTargets('dns', reply, { status, outcome: type })
}

function noTargets(
  stage: string,
  reply: string,
  rest: { readonly status: string; readonly outcome: 'deferred' | 'failed' },
): Targets {
  return { type: 'none', trouble: { facts: noFacts, stage, reply, ...rest } }
}
