// Submission without a session: the HTTP API, `sendmail` and the program that embeds Posthorn hand in a whole message here. It
// resolves the recipients, puts the header right as RFC 6409 §8 says (Date, Message-ID, no Bcc), asks the filters, adds the trace field
// and delivers: into mailboxes and the queue in one commit, or nothing at all.
//
// Recipients that are refused do not stop the others; when none is left, nothing is kept.
import type { Clock } from '../base/clock.ts'
import type { Random } from '../base/random.ts'
import type { Directory, Resolution } from '../directory/directory.ts'
import { headerFields, openMessage } from '../hooks/message-parts.ts'
import type { Policy, PolicyRefusal } from '../hooks/policy.ts'
import { accepted } from '../events/delivery.ts'
import type { Events } from '../events/event.ts'
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
import type { Account, AccountId, ObjectId, StagedBlob } from '../store/model.ts'
import type { BlobStore, Store } from '../store/store.ts'
import type {
  ArrivalRecipient,
  Arrival,
  Delivery,
  DeliveryRefusal,
  DeliveryResult,
  FailedAtOnce,
  RemoteRecipient,
} from './delivery.ts'
import { type Filtered, SubmissionFilter } from './submission-filter.ts'

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
  /** An object that comes into being in the same commit, its key the submission's `id`. */
  readonly keeps?: {
    readonly account: AccountId
    readonly kind: string
    readonly expiresAt: number | null
    readonly value: (done: { id: string; recipients: readonly SubmittedRecipient[] }) => string
  }
}

/** What became of one recipient of the request. */
export interface SubmittedRecipient {
  readonly address: string
  /** `failed`: it was taken, and is over already; a report tells the sender, where he wants one. */
  readonly status: 'delivered' | 'queued' | 'refused' | 'failed'
  /** Why it was refused (`policy`: by a filter); or, in words, why it failed. */
  readonly reason?: string
}

/** Why a recipient is refused. */
type RefusalReason = Exclude<Resolution['type'], 'local'> | 'vanished' | 'policy'

function refused(address: string, reason: RefusalReason): SubmittedRecipient {
  return { address, status: 'refused', reason }
}

export type SubmitRefusal = DeliveryRefusal | 'no-recipients' | 'too-big' | 'header-too-big' | 'policy'

/** What a filter said: of class 4, and it may be tried again, or 5. */
export type FilterReply = Pick<PolicyRefusal, 'code' | 'status' | 'text'>

export type SubmitResult =
  | {
      readonly ok: true
      readonly id: string
      readonly recipients: readonly SubmittedRecipient[]
      /** Set where the same request was done before: its result then. */
      readonly before?: string
      /** What `keeps` asked for; absent where a filter threw the message away. */
      readonly object?: ObjectId
    }
  | {
      readonly ok: false
      readonly reason: SubmitRefusal
      readonly recipients: readonly SubmittedRecipient[]
      /** Set where the reason is `policy`. */
      readonly reply?: FilterReply
    }

export interface SubmitterParts {
  readonly store: Pick<Store, 'getAccount'>
  readonly directory: Directory
  readonly delivery: Delivery
  readonly stage: () => Ingest
  readonly readStaged: BlobStore['readStaged']
  /** Null: nobody is asked. */
  readonly policy: Policy | null
  readonly events: Events
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

/** One message on its way in. */
interface Work {
  readonly id: string
  /** Who submits it, where it is somebody's. */
  readonly account: Account | null
  readonly filter: SubmissionFilter
  readonly staged: Ingest
}

type Kept = Extract<Filtered, { type: 'keep' }>

export class Submitter {
  readonly #parts: SubmitterParts

  constructor(parts: SubmitterParts) {
    this.#parts = parts
  }

  /** Rejects with `StoreUnavailable` when the store cannot serve; nothing was kept then. */
  async submit(request: SubmitRequest): Promise<SubmitResult> {
    const { random, store } = this.#parts
    const id = random.id(idBits)
    const account = request.account === null ? null : ((await store.getAccount(request.account)) ?? null)
    const filter = new SubmissionFilter(this.#parts, {
      ...{ id, service: request.origin, remoteAddress: request.came.remoteAddress },
      ...{ username: account?.address ?? null, reversePath: request.reversePath },
      options: request.options ?? plainMessageOptions,
    })
    const staged = this.#parts.stage()
    try {
      const result = await this.#submit(request, { id, account, filter, staged })
      if (!result.ok || result.before !== undefined) await staged.discard()
      return result
    } catch (error) {
      await staged.discard()
      throw error
    } finally {
      filter.closed()
    }
  }

  async #submit(request: SubmitRequest, work: Work): Promise<SubmitResult> {
    const { id, filter, staged } = work
    const refusal = await filter.begin()
    if (refusal !== null) return refusedBy(refusal, [])
    const asked = await this.#resolve(request.recipients, filter)
    const { told } = asked
    if (asked.local.length + asked.remote.length === 0) {
      return { ok: false, reason: 'no-recipients', recipients: told }
    }
    const problem = await takeSubmitted(staged, request.content, { ...this.#parts, id })
    if (problem !== null) return { ok: false, reason: problem, recipients: told }
    const filtered = await filter.message(await staged.finish())
    if (filtered.type === 'refuse') return refusedBy(filtered, told)
    // A filter's way to throw a message away: 250, as by SMTP.
    if (filtered.type === 'discard') return { ok: true, id, recipients: told }
    const destinations = await this.#redirected(asked, filtered)
    if (destinations === null) return refusedBy(unservedAddition, told)
    if (destinations.local.length + destinations.remote.length === 0)
      return { ok: true, id, recipients: told }
    return this.#deliver(request, { ...work, ...destinations, filtered })
  }

  /** True where mail to the address reaches the account: whoever logged in may write under it. */
  async owns(account: AccountId, address: Address): Promise<boolean> {
    const resolution = await this.#parts.directory.resolve(address)
    return (
      resolution.type === 'local' &&
      // A list does not belong to its members.
      resolution.recipients.some((recipient) => recipient.account.id === account && recipient.list === null)
    )
  }

  /** Where they lead; `filter` is asked about those that can be served. */
  async #resolve(
    recipients: SubmitRequest['recipients'],
    filter: SubmissionFilter | null,
  ): Promise<Destinations> {
    const found: Destinations = { local: [], remote: [], told: [] }
    const seen = new Set<string>()
    for (const { address, options = plainRecipientOptions } of recipients) {
      const key = addressKey(address)
      if (seen.has(key)) continue
      seen.add(key)
      const resolution = await this.#parts.directory.resolve(address)
      const text = formatAddress(address)
      const served = resolution.type === 'not-local' || resolution.type === 'local'
      if (served && filter !== null && (await filter.recipient(address, options)) !== null) {
        found.told.push(refused(text, 'policy'))
      } else if (resolution.type === 'not-local') {
        found.remote.push({ address, via: null, list: null, options })
        found.told.push({ address: text, status: 'queued' })
      } else if (resolution.type === 'local') {
        for (const { account, deliveredTo, list } of resolution.recipients) {
          found.local.push({ account: account.id, deliveredTo, list, named: text, options })
        }
        found.remote.push(...resolution.remote.map((one) => ({ ...one, named: text, options })))
        found.told.push({ address: text, status: resolution.remote.length > 0 ? 'queued' : 'delivered' })
      } else found.told.push(refused(text, resolution.type))
    }
    return found
  }

  /** What a filter's changes leave, with what they add; null where an address that was added cannot be served. */
  async #redirected(before: Destinations, { added, removed }: Kept): Promise<Destinations | null> {
    const stays = (text: string): boolean => {
      const address = tryAddress(text, { utf8: true })
      return address === undefined || !removed.has(addressKey(address))
    }
    const more = await this.#resolve(
      added.map((address) => ({ address })),
      null,
    )
    if (more.told.some(({ status }) => status === 'refused')) return null
    return {
      local: [...before.local.filter(({ named, deliveredTo }) => stays(named ?? deliveredTo)), ...more.local],
      remote: [
        ...before.remote.filter(({ named, address }) => stays(named ?? formatAddress(address))),
        ...more.remote,
      ],
      told: before.told,
    }
  }

  async #deliver(
    request: SubmitRequest,
    work: Work & Destinations & { readonly filtered: Kept },
  ): Promise<SubmitResult> {
    const { clock, delivery } = this.#parts
    const { local, remote, told, id, account, filter, filtered } = work
    const { once, keeps } = request
    const { reversePath, quarantine } = filtered
    const { message, structure } = filtered.ingested
    const options = await this.#optionsOf(request, { remote, blob: message.blob })
    const result = await delivery.deliver({
      ...{ reversePath, recipients: local, remote, message, structure, id },
      trace: this.#trace({ ...request, reversePath }, id),
      receivedAt: clock.now(),
      origin: request.origin,
      account: request.account,
      ...(account === null ? {} : { sender: account.address }),
      options,
      ...(once === undefined
        ? {}
        : {
            once: {
              ...once,
              result: (failed: readonly FailedAtOnce[]) =>
                once.result({ id, recipients: withFailures(work, failed) }),
            },
          }),
      ...(keeps === undefined
        ? {}
        : {
            keeps: {
              ...keeps,
              value: (failed: readonly FailedAtOnce[]) =>
                keeps.value({ id, recipients: withFailures(work, failed) }),
            },
          }),
      ...(quarantine === null ? {} : { quarantine }),
    })
    if (!result.ok) return { ok: false, reason: result.reason, recipients: told }
    if (result.before !== undefined) return { ok: true, id, recipients: told, before: result.before }
    this.#tell(request, {
      id,
      reversePath,
      recipients: local.length + remote.length,
      bytes: message.blob.size,
    })
    filter.delivered({ recipients: placesOf(work, result), bytes: message.blob.size })
    const vanished = new Set(result.unknown.map(({ deliveredTo }) => deliveredTo))
    const recipients = withFailures(work, result.failed ?? []).map((one): SubmittedRecipient => {
      if (vanished.has(one.address)) return refused(one.address, 'vanished')
      // What is held for an operator is in no mailbox.
      return quarantine !== null && one.status === 'delivered' ? { ...one, status: 'queued' } : one
    })
    const { object } = result
    return { ok: true, id, recipients, ...(object !== undefined && { object }) }
  }

  #tell(
    { origin, account }: SubmitRequest,
    what: { id: string; reversePath: Address | null; recipients: number; bytes: number },
  ): void {
    const { id: message, reversePath, recipients, bytes } = what
    const from = reversePath === null ? '' : formatAddress(reversePath)
    const { events } = this.#parts
    events.emit(accepted, { message, origin, account, reversePath: from, recipients, bytes })
  }

  /** RFC 8689 §3: `TLS-Required: No` in the header asks for delivery rather than TLS; REQUIRETLS is stronger. */
  async #optionsOf(
    { options = plainMessageOptions }: SubmitRequest,
    { remote, blob }: { remote: readonly RemoteRecipient[]; blob: StagedBlob },
  ): Promise<MessageOptions> {
    if (remote.length === 0 || options.requireTls) return options
    const { header, close } = await openMessage(this.#parts.readStaged(blob))
    await close()
    const asked = headerFields(header).filter(({ name }) => name.toLowerCase() === 'tls-required')
    const declined = asked.length === 1 && asked[0]?.value.trim().toLowerCase() === 'no'
    return declined ? { ...options, tlsOptional: true } : options
  }

  #trace(
    request: Pick<SubmitRequest, 'came' | 'recipients' | 'reversePath' | 'options'>,
    id: string,
  ): Arrival['trace'] {
    const { hostname, clock } = this.#parts
    const { reversePath, options = plainMessageOptions } = request
    const received = submittedTrace(request, { id, hostname, now: clock.now() })
    const returnPath = formatReturnPath(reversePath)
    return (recipient) => {
      if (recipient === null) return received
      const address = tryAddress(recipient.deliveredTo, { utf8: true })
      const field = address === undefined ? '' : formatDeliveredTo(address, { utf8: options.smtpUtf8 })
      // RFC 5321 §3.9.2: what a list sends on has the list's owner as its reverse-path.
      const owner = reversePath === null ? null : (recipient.list?.owner ?? null)
      const path = owner === null ? undefined : tryAddress(owner, { utf8: true })
      return `${path === undefined ? returnPath : formatReturnPath(path)}${field}${received}`
    }
  }
}

function refusedBy(
  { code, status, text }: FilterReply,
  recipients: readonly SubmittedRecipient[],
): SubmitResult {
  return { ok: false, reason: 'policy', recipients, reply: { code, status, text } }
}

/** What is told of the recipients, when those have failed: of an alias where it leads to nobody else. */
function withFailures(
  { told, local, remote }: Destinations,
  failed: readonly FailedAtOnce[],
): readonly SubmittedRecipient[] {
  if (failed.length === 0) return told
  const replyOf = new Map(failed.map(({ address, reply }) => [address, reply]))
  return told.map((one) => {
    const behind = remote.filter(({ named, address }) => (named ?? formatAddress(address)) === one.address)
    const [reply, ...more] = behind.map(({ address }) => replyOf.get(formatAddress(address)))
    const reached = local.some(({ named, deliveredTo }) => (named ?? deliveredTo) === one.address)
    if (reply === undefined || reached || more.includes(undefined)) return one
    return { ...one, status: 'failed', reason: reply }
  })
}

/** A filter named an address that nobody has: its fault, not the sender's. */
const unservedAddition: FilterReply = { code: 451, status: '4.7.1', text: 'Try again later' }

/** For the hooks that hear of what was taken. */
function placesOf(
  { local, remote }: Destinations,
  { unknown }: DeliveryResult & { readonly ok: true },
): { address: string; where: string }[] {
  const lost = new Set(unknown.map(({ account }) => account))
  return [
    ...local
      .filter(({ account }) => !lost.has(account))
      .map(({ deliveredTo }) => ({ address: deliveredTo, where: deliveredTo })),
    ...remote.map(({ address }) => ({ address: formatAddress(address), where: 'queue' })),
  ]
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
