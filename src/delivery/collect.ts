// One visit to a provider that keeps our mail (docs/collect.md): connect, log in, say the verb that the configuration names, and tell
// what came of it. Whatever fails is tried again at the next visit: the provider still has the mail.
import type { Connection } from '../base/connection.ts'
import type { CollectSource } from '../config/sections/collect.ts'
import type { RouteConfig } from '../config/sections/relay.ts'
import { collectionRefused, mailCollected, nothingToCollect, sendingAsked } from '../events/collect.ts'
import type { RelayContext } from './context.ts'

/** What one visit came to. */
export type CollectOutcome =
  /** ATRN, TURN: the provider sent this many messages that we took. */
  | { readonly type: 'collected'; readonly messages: number }
  /** RFC 2645 §5.2.1: 453. */
  | { readonly type: 'no-mail'; readonly reply: string }
  /** ETRN: the provider will send, or has nothing; in its words. */
  | {
      readonly type: 'asked'
      readonly replies: readonly { readonly domain: string; readonly reply: string }[]
    }
  | { readonly type: 'failed'; readonly stage: string; readonly status: string; readonly reply: string }

export interface CollectRequest {
  readonly source: CollectSource
  readonly heloName: string
  readonly context: RelayContext
  /** Serves SMTP on a connection that was turned around; resolves with the number of messages taken when it is over. */
  readonly serve: (connection: Connection) => Promise<number>
  readonly signal: AbortSignal
}

/** What operators call a source. */
export function sourceName({ name, host }: Pick<CollectSource, 'name' | 'host'>): string {
  return name ?? host
}

/** RFC 2645 §5: ODMR has a port of its own. */
const odmrPort = 366
const smtpPort = 25

/** Visits a provider once. Rejects for bugs alone. */
export async function collect(request: CollectRequest): Promise<CollectOutcome> {
  const outcome = await visit(request)
  tell(request, outcome)
  return outcome
}

async function visit({ source, heloName, context, serve, signal }: CollectRequest): Promise<CollectOutcome> {
  const { verb, domains } = source
  const provider = providerOf(source)
  const request = { provider, domains, heloName, context, signal }
  // Loaded by the first visit: few servers ever make one.
  const { askByEtrn, fetchByTurn } = await import('./turn.ts')
  if (verb === 'etrn') {
    const asked = await askByEtrn(request)
    return asked.type === 'asked' ? asked : failed(asked.trouble)
  }
  let messages = 0
  const outcome = await fetchByTurn({
    ...request,
    verb: verb === 'atrn' ? 'ATRN' : 'TURN',
    serve: async (connection) => {
      messages = await serve(connection)
    },
  })
  switch (outcome.type) {
    case 'served':
      return { type: 'collected', messages }
    case 'no-mail':
      return outcome
    case 'failed':
      return failed(outcome.trouble)
  }
}

/** The source as a route to its host. */
function providerOf(source: CollectSource): Extract<RouteConfig, { kind: 'host' }> {
  const { verb, domains: _domains, every: _every, port, ...host } = source
  return {
    ...host,
    kind: 'host',
    name: sourceName(source),
    port: port ?? (verb === 'atrn' ? odmrPort : smtpPort),
    except: [],
  }
}

function failed({ stage, status, reply }: { stage: string; status: string; reply: string }): CollectOutcome {
  return { type: 'failed', stage, status, reply }
}

function tell({ source, context }: CollectRequest, outcome: CollectOutcome): void {
  const { events } = context
  const who = { source: sourceName(source), verb: source.verb }
  switch (outcome.type) {
    case 'collected':
      return events.emit(mailCollected, { ...who, messages: outcome.messages })
    case 'no-mail':
      return events.emit(nothingToCollect, { ...who, reply: outcome.reply })
    case 'asked':
      for (const { domain, reply } of outcome.replies)
        events.emit(sendingAsked, { source: who.source, domain, reply })
      return
    case 'failed': {
      const { stage, status, reply } = outcome
      return events.emit(collectionRefused, { ...who, stage, status, reply })
    }
  }
}
