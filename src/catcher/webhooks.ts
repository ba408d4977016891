// Tells webhooks of each caught message by POST, in Mailpit's shape: best effort, with a delay, and at most so many in a minute.
import type { Clock } from '../base/clock.ts'
import type { CatcherWebhookConfig } from '../config/sections/catcher.ts'
import { webhookFailed } from '../events/catcher.ts'
import { errorText } from '../events/error-text.ts'
import type { Events } from '../events/event.ts'

export interface WebhookStatus {
  readonly url: string
  readonly sent: number
  readonly failed: number
  /** Not told, since it would have been too many in a minute. */
  readonly skipped: number
  /** Of the last failure; '' where there was none. */
  readonly lastError: string
}

export interface CatcherWebhooks {
  readonly status: readonly WebhookStatus[]
  tell(body: unknown): void
  /** Tells no more; resolves when what is under way is over. */
  stop(): Promise<void>
}

export function createWebhooks(
  hooks: readonly CatcherWebhookConfig[],
  parts: { readonly clock: Clock; readonly events: Events; readonly httpFetch: typeof fetch },
): CatcherWebhooks {
  const all = hooks.map((hook) => new Webhook(hook, parts))
  return {
    get status() {
      return all.map(({ status }) => status)
    },
    tell: (body) => {
      for (const hook of all) hook.tell(body)
    },
    stop: async () => {
      await Promise.all(all.map((hook) => hook.stop()))
    },
  }
}

const minute = 60_000

class Webhook {
  readonly #config: CatcherWebhookConfig
  readonly #parts: { readonly clock: Clock; readonly events: Events; readonly httpFetch: typeof fetch }
  readonly #stopping = new AbortController()
  readonly #underWay = new Set<Promise<void>>()
  #minute = 0
  #inMinute = 0
  #sent = 0
  #failed = 0
  #skipped = 0
  #lastError = ''

  constructor(
    config: CatcherWebhookConfig,
    parts: { readonly clock: Clock; readonly events: Events; readonly httpFetch: typeof fetch },
  ) {
    this.#config = config
    this.#parts = parts
  }

  get status(): WebhookStatus {
    return {
      url: this.#config.url,
      sent: this.#sent,
      failed: this.#failed,
      skipped: this.#skipped,
      lastError: this.#lastError,
    }
  }

  tell(body: unknown): void {
    const { clock } = this.#parts
    const now = Math.floor(clock.now() / minute)
    if (now !== this.#minute) this.#inMinute = 0
    this.#minute = now
    if (this.#config.perMinute > 0 && this.#inMinute >= this.#config.perMinute) {
      this.#skipped++
      return
    }
    this.#inMinute++
    const telling = this.#tell(JSON.stringify(body)).finally(() => this.#underWay.delete(telling))
    this.#underWay.add(telling)
  }

  async stop(): Promise<void> {
    this.#stopping.abort()
    await Promise.all(this.#underWay)
  }

  async #tell(body: string): Promise<void> {
    const { clock, httpFetch, events } = this.#parts
    const { url, delay, timeout } = this.#config
    const over = new AbortController()
    const stop = (): void => over.abort()
    this.#stopping.signal.addEventListener('abort', stop, { once: true })
    try {
      if (delay > 0) await clock.sleep(delay, over.signal)
      const timer = clock.after(timeout, stop)
      try {
        const response = await httpFetch(url, {
          method: 'POST',
          headers: { 'content-type': 'application/json', 'user-agent': 'Posthorn-Catcher' },
          ...{ body, signal: over.signal, redirect: 'manual' },
        })
        await response.body?.cancel()
        if (response.status < 200 || response.status > 299) throw new Error(`HTTP ${response.status}`)
        this.#sent++
      } finally {
        timer.cancel()
      }
    } catch (error) {
      if (this.#stopping.signal.aborted) return
      this.#failed++
      this.#lastError = errorText(error)
      events.emit(webhookFailed, { url, error: this.#lastError })
    } finally {
      this.#stopping.signal.removeEventListener('abort', stop)
    }
  }
}
