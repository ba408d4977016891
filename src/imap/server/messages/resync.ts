// SELECT with QRESYNC (RFC 7162 §3.2.5): what a client missed, told behind the answers of SELECT.
//
// First what is gone, as VANISHED (EARLIER), then the flags that changed, each with UID and MODSEQ (§3.2.6: in that order). Everything is
// as of the moment when the mailbox was opened: what happened since comes with the next telling.
import { changedAfter, vanishedAmong } from './fetch-plan.ts'
import { encodeVanished } from '../../proto/encode/fetch-data.ts'
import { intersectRanges, resolveNumberSet } from '../../proto/grammar/sequence-set.ts'
import type { CommandRun } from '../context.ts'
import type { Mailbox } from '../../../store/model.ts'
import type { NumberSet, Ranges } from '../../proto/grammar/sequence-set.ts'
import type { Resynchronization } from '../../proto/grammar/select.ts'
import type { Selected } from './selected.ts'
import type { View } from './view.ts'

/** Tells the client what it missed; `mailbox` as it was when it was opened. */
export async function resynchronize(
  run: CommandRun,
  selected: Selected,
  of: { readonly mailbox: Mailbox; readonly resync: Resynchronization },
): Promise<void> {
  const { mailbox, resync } = of
  // RFC 7162 §3.2.5: "the server MUST ignore the remaining parameters"; the client sees the other UIDVALIDITY.
  if (resync.uidValidity !== mailbox.uidValidity || mailbox.uidNext === 1) return
  // Nothing has changed since: neither the view nor the tombstones need be looked at.
  if (resync.modSeq >= mailbox.modSeq) return
  const view = await selected.load()
  const largest = mailbox.uidNext - 1
  const all: Ranges = [[1, largest]]
  const known = resync.known === null ? all : intersectRanges(resolveNumberSet(resync.known, largest), all)
  const since = resync.modSeq
  // RFC 7162 §3.2.5.2: of what lies below a pair that matches the client knows all expunges.
  const above = lastMatch(view, resync.match)
  const unknown = intersectRanges(known, [[above + 1, largest]])
  for (const response of encodeVanished(
    await vanishedAmong(run, selected, { known: unknown, since }),
    'earlier',
  ))
    await run.output.text(response)
  const indexes = await changedAfter(run, selected, { since, indexes: view.indexesOf(known) })
  await tellFlags(run, selected, indexes)
}

/** The UID of the last pair of number and UID that is still right; 0 where none is. */
function lastMatch(view: View, match: Resynchronization['match']): number {
  let last = 0
  if (match === null) return last
  const uids = numbersOf(match.uids)
  for (const number of numbersOf(match.numbers)) {
    const uid = uids.next().value
    if (uid === undefined || number > view.length || view.uid(number - 1) !== uid) return last
    last = uid
  }
  return last
}

/** A set that ascends and has no `*`. */
function* numbersOf(set: NumberSet): Generator<number, undefined> {
  for (const [first, last] of set) {
    for (let number = Number(first); number <= Number(last); number++) yield number
  }
}

async function tellFlags(run: CommandRun, selected: Selected, indexes: Ranges): Promise<void> {
  const { view, account, mailbox } = selected
  if (indexes.length === 0) return
  const uids = view.selection(indexes)
  for await (const batch of run.session.parts.store.messages({ account, mailbox, uids })) {
    for (const { uid, modSeq, flags, keywords } of batch) {
      const index = view.indexOf(uid)
      if (index === -1) continue
      view.setFlags({ uid, flags, keywords, modSeq, told: true })
      const wait = run.output.text(selected.flagsResponse(index, { modSeq, uidCommand: true }))
      if (wait !== undefined) await wait
    }
    if (run.output.gone) return
  }
}
