// Carries a session: joins one connection to one protocol core and one handler.
//
// What it keeps:
// - Outputs happen in the order in which the core gave them. The writes of one batch leave as one segment where the
//   connection can do that; a handler that answers at once costs no promise and no tick.
// - The core hears nothing while an answer is outstanding, while the handler tells something between questions (`Sink.between`),
//   or while the peer leaves its replies unread: bytes are held
//   up to `heldBytes`, then the connection is paused. So neither side can make the other grow without bound.
// - One timer per session, moved lazily: activity only notes the time. While an answer is outstanding the peer is not
//   silent, it waits: neither the time-out nor a deadline runs. A peer that does not read for the whole time-out is cut.
// - Bytes held when TLS starts end the session; they were sent in the clear and are never interpreted.
// - A core that hands its connection over hears nothing more; the handler's `takeOver` owns the connection, time-outs
//   included, and the session counts as open until its promise settles. What the peer sent before that ends the session.
// - Whatever breaks (reset, core, handler, handshake) ends this session alone: `Handler.closed` runs once, after the last
//   answer or the take-over, and then `SessionEvents.finished`.
//
// It relies on a connection that never calls back from inside one of its own methods.
import type { Phase } from './pump-phase.ts'
import type { Clock } from '../base/clock.ts'
import type { Connection } from '../base/connection.ts'
import type { Core, Handler, Output, Peer, Sink, TlsState } from '../base/core.ts'
import { DeflatedConnection } from './deflated-connection.ts'
import { HeldInput } from './held-input.ts'
import { LazyTimer } from './lazy-timer.ts'
import { Outbox } from './outbox.ts'
import type { SessionEnding, SessionEvents, SessionView } from './session-view.ts'

/** What a protocol's server brings: a core and a handler for each connection. */
export interface Service<Question, Answer> {
  makeCore(peer: Peer): Core<Question, Answer>
  makeHandler(sink: Sink, peer: Peer): Handler<Question, Answer>
}

/** The pump's own limits; the rest belong to the cores. */
export interface PumpLimits {
  /** Octets held for a core that waits for an answer, before the connection is paused (one read may exceed it). */
  readonly heldBytes: number
  /** From the last reply to closing hard, where the peer does not close its side. */
  readonly lingerMilliseconds: number
  /** For a TLS handshake, from its start. */
  readonly handshakeMilliseconds: number
}

export const defaultPumpLimits: PumpLimits = {
  heldBytes: 65_536,
  lingerMilliseconds: 5_000,
  handshakeMilliseconds: 30_000,
}

export interface PumpSettings {
  readonly clock: Clock
  readonly limits: PumpLimits
  readonly events: SessionEvents
}

const ignore = () => undefined

type Notice = 'none' | 'due' | 'told'

/** One session. Made with its connection paused; `start` sets it going. */
export class Session<Question, Answer> implements Sink, SessionView {
  readonly peer: Peer
  #connection: Connection
  readonly #settings: PumpSettings
  readonly #core: Core<Question, Answer>
  readonly #handler: Handler<Question, Answer>
  #phase: Phase = 'fresh'
  #ending: SessionEnding | null = null

  readonly #outbox: Outbox
  #flushScheduled = false
  #deferred: Output<Question>[] | null = null
  /** What the handler wants to tell when the core is next idle. */
  #toTell: (() => Promise<void>) | null = null

  readonly #held = new HeldInput()
  #paused = false
  #peerEnd: Notice = 'none'
  #shutdown: Notice = 'none'

  #timeOut = 0
  #lastActive = 0
  /** When the core's `deadline` is over; infinite where there is none. */
  #deadlineAt = Number.POSITIVE_INFINITY
  #askedAt = 0
  readonly #timer: LazyTimer
  #abort: AbortController | null = null

  constructor(connection: Connection, service: Service<Question, Answer>, settings: PumpSettings) {
    this.peer = connection.peer
    this.#connection = connection
    this.#settings = settings
    this.#outbox = new Outbox(connection)
    this.#timer = new LazyTimer(settings.clock, (now) => this.#tick(now))
    this.#core = service.makeCore(connection.peer)
    this.#handler = service.makeHandler(this, connection.peer)
    this.#listen(connection)
  }

  get account(): string | null {
    return this.#handler.account?.() ?? null
  }

  #listen(connection: Connection): void {
    connection.onData = (bytes) => this.#onData(bytes)
    connection.onEnd = () => this.#onEnd()
    connection.onDrain = () => this.#onDrain()
    connection.onClose = (error) => this.#onClose(error)
  }

  /** Opens the core; with `handshake: 'first'` only after a TLS handshake (RFC 8314 §3). Call once. */
  start(handshake: 'first' | 'none' = 'none'): void {
    if (this.#phase !== 'fresh') return
    this.#lastActive = this.#settings.clock.monotonic()
    if (handshake === 'first') this.#startTls((tls) => this.#core.open(tls))
    else this.#run(() => this.#core.open(this.#connection.tls))
    if (!this.#isGone()) this.#connection.resume()
  }

  get ending(): SessionEnding | null {
    return this.#ending
  }

  get held(): number {
    return this.#held.size
  }

  /** A connection that was taken over is left to its new owner until `destroy`. */
  stop(): void {
    if (this.#shutdown !== 'none') return
    this.#shutdown = 'due'
    if (this.#phase === 'upgrading') this.destroy()
    else this.#settle()
  }

  destroy(): void {
    this.#cut('cut')
  }

  get gone(): AbortSignal {
    if (this.#abort === null) {
      this.#abort = new AbortController()
      if (this.#isGone()) this.#abort.abort()
    }
    return this.#abort.signal
  }

  /** `Sink.write`. Harmless when the session is over. The bytes must not be changed afterwards. */
  write(bytes: Uint8Array | string): void | Promise<void> {
    if (this.#isGone() || this.#phase === 'closing' || this.#phase === 'taken-over') return
    if (this.#phase === 'upgrading') {
      this.#broke(new Error('a handler wrote during a TLS handshake'))
      return
    }
    this.#outbox.send(bytes)
    if (this.#phase !== 'running' && !this.#flushScheduled) {
      this.#flushScheduled = true
      queueMicrotask(() => {
        this.#flushScheduled = false
        this.#outbox.flush()
      })
    }
    if (!this.#outbox.blocked) return
    return this.#outbox.room()
  }

  /** `Sink.between`. */
  between(telling: () => Promise<void>): void {
    if (this.#isGone() || this.#phase === 'closing' || this.#phase === 'taken-over') return
    this.#toTell = telling
    this.#settle()
  }

  #tell(telling: () => Promise<void>): void {
    this.#toTell = null
    this.#phase = 'telling'
    telling().then(
      () => this.#told(null),
      (error: unknown) => this.#told({ error }),
    )
  }

  #told(failure: { readonly error: unknown } | null): void {
    if (this.#phase === 'lost') {
      if (failure !== null) this.#settings.events.broke(this.peer, failure.error)
      this.#phase = 'gone'
      this.#finish()
    } else if (this.#phase === 'telling') {
      this.#phase = 'idle'
      if (failure !== null) this.#broke(failure.error)
      else this.#settle()
      if (!this.#isGone()) this.#armDue()
    }
  }

  // Input

  #onData(bytes: Uint8Array): void {
    this.#lastActive = this.#settings.clock.monotonic()
    switch (this.#phase) {
      case 'idle':
        if (this.#outbox.blocked) this.#hold(bytes)
        else this.#run(() => this.#core.receive(bytes))
        return
      case 'upgrading':
        this.#cut('injected')
        return
      case 'closing':
      case 'lost':
      case 'gone':
        return
      default:
        this.#hold(bytes)
    }
  }

  #hold(bytes: Uint8Array): void {
    this.#held.add(bytes)
    if (this.#held.size >= this.#settings.limits.heldBytes && !this.#paused) {
      this.#paused = true
      this.#connection.pause()
    }
  }

  #onEnd(): void {
    if (this.#peerEnd !== 'none') return
    this.#peerEnd = 'due'
    this.#settle()
  }

  /** Works off what waited for the core to be idle, in order, then lets the peer speak again. */
  #settle(): void {
    while (this.#phase === 'idle' && !this.#outbox.blocked) {
      if (this.#shutdown === 'due') {
        this.#shutdown = 'told'
        this.#carry(() => this.#core.shutdown())
      } else if (!this.#held.isEmpty) {
        this.#carry(() => this.#core.receive(this.#held.take()))
      } else if (this.#peerEnd === 'due') {
        this.#peerEnd = 'told'
        this.#ending = 'peer-ended'
        this.#carry(() => this.#core.ended())
      } else if (this.#peerEnd === 'told') {
        this.#close()
      } else {
        if (this.#paused) this.#resume()
        if (this.#toTell !== null) this.#tell(this.#toTell)
        return
      }
    }
  }

  #resume(): void {
    this.#paused = false
    this.#connection.resume()
  }

  // Output

  /** Carries what the core says, and whatever that sets free. */
  #run(step: () => Output<Question>[]): void {
    this.#carry(step)
    const waits = this.#peerEnd !== 'none' || this.#paused || this.#toTell !== null
    if (waits || this.#shutdown === 'due' || !this.#held.isEmpty) this.#settle()
  }

  #carry(step: () => Output<Question>[]): void {
    this.#phase = 'running'
    try {
      let outputs: Output<Question>[] | null = step()
      while (outputs !== null) outputs = this.#carryBatch(outputs)
      this.#outbox.flush()
      if (this.#phase === 'running') this.#phase = 'idle'
      if (this.#deadlineAt !== Number.POSITIVE_INFINITY) this.#armDue()
    } catch (error) {
      this.#broke(error)
    }
  }

  /** Does one batch; returns the core's next batch where the handler answered at once. */
  #carryBatch(outputs: Output<Question>[]): Output<Question>[] | null {
    for (const output of outputs) {
      switch (output.type) {
        case 'write':
          this.#outbox.send(output.bytes)
          break
        case 'ask':
          return this.#ask(output)
        case 'time-out':
          this.#timeOut = output.milliseconds
          this.#touch()
          break
        case 'deadline':
          this.#setDeadline(output.milliseconds)
          break
        case 'start-tls':
          this.#startTls((tls) => this.#core.secured(tls))
          return null
        case 'compress':
          this.#compress()
          return null
        case 'hand-over':
          this.#handOver()
          return null
        case 'close':
          this.#close()
          return null
      }
    }
    return null
  }

  #ask(output: Output<Question> & { type: 'ask' }): Output<Question>[] | null {
    if (this.#outbox.blocked) {
      this.#deferred = [output]
      this.#phase = 'deferred'
      return null
    }
    const { question } = output
    let answer: Answer | Promise<Answer>
    try {
      answer = this.#handler.answer(question)
    } catch (error) {
      answer = this.#failed(question, error)
    }
    if (this.#phase !== 'running') return null
    if (!(answer instanceof Promise)) return this.#core.answer(answer)
    this.#phase = 'asking'
    this.#askedAt = this.#settings.clock.monotonic()
    answer.then(
      (value) => this.#answered(() => value),
      (error: unknown) => this.#answered(() => this.#failed(question, error)),
    )
    return null
  }

  #answered(value: () => Answer): void {
    if (this.#phase === 'lost') {
      // A rejection is still worth telling; there is nobody left to answer.
      try {
        value()
      } catch (error) {
        this.#settings.events.broke(this.peer, error)
      }
      this.#phase = 'gone'
      this.#finish()
      return
    }
    if (this.#phase !== 'asking') return
    // The time that the answer took was ours, not the peer's.
    this.#lastActive = this.#settings.clock.monotonic()
    this.#deadlineAt += this.#lastActive - this.#askedAt
    this.#run(() => this.#core.answer(value()))
  }

  #failed(question: Question, error: unknown): Answer {
    this.#settings.events.handlerFailed(this.peer, question, error)
    if (this.#shutdown === 'none') this.#shutdown = 'due'
    return this.#handler.failed(question, error)
  }

  #onDrain(): void {
    this.#outbox.blocked = false
    this.#lastActive = this.#settings.clock.monotonic()
    this.#outbox.makeRoom()
    if (this.#phase === 'deferred') {
      const outputs = this.#deferred ?? []
      this.#deferred = null
      this.#run(() => outputs)
    } else if (this.#phase === 'closing') {
      this.#touch()
    } else {
      this.#settle()
      if (!this.#isGone()) this.#armDue()
    }
  }

  // TLS

  #startTls(then: (tls: TlsState) => Output<Question>[]): void {
    this.#outbox.flush()
    if (!this.#held.isEmpty) {
      // RFC 3207 §4.2, RFC 9051 §6.2.1: what came in the clear is not known to be the client's.
      this.#cut('injected')
      return
    }
    this.#phase = 'upgrading'
    this.#touch()
    this.#connection.startTls().then(
      (tls) => {
        if (this.#phase !== 'upgrading') return
        this.#outbox.blocked = false
        this.#phase = 'running'
        this.#touch()
        this.#run(() => then(tls))
      },
      (error: unknown) => {
        if (this.#phase !== 'upgrading') return
        const failure = error instanceof Error ? error : new Error(String(error))
        this.#settings.events.handshakeFailed(this.peer, failure)
        this.#cut('handshake-failed')
      },
    )
  }

  #compress(): void {
    this.#outbox.flush()
    // RFC 4978 §3: the client sends nothing more before it has seen the answer.
    if (!this.#held.isEmpty) {
      this.#cut('injected')
      return
    }
    this.#connection = new DeflatedConnection(this.#connection)
    this.#outbox.moveTo(this.#connection)
    this.#listen(this.#connection)
    if (!this.#paused) this.#connection.resume()
  }

  // Hand-over

  #handOver(): void {
    this.#outbox.flush()
    // Whoever speaks next was told by our last reply, so nothing of the peer's can be on its way yet (RFC 2645 §5.2.1).
    if (!this.#held.isEmpty) {
      this.#cut('injected')
      return
    }
    if (this.#peerEnd !== 'none') {
      this.#cut('peer-ended')
      return
    }
    this.#phase = 'taken-over'
    this.#deadlineAt = Number.POSITIVE_INFINITY
    this.#timeOut = 0
    this.#timer.cancel()
    this.#outbox.makeRoom()
    const connection = this.#connection
    connection.pause()
    connection.onData = ignore
    connection.onEnd = ignore
    connection.onDrain = ignore
    connection.onClose = () => this.#abort?.abort()
    this.#takenOver().then(
      () => this.#handedBack('handed-over'),
      (error: unknown) => {
        this.#settings.events.broke(this.peer, error)
        this.#handedBack('broken')
      },
    )
  }

  async #takenOver(): Promise<void> {
    if (this.#handler.takeOver === undefined) throw new Error('nobody takes the connection over')
    await this.#handler.takeOver(this.#connection)
  }

  #handedBack(ending: SessionEnding): void {
    this.#ending ??= ending
    this.#phase = 'gone'
    this.#connection.destroy()
    this.#abort?.abort()
    this.#finish()
  }

  // Time

  /** Counts the silence from now. */
  #touch(): void {
    this.#lastActive = this.#settings.clock.monotonic()
    this.#armDue()
  }

  #setDeadline(milliseconds: number | null): void {
    const from = this.#settings.clock.monotonic()
    this.#deadlineAt = milliseconds === null ? Number.POSITIVE_INFINITY : from + milliseconds
    this.#armDue()
  }

  /** When the silence, or where the peer can act on it the deadline, is over. */
  #dueAt(): number {
    const allowed = this.#allowedSilence()
    const silence = allowed > 0 ? this.#lastActive + allowed : Number.POSITIVE_INFINITY
    const waitsForPeer = (this.#phase === 'idle' || this.#phase === 'running') && !this.#outbox.blocked
    return waitsForPeer ? Math.min(silence, this.#deadlineAt) : silence
  }

  #armDue(): void {
    const at = this.#dueAt()
    if (at !== Number.POSITIVE_INFINITY) this.#timer.set(at)
  }

  /** Early perhaps: what happened meanwhile has only noted its time. */
  #tick(now: number): void {
    if (now < this.#dueAt()) this.#armDue()
    else this.#silent(now)
  }

  #allowedSilence(): number {
    const { limits } = this.#settings
    if (this.#phase === 'upgrading') return limits.handshakeMilliseconds
    if (this.#phase !== 'closing') return this.#timeOut
    return this.#outbox.blocked
      ? Math.max(this.#timeOut, limits.lingerMilliseconds)
      : limits.lingerMilliseconds
  }

  #silent(now: number): void {
    if (this.#phase === 'upgrading') {
      this.#settings.events.handshakeFailed(this.peer, new Error('TLS handshake timed out'))
      this.#cut('handshake-failed')
    } else if (this.#phase === 'closing') {
      this.#cut('closed')
    } else if (this.#outbox.blocked) {
      this.#cut('not-reading')
    } else {
      this.#lastActive = now
      if (this.#phase === 'idle') {
        if (now >= this.#deadlineAt) this.#deadlineAt = Number.POSITIVE_INFINITY
        this.#run(() => this.#core.expire())
      }
      if (!this.#isGone()) this.#armDue()
    }
  }

  // The end

  #close(): void {
    this.#outbox.flush()
    this.#ending ??= 'closed'
    this.#phase = 'closing'
    this.#held.clear()
    this.#connection.end()
    this.#touch()
    // Reading on lets the peer's end be seen, and keeps unread input from turning our last reply into a reset.
    this.#resume()
  }

  #broke(error: unknown): void {
    this.#settings.events.broke(this.peer, error)
    this.#cut('broken')
  }

  #cut(ending: SessionEnding): void {
    if (this.#isGone()) return
    this.#ending ??= ending
    const waits: readonly Phase[] = ['asking', 'telling', 'taken-over', 'fresh']
    if (!waits.includes(this.#phase)) this.#phase = 'closing'
    this.#connection.destroy()
    if (this.#phase === 'taken-over') this.#abort?.abort()
  }

  #onClose(error: Error | null): void {
    if (this.#isGone()) return
    const asking = this.#phase === 'asking' || this.#phase === 'telling'
    if (this.#phase === 'upgrading') {
      this.#ending ??= 'handshake-failed'
      this.#settings.events.handshakeFailed(
        this.peer,
        error ?? new Error('the peer left during the TLS handshake'),
      )
    }
    this.#ending ??= error !== null ? 'reset' : 'peer-ended'
    this.#phase = asking ? 'lost' : 'gone'
    this.#timer.cancel()
    this.#held.clear()
    this.#deferred = null
    this.#toTell = null
    this.#outbox.clear()
    this.#abort?.abort()
    this.#outbox.makeRoom()
    if (!asking) this.#finish()
  }

  #finish(): void {
    const { events } = this.#settings
    const finished = () => events.finished(this)
    const failed = (error: unknown) => {
      events.broke(this.peer, error)
      finished()
    }
    try {
      const closed = this.#handler.closed()
      if (closed instanceof Promise) closed.then(finished, failed)
      else finished()
    } catch (error) {
      failed(error)
    }
  }

  #isGone(): boolean {
    return this.#phase === 'gone' || this.#phase === 'lost'
  }
}
