// Tells webhooks what became of mail: each one every event that it is for, in order, at least once.
//
// - Events are in the store, in the commit that made them true; how far a webhook has come is there too. So nothing is lost with the
//   process, and mail never waits for anybody's web server.
// - An event that is not taken is tried again with growing waits; what comes after it waits too, since order is promised. After
//   `webhookGiveUpAfter` it is passed over, with an event of ours that says so.
// - Of several nodes with one store, one tells each webhook: whoever claims its place. A node that dies is followed when its claim
//   has run out, and what it told last may be told again.
// - Events that all webhooks have had go when they are older than `webhookKeep`: until then the feed has them.
import type { Clock, Timer } from '../base/clock.ts'
import type { Random } from '../base/random.ts'
import type { HttpConfig, WebhookConfig } from '../config/sections/http.ts'
import { errorText } from '../events/error-text.ts'
import type { Events } from '../events/event.ts'
import { webhookFailed, webhookGaveUp, webhookTrouble } from '../events/http.ts'
import { type HttpFetch, postJson } from '../hooks/http-request.ts'
import type { HookCursor, HookEvent } from '../store/queue.ts'
import type { Store } from '../store/store.ts'
import { isFor, shown } from './event-feed.ts'

export interface WebhookParts {
  readonly store: Pick<
    Store,
    'hookEvents' | 'hookCursors' | 'claimHookCursor' | 'setHookCursor' | 'pruneHookEvents'
  >
  readonly webhooks: readonly WebhookConfig[]
  readonly config: HttpConfig
  readonly httpFetch: HttpFetch
  readonly clock: Clock
  readonly random: Random
  readonly events: Events
}

/** Events read at a time, and told before the place is noted. */
const batchEvents = 100
/** A claim outlasts so many requests that are not answered. */
const claimedRequests = 4
const pruneMilliseconds = 3_600_000
const pruneEvents = 1000

/** Works until disposed; then what is under way is finished or given up, and told again by the next start. */
export function startWebhooks(parts: WebhookParts): AsyncDisposable {
  const stopping = new AbortController()
  const running = new Set<Promise<void>>()
  const timers = new Set<Timer>()
  /** Runs `work` now and again, never twice at once; `work` says after how many milliseconds. */
  const repeat = (work: () => Promise<number>): void => {
    const round = work()
      .catch((error: unknown) => {
        parts.events.emit(webhookTrouble, { error: errorText(error) })
        return parts.config.webhookRetryFirst
      })
      .then((wait) => {
        if (stopping.signal.aborted) return
        const timer = parts.clock.after(wait, () => {
          timers.delete(timer)
          repeat(work)
        })
        timers.add(timer)
      })
      .finally(() => running.delete(round))
    running.add(round)
  }
  for (const webhook of parts.webhooks) {
    const teller = new Teller(webhook, { parts, signal: stopping.signal })
    repeat(() => teller.round())
  }
  if (parts.webhooks.length > 0) repeat(() => prune(parts))
  return {
    async [Symbol.asyncDispose]() {
      stopping.abort()
      for (const timer of timers) timer.cancel()
      await Promise.all(running)
    },
  }
}

/** One webhook's way through the events. */
class Teller {
  readonly #webhook: WebhookConfig
  readonly #parts: WebhookParts
  readonly #signal: AbortSignal
  readonly #holder: string

  constructor(webhook: WebhookConfig, { parts, signal }: { parts: WebhookParts; signal: AbortSignal }) {
    this.#webhook = webhook
    this.#parts = parts
    this.#signal = signal
    this.#holder = parts.random.id()
  }

  /** Tells what there is; the milliseconds until it is worth looking again. */
  async round(): Promise<number> {
    const { store, clock, config } = this.#parts
    // Only what there is something to tell is claimed: looking costs no commit.
    const known = await this.#readCursor()
    const early = known.nextAttempt - clock.now()
    if (early > 0) return Math.min(early, config.webhookRetryLongest)
    const some = await store.hookEvents({ after: known.last, limit: 1 })
    if (some.length === 0) return config.webhookPoll
    const cursor = await store.claimHookCursor({
      endpoint: this.#webhook.url,
      holder: this.#holder,
      now: clock.now(),
      until: clock.now() + this.#claimFor(),
    })
    return cursor === undefined ? config.webhookPoll : this.#tellAll(cursor)
  }

  /** As long as the place is ours, which ends with the last event. */
  async #tellAll(from: HookCursor): Promise<number> {
    const { store, clock, config } = this.#parts
    const holder = this.#holder
    let cursor = from
    for (;;) {
      const wait = cursor.nextAttempt - clock.now()
      const stops = wait > 0 || this.#signal.aborted
      const events = stops ? [] : await store.hookEvents({ after: cursor.last, limit: batchEvents })
      if (events.length === 0) {
        await store.setHookCursor({ cursor, holder, until: clock.now() })
        return wait > 0 ? wait : config.webhookPoll
      }
      cursor = await this.#tell(events, cursor)
      const until = clock.now() + this.#claimFor()
      if (!(await store.setHookCursor({ cursor, holder, until }))) return config.webhookPoll
    }
  }

  #claimFor(): number {
    return this.#parts.config.webhookTimeout * claimedRequests
  }

  async #readCursor(): Promise<HookCursor> {
    const cursors = await this.#parts.store.hookCursors()
    const { url } = this.#webhook
    const found = cursors.find(({ endpoint }) => endpoint === url)
    // A new webhook begins with what is still kept.
    return found ?? { endpoint: url, last: 0, failures: 0, nextAttempt: 0 }
  }

  /** As far as it goes, and while the claim lasts. */
  async #tell(events: readonly HookEvent[], from: HookCursor): Promise<HookCursor> {
    const { clock, config } = this.#parts
    const late = clock.now() + config.webhookTimeout * (claimedRequests - 2)
    let cursor = from
    for (const event of events) {
      if (this.#signal.aborted || clock.now() > late) return cursor
      const error = isFor(this.#webhook, event) ? await this.#post(event) : null
      const tooOld = clock.now() - event.at >= config.webhookGiveUpAfter
      if (error !== null && !tooOld) return this.#failed(event, { cursor, error })
      if (error !== null) {
        const { url } = this.#webhook
        this.#parts.events.emit(webhookGaveUp, { url, told: event.id, type: event.type })
      }
      cursor = { ...cursor, last: event.id, failures: 0, nextAttempt: 0 }
    }
    return cursor
  }

  /** Null once it was taken; else why not. */
  async #post(event: HookEvent): Promise<string | null> {
    const { config } = this.#parts
    const { url, secret } = this.#webhook
    try {
      const body = JSON.stringify(shown(event))
      const { webhookTimeout: timeout, webhookMaxAnswer: maxAnswer } = config
      const request = { url, secret, body, id: `evt_${event.id}`, timeout, maxAnswer }
      const { status } = await postJson(request, this.#parts)
      return status >= 200 && status < 300 ? null : `HTTP status ${status}`
    } catch (error) {
      return errorText(error)
    }
  }

  #failed(event: HookEvent, { cursor, error }: { cursor: HookCursor; error: string }): HookCursor {
    const { clock, config, random, events } = this.#parts
    const failures = cursor.failures + 1
    const wait = Math.min(
      config.webhookRetryFirst * 2 ** Math.min(failures - 1, 30),
      config.webhookRetryLongest,
    )
    // Up to a tenth more, so that webhooks of one host do not all come back at once.
    const nextAttempt = clock.now() + wait + random.below(Math.max(1, Math.floor(wait / 10)))
    const { url } = this.#webhook
    events.emit(webhookFailed, { url, told: event.id, failures, nextAttempt, error })
    return { ...cursor, failures, nextAttempt }
  }
}

/** Drops what everybody has had and nobody needs; the milliseconds until the next time. */
async function prune({ store, webhooks, config, clock }: WebhookParts): Promise<number> {
  const cursors = await store.hookCursors()
  const urls = new Set(webhooks.map(({ url }) => url))
  const places = cursors.filter(({ endpoint }) => urls.has(endpoint)).map(({ last }) => last)
  const told = places.length < urls.size ? 0 : Math.min(...places)
  let upTo = 0
  for (;;) {
    const events = await store.hookEvents({ after: upTo, limit: pruneEvents })
    const old = events.filter(({ id, at }) => id <= told && at < clock.now() - config.webhookKeep)
    upTo = old.at(-1)?.id ?? upTo
    if (old.length < pruneEvents) break
  }
  if (upTo > 0) await store.pruneHookEvents(upTo)
  return pruneMilliseconds
}
