// Connections that change who speaks first: ATRN (RFC 2645 §5.2) and TURN (RFC 821 §3.8), from both sides.
//
// As the provider we answered 250 to ATRN; the peer greets us now as a server, and gets the queued mail of its domains over the
// very connection. As the customer we connect, log in, say ATRN, and hand the connection to our own server. A connection
// that broke is never made anew by the provider: it cannot reach the customer, who comes again by himself.
import type { Connection } from '../base/connection.ts'
import type { TlsState } from '../base/core.ts'
import type { RelayTimeouts, RouteConfig } from '../config/sections/relay.ts'
import type { JobSource } from '../queue/transport.ts'
import type { CommandResult } from '../smtp/client/outgoing.ts'
import { openSmtpClient } from '../smtp/client/session.ts'
import type { BlobStore } from '../store/store.ts'
import { endingWords, type HostFacts, noFacts, stageName, statusOf, type Trouble } from './attempt.ts'
import { Connector, type Connected } from './connector.ts'
import type { RelayContext } from './context.ts'
import { runLane, type SessionSource } from './lane.ts'
import { laneJobs } from './relay-transport.ts'
import type { Route, Way } from './routes.ts'

export interface TurnedRequest {
  /** Handed over by the server, flushed. */
  readonly connection: Connection
  /** Who the peer is, for the record: the account that logged in, or its name. */
  readonly peer: string
  /** The name to greet with. */
  readonly heloName: string
  /** Mail for the domains that were asked for, from the queue. */
  readonly jobs: JobSource
  readonly context: RelayContext
  readonly blobs: Pick<BlobStore, 'read' | 'readSmall'>
  readonly signal: AbortSignal
}

/** Provider: sends what `jobs` gives over the connection, then QUIT. Every job taken is reported. */
export async function sendTurned(request: TurnedRequest): Promise<void> {
  const { connection, peer, heloName, jobs, context, blobs, signal } = request
  const way = wayOf({
    timeouts: context.config.timeouts,
    name: 'turn',
    config: { kind: 'mx', except: [], tls: 'opportunistic' },
    heloName,
    peer,
  })
  const source = new TurnedSource(request)
  try {
    await runLane({
      way,
      context,
      signal,
      next: laneJobs(jobs, { blobs, context, way }),
      connect: () => source,
    })
    await source.farewell()
  } finally {
    connection.destroy()
  }
}

/** The one session that there can be. */
class TurnedSource implements SessionSource {
  readonly #request: TurnedRequest
  #trouble: Trouble | null = null
  #opened = false

  constructor(request: TurnedRequest) {
    this.#request = request
  }

  async next(): Promise<Connected> {
    const { connection, peer, heloName, context } = this.#request
    const facts = {
      ...noFacts,
      host: peer,
      address: connection.peer.remoteAddress,
      tls: describe(connection.tls),
      policy: 'turn',
    }
    const gone = { facts, stage: 'connect', reply: `the connection of ${peer} is gone`, status: '4.4.2' }
    if (this.#opened) return this.#exhausted(this.#trouble ?? { ...gone, outcome: 'deferred' })
    this.#opened = true
    const opened = await openSmtpClient(connection, {
      dialect: 'smtp',
      heloName,
      clock: context.clock,
      timeouts: context.config.timeouts,
    })
    if (opened.type === 'open') return { type: 'open', live: { client: opened.session, facts } }
    if (opened.type === 'refused') {
      const { reply, stage } = opened
      const words = { reply: reply.verbatim, status: statusOf(reply) }
      return this.#exhausted({ facts, stage: stageName(stage), ...words, outcome: 'deferred' })
    }
    const { ending } = opened
    return this.#exhausted({
      facts,
      stage: stageName(ending.stage),
      ...endingWords(ending),
      outcome: 'deferred',
    })
  }

  /** There was nothing to send: RFC 821 §3.8 knows no reply for that, so the peer, who greets already, hears QUIT. */
  async farewell(): Promise<void> {
    if (this.#opened || this.#request.signal.aborted) return
    const connected = await this.next()
    if (connected.type === 'open') await connected.live.client.quit()
  }

  note(trouble: Trouble): void {
    this.#trouble = trouble
  }

  #exhausted(trouble: Trouble): Connected {
    this.#trouble = trouble
    return { type: 'exhausted', trouble }
  }
}

export interface TurnRequest {
  /** The provider, with the log-in that RFC 2645 §5.1 demands; its port is 366 for ATRN. */
  readonly provider: Extract<RouteConfig, { kind: 'host' }>
  readonly verb: 'ATRN' | 'TURN'
  /** For ATRN; empty: all that the provider has for us. */
  readonly domains: readonly string[]
  readonly heloName: string
  readonly context: RelayContext
  /** Serves SMTP on the connection, speaking first; resolves when it is over. */
  readonly serve: (connection: Connection) => Promise<void>
  readonly signal: AbortSignal
}

export type TurnOutcome =
  | { readonly type: 'served' }
  /** RFC 2645 §5.3: 453, there is no mail now. */
  | { readonly type: 'no-mail'; readonly reply: string }
  | { readonly type: 'failed'; readonly trouble: Trouble }

/** Customer: asks the provider for our mail. */
export async function fetchByTurn(request: TurnRequest): Promise<TurnOutcome> {
  const { verb, domains, serve } = request
  const connected = await connect(request)
  if (connected.type === 'exhausted') return { type: 'failed', trouble: connected.trouble }
  const { client, facts } = connected.live
  const turned = verb === 'ATRN' ? await client.atrn(domains) : await client.turn()
  if (turned.type === 'turned') {
    await serve(turned.connection)
    return { type: 'served' }
  }
  if (turned.type === 'refused') {
    await client.quit()
    const { reply } = turned
    if (reply.code === 453) return { type: 'no-mail', reply: reply.verbatim }
  }
  return { type: 'failed', trouble: troubleOf(turned, { facts, stage: verb.toLowerCase() }) }
}

export interface EtrnRequest extends Pick<TurnRequest, 'provider' | 'heloName' | 'context' | 'signal'> {
  readonly domains: readonly string[]
}

export type EtrnOutcome =
  /** RFC 1985 §5.3: 250 to 253, for each domain. */
  | {
      readonly type: 'asked'
      readonly replies: readonly { readonly domain: string; readonly reply: string }[]
    }
  /** The first refusal; later domains were asked for nevertheless. */
  | { readonly type: 'failed'; readonly trouble: Trouble }

/** Asks a host to send the mail of our domains now, which it does by connections of its own (RFC 1985). */
export async function askByEtrn(request: EtrnRequest): Promise<EtrnOutcome> {
  const connected = await connect(request)
  if (connected.type === 'exhausted') return { type: 'failed', trouble: connected.trouble }
  const { client, facts } = connected.live
  const replies: { domain: string; reply: string }[] = []
  let trouble: Trouble | null = null
  for (const domain of request.domains) {
    const asked = await client.etrn(domain)
    if (asked.type === 'done') replies.push({ domain, reply: asked.reply.verbatim })
    else trouble ??= troubleOf(asked, { facts, stage: 'etrn' })
    if (asked.type === 'ended') break
  }
  await client.quit()
  return trouble === null ? { type: 'asked', replies } : { type: 'failed', trouble }
}

/** A session with the provider: TLS and log-in as the configuration says. */
function connect({ provider, heloName, context, signal }: Omit<EtrnRequest, 'domains'>): Promise<Connected> {
  const way = wayOf({
    timeouts: { ...context.config.timeouts, ...provider.timeouts },
    name: provider.name ?? `${provider.host}:${provider.port}`,
    config: provider,
    heloName,
    peer: provider.host,
  })
  return new Connector({ way, context, signal }).next()
}

function troubleOf(
  result: Extract<CommandResult, { type: 'refused' | 'ended' }>,
  { facts, stage }: { facts: HostFacts; stage: string },
): Trouble {
  const words =
    result.type === 'ended'
      ? endingWords(result.ending)
      : { reply: result.reply.verbatim, status: statusOf(result.reply) }
  return { facts, stage, ...words, outcome: 'deferred' }
}

function wayOf(turn: {
  readonly name: string
  readonly config: RouteConfig
  readonly heloName: string
  readonly peer: string
  readonly timeouts: RelayTimeouts
}): Way {
  const { name, config, heloName, peer, timeouts } = turn
  const route: Route = {
    name,
    config,
    heloName,
    sourceAddresses: 'sourceAddresses' in config ? (config.sourceAddresses ?? []) : [],
    maxConnections: 1,
    maxRecipients: mostRecipients,
    maxMessagesPerConnection: Number.POSITIVE_INFINITY,
    timeouts,
  }
  const destination = { key: `turn ${peer}`, route: name, maxConnections: 1, maxRecipients: mostRecipients }
  return { destination, route, domain: '', tls: 'usual' }
}

/** RFC 5321 §4.5.3.1.8: what every server takes. */
const mostRecipients = 100

function describe(tls: TlsState | null): string | null {
  return tls === null ? null : `${tls.version} ${tls.cipher}`
}
