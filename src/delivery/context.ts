// What every part of the relay works with: one value, made by the composition root through `createRelay`.
import type { Clock } from '../base/clock.ts'
import type { Dialer } from '../base/connection.ts'
import type { Random } from '../base/random.ts'
import type { Resolver } from '../base/resolver.ts'
import type { RelayConfig } from '../config/sections/relay.ts'
import type { Events } from '../events/event.ts'
import type { DialogueLine } from '../smtp/client/dialogue.ts'
import type { StsPolicies } from './sts-policies.ts'
import type { TokenSource } from './tokens.ts'
import type { TriedHosts } from './tried-hosts.ts'

export interface RelayContext {
  readonly config: RelayConfig
  readonly resolver: Resolver
  readonly dialer: Dialer
  readonly clock: Clock
  readonly random: Random
  readonly events: Events
  /** Null where MTA-STS is off. */
  readonly sts: Pick<StsPolicies, 'policyOf'> | null
  readonly tokens: TokenSource
  /** What earlier passes through the hosts of a destination did not get to. */
  readonly triedHosts: TriedHosts
  /** Reads a file that the configuration names (a password, a certificate). Rejects where it cannot. */
  readonly readFile: (path: string) => Promise<string>
  /** Names (lower case) and addresses of this host, as they are now. */
  readonly self: () => { readonly names: readonly string[]; readonly addresses: readonly string[] }
}

/** Who follows one delivery live. */
export type RelayObserver = (line: DialogueLine) => void
