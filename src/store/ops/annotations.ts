// Annotations of mailboxes and accounts (RFC 5464).
//
// A private entry has the account that sees it as its viewer; shared ones have none. The octets of all values in an account,
// whoever set them, count towards that account's quota.
import type { Annotation, AnnotatedPlace, AnnotationChange } from '../annotations.ts'
import type { AccountId, MailboxId, ModSeq } from '../model.ts'
import { all, dialect, type Fragment, get, many, type Op, run, sql, type Stmt } from '../op.ts'
import type { Outcome } from '../store.ts'
import { announce, nobody } from './news.ts'
import { lockAccount, nextModSeq } from './rows.ts'

export interface AnnotationsRequest extends AnnotatedPlace {
  readonly under?: readonly string[]
  readonly depth?: 0 | 1 | 'infinity'
}

/** An `Annotation`, as its columns are. */
interface Kept {
  readonly name: string
  readonly value: Uint8Array
}

interface Size {
  readonly viewer: AccountId
  readonly name: string
  readonly size: number
}

/** Shared ones and the viewer's own. */
function here({ account, mailbox, viewer }: AnnotatedPlace): Fragment {
  return sql`account = ${account} AND mailbox = ${mailbox ?? nobody} AND viewer IN (${nobody}, ${viewer})`
}

function* sizesOf(place: AnnotatedPlace): Op<Size[]> {
  return yield* all<Size>`SELECT viewer, name, OCTET_LENGTH(value) AS size FROM annotation
    WHERE ${here(place)} ORDER BY name`
}

/** See `AnnotationStore.annotations`. */
export function* annotations(request: AnnotationsRequest): Op<Annotation[]> {
  const { under, depth = 0 } = request
  if (!under) {
    return yield* all<Kept>`SELECT name, value FROM annotation WHERE ${here(request)} ORDER BY name`
  }
  // Names first: what is not asked for may be megabytes.
  const sizes = yield* sizesOf(request)
  const names = sizes.flatMap(({ name }) => (under.some((top) => isUnder(name, top, depth)) ? [name] : []))
  if (names.length === 0) return []
  return yield* all<Kept>`SELECT name, value FROM annotation
    WHERE ${here(request)} AND name IN ${listed(names)} ORDER BY name`
}

/** RFC 5464 §4.2.2: the entry itself, its children, or all that is below it. */
function isUnder(name: string, top: string, depth: 0 | 1 | 'infinity'): boolean {
  if (name === top) return true
  if (depth === 0 || !name.startsWith(`${top}/`)) return false
  return depth === 'infinity' || !name.includes('/', top.length + 1)
}

function listed(names: readonly string[]): Fragment {
  const json = JSON.stringify(names)
  return dialect({
    sqlite: sql`(SELECT value FROM json_each(${json}))`,
    pg: sql`(SELECT value FROM json_array_elements_text(${json}::json))`,
  })
}

export interface AnnotationLimits {
  readonly annotations: number
  readonly annotationSize: number
  readonly annotationNameLength: number
}

export type SetAnnotationsRequest = AnnotatedPlace & { readonly changes: readonly AnnotationChange[] }

/** See `AnnotationStore.setAnnotations`. */
export function* setAnnotations(
  request: SetAnnotationsRequest,
  limits: AnnotationLimits,
): Op<Outcome<object, 'no-such-mailbox' | 'too-many' | 'too-big' | 'over-quota'>> {
  const { account, mailbox } = request
  const changes = new Map(request.changes.map(({ name, value }) => [name, value]))
  for (const [name, value] of changes) {
    if (name.length > limits.annotationNameLength) return { ok: false, reason: 'too-big' }
    if (value !== null && value.length > limits.annotationSize) return { ok: false, reason: 'too-big' }
  }
  if (!(yield* lockAccount(account))) return { ok: false, reason: 'no-such-mailbox' }
  if (mailbox !== null) {
    const place = yield* get<{ id: number }>`
      SELECT id FROM mailbox WHERE account = ${account} AND id = ${mailbox}`
    if (!place) return { ok: false, reason: 'no-such-mailbox' }
  }
  const sizes = yield* sizesOf(request)
  const present = new Map(sizes.map(({ name, size }) => [name, size]))
  const effective = [...changes].filter(([name, value]) => value !== null || present.has(name))
  if (effective.length === 0) return { ok: true }
  const after = new Set(present.keys())
  let growth = 0
  for (const [name, value] of effective) {
    growth += (value?.length ?? 0) - (present.get(name) ?? 0)
    if (value === null) after.delete(name)
    else after.add(name)
  }
  for (const kind of ['/private/', '/shared/']) {
    const count = (names: Iterable<string>): number =>
      [...names].filter((name) => name.startsWith(kind)).length
    const now = count(after)
    if (now > limits.annotations && now > count(present.keys())) return { ok: false, reason: 'too-many' }
  }
  if (growth > 0 && !(yield* hasRoom(account, growth))) return { ok: false, reason: 'over-quota' }
  yield* write(request, effective, yield* nextModSeq(account))
  return { ok: true }
}

/** Octets of all values of an account. */
export function* annotationBytes(account: AccountId): Op<number> {
  const row = yield* get<{ bytes: number }>`
    SELECT COALESCE(SUM(OCTET_LENGTH(value)), 0) AS bytes FROM annotation WHERE account = ${account}`
  return row?.bytes ?? 0
}

function* hasRoom(account: AccountId, growth: number): Op<boolean> {
  const quota = yield* get<{ quota_annotations: number | null }>`
    SELECT quota_annotations FROM account WHERE id = ${account}`
  if (!quota || quota.quota_annotations === null) return true
  return (yield* annotationBytes(account)) + growth <= quota.quota_annotations
}

function* write(
  place: AnnotatedPlace,
  changes: readonly (readonly [name: string, value: Uint8Array | null])[],
  modSeq: ModSeq,
): Op<void> {
  const { account, mailbox } = place
  yield* many(changes.map(([name, value]) => writing(place, name, value)))
  const names = changes.map(([name]) => name)
  for (const viewer of [null, place.viewer]) {
    const told = names.filter((name) => viewerOf(place, name) === (viewer ?? nobody))
    if (told.length > 0) {
      yield* announce({ type: 'annotations-changed', account, mailbox, modSeq, viewer, names: told })
    }
  }
}

function writing(place: AnnotatedPlace, name: string, value: Uint8Array | null): Stmt<number> {
  const { account, mailbox } = place
  const viewer = viewerOf(place, name)
  if (value === null) {
    return run`DELETE FROM annotation
      WHERE account = ${account} AND mailbox = ${mailbox ?? nobody} AND viewer = ${viewer} AND name = ${name}`
  }
  return run`INSERT INTO annotation (account, mailbox, viewer, name, value)
    VALUES (${account}, ${mailbox ?? nobody}, ${viewer}, ${name}, ${value})
    ON CONFLICT (account, mailbox, viewer, name) DO UPDATE SET value = excluded.value`
}

/** RFC 5464 §3.1: each name begins with one of the two. */
function viewerOf({ viewer }: AnnotatedPlace, name: string): number {
  if (name.startsWith('/private/')) return viewer
  if (name.startsWith('/shared/')) return nobody
  throw new RangeError(`${name} is no name of an annotation`)
}

/** RFC 5464 §4.1: renaming INBOX leaves its annotations where they are, and gives the new mailbox the same. */
export function* copyAnnotations(account: AccountId, from: MailboxId, to: MailboxId): Op<void> {
  yield* run`INSERT INTO annotation (account, mailbox, viewer, name, value)
    SELECT account, CAST(${to} AS BIGINT), viewer, name, value FROM annotation
    WHERE account = ${account} AND mailbox = ${from}`
}

/** Takes away what an account that goes noted at the mailboxes of others. */
export function* forgetViewer(viewer: AccountId): Op<void> {
  yield* run`DELETE FROM annotation WHERE viewer = ${viewer} AND viewer <> 0 AND viewer <> account`
}
