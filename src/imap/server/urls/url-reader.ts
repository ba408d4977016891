// The octets that an IMAP URL names: for CATENATE, URLFETCH and SMTP's BURL.
//
// A URL without authorisation is read with the rights of who asks; one with it (RFC 4467 §6) with those of the user in the URL,
// after its token was checked. Every reason not to read is the same `undefined`: nobody learns which mailboxes there are.
import { createHmac, timingSafeEqual } from 'node:crypto'
import { Buffer } from 'node:buffer'
import { allows, findPlace } from '../access.ts'
import { Cursor, ParseError } from '../../proto/grammar/cursor.ts'
import { MessageBytes, sizeOf } from '../messages/message-bytes.ts'
import { parseFetchItems } from '../../proto/grammar/fetch.ts'
import { headerRange, sectionPieces } from '../messages/fetch-section.ts'
import { tryImapUrl } from '../../../mail/imap-url.ts'
import type { Account } from '../../../store/model.ts'
import type { FetchItem } from '../../proto/grammar/fetch.ts'
import type { ImapUrl, UrlAccess } from '../../../mail/imap-url.ts'
import type { Place } from '../access.ts'
import type { UrlParts } from './parts.ts'

/** Octets, and how many. */
export interface UrlSource {
  readonly size: number
  /** The part that they are of, for URLFETCH's BODYPARTSTRUCTURE and BINARY (RFC 5524). */
  readonly item: SectionItem
  readonly message: MessageBytes
  read(): AsyncIterable<Uint8Array>
}

type SectionItem = Extract<FetchItem, { name: 'SECTION' }>

/** Who asks: an account, perhaps with a mailbox selected, perhaps the submission server for a user (RFC 4468 §3.1). */
export interface UrlUser {
  readonly account: Account
  readonly selected: Place | null
  readonly as: 'user' | 'submission'
}

export class UrlReader {
  readonly #parts: UrlParts
  readonly #user: UrlUser

  constructor(parts: UrlParts, user: UrlUser) {
    this.#parts = parts
    this.#user = user
  }

  async open(text: string): Promise<UrlSource | undefined> {
    const url = tryImapUrl(text)
    if (url === undefined || !this.#isOurs(url)) return undefined
    const item = trySection(url)
    if (item === undefined) return undefined
    const place = await this.#place(url)
    if (place === undefined || !allows(place, 'r') || !place.mailbox.selectable) return undefined
    if (url.uidValidity !== null && url.uidValidity !== place.mailbox.uidValidity) return undefined
    return this.#read(place, url, item)
  }

  #isOurs({ server }: ImapUrl): boolean {
    return server === null || server.host === this.#parts.hostname.toLowerCase()
  }

  /** The mailbox, where who asks may read by this URL. */
  async #place(url: ImapUrl): Promise<Place | undefined> {
    const { account, selected } = this.#user
    if (url.authorization !== null) return this.#authorized(url)
    if (url.server !== null && url.server.user !== null && !isSame(url.server.user, account)) return undefined
    if (url.mailbox === null) return selected ?? undefined
    return findPlace({ account, parts: this.#parts }, url.mailbox)
  }

  /** RFC 4467 §6, §7 URLFETCH. */
  async #authorized(url: ImapUrl): Promise<Place | undefined> {
    const { authorization, server, mailbox, expires } = url
    const { store, clock } = this.#parts
    if (authorization === null || authorization.token === null || mailbox === null) return undefined
    const found = server?.user == null ? undefined : await store.credentialsOf(server.user)
    const owner = found?.account
    const place = owner && (await findPlace({ account: owner, parts: this.#parts }, mailbox))
    // A key that fits nothing is tried where there is none, so that the time says nothing (RFC 4467 §6).
    const key = (place && owner && (await this.#key(owner, place))) ?? new Uint8Array(32)
    const { mechanism, value } = authorization.token
    const right = mechanism === 'INTERNAL' && isEqual(urlToken(authorization.rump, key), value)
    if (!right || !this.#mayUse(authorization.access)) return undefined
    return expires !== null && expires < clock.now() ? undefined : place
  }

  #mayUse(access: UrlAccess): boolean {
    const { account, as } = this.#user
    switch (access.type) {
      case 'submit':
        return as === 'submission' && access.user !== null && isSame(access.user, account)
      case 'user':
        return as === 'user' && access.user !== null && isSame(access.user, account)
      case 'authuser':
      case 'anonymous':
        return true
    }
  }

  #key(owner: Account, place: Place): Promise<Uint8Array | undefined> {
    return urlKey(this.#parts, owner, place)
  }

  async #read(place: Place, url: ImapUrl, item: SectionItem): Promise<UrlSource | undefined> {
    const { store, config } = this.#parts
    const { account, mailbox } = place
    const request = { account, mailbox: mailbox.id, uids: [[url.uid, url.uid] as const] }
    for await (const [message] of store.messageTexts(request)) {
      if (message === undefined) continue
      const bytes = new MessageBytes(store.blobs, message)
      const range = headerRange(bytes, item.section, config.headerText)
      const fields =
        range === undefined ? new Uint8Array(0) : await bytes.collect(range, range.end - range.start)
      const pieces = sectionPieces(bytes, item, fields)
      if (pieces === undefined) return undefined
      return {
        ...{ size: sizeOf(pieces), item, message: bytes },
        async *read() {
          for (const piece of pieces) yield* bytes.read(piece)
        },
      }
    }
    return undefined
  }
}

/** The mailbox's key, made where there is none yet. */
export function urlKey(parts: UrlParts, owner: Account, place: Place): Promise<Uint8Array | undefined> {
  if (place.account !== owner.id) return Promise.resolve(undefined)
  const proposed = parts.random.bytes(32)
  return parts.store.urlKey({ account: owner.id, mailbox: place.mailbox.id, proposed })
}

/** RFC 4467 §2.4.1 INTERNAL: what this server computes of a rump URL and a key; 64 hexadecimal digits. */
export function urlToken(rump: string, key: Uint8Array): string {
  return createHmac('sha256', key).update(rump).digest('hex')
}

function isEqual(a: string, b: string): boolean {
  const [left, right] = [Buffer.from(a), Buffer.from(b)]
  return left.length === right.length && timingSafeEqual(left, right)
}

function isSame(user: string, account: Account): boolean {
  return user.toLowerCase() === account.address.toLowerCase()
}

/** The section as a data item; undefined where it is none. */
function trySection({ section, partial }: ImapUrl): SectionItem | undefined {
  const stretch = partial === null ? '' : `<${partial.start}.${partial.length ?? 4_294_967_295}>`
  const cursor = new Cursor([{ text: `BODY.PEEK[${section}]${stretch}`, literal: null }])
  try {
    const [item] = parseFetchItems(cursor, { fetchItems: 1, headerFields: 100, sectionDepth: 100 })
    cursor.end()
    return item?.name === 'SECTION' ? item : undefined
  } catch (error) {
    if (error instanceof ParseError) return undefined
    throw error
  }
}
