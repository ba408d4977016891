// End-to-end delivery: the sender waits while the message goes straight to the hosts of its recipients, follows the dialogue,
// and gets each host's own words as the result. Nothing is stored, nothing is tried again later: what fails now has failed.
//
// It is the relay's own path (routes, MX, TLS policies, conversion), one destination after the other so that the dialogue can be
// read. Routes that hold or discard are refused: there is no queue to hold anything in.
import { tryAddress } from '../mail/address.ts'
import { plainRecipientOptions, type RecipientOptions } from '../mail/delivery-options.ts'
import type { RecipientResult } from '../queue/transport.ts'
import type { DialogueLine } from '../smtp/client/dialogue.ts'
import { makeAttempt, noFacts } from './attempt.ts'
import { Connector } from './connector.ts'
import type { RelayContext } from './context.ts'
import { type LaneJob, runLane } from './lane.ts'
import type { Parcel } from './parcel.ts'
import type { Routes, TlsWish, Way } from './routes.ts'

export interface DirectRequest {
  readonly parcel: Parcel
  /** '' is the null reverse-path. */
  readonly reversePath: string
  readonly recipients: readonly { readonly address: string; readonly options?: RecipientOptions }[]
  /** The address of the account that sends, for routes; null for none. */
  readonly account?: string | null
  /** A route by name, instead of the configuration's choice. */
  readonly route?: string | null
  readonly observer?: DirectObserver
  readonly signal?: AbortSignal
}

/** Follows a delivery as it happens. */
export interface DirectObserver {
  /** Recipients of one destination are about to be tried. */
  destination?(key: string, recipients: readonly string[]): void
  line?(line: DialogueLine): void
  result?(recipient: string, result: RecipientResult): void
}

export interface DirectResult {
  readonly recipient: string
  readonly result: RecipientResult
}

export interface Direct {
  /** Results in the order of the recipients. Rejects for bugs alone. */
  deliver(request: DirectRequest): Promise<DirectResult[]>
}

export function createDirect(options: { readonly context: RelayContext; readonly routes: Routes }): Direct {
  const { context, routes } = options
  return {
    async deliver(request) {
      const results = new Map<number, RecipientResult>()
      const ways = new Map<string, { readonly way: Way; readonly places: number[] }>()
      for (const [place, { address }] of request.recipients.entries()) {
        const way = wayFor(address, { request, routes })
        if (way === null) {
          results.set(place, badAddress(address, context.clock.now()))
          continue
        }
        const group = ways.get(way.destination.key)
        if (group === undefined) ways.set(way.destination.key, { way, places: [place] })
        else group.places.push(place)
      }
      for (const { way, places } of ways.values()) {
        const given = await deliverTo(way, { places, request, context })
        for (const [at, place] of places.entries()) results.set(place, given[at] ?? { type: 'untried' })
      }
      return request.recipients.map(({ address }, place) => {
        const result = results.get(place) ?? { type: 'untried' as const }
        request.observer?.result?.(address, result)
        return { recipient: address, result }
      })
    },
  }
}

function wayFor(
  address: string,
  { request, routes }: { readonly request: DirectRequest; readonly routes: Routes },
): Way | null {
  const parsed = tryAddress(address, { utf8: true })
  const domain = parsed?.domain ?? parsed?.literal
  if (domain === undefined || domain === null) return null
  const { options } = request.parcel
  const tls: TlsWish =
    options.requireTls && request.reversePath !== '' ? 'required' : options.tlsOptional ? 'optional' : 'usual'
  return routes.wayOf({
    recipient: address,
    domain,
    reversePath: request.reversePath,
    account: request.account ?? null,
    chosen: request.route ?? null,
    tls,
  })
}

/** The recipients of one destination, in transactions of its size. */
async function deliverTo(
  way: Way,
  work: {
    readonly places: readonly number[]
    readonly request: DirectRequest
    readonly context: RelayContext
  },
): Promise<RecipientResult[]> {
  const { places, request, context } = work
  const recipients = places.flatMap((place) => request.recipients.slice(place, place + 1))
  request.observer?.destination?.(
    way.destination.key,
    recipients.map(({ address }) => address),
  )
  const { kind } = way.route.config
  if (kind === 'hold' || kind === 'fetch' || kind === 'discard')
    return recipients.map(() => noRoute(way, context.clock.now()))
  const results: RecipientResult[] = []
  const jobs: LaneJob[] = []
  for (let at = 0; at < recipients.length; at += way.destination.maxRecipients) {
    const part = recipients.slice(at, at + way.destination.maxRecipients)
    results.push(...part.map((): RecipientResult => ({ type: 'untried' })))
    jobs.push({
      parcel: request.parcel,
      reversePath: request.reversePath,
      recipients: part.map(({ address, options = plainRecipientOptions }) => ({ address, options })),
      report: (given) => void results.splice(at, given.length, ...given),
    })
  }
  const signal = request.signal ?? new AbortController().signal
  const observer = (line: DialogueLine) => request.observer?.line?.(line)
  await runLane({
    way,
    context,
    signal,
    next: () => Promise.resolve(jobs.shift() ?? null),
    connect: () => new Connector({ way, context, signal, observer }),
  })
  // What the lane left because the destination is of no use gets the words that the others got.
  const told = results.find((result) => result.type !== 'untried')
  return results.map((result) =>
    result.type === 'untried' && request.signal?.aborted !== true && told !== undefined && jobs.length > 0
      ? told
      : result,
  )
}

function badAddress(address: string, at: number): RecipientResult {
  const reply = `553 5.1.3 ${address} is no address`
  return {
    type: 'failed',
    attempt: makeAttempt({ at, facts: noFacts, stage: 'ours', outcome: 'failed', reply, status: '5.1.3' }),
  }
}

function noRoute(way: Way, at: number): RecipientResult {
  const reply = `550 5.7.1 The route ${way.route.name} does not deliver, it keeps mail in the queue or discards it`
  return {
    type: 'failed',
    attempt: makeAttempt({
      at,
      facts: { ...noFacts, policy: 'route' },
      stage: 'ours',
      outcome: 'failed',
      reply,
      status: '5.7.1',
    }),
  }
}
