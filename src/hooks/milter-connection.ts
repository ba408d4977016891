// A milter's connection: commands out, replies in, one at a time, none waited for beyond its time.
//
// Octets are read only while somebody waits for a reply, so that a milter that floods is slowed down by its socket. Once
// anything went wrong the connection is gone, and everything asked of it rejects with the reason.
import type { Clock } from '../base/clock.ts'
import type { Connection, Dialer } from '../base/connection.ts'
import { encodeCommand, type MilterCommand } from '../milter/proto/commands.ts'
import { type Frame, FrameReader, MilterProtocolError } from '../milter/proto/frames.ts'
import type { Negotiated } from '../milter/proto/negotiation.ts'
import { type MilterReply, parseReply } from '../milter/proto/replies.ts'
import { HookTimedOut } from './parts.ts'

/** How long a milter may take to close its side after QUIT. */
const lingerMilliseconds = 5_000

export interface MilterTarget {
  readonly host: string
  /** Of TCP. */
  readonly port?: number | undefined
  /** `unix:/path`, in place of host and port. */
  readonly socket?: string | undefined
  /** Milliseconds, for the connection and the negotiation each. */
  readonly connectTimeout: number
}

export class MilterConnection {
  readonly #connection: Connection
  readonly #clock: Clock
  readonly #reader = new FrameReader()
  readonly #frames: Frame[] = []
  #waiting: PromiseWithResolvers<Frame> | null = null
  #room: PromiseWithResolvers<void> | null = null
  #gone: Error | null = null

  /** Takes over a connection that is open and paused. */
  constructor(connection: Connection, clock: Clock) {
    this.#connection = connection
    this.#clock = clock
    connection.onData = (bytes) => this.#read(bytes)
    connection.onEnd = () => this.#fail(new Error('the milter closed the connection'))
    connection.onClose = (error) => this.#fail(error ?? new Error('the milter closed the connection'))
    connection.onDrain = () => {
      this.#room?.resolve()
      this.#room = null
    }
  }

  /** Connects and negotiates. Rejects where either fails or takes too long. */
  static async open(
    target: MilterTarget,
    { dialer, clock }: { dialer: Dialer; clock: Clock },
  ): Promise<{ milter: MilterConnection; agreement: Negotiated }> {
    const socket = await dialer.dial({
      address: target.socket ?? target.host,
      port: target.port ?? 0,
      timeoutMilliseconds: target.connectTimeout,
    })
    const milter = new MilterConnection(socket, clock)
    try {
      await milter.send({ type: 'negotiate' })
      const reply = await milter.reply(target.connectTimeout)
      if (reply.type !== 'negotiated') throw new MilterProtocolError(`${reply.type} instead of a negotiation`)
      return { milter, agreement: reply.agreement }
    } catch (error) {
      milter.destroy()
      throw error
    }
  }

  /** Resolves when the milter has room for more. */
  async send(command: MilterCommand): Promise<void> {
    if (this.#gone !== null) throw this.#gone
    if (this.#connection.write(encodeCommand(command))) return
    this.#room ??= Promise.withResolvers()
    await this.#room.promise
  }

  /** The next reply that is no sign of progress. Rejects with `HookTimedOut` after `idle` milliseconds without any. */
  async reply(idle: number): Promise<MilterReply> {
    for (;;) {
      const reply = parseReply(await this.#frame(idle))
      if (reply.type !== 'progress') return reply
    }
  }

  /** Ends in order: what was written still goes out. */
  quit(): void {
    if (this.#gone !== null) return
    this.#connection.write(encodeCommand({ type: 'quit' }))
    this.#connection.end()
    this.#fail(new Error('the session is over'))
    // Nothing that the milter may still say is of interest, but its end of the connection is.
    const patience = this.#clock.after(lingerMilliseconds, () => this.#connection.destroy())
    this.#connection.onEnd = () => this.#connection.destroy()
    this.#connection.onClose = () => patience.cancel()
    this.#connection.resume()
  }

  destroy(): void {
    this.#fail(new Error('the connection was given up'))
    this.#connection.destroy()
  }

  #frame(milliseconds: number): Promise<Frame> {
    const ready = this.#frames.shift()
    if (ready !== undefined) return Promise.resolve(ready)
    if (this.#gone !== null) return Promise.reject(this.#gone)
    const waiting = Promise.withResolvers<Frame>()
    this.#waiting = waiting
    const timer = this.#clock.after(milliseconds, () =>
      this.#fail(new HookTimedOut(`no answer within ${milliseconds} ms`)),
    )
    this.#connection.resume()
    return waiting.promise.finally(() => timer.cancel())
  }

  #read(bytes: Uint8Array): void {
    if (this.#gone !== null) return
    try {
      this.#frames.push(...this.#reader.read(bytes))
    } catch (error) {
      this.#fail(error instanceof Error ? error : new Error(String(error)))
      return
    }
    const frame = this.#waiting === null ? undefined : this.#frames.shift()
    if (frame === undefined) return
    this.#connection.pause()
    this.#waiting?.resolve(frame)
    this.#waiting = null
  }

  #fail(error: Error): void {
    if (this.#gone !== null) return
    this.#gone = error
    // Somebody always waits for these, or nobody ever will.
    this.#waiting?.reject(error)
    this.#waiting = null
    this.#room?.reject(error)
    this.#room = null
    if (error instanceof HookTimedOut || error instanceof MilterProtocolError) this.#connection.destroy()
  }
}
