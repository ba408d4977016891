// Changes of mail by email (`../email-changes.ts`), put together from those by mailbox: flags, copies, moves and removals of many
// messages at once, so that thousands of emails with the same change cost about what one change of thousands of messages does.
//
// A change of several emails may take several modseqs, all in one commit.
import type { AccountId, EmailId, MailboxId } from '../model.ts'
import type { EmailChange, EmailChangeRefusal, EmailChangeStore } from '../email-changes.ts'
import { get, type Op, sql, tuples } from '../op.ts'
import type { Outcome } from '../store.ts'
import { copy, move } from './copy.ts'
import { type Place, placesOf } from './email-places.ts'
import { expunge } from './expunge.ts'
import { type BlockLimits, type KeywordLimits, setFlags, tooManyKeywords } from './flags.ts'
import { lockAccount, oneOf } from './rows.ts'
import { runsOf } from './uid-runs.ts'

type Limits = KeywordLimits & BlockLimits & { readonly threadKeys: number }
type ChangeRequest = Parameters<EmailChangeStore['changeEmails']>[0]

/** An email that can be changed as asked. */
interface Task {
  readonly change: EmailChange
  /** Its messages that are shown; at least one. */
  readonly places: readonly Place[]
  readonly enter: readonly MailboxId[]
  readonly leaving: readonly Place[]
}

/** See `EmailChangeStore.changeEmails`. */
export function* changeEmails(
  request: ChangeRequest,
  limits: Limits,
): Op<readonly Outcome<object, EmailChangeRefusal>[]> {
  const { account, changes } = request
  yield* lockAccount(account)
  const places = yield* placesOf(account, changes)
  const selectable = yield* selectableOnes(account, [...new Set(changes.flatMap(({ enter }) => enter ?? []))])
  const room = yield* roomOf(account)
  const tasks: Task[] = []
  const outcomes = changes.map((change): Outcome<object, EmailChangeRefusal> => {
    const task = taskOf(change, places.get(change.email) ?? [])
    const refusal = 'change' in task ? refusalOf(task, { selectable, room, limits }) : task.reason
    if (refusal !== null) return { ok: false, reason: refusal }
    if ('change' in task) tasks.push(task)
    return { ok: true }
  })
  yield* changeFlags(account, tasks, limits)
  yield* changeMailboxes(request, tasks, limits)
  return outcomes
}

function taskOf(change: EmailChange, all: readonly Place[]): Task | { readonly reason: EmailChangeRefusal } {
  const places = all.filter(({ flags }) => (flags & deletedBit) === 0)
  if (places.length === 0) return { reason: 'not-found' }
  const leave = new Set(change.leave)
  const held = new Set(places.map(({ mailbox }) => mailbox))
  const enter = [...new Set(change.enter)].filter((mailbox) => !held.has(mailbox))
  const leaving = places.filter(({ mailbox }) => leave.has(mailbox))
  if (leaving.length === places.length && enter.length === 0) return { reason: 'no-mailbox-left' }
  return { change, places, enter, leaving }
}

function refusalOf(
  { change, places, enter, leaving }: Task,
  known: { selectable: ReadonlySet<MailboxId>; room: { messages: number }; limits: Limits },
): EmailChangeRefusal | null {
  if (enter.some((mailbox) => !known.selectable.has(mailbox))) return 'no-such-mailbox'
  const added = change.add?.keywords ?? []
  if (added.length > 0) {
    const taken = new Set((change.remove?.keywords ?? []).map((word) => word.toLowerCase()))
    const words = new Map<string, string>()
    for (const { keywords } of places) {
      for (const word of keywords === '' ? [] : keywords.split(' ')) words.set(word.toLowerCase(), word)
    }
    for (const word of taken) words.delete(word)
    for (const word of added) words.set(word.toLowerCase(), word)
    if (tooManyKeywords([...words.values()].join(' '), known.limits)) return 'too-many-keywords'
  }
  const more = Math.max(0, enter.length - leaving.length)
  if (more > known.room.messages) return 'over-quota'
  known.room.messages -= more
  return null
}

function* selectableOnes(account: AccountId, mailboxes: readonly MailboxId[]): Op<ReadonlySet<MailboxId>> {
  if (mailboxes.length === 0) return new Set<MailboxId>()
  const rows = yield* tuples<[id: MailboxId]>`SELECT id FROM mailbox
    WHERE account = ${account} AND selectable = 1 AND ${oneOf(sql`id`, mailboxes)}`
  return new Set(rows.map(([id]) => id))
}

/** Messages that the account may still have. */
function* roomOf(account: AccountId): Op<{ messages: number }> {
  const row = yield* get<{ quota_messages: number | null; used_messages: number }>`
    SELECT quota_messages, used_messages FROM account WHERE id = ${account}`
  if (row?.quota_messages == null) return { messages: Infinity }
  return { messages: Math.max(0, row.quota_messages - row.used_messages) }
}

/** UIDs by what is done with them; the key tells what that is. */
class Groups<What> {
  readonly #groups = new Map<string, { readonly what: What; readonly uids: number[] }>()

  add(key: string, what: What, uid: number): void {
    const group = this.#groups.get(key)
    if (group === undefined) this.#groups.set(key, { what, uids: [uid] })
    else group.uids.push(uid)
  }

  *[Symbol.iterator](): Generator<What & { readonly uids: [number, number][] }> {
    for (const { what, uids } of this.#groups.values()) {
      yield { ...what, uids: runsOf(uids.sort((a, b) => a - b)) }
    }
  }
}

interface FlagGroup {
  readonly mailbox: MailboxId
  readonly mode: 'add' | 'remove'
  readonly flags: number
  readonly keywords: readonly string[]
}

function* changeFlags(account: AccountId, tasks: readonly Task[], limits: Limits): Op<void> {
  const groups = new Groups<FlagGroup>()
  for (const { change, places } of tasks) {
    // Taken first: what is both taken and given is there afterwards.
    for (const mode of ['remove', 'add'] as const) {
      const asked = change[mode]
      if (asked === undefined || (asked.flags === 0 && asked.keywords.length === 0)) continue
      const flags = asked.flags & ~deletedBit
      for (const { mailbox, uid } of places) {
        const key = `${mode} ${mailbox} ${flags} ${asked.keywords.join(' ')}`
        groups.add(key, { mailbox, mode, flags, keywords: asked.keywords }, uid)
      }
    }
  }
  for (const group of groups) {
    const set = yield* setFlags({ account, ...group }, limits)
    if (!set.ok) throw new Error(`flags of emails of account ${account}: ${set.reason}`)
  }
}

interface Way {
  readonly from: MailboxId
  readonly to: MailboxId
}

function* changeMailboxes(request: ChangeRequest, tasks: readonly Task[], limits: Limits): Op<void> {
  const { account, now } = request
  const copies = new Groups<Way>()
  const moves = new Groups<Way>()
  const removals = new Groups<{ readonly mailbox: MailboxId }>()
  const mended: Task[] = []
  for (const task of tasks) {
    const { places, enter, leaving } = task
    const [source] = places
    if (source === undefined) continue
    if (enter.length > 0 && places.some((place) => !alike(place, source))) mended.push(task)
    for (const [index, to] of enter.entries()) {
      const left = leaving[index]
      // What leaves becomes what comes, as long as there is some.
      if (left !== undefined) moves.add(`${left.mailbox} ${to}`, { from: left.mailbox, to }, left.uid)
      else copies.add(`${source.mailbox} ${to}`, { from: source.mailbox, to }, source.uid)
    }
    for (const { mailbox, uid } of leaving.slice(enter.length)) {
      removals.add(String(mailbox), { mailbox }, uid)
    }
  }
  // Copies first: their source may be what moves.
  for (const way of copies) yield* transferred(yield* copy({ account, now, ...way }, limits))
  for (const way of moves) yield* transferred(yield* move({ account, now, ...way }, limits))
  for (const { mailbox, uids } of removals) yield* expunge({ account, mailbox, uids, which: 'regardless' })
  if (mended.length > 0) yield* mend(account, mended, limits)
}

function* transferred(outcome: Outcome<object, string>): Op<void> {
  if (!outcome.ok) throw new Error(`emails between mailboxes: ${outcome.reason}`)
}

function alike(one: Place, other: Place): boolean {
  return one.flags === other.flags && one.keywords === other.keywords
}

/** Emails whose messages differ bring what JMAP shows of all of them: \Seen where all have it, else what any has. */
function* mend(account: AccountId, tasks: readonly Task[], limits: Limits): Op<void> {
  const now = yield* placesOf(
    account,
    tasks.map(({ change }) => ({ email: change.email })),
  )
  for (const { change, enter, places } of tasks) {
    const shown = (now.get(change.email) ?? []).filter(({ flags }) => (flags & deletedBit) === 0)
    const before = places.map(({ flags, keywords }) => ({
      flags,
      keywords: keywords === '' ? [] : keywords.split(' '),
    }))
    const removed = change.remove ?? { flags: 0, keywords: [] }
    const added = change.add ?? { flags: 0, keywords: [] }
    const seen = before.every(({ flags }) => (flags & seenBit) !== 0) ? seenBit : 0
    const others = before.reduce((bits, { flags }) => bits | flags, 0) & ~(seenBit | deletedBit)
    const taken = new Set(removed.keywords.map((word) => word.toLowerCase()))
    const words = new Map(
      before.flatMap(({ keywords }) => keywords).map((word) => [word.toLowerCase(), word] as const),
    )
    for (const word of taken) words.delete(word)
    for (const word of added.keywords) words.set(word.toLowerCase(), word)
    for (const { mailbox, uid } of shown.filter((place) => enter.includes(place.mailbox))) {
      yield* setFlags(
        {
          ...{ account, mailbox, uids: [[uid, uid]], mode: 'replace' },
          flags: ((seen | others) & ~removed.flags) | (added.flags & ~deletedBit),
          keywords: [...words.values()],
        },
        limits,
      )
    }
  }
}

/** See `EmailChangeStore.destroyEmails`. */
export function* destroyEmails(
  request: Parameters<EmailChangeStore['destroyEmails']>[0],
): Op<readonly EmailId[]> {
  const { account, emails } = request
  yield* lockAccount(account)
  const places = yield* placesOf(account, emails)
  const removals = new Groups<{ readonly mailbox: MailboxId }>()
  const missing: EmailId[] = []
  for (const { email } of emails) {
    const all = places.get(email) ?? []
    // RFC 8621 §4.1.1: what has \Deleted everywhere is not there.
    if (all.every(({ flags }) => (flags & deletedBit) !== 0)) missing.push(email)
    else for (const { mailbox, uid } of all) removals.add(String(mailbox), { mailbox }, uid)
  }
  for (const { mailbox, uids } of removals) yield* expunge({ account, mailbox, uids, which: 'regardless' })
  return missing
}

const seenBit = 1
const deletedBit = 8
