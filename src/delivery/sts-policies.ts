// MTA-STS policies of domains: looked up, fetched, kept and refreshed (RFC 8461 §3.3, §5.1).
//
// A policy that was fetched holds until its age is up, whatever happens to DNS or to its web server meanwhile: that is the
// protection. A new id in DNS, or half of its life gone, asks for a new one; failing to get it leaves the old one in force. A
// domain whose policy could not be fetched is not asked again for a while.
import { stsRecordName, tryStsRecord } from '../auth/mta-sts/record.ts'
import { tryStsPolicy, type StsPolicy } from '../auth/mta-sts/policy.ts'
import type { Clock } from '../base/clock.ts'
import type { Resolver } from '../base/resolver.ts'
import { mtaStsFetchFailed } from '../events/relay.ts'
import type { Events } from '../events/event.ts'
import type { QueueStore } from '../store/queue.ts'

/** Gets a policy's text: by https alone, certificate verified, no redirects, bounded in size and time (RFC 8461 §3.3). */
export interface PolicyFetcher {
  /** Never rejects. */
  fetch(
    domain: string,
  ): Promise<{ readonly ok: true; readonly text: string } | { readonly ok: false; readonly problem: string }>
}

interface Kept {
  readonly id: string
  readonly policy: StsPolicy
  readonly fetchedAt: number
  readonly expiresAt: number
}

/** How the store knows them. */
const kind = 'mta-sts'

export interface StsOptions {
  readonly resolver: Pick<Resolver, 'txt'>
  readonly store: Pick<QueueStore, 'remember' | 'recall'>
  readonly fetcher: PolicyFetcher
  readonly clock: Pick<Clock, 'now'>
  readonly events: Events
  /** Milliseconds after a failed fetch before the next. */
  readonly retryAfter: number
  /** Domains kept in memory. */
  readonly maxPolicies: number
}

export class StsPolicies {
  readonly #options: StsOptions
  readonly #kept = new Map<string, Kept>()
  readonly #failedAt = new Map<string, number>()
  readonly #underWay = new Map<string, Promise<StsPolicy | null>>()

  constructor(options: StsOptions) {
    this.#options = options
  }

  /** The policy of a domain; null where it has none. */
  policyOf(domain: string): Promise<StsPolicy | null> {
    const running = this.#underWay.get(domain)
    if (running !== undefined) return running
    const lookUp = this.#policyOf(domain).finally(() => this.#underWay.delete(domain))
    this.#underWay.set(domain, lookUp)
    return lookUp
  }

  async #policyOf(domain: string): Promise<StsPolicy | null> {
    const { resolver, clock } = this.#options
    const [kept, answer] = await Promise.all([this.#recall(domain), resolver.txt(stsRecordName(domain))])
    const id = answer.ok ? tryStsRecord(answer.records) : undefined
    // RFC 8461 §3.1: without a (good) record a kept policy still counts; without that there is none.
    if (id === undefined) return kept?.policy ?? null
    const now = clock.now()
    const fresh = kept?.id === id && now < kept.fetchedAt + (kept.expiresAt - kept.fetchedAt) / 2
    if (fresh) return kept.policy
    const fetched = await this.#fetch(domain, { id, kept })
    return fetched ?? kept?.policy ?? null
  }

  async #fetch(
    domain: string,
    { id, kept }: { readonly id: string; readonly kept: Kept | undefined },
  ): Promise<StsPolicy | null> {
    const { fetcher, clock, events, retryAfter, store } = this.#options
    const failedAt = this.#failedAt.get(domain)
    // RFC 8461 §3.3: "wait for a period of five minutes or longer" after a failure.
    if (failedAt !== undefined && clock.now() < failedAt + retryAfter) return null
    const answer = await fetcher.fetch(domain)
    const policy = answer.ok ? tryStsPolicy(answer.text) : undefined
    const now = clock.now()
    if (policy === undefined) {
      this.#remember(this.#failedAt, domain, now)
      const problem = answer.ok ? 'the policy is malformed' : answer.problem
      events.emit(mtaStsFetchFailed, { domain, problem, cached: kept !== undefined })
      return null
    }
    this.#failedAt.delete(domain)
    const entry = { id, policy, fetchedAt: now, expiresAt: now + policy.maxAge }
    this.#remember(this.#kept, domain, entry)
    await store.remember({ kind, key: domain, value: JSON.stringify(entry), expiresAt: entry.expiresAt })
    return policy
  }

  async #recall(domain: string): Promise<Kept | undefined> {
    const { store, clock } = this.#options
    const now = clock.now()
    const inMemory = this.#kept.get(domain)
    if (inMemory !== undefined && now < inMemory.expiresAt) return inMemory
    const text = await store.recall({ kind, key: domain, now })
    const kept = text === undefined ? undefined : readKept(text)
    if (kept === undefined || now >= kept.expiresAt) return undefined
    this.#remember(this.#kept, domain, kept)
    return kept
  }

  #remember<T>(map: Map<string, T>, domain: string, value: T): void {
    map.delete(domain)
    map.set(domain, value)
    const oldest = map.size > this.#options.maxPolicies ? map.keys().next().value : undefined
    if (oldest !== undefined) map.delete(oldest)
  }
}

function readKept(text: string): Kept | undefined {
  try {
    // Written by `#fetch` alone; a row of another version lacks the fields that are looked at here.
    const value = JSON.parse(text) as Kept
    return Array.isArray(value.policy?.mx) && typeof value.expiresAt === 'number' ? value : undefined
  } catch {
    return undefined
  }
}
