// What an SMTP server stands on, small and in memory: a directory with plain passwords, blobs and a delivery that keeps what it
// was given. For tests of the server alone; the whole house over a real store is tested elsewhere.
import type { AccountId, Account, BlobId, Quota, StagedBlob } from '../../src/store/model.ts'
import type { BlobStore, BlobWriter } from '../../src/store/store.ts'
import { StoreUnavailable } from '../../src/store/store.ts'
import type { Arrival, Delivery, DeliveryResult } from '../../src/delivery/delivery.ts'
import type {
  Authentication,
  Directory,
  LoginAttempt,
  LoginRefusal,
  PasswordAttempt,
  Resolution,
  SaslFacts,
  ScramAttempt,
} from '../../src/directory/directory.ts'
import { addressKey, splitSubaddress, type Address } from '../../src/mail/address.ts'
import type { ScramVerifier } from '../../src/sasl/mechanism.ts'
import { makeScramVerifier } from '../../src/sasl/scram-keys.ts'

export interface FakeUser {
  readonly account: Account
  readonly password: string
  readonly verifier: ScramVerifier | null
}

/** Accounts by address key; with `open` every address exists. */
export class FakeDirectory implements Directory {
  readonly sasl: SaslFacts = { scram: true, serverSecret: new Uint8Array(32), scramIterations: 4096 }
  readonly users = new Map<string, FakeUser>()
  /** The next look-ups reject. */
  broken = false
  readonly #domains: Set<string>
  readonly #catchAll = new Map<string, string>()
  readonly #open: boolean
  #nextId = 1

  constructor(domains: readonly string[], options: { open?: boolean } = {}) {
    this.#domains = new Set(domains)
    this.#open = options.open ?? false
  }

  addDomain(name: string): void {
    this.#domains.add(name)
  }

  addUser(
    address: string,
    options: {
      quota?: Quota
      used?: { bytes: number; messages: number }
      state?: Account['state']
      password?: string
      verifier?: ScramVerifier | null
    } = {},
  ): void {
    const account: Account = {
      id: this.#nextId++ as AccountId,
      address,
      state: options.state ?? 'active',
      quota: options.quota ?? { bytes: null, messages: null },
      used: options.used ?? { bytes: 0, messages: 0 },
      modSeq: 1 as Account['modSeq'],
      createdAt: 0,
    }
    const { password = 'secret', verifier = null } = options
    this.users.set(address, { account, password, verifier })
  }

  async addUserWithScram(address: string, password: string): Promise<void> {
    const salt = new Uint8Array(16).fill(7)
    this.addUser(address, {
      password,
      verifier: (await makeScramVerifier({ password, salt, iterations: 4096 })) ?? null,
    })
  }

  addCatchAll(domain: string, address: string): void {
    this.#catchAll.set(domain, address)
  }

  resolve(address: Address): Promise<Resolution> {
    if (this.broken) return Promise.reject(new StoreUnavailable('the test broke it'))
    const { domain } = address
    const key = addressKey(address)
    if (this.#open && !this.users.has(key)) this.addUser(key)
    if (domain === null || (!this.#open && !this.#domains.has(domain)))
      return Promise.resolve({ type: 'not-local' })
    const { base } = splitSubaddress(address.localPart, '+')
    const user =
      this.users.get(key) ??
      this.users.get(`${base}@${domain}`) ??
      this.users.get(this.#catchAll.get(domain) ?? '')
    return Promise.resolve(user === undefined ? { type: 'unknown-user' } : this.#found(user.account, key))
  }

  #found(account: Account, deliveredTo: string): Resolution {
    if (account.state === 'disabled') return { type: 'disabled' }
    const { quota, used } = account
    if (quota.bytes !== null && used.bytes >= quota.bytes) return { type: 'over-quota' }
    return { type: 'local', recipients: [{ account, detail: null, deliveredTo }] }
  }

  resolvePostmaster(): Promise<Resolution> {
    const [first] = this.users.values()
    return Promise.resolve(
      first === undefined ? { type: 'unknown-user' } : this.#found(first.account, first.account.address),
    )
  }

  authenticate({ username, password }: PasswordAttempt): Promise<Authentication> {
    const user = this.users.get(username)
    return Promise.resolve(
      user === undefined || user.password !== password.reveal()
        ? { ok: false, reason: 'bad-credentials' }
        : { ok: true, account: user.account },
    )
  }

  beginScram({ username }: LoginAttempt): Promise<ScramAttempt | { ok: false; reason: LoginRefusal }> {
    const user = this.users.get(username)
    return Promise.resolve({
      ok: true,
      verifier: user?.verifier ?? null,
      succeed: (): Promise<Authentication> =>
        Promise.resolve(
          user === undefined ? { ok: false, reason: 'bad-credentials' } : { ok: true, account: user.account },
        ),
      fail: () => undefined,
    })
  }
}

/** Everything in one piece in memory. Counts what is open. */
export class FakeBlobs implements BlobStore {
  open = 0
  /** The next writes fail. */
  broken = false

  stage(): BlobWriter {
    const chunks: Uint8Array[] = []
    let ended = false
    const end = (): void => {
      if (!ended) this.open--
      ended = true
    }
    this.open++
    return {
      write: (bytes) => {
        if (this.broken) throw new StoreUnavailable('the test broke it')
        chunks.push(bytes.slice())
      },
      finish: (): StagedBlob => {
        end()
        const bytes = Buffer.concat(chunks)
        return { type: 'inline', size: bytes.length, bytes }
      },
      discard: () => {
        end()
        return Promise.resolve()
      },
    }
  }

  async *read(_blob: BlobId): AsyncIterable<Uint8Array> {
    throw new Error('not kept')
  }

  readSmall(): Promise<undefined> {
    return Promise.resolve(undefined)
  }
}

/** A message as one recipient got it. */
export interface Delivered {
  readonly account: AccountId
  readonly deliveredTo: string
  readonly text: string
}

export class FakeDelivery implements Delivery {
  readonly delivered: Delivered[] = []
  readonly arrivals: Arrival[] = []
  /** Instead of delivering. */
  outcome: DeliveryResult | Error | null = null

  deliver(arrival: Arrival): Promise<DeliveryResult> {
    if (this.outcome instanceof Error) return Promise.reject(this.outcome)
    if (this.outcome !== null) return Promise.resolve(this.outcome)
    if (arrival.structure.receivedCount > 100) return Promise.resolve({ ok: false, reason: 'loop' })
    if (arrival.recipients.some(({ deliveredTo }) => arrival.structure.deliveredTo.includes(deliveredTo))) {
      return Promise.resolve({ ok: false, reason: 'loop' })
    }
    this.arrivals.push(arrival)
    const { blob } = arrival.message
    const body = blob.type === 'inline' ? Buffer.from(blob.bytes).toString('latin1') : ''
    for (const recipient of arrival.recipients) {
      this.delivered.push({ ...recipient, text: arrival.trace(recipient) + body })
    }
    return Promise.resolve({ ok: true, unknown: [] })
  }
}
