// The vacation responder (RFC 8621 §8): stands around the way in for all mail, and answers what came for an account whose owner is away.
//
// - It follows RFC 3834 and RFC 5230: a sender is answered once in seven days for the same words, and never a list, a program, a report or an
//   automatic answer; and only mail that names the owner as a recipient is answered.
// - Who is away is remembered for accounts that got mail lately, and forgotten with the first change of their settings: plain mail costs no
//   look at the store.
// - An answer is sent behind the delivery, which does not wait for it and cannot fail by it.
import { createHash } from 'node:crypto'
import { Buffer } from 'node:buffer'
import type { Clock } from '../base/clock.ts'
import type { Random } from '../base/random.ts'
import type { Directory } from '../directory/directory.ts'
import { errorText } from '../events/error-text.ts'
import type { Events } from '../events/event.ts'
import { vacationAnswered, vacationFailed, vacationWithheld } from '../events/vacation.ts'
import { type Address, addressKey, formatAddress, tryAddress } from '../mail/address.ts'
import { type HeaderField, splitHeader } from '../mail/header.ts'
import type { AccountId } from '../store/model.ts'
import type { BlobStore, Store } from '../store/store.ts'
import type { Arrival, ArrivalRecipient, Delivery, DeliveryResult } from './delivery.ts'
import { ownName } from './identity-name.ts'
import type { Submitter } from './submitter.ts'
import { addressees, composeReply, mayAnswer } from './vacation-rules.ts'
import { isAway, noVacation, readVacation, vacationKind, type VacationSettings } from './vacation-settings.ts'

export interface VacationParts {
  readonly store: Pick<Store, 'findObject' | 'subscribeBatched' | 'getAccount'>
  readonly blobs: Pick<BlobStore, 'readStaged'>
  readonly directory: Pick<Directory, 'resolve'>
  readonly clock: Clock
  readonly random: Random
  readonly events: Events
  readonly hostname: string
}

/** RFC 5230 §4.1: the usual time before a sender is answered again, in milliseconds. */
const once = 7 * 86_400_000
/** Accounts of which the settings are remembered. */
const mostKnown = 5_000
/** Octets of a header that are looked at, and addresses of it that are looked up. */
const headerOctets = 128 * 1024
const mostLookUps = 20

/** A message that may have to be answered for an account. */
interface Case {
  readonly recipient: ArrivalRecipient
  readonly settings: VacationSettings
}

interface Due extends Case {
  /** What the 250 called it. */
  readonly message: string
  readonly sender: Address
  readonly fields: readonly HeaderField[]
}

export class VacationResponder {
  readonly #parts: VacationParts
  readonly #known = new Map<AccountId, { readonly settings: VacationSettings; readonly end: () => void }>()
  readonly #busy = new Set<Promise<void>>()
  #submitter: Pick<Submitter, 'submit'> | null = null

  constructor(parts: VacationParts) {
    this.#parts = parts
  }

  /** By whom answers are sent. It sends through the very delivery that this stands around. */
  answerBy(submitter: Pick<Submitter, 'submit'>): void {
    this.#submitter = submitter
  }

  /** Resolves when all answers so far are on their way. */
  async settled(): Promise<void> {
    while (this.#busy.size > 0) await Promise.all(this.#busy)
  }

  around(delivery: Delivery): Delivery {
    return { deliver: (arrival) => this.#deliver(delivery, arrival) }
  }

  async #deliver(delivery: Delivery, arrival: Arrival): Promise<DeliveryResult> {
    const { reversePath, recipients } = arrival
    // RFC 3834 §2: reports have no sender. What is held back is answered when its time comes.
    if (reversePath === null || recipients.length === 0 || isHeld(arrival)) return delivery.deliver(arrival)
    const cases: Case[] = []
    for (const recipient of recipients) {
      const settings = await this.#settings(recipient.account)
      if (isAway(settings, arrival.receivedAt)) cases.push({ recipient, settings })
    }
    if (cases.length === 0) return delivery.deliver(arrival)
    const fields = await this.#header(arrival)
    const result = await delivery.deliver(arrival)
    if (!result.ok || result.before !== undefined) return result
    const missed = new Set([...result.unknown, ...(result.full ?? [])].map(({ account }) => account))
    for (const one of cases) {
      const due = { ...one, message: arrival.id ?? '', sender: reversePath, fields }
      if (!missed.has(one.recipient.account)) this.answer(due)
    }
    return result
  }

  /** What was delivered by another way: looks whether it is to be answered. */
  async delivered(message: {
    readonly recipient: ArrivalRecipient
    readonly sender: Address | null
    readonly header: string
    /** What it is called in the log. */
    readonly name: string
  }): Promise<void> {
    const { recipient, sender, header, name } = message
    const settings = await this.#settings(recipient.account)
    if (sender === null || !isAway(settings, this.#parts.clock.now())) return
    this.answer({ recipient, settings, message: name, sender, fields: splitHeader(header).fields })
  }

  /** Answers behind the caller's back, where that is due. */
  answer(due: Due): void {
    const { events } = this.#parts
    const about = { account: due.recipient.account, message: due.message, to: formatAddress(due.sender) }
    if (!mayAnswer(due.sender, due.fields)) {
      events.emit(vacationWithheld, { ...about, reason: 'automatic' })
      return
    }
    const work = this.#answer(due)
      .then((reason) => {
        if (reason === 'answered') events.emit(vacationAnswered, about)
        else events.emit(vacationWithheld, { ...about, reason })
      })
      .catch((error: unknown) => events.emit(vacationFailed, { ...about, error: errorText(error) }))
      .finally(() => this.#busy.delete(work))
    this.#busy.add(work)
  }

  async #answer({
    recipient,
    settings,
    sender,
    fields,
  }: Due): Promise<'answered' | 'gone' | 'own-address' | 'not-addressed' | 'answered-lately' | 'refused'> {
    const { store, clock, random, hostname } = this.#parts
    const account = await store.getAccount(recipient.account)
    if (account === undefined || this.#submitter === null) return 'gone'
    if (addressKey(sender) === account.address) return 'own-address'
    if (!(await this.#isAddressed(recipient, { address: account.address, fields }))) return 'not-addressed'
    const now = clock.now()
    const name = await ownName(store, { account: account.id, now })
    const words = createHash('sha256').update(
      JSON.stringify([settings.subject, settings.textBody, settings.htmlBody]),
    )
    const answered = await this.#submitter.submit({
      // RFC 3834 §3.3: nothing comes back of an automatic answer.
      reversePath: null,
      recipients: [{ address: sender }],
      ...{ origin: 'local', account: account.id, came: { protocol: 'local', remoteAddress: null } },
      content: composeReply({
        ...{ settings, to: sender, fields, now, boundary: random.id() },
        from: { name, email: account.address },
        messageId: `${random.id()}@${hostname}`,
      }),
      // RFC 5230 §4.2: for the same words. In the commit that queues the answer, so that of two messages at once one is answered.
      once: {
        account: account.id,
        key: `vacation ${words.digest('base64url').slice(0, 16)} ${addressKey(sender)}`,
        expiresAt: now + once,
        result: () => '',
      },
    })
    if (!answered.ok) return 'refused'
    return answered.before === undefined ? 'answered' : 'answered-lately'
  }

  /** RFC 5230 §4.5: one of the owner's addresses stands in the header. */
  async #isAddressed(
    recipient: ArrivalRecipient,
    { address, fields }: { readonly address: string; readonly fields: readonly HeaderField[] },
  ): Promise<boolean> {
    const { directory } = this.#parts
    if (recipient.list) return false
    const own = new Set(
      [address, recipient.deliveredTo, recipient.named ?? ''].flatMap((text) => {
        const one = tryAddress(text, { utf8: true })
        return one === undefined ? [] : [addressKey(one)]
      }),
    )
    const named = addressees(fields)
    if (named.some((one) => own.has(addressKey(one)))) return true
    for (const one of named.slice(0, mostLookUps)) {
      const resolution = await directory.resolve(one)
      if (resolution.type !== 'local') continue
      const leads = resolution.recipients.some(
        ({ account, list }) => account.id === recipient.account && list === null,
      )
      if (leads) return true
    }
    return false
  }

  async #settings(account: AccountId): Promise<VacationSettings> {
    const known = this.#known.get(account)
    if (known !== undefined) return known.settings
    const { store, clock } = this.#parts
    let isStale = false
    const end = store.subscribeBatched(account, (changes) => {
      const news = changes.some(
        (change) =>
          change.type === 'account-removed' ||
          (change.type === 'objects-changed' && change.kind === vacationKind),
      )
      if (!news) return
      isStale = true
      this.#forget(account)
    })
    try {
      const settings = await readVacation(store, { account, now: clock.now() })
      // Set while it was read, or by somebody who asked at the same time.
      if (isStale || this.#known.has(account)) end()
      else this.#keep(account, { settings, end })
      return settings
    } catch {
      // Mail is delivered all the same; if the store is gone, it says so itself.
      end()
      return noVacation
    }
  }

  #keep(account: AccountId, known: { readonly settings: VacationSettings; readonly end: () => void }): void {
    this.#known.set(account, known)
    for (const [oldest] of this.#known) {
      if (this.#known.size <= mostKnown) return
      this.#forget(oldest)
    }
  }

  #forget(account: AccountId): void {
    this.#known.get(account)?.end()
    this.#known.delete(account)
  }

  async #header({ message, structure }: Arrival): Promise<readonly HeaderField[]> {
    const end = Math.min(structure.root.bodyStart, headerOctets)
    const { blob } = message
    const chunks: Uint8Array[] = []
    if (blob.type === 'inline') chunks.push(blob.bytes.subarray(0, end))
    else for await (const chunk of this.#parts.blobs.readStaged(blob, { start: 0, end })) chunks.push(chunk)
    return splitHeader(Buffer.concat(chunks).toString('latin1')).fields
  }
}

function isHeld({ quarantine, options, receivedAt }: Arrival): boolean {
  return quarantine !== undefined || (options?.holdUntil ?? 0) > receivedAt
}
