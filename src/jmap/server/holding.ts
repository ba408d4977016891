// Whether whoever opened a long connection may still use it: passwords change, sessions end. The listener is asked again with the request
// that opened it, now and then, whether the client says anything or not: it may do nothing but listen.
import type { Clock } from '../../base/clock.ts'
import type { HttpEnvironment } from '../../base/http-mount.ts'
import type { Account } from '../../store/model.ts'
import type { JmapConfig } from '../../config/sections/jmap.ts'

export class Holding {
  readonly #request: Request
  readonly #env: HttpEnvironment<Account>
  readonly #clock: Clock
  /** Milliseconds between two askings. */
  readonly #every: number
  #askedAt: number

  constructor(
    request: Request,
    env: HttpEnvironment<Account>,
    { clock, config }: { readonly clock: Clock; readonly config: Pick<JmapConfig, 'credentialCheck'> },
  ) {
    // What judges credentials reads the header alone.
    this.#request = request
    this.#env = env
    this.#clock = clock
    this.#every = config.credentialCheck
    this.#askedAt = clock.monotonic()
  }

  /** False once the credentials are refused. */
  async holds(): Promise<boolean> {
    if (this.#clock.monotonic() - this.#askedAt < this.#every) return true
    const judged = await this.#env.authenticate(this.#request)
    if (!judged.ok && judged.response.status !== 503) return false
    this.#askedAt = this.#clock.monotonic()
    return true
  }

  /** Asks by itself from now on; `lost` is called once, when the credentials are refused. The result ends it. */
  watch(lost: () => void): () => void {
    let isOver = false
    let timer = this.#clock.after(this.#every, () => void ask())
    const ask = async (): Promise<void> => {
      // What cannot be judged now is judged the next time.
      const holds = await this.holds().catch(() => true)
      if (isOver) return
      if (holds) timer = this.#clock.after(this.#every, () => void ask())
      else {
        isOver = true
        lost()
      }
    }
    return () => {
      isOver = true
      timer.cancel()
    }
  }
}
