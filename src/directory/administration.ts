// Changing who has mail: domains, accounts, aliases, passwords. What the command line, the tests and later the admin
// pages call. Every refusal says in words what is wrong and what to do, since a person reads it.
import { addressKey, tryAddress } from '../mail/address.ts'
import { displayDomain, tryDomain } from '../mail/domain.ts'
import { directoryChanged } from '../events/auth.ts'
import { parseImportLine } from './import-line.ts'
import { Passwords } from './passwords.ts'
import { specialUseMailboxes } from './special-use.ts'
import type { Clock } from '../base/clock.ts'
import { embeddingProgram, type Operator } from '../base/operator.ts'
import type { Random } from '../base/random.ts'
import type { Secret } from '../base/secret.ts'
import type { AuthConfig, DirectoryConfig } from '../config/sections/auth.ts'
import type { Events } from '../events/event.ts'
import type { Account, Credentials, Quota } from '../store/model.ts'
import type { ObjectStore } from '../store/objects.ts'
import type { DirectoryStore } from '../store/store.ts'
import { mostRounds } from './account-objects.ts'
import type { OpenConnections } from './open-connections.ts'
import { endPushesOfPassword } from './push-credentials.ts'
import { endSessions } from './web-sessions.ts'

/** Why a change was refused. `message` is a sentence for the person who asked. */
export interface AdministrationProblem {
  readonly ok: false
  readonly reason:
    | 'invalid'
    | 'exists'
    | 'not-found'
    | 'not-empty'
    | 'no-such-domain'
    | 'weak-password'
    | 'changed'
    | 'busy'
  readonly message: string
}

export type Administered<T = object> = ({ readonly ok: true } & T) | AdministrationProblem

/** What of an account is changed; what is left out stays. */
export interface AccountChange {
  readonly quota?: Partial<Quota>
  /** IMAP capabilities that its clients are not shown any more, or again. */
  readonly hide?: readonly string[]
  readonly show?: readonly string[]
  readonly role?: Account['role']
}

/** Capabilities that can be hidden from one account: more than there are. */
const mostHidden = 100

export interface AdministrationOptions {
  readonly store: DirectoryStore & ObjectStore
  readonly clock: Clock
  readonly random: Random
  readonly events: Events
  readonly auth: AuthConfig
  readonly directory: DirectoryConfig
  /** Those of an account end with its password, its state and itself; absent: nobody is connected. */
  readonly connections?: Pick<OpenConnections, 'end'>
  /** Whom events name; default: the program itself. */
  readonly operator?: Pick<Operator, 'name'>
  /** Where there are some already: what is hashed at once is limited for all. */
  readonly passwords?: Passwords
}

/** How an import goes, and how it went. */
export interface ImportProgress {
  readonly done: number
  readonly total: number
}
export interface ImportResult {
  readonly added: number
  /** Lines that were refused, by number (from 1); their text is not repeated, as it may hold a password. */
  readonly problems: readonly { readonly line: number; readonly message: string }[]
}

/** Lines of one import that are under way at once: some are hashed while others wait for the store. */
const importConcurrency = 8

export class Administration {
  readonly #options: AdministrationOptions
  readonly #store: DirectoryStore & ObjectStore
  readonly #passwords: Passwords

  readonly #by: string

  constructor(options: AdministrationOptions) {
    this.#options = options
    this.#store = options.store
    this.#by = options.operator?.name ?? embeddingProgram.name
    const hashQueue = Math.max(options.auth.hashQueue, importConcurrency)
    this.#passwords =
      options.passwords ?? new Passwords({ ...options, config: { ...options.auth, hashQueue } })
  }

  /** The same, on behalf of somebody whom its events name. */
  as(operator: Pick<Operator, 'name'>): Administration {
    return new Administration({ ...this.#options, operator, passwords: this.#passwords })
  }

  async addDomain(name: string): Promise<Administered<{ name: string; display: string }>> {
    const domain = tryDomain(name, { utf8: true })
    if (domain === undefined) return invalid(`"${name}" is not a domain name. Write it like "example.org".`)
    const added = await this.#store.addDomain({ name: domain, now: this.#options.clock.now() })
    if (!added.ok) return { ok: false, reason: 'exists', message: `The domain ${name} is here already.` }
    this.#tell('domain-added', domain)
    return { ok: true, name: domain, display: displayDomain(domain) }
  }

  /** In order of name, with the name as people write it. */
  async listDomains(): Promise<
    { name: string; display: string; accounts: number; aliases: number; createdAt: number }[]
  > {
    const domains = await this.#store.listDomains()
    return domains.map((domain) => ({ ...domain, display: displayName(domain.name) }))
  }

  async removeDomain(name: string): Promise<Administered> {
    const domain = tryDomain(name, { utf8: true })
    const removed = domain === undefined ? undefined : await this.#store.removeDomain(domain)
    if (domain === undefined || removed === undefined || (!removed.ok && removed.reason === 'not-found')) {
      return notFound(`There is no domain ${name}. \`domain list\` shows those that are here.`)
    }
    if (!removed.ok) {
      const message = `The domain ${name} still has accounts or aliases. Remove them first.`
      return { ok: false, reason: 'not-empty', message }
    }
    this.#tell('domain-removed', domain)
    return { ok: true }
  }

  async addAccount(request: {
    readonly address: string
    readonly password: Secret
    readonly quota?: Quota
    /** Default 'user'. */
    readonly role?: Account['role']
  }): Promise<Administered<{ account: Account }>> {
    const credentials = await this.#credentialsFor(request.password)
    if ('ok' in credentials) return credentials
    return this.#insertAccount({ ...request, credentials })
  }

  findAccount(address: string): Promise<Account | undefined> {
    return this.#findAccount(address)
  }

  /** In order of address; a page at a time where there are many. */
  listAccounts(page: { readonly after?: string; readonly limit?: number } = {}): Promise<Account[]> {
    return this.#store.listAccounts(page)
  }

  /** What is kept of an account's password: for `setPassword`, read before the old one is checked. */
  async keptCredentials({ address }: Account): Promise<Credentials | undefined> {
    return (await this.#store.credentialsOf(address))?.credentials
  }

  /**
   * Sessions of the pages end, but for `keptSession`: whoever stole the old password may have opened one. `changed` where the password is
   * not the one of `replacing` any more.
   */
  async setPassword(
    address: string,
    password: Secret,
    options: { readonly keptSession?: number; readonly replacing?: Credentials | undefined } = {},
  ): Promise<Administered> {
    const account = await this.#findAccount(address)
    if (account === undefined) return noAccount(address)
    const credentials = await this.#credentialsFor(password)
    if ('ok' in credentials) return credentials
    const { replacing } = options
    const change = { id: account.id, credentials, ...(replacing !== undefined && { replacing }) }
    const updated = await this.#update(change, 'password-changed', account.address)
    const now = this.#options.clock.now()
    if (updated.ok) {
      await endSessions(this.#store, { account: account.id, kept: options.keptSession ?? null, now })
      await endPushesOfPassword(this.#store, { account: account.id, now })
      this.#options.connections?.end(account.address)
    }
    return updated
  }

  /** Octets and messages; what else is limited stays. */
  async setQuota(address: string, quota: Pick<Quota, 'bytes' | 'messages'>): Promise<Administered> {
    const outcome = await this.#changeAccount(address, { quota }, 'quota-changed')
    return outcome.ok ? { ok: true } : outcome
  }

  /** Changes what is named, and answers the account as it is then. */
  changeAccount(address: string, change: AccountChange): Promise<Administered<{ account: Account }>> {
    return this.#changeAccount(address, change, 'account-changed')
  }

  /** What is kept as a whole is written only if it is still what the new whole was made of. */
  async #changeAccount(
    address: string,
    change: AccountChange,
    what: string,
  ): Promise<Administered<{ account: Account }>> {
    for (let round = 0; round < mostRounds; round++) {
      const account = await this.#findAccount(address)
      if (account === undefined) return noAccount(address)
      const hidden = hiddenAfter(account, change)
      if ('ok' in hidden) return hidden
      const quota = { ...account.quota, ...change.quota }
      const hiddenCapabilities = [...hidden].toSorted()
      const role = change.role === undefined ? {} : { role: change.role }
      const update = { id: account.id, quota, hiddenCapabilities, ...role, expecting: account }
      const updated = await this.#update(update, what, account.address)
      if (updated.ok) return { ok: true, account: { ...account, quota, ...role, hiddenCapabilities } }
      if (updated.reason !== 'changed') return updated
    }
    return changedMeanwhile
  }

  /** A disabled account gets no mail and nobody logs in to it; its mail stays. */
  async setState(address: string, state: Account['state']): Promise<Administered> {
    const account = await this.#findAccount(address)
    if (account === undefined) return noAccount(address)
    const updated = await this.#update({ id: account.id, state }, `account-${state}`, account.address)
    if (updated.ok && state === 'disabled') this.#options.connections?.end(account.address)
    return updated
  }

  /** With all its mail. Its id is never given again. */
  async removeAccount(address: string): Promise<Administered> {
    const account = await this.#findAccount(address)
    const removed = account === undefined ? undefined : await this.#store.removeAccount(account.id)
    if (account === undefined || removed?.ok !== true) return noAccount(address)
    this.#options.connections?.end(account.address)
    this.#tell('account-removed', account.address)
    return { ok: true }
  }

  /**
   * `local@domain`, or `@domain` for what no other address takes. Sets all targets at once; they may be at other hosts. With an
   * owner it is a mailing list: what it sends on bounces to the owner, not to who wrote it (RFC 5321 §3.9.2).
   */
  async setAlias(
    address: string,
    targets: readonly string[],
    options: { readonly owner?: string | null } = {},
  ): Promise<Administered<{ address: string; owner: string | null }>> {
    const key = tryAliasKey(address)
    if (key === undefined) {
      return invalid(
        `"${address}" is no address. Write "name@example.org", or "@example.org" for the catch-all.`,
      )
    }
    const { maxAliasTargets } = this.#options.directory
    if (targets.length === 0 || targets.length > maxAliasTargets) {
      return invalid(`An alias needs 1 to ${maxAliasTargets} targets.`)
    }
    const keys: string[] = []
    for (const target of targets) {
      const parsed = tryAddress(target, { utf8: true })
      if (parsed?.domain == null) return invalid(`The target "${target}" is no address.`)
      keys.push(addressKey(parsed))
    }
    const owner = ownerKey(key, options.owner ?? null)
    if (owner !== null && typeof owner !== 'string') return owner
    const { clock } = this.#options
    const set = await this.#store.setAlias({ address: key, targets: keys, owner, now: clock.now() })
    if (!set.ok) return refusedAddress(set.reason, address)
    this.#tell(owner === null ? 'alias-set' : 'list-set', key)
    return { ok: true, address: key, owner }
  }

  listAliases(
    domain?: string,
  ): Promise<{ address: string; targets: readonly string[]; owner: string | null }[]> {
    return this.#store.listAliases(
      domain === undefined ? {} : { domain: tryDomain(domain, { utf8: true }) ?? domain },
    )
  }

  async removeAlias(address: string): Promise<Administered> {
    const key = tryAliasKey(address)
    const removed = key === undefined ? undefined : await this.#store.removeAlias(key)
    if (key === undefined || removed?.ok !== true) {
      return notFound(`There is no alias ${address}. \`alias list\` shows those that are here.`)
    }
    this.#tell('alias-removed', key)
    return { ok: true }
  }

  /**
   * Many accounts at once, one a line: an address, white space or a comma, then a password or a hash (import-line.ts).
   * Domains must be there; lines that are refused do not stop the others.
   */
  async importAccounts(
    lines: readonly string[],
    onProgress: (progress: ImportProgress) => void = () => {},
  ): Promise<ImportResult> {
    const problems: { line: number; message: string }[] = []
    let next = 0
    let done = 0
    let added = 0
    const work = async (): Promise<void> => {
      while (next < lines.length) {
        const at = next++
        const outcome = await this.#importLine(lines[at] ?? '')
        if (outcome === 'added') added++
        else if (outcome !== 'empty') problems.push({ line: at + 1, message: outcome.message })
        onProgress({ done: ++done, total: lines.length })
      }
    }
    await Promise.all(Array.from({ length: importConcurrency }, work))
    return { added, problems: problems.toSorted((left, right) => left.line - right.line) }
  }

  async #importLine(text: string): Promise<'added' | 'empty' | { readonly message: string }> {
    const line = parseImportLine(text)
    if (line.type === 'empty') return 'empty'
    if (line.type === 'bad') return { message: line.message }
    const { address } = line
    const credentials = line.type === 'hash' ? line.credentials : await this.#credentialsFor(line.password)
    if ('ok' in credentials) return credentials
    const added = await this.#insertAccount({ address, credentials })
    return added.ok ? 'added' : added
  }

  async #insertAccount(request: {
    readonly address: string
    readonly credentials: Credentials
    readonly quota?: Quota
    readonly role?: Account['role']
  }): Promise<Administered<{ account: Account }>> {
    const { directory, clock } = this.#options
    const address = tryAddress(request.address, { utf8: true })
    if (address?.domain == null)
      return invalid(`"${request.address}" is no address. Write it like "ann@example.org".`)
    const separator = directory.subaddressSeparator
    if (separator !== '' && address.localPart.includes(separator, 1)) {
      return invalid(
        `"${request.address}" has "${separator}" in its name, which marks subaddresses. Leave it out.`,
      )
    }
    const added = await this.#store.addAccount({
      address: addressKey(address),
      credentials: request.credentials,
      quota: request.quota ?? { bytes: directory.quotaBytes, messages: directory.quotaMessages },
      ...(request.role !== undefined && { role: request.role }),
      mailboxes: specialUseMailboxes,
      now: clock.now(),
    })
    if (!added.ok) return refusedAddress(added.reason, request.address)
    this.#tell('account-added', added.account.address)
    return { ok: true, account: added.account }
  }

  async #credentialsFor(password: Secret): Promise<Credentials | AdministrationProblem> {
    const minPasswordLength = Math.max(1, this.#options.auth.minPasswordLength)
    if ([...password.reveal()].length < minPasswordLength) {
      const message = `The password is too short: it needs at least ${minPasswordLength} characters.`
      return { ok: false, reason: 'weak-password', message }
    }
    const made = await this.#passwords.make(password)
    if (made === 'full') {
      return {
        ok: false,
        reason: 'busy',
        message: 'Too many passwords are being set now. Try again in a moment.',
      }
    }
    return (
      made ?? invalid('The password holds control or unassigned characters, or more than 1024 of any kind.')
    )
  }

  async #findAccount(address: string): Promise<Account | undefined> {
    const parsed = tryAddress(address, { utf8: true })
    const entry = parsed === undefined ? undefined : await this.#store.findAddress(addressKey(parsed))
    return entry?.type === 'account' ? entry.account : undefined
  }

  async #update(
    change: Parameters<DirectoryStore['updateAccount']>[0],
    what: string,
    address: string,
  ): Promise<Administered> {
    const updated = await this.#store.updateAccount(change)
    if (!updated.ok) return updated.reason === 'changed' ? changedMeanwhile : noAccount(address)
    this.#tell(what, address)
    return { ok: true }
  }

  #tell(change: string, subject: string): void {
    this.#options.events.emit(directoryChanged, { change, subject, by: this.#by })
  }
}

function invalid(message: string): AdministrationProblem {
  return { ok: false, reason: 'invalid', message }
}

function notFound(message: string): AdministrationProblem {
  return { ok: false, reason: 'not-found', message }
}

function noAccount(address: string): AdministrationProblem {
  return notFound(`There is no account ${address}. \`account list\` shows those that are here.`)
}

function refusedAddress(reason: 'exists' | 'no-such-domain', address: string): AdministrationProblem {
  if (reason === 'exists') return { ok: false, reason, message: `The address ${address} is taken already.` }
  const domain = address.slice(address.lastIndexOf('@') + 1)
  return {
    ok: false,
    reason,
    message: `The domain ${domain} is not here yet. Add it with \`domain add ${domain}\`.`,
  }
}

const changedMeanwhile: AdministrationProblem = {
  ok: false,
  reason: 'changed',
  message: 'Somebody else has changed it in this moment. Look at it, and try again.',
}

function hiddenAfter(
  { hiddenCapabilities }: Account,
  { hide = [], show = [] }: AccountChange,
): Set<string> | AdministrationProblem {
  const hidden = new Set(hiddenCapabilities)
  for (const name of show) hidden.delete(name.toUpperCase())
  for (const name of hide) {
    const problem = capabilityProblem(name)
    if (problem !== undefined) return problem
    hidden.add(name.toUpperCase())
  }
  return hidden.size > mostHidden ? invalid(`At most ${mostHidden} capabilities can be hidden.`) : hidden
}

/** RFC 9051 §9: a capability is an atom. */
function capabilityProblem(name: string): AdministrationProblem | undefined {
  if (!/^[!#$&'+,\-./0-9:;<=>?@A-Z^_`a-z|}~]{1,64}$/.test(name)) {
    return invalid(`"${name}" is no name of an IMAP capability. Write it like "CONDSTORE".`)
  }
  if (name.toUpperCase() === 'IMAP4REV1')
    return invalid('IMAP4rev1 cannot be hidden: no client works without it.')
  return undefined
}

/** The canonical key of a list's owner, null where it is no list. */
function ownerKey(alias: string, owner: string | null): string | null | AdministrationProblem {
  if (owner === null) return null
  if (alias.startsWith('@')) return invalid('A catch-all cannot be a mailing list.')
  const address = tryAddress(owner, { utf8: true })
  if (address?.domain == null) return invalid(`The owner "${owner}" is no address.`)
  const key = addressKey(address)
  // What bounces would go to the list again, and bounce again.
  return key === alias ? invalid('A list cannot be its own owner: its bounces would go to its members.') : key
}

/** The canonical key of an alias; `@domain` is the catch-all. */
function tryAliasKey(text: string): string | undefined {
  if (text.startsWith('@')) {
    const domain = tryDomain(text.slice(1), { utf8: true })
    return domain === undefined ? undefined : `@${domain}`
  }
  const address = tryAddress(text, { utf8: true })
  return address?.domain == null ? undefined : addressKey(address)
}

function displayName(name: string): string {
  const domain = tryDomain(name, { utf8: true })
  return domain === undefined ? name : displayDomain(domain)
}
