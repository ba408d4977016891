// What a session says, on its way into its connection: text of one batch is gathered and leaves as one segment where the
// connection can do that, and what the connection has no room for makes whoever writes wait.
import type { Connection } from '../base/connection.ts'

/** Text gathered up to here before it is handed to the connection in mid-batch. */
const batchCharacters = 32_768

export class Outbox {
  #connection: Connection
  #text = ''
  #corked = false
  #room: PromiseWithResolvers<void> | null = null
  /** The connection refused more until it drains. */
  blocked = false

  constructor(connection: Connection) {
    this.#connection = connection
  }

  /** Into another connection from now on, whose own buffer takes what the peer has not read yet. */
  moveTo(connection: Connection): void {
    this.blocked = false
    this.#connection = connection
  }

  /** The bytes must not be changed afterwards. */
  send(bytes: Uint8Array | string): void {
    if (typeof bytes === 'string') {
      this.#text += bytes
      if (this.#text.length < batchCharacters) return
    }
    if (!this.#corked) {
      this.#corked = true
      this.#connection.cork()
    }
    this.#flushText()
    if (typeof bytes !== 'string') this.#put(bytes)
  }

  /** The end of a batch: hands over what was gathered. */
  flush(): void {
    this.#flushText()
    if (!this.#corked) return
    this.#corked = false
    this.#connection.uncork()
  }

  /** Forgets what was gathered. */
  clear(): void {
    this.#text = ''
  }

  /** Resolves with the next `makeRoom`. */
  room(): Promise<void> {
    this.#room ??= Promise.withResolvers<void>()
    return this.#room.promise
  }

  /** Lets those go on who wait for room. */
  makeRoom(): void {
    const room = this.#room
    this.#room = null
    room?.resolve()
  }

  #flushText(): void {
    if (this.#text === '') return
    const text = this.#text
    this.#text = ''
    this.#put(text)
  }

  #put(bytes: Uint8Array | string): void {
    if (!this.#connection.write(bytes)) this.blocked = true
  }
}
