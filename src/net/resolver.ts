// The real `Resolver`: a stub resolver that asks recursive servers (RFC 1034 §5.3.1).
//
// It adds what Node's own resolver lacks: the AD bit, believed only from servers that were declared trusted, and the time
// to live of every answer. UDP comes first, TCP where an answer does not fit; each query has a random id and port.
// Servers are tried in turn, starting with the one that answered last; NXDOMAIN and "no data" are answers, all else makes the next
// server's turn. Answers, also negative ones (RFC 2308) and failures (RFC 9520 §3.2), are kept in a bounded cache; equal
// questions under way are asked once, and only so many at a time.
import type { Clock } from '../base/clock.ts'
import type { Dialer } from '../base/connection.ts'
import type { Random } from '../base/random.ts'
import type { DnsAnswer, DnsFailure } from '../base/resolver.ts'
import { DnsCache } from './dns-cache.ts'
import type { DnsQuery, DnsRecords, DnsType } from './dns-message.ts'
import {
  askOverTcp,
  askOverUdp,
  type DnsExchange,
  type DnsServer,
  type DnsTransport,
} from './dns-transport.ts'
import { failed, TypedResolver } from './typed-resolver.ts'

export interface StubResolverOptions {
  /** Asked in this order. With none of them every look-up fails as `timeout`. */
  readonly servers: readonly DnsServer[]
  readonly clock: Clock
  readonly random: Random
  /** For answers that need TCP. */
  readonly dialer: Dialer
  readonly limits?: Partial<ResolverLimits>
}

export interface ResolverLimits {
  /** For one question to one server. */
  readonly timeoutMilliseconds: number
  /** How often the whole list of servers is gone through. */
  readonly rounds: number
  readonly cacheEntries: number
  /** Answers are kept no longer, whatever their TTL. */
  readonly longestTtlSeconds: number
  /** RFC 2308 §5 advises one to three hours at most. */
  readonly longestNegativeTtlSeconds: number
  /** RFC 9520 §3.2: at least one second, at most five minutes. */
  readonly failureSeconds: number
  /** Questions under way at one time; more wait for their turn. */
  readonly concurrency: number
}

export const defaultResolverLimits: ResolverLimits = {
  timeoutMilliseconds: 3_000,
  rounds: 2,
  cacheEntries: 20_000,
  longestTtlSeconds: 86_400,
  longestNegativeTtlSeconds: 3_600,
  failureSeconds: 5,
  concurrency: 256,
}

export class StubResolver extends TypedResolver {
  readonly #options: StubResolverOptions
  readonly #limits: ResolverLimits
  readonly #transport: DnsTransport
  readonly #cache: DnsCache
  readonly #underWay = new Map<string, Promise<DnsAnswer<unknown>>>()
  readonly #queue: (() => void)[] = []
  #active = 0
  /** The server that answered last. */
  #first = 0

  constructor(options: StubResolverOptions) {
    super()
    this.#options = options
    this.#limits = { ...defaultResolverLimits, ...options.limits }
    const { clock, dialer } = options
    this.#transport = { clock, dialer, timeoutMilliseconds: this.#limits.timeoutMilliseconds }
    this.#cache = new DnsCache(clock, this.#limits.cacheEntries)
  }

  override look<Type extends DnsType>(name: string, type: Type): Promise<DnsAnswer<DnsRecords[Type]>> {
    const key = `${type} ${name}`
    const kept = this.#cache.get(key)
    let answer = kept === undefined ? this.#underWay.get(key) : Promise.resolve(kept)
    if (answer === undefined) {
      answer = this.#resolve(name, type, key)
      this.#underWay.set(key, answer)
    }
    // The type in the key is the type of the records: `dns-message.ts` read them so.
    return answer as Promise<DnsAnswer<DnsRecords[Type]>>
  }

  async #resolve(name: string, type: DnsType, key: string): Promise<DnsAnswer<unknown>> {
    await this.#enter()
    try {
      const { answer, seconds } = await this.#askAll(name, type)
      this.#cache.set(key, answer, seconds)
      return answer
    } finally {
      this.#leave()
      this.#underWay.delete(key)
    }
  }

  #enter(): Promise<void> {
    if (this.#active < this.#limits.concurrency) {
      this.#active++
      return Promise.resolve()
    }
    return new Promise((resolve) => this.#queue.push(resolve))
  }

  #leave(): void {
    const next = this.#queue.shift()
    if (next === undefined) this.#active--
    else next()
  }

  async #askAll(name: string, type: DnsType): Promise<{ answer: DnsAnswer<unknown>; seconds: number }> {
    const { servers } = this.#options
    const { rounds, failureSeconds } = this.#limits
    const first = this.#first
    let failure: DnsFailure = 'timeout'
    for (let turn = 0; turn < rounds * servers.length; turn++) {
      const index = (first + turn) % servers.length
      const server = servers[index]
      if (server === undefined) break
      const exchange = await this.#askOne(server, name, type)
      if (exchange.type === 'records' || exchange.type === 'none') {
        this.#first = index
        return this.#answerOf(exchange, server)
      }
      // A server that failed in words says more than one that kept silent.
      if (exchange.type === 'failed') ({ failure } = exchange)
    }
    return { answer: failed(failure), seconds: failureSeconds }
  }

  async #askOne(server: DnsServer, name: string, type: DnsType): Promise<DnsExchange> {
    let query: DnsQuery = { id: this.#options.random.below(65_536), name, type, edns: 'used' }
    let exchange = await askOverUdp(this.#transport, server, query)
    if (exchange.type === 'edns-refused') {
      query = { ...query, id: this.#options.random.below(65_536), edns: 'left-out' }
      exchange = await askOverUdp(this.#transport, server, query)
    }
    return exchange.type === 'truncated' ? askOverTcp(this.#transport, server, query) : exchange
  }

  #answerOf(
    exchange: DnsExchange & { type: 'records' | 'none' },
    server: DnsServer,
  ): { answer: DnsAnswer<unknown>; seconds: number } {
    const { longestTtlSeconds, longestNegativeTtlSeconds } = this.#limits
    const authentic = exchange.authentic && server.trusted
    if (exchange.type === 'none') {
      const seconds = Math.min(exchange.ttl, longestNegativeTtlSeconds)
      return { answer: { ok: false, failure: exchange.failure, authentic }, seconds }
    }
    const { records, ttl } = exchange
    return { answer: { ok: true, records, authentic, ttl }, seconds: Math.min(ttl, longestTtlSeconds) }
  }
}
