// Sessions of the web pages: who logged in, from where, and until when that holds.
//
// - A token is `<account>.<256 bits>` and is told once; the store keeps its hash, so that whoever reads the store has nobody's session.
// - A session ends when it is not used for `sessionIdle`, and `sessionLongest` after its log-in however much it is used.
// - Its last use is noted at most every `sessionNoted`: reading a page is no reason to write.
// - A log-in always makes a new token (nobody can lay one out for another to log in with).
// - `provenAt` says when its person last showed who he is: what changes how the account is protected wants that to be recent.
import { createHash } from 'node:crypto'
import type { Clock } from '../base/clock.ts'
import type { Random } from '../base/random.ts'
import type { WebConfig } from '../config/sections/web.ts'
import type { Account, AccountId, ObjectId } from '../store/model.ts'
import type { ObjectStore } from '../store/objects.ts'
import type { DirectoryStore } from '../store/store.ts'
import { type AccountObject, AccountObjects, mostRounds } from './account-objects.ts'

/** How its person showed who he is. */
export type LoginMethod = 'password' | 'password+code' | 'password+recovery' | 'passkey' | 'setup'

interface SessionRecord {
  readonly created: number
  readonly seen: number
  readonly proven: number
  readonly method: LoginMethod
  readonly address: string
  readonly agent: string
}

export interface WebSession {
  readonly id: ObjectId
  readonly createdAt: number
  /** Not later than the last use, and at most `sessionNoted` before it. */
  readonly seenAt: number
  readonly provenAt: number
  readonly expiresAt: number
  readonly method: LoginMethod
  /** Where it was last used from. */
  readonly remoteAddress: string
  /** What the browser calls itself, shortened. */
  readonly userAgent: string
}

export interface OpenSession extends WebSession {
  readonly account: Account
}

export interface WebSessionOptions {
  readonly store: ObjectStore & Pick<DirectoryStore, 'getAccount'>
  readonly clock: Clock
  readonly random: Random
  readonly web: WebConfig
}

const kind = 'web-session'
/** Characters of a User-Agent that are kept. */
const agentLength = 300
const tokenPattern = /^([1-9]\d{0,15})\.([A-Za-z0-9_-]{43})$/

export class WebSessions {
  readonly #options: WebSessionOptions
  readonly #objects: AccountObjects<SessionRecord>

  constructor(options: WebSessionOptions) {
    this.#options = options
    this.#objects = new AccountObjects(options.store, kind)
  }

  /** The token, for a cookie, and the session; undefined where the account is gone. */
  async open(
    account: Account,
    from: { readonly method: LoginMethod; readonly remoteAddress: string; readonly userAgent: string },
  ): Promise<{ readonly token: string; readonly session: WebSession } | undefined> {
    const { clock, random, web } = this.#options
    const now = clock.now()
    const value: SessionRecord = {
      ...{ created: now, seen: now, proven: now, method: from.method },
      address: from.remoteAddress,
      agent: from.userAgent.slice(0, agentLength),
    }
    const secret = Buffer.from(random.bytes(32)).toString('base64url')
    const expiresAt = this.#expiry(value)
    const key = hashOf(secret)
    const limit = web.maxSessions
    let destroy: ObjectId[] = []
    // Of several log-ins that make room at once each may find that another has taken what it would have.
    for (let round = 0; round < limit + mostRounds; round++) {
      const made = await this.#objects.create(account.id, { value, key, expiresAt }, { now, limit, destroy })
      if (made === 'gone') return undefined
      if (typeof made === 'number') {
        const session = shown({ id: made, key, value, expiresAt })
        return { token: `${account.id}.${secret}`, session }
      }
      destroy = await this.#oldest(account.id, now)
    }
    throw new Error('no room could be made for a session')
  }

  /** The session of a token, of an active account; its use is noted. */
  async find(token: string, remoteAddress: string): Promise<OpenSession | undefined> {
    const [, id = '', secret = ''] = tokenPattern.exec(token) ?? []
    if (secret === '') return undefined
    const { store, clock } = this.#options
    const now = clock.now()
    // Ids are numbers; one that is nobody's finds nothing.
    const accountId = Number(id) as AccountId
    const found = await this.#objects.find(accountId, hashOf(secret), now)
    if (found === undefined) return undefined
    const account = await store.getAccount(accountId)
    if (account === undefined || account.state !== 'active') return undefined
    const seen = await this.#note(account.id, found, { now, remoteAddress })
    return { ...shown(seen), account }
  }

  /** In order of log-in. */
  async list(account: AccountId): Promise<WebSession[]> {
    return (await this.#objects.list(account, this.#options.clock.now())).map(shown)
  }

  /** False where there is none of that id. */
  async end(account: AccountId, id: number): Promise<boolean> {
    return this.#objects.destroy(account, [id as ObjectId], this.#options.clock.now())
  }

  /** Ends all but `kept`; how many. */
  endAll(account: AccountId, kept: number | null): Promise<number> {
    const { store, clock } = this.#options
    return endSessions(store, { account, kept, now: clock.now() })
  }

  /** Its person has just shown again who he is. */
  async prove(account: AccountId, id: number): Promise<void> {
    const now = this.#options.clock.now()
    const found = await this.#objects.get(account, id, now)
    if (found === undefined) return
    const value = { ...found.value, proven: now, seen: now }
    // Whatever else changes a session says less than this.
    await this.#objects.update(account, { id: found.id, value, expiresAt: this.#expiry(value) }, now)
  }

  /** Whether it was shown recently enough for what is dangerous. */
  isProven({ provenAt }: Pick<WebSession, 'provenAt'>): boolean {
    return this.#options.clock.now() - provenAt < this.#options.web.proofTime
  }

  #expiry({ created, seen }: SessionRecord): number {
    const { sessionIdle, sessionLongest } = this.#options.web
    return Math.min(seen + sessionIdle, created + sessionLongest)
  }

  async #note(
    account: AccountId,
    found: AccountObject<SessionRecord>,
    { now, remoteAddress }: { now: number; remoteAddress: string },
  ): Promise<Pick<AccountObject<SessionRecord>, 'id' | 'value' | 'expiresAt'>> {
    const { value, id, modSeq } = found
    const isFresh = now - value.seen < this.#options.web.sessionNoted
    if (isFresh && value.address === remoteAddress) return found
    const seen = { ...value, seen: now, address: remoteAddress }
    const expiresAt = this.#expiry(seen)
    // Somebody else who noted it at the same moment has said the same.
    await this.#objects.update(account, { id, value: seen, expiresAt, ifModSeq: modSeq }, now)
    return { id, value: seen, expiresAt }
  }

  /** Those that have to go for one more. */
  async #oldest(account: AccountId, now: number): Promise<ObjectId[]> {
    const all = await this.#objects.list(account, now)
    const most = Math.max(0, this.#options.web.maxSessions - 1)
    const byUse = all.toSorted((left, right) => left.value.seen - right.value.seen)
    return byUse.slice(0, Math.max(0, all.length - most)).map(({ id }) => id)
  }
}

function shown({
  id,
  value,
  expiresAt,
}: Pick<AccountObject<SessionRecord>, 'id' | 'value' | 'expiresAt'> & { key?: unknown }): WebSession {
  return {
    id,
    createdAt: value.created,
    seenAt: value.seen,
    provenAt: value.proven,
    expiresAt: expiresAt ?? Number.MAX_SAFE_INTEGER,
    method: value.method,
    remoteAddress: value.address,
    userAgent: value.agent,
  }
}

/** Ends all sessions of an account but `kept`; how many. */
export async function endSessions(
  store: ObjectStore,
  { account, kept, now }: { readonly account: AccountId; readonly kept: number | null; readonly now: number },
): Promise<number> {
  const objects = new AccountObjects<SessionRecord>(store, kind)
  const others = (await objects.list(account, now)).map(({ id }) => id).filter((id) => id !== kept)
  if (await objects.destroy(account, others, now)) return others.length
  // One of them ended by itself in between, and none was removed.
  let ended = 0
  for (const id of others) if (await objects.destroy(account, [id], now)) ended++
  return ended
}

/** 256 bits of chance need no slow hash. */
function hashOf(secret: string): string {
  return createHash('sha256').update(secret).digest('base64url')
}
