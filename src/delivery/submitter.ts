// Submission without a session: the HTTP API, `sendmail` and the program that embeds Posthorn hand in a whole message here. It
// resolves the recipients, puts the header right as RFC 6409 §8 says (Date, Message-ID, no Bcc), adds the trace field and delivers: into
// mailboxes and the queue in one commit, or nothing at all.
//
// Recipients that are refused do not stop the others; when none is left, nothing is kept.
import type { Clock } from '../base/clock.ts'
import type { Random } from '../base/random.ts'
import type { Directory, Resolution } from '../directory/directory.ts'
import { addressKey, formatAddress, type Address, tryAddress } from '../mail/address.ts'
import { formatDate } from '../mail/date.ts'
import {
  type MessageOptions,
  plainMessageOptions,
  plainRecipientOptions,
  type RecipientOptions,
} from '../mail/delivery-options.ts'
import { HeaderEditor, type HeaderEdit } from '../mail/header-edit.ts'
import { formatDeliveredTo, formatReceived, formatReturnPath } from '../mail/received.ts'
import type { Ingest } from '../store/ingest.ts'
import type { AccountId } from '../store/model.ts'
import type { Store } from '../store/store.ts'
import type { ArrivalRecipient, Arrival, Delivery, DeliveryRefusal, RemoteRecipient } from './delivery.ts'

export interface SubmitRequest {
  readonly reversePath: Address | null
  readonly recipients: readonly { readonly address: Address; readonly options?: RecipientOptions }[]
  /** A whole message (RFC 5322), lines ended by CRLF. */
  readonly content: AsyncIterable<Uint8Array> | Iterable<Uint8Array>
  readonly origin: 'api' | 'local'
  readonly account: AccountId | null
  /** How it came, for the Received field: `HTTP` from an address, or `local`. */
  readonly came: { readonly protocol: 'HTTP' | 'local'; readonly remoteAddress: string | null }
  readonly options?: MessageOptions
  /** A request that must not be done twice; `result` is what a second one gets, made when all is known but the outcome. */
  readonly once?: {
    readonly account: AccountId
    readonly key: string
    readonly expiresAt: number
    readonly result: (done: { id: string; recipients: readonly SubmittedRecipient[] }) => string
  }
}

/** What became of one recipient of the request. */
export interface SubmittedRecipient {
  readonly address: string
  readonly status: 'delivered' | 'queued' | 'refused'
  /** Why it was refused. */
  readonly reason?: Exclude<Resolution['type'], 'local'> | 'vanished'
}

export type SubmitRefusal = DeliveryRefusal | 'no-recipients' | 'too-big' | 'header-too-big'

export type SubmitResult =
  | {
      readonly ok: true
      readonly id: string
      readonly recipients: readonly SubmittedRecipient[]
      /** Set where the same request was done before: its result then. */
      readonly before?: string
    }
  | {
      readonly ok: false
      readonly reason: SubmitRefusal
      readonly recipients: readonly SubmittedRecipient[]
    }

export interface SubmitterParts {
  readonly store: Pick<Store, 'getAccount'>
  readonly directory: Directory
  readonly delivery: Delivery
  readonly stage: () => Ingest
  readonly clock: Clock
  readonly random: Random
  readonly hostname: string
  /** Octets; 0 is no limit. */
  readonly maxMessageSize: number
  readonly maxHeaderSize: number
}

/** Bits of a message's identifier: enough never to meet another in a log. */
const idBits = 80

/** Where the recipients lead, all together. */
interface Destinations {
  readonly local: ArrivalRecipient[]
  readonly remote: RemoteRecipient[]
  readonly told: SubmittedRecipient[]
}

export class Submitter {
  readonly #parts: SubmitterParts

  constructor(parts: SubmitterParts) {
    this.#parts = parts
  }

  /** Rejects with `StoreUnavailable` when the store cannot serve; nothing was kept then. */
  async submit(request: SubmitRequest): Promise<SubmitResult> {
    const destinations = await this.#resolve(request)
    const { told, local, remote } = destinations
    if (local.length + remote.length === 0) return { ok: false, reason: 'no-recipients', recipients: told }
    const id = this.#parts.random.id(idBits)
    const staged = this.#parts.stage()
    try {
      const problem = await this.#take(staged, request.content, id)
      if (problem !== null) {
        await staged.discard()
        return { ok: false, reason: problem, recipients: told }
      }
      return await this.#deliver(request, { ...destinations, id, staged })
    } catch (error) {
      await staged.discard()
      throw error
    }
  }

  /** True where mail to the address reaches the account: whoever logged in may write under it. */
  async owns(account: AccountId, address: Address): Promise<boolean> {
    const resolution = await this.#parts.directory.resolve(address)
    return (
      resolution.type === 'local' &&
      resolution.recipients.some((recipient) => recipient.account.id === account)
    )
  }

  async #resolve({ recipients }: SubmitRequest): Promise<Destinations> {
    const found: Destinations = { local: [], remote: [], told: [] }
    const seen = new Set<string>()
    for (const { address, options = plainRecipientOptions } of recipients) {
      const key = addressKey(address)
      if (seen.has(key)) continue
      seen.add(key)
      const resolution = await this.#parts.directory.resolve(address)
      const text = formatAddress(address)
      if (resolution.type === 'not-local') {
        found.remote.push({ address, via: null, list: null, options })
        found.told.push({ address: text, status: 'queued' })
      } else if (resolution.type === 'local') {
        for (const { account, deliveredTo, list } of resolution.recipients) {
          found.local.push({ account: account.id, deliveredTo, list, named: text, options })
        }
        found.remote.push(...resolution.remote.map((one) => ({ ...one, named: text, options })))
        found.told.push({ address: text, status: resolution.remote.length > 0 ? 'queued' : 'delivered' })
      } else found.told.push({ address: text, status: 'refused', reason: resolution.type })
    }
    return found
  }

  async #take(staged: Ingest, content: SubmitRequest['content'], id: string): Promise<SubmitRefusal | null> {
    return takeSubmitted(staged, content, { ...this.#parts, id })
  }

  async #deliver(
    request: SubmitRequest,
    work: Destinations & { readonly id: string; readonly staged: Ingest },
  ): Promise<SubmitResult> {
    const { clock, delivery, store } = this.#parts
    const { local, remote, told, id, staged } = work
    const { once } = request
    const account = request.account === null ? undefined : await store.getAccount(request.account)
    const { message, structure } = await staged.finish()
    const result = await delivery.deliver({
      ...{ reversePath: request.reversePath, recipients: local, remote, message, structure, id },
      trace: this.#trace(request, id),
      receivedAt: clock.now(),
      origin: request.origin,
      account: request.account,
      ...(account === undefined ? {} : { sender: account.address }),
      options: request.options ?? plainMessageOptions,
      ...(once === undefined ? {} : { once: { ...once, result: once.result({ id, recipients: told }) } }),
    })
    if (!result.ok || result.before !== undefined) await staged.discard()
    if (!result.ok) return { ok: false, reason: result.reason, recipients: told }
    const vanished = new Set(result.unknown.map(({ deliveredTo }) => deliveredTo))
    const recipients = told.map((one) =>
      vanished.has(one.address) ? { ...one, status: 'refused' as const, reason: 'vanished' as const } : one,
    )
    return { ok: true, id, recipients, ...(result.before === undefined ? {} : { before: result.before }) }
  }

  #trace(request: SubmitRequest, id: string): Arrival['trace'] {
    const { hostname, clock } = this.#parts
    const { reversePath, options = plainMessageOptions } = request
    const received = submittedTrace(request, { id, hostname, now: clock.now() })
    const returnPath = formatReturnPath(reversePath)
    return (recipient) => {
      if (recipient === null) return received
      const address = tryAddress(recipient.deliveredTo, { utf8: true })
      const field = address === undefined ? '' : formatDeliveredTo(address, { utf8: options.smtpUtf8 })
      return `${returnPath}${field}${received}`
    }
  }
}

/** What a submitted message is taken in by. */
export type TakeContext = Pick<SubmitterParts, 'clock' | 'hostname' | 'maxMessageSize' | 'maxHeaderSize'> & {
  readonly id: string
}

/** Stages the message with its header put right; why it cannot be, else null. The caller discards what is refused. */
export async function takeSubmitted(
  staged: Ingest,
  content: SubmitRequest['content'],
  { clock, hostname, maxMessageSize, maxHeaderSize, id }: TakeContext,
): Promise<'too-big' | 'header-too-big' | null> {
  const edits: HeaderEdit[] = [
    // RFC 6409 §8.2 and §8.3; RFC 5322 §3.6.3 for blind copies.
    { type: 'add-missing', name: 'Date', value: formatDate(clock.now()) },
    { type: 'add-missing', name: 'Message-ID', value: `<${id}@${hostname}>` },
    { type: 'remove', name: 'Bcc' },
    { type: 'remove', name: 'Resent-Bcc' },
  ]
  const editor = new HeaderEditor({ edits, maxHeaderOctets: maxHeaderSize })
  const write = async (pieces: readonly Uint8Array[]): Promise<void> => {
    for (const piece of pieces) await staged.write(piece)
  }
  for await (const bytes of content) {
    await write(editor.push(bytes))
    if (editor.failed) return 'header-too-big'
    if (maxMessageSize > 0 && staged.size > maxMessageSize) return 'too-big'
  }
  await write(editor.finish())
  return null
}

/** The Received field of a message that came without a session. */
export function submittedTrace(
  { came, recipients }: Pick<SubmitRequest, 'came' | 'recipients'>,
  { id, hostname, now }: { id: string; hostname: string; now: number },
): string {
  const [only] = recipients
  return formatReceived({
    helo: came.remoteAddress === null ? hostname : null,
    remoteAddress: came.remoteAddress ?? '',
    remoteName: null,
    by: hostname,
    protocol: came.protocol,
    id,
    recipient: recipients.length === 1 ? (only?.address ?? null) : null,
    tls: null,
    time: now,
  })
}
