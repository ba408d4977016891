// Whether whoever opened a long connection may still use it: passwords change, sessions end. The listener is asked again with the request
// that opened it, now and then.
import type { Clock } from '../../base/clock.ts'
import type { HttpEnvironment } from '../../base/http-mount.ts'
import type { Account } from '../../store/model.ts'

/** Between two askings. */
const askedEvery = 60_000

export class Holding {
  readonly #request: Request
  readonly #env: HttpEnvironment<Account>
  readonly #clock: Clock
  #askedAt: number

  constructor(request: Request, env: HttpEnvironment<Account>, clock: Clock) {
    // What judges credentials reads the header alone.
    this.#request = request
    this.#env = env
    this.#clock = clock
    this.#askedAt = clock.monotonic()
  }

  /** False once the credentials are refused. */
  async holds(): Promise<boolean> {
    if (this.#clock.monotonic() - this.#askedAt < askedEvery) return true
    const judged = await this.#env.authenticate(this.#request)
    if (!judged.ok && judged.response.status !== 503) return false
    this.#askedAt = this.#clock.monotonic()
    return true
  }
}
