// One worker on one destination: a session that is opened for the first job and kept for the next ones, each message right
// behind the one before it (RFC 2920), until the work, the session's allowance or the session itself is at its end.
//
// - A session that has carried mail and is found dead is no fault of the next message: it is tried again on a new session,
//   once. A fresh session that breaks counts against its host, and the next host is tried (RFC 5321 §5.1).
// - A message that a host cannot be given, while another of the same domain may take it, is offered to the others by a session of
//   its own; the rest of the mail goes on with the best host.
// - Recipients that a host has no room for in one transaction (RFC 9422, 452) get another one in the same session.
// - Every job that was taken is reported, exactly once, whatever happens.
import type { RecipientOptions } from '../mail/delivery-options.ts'
import type { RecipientResult } from '../queue/transport.ts'
import type { DeliveryOutcome } from '../smtp/client/outgoing.ts'
import { endingWords, stageName, type Trouble } from './attempt.ts'
import type { Connected, ConnectorOptions, LiveSession } from './connector.ts'
import {
  messageTrouble,
  type OutcomeContext,
  oursFailed,
  resultOf,
  tooManyRecipients,
  troubleResult,
} from './outcomes.ts'
import { type CannotGo, type Parcel, pathFor, prepare, type Prepared } from './parcel.ts'

/** One message for some recipients under one reverse-path. */
export interface LaneJob {
  readonly parcel: Parcel
  /** '' is the null reverse-path. */
  readonly reversePath: string
  readonly recipients: readonly { readonly address: string; readonly options: RecipientOptions }[]
  /** In the order of the recipients; called once. */
  readonly report: (results: readonly RecipientResult[]) => void
}

/** Where a lane's sessions come from: the hosts of a way (connector.ts), or a connection that was turned around (turn.ts). */
export interface SessionSource {
  next(): Promise<Connected>
  /** A session of it broke in the middle of things. */
  note(trouble: Trouble): void
  /**
   * The host of a session cannot do what a message needs: the next session is with another one, and null; or, where there is none
   * left, what that means for the message. Absent where there is no choice of hosts.
   */
  passOver?(trouble: Trouble): Trouble | null
}

export interface LaneOptions extends Pick<ConnectorOptions, 'way' | 'context'> {
  /** A source for the first session, and anew when a session has been used up. */
  readonly connect: () => SessionSource
  /** The next job; null ends the lane. */
  readonly next: () => Promise<LaneJob | null>
  readonly signal: AbortSignal
}

/** Milliseconds that what is under way gets when the lane is told to stop: a reply that is due saves a second copy (RFC 1047). */
const farewell = 5_000

/** A job with what is left of it to do. */
interface Work {
  readonly job: LaneJob
  readonly results: (RecipientResult | null)[]
  /** It was on a session that had gone stale, and starts again on a fresh one. */
  retried: boolean
  /** Hosts that could not be given it: it is on its way to another. */
  readonly passedOver: Set<string | null>
}

interface Session extends LiveSession {
  /** Messages given to it. */
  sent: number
  /** Opened for a message that a better host could not be given. */
  readonly detour: boolean
}

/** Works until the source is empty or the destination is of no use. Rejects for bugs alone. */
export async function runLane(options: LaneOptions): Promise<void> {
  await new Lane(options).run()
}

class Lane {
  readonly #options: LaneOptions
  readonly #waiting: Work[] = []
  #connector: SessionSource | null = null
  #session: Session | null = null
  /** The source's answer that has not come yet. */
  #asked: Promise<LaneJob | null> | null = null
  /** The source has ended. */
  #drained = false
  /** Tells whoever waits for the source that a message came back. */
  #wake: (() => void) | null = null
  /** The message whose outcome is not known yet. */
  #underWay: Promise<void> = Promise.resolve()
  /** The destination is of no use now: whatever else is taken gets the same answer. */
  #dead: Trouble | null = null

  constructor(options: LaneOptions) {
    this.#options = options
  }

  async run(): Promise<void> {
    const { signal, context } = this.#options
    const stop = () => {
      const timer = context.clock.after(farewell, () => this.#session?.client.close())
      void this.#underWay.finally(() => timer.cancel())
    }
    signal.addEventListener('abort', stop, { once: true })
    try {
      await this.#work()
    } finally {
      signal.removeEventListener('abort', stop)
      await this.#leave()
    }
  }

  async #work(): Promise<void> {
    for (;;) {
      const work = await this.#nextWork()
      if (work === null) return
      if (this.#options.signal.aborted) this.#giveBack(work)
      else if (this.#dead === null) await this.#begin(work)
      else this.#settleAll(work, troubleResult(this.#dead, this.#now()))
    }
  }

  /**
   * What was broken off first, then the source; what is under way may still bring something back, also while the source makes
   * us wait. A job that was asked for is always awaited: the source may have given it away already.
   */
  async #nextWork(): Promise<Work | null> {
    const { signal, next } = this.#options
    for (;;) {
      const waiting = this.#waiting.shift()
      if (waiting !== undefined) return waiting
      if (this.#asked === null && (signal.aborted || this.#dead !== null || this.#drained)) break
      this.#asked ??= next()
      const job = await this.#askedOrReturned(this.#asked)
      if (job === 'returned') continue
      this.#asked = null
      if (job !== null)
        return { job, results: job.recipients.map(() => null), retried: false, passedOver: new Set() }
      this.#drained = true
    }
    await this.#underWay
    return this.#waiting.shift() ?? null
  }

  /** No race against a promise that lives as long as the lane: it would keep something of every message that it lost to. */
  #askedOrReturned(asked: Promise<LaneJob | null>): Promise<LaneJob | null | 'returned'> {
    return new Promise((resolve, reject) => {
      this.#wake = () => resolve('returned')
      asked.then(resolve, reject)
    })
  }

  /** A message that is to be sent again. */
  #putBack(work: Work): void {
    this.#waiting.push(work)
    this.#wake?.()
  }

  /** Gives a message to the session; its outcome is awaited beside the next one's beginning. */
  async #begin(work: Work): Promise<void> {
    const session = await this.#sessionFor(work)
    if (session === null) return
    session.sent++
    const given = Promise.withResolvers<void>()
    const sending = this.#send(work, { session, given: given.resolve })
    const before = this.#underWay
    this.#underWay = Promise.all([before, sending]).then(() => undefined)
    // The next message may come when this one is in the client's hands and the content of the one before it is out.
    await Promise.race([sending, given.promise])
    await Promise.race([sending, session.client.roomForNext()])
    if (session.client.ending !== null) await this.#underWay
  }

  /** A session with room for that message; null where the destination has none for us, and the message is settled. */
  async #sessionFor(work: Work): Promise<Session | null> {
    const { way } = this.#options
    const session = this.#session
    if (session !== null) {
      const spent = session.sent >= way.route.maxMessagesPerConnection
      const { host } = session.facts
      const avoided = work.passedOver.has(host)
      const fits = work.passedOver.size === 0 ? !session.detour : !avoided
      if (session.client.reusable && !spent && fits) return session
      await this.#underWay
      await this.#leave()
      // From a host that was passed over the same pass goes on; anything else begins a new one.
      if (!avoided) this.#connector = null
    }
    this.#connector ??= this.#options.connect()
    const connected = await this.#connector.next()
    if (connected.type === 'exhausted') {
      this.#exhausted(work, connected.trouble)
      return null
    }
    this.#session = { ...connected.live, sent: 0, detour: work.passedOver.size > 0 }
    return this.#session
  }

  #exhausted(work: Work, trouble: Trouble): void {
    if (this.#options.signal.aborted) return this.#giveBack(work)
    if (work.passedOver.size > 0) {
      // Other mail may go to the host that could not be given this.
      this.#connector = null
      return this.#settleAll(work, messageTrouble(trouble, this.#now()))
    }
    this.#dead = trouble
    this.#settleAll(work, troubleResult(trouble, this.#now()))
  }

  async #leave(): Promise<void> {
    const session = this.#session
    this.#session = null
    if (session !== null && session.client.ending === null) await session.client.quit()
  }

  /** One message, in as many transactions as the host makes of it. Never rejects for what a host does. */
  async #send(work: Work, turn: { readonly session: Session; readonly given: () => void }): Promise<void> {
    const { session, given } = turn
    const { job, results } = work
    const { client, facts } = session
    try {
      const warm = client.accepted > 0 || session.sent > 1
      const ready = await this.#ready(work, session)
      if (ready === null) return
      const { prepared, reversePath, paths } = ready
      let { places } = ready
      while (places.length > 0) {
        const sending = client.send({
          reversePath,
          recipients: places.map((place) => ({
            address: paths.get(place) ?? '',
            options: this.#recipientOptions(job, place, session),
          })),
          options: prepared.options,
          size: prepared.size,
          eightBit: prepared.eightBit,
          content: prepared.content,
        })
        given()
        const outcomes = (await sending).recipients.map(farewellIsLoss)
        const lost = this.#lostElsewhere(outcomes, { work, session, warm })
        const again = lost ? [] : anotherTransaction(places, outcomes)
        const moved = lost ? [] : beyondSession(places, outcomes)
        const context = this.#outcomeContext(job, session)
        for (const [at, place] of places.entries()) {
          const outcome = outcomes[at]
          const open = again.includes(place) || moved.includes(place) || (lost && outcome?.type === 'lost')
          if (outcome !== undefined && !open) results[place] = resultOf(outcome, context)
        }
        if (lost || moved.length > 0) {
          this.#putBack(work)
          return
        }
        places = again
      }
      this.#finish(work)
    } catch (error) {
      this.#settleAll(work, oursFailed(error, { facts, at: this.#now() }))
    }
  }

  /** The message made fit for that host, and how its recipients are said there; null where the host cannot have it. */
  async #ready(
    work: Work,
    session: Session,
  ): Promise<{
    prepared: Prepared
    reversePath: string
    paths: Map<number, string>
    places: number[]
  } | null> {
    const { config, clock } = this.#options.context
    const prepared = await prepare(work.job.parcel, {
      capabilities: session.client.capabilities,
      now: clock.now(),
      maxHeader: config.maxMimeBuffer,
    })
    const { reversePath, paths, places } = this.#mailable(work, session)
    if (prepared.type === 'cannot-go') {
      const moves = prepared.elsewhere && this.#elsewhere(work, prepared, session)
      if (!moves) this.#settleAll(work, this.#ownRefusal(prepared, session))
      return null
    }
    if (reversePath === null) {
      const reply = '553 5.6.7 The reverse-path needs SMTPUTF8, which the host does not offer'
      this.#settleAll(work, this.#ownRefusal({ reply, status: '5.6.7' }, session))
      return null
    }
    return { prepared, reversePath, paths, places }
  }

  /** Has another host try it; false where there is no choice. */
  #elsewhere(work: Work, { reply, status }: CannotGo, { facts }: Session): boolean {
    const source = this.#connector
    if (source?.passOver === undefined) return false
    const trouble = source.passOver({ facts, stage: 'mail', reply, status, outcome: 'failed' })
    if (trouble === null) {
      work.passedOver.add(facts.host)
      this.#putBack(work)
    } else this.#settleAll(work, messageTrouble(trouble, this.#now()))
    return true
  }

  #outcomeContext({ parcel }: LaneJob, { client, facts }: Session): OutcomeContext {
    return {
      ...{ facts, capabilities: client.capabilities, at: this.#now() },
      dialect: this.#options.way.route.config.kind === 'lmtp' ? 'lmtp' : 'smtp',
      deliverBy: parcel.options.deliverBy,
    }
  }

  /** Which recipients can be named to that host, and how; those that cannot are settled. */
  #mailable(
    { job, results }: Work,
    session: Session,
  ): { reversePath: string | null; paths: Map<number, string>; places: number[] } {
    const { capabilities } = session.client
    const paths = new Map<number, string>()
    for (const [place, { address }] of job.recipients.entries()) {
      const path = pathFor(address, capabilities)
      if (path !== null && results[place] === null) paths.set(place, path)
      else if (path === null) {
        const reply = '553 5.6.7 The address needs SMTPUTF8, which the host does not offer'
        results[place] = this.#ownRefusal({ reply, status: '5.6.7' }, session)
      }
    }
    return { reversePath: pathFor(job.reversePath, capabilities), paths, places: [...paths.keys()] }
  }

  #recipientOptions(job: LaneJob, place: number, { client }: Session): RecipientOptions {
    const options = job.recipients[place]?.options ?? {
      notify: null,
      originalRecipient: null,
      requireValidSince: null,
    }
    const { deliverBy } = job.parcel.options
    if (deliverBy?.mode !== 'notify' || client.capabilities.deliverBy !== null) return options
    // RFC 2852 §4.1.4.2: a host without DELIVERBY is asked to report a delay at least.
    if (options.notify === null) return { ...options, notify: ['failure', 'delay'] }
    const silent = options.notify.length === 0 || options.notify.includes('delay')
    return silent ? options : { ...options, notify: [...options.notify, 'delay'] }
  }

  /**
   * Whether the session broke before the message was complete, so that it is to be tried on the next host, or on a new session
   * where this one had merely gone stale. False where the outcome stands.
   */
  #lostElsewhere(
    outcomes: readonly DeliveryOutcome[],
    sent: { readonly work: Work; readonly session: Session; readonly warm: boolean },
  ): boolean {
    const { work, session, warm } = sent
    const lost = outcomes.find((outcome) => outcome?.type === 'lost')
    if (lost?.type !== 'lost' || this.#options.signal.aborted) return false
    const { ending } = lost
    if (ending.type === 'closed' && !warm) return false
    if (this.#session === session) this.#session = null
    if (warm && !work.retried) {
      // Not this message's doing: a warm connection goes stale, and a message behind another shares its fate.
      work.retried = true
      this.#connector = null
    } else {
      this.#connector?.note({
        facts: session.facts,
        stage: stageName(ending.stage),
        ...endingWords(ending),
        outcome: 'deferred',
      })
    }
    return true
  }

  #ownRefusal(
    refusal: { readonly reply: string; readonly status: string },
    session: Session,
  ): RecipientResult {
    const { reply, status } = refusal
    return troubleResult(
      { facts: session.facts, stage: 'mail', reply, status, outcome: 'failed' },
      this.#now(),
    )
  }

  #settleAll(work: Work, result: RecipientResult): void {
    for (const place of work.results.keys()) work.results[place] ??= result
    this.#finish(work)
  }

  #giveBack(work: Work): void {
    this.#settleAll(work, { type: 'untried' })
  }

  #finish({ job, results }: Work): void {
    job.report(results.map((result) => result ?? { type: 'untried' }))
  }

  #now(): number {
    return this.#options.context.clock.now()
  }
}

/** RFC 5321 §3.8: 421 is no verdict on the mail, whatever command it answered; the host is going. */
function farewellIsLoss(outcome: DeliveryOutcome): DeliveryOutcome {
  if (outcome.type !== 'refused' || outcome.reply.code !== 421) return outcome
  const { stage, reply } = outcome
  return { type: 'lost', ending: { type: 'farewell', stage, reply } }
}

/**
 * RFC 5321 §4.5.3.1.10 and RFC 9422: those that did not fit get another transaction, as long as each one gets somebody
 * through. One that fits nobody is the host's refusal.
 */
function anotherTransaction(
  places: readonly number[],
  outcomes: readonly (DeliveryOutcome | undefined)[],
): number[] {
  const accepted = outcomes.some((outcome) => outcome?.type === 'accepted')
  if (!accepted) return []
  return places.filter((_, at) => {
    const outcome = outcomes[at]
    if (outcome?.type === 'beyond-limit') return outcome.limit !== 'MAILMAX'
    return outcome?.type === 'refused' && tooManyRecipients(outcome.stage, outcome.reply)
  })
}

/**
 * RFC 9422: a session that has had its MAILMAX takes no more; those whom nothing was said of go on in the next one, which takes
 * one transaction at least.
 */
function beyondSession(
  places: readonly number[],
  outcomes: readonly (DeliveryOutcome | undefined)[],
): number[] {
  return places.filter((_, at) => {
    const outcome = outcomes[at]
    return outcome?.type === 'beyond-limit' && outcome.limit === 'MAILMAX'
  })
}
