// The inbox of one address, as a test waits at it.
//
// - `next` resolves as soon as a message is committed: it listens to the store and asks nobody again and again.
// - Each message is given by `next` once, in the order of arrival among those that match, so that two calls give two messages and
//   parallel tests with inboxes of their own never see each other's.
import type { Clock } from '../base/clock.ts'
import { milliseconds } from '../base/duration.ts'
import { type Address, tryAddress } from '../mail/address.ts'
import { decodeStructure } from '../mail/mime/codec.ts'
import type { Directory } from '../directory/directory.ts'
import type { AccountId, MailboxId, MessageText } from '../store/model.ts'
import type { Store } from '../store/store.ts'
import { isPattern, type MailMatch, mismatches } from './match.ts'
import { Mail } from './message.ts'

/** Nothing came that was waited for. The message lists what came instead, the nearest first. */
export class NoMailError extends Error {
  override name = 'NoMailError'
}

export interface WaitOptions {
  /** Default 5 s; a number is milliseconds. Real time, whatever the clock is told. */
  readonly timeout?: number | string
  readonly signal?: AbortSignal
}

export interface InboxParts {
  readonly store: Store
  readonly directory: Directory
  /** Real time. */
  readonly clock: Clock
  readonly defaultTimeout: number
}

interface Place {
  readonly account: AccountId
  readonly mailbox: MailboxId
}

const lastUid = 2 ** 32 - 1
const nearMisses = 5

export class Inbox {
  readonly address: string
  readonly #canonical: Address
  readonly #parts: InboxParts
  #place: Promise<Place> | null = null
  /** Highest UID read. */
  #read = 0
  #reading: Promise<void> = Promise.resolve()
  #mails: { readonly uid: number; readonly mail: Mail; given: boolean }[] = []

  /** Throws a TypeError for what is no address. */
  constructor(address: string, parts: InboxParts) {
    const canonical = tryAddress(address, { utf8: true })
    if (canonical === undefined) throw new TypeError(`${address} is no mail address`)
    this.address = address
    this.#canonical = canonical
    this.#parts = parts
  }

  /** The next message that matches and was not given yet; waits for it. Rejects with `NoMailError`. */
  async next(match: MailMatch = {}, options: WaitOptions = {}): Promise<Mail> {
    const given = await this.#wait(() => this.#take(match), options)
    if (given !== undefined) return given
    throw new NoMailError(this.#nothing(match, options))
  }

  /** All messages that came so far and match, given or not, in order of arrival. */
  async all(match: MailMatch = {}): Promise<Mail[]> {
    await this.#pull(await this.#open())
    return this.#mails.flatMap(({ mail }) => (mismatches(mail, match).length === 0 ? [mail] : []))
  }

  /** Waits until so many have come that match, and gives all of these. */
  async count(wanted: number, match: MailMatch = {}, options: WaitOptions = {}): Promise<Mail[]> {
    const matching = (): Mail[] =>
      this.#mails.flatMap(({ mail }) => (mismatches(mail, match).length === 0 ? [mail] : []))
    const given = await this.#wait(() => {
      const found = matching()
      return found.length >= wanted ? found : undefined
    }, options)
    if (given !== undefined) return given
    throw new NoMailError(
      `Only ${matching().length} of ${wanted} messages came. ${this.#nothing(match, options)}`,
    )
  }

  /** Rejects where a message that matches and was not given yet is there, or comes within `for` (default 100 ms). */
  async none(match: MailMatch = {}, options: { readonly for?: number | string } = {}): Promise<void> {
    const came = await this.#wait(() => this.#take(match), { timeout: options.for ?? 100 })
    if (came !== undefined)
      throw new NoMailError(`There should be no message for ${this.address}, and ${came} came.`)
  }

  /** Removes all messages. */
  async clear(): Promise<void> {
    const place = await this.#open()
    await this.#parts.store.expunge({ ...place, which: 'regardless' })
    this.#mails = []
  }

  /** Looks, and looks again after each change, until something is found or the time is over. */
  async #wait<T>(look: () => T | undefined, options: WaitOptions): Promise<T | undefined> {
    const { clock, store, defaultTimeout } = this.#parts
    const { timeout = defaultTimeout, signal } = options
    signal?.throwIfAborted()
    const place = await this.#open()
    let wake: () => void = () => {}
    let over = false
    const stop = store.subscribe(place.account, () => wake())
    const timer = clock.after(milliseconds(timeout), () => {
      over = true
      wake()
    })
    const abort = (): void => wake()
    signal?.addEventListener('abort', abort)
    try {
      for (;;) {
        // Made before the reading: what comes meanwhile wakes the next round.
        const woken = new Promise<void>((resolve) => {
          wake = resolve
        })
        await this.#pull(place)
        signal?.throwIfAborted()
        const found = look()
        if (found !== undefined || over) return found
        await woken
      }
    } finally {
      stop()
      timer.cancel()
      signal?.removeEventListener('abort', abort)
    }
  }

  #take(match: MailMatch): Mail | undefined {
    const entry = this.#mails.find(({ mail, given }) => !given && mismatches(mail, match).length === 0)
    if (entry === undefined) return undefined
    entry.given = true
    return entry.mail
  }

  #open(): Promise<Place> {
    this.#place ??= this.#find().catch((error: unknown) => {
      // Where the settings keep accounts, one may be made later.
      this.#place = null
      throw error
    })
    return this.#place
  }

  async #find(): Promise<Place> {
    const { directory, store } = this.#parts
    const found = await directory.resolve(this.#canonical)
    const [recipient] = found.type === 'local' ? found.recipients : []
    if (recipient === undefined) throw new TypeError(`${this.address} has no inbox here`)
    const account = recipient.account.id
    const inbox = await store.findMailbox({ account, name: 'INBOX' })
    if (inbox === undefined) throw new Error(`the inbox of ${this.address} is gone`)
    return { account, mailbox: inbox.id }
  }

  /** Reads what is new; one reading at a time. */
  #pull(place: Place): Promise<void> {
    const turn = this.#reading.then(() => this.#readNew(place))
    this.#reading = turn.catch(() => undefined)
    return turn
  }

  async #readNew(place: Place): Promise<void> {
    const uids = [[this.#read + 1, lastUid]] as const
    for await (const batch of this.#parts.store.messageTexts({ ...place, uids, data: true })) {
      for (const message of batch) {
        this.#mails.push({ uid: message.uid, mail: await this.#mail(message), given: false })
        this.#read = message.uid
      }
    }
  }

  async #mail(message: MessageText): Promise<Mail> {
    const { structure, prefix, internalDate, data } = message
    const bytes = data ?? (await this.#whole(message))
    const { address: recipient } = this
    return new Mail({
      ...{ bytes, prefix, recipient, receivedAt: internalDate },
      structure: decodeStructure(structure),
    })
  }

  async #whole({ blob }: MessageText): Promise<Uint8Array> {
    return Buffer.concat(await Array.fromAsync(this.#parts.store.blobs.read(blob)))
  }

  #nothing(match: MailMatch, { timeout = this.#parts.defaultTimeout }: WaitOptions): string {
    const wanted = Object.entries(match).map(([name, value]) => `${name} ${describe(value)}`)
    const asked = wanted.length === 0 ? 'any message' : `a message with ${wanted.join(', ')}`
    const head = `Waited ${typeof timeout === 'number' ? `${timeout} ms` : timeout} for ${asked} to ${this.address}.`
    const misses = this.#mails
      .map(({ mail, given }) => ({ mail, given, why: mismatches(mail, match) }))
      .toSorted((a, b) => a.why.length - b.why.length)
    if (misses.length === 0) return `${head} Nothing came.`
    const lines = misses.slice(0, nearMisses).map(({ mail, given, why }) => {
      const reason = why.length === 0 && given ? 'was given to an earlier call already' : why.join('; ')
      return `  - ${mail}: ${reason}`
    })
    const more = misses.length > nearMisses ? `\n  and ${misses.length - nearMisses} more` : ''
    return `${head} What came instead:\n${lines.join('\n')}${more}`
  }
}

function describe(value: unknown): string {
  if (isPattern(value)) return String(value)
  if (typeof value === 'function') return '(a function)'
  return JSON.stringify(value)
}
