// The first account of a server that has none: made by whoever has the link that the server printed when it started.
//
// - The link's token is 256 bits of chance, known to this process alone, and holds for a time.
// - It is good once, and ends with the first account, whoever made that.
// - What is refused (a weak password, a name that is none) leaves it good.
import { createHash, timingSafeEqual } from 'node:crypto'
import type { Clock } from '../base/clock.ts'
import type { Random } from '../base/random.ts'
import { Secret } from '../base/secret.ts'
import type { Account } from '../store/model.ts'
import type { DirectoryStore } from '../store/store.ts'
import type { Administered, Administration } from './administration.ts'

export interface SetupOptions {
  readonly store: Pick<DirectoryStore, 'oldestAccount'>
  readonly administration: Administration
  readonly clock: Clock
  readonly random: Random
  readonly milliseconds: number
}

export interface FirstAccount {
  readonly domain: string
  readonly address: string
  readonly password: Secret
}

export class Setup {
  readonly #options: SetupOptions
  /** For the link. */
  readonly token: Secret
  readonly #endsAt: number
  #state: 'open' | 'busy' | 'closed' = 'open'

  private constructor(options: SetupOptions) {
    this.#options = options
    this.token = new Secret(Buffer.from(options.random.bytes(32)).toString('base64url'))
    this.#endsAt = options.clock.monotonic() + options.milliseconds
  }

  /** Undefined where there is an account. */
  static async begin(options: SetupOptions): Promise<Setup | undefined> {
    return (await options.store.oldestAccount()) === undefined ? new Setup(options) : undefined
  }

  /** Whether the link holds. */
  async isOpen(token: string): Promise<boolean> {
    if (this.#state === 'closed' || !this.#fits(token)) return false
    if (this.#options.clock.monotonic() >= this.#endsAt) return false
    if ((await this.#options.store.oldestAccount()) === undefined) return true
    this.#state = 'closed'
    return false
  }

  /** Makes the domain, and the account as an admin. */
  async finish(
    token: string,
    first: FirstAccount,
  ): Promise<Administered<{ account: Account }> | 'setup-closed'> {
    // Taken before the first wait: of two at once the second finds it taken.
    if (this.#state !== 'open') return 'setup-closed'
    this.#state = 'busy'
    try {
      if (!(await this.isOpen(token))) return 'setup-closed'
      const outcome = await this.#make(first)
      if (outcome.ok) this.#state = 'closed'
      return outcome
    } finally {
      this.#reopen()
    }
  }

  #reopen(): void {
    if (this.#state === 'busy') this.#state = 'open'
  }

  async #make({ domain, address, password }: FirstAccount): Promise<Administered<{ account: Account }>> {
    const administration = this.#options.administration.as({ name: 'set-up link' })
    const added = await administration.addDomain(domain)
    // It may be there from a first try that was refused for its password.
    if (!added.ok && added.reason !== 'exists') return added
    return administration.addAccount({ address, password, role: 'admin' })
  }

  #fits(token: string): boolean {
    const [ours, theirs] = [this.token.reveal(), token].map((text) =>
      createHash('sha256').update(text).digest(),
    )
    return ours !== undefined && theirs !== undefined && timingSafeEqual(ours, theirs)
  }
}
