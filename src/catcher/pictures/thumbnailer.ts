// Small pictures of the pictures in caught mail, as JPEG of one size: what fills the frame is cut at its sides, what is smaller stands in
// it on white. They are made in a thread that starts with the first and ends when there was none for a while.
//
// Pictures are hostile. What says that it has too many pixels, or too many octets, is not decoded; what breaks its decoder, or takes
// too long, ends that thread, and the next picture has a new one. All of these, and what is no picture, have no thumbnail.
import { Worker } from 'node:worker_threads'
import type { Clock, Timer } from '../../base/clock.ts'
import { tryDimensions } from './dimensions.ts'

export interface ToPictureWorker {
  readonly picture: Uint8Array
  readonly width: number
  readonly height: number
}

export interface FromPictureWorker {
  readonly jpeg: Uint8Array
}

export interface ThumbnailLimits {
  readonly mostPixels: number
  /** Octets of the picture. */
  readonly longest: number
  /** Milliseconds for one. */
  readonly time: number
}

export const defaultThumbnailLimits: ThumbnailLimits = {
  // What cameras make; decoded it takes some 200 MB for the moment.
  mostPixels: 25_000_000,
  longest: 32 * 1024 * 1024,
  time: 20_000,
}

/** Mailpit's size. */
const frame = { width: 180, height: 120 }
/** Milliseconds without a picture after which the thread, and the memory that its decoder took, go. */
const idle = 10_000
/** Pictures that wait for their turn; whoever asks for one more is told that there is none. */
const mostWaiting = 200

export class Thumbnailer implements AsyncDisposable {
  readonly #clock: Clock
  readonly #limits: ThumbnailLimits
  #worker: Worker | null = null
  #last: Promise<unknown> = Promise.resolve()
  #waiting = 0
  #timer: Timer | null = null
  #over = false

  constructor(clock: Clock, limits: ThumbnailLimits = defaultThumbnailLimits) {
    this.#clock = clock
    this.#limits = limits
  }

  /** JPEG of 180x120; undefined where none can be made. Never rejects. */
  async make(picture: Uint8Array): Promise<Uint8Array<ArrayBuffer> | undefined> {
    const dimensions = tryDimensions(picture)
    if (dimensions === undefined || picture.length > this.#limits.longest) return undefined
    if (dimensions.width * dimensions.height > this.#limits.mostPixels) return undefined
    if (this.#waiting >= mostWaiting) return undefined
    this.#waiting++
    const made = this.#last.then(() => this.#ask(picture))
    this.#last = made
    try {
      return await made
    } finally {
      this.#waiting--
    }
  }

  async [Symbol.asyncDispose](): Promise<void> {
    this.#over = true
    await this.#end()
  }

  async #ask(picture: Uint8Array): Promise<Uint8Array<ArrayBuffer> | undefined> {
    if (this.#over) return undefined
    this.#timer?.cancel()
    const worker = (this.#worker ??= this.#start())
    // Only work keeps the process alive.
    worker.ref()
    const timer = this.#clock.after(this.#limits.time, () => void worker.terminate())
    try {
      return await new Promise((resolve) => {
        worker.once('message', ({ jpeg }: FromPictureWorker) => resolve(Uint8Array.from(jpeg)))
        worker.once('exit', () => resolve(undefined))
        worker.postMessage({ picture, ...frame } satisfies ToPictureWorker)
      })
    } finally {
      timer.cancel()
      worker.removeAllListeners('message')
      worker.unref()
      this.#timer = this.#clock.after(idle, () => void this.#end())
    }
  }

  #start(): Worker {
    const worker = new Worker(new URL('./picture-worker.ts', import.meta.url), { stderr: true })
    // What broke the decoder is the picture's doing; `exit` follows.
    worker.on('error', () => {})
    worker.on('exit', () => {
      if (this.#worker === worker) this.#worker = null
    })
    return worker
  }

  async #end(): Promise<void> {
    this.#timer?.cancel()
    const worker = this.#worker
    this.#worker = null
    await worker?.terminate()
  }
}
