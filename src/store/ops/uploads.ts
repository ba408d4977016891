// Files that no message holds yet. See `../uploads.ts`. Each row is one of those that `blob.refs` counts.
import type { AccountId, BlobId, ObjectId, StagedBlob } from '../model.ts'
import { all, type Fragment, get, type Op, run, sql } from '../op.ts'
import type { Outcome } from '../store.ts'
import type { Upload } from '../uploads.ts'
import { insertBlob } from './arrivals.ts'
import { lockAccount } from './rows.ts'

interface UploadRow {
  readonly id: ObjectId
  readonly account: AccountId
  readonly uploader: AccountId
  readonly blob: BlobId
  readonly size: number
  readonly type: string
  readonly expires_at: number
}

export const uploadColumns: Fragment = sql`id, account, uploader, blob, size, type, expires_at`

function uploadOf({ expires_at: expiresAt, ...row }: UploadRow): Upload {
  return { ...row, expiresAt }
}

interface NewUpload {
  readonly account: AccountId
  readonly uploader: AccountId
  /** Octets for all of the uploader's. */
  readonly room: number
  readonly now: number
  readonly expiresAt: number
}

type Added = Outcome<{ upload: Upload }, 'no-such-account'>

/** See `UploadStore.addUpload`. */
export function* addUpload(request: NewUpload & { blob: StagedBlob; type: string }): Op<Added> {
  const { account, uploader, blob, type } = request
  if (!(yield* lockBoth(account, uploader))) return { ok: false, reason: 'no-such-account' }
  // What is no message has no structure; a message made of it is walked when it becomes one.
  const row = yield* insertBlob({ blob, structure: '' }, 1)
  if (!row) throw new Error('the uploaded blob got no id')
  return { ok: true, upload: yield* insertUpload(request, { blob: row.id, size: blob.size, type }) }
}

/** See `UploadStore.copyUpload`. */
export function* copyUpload(
  request: NewUpload & { from: { account: AccountId; id: ObjectId } },
): Op<Outcome<{ upload: Upload }, 'no-such-account' | 'not-found'>> {
  const { account, uploader, from, now } = request
  if (!(yield* lockBoth(account, uploader))) return { ok: false, reason: 'no-such-account' }
  const found = yield* findUpload({ ...from, uploader, now })
  if (found === undefined) return { ok: false, reason: 'not-found' }
  const { blob, size, type } = found
  yield* run`UPDATE blob SET refs = refs + 1 WHERE id = ${blob}`
  return { ok: true, upload: yield* insertUpload(request, { blob, size, type }) }
}

/** Both rows, in one order for everyone. */
function* lockBoth(one: AccountId, other: AccountId): Op<boolean> {
  const ids = [...new Set([one, other])].toSorted((a, b) => a - b)
  for (const id of ids) if (!(yield* lockAccount(id))) return false
  return true
}

function* insertUpload(
  { account, uploader, room, now, expiresAt }: NewUpload,
  { blob, size, type }: { blob: BlobId; size: number; type: string },
): Op<Upload> {
  yield* makeRoom(uploader, { octets: room - size, now })
  const counter = yield* get<{ next_object: number }>`
    UPDATE account SET next_object = next_object + 1 WHERE id = ${account} RETURNING next_object`
  // The account is locked, so it is there; ids are given here.
  const id = ((counter?.next_object ?? 0) - 1) as ObjectId
  yield* run`INSERT INTO upload (account, id, uploader, blob, size, type, expires_at)
    VALUES (${account}, ${id}, ${uploader}, ${blob}, ${size}, ${type}, ${expiresAt})`
  return { id, account, uploader, blob, size, type, expiresAt }
}

/** RFC 8620 §6: unreferenced blobs go "in date order, oldest first, until there is room". */
function* makeRoom(uploader: AccountId, { octets, now }: { octets: number; now: number }): Op<void> {
  const rows = yield* all<{ account: AccountId; id: ObjectId; size: number; expires_at: number }>`
    SELECT account, id, size, expires_at FROM upload WHERE uploader = ${uploader} ORDER BY expires_at, account, id`
  let held = rows.reduce((sum, { size }) => sum + size, 0)
  for (const { account, id, size, expires_at: expiresAt } of rows) {
    if (held <= octets && expiresAt > now) return
    yield* removeUploads(sql`account = ${account} AND id = ${id}`)
    held -= size
  }
}

/** See `UploadStore.findUpload`. */
export function* findUpload(request: {
  account: AccountId
  uploader: AccountId
  id: ObjectId
  now: number
}): Op<Upload | undefined> {
  const { account, uploader, id, now } = request
  const row = yield* get<UploadRow>`SELECT ${uploadColumns} FROM upload
    WHERE account = ${account} AND id = ${id} AND uploader = ${uploader} AND expires_at > ${now}`
  return row && uploadOf(row)
}

function* removeUploads(where: Fragment): Op<number> {
  yield* run`UPDATE blob SET refs = refs - going.n
    FROM (SELECT blob, COUNT(*) AS n FROM upload WHERE ${where} GROUP BY blob) AS going WHERE blob.id = going.blob`
  return yield* run`DELETE FROM upload WHERE ${where}`
}

/** Before an account goes. */
export function* forgetUploads(account: AccountId): Op<void> {
  yield* removeUploads(sql`account = ${account}`)
  yield* removeUploads(sql`uploader = ${account}`)
}

/** Takes away what has expired; how many. */
export function* expireUploads(now: number): Op<number> {
  return yield* removeUploads(sql`expires_at <= ${now}`)
}
