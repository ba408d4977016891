// What was shown to JMAP and is no longer: a row for each message that leaves its mailbox or gets \Deleted, so that what an account looked
// like at a modseq can be told (`../emails.ts`). A message with \Deleted leaves without another row: it was gone before.
//
// Called by the operations on messages, with UIDs whose flags they know, before the rows go.
import type { AccountId, EmailId, MailboxId, ModSeq, ThreadId } from '../model.ts'
import type { Departures } from '../emails.ts'
import { get, type Op, run, tuples } from '../op.ts'
import { runsOf } from './uid-runs.ts'
import { among } from './rows.ts'

const deletedBit = 8

interface Going {
  readonly account: AccountId
  readonly mailbox: MailboxId
  readonly modSeq: ModSeq
}

/** Messages that are shown now, and no longer from this modseq on. */
export function* noteDepartures(going: Going & { readonly uids: readonly number[] }): Op<void> {
  const { account, mailbox, modSeq, uids } = going
  if (uids.length === 0) return
  yield* run`INSERT INTO departure (account, modseq, mailbox, uid, email, thread, shown)
    SELECT message.account, CAST(${modSeq} AS BIGINT), message.mailbox, message.uid, message.email,
      COALESCE(email.thread, email.id), COALESCE(message.shown, message.added)
    FROM message JOIN email ON email.account = message.account AND email.id = message.email
    WHERE ${among({ account, mailbox, uids: runsOf(uids) })} AND message.added < ${modSeq}`
}

/** The same for rows with their flags: those with \Deleted are not shown as it is. */
export function* noteLeaving(
  going: Going & { readonly rows: Iterable<readonly [uid: number, flags: number, ...rest: unknown[]]> },
): Op<void> {
  const uids: number[] = []
  for (const [uid, flags] of going.rows) if ((flags & deletedBit) === 0) uids.push(uid)
  yield* noteDepartures({ ...going, uids })
}

/** Messages that had \Deleted and have it no longer. */
export function* noteReturns(coming: Going & { readonly uids: readonly number[] }): Op<void> {
  const { account, mailbox, modSeq, uids } = coming
  if (uids.length === 0) return
  yield* run`UPDATE message SET shown = ${modSeq} WHERE ${among({ account, mailbox, uids: runsOf(uids) })}`
}

/** See `EmailStore.departuresSince`. */
export function* departuresSince(request: { account: AccountId; since: ModSeq }): Op<Departures> {
  const { account, since } = request
  const state = yield* get<{ forgotten: ModSeq }>`
    SELECT forgotten_departures AS forgotten FROM account WHERE id = ${account}`
  const rows = yield* tuples<
    [modSeq: ModSeq, mailbox: MailboxId, email: EmailId, thread: ThreadId, shown: ModSeq]
  >`SELECT modseq, mailbox, email, thread, shown FROM departure
    WHERE account = ${account} AND modseq > ${since} ORDER BY modseq, mailbox, uid`
  return {
    departures: rows.map(([modSeq, mailbox, email, thread, shown]) => ({
      ...{ modSeq, mailbox, email, thread, shown },
    })),
    forgotten: state?.forgotten ?? (0 as ModSeq),
    complete: state !== undefined && since >= state.forgotten,
  }
}
