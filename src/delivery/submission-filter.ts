// The filters of a message that is submitted without a session (HTTP API, `sendmail`): asked at the same points as one that comes by SMTP,
// so that what signs, checks or refuses mail does so whichever way it comes.
//
// The session that they see is that of a client with the service `api` or `local`, which counts as submission for whoever is asked
// about that; it says EHLO with this host's name. A filter's trouble never ends in a refusal for good.
import type { HookConnection, HookMail, HookRecipient, Rewrite } from '../config/hooks.ts'
import { errorText } from '../events/error-text.ts'
import type { Events } from '../events/event.ts'
import { hookFailed } from '../events/hooks.ts'
import { headerFields, openMessage } from '../hooks/message-parts.ts'
import type { Policy, PolicyRefusal, PolicySession } from '../hooks/policy.ts'
import { type Address, addressKey, tryAddress } from '../mail/address.ts'
import type { MessageOptions, RecipientOptions } from '../mail/delivery-options.ts'
import type { Ingested } from '../store/ingest.ts'
import { StoreUnavailable } from '../store/store.ts'
import { restage, type RestageParts } from './restage.ts'

export interface FilterParts extends RestageParts {
  readonly policy: Policy | null
  readonly events: Events
  readonly hostname: string
}

/** Who submits what. */
export interface Submission {
  readonly id: string
  readonly service: 'api' | 'local'
  /** Null: this machine. */
  readonly remoteAddress: string | null
  /** The account's address, where somebody logged in. */
  readonly username: string | null
  readonly reversePath: Address | null
  readonly options: MessageOptions
}

/** What the filters make of the whole message. */
export type Filtered =
  | PolicyRefusal
  | { readonly type: 'discard' }
  | {
      readonly type: 'keep'
      readonly ingested: Ingested
      readonly reversePath: Address | null
      readonly added: readonly Address[]
      /** Keys of addresses (`addressKey`). */
      readonly removed: ReadonlySet<string>
      /** Why an operator shall look at it first. */
      readonly quarantine: string | null
    }

export class SubmissionFilter {
  readonly #parts: FilterParts
  readonly #submission: Submission
  readonly #session: PolicySession | null
  readonly #recipients: HookRecipient[] = []

  constructor(parts: FilterParts, submission: Submission) {
    this.#parts = parts
    this.#submission = submission
    this.#session = parts.policy?.open() ?? null
  }

  /** Who is there and in whose name: the refusal, or null. */
  async begin(): Promise<PolicyRefusal | null> {
    if (this.#session === null) return null
    const mail = this.#mail()
    return (
      (await this.#session.connect(mail)) ??
      (await this.#session.hello(mail)) ??
      (await this.#session.mail(mail))
    )
  }

  /** One recipient that would be served: the refusal, or null. */
  async recipient(address: Address, options: RecipientOptions): Promise<PolicyRefusal | null> {
    if (this.#session === null) return null
    const recipient = { address, options }
    const refusal = await this.#session.rcpt({
      ...this.#mail(),
      recipients: [...this.#recipients],
      recipient,
    })
    if (refusal === null) this.#recipients.push(recipient)
    return refusal
  }

  /** The whole message. Rejects with `StoreUnavailable`. */
  async message(ingested: Ingested): Promise<Filtered> {
    const { reversePath, id } = this.#submission
    const kept = { type: 'keep', ingested, reversePath, added: [], removed: new Set<string>() } as const
    if (this.#session === null) return { ...kept, quarantine: null }
    const { readStaged } = this.#parts
    const { blob } = ingested.message
    const opened = await openMessage(readStaged(blob))
    await opened.close()
    const verdict = await this.#session.message({
      ...this.#mail(),
      ...{ id, recipients: [...this.#recipients], headers: headerFields(opened.header) },
      content: () => readStaged(blob),
      bytes: blob.size,
    })
    if (verdict === null) return { ...kept, quarantine: null }
    if (verdict.type === 'refuse' || verdict.type === 'discard') return verdict
    try {
      const quarantine = verdict.type === 'quarantine' ? verdict.reason : null
      return { ...(await this.#rewritten(kept, verdict.rewrites)), quarantine }
    } catch (error) {
      if (error instanceof StoreUnavailable) throw error
      return this.#broken(verdict.by, error)
    }
  }

  delivered(to: {
    readonly recipients: readonly { address: string; where: string }[]
    readonly bytes: number
  }): void {
    const { id, reversePath } = this.#submission
    this.#session?.delivered({ ...to, id, reversePath: reversePath === null ? '' : addressKey(reversePath) })
  }

  closed(): void {
    this.#session?.closed()
  }

  async #rewritten(
    before: Omit<Extract<Filtered, { type: 'keep' }>, 'quarantine'>,
    rewrites: readonly Rewrite[],
  ): Promise<Omit<Extract<Filtered, { type: 'keep' }>, 'quarantine'>> {
    let { ingested, reversePath } = before
    const added = new Map<string, Address>()
    const removed = new Set<string>()
    for (const rewrite of rewrites) {
      for (const address of (rewrite.removeRecipients ?? []).map(parse)) {
        if (!added.delete(addressKey(address))) removed.add(addressKey(address))
      }
      for (const address of (rewrite.addRecipients ?? []).map(parse)) {
        added.set(addressKey(address), address)
      }
      if (rewrite.reversePath !== undefined) {
        reversePath = rewrite.reversePath === '' ? null : parse(rewrite.reversePath)
      }
      ingested = await restage(this.#parts, ingested, rewrite)
    }
    return { ...before, ingested, reversePath, added: [...added.values()], removed }
  }

  #broken(by: string, error: unknown): PolicyRefusal {
    const { id } = this.#submission
    const failure = { failure: 'bad-answer', error: errorText(error), then: 'defer' }
    this.#parts.events.emit(hookFailed, { by, stage: 'data', session: id, message: id, ...failure })
    return { type: 'refuse', code: 451, status: '4.7.1', text: 'Try again later', then: 'go-on', by }
  }

  #mail(): HookMail {
    const { id, username, reversePath, options } = this.#submission
    const helo = this.#parts.hostname
    return { ...this.#connection(), id, helo, extended: true, username, reversePath, size: null, options }
  }

  #connection(): HookConnection {
    const { id, service, remoteAddress } = this.#submission
    return {
      ...{ sessionId: id, service, remotePort: 0, tls: null },
      remoteAddress: remoteAddress ?? '127.0.0.1',
      remoteName: remoteAddress === null ? 'localhost' : null,
    }
  }
}

function parse(text: string): Address {
  const address = tryAddress(text.replace(/^<(.*)>$/, '$1'), { utf8: true })
  if (address === undefined) throw new TypeError('a filter gave an address that is none')
  return address
}
