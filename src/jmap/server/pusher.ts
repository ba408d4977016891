// Pushes to the subscriptions of all accounts (RFC 8620 §7.2): verifies new ones, follows the states of those who have verified ones, and
// removes what push services do not know any more.
//
// An account without verified subscriptions costs nothing. Each push looks first whether the subscription and its credentials are
// still there.
import type { Clock } from '../../base/clock.ts'
import type { JmapConfig } from '../../config/sections/jmap.ts'
import { credentialHolds, pushKind } from '../../directory/push-credentials.ts'
import { errorText } from '../../events/error-text.ts'
import type { Events } from '../../events/event.ts'
import { pushFailed, pushRemoved, pushSent, pushTrouble } from '../../events/jmap.ts'
import type { AccountId, ObjectId } from '../../store/model.ts'
import type { Store } from '../../store/store.ts'
import type { JsonObject } from '../proto/json.ts'
import type { States } from '../proto/push.ts'
import type { WatchedType } from './module.ts'
import { PushLane } from './push-lane.ts'
import type { PushAnswer, PushRequest } from './push-request.ts'
import { type PushSubscription, subscriptionId, subscriptionOf } from './push-subscription.ts'
import { StateWatch } from './state-watch.ts'
import type { VapidKeys } from './vapid.ts'

export interface PusherParts {
  readonly store: Store
  readonly clock: Clock
  readonly events: Events
  readonly config: JmapConfig
  readonly types: readonly WatchedType[]
  readonly request: PushRequest
  readonly vapid: VapidKeys
  /** RFC 8292 §2.1: `mailto:` or `https:`. */
  readonly subject: string
}

/** After a failure of the store. */
const againAfter = 30_000

interface Following {
  readonly lanes: Map<ObjectId, { readonly lane: PushLane; subscription: PushSubscription }>
  watch: StateWatch | null
}

export class Pusher {
  readonly #parts: PusherParts
  readonly #following = new Map<AccountId, Following>()
  /** What is done for an account, one thing after another. */
  readonly #work = new Map<AccountId, Promise<void>>()
  #stopped = false

  constructor(parts: PusherParts) {
    this.#parts = parts
  }

  /** Takes up the subscriptions that are kept. Rejects where the store cannot serve. */
  async start(): Promise<void> {
    const { store } = this.#parts
    for (const account of await store.accountsWithObjects(pushKind)) await this.refresh(account)
  }

  stop(): void {
    this.#stopped = true
    for (const account of this.#following.keys()) this.#leave(account)
  }

  /** Subscriptions of the account have changed; a new one is verified. As `refresh`. */
  changed(account: AccountId, made: PushSubscription | null): Promise<void> {
    if (made !== null) void this.#verify(made)
    return this.refresh(account)
  }

  /** Follows what the account's verified subscriptions are to be told, from when it resolves. Never rejects. */
  refresh(account: AccountId): Promise<void> {
    const before = this.#work.get(account) ?? Promise.resolve()
    const work = before.then(() =>
      this.#refresh(account).catch((error: unknown) => this.#trouble(account, error)),
    )
    this.#work.set(account, work)
    return work.finally(() => {
      if (this.#work.get(account) === work) this.#work.delete(account)
    })
  }

  #trouble(account: AccountId, error: unknown): void {
    if (this.#stopped) return
    this.#parts.events.emit(pushTrouble, { account, error: errorText(error) })
    this.#leave(account)
    this.#parts.clock.after(againAfter, () => void this.refresh(account))
  }

  async #refresh(account: AccountId): Promise<void> {
    const { store, clock } = this.#parts
    if (this.#stopped) return
    const objects = await store.listObjects({ account, kind: pushKind, now: clock.now() })
    const verified = objects
      .map((object) => subscriptionOf(account, object))
      .filter(({ isVerified }) => isVerified)
    if (verified.length === 0) {
      this.#leave(account)
      return
    }
    const following = this.#following.get(account) ?? { lanes: new Map(), watch: null }
    this.#following.set(account, following)
    const ids = new Set(verified.map(({ object }) => object))
    for (const [id, { lane }] of following.lanes) {
      if (ids.has(id)) continue
      lane.stop()
      following.lanes.delete(id)
    }
    for (const subscription of verified) {
      const known = following.lanes.get(subscription.object)
      if (known === undefined) {
        following.lanes.set(subscription.object, { lane: this.#laneOf(subscription), subscription })
      } else known.subscription = subscription
    }
    if (following.watch !== null) return
    const watch = await this.#watch(account)
    // It was left meanwhile.
    if (this.#following.get(account) === following) following.watch = watch
    else watch?.stop()
  }

  async #watch(account: AccountId): Promise<StateWatch | null> {
    const viewer = await this.#parts.store.getAccount(account)
    if (viewer === undefined) return null
    return StateWatch.start(this.#parts, {
      ...{ viewer, wanted: null, since: null },
      tell: (changed) => {
        for (const { lane, subscription } of this.#following.get(account)?.lanes.values() ?? []) {
          const wanted = onlyOf(changed, subscription.types)
          if (wanted.size > 0) lane.tell(wanted)
        }
      },
      ended: (error) => {
        if (error === null) this.#leave(account)
        else this.#trouble(account, error)
      },
    })
  }

  #leave(account: AccountId): void {
    const following = this.#following.get(account)
    if (following === undefined) return
    this.#following.delete(account)
    following.watch?.stop()
    for (const { lane } of following.lanes.values()) lane.stop()
  }

  #laneOf(subscription: PushSubscription): PushLane {
    const { clock, config, events } = this.#parts
    const { account } = subscription
    const host = hostOf(subscription)
    return new PushLane({
      ...{ clock, config },
      send: (object) =>
        this.#send(subscription, object).catch((error: unknown) => ({
          ok: false,
          problem: errorText(error),
        })),
      gone: () => void this.#remove(subscription, 'gone'),
      failed: (error, failures, nextAttempt) =>
        events.emit(pushFailed, { account, host, failures, nextAttempt, error }),
    })
  }

  /** RFC 8620 §7.2.2: "the server MUST immediately push a *PushVerification* object". */
  async #verify(made: PushSubscription): Promise<void> {
    const { events, clock, config } = this.#parts
    const { pushVerifications: verifications } = config
    const { account } = made
    const host = hostOf(made)
    const object = {
      '@type': 'PushVerification',
      pushSubscriptionId: subscriptionId(made.object),
      verificationCode: made.verificationCode,
    }
    for (let attempt = 1; attempt <= verifications && !this.#stopped; attempt++) {
      const answer = await this.#post(made, object).catch((error: unknown) => ({
        ok: false as const,
        problem: errorText(error),
      }))
      // Whatever it answered, it was asked: nothing more goes there before the client has the code.
      if (answer.ok) {
        events.emit(pushSent, { account, host, kind: 'verification' })
        return
      }
      const nextAttempt = attempt < verifications ? clock.now() + againAfter : null
      events.emit(pushFailed, { account, host, failures: attempt, nextAttempt, error: answer.problem })
      if (nextAttempt !== null) await clock.sleep(againAfter)
    }
  }

  async #send(subscription: PushSubscription, object: JsonObject): Promise<PushAnswer | undefined> {
    const { store, clock, events } = this.#parts
    const { account, object: id, credential } = subscription
    const [kept] = await store.getObjects({ account, kind: pushKind, ids: [id], now: clock.now() })
    if (kept === undefined) {
      void this.refresh(account)
      return undefined
    }
    if (!(await credentialHolds(store, { account, credential, now: clock.now() }))) {
      await this.#remove(subscription, 'credentials')
      return undefined
    }
    const answer = await this.#post(subscription, object)
    if (answer.ok && answer.status < 300) {
      events.emit(pushSent, { account, host: hostOf(subscription), kind: 'state' })
    }
    return answer
  }

  async #post(subscription: PushSubscription, object: JsonObject): Promise<PushAnswer> {
    const { makePush } = await import('./web-push.ts')
    const { request, vapid, subject, clock, config } = this.#parts
    const piece = makePush(subscription, object, {
      ...{ vapid, subject, now: clock.now() },
      timeToLive: config.pushTimeToLive,
    })
    return request({ url: subscription.url, ...piece, timeoutMilliseconds: config.pushTimeout })
  }

  async #remove(subscription: PushSubscription, reason: 'gone' | 'credentials'): Promise<void> {
    const { store, clock, events } = this.#parts
    const { account, object } = subscription
    try {
      await store.changeObjects({ account, kind: pushKind, destroy: [object], now: clock.now() })
      events.emit(pushRemoved, { account, host: hostOf(subscription), reason })
      await this.refresh(account)
    } catch (error) {
      this.#trouble(account, error)
    }
  }
}

function hostOf({ url }: PushSubscription): string {
  return new URL(url).host
}

function onlyOf(changed: States, types: readonly string[] | null): States {
  if (types === null) return changed
  const wanted = [...changed].map(
    ([account, states]) => [account, new Map([...states].filter(([type]) => types.includes(type)))] as const,
  )
  return new Map(wanted.filter(([, states]) => states.size > 0))
}
