// Where an address leads: the address itself, then without its subaddress, then the postmaster's rule, then the
// catch-all; through aliases, whose chains are bounded in depth and count.
//
// - An address that exists costs one store read, and nothing is cached: who has mail may change between two commands.
// - An alias with a target on another host is refused whole: relaying is the queue's, and half an alias would lose mail.
// - One recipient for each account, however many ways lead to it: a message arrives once.
import { addressKey, formatLocalPart, localPartKey, splitSubaddress, tryAddress } from '../mail/address.ts'
import type { DirectoryConfig } from '../config/sections/auth.ts'
import type { Address } from '../mail/address.ts'
import type { Account, AccountId, AddressEntry } from '../store/model.ts'
import type { DirectoryStore } from '../store/store.ts'
import type { Recipient, Resolution } from './directory.ts'

/** What one address says, before aliases are followed. */
type Found =
  | { readonly type: 'account'; readonly account: Account; readonly detail: string | null }
  | { readonly type: 'alias'; readonly targets: readonly string[]; readonly detail: string | null }
  | { readonly type: 'not-local' | 'unknown-user' }

/** Answers `Directory.resolve`. */
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

  async #find(address: Address): Promise<Found> {
    if (address.domain === null) return { type: 'not-local' }
    const { domain } = address
    const exact = await this.#store.findAddress(addressKey(address))
    if (exact !== undefined) return withDetail(exact, null)
    const { base, detail } = splitSubaddress(address.localPart, this.#config.subaddressSeparator)
    if (detail !== null) {
      const entry = await this.#store.findAddress(keyOf(base, domain))
      if (entry !== undefined) return withDetail(entry, detail)
    }
    // RFC 5321 §4.5.1: mail for postmaster at any of our domains must be accepted, however the name is written.
    if (localPartKey(base) === 'postmaster' && (await this.#store.hasDomain(domain))) {
      const postmaster = await this.#postmaster()
      if (postmaster.type !== 'unknown-user') return postmaster
    }
    const catchAll = await this.#store.findAddress(`@${domain}`)
    if (catchAll !== undefined) return withDetail(catchAll, detail)
    return { type: (await this.#store.hasDomain(domain)) ? 'unknown-user' : 'not-local' }
  }

  async #postmaster(): Promise<Found> {
    const configured = this.#config.postmaster
    if (configured !== null) {
      const address = tryAddress(configured, { utf8: true })
      const entry = address && (await this.#store.findAddress(addressKey(address)))
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
    walk.take(start, found)
    for (let depth = 0; walk.pending.length > 0; depth++) {
      const level = walk.pending.splice(0)
      const tooMany = walk.seen.size > this.#config.maxAliasTargets
      if (depth >= this.#config.maxAliasDepth || tooMany) return { type: 'too-many' }
      const answers = await Promise.all(
        level.map(async (target) => {
          const address = tryAddress(target, { utf8: true })
          return { target, found: address ? await this.#find(address) : ({ type: 'unknown-user' } as const) }
        }),
      )
      for (const answer of answers) walk.take(answer.target, answer.found)
    }
    return walk.outcome()
  }
}

/** What a walk through aliases has seen and collected. */
class AliasWalk {
  readonly seen: Set<string>
  pending: string[] = []
  readonly #recipients = new Map<AccountId, Recipient>()
  readonly #remote: string[] = []
  #unknown = 0

  constructor(start: string) {
    this.seen = new Set([start])
  }

  take(address: string, found: Found): void {
    if (found.type === 'account') {
      const { account, detail } = found
      if (!this.#recipients.has(account.id)) {
        this.#recipients.set(account.id, { account, detail, deliveredTo: address })
      }
    } else if (found.type === 'alias') {
      for (const target of found.targets) {
        if (this.seen.has(target)) continue
        this.seen.add(target)
        this.pending.push(target)
      }
    } else if (found.type === 'not-local') this.#remote.push(address)
    else this.#unknown++
  }

  outcome(): Resolution {
    if (this.#remote.length > 0) return { type: 'remote-target', addresses: this.#remote }
    const all = [...this.#recipients.values()]
    const active = all.filter(({ account }) => account.state === 'active')
    const recipients = active.filter(({ account }) => hasRoom(account))
    if (recipients.length > 0) return { type: 'local', recipients: active }
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
