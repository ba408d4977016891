// Which way a recipient's mail goes: the routes of the configuration in order, the first that fits, else the MX hosts of its
// domain. A row may name a route by itself (an operator's order); a name that is gone means the configuration again.
//
// The key of a destination says what can share connections: one domain and one route for MX, one host for a smart host. Mail
// that demands more or less of TLS than usual (RFC 8689) never shares a connection with other mail.
import { tryAddress } from '../mail/address.ts'
import { tryDomain } from '../mail/domain.ts'
import type { RelayConfig, RelayTimeouts, RouteConfig } from '../config/sections/relay.ts'
import type { Destination } from '../queue/transport.ts'
import type { QueueMessage, QueueRecipient } from '../store/queue.ts'

/** What a message asks of TLS: RFC 8689 §2 (`required`) and §3 (`optional`). */
export type TlsWish = 'required' | 'usual' | 'optional'

/** A route with everything decided that may be left out. */
export interface Route {
  readonly name: string
  readonly config: RouteConfig
  readonly heloName: string
  readonly sourceAddresses: readonly string[]
  readonly maxConnections: number
  readonly maxRecipients: number
  readonly maxMessagesPerConnection: number
  readonly timeouts: RelayTimeouts
}

/** Where a lane goes. */
export interface Way {
  readonly destination: Destination
  readonly route: Route
  /** The domain whose mail it is; '' where the route leads all domains to one host. */
  readonly domain: string
  readonly tls: TlsWish
}

/** What a route is chosen by. */
export interface RouteQuestion {
  /** As RCPT says it. */
  readonly recipient: string
  /** In A-labels, or a literal. */
  readonly domain: string
  /** '' is the null reverse-path. */
  readonly reversePath: string
  /** The address of the account that submitted it, or null. */
  readonly account: string | null
  /** The name of the route that an operator chose. */
  readonly chosen: string | null
  readonly tls: TlsWish
}

/** The name of the way that needs no route. */
export const mxRouteName = 'mx'

/** The name of the way of mail that its host comes for. */
export const fetchRouteName = 'fetch'

export class Routes {
  readonly #routes: readonly Route[]
  readonly #fallback: Route
  /** Ways by key: few, since destinations are. Only those handed out lately are kept. */
  readonly #ways = new Map<string, Way>()

  /** `fetched`: domains whose hosts come for their mail (ATRN, TURN); it waits for them unless a route says otherwise. */
  constructor(config: RelayConfig, hostname: string, fetched: readonly string[] = []) {
    const complete = (route: RouteConfig, name: string): Route => {
      const own = 'except' in route ? route : undefined
      return {
        name,
        config: route,
        heloName: own?.heloName ?? config.heloName ?? hostname,
        sourceAddresses: own?.sourceAddresses ?? config.sourceAddresses,
        maxConnections: own?.maxConnections ?? config.maxConnections,
        maxRecipients: own?.maxRecipients ?? config.maxRecipients,
        maxMessagesPerConnection: own?.maxMessagesPerConnection ?? config.maxMessagesPerConnection,
        timeouts: { ...config.timeouts, ...own?.timeouts },
      }
    }
    const routes = config.routes.map((route, at) => complete(route, route.name ?? `route ${at + 1}`))
    const waiting: RouteConfig = {
      kind: 'fetch',
      recipients: [...fetched],
      reason: 'kept until its host fetches it',
    }
    // Their MX is often this very host, which would be taken for a loop.
    this.#routes = fetched.length === 0 ? routes : [...routes, complete(waiting, fetchRouteName)]
    this.#fallback = complete({ kind: 'mx', except: [], tls: 'opportunistic' }, mxRouteName)
  }

  /** All names that an operator may give. */
  get names(): readonly string[] {
    return [...this.#routes.map(({ name }) => name), mxRouteName]
  }

  /** Where that recipient's mail goes. */
  wayOf(question: RouteQuestion): Way {
    const route = this.#routeOf(question)
    const way = makeWay(route, question)
    return this.#keep(way)
  }

  /** The way of a destination that `wayOf` gave. */
  wayTo(destination: Destination): Way | undefined {
    return this.#ways.get(destination.key)
  }

  #keep(way: Way): Way {
    const { key } = way.destination
    const known = this.#ways.get(key)
    if (known !== undefined) return known
    this.#ways.set(key, way)
    if (this.#ways.size > keptWays) {
      const oldest = this.#ways.keys().next().value
      if (oldest !== undefined) this.#ways.delete(oldest)
    }
    return way
  }

  #routeOf(question: RouteQuestion): Route {
    const { chosen } = question
    if (chosen === mxRouteName) return this.#fallback
    const ordered = chosen === null ? undefined : this.#routes.find(({ name }) => name === chosen)
    return ordered ?? this.#routes.find(({ config }) => fits(config, question)) ?? this.#fallback
  }
}

/** More than any queue has lanes at once. */
const keptWays = 200_000

function makeWay(route: Route, question: RouteQuestion): Way {
  const { config } = route
  const wish = question.tls === 'usual' ? '' : ` tls-${question.tls}`
  const named = (target: string) =>
    `${config.kind} ${target}${route.name === config.kind ? '' : ` (${route.name})`}`
  const make = (key: string, domain: string): Way => ({
    destination: {
      key,
      route: route.name,
      maxConnections: route.maxConnections,
      maxRecipients: route.maxRecipients,
    },
    route,
    domain,
    tls: question.tls,
  })
  if (config.kind === 'mx') {
    const domain = config.domain === undefined ? question.domain : (tryDomain(config.domain) ?? config.domain)
    return make(named(domain) + wish, domain)
  }
  if (config.kind === 'host' || config.kind === 'lmtp')
    return make(named(`${config.host}:${config.port}`) + wish, '')
  // Back-off is by domain there too: each is fetched by somebody else.
  if (config.kind === 'fetch') return make(named(question.domain), question.domain)
  return make(named('-'), '')
}

function fits(route: RouteConfig, question: RouteQuestion): boolean {
  return (
    (route.recipients?.some((pattern) => domainFits(pattern, question.domain)) ?? true) &&
    (route.senders?.some((pattern) => senderFits(pattern, question.reversePath)) ?? true) &&
    (route.accounts?.some((pattern) => accountFits(pattern, question.account)) ?? true)
  )
}

/** Whether a domain (in A-labels) fits `example.org`, `.example.org` (all below it), `*`; a literal with its brackets. */
export function domainFits(pattern: string, domain: string): boolean {
  if (pattern === '*') return true
  if (pattern.startsWith('.')) return domain.endsWith(`.${asDomain(pattern.slice(1))}`)
  return domain.toLowerCase() === asDomain(pattern)
}

function senderFits(pattern: string, reversePath: string): boolean {
  if (pattern === '*') return true
  if (pattern === '<>') return reversePath === ''
  if (pattern.includes('@')) return pattern.toLowerCase() === reversePath.toLowerCase()
  const sender = tryAddress(reversePath, { utf8: true })
  return sender !== undefined && domainFits(pattern, sender.domain ?? sender.literal ?? '')
}

function accountFits(pattern: string, account: string | null): boolean {
  return account !== null && (pattern === '*' || pattern.toLowerCase() === account.toLowerCase())
}

function asDomain(text: string): string {
  return tryDomain(text, { utf8: true }) ?? text.toLowerCase()
}

/** What is asked about a row of the queue. */
export function questionOf(recipient: QueueRecipient, message: QueueMessage): RouteQuestion {
  const reversePath = recipient.reversePath ?? message.reversePath
  return {
    recipient: recipient.address,
    domain: recipient.domain,
    reversePath,
    // What an account submitted is counted to its address.
    account: message.account === null ? null : message.sender,
    chosen: recipient.route,
    tls: tlsWish(message, reversePath),
  }
}

function tlsWish({ options }: QueueMessage, reversePath: string): TlsWish {
  // RFC 8689 §4.2.1: REQUIRETLS binds mail with a return-path; §5 leaves reports free where they would be lost.
  if (options.requireTls && reversePath !== '') return 'required'
  return options.tlsOptional ? 'optional' : 'usual'
}
