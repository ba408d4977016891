// Where an address leads: the address itself, then without its subaddress, then the postmaster's rule, then the
// catch-all; through aliases, whose chains are bounded in depth and count.
//
// - An address that exists costs one store read, and nothing is cached: who has mail may change between two commands.
// - An alias may lead to other hosts; whoever asked decides whether such mail is taken.
// - A list is an alias with an owner. What goes through it carries the owner, of the innermost list where there are several.
// - One recipient for each account and each address elsewhere, however many ways lead to it: a message arrives once, and a
//   list that contains itself ends.
import { addressKey, formatLocalPart, localPartKey, splitSubaddress, tryAddress } from '../mail/address.ts'
import type { DirectoryConfig } from '../config/sections/auth.ts'
import type { Address } from '../mail/address.ts'
import type { Account, AccountId, AddressEntry } from '../store/model.ts'
import type { DirectoryStore } from '../store/store.ts'
import type { ListOwner, Recipient, RemoteTarget, Resolution } from './directory.ts'

/** What one address says, before aliases are followed. */
type Found =
  | { readonly type: 'account'; readonly account: Account; readonly detail: string | null }
  | {
      readonly type: 'alias'
      readonly targets: readonly string[]
      readonly owner: string | null
      readonly detail: string | null
    }
  | { readonly type: 'not-local' | 'unknown-user' }

/** As `Directory.candidates` promises. */
const maxCandidates = 20

/** Answers `Directory.resolve` and what else is asked about addresses. */
export class AddressResolver {
  readonly #store: DirectoryStore
  readonly #config: DirectoryConfig

  constructor(store: DirectoryStore, config: DirectoryConfig) {
    this.#store = store
    this.#config = config
  }

  async resolve(address: Address): Promise<Resolution> {
    const key = addressKey(address)
    return this.#follow(key, await this.#find(address))
  }

  /** RFC 5321 §4.5.1: the reserved mailbox, without a domain. */
  async resolvePostmaster(): Promise<Resolution> {
    const found = await this.#postmaster()
    return this.#follow(found.type === 'account' ? found.account.address : 'postmaster', found)
  }

  /** See `Directory.members`. */
  async members(address: Address): Promise<readonly string[] | undefined> {
    if (address.domain === null) return undefined
    const entry = await this.#store.findAddress(addressKey(address))
    return entry?.type === 'alias' ? entry.targets : undefined
  }

  /** See `Directory.candidates`. */
  async candidates(localPart: string): Promise<readonly string[]> {
    // Only its local part is looked at.
    const address = tryAddress(`${localPart}@name.invalid`, { utf8: true })
    if (address === undefined) return []
    const local = formatLocalPart(localPartKey(address.localPart))
    return this.#store.findLocalPart({ local, limit: maxCandidates })
  }

  async #find(address: Address): Promise<Found> {
    if (address.domain === null) return { type: 'not-local' }
    const { domain } = address
    const exact = await this.#store.locateAddress(addressKey(address))
    if (exact !== undefined) return withDetail(exact, null)
    const { base, detail } = splitSubaddress(address.localPart, this.#config.subaddressSeparator)
    if (detail !== null) {
      const entry = await this.#store.locateAddress(keyOf(base, domain))
      if (entry !== undefined) return withDetail(entry, detail)
    }
    // RFC 5321 §4.5.1: mail for postmaster at any of our domains must be accepted, however the name is written.
    if (localPartKey(base) === 'postmaster' && (await this.#store.hasDomain(domain))) {
      const postmaster = await this.#postmaster()
      if (postmaster.type !== 'unknown-user') return postmaster
    }
    const catchAll = await this.#store.locateAddress(`@${domain}`)
    if (catchAll !== undefined) return withDetail(catchAll, detail)
    return { type: (await this.#store.hasDomain(domain)) ? 'unknown-user' : 'not-local' }
  }

  async #postmaster(): Promise<Found> {
    const configured = this.#config.postmaster
    if (configured !== null) {
      const address = tryAddress(configured, { utf8: true })
      const entry = address && (await this.#store.locateAddress(addressKey(address)))
      if (entry !== undefined) return withDetail(entry, null)
    }
    const oldest = await this.#store.oldestAccount()
    return oldest === undefined
      ? { type: 'unknown-user' }
      : { type: 'account', account: oldest, detail: null }
  }

  /** Breadth first through aliases; each address is looked at once. */
  async #follow(start: string, found: Found): Promise<Resolution> {
    if (found.type !== 'account' && found.type !== 'alias') return found
    const walk = new AliasWalk(start)
    walk.take({ target: start, via: start, list: null }, found)
    const domains = new Map<string, Promise<boolean>>()
    const isOurs = (domain: string): Promise<boolean> => {
      const known = domains.get(domain) ?? this.#store.hasDomain(domain)
      domains.set(domain, known)
      return known
    }
    for (let depth = 0; walk.pending.length > 0; depth++) {
      const level = walk.pending.splice(0)
      const tooMany = walk.seen.size > this.#config.maxAliasTargets
      if (depth >= this.#config.maxAliasDepth || tooMany) return { type: 'too-many' }
      const answers = await Promise.all(
        level.map(async (step): Promise<{ step: Step; found: Found }> => {
          const address = tryAddress(step.target, { utf8: true })
          if (!address) return { step, found: { type: 'unknown-user' } }
          // A list of strangers asks about each domain once.
          const ours = address.domain !== null && (await isOurs(address.domain))
          return { step, found: ours ? await this.#find(address) : { type: 'not-local' } }
        }),
      )
      for (const answer of answers) walk.take(answer.step, answer.found)
    }
    return walk.outcome()
  }
}

/** An address that the walk comes to, and how. */
interface Step {
  readonly target: string
  /** The alias that named it. */
  readonly via: string
  readonly list: ListOwner | null
}

/** What a walk through aliases has seen and collected. */
class AliasWalk {
  readonly seen: Set<string>
  pending: Step[] = []
  readonly #recipients = new Map<AccountId, Recipient>()
  readonly #remote: RemoteTarget[] = []
  #unknown = 0

  constructor(start: string) {
    this.seen = new Set([start])
  }

  take(step: Step, found: Found): void {
    if (found.type === 'account') {
      const { account, detail } = found
      if (!this.#recipients.has(account.id)) {
        this.#recipients.set(account.id, { account, detail, deliveredTo: step.target, list: step.list })
      }
    } else if (found.type === 'alias') {
      const list = found.owner === null ? step.list : { owner: found.owner }
      for (const target of found.targets) {
        if (this.seen.has(target)) continue
        this.seen.add(target)
        this.pending.push({ target, via: step.target, list })
      }
    } else {
      const address = found.type === 'not-local' ? tryAddress(step.target, { utf8: true }) : undefined
      if (address) this.#remote.push({ address, via: step.via, list: step.list })
      else this.#unknown++
    }
  }

  outcome(): Resolution {
    const all = [...this.#recipients.values()]
    const active = all.filter(({ account }) => account.state === 'active')
    const recipients = active.filter(({ account }) => hasRoom(account))
    if (recipients.length > 0 || this.#remote.length > 0) {
      return { type: 'local', recipients: active, remote: this.#remote }
    }
    if (active.length > 0) return { type: 'over-quota' }
    if (all.length > 0) return { type: 'disabled' }
    // No account anywhere: targets that do not exist, or aliases that only lead back to where the walk has been.
    return { type: this.#unknown > 0 ? 'unknown-user' : 'loop' }
  }
}

function hasRoom({ quota, used }: Account): boolean {
  const bytesLeft = quota.bytes === null || used.bytes < quota.bytes
  return bytesLeft && (quota.messages === null || used.messages < quota.messages)
}

function withDetail(entry: AddressEntry, detail: string | null): Found {
  return { ...entry, detail }
}

function keyOf(localPart: string, domain: string): string {
  return `${formatLocalPart(localPartKey(localPart))}@${domain}`
}
