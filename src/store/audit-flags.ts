// The audit's questions about blocks of flags (`ops/flag-blocks.ts`): each is exact about its messages, and the counts of a mailbox
// are those of what blocks and rows say together.
import type { AccountId, MailboxId } from './model.ts'
import { all, get, type Op, tuples } from './op.ts'
import { type FlagBlock, flagBlocks, isAbsent, isWorded, lastOf } from './ops/flag-blocks.ts'
import { flagStates } from './ops/flag-states.ts'

interface Told {
  readonly message: string
}

interface CountedRow {
  readonly id: MailboxId
  readonly unseen: number
  readonly deleted: number
  readonly modseq: number
  readonly uid_next: number
}

function* withBlocks(account: AccountId): Op<CountedRow[]> {
  return yield* all<CountedRow>`SELECT id, unseen, deleted, modseq, uid_next FROM mailbox
    WHERE account = ${account} AND id IN (SELECT mailbox FROM flag_block WHERE account = ${account}) ORDER BY id`
}

/** Unseen and deleted messages of the mailboxes that have blocks. */
export function* countsWithBlocksAreWrong(account: AccountId): Op<Told[]> {
  const found: Told[] = []
  for (const { id, unseen, deleted } of yield* withBlocks(account)) {
    const { state } = yield* flagStates({ account, mailbox: id })
    let [u, d] = [0, 0]
    for (const bits of state) {
      u += 1 - (bits & 1)
      d += (bits & 8) / 8
    }
    if (unseen === u && deleted === d) continue
    found.push({
      message: `mailbox ${id} counts ${unseen} unseen, ${deleted} deleted; found ${u}, ${d} with its blocks`,
    })
  }
  return found
}

type Row = [uid: number, modSeq: number, flags: number, worded: number]

export function* blocksAreWrong(account: AccountId): Op<Told[]> {
  const found: Told[] = []
  for (const mailbox of yield* withBlocks(account)) {
    const place = { account, mailbox: mailbox.id }
    let covered = 0
    for (const block of yield* flagBlocks(place)) {
      const last = lastOf(block)
      const about = `flags of uids ${block.first} to ${last} in mailbox ${mailbox.id}`
      if (block.first <= covered || last >= mailbox.uid_next)
        found.push({ message: `${about} overlap others, or are beyond its uid_next` })
      covered = last
      const rows = yield* tuples<Row>`
        SELECT uid, modseq, flags, CASE WHEN keywords <> '' THEN 64 ELSE 0 END FROM message
        WHERE account = ${account} AND mailbox = ${mailbox.id} AND uid BETWEEN ${block.first} AND ${last}`
      const wrong = wrongUid(block, { rows, highest: mailbox.modseq })
      if (wrong !== undefined)
        found.push({ message: `${about} are not those of its messages, as of uid ${wrong}` })
    }
  }
  const strange = yield* get<{ n: number }>`SELECT COUNT(*) AS n FROM flag_block WHERE account = ${account}
    AND NOT EXISTS (SELECT 1 FROM mailbox WHERE mailbox.account = flag_block.account AND mailbox.id = flag_block.mailbox)`
  if (strange && strange.n > 0) found.push({ message: `${strange.n} blocks of flags are of no mailbox` })
  return found
}

/** The first UID of which block and rows do not agree. */
function wrongUid(
  { first, states, sources, modSeqs }: FlagBlock,
  { rows, highest }: { rows: readonly Row[]; highest: number },
): number | undefined {
  const rowOf = new Map(rows.map((row) => [row[0], row]))
  for (let at = 0; at < states.length; at++) {
    const state = states[at] ?? isAbsent
    const source = sources[at] ?? 0
    const [uid = first + at, modSeq = 0, flags = 0, worded = 0] = rowOf.get(first + at) ?? []
    if (rowOf.has(uid) === ((state & isAbsent) !== 0)) return uid
    if (!rowOf.has(uid)) continue
    const said = source === 0 ? modSeq : modSeqs[source - 1]
    if (said === undefined || said > highest || (source !== 0 && said <= modSeq)) return uid
    if ((state & isWorded) !== worded || (source === 0 && (state & 31) !== flags)) return uid
  }
  return undefined
}
