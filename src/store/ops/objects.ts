// What accounts have beside mail: JSON values under a kind. See `../objects.ts`.
//
// `object_kind` remembers the last change of a kind, so that its state never goes back when tombstones are forgotten.
import type { AccountId, ModSeq, ObjectId } from '../model.ts'
import type { NewObject, ObjectUpdate, StoredObject } from '../objects.ts'
import { all, changed, dialect, get, many, type Op, refuse, run, sql, type Fragment } from '../op.ts'
import type { Outcome } from '../store.ts'
import { lockAccount, nextModSeq, oneOf, oneOfTexts } from './rows.ts'

interface ObjectRow {
  readonly id: ObjectId
  readonly key: string | null
  readonly value: string
  readonly created: ModSeq
  readonly modseq: ModSeq
  readonly expires_at: number | null
}

export const objectColumns: Fragment = sql`id, key, value, created, modseq, expires_at`

const idColumn: Fragment = sql`id`
const keyColumn: Fragment = sql`key`

interface Kind {
  readonly account: AccountId
  readonly kind: string
  readonly now: number
}

function objectOf({ id, key, value, created, modseq, expires_at: expiresAt }: ObjectRow): StoredObject {
  return { id, key, value, createdModSeq: created, modSeq: modseq, expiresAt }
}

/** Those that have not expired. */
function shown({ account, kind, now }: Kind): Fragment {
  return sql`account = ${account} AND kind = ${kind} AND (expires_at IS NULL OR expires_at > ${now})`
}

/** See `ObjectStore.listObjects`. */
export function* listObjects(request: Kind & { containing?: string; limit?: number }): Op<StoredObject[]> {
  const { containing, limit } = request
  const only = containing === undefined ? sql`` : sql`AND ${contains(containing)}`
  const most = limit === undefined ? sql`` : sql`LIMIT ${limit}`
  const rows =
    yield* all<ObjectRow>`SELECT ${objectColumns} FROM object WHERE ${shown(request)} ${only} ORDER BY id ${most}`
  return rows.map(objectOf)
}

function contains(text: string): Fragment {
  return dialect({ sqlite: sql`instr(value, ${text}) > 0`, pg: sql`strpos(value, ${text}) > 0` })
}

/** See `ObjectStore.accountsWithObjects`. */
export function* accountsWithObjects(kind: string): Op<AccountId[]> {
  const rows = yield* all<{ account: AccountId }>`SELECT account FROM object_kind
    WHERE kind = ${kind} AND EXISTS (SELECT 1 FROM object WHERE object.account = object_kind.account AND object.kind = object_kind.kind)
    ORDER BY account`
  return rows.map(({ account }) => account)
}

/** See `ObjectStore.getObjects`. */
export function* getObjects(request: Kind & { ids: readonly ObjectId[] }): Op<StoredObject[]> {
  const rows = yield* all<ObjectRow>`SELECT ${objectColumns} FROM object
    WHERE ${shown(request)} AND ${oneOf(idColumn, request.ids)} ORDER BY id`
  return rows.map(objectOf)
}

/** See `ObjectStore.findObject`. */
export function* findObject(request: Kind & { key: string }): Op<StoredObject | undefined> {
  const row = yield* get<ObjectRow>`SELECT ${objectColumns} FROM object
    WHERE ${shown(request)} AND key = ${request.key}`
  return row && objectOf(row)
}

export interface ChangeObjectsRequest extends Kind {
  readonly create?: readonly NewObject[]
  readonly update?: readonly ObjectUpdate[]
  readonly destroy?: readonly ObjectId[]
  readonly unchanged?: readonly { readonly kind: string; readonly since: ModSeq }[]
  readonly limit?: number
}

type Changed = Outcome<
  { created: readonly ObjectId[]; modSeq: ModSeq },
  'no-such-account' | 'not-found' | 'changed' | 'key-taken' | 'too-many' | 'too-big'
>

/** See `ObjectStore.changeObjects`. */
export function* changeObjects(request: ChangeObjectsRequest, limits: { objectSize: number }): Op<Changed> {
  const { account, kind, create = [], update = [], destroy = [], unchanged = [], limit } = request
  for (const { value } of [...create, ...update]) {
    if (Buffer.byteLength(value) > limits.objectSize) return { ok: false, reason: 'too-big' }
  }
  if (!(yield* lockAccount(account))) return { ok: false, reason: 'no-such-account' }
  for (const { kind: other, since } of unchanged) {
    if ((yield* kindModSeq({ account, kind: other })) > since) return { ok: false, reason: 'changed' }
  }
  if (create.length + update.length + destroy.length === 0) {
    return { ok: true, created: [], modSeq: yield* kindModSeq(request) }
  }
  const modSeq = yield* nextModSeq(account)
  yield* run`INSERT INTO object_kind (account, kind, modseq) VALUES (${account}, ${kind}, ${modSeq})
    ON CONFLICT (account, kind) DO UPDATE SET modseq = excluded.modseq`
  if (destroy.length > 0 && !(yield* destroyAll(request, modSeq))) {
    return yield* refuse({ ok: false, reason: 'not-found' })
  }
  for (const one of update) {
    const refusal = yield* updateOne(request, one, modSeq)
    if (refusal !== null) return yield* refuse({ ok: false, reason: refusal })
  }
  const created = yield* createAll(request, modSeq)
  if (created === 'key-taken') return yield* refuse({ ok: false, reason: created })
  if (limit !== undefined && create.length > 0) {
    const row = yield* get<{ count: number }>`SELECT COUNT(*) AS count FROM object WHERE ${shown(request)}`
    if ((row?.count ?? 0) > limit) return yield* refuse({ ok: false, reason: 'too-many' })
  }
  yield* changed({ type: 'objects-changed', account, modSeq, kind })
  return { ok: true, created, modSeq }
}

/** False where one is not there. */
function* destroyAll(request: ChangeObjectsRequest, modSeq: ModSeq): Op<boolean> {
  const ids = [...new Set(request.destroy)]
  const there = sql`${shown(request)} AND ${oneOf(idColumn, ids)}`
  yield* bury(there, modSeq)
  return (yield* run`DELETE FROM object WHERE ${there}`) === ids.length
}

/** Tombstones for what is about to go. */
function* bury(where: Fragment, modSeq: ModSeq): Op<void> {
  yield* run`INSERT INTO object_tombstone (account, kind, id, created, modseq)
    SELECT account, kind, id, created, CAST(${modSeq} AS BIGINT) FROM object WHERE ${where}`
}

function* updateOne(
  request: Kind,
  { id, value, expiresAt, ifModSeq }: ObjectUpdate,
  modSeq: ModSeq,
): Op<'not-found' | 'changed' | null> {
  const these = sql`${shown(request)} AND id = ${id}`
  const row = yield* get<{ modseq: ModSeq }>`SELECT modseq FROM object WHERE ${these}`
  if (!row) return 'not-found'
  if (ifModSeq !== undefined && row.modseq !== ifModSeq) return 'changed'
  const expiry = expiresAt === undefined ? sql`` : sql`, expires_at = ${expiresAt}`
  yield* run`UPDATE object SET value = ${value}, modseq = ${modSeq} ${expiry} WHERE ${these}`
  return null
}

function* createAll(request: ChangeObjectsRequest, modSeq: ModSeq): Op<ObjectId[] | 'key-taken'> {
  const { account, kind, create = [] } = request
  if (create.length === 0) return []
  const keys = create.flatMap(({ key }) => (key === undefined || key === null ? [] : [key]))
  if (new Set(keys).size < keys.length) return 'key-taken'
  if (keys.length > 0 && !(yield* freeKeys({ ...request, modSeq }, keys))) return 'key-taken'
  const counter = yield* get<{ next_object: number }>`
    UPDATE account SET next_object = next_object + ${create.length} WHERE id = ${account} RETURNING next_object`
  // The account is locked, so it is there.
  const first = (counter?.next_object ?? 0) - create.length
  // Ids are given here.
  const ids = create.map((_, index) => (first + index) as ObjectId)
  yield* many(
    create.map(
      ({ key = null, value, expiresAt = null }, index) =>
        run`INSERT INTO object (account, kind, id, key, value, created, modseq, expires_at)
          VALUES (${account}, ${kind}, ${first + index}, ${key}, ${value}, ${modSeq}, ${modSeq}, ${expiresAt})`,
    ),
  )
  return ids
}

/** Takes away what has expired under these keys; false where one is taken. */
function* freeKeys(request: Kind & { modSeq: ModSeq }, keys: readonly string[]): Op<boolean> {
  const { account, kind, now, modSeq } = request
  const named = sql`account = ${account} AND kind = ${kind} AND ${oneOfTexts(keyColumn, keys)}`
  const there = yield* all<{ expires_at: number | null }>`SELECT expires_at FROM object WHERE ${named}`
  if (there.length === 0) return true
  if (there.some(({ expires_at: at }) => at === null || at > now)) return false
  yield* bury(named, modSeq)
  yield* run`DELETE FROM object WHERE ${named}`
  return true
}

/** The last change of that kind, 0 for none. */
function* kindModSeq({ account, kind }: Pick<Kind, 'account' | 'kind'>): Op<ModSeq> {
  const row = yield* get<{ modseq: ModSeq }>`
    SELECT modseq FROM object_kind WHERE account = ${account} AND kind = ${kind}`
  return row?.modseq ?? (0 as ModSeq)
}

/** See `ObjectStore.objectsSince`. */
export function* objectsSince(request: Kind & { since: ModSeq }): Op<{
  created: ObjectId[]
  updated: ObjectId[]
  destroyed: ObjectId[]
  touched: { id: ObjectId; created: ModSeq; modSeq: ModSeq; isGone: boolean }[]
  modSeq: ModSeq
  complete: boolean
}> {
  const { account, kind, since } = request
  const known = yield* get<{ id: AccountId }>`SELECT id FROM account WHERE id = ${account}`
  const state = yield* get<{ forgotten: number }>`
    SELECT forgotten FROM object_kind WHERE account = ${account} AND kind = ${kind}`
  const rows = yield* all<{ id: ObjectId; created: ModSeq; modseq: ModSeq }>`
    SELECT id, created, modseq FROM object WHERE ${shown(request)} AND modseq > ${since} ORDER BY id`
  const gone = yield* all<{ id: ObjectId; created: ModSeq; modseq: ModSeq }>`
    SELECT id, created, modseq FROM object_tombstone
    WHERE account = ${account} AND kind = ${kind} AND modseq > ${since} ORDER BY id`
  return {
    created: rows.filter(({ created }) => created > since).map(({ id }) => id),
    updated: rows.filter(({ created }) => created <= since).map(({ id }) => id),
    destroyed: gone.filter(({ created }) => created <= since).map(({ id }) => id),
    touched: [
      ...rows.map(({ modseq: modSeq, ...row }) => ({ ...row, modSeq, isGone: false })),
      ...gone.map(({ modseq: modSeq, ...row }) => ({ ...row, modSeq, isGone: true })),
    ],
    modSeq: yield* kindModSeq(request),
    complete: known !== undefined && since >= (state?.forgotten ?? 0),
  }
}

/** Takes away what has expired; how many. */
export function* expireObjects(now: number): Op<number> {
  const due = yield* all<{ account: AccountId; kind: string }>`
    SELECT DISTINCT account, kind FROM object WHERE expires_at <= ${now} ORDER BY account, kind`
  let expired = 0
  for (const { account, kind } of due) {
    const modSeq = yield* nextModSeq(account)
    const these = sql`account = ${account} AND kind = ${kind} AND expires_at <= ${now}`
    yield* bury(these, modSeq)
    expired += yield* run`DELETE FROM object WHERE ${these}`
    yield* run`UPDATE object_kind SET modseq = ${modSeq} WHERE account = ${account} AND kind = ${kind}`
    yield* changed({ type: 'objects-changed', account, modSeq, kind })
  }
  return expired
}
