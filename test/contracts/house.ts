// What the store's contract is tried with: one fresh store per test, a domain, and short words for staging, delivering and
// reading back. Every test ends with the audit: a store that answered rightly and kept wrong counts has failed too.
import assert from 'node:assert/strict'
import { test } from 'node:test'
import type {
  Account,
  AccountId,
  Change,
  Credentials,
  Mailbox,
  MailboxId,
  Message,
  Quota,
  SpecialUse,
  StagedMessage,
  Uid,
} from '../../src/store/model.ts'
import { encodeStructure } from '../../src/mail/mime/codec.ts'
import { MimeWalker } from '../../src/mail/mime/walker.ts'
import type { DeliveryTarget, Store, UidSelection } from '../../src/store/store.ts'

/** A store of one test. `end` closes it where that is still to do and removes what it left. */
export interface OpenedStore {
  readonly store: Store
  /** Opens what `store` left behind, where that medium outlives its process. */
  readonly reopen?: () => Promise<Store>
  readonly end: () => Promise<void>
}

export type OpenStore = () => Promise<OpenedStore>

/** The house's tests: `room.test(name, run)` for each, in the suite of one engine. */
export type Room = (
  name: string,
  run: (house: House) => Promise<void>,
  /** `closes`: the test closes the store itself, and audits what it opens again. */
  options?: { closes: boolean },
) => void

/** Makes the `Room` of an engine. With a `reason` for not running here, its tests skip and say it. */
export function roomOf(open: OpenStore, skip?: string): Room {
  return (name, run, options) => {
    test(name, skip === undefined ? {} : { skip }, async () => {
      const opened = await open()
      try {
        const house = new House(opened)
        await opened.store.addDomain({ name: house.domain, now: house.now })
        await run(house)
        if (options?.closes !== true) await house.audit()
      } finally {
        await opened.end()
      }
    })
  }
}

export const noQuota: Quota = { bytes: null, messages: null, mailboxes: null, annotations: null }
export const noCredentials: Credentials = { argon2id: null, scramSha256: null }
export const everything: UidSelection = [[1, 4_294_967_295]]
export const standardMailboxes: readonly { name: string; specialUse: SpecialUse }[] = [
  { name: 'Drafts', specialUse: 'drafts' },
  { name: 'Sent', specialUse: 'sent' },
  { name: 'Trash', specialUse: 'trash' },
]

/** A UID that a test made up. */
export const uid = (value: number): Uid => value as Uid

export class House {
  readonly store: Store
  readonly opened: OpenedStore
  readonly domain = 'house.test'
  readonly now = 1_800_000_000_000

  constructor(opened: OpenedStore) {
    this.opened = opened
    this.store = opened.store
  }

  async audit(store: Store = this.store): Promise<void> {
    assert.deepEqual(await store.audit(), [])
  }

  /** An account with INBOX, Drafts, Sent and Trash. */
  async account(name = 'ann', quota: Quota = noQuota): Promise<AccountId> {
    const made = await this.store.addAccount({
      address: `${name}@${this.domain}`,
      credentials: noCredentials,
      quota,
      mailboxes: standardMailboxes,
      now: this.now,
    })
    assert.ok(made.ok)
    return made.account.id
  }

  async accountOf(id: AccountId): Promise<Account> {
    const account = await this.store.getAccount(id)
    assert.ok(account)
    return account
  }

  async stage(content: string | Uint8Array): Promise<StagedMessage> {
    const writer = this.store.blobs.stage()
    const bytes = typeof content === 'string' ? Buffer.from(content) : content
    try {
      // In uneven pieces, as from a socket.
      for (let at = 0; at < bytes.length; at += 48_611) await writer.write(bytes.subarray(at, at + 48_611))
      const blob = await writer.finish()
      assert.equal(blob.size, bytes.length)
      return { blob, structure: structureOf(bytes) }
    } catch (error) {
      await writer.discard()
      throw error
    }
  }

  /** One text to the INBOX of each account; answers the UIDs. */
  async deliver(accounts: readonly AccountId[], content: string | Uint8Array = letter('x')): Promise<Uid[]> {
    const targets = accounts.map((account) => ({ account, prefix: prefixOf(account) }))
    return this.deliverTo(targets, content)
  }

  async deliverTo(targets: readonly DeliveryTarget[], content: string | Uint8Array): Promise<Uid[]> {
    const message = await this.stage(content)
    const delivered = await this.store.deliver({ message, internalDate: this.now, targets })
    assert.ok(delivered.ok)
    return delivered.results.map((result) => {
      assert.ok(result.ok)
      return result.uid
    })
  }

  async append(
    account: AccountId,
    mailbox: MailboxId,
    options: { count?: number; flags?: number; keywords?: string; content?: string } = {},
  ): Promise<Uid[]> {
    const { count = 1, flags = 0, keywords = '', content = letter('appended') } = options
    const messages = []
    for (let index = 0; index < count; index++) {
      const message = await this.stage(content)
      messages.push({ message, flags, keywords, internalDate: this.now + index })
    }
    const appended = await this.store.append({ account, mailbox, messages, now: this.now })
    assert.ok(appended.ok)
    return [...appended.uids]
  }

  async mailbox(account: AccountId, name = 'INBOX'): Promise<Mailbox> {
    const mailbox = await this.store.findMailbox({ account, name })
    const { id, selectable } = (await this.store.locateMailbox({ account, name })) ?? {}
    assert.deepEqual([id, selectable], [mailbox?.id, mailbox?.selectable])
    assert.ok(mailbox, `mailbox ${name}`)
    return mailbox
  }

  async create(account: AccountId, name: string): Promise<Mailbox> {
    const created = await this.store.createMailbox({ account, name, now: this.now })
    assert.ok(created.ok, `creating ${name}`)
    return created.mailbox
  }

  async names(account: AccountId): Promise<string[]> {
    const mailboxes = await this.store.listMailboxes(account)
    return mailboxes.map((mailbox) => (mailbox.selectable ? mailbox.name : `(${mailbox.name})`)).sort()
  }

  async messages(account: AccountId, mailbox: MailboxId, uids = everything): Promise<Message[]> {
    return (await Array.fromAsync(this.store.messages({ account, mailbox, uids }))).flat()
  }

  async uids(account: AccountId, mailbox: MailboxId): Promise<number[]> {
    return (await this.messages(account, mailbox)).map((message) => message.uid)
  }

  async setFlags(request: {
    account: AccountId
    mailbox: MailboxId
    uids?: UidSelection
    mode?: 'add' | 'remove' | 'replace'
    flags?: number
    keywords?: readonly string[]
  }): Promise<void> {
    const done = await this.store.setFlags({
      uids: everything,
      mode: 'add',
      flags: 0,
      keywords: [],
      ...request,
    })
    assert.ok(done.ok)
  }

  /** What a client would fetch: prefix, then the blob's bytes. */
  async text(account: AccountId, mailbox: MailboxId, wanted: Uid): Promise<Buffer> {
    const uids: UidSelection = [[wanted, wanted]]
    const rows = (await Array.fromAsync(this.store.messageTexts({ account, mailbox, uids }))).flat()
    assert.equal(rows.length, 1)
    const [row] = rows
    assert.ok(row)
    const body = await Array.fromAsync(this.store.blobs.read(row.blob))
    const text = Buffer.concat([Buffer.from(row.prefix), ...body])
    assert.equal(text.length, row.size)
    return text
  }

  /** Collects what a subscriber is told. `settle` waits until it has been told the account's latest change. */
  listen(account: AccountId): Listening {
    return new Listening(this, account)
  }
}

export class Listening implements Disposable {
  readonly changes: Change[] = []
  readonly #house: House
  readonly #account: AccountId
  readonly #stop: () => void
  #told = Promise.withResolvers<void>()

  constructor(house: House, account: AccountId) {
    this.#house = house
    this.#account = account
    this.#stop = house.store.subscribe(account, (changes) => {
      this.changes.push(...changes)
      this.#told.resolve()
      this.#told = Promise.withResolvers()
    })
  }

  get modSeqs(): number[] {
    return this.changes.flatMap((change) => (change.type === 'account-removed' ? [] : [change.modSeq]))
  }

  /** Resolves when everything that was committed before this call has been told. */
  async settle(): Promise<void> {
    const { modSeq } = await this.#house.accountOf(this.#account)
    while (this.changes.length === 0 || (this.modSeqs.at(-1) ?? 0) < modSeq) await this.#told.promise
  }

  /** Resolves when a change of that type has been told. */
  async until(type: Change['type']): Promise<void> {
    while (!this.changes.some((change) => change.type === type)) await this.#told.promise
  }

  [Symbol.dispose](): void {
    this.#stop()
  }
}

/** A message of a few lines that says `words`. */
export function letter(words: string): string {
  return `From: a@example.org\r\nTo: b@example.org\r\nSubject: ${words}\r\n\r\n${words}\r\n`
}

/** Bytes with every octet value among them, so that nothing can pass that reads them as text. */
export function largeBytes(length: number): Buffer {
  const bytes = Buffer.alloc(length)
  for (let index = 0; index < length; index++) bytes[index] = (index * 31 + (index >> 8)) & 0xff
  return bytes
}

export function prefixOf(account: AccountId): string {
  return `Return-Path: <a@example.org>\r\nDelivered-To: ${account}@house.test\r\n`
}

/** As whoever takes a message in makes it. */
export function structureOf(bytes: Uint8Array): string {
  const walker = new MimeWalker()
  walker.push(bytes)
  return encodeStructure(walker.finish())
}

/** Equality of bytes, without the hour that printing the difference of two large arrays takes. */
export function assertBytes(actual: Uint8Array, expected: Uint8Array, what = 'bytes'): void {
  if (Buffer.compare(actual, expected) === 0) return
  const at = expected.findIndex((octet, index) => actual[index] !== octet)
  assert.fail(`${what}: ${actual.length} for ${expected.length} octets, the first difference at ${at}`)
}
