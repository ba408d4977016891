// Domains, accounts, aliases and credentials. Addresses come as canonical keys, `local@domain`; `@domain` is the catch-all.
import { Buffer } from 'node:buffer'
import type { Account, AccountId, AddressEntry, Credentials, Quota, SpecialUse } from '../model.ts'
import { all, changed, get, type Op, refuse, run, sql } from '../op.ts'
import type { Outcome } from '../store.ts'
import { releaseAll } from './expunge.ts'
import { forgetViewer } from './annotations.ts'
import { forgetUploads } from './uploads.ts'
import { insertMailbox } from './mailboxes.ts'
import { forgetGrantee } from './sharing.ts'
import { accountColumns, accountOf, type AccountRow, lockAccount, nextModSeq } from './rows.ts'

export function* addDomain(request: { name: string; now: number }): Op<Outcome<object, 'exists'>> {
  const added = yield* run`
    INSERT INTO domain (name, created_at) VALUES (${request.name}, ${request.now}) ON CONFLICT DO NOTHING`
  return added === 1 ? { ok: true } : { ok: false, reason: 'exists' }
}

export function* listDomains(): Op<{ name: string; accounts: number; aliases: number; createdAt: number }[]> {
  const rows = yield* all<{ name: string; accounts: number; aliases: number; created_at: number }>`
    SELECT name, domain.created_at, COUNT(account) AS accounts,
      COUNT(local) - COUNT(account) AS aliases
    FROM domain LEFT JOIN address ON address.domain = domain.name GROUP BY name, domain.created_at ORDER BY name`
  return rows.map(({ name, accounts, aliases, created_at: createdAt }) => ({
    name,
    accounts,
    aliases,
    createdAt,
  }))
}

export function* removeDomain(name: string): Op<Outcome<object, 'not-found' | 'not-empty'>> {
  const address = yield* get<{ local: string }>`SELECT local FROM address WHERE domain = ${name} LIMIT 1`
  if (address) return { ok: false, reason: 'not-empty' }
  const removed = yield* run`DELETE FROM domain WHERE name = ${name}`
  return removed === 1 ? { ok: true } : { ok: false, reason: 'not-found' }
}

export function* hasDomain(name: string): Op<boolean> {
  const row = yield* get<{ name: string }>`SELECT name FROM domain WHERE name = ${name}`
  return row !== undefined
}

/** See `DirectoryStore.addAccount`. */
export function* addAccount(request: {
  address: string
  credentials: Credentials
  quota: Quota
  role?: Account['role']
  mailboxes: readonly { name: string; specialUse: SpecialUse }[]
  now: number
}): Op<Outcome<{ account: Account }, 'exists' | 'no-such-domain'>> {
  const { address, quota, role = 'user', now } = request
  const { local, domain } = split(address)
  if (!(yield* hasDomain(domain))) return { ok: false, reason: 'no-such-domain' }
  const taken = yield* get<{ local: string }>`
    SELECT local FROM address WHERE domain = ${domain} AND local = ${local}`
  if (taken) return { ok: false, reason: 'exists' }
  const row = yield* get<AccountRow>`
    INSERT INTO account (address, state, role, created_at, quota_bytes, quota_messages, quota_mailboxes, quota_annotations,
      next_uid_validity)
    SELECT CAST(${address} AS TEXT), 'active', CAST(${role} AS TEXT), CAST(${now} AS BIGINT), CAST(${quota.bytes} AS BIGINT),
      CAST(${quota.messages} AS BIGINT), CAST(${quota.mailboxes ?? null} AS BIGINT),
      CAST(${quota.annotations ?? null} AS BIGINT), value
    FROM counter WHERE name = 'uid_validity'
    RETURNING ${accountColumns}`
  if (!row) throw new Error('the uid_validity counter is missing')
  const account = row.id
  const secret = JSON.stringify(request.credentials)
  yield* run`INSERT INTO credential (account, secret) VALUES (${account}, ${secret})`
  yield* run`INSERT INTO address (domain, local, account, created_at)
    VALUES (${domain}, ${local}, ${account}, ${now})`
  for (const { name, specialUse } of [{ name: 'INBOX', specialUse: undefined }, ...request.mailboxes]) {
    yield* insertMailbox({ account, name, modSeq: row.modseq, now, ...(specialUse && { specialUse }) })
    yield* run`INSERT INTO subscription (account, name) VALUES (${account}, ${name}) ON CONFLICT DO NOTHING`
  }
  return { ok: true, account: accountOf(row) }
}

export function* listAccounts(request: { after?: string; limit?: number } = {}): Op<Account[]> {
  const { after = '', limit = Number.MAX_SAFE_INTEGER } = request
  const rows = yield* all<AccountRow>`
    SELECT ${accountColumns} FROM account WHERE address > ${after} ORDER BY address LIMIT ${limit}`
  return rows.map(accountOf)
}

/** Ids rise, so the first by id is the oldest. */
export function* oldestAccount(): Op<Account | undefined> {
  const row = yield* get<AccountRow>`SELECT ${accountColumns} FROM account ORDER BY id LIMIT 1`
  return row && accountOf(row)
}

export function* getAccount(id: AccountId): Op<Account | undefined> {
  const row = yield* get<AccountRow>`SELECT ${accountColumns} FROM account WHERE id = ${id}`
  return row && accountOf(row)
}

export function* updateAccount(request: {
  id: AccountId
  credentials?: Credentials
  replacing?: Credentials
  quota?: Quota
  state?: Account['state']
  role?: Account['role']
  hiddenCapabilities?: readonly string[]
  expecting?: Pick<Account, 'quota' | 'hiddenCapabilities'>
}): Op<Outcome<object, 'not-found' | 'changed'>> {
  const { id, credentials, replacing, quota, state, role, hiddenCapabilities, expecting } = request
  if (!(yield* lockAccount(id))) return { ok: false, reason: 'not-found' }
  if (expecting && !hasStill(yield* getAccount(id), expecting)) return { ok: false, reason: 'changed' }
  if (replacing) {
    const row = yield* get<{ secret: string }>`SELECT secret FROM credential WHERE account = ${id}`
    if (row?.secret !== JSON.stringify(replacing)) return { ok: false, reason: 'changed' }
  }
  if (credentials) {
    yield* run`UPDATE credential SET secret = ${JSON.stringify(credentials)} WHERE account = ${id}`
  }
  if (quota) {
    yield* run`UPDATE account SET quota_bytes = ${quota.bytes}, quota_messages = ${quota.messages},
      quota_mailboxes = ${quota.mailboxes ?? null}, quota_annotations = ${quota.annotations ?? null} WHERE id = ${id}`
  }
  if (state) yield* run`UPDATE account SET state = ${state} WHERE id = ${id}`
  if (role) yield* run`UPDATE account SET role = ${role} WHERE id = ${id}`
  if (hiddenCapabilities) {
    const hidden = [...new Set(hiddenCapabilities)].toSorted().join(' ')
    yield* run`UPDATE account SET hidden_capabilities = ${hidden} WHERE id = ${id}`
  }
  return { ok: true }
}

function hasStill(
  account: Account | undefined,
  expecting: Pick<Account, 'quota' | 'hiddenCapabilities'>,
): boolean {
  if (account === undefined) return false
  const text = ({ quota, hiddenCapabilities }: typeof expecting): string => {
    const { bytes, messages, mailboxes = null, annotations = null } = quota
    return JSON.stringify([bytes, messages, mailboxes, annotations, hiddenCapabilities.toSorted()])
  }
  return text(account) === text(expecting)
}

/** See `DirectoryStore.removeAccount`. */
export function* removeAccount(id: AccountId): Op<Outcome<object, 'not-found'>> {
  if (!(yield* lockAccount(id))) return { ok: false, reason: 'not-found' }
  yield* nextModSeq(id)
  const mailboxes = yield* all<{ id: number }>`SELECT id FROM mailbox WHERE account = ${id} ORDER BY id`
  // Ids of its own mailboxes.
  for (const mailbox of mailboxes) yield* releaseAll(id, mailbox.id as Parameters<typeof releaseAll>[1], null)
  const floor = yield* get<{
    next_uid_validity: number
  }>`SELECT next_uid_validity FROM account WHERE id = ${id}`
  if (floor) {
    yield* run`UPDATE counter SET value = ${floor.next_uid_validity}
      WHERE name = 'uid_validity' AND value < ${floor.next_uid_validity}`
  }
  yield* forgetGrantee(id)
  yield* forgetViewer(id)
  yield* forgetUploads(id)
  yield* run`DELETE FROM account WHERE id = ${id}`
  yield* changed({ type: 'account-removed', account: id })
  return { ok: true }
}

export function* credentialsOf(
  address: string,
): Op<{ account: Account; credentials: Credentials } | undefined> {
  const row = yield* get<AccountRow & { secret: string }>`
    SELECT ${accountColumns}, secret FROM account JOIN credential ON credential.account = account.id
    WHERE account.address = ${address}`
  // Written by `addAccount` and `updateAccount` alone.
  return row && { account: accountOf(row), credentials: JSON.parse(row.secret) as Credentials }
}

/** See `DirectoryStore.setAlias`. */
export function* setAlias(request: {
  address: string
  targets: readonly string[]
  owner?: string | null
  now: number
}): Op<Outcome<object, 'exists' | 'no-such-domain'>> {
  const { address, targets, owner = null, now } = request
  const { local, domain } = split(address)
  if (!(yield* hasDomain(domain))) return { ok: false, reason: 'no-such-domain' }
  yield* run`INSERT INTO address (domain, local, account, created_at, owner)
    VALUES (${domain}, ${local}, NULL, ${now}, ${owner})
    ON CONFLICT (domain, local) DO UPDATE SET owner = excluded.owner WHERE address.account IS NULL`
  const row = yield* get<{ account: AccountId | null }>`
    SELECT account FROM address WHERE domain = ${domain} AND local = ${local}`
  if (row?.account !== null) return yield* refuse({ ok: false, reason: 'exists' })
  yield* run`DELETE FROM alias_target WHERE domain = ${domain} AND local = ${local}`
  for (const [position, target] of targets.entries()) {
    yield* run`INSERT INTO alias_target (domain, local, position, target)
      VALUES (${domain}, ${local}, ${position}, ${target})`
  }
  return { ok: true }
}

interface TargetRow {
  readonly domain: string
  readonly local: string
  readonly owner: string | null
  readonly target: string | null
}

export function* listAliases(
  request: { domain?: string } = {},
): Op<{ address: string; targets: readonly string[]; owner: string | null }[]> {
  const { domain } = request
  const only = domain === undefined ? sql`` : sql`AND address.domain = ${domain}`
  const rows = yield* all<TargetRow>`
    SELECT address.domain, address.local, address.owner, target FROM address
      LEFT JOIN alias_target ON alias_target.domain = address.domain AND alias_target.local = address.local
    WHERE address.account IS NULL ${only} ORDER BY address.domain, address.local, position`
  const aliases = new Map<string, { address: string; targets: string[]; owner: string | null }>()
  for (const { domain: host, local, owner, target } of rows) {
    const address = `${local}@${host}`
    const alias = aliases.get(address) ?? { address, targets: [], owner }
    if (target !== null) alias.targets.push(target)
    aliases.set(address, alias)
  }
  return [...aliases.values()]
}

export function* removeAlias(address: string): Op<Outcome<object, 'not-found'>> {
  const { local, domain } = split(address)
  const removed = yield* run`
    DELETE FROM address WHERE domain = ${domain} AND local = ${local} AND account IS NULL`
  return removed === 1 ? { ok: true } : { ok: false, reason: 'not-found' }
}

export function* findAddress(address: string): Op<AddressEntry | undefined> {
  const { local, domain } = split(address)
  const row = yield* get<(AccountRow | { [K in keyof AccountRow]: null }) & { owner: string | null }>`
    SELECT ${accountColumns}, address.owner FROM address LEFT JOIN account ON account.id = address.account
    WHERE domain = ${domain} AND local = ${local}`
  if (!row) return undefined
  if (row.id !== null) return { type: 'account', account: accountOf(row) }
  const targets = yield* all<{ target: string }>`
    SELECT target FROM alias_target WHERE domain = ${domain} AND local = ${local} ORDER BY position`
  return { type: 'alias', targets: targets.map(({ target }) => target), owner: row.owner }
}

/** See `DirectoryStore.findLocalPart`. */
export function* findLocalPart(request: { local: string; limit: number }): Op<string[]> {
  const rows = yield* all<{ domain: string }>`
    SELECT domain FROM address WHERE local = ${request.local} ORDER BY domain LIMIT ${request.limit}`
  return rows.map(({ domain }) => `${request.local}@${domain}`)
}

/** See `DirectoryStore.installationSecret`. */
export function* installationSecret(proposed: Uint8Array): Op<Uint8Array> {
  if (proposed.length < 16) throw new RangeError('a secret has at least 16 octets')
  yield* run`INSERT INTO setting (name, value)
    VALUES ('installation_secret', ${Buffer.from(proposed).toString('hex')}) ON CONFLICT DO NOTHING`
  const kept = yield* findInstallationSecret()
  if (!kept) throw new Error('the installation secret is missing')
  return kept
}

/** The one that was kept, where there is one. */
export function* findInstallationSecret(): Op<Uint8Array | undefined> {
  const row = yield* get<{ value: string }>`SELECT value FROM setting WHERE name = 'installation_secret'`
  return row && Uint8Array.from(Buffer.from(row.value, 'hex'))
}

/** A local part may hold an at sign, a domain may not. */
function split(address: string): { local: string; domain: string } {
  const at = address.lastIndexOf('@')
  return { local: address.slice(0, Math.max(0, at)), domain: address.slice(at + 1) }
}
