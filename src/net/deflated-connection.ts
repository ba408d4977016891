// A connection whose bytes are compressed both ways (RFC 4978: raw DEFLATE of RFC 1951), around one that carries them.
//
// - Each group of writes ends in a sync flush, so that the peer sees all that was said; the windows live for the whole session.
// - Back-pressure passes through: a reader that pauses stops the inflating, and what comes in meanwhile stays in the socket. So
//   a small stretch that inflates to gigabytes ("zip bomb") costs a few chunks of memory, and time only as fast as it is read.
// - Bytes that do not inflate end the connection. TLS cannot start inside of it.
import { constants, createDeflateRaw, createInflateRaw } from 'node:zlib'
import type { Connection } from '../base/connection.ts'
import type { Peer, TlsState } from '../base/core.ts'
import type { DeflateRaw, InflateRaw } from 'node:zlib'

const ignore = () => undefined

/** What compression costs: a window of 2^12 octets for what we send; the peer may use the largest. */
const highWaterMark = 16_384
const sending = { windowBits: 12, memLevel: 5, chunkSize: 8_192, highWaterMark }
const receiving = { windowBits: 15, chunkSize: 16_384, highWaterMark }

export class DeflatedConnection implements Connection {
  readonly #inner: Connection
  readonly #deflate: DeflateRaw
  readonly #inflate: InflateRaw
  #corked = false
  /** Written since the last flush. */
  #unflushed = false
  /** The carrier takes no more for now. */
  #blocked = false
  /** `write` said so. */
  #told = false
  #closed = false
  onData: (bytes: Uint8Array) => void = ignore
  onEnd: () => void = ignore
  onClose: (error: Error | null) => void = ignore
  onDrain: () => void = ignore

  /** Takes the connection over; nothing of it may be used any more. */
  constructor(inner: Connection) {
    this.#inner = inner
    this.#deflate = createDeflateRaw(sending)
    this.#inflate = createInflateRaw(receiving)
    this.#outward()
    this.#inward()
    inner.onClose = (error) => this.#onClosed(error)
  }

  get peer(): Peer {
    return this.#inner.peer
  }

  get tls(): TlsState | null {
    return this.#inner.tls
  }

  #outward(): void {
    const deflate = this.#deflate
    deflate.on('data', (bytes: Uint8Array) => {
      if (this.#inner.write(bytes)) return
      this.#blocked = true
      deflate.pause()
    })
    this.#inner.onDrain = () => {
      this.#blocked = false
      deflate.resume()
      this.#drained()
    }
    deflate.on('drain', () => this.#drained())
    deflate.on('end', () => this.#inner.end())
    deflate.on('error', (error) => this.destroy(error))
  }

  #drained(): void {
    if (!this.#told || this.#blocked || this.#deflate.writableNeedDrain || this.#closed) return
    this.#told = false
    this.onDrain()
  }

  #inward(): void {
    const inflate = this.#inflate
    inflate.pause()
    this.#inner.onData = (bytes) => {
      if (!inflate.write(bytes)) this.#inner.pause()
    }
    inflate.on('drain', () => {
      if (!this.#closed) this.#inner.resume()
    })
    this.#inner.onEnd = () => inflate.end()
    inflate.on('data', (bytes: Uint8Array) => this.onData(bytes))
    inflate.on('end', () => this.onEnd())
    // A peer that closes in mid-stream has ended, as one that ends its last block.
    inflate.on('error', (error: NodeJS.ErrnoException) => {
      if (error.code === 'Z_BUF_ERROR') this.onEnd()
      else this.destroy(error)
    })
  }

  write(bytes: Uint8Array | string): boolean {
    if (this.#closed || this.#deflate.writableEnded) return true
    this.#unflushed = true
    const room = this.#deflate.write(bytes)
    if (!this.#corked) this.#flush()
    if (room && !this.#blocked) return true
    this.#told = true
    return false
  }

  cork(): void {
    this.#corked = true
  }

  uncork(): void {
    this.#corked = false
    this.#flush()
  }

  #flush(): void {
    if (!this.#unflushed || this.#closed || this.#deflate.writableEnded) return
    this.#unflushed = false
    this.#deflate.flush(constants.Z_SYNC_FLUSH)
  }

  pause(): void {
    this.#inflate.pause()
  }

  resume(): void {
    this.#inflate.resume()
    if (!this.#inflate.writableNeedDrain) this.#inner.resume()
  }

  end(): void {
    if (!this.#closed && !this.#deflate.writableEnded) this.#deflate.end()
  }

  destroy(error?: Error): void {
    this.#inner.destroy(error)
  }

  startTls(): Promise<TlsState> {
    return Promise.reject(new Error('TLS cannot start inside of compression'))
  }

  startClientTls(): Promise<TlsState> {
    return this.startTls()
  }

  #onClosed(error: Error | null): void {
    this.#closed = true
    this.#deflate.destroy()
    this.#inflate.destroy()
    this.onClose(error)
  }
}
