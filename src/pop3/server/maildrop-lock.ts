// RFC 1939 §4: the exclusive lock on a maildrop, as a lease in the store: it holds across processes and nodes, is renewed
// while its session lives, and ends by itself when the node dies.
import type { Clock, Timer } from '../../base/clock.ts'
import type { AccountId } from '../../store/model.ts'
import type { LeaseStore } from '../../store/store.ts'

export interface LockOptions {
  readonly store: LeaseStore
  readonly clock: Clock
  readonly account: AccountId
  /** Unique to the session. */
  readonly holder: string
  readonly milliseconds: number
  /** Told once, when the lock was lost: somebody else may have it. */
  readonly onLost: () => void
}

const leaseName = 'pop3'

export class MaildropLock {
  readonly #options: LockOptions
  #timer: Timer | null = null
  #state: 'held' | 'lost' | 'released' = 'held'

  private constructor(options: LockOptions) {
    this.#options = options
    this.#schedule()
  }

  /** The lock, or undefined while another session has it. Rejects with `StoreUnavailable`. */
  static async acquire(options: LockOptions): Promise<MaildropLock | undefined> {
    return (await claim(options)) ? new MaildropLock(options) : undefined
  }

  /** Renews; false when the lock is not ours any more. Rejects with `StoreUnavailable`. */
  async confirm(): Promise<boolean> {
    if (this.#state !== 'held') return false
    if (await claim(this.#options)) return true
    this.#lose()
    return false
  }

  /** Lets the next one in. Harmless twice. */
  async release(): Promise<void> {
    this.#timer?.cancel()
    this.#timer = null
    if (this.#state !== 'held') return
    this.#state = 'released'
    const { store, account, holder } = this.#options
    await store.releaseLease({ account, name: leaseName, holder })
  }

  // Three tries before the lease runs out. A store that fails once is asked again at the next, so its failure needs no
  // other answer; a slow one does not delay the next try.
  #schedule(): void {
    this.#timer = this.#options.clock.after(this.#options.milliseconds / 3, () => {
      if (this.#state !== 'held') return
      this.#schedule()
      this.confirm().catch(() => undefined)
    })
  }

  #lose(): void {
    if (this.#state !== 'held') return
    this.#state = 'lost'
    this.#options.onLost()
  }
}

function claim({ store, clock, account, holder, milliseconds }: LockOptions): Promise<boolean> {
  const now = clock.now()
  return store.acquireLease({ account, name: leaseName, holder, now, expiresAt: now + milliseconds })
}
