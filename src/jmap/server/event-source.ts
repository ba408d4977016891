// Event streams (RFC 8620 §7.3): StateChange objects as server-sent events, with an id that stands for all that the user sees, and pings.
import { Buffer } from 'node:buffer'
import type { Timer } from '../../base/clock.ts'
import type { JmapConfig } from '../../config/sections/jmap.ts'
import { stateChange, type States } from '../proto/push.ts'
import type { Asked } from './endpoint.ts'
import { Holding } from './holding.ts'
import type { JmapParts } from './parts.ts'
import { plainProblem } from './responses.ts'
import { StateWatch } from './state-watch.ts'

interface Wanted {
  /** Null: all. */
  readonly types: ReadonlySet<string> | null
  readonly closeAfter: 'state' | 'no'
  /** Seconds; 0: none. */
  readonly ping: number
  readonly since: string | null
}

function readWanted(
  { url, request }: Asked,
  { shortestPing, longestPing }: Pick<JmapConfig, 'shortestPing' | 'longestPing'>,
): Wanted | string {
  const types = url.searchParams.get('types') ?? '*'
  const closeAfter = url.searchParams.get('closeafter') ?? 'no'
  const ping = url.searchParams.get('ping') ?? '0'
  if (closeAfter !== 'state' && closeAfter !== 'no') return 'closeafter is "state" or "no".'
  if (!/^\d{1,9}$/.test(ping)) return 'ping is a number of seconds.'
  if (types === '') return 'types is a list of types, or "*".'
  const seconds = Number(ping)
  const [shortest, longest] = [Math.ceil(shortestPing / 1000), Math.floor(longestPing / 1000)]
  return {
    types: types === '*' ? null : new Set(types.split(',')),
    closeAfter,
    ping: seconds === 0 ? 0 : Math.min(longest, Math.max(shortest, seconds)),
    since: request.headers.get('last-event-id'),
  }
}

export async function openEventSource(parts: JmapParts, asked: Asked): Promise<Response> {
  const wanted = readWanted(asked, parts.config)
  if (typeof wanted === 'string') return plainProblem(400, wanted)
  const release = parts.streams.tryTake(asked.caller.account.id)
  if (release === null) return plainProblem(429, 'Too many streams of the account are open.')
  const stream = new EventStream(parts, asked, { wanted, release })
  // A client that has the header takes it that what changes from then on is told.
  await stream.begun
  return new Response(stream.body, {
    headers: {
      'content-type': 'text/event-stream',
      'cache-control': 'no-cache, no-store, must-revalidate',
      'x-accel-buffering': 'no',
    },
  })
}

class EventStream {
  readonly body: ReadableStream<Uint8Array>
  /** Resolves when states are followed, or the stream is over. */
  begun: Promise<void> = Promise.resolve()
  readonly #parts: JmapParts
  readonly #asked: Asked
  readonly #wanted: Wanted
  readonly #release: () => void
  readonly #over: AbortSignal
  #controller: ReadableStreamDefaultController<Uint8Array> | null = null
  #watch: StateWatch | null = null
  #timer: Timer | null = null
  #unwatch: () => void = () => {}
  #ended = false

  constructor(parts: JmapParts, asked: Asked, { wanted, release }: { wanted: Wanted; release: () => void }) {
    this.#parts = parts
    this.#asked = asked
    this.#wanted = wanted
    this.#release = release
    this.#over = AbortSignal.any([asked.request.signal, asked.env.stopping])
    this.body = new ReadableStream(
      {
        start: (controller) => this.#start(controller),
        cancel: () => this.#end(),
      },
      // A client that does not read is cut, and comes back with its last id.
      { highWaterMark: parts.config.eventStreamBuffer, size: (chunk) => chunk.length },
    )
  }

  readonly #stop = (): void => this.#end()

  #start(controller: ReadableStreamDefaultController<Uint8Array>): void {
    this.#controller = controller
    this.#over.addEventListener('abort', this.#stop, { once: true })
    if (this.#over.aborted) {
      this.#end()
      return
    }
    // A comment, so that the client has the header before there is an event.
    this.#say(': here\n\n')
    const { types: wanted, since } = this.#wanted
    this.begun = StateWatch.start(this.#parts, {
      ...{ viewer: this.#asked.caller.account, wanted, since },
      tell: (changed, token) => this.#tell(changed, token),
      ended: () => this.#end(),
    }).then(
      (watch) => {
        if (this.#ended) watch.stop()
        else this.#watch = watch
      },
      () => this.#end(),
    )
    this.#ping()
    const { request, env } = this.#asked
    this.#unwatch = new Holding(request, env, this.#parts).watch(() => this.#end())
  }

  #tell(changed: States, token: string): void {
    this.#say(`event: state\nid: ${token}\ndata: ${JSON.stringify(stateChange(changed))}\n\n`)
    if (this.#wanted.closeAfter === 'state') this.#end()
    else this.#ping()
  }

  /** RFC 8620 §7.3: "whenever this time elapses since the previous event was sent". */
  #ping(): void {
    this.#timer?.cancel()
    const { ping } = this.#wanted
    if (ping === 0 || this.#ended) return
    this.#timer = this.#parts.clock.after(ping * 1000, () => {
      this.#say(`event: ping\ndata: ${JSON.stringify({ interval: ping })}\n\n`)
      this.#ping()
    })
  }

  #say(text: string): void {
    const controller = this.#controller
    if (controller === null || this.#ended) return
    controller.enqueue(Buffer.from(text))
    if ((controller.desiredSize ?? 0) <= 0) this.#end()
  }

  #end(): void {
    if (this.#ended) return
    this.#ended = true
    this.#over.removeEventListener('abort', this.#stop)
    this.#timer?.cancel()
    this.#unwatch()
    this.#watch?.stop()
    this.#release()
    try {
      this.#controller?.close()
    } catch {
      // It was cancelled by the other side.
    }
  }
}
