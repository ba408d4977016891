// The directory over accounts that an operator made.
import { Authenticator } from './authenticator.ts'
import { AddressResolver } from './resolve.ts'
import type { Clock } from '../base/clock.ts'
import type { Random } from '../base/random.ts'
import type { AuthConfig, DirectoryConfig } from '../config/sections/auth.ts'
import type { Events } from '../events/event.ts'
import type { ObjectStore } from '../store/objects.ts'
import type { DirectoryStore } from '../store/store.ts'
import type { Directory } from './directory.ts'
import type { TokenVerifier } from './tokens.ts'

export interface DirectoryOptions {
  readonly store: DirectoryStore & ObjectStore
  readonly clock: Clock
  readonly random: Random
  readonly events: Events
  readonly auth: AuthConfig
  readonly directory: DirectoryConfig
  /** At least 16 octets that stay the same for the life of the installation, and on all its nodes. */
  readonly serverSecret: Uint8Array
  /** For access tokens; null or absent where none can be verified. See tokens.ts. */
  readonly tokens?: TokenVerifier | null
}

/** See directory.ts. Keeps its throttle and its memory of passwords in itself: one for all protocols of a process. */
export function createDirectory(options: DirectoryOptions): Directory {
  const { store, clock, random, events, auth, serverSecret, tokens = null } = options
  const authenticator = new Authenticator({
    store,
    clock,
    random,
    events,
    config: auth,
    directoryConfig: options.directory,
    tokens,
  })
  const resolver = new AddressResolver(store, options.directory)
  return {
    throttle: authenticator.throttle,
    sasl: {
      scram: true,
      cramMd5: auth.cramMd5,
      tokens: tokens !== null,
      certificates: true,
      serverSecret,
      scramIterations: auth.scramIterations,
    },
    resolve: (address) => resolver.resolve(address),
    resolvePostmaster: () => resolver.resolvePostmaster(),
    members: (address) => resolver.members(address),
    candidates: (localPart) => resolver.candidates(localPart),
    authenticate: (attempt) => authenticator.authenticate(attempt),
    logIn: (attempt) => authenticator.logIn(attempt),
    authenticateToken: (attempt) => authenticator.authenticateToken(attempt),
    authenticateCertificate: (attempt) => authenticator.authenticateCertificate(attempt),
    beginCram: (attempt) => authenticator.beginCram(attempt),
    beginScram: (attempt) => authenticator.beginScram(attempt),
  }
}
