// Messages on their way into one mailbox, gathered into commits that are worth it and yet small. How many go into one follows
// the time that they take: what else the store has to do waits for one commit at most.
import type { Clock } from '../base/clock.ts'
import type { Account, MailboxId, StagedMessage, Uid } from '../store/model.ts'
import type { Store } from '../store/store.ts'

/** How long it is remembered what was imported: 400 days from its coming. */
export const stateMilliseconds = 400 * 24 * 3_600_000

export interface Staged {
  readonly message: StagedMessage
  readonly name: string
  readonly flags: number
  readonly keywords: readonly string[]
  readonly internalDate: number
  readonly identity: string | null
  /** Remembered with it. */
  readonly key: string
}

export interface BatchOptions {
  readonly store: Store
  readonly clock: Clock
  readonly account: Account
  readonly pace: 'gentle' | 'full'
  readonly gone: AbortSignal
  readonly onKept: (staged: readonly Staged[], uids: readonly Uid[], mailbox: MailboxId) => void
  readonly onProblem: (name: string, reason: string) => void
}

interface Where {
  readonly mailbox: MailboxId
  readonly kind: string
}

const octetsAtOnce = 1024 * 1024
const mostAtOnce = { gentle: 12, full: 200 } as const
/** Of one commit beside a running server, milliseconds. */
const longestCommit = 4
/** How long a message waits for company: sessions see imported mail as it comes. */
const longestWait = 500
const keywordLimits = { count: 100, length: 2_000 }

export class Batch {
  readonly #options: BatchOptions
  #where: Where | null = null
  #staged: Staged[] = []
  #octets = 0
  #since = 0
  #most: number
  /** Why nothing more can come. */
  stopped: string | null = null
  /** Milliseconds that commits and the pauses behind them took. */
  paused = 0

  constructor(options: BatchOptions) {
    this.#options = options
    this.#most = options.pace === 'gentle' ? 4 : mostAtOnce.full
  }

  async add(staged: Staged, where: Where): Promise<void> {
    const { clock } = this.#options
    if (this.#where?.kind !== where.kind) await this.flush()
    if (this.#staged.length === 0) this.#since = clock.monotonic()
    this.#where = where
    this.#staged.push(staged)
    this.#octets += staged.message.blob.size
    const waited = clock.monotonic() - this.#since
    if (this.#staged.length >= this.#most || this.#octets >= octetsAtOnce || waited >= longestWait) {
      await this.flush()
    }
  }

  /** Commits what is gathered. */
  async flush(): Promise<void> {
    const { clock, pace, gone } = this.#options
    const staged = this.#staged
    const where = this.#where
    this.#staged = []
    this.#octets = 0
    if (where === null || staged.length === 0 || this.stopped !== null) return
    const started = clock.monotonic()
    await this.#append(staged, where)
    const spent = clock.monotonic() - started
    this.paused += spent
    if (pace === 'full') return
    if (spent > longestCommit) this.#most = Math.max(2, Math.floor(this.#most / 2))
    else if (this.#most < mostAtOnce.gentle) this.#most += 2
    const rest = Math.min(1_000, Math.max(2, 2 * spent))
    this.paused += rest
    await clock.sleep(rest, gone).catch(() => undefined)
  }

  /** Forgets what was gathered and not committed. */
  discard(): Promise<void> {
    this.#staged = []
    return Promise.resolve()
  }

  async #append(staged: readonly Staged[], { mailbox, kind }: Where): Promise<void> {
    const { store, account, clock, pace } = this.#options
    const [first] = staged
    if (first === undefined) return
    const now = clock.now()
    const appended = await store.append({
      account: account.id,
      mailbox,
      messages: staged.map(({ message, flags, keywords, internalDate }) => ({
        ...{ message, flags, internalDate },
        keywords: storedKeywords(keywords),
      })),
      remembers: {
        ...{ kind, key: first.key },
        value: staged.map(({ key }) => key).join(' '),
        expiresAt: now + stateMilliseconds,
      },
      now,
      ...(pace === 'gentle' && { behind: true }),
    })
    if (appended.ok) {
      this.#options.onKept(staged, appended.uids, mailbox)
      return
    }
    if (staged.length > 1 && appended.reason !== 'no-such-mailbox') {
      const half = Math.ceil(staged.length / 2)
      await this.#append(staged.slice(0, half), { mailbox, kind })
      if (this.stopped === null) await this.#append(staged.slice(half), { mailbox, kind })
      return
    }
    if (appended.reason === 'over-quota') {
      this.stopped = `The account is full: there is no room for "${first.name}" (${first.message.blob.size} octets). Give it more with \`posthorn account set ${account.address} --quota SIZE\` (or --max-messages), then import again: what is there is not imported twice.`
      return
    }
    const reason =
      appended.reason === 'no-such-mailbox'
        ? 'its mailbox was removed meanwhile'
        : `it was refused (${appended.reason})`
    for (const { name } of staged) this.#options.onProblem(name, reason)
  }
}

/** Sorted, each once whatever its case; those beyond the store's limits are left. */
function storedKeywords(keywords: readonly string[]): string {
  const found = new Map(keywords.map((keyword) => [keyword.toLowerCase(), keyword]))
  const kept: string[] = []
  let length = 0
  for (const keyword of found.values()) {
    length += keyword.length + 1
    if (kept.length >= keywordLimits.count || length > keywordLimits.length) break
    kept.push(keyword)
  }
  return kept.toSorted().join(' ')
}
