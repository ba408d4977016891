// The catcher's directory: every address exists as soon as somebody names it, and any password opens it. For a laptop
// and for test suites; never for a server, and so never throttled, hashed or cached.
import { errorText } from '../events/error-text.ts'
import { loginFailed, loginSucceeded, loginUnavailable } from '../events/auth.ts'
import { addressKey, tryAddress } from '../mail/address.ts'
import { AddressResolver } from './resolve.ts'
import { specialUseMailboxes } from './special-use.ts'
import type { Clock } from '../base/clock.ts'
import type { DirectoryConfig } from '../config/sections/auth.ts'
import type { Events } from '../events/event.ts'
import type { Address } from '../mail/address.ts'
import type { Account, AddressEntry } from '../store/model.ts'
import type { DirectoryStore } from '../store/store.ts'
import type {
  Authentication,
  Directory,
  LoginRefusal,
  PasswordAttempt,
  Refused,
  Resolution,
} from './directory.ts'

export interface OpenDirectoryOptions {
  readonly store: DirectoryStore
  readonly clock: Clock
  readonly events: Events
  readonly directory: DirectoryConfig
  /** The domain of names that have none: this host's name. */
  readonly defaultDomain: string
}

/** See the file header. An account that an operator disabled stays shut here too. */
export function createOpenDirectory(options: OpenDirectoryOptions): Directory {
  const { defaultDomain } = options
  const resolver = new AddressResolver(options.store, options.directory)
  return {
    throttle: null,
    // No verifier can be kept for a password that may be any.
    sasl: {
      ...{ scram: false, cramMd5: false, tokens: false, certificates: false },
      ...{ serverSecret: new Uint8Array(16), scramIterations: 4096 },
    },
    resolve: (address) => resolve(options, address),
    resolvePostmaster: async () => {
      const address = tryAddress(`postmaster@${defaultDomain}`, { utf8: true })
      return address === undefined ? { type: 'unknown-user' } : resolve(options, address)
    },
    members: (address) => resolver.members(address),
    candidates: (localPart) => resolver.candidates(localPart),
    authenticate: (attempt) => authenticate(options, attempt),
    logIn: async (attempt) => {
      const outcome = await authenticate(options, attempt)
      if (!outcome.ok) return outcome
      return { ok: true, account: outcome.account, method: 'password', stillHolds: async () => true }
    },
    authenticateToken: notHere,
    authenticateCertificate: notHere,
    beginScram: notHere,
    beginCram: notHere,
  }
}

/** None of these is offered. */
function notHere(): Promise<Refused> {
  return Promise.resolve({ ok: false, reason: 'bad-credentials' })
}

async function resolve(options: OpenDirectoryOptions, address: Address): Promise<Resolution> {
  const key = addressKey(address)
  const account = await accountOf(options, key, await options.store.locateAddress(key))
  // What an operator made all the same is honoured: aliases lead where they lead, disabled accounts stay shut.
  if (account === undefined) return new AddressResolver(options.store, options.directory).resolve(address)
  if (account.state === 'disabled') return { type: 'disabled' }
  const recipient = { account, detail: null, deliveredTo: key, list: null }
  return { type: 'local', recipients: [recipient], remote: [] }
}

async function authenticate(
  options: OpenDirectoryOptions,
  attempt: PasswordAttempt,
): Promise<Authentication> {
  const { protocol, remoteAddress } = attempt
  try {
    const outcome = await admit(options, attempt)
    if (outcome.ok) {
      const { address } = outcome.account
      options.events.emit(loginSucceeded, { protocol, mechanism: 'password', address, remoteAddress })
    } else refused(options, attempt, outcome.reason)
    return outcome
  } catch (error) {
    options.events.emit(loginUnavailable, { protocol, error: errorText(error) })
    refused(options, attempt, 'unavailable')
    return { ok: false, reason: 'unavailable' }
  }
}

async function admit(options: OpenDirectoryOptions, attempt: PasswordAttempt): Promise<Authentication> {
  const { username, authorizationId = null } = attempt
  const full = username.includes('@') ? username : `${username}@${options.defaultDomain}`
  const address = tryAddress(full, { utf8: true })
  // Any password opens any address, so there is no reason to act as another one.
  if (address === undefined || (authorizationId !== null && authorizationId !== username)) {
    return { ok: false, reason: 'bad-credentials' }
  }
  const key = addressKey(address)
  const account = await accountOf(options, key, await options.store.findAddress(key))
  if (account === undefined) return { ok: false, reason: 'bad-credentials' }
  return account.state === 'active' ? { ok: true, account } : { ok: false, reason: 'disabled' }
}

function refused({ events }: OpenDirectoryOptions, attempt: PasswordAttempt, reason: LoginRefusal): void {
  const { protocol, username, remoteAddress } = attempt
  events.emit(loginFailed, { protocol, mechanism: 'password', reason, username, remoteAddress })
}

/** The account of that address, made where it is not there yet; undefined where the address is an alias. */
async function accountOf(
  options: OpenDirectoryOptions,
  key: string,
  known: AddressEntry | undefined,
): Promise<Account | undefined> {
  if (known !== undefined) return known.type === 'account' ? known.account : undefined
  const { store, clock } = options
  // Two who come at once meet in the store: the second one is told `exists` and finds the account in the next round.
  for (let round = 0; round < 5; round++) {
    const entry = await store.findAddress(key)
    if (entry !== undefined) return entry.type === 'account' ? entry.account : undefined
    const added = await store.addAccount({
      address: key,
      credentials: { argon2id: null, scramSha256: null },
      quota: { bytes: null, messages: null },
      mailboxes: specialUseMailboxes,
      now: clock.now(),
    })
    if (added.ok) return added.account
    if (added.reason === 'no-such-domain') {
      await store.addDomain({ name: key.slice(key.lastIndexOf('@') + 1), now: clock.now() })
    }
  }
  throw new Error(`the account ${key} can neither be found nor made`)
}
