// IPv6 and IPv4 race for each host (RFC 8305): which address is tried when, as arithmetic, and the race itself.
//
// Only opening the connection is raced. The first that opens wins, the others are given up; when one fails before its
// successor's time, the successor starts at once (§5). A race ends with the winner or with every address's failure.
import type { Clock } from '../base/clock.ts'
import type { Connection, Dialer } from '../base/connection.ts'

/** RFC 8305 §5: "Connection Attempt Delay … a recommended value of 250 milliseconds". */
export const attemptDelay = 250

/** RFC 8305 §4: families alternate, IPv6 first; the order within a family stays. */
export function interleaveFamilies(addresses: readonly string[]): string[] {
  const ipv6 = addresses.filter((address) => address.includes(':'))
  const ipv4 = addresses.filter((address) => !address.includes(':'))
  const order: string[] = []
  for (let at = 0; at < Math.max(ipv6.length, ipv4.length); at++) {
    order.push(...ipv6.slice(at, at + 1), ...ipv4.slice(at, at + 1))
  }
  return order
}

/**
 * RFC 8305 §5: when the attempt after the last one starts: a delay after it, or at once when nothing is under way. All in
 * milliseconds of one clock; `started` is when the last attempt began, `pending` how many are open.
 */
export function nextStart(state: { now: number; started: number | null; pending: number }): number {
  if (state.started === null || state.pending === 0) return state.now
  return Math.max(state.now, state.started + attemptDelay)
}

export interface RaceRequest {
  readonly dialer: Dialer
  readonly clock: Clock
  /** In the order in which they shall be tried. */
  readonly addresses: readonly string[]
  readonly port: number
  readonly timeoutMilliseconds: number
  /** The local address for a remote one. */
  readonly localAddress: (remote: string) => string | undefined
  readonly signal: AbortSignal
}

export interface DialFailure {
  readonly address: string
  readonly error: unknown
}

export type RaceResult =
  | { readonly ok: true; readonly connection: Connection; readonly address: string }
  | { readonly ok: false; readonly failures: readonly DialFailure[] }

/** Opens a connection to the first address that answers. Never rejects. */
export function race(request: RaceRequest): Promise<RaceResult> {
  return new Race(request).run()
}

class Race {
  readonly #request: RaceRequest
  readonly #over = new AbortController()
  readonly #result = Promise.withResolvers<RaceResult>()
  readonly #failures: DialFailure[] = []
  #next = 0
  #pending = 0
  #started: number | null = null
  #timer: { cancel(): void } | null = null
  #settled = false

  constructor(request: RaceRequest) {
    this.#request = request
  }

  run(): Promise<RaceResult> {
    const { signal } = this.#request
    if (signal.aborted) return Promise.resolve({ ok: false, failures: [] })
    const aborted = () => this.#settle({ ok: false, failures: this.#failures })
    signal.addEventListener('abort', aborted, { once: true })
    this.#plan()
    return this.#result.promise.finally(() => signal.removeEventListener('abort', aborted))
  }

  #plan(): void {
    this.#timer?.cancel()
    this.#timer = null
    if (this.#settled) return
    const { addresses, clock } = this.#request
    if (this.#next >= addresses.length) {
      if (this.#pending === 0) this.#settle({ ok: false, failures: this.#failures })
      return
    }
    const now = clock.monotonic()
    const wait = nextStart({ now, started: this.#started, pending: this.#pending }) - now
    if (wait > 0) this.#timer = clock.after(wait, () => this.#start())
    else this.#start()
  }

  #start(): void {
    const { dialer, addresses, port, timeoutMilliseconds, localAddress, clock } = this.#request
    const address = addresses[this.#next++]
    if (address === undefined || this.#settled) return
    this.#started = clock.monotonic()
    this.#pending++
    const local = localAddress(address)
    const target = { address, port, timeoutMilliseconds, signal: this.#over.signal }
    void dialer.dial(local === undefined ? target : { ...target, localAddress: local }).then(
      (connection) => this.#opened(connection, address),
      (error: unknown) => {
        this.#pending--
        this.#failures.push({ address, error })
        this.#plan()
      },
    )
    this.#plan()
  }

  #opened(connection: Connection, address: string): void {
    this.#pending--
    if (this.#settled) connection.destroy()
    else this.#settle({ ok: true, connection, address })
  }

  #settle(result: RaceResult): void {
    if (this.#settled) return
    this.#settled = true
    this.#timer?.cancel()
    this.#result.resolve(result)
    this.#over.abort()
  }
}
