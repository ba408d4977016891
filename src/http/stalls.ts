// Connections whose other side does not fetch what it asked for: an answer that nobody reads holds its octets, and a place among the
// connections, for as long as its reader likes. Looked at now and then, and cut when nothing moved from one look to the next but one.
//
// Node's own time-out of a socket would also cut whoever waits for an operation that takes long; this looks at what waits to be fetched alone.
import type { Socket } from 'node:net'
import type { Clock } from '../base/clock.ts'

interface Seen {
  /** Octets that have left. */
  left: number
  /** Looks at which octets waited and none had left since. */
  stalls: number
}

export class StallWatch {
  readonly #clock: Clock
  readonly #interval: number
  readonly #sockets = new Map<Socket, Seen>()
  #timer: { cancel(): void } | null = null

  /** `milliseconds`: who has fetched nothing for this long is cut, at the latest half as long afterwards. */
  constructor(clock: Clock, milliseconds: number) {
    this.#clock = clock
    this.#interval = Math.max(1, milliseconds / 2)
  }

  /** Until it closes. */
  add(socket: Socket): void {
    this.#sockets.set(socket, { left: 0, stalls: 0 })
    socket.once('close', () => {
      this.#sockets.delete(socket)
      if (this.#sockets.size === 0) this.#rest()
    })
    this.#timer ??= this.#clock.after(this.#interval, () => this.#look())
  }

  #look(): void {
    this.#timer = this.#clock.after(this.#interval, () => this.#look())
    for (const [socket, seen] of this.#sockets) {
      const waiting = socket.writableLength
      // Counts what was written, whether it has left or not.
      const left = socket.bytesWritten - waiting
      seen.stalls = waiting > 0 && left === seen.left ? seen.stalls + 1 : 0
      seen.left = left
      if (seen.stalls >= 2) socket.destroy()
    }
  }

  #rest(): void {
    this.#timer?.cancel()
    this.#timer = null
  }
}
