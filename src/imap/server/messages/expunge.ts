// EXPUNGE and CLOSE (RFC 3501 §6.4.3, §6.4.2), UID EXPUNGE (RFC 4315 §2.1), UNSELECT (RFC 3691).
//
// RFC 4314 §4: EXPUNGE wants `e`; CLOSE without it closes and removes nothing.
import * as imapEvents from '../../../events/imap.ts'
import { allows } from '../access.ts'
import { answerLimited, limitMessages } from './message-limit.ts'
import { countOf, each, rangesOf, tryIndexes } from './numbers.ts'
import { no, ok } from '../context.ts'
import { systemFlag } from '../../proto/grammar/flags.ts'
import type { CommandRun, Done } from '../context.ts'
import type { ModSeq } from '../../../store/model.ts'
import type { Ranges } from '../../proto/grammar/sequence-set.ts'
import type { RequestOf } from '../../proto/commands/command.ts'
import type { Selected } from './selected.ts'
import type { View } from './view.ts'

export async function expunge(
  run: CommandRun,
  selected: Selected,
  request: RequestOf<'EXPUNGE'>,
): Promise<Done> {
  if (selected.readOnly) return no('READ-ONLY', 'The mailbox was opened with EXAMINE')
  if (!allows(selected, 'e')) return no('NOPERM', 'You do not have the right to do this')
  const view = await selected.load()
  if (request.set === null) return expungeAmong(run, selected, {})
  const named = tryIndexes(selected, request.set, true)
  if (named === undefined || countOf(named) === 0) return ok('EXPUNGE completed')
  // RFC 9738 §3.1 counts the messages that are removed.
  const { indexes, lowest } = limitMessages(run, view, deletedAmong(view, named))
  const uids = lowest === null ? named : indexes
  const done = await expungeAmong(run, selected, { uids: view.selection(uids) })
  return answerLimited(run, done, lowest)
}

function deletedAmong(view: View, indexes: Ranges): Ranges {
  const deleted: number[] = []
  for (const index of each(indexes)) if ((view.flags(index) & systemFlag.deleted) !== 0) deleted.push(index)
  return rangesOf(deleted)
}

async function expungeAmong(run: CommandRun, selected: Selected, among: { uids?: Ranges }): Promise<Done> {
  const { uids, modSeq } = await remove(run, selected, among)
  selected.expungedHere(uids)
  await selected.tell(run.output, { expunges: 'tell' })
  // RFC 7162 §3.2.7: "if at least one message got expunged and QRESYNC was enabled". All that came before it has been told.
  const told = uids.length > 0 && run.session.modes.qresync
  return ok('EXPUNGE completed', told ? { code: `HIGHESTMODSEQ ${modSeq}` } : {})
}

/** RFC 3501 §6.4.2: CLOSE removes without telling; after EXAMINE it removes nothing. RFC 7162 §3.2.8: and tells no HIGHESTMODSEQ. */
export async function close(run: CommandRun, selected: Selected): Promise<Done> {
  if (!selected.readOnly && allows(selected, 'e')) await remove(run, selected, {})
  return leave(run, selected, 'CLOSE completed')
}

/** RFC 3691 §2: like CLOSE, and nothing is removed. */
export function unselect(run: CommandRun, selected: Selected): Done {
  return leave(run, selected, 'UNSELECT completed')
}

function leave(run: CommandRun, selected: Selected, text: string): Done {
  selected.close()
  run.session.selected = null
  return ok(text, { state: { name: 'authenticated' } })
}

async function remove(
  run: CommandRun,
  selected: Selected,
  among: { uids?: Ranges },
): Promise<{ uids: readonly number[]; modSeq: ModSeq }> {
  const { store, events } = run.session.parts
  const { account, mailbox } = selected
  const removed = await store.expunge({ account, mailbox, which: 'deleted', ...among })
  const messages = removed.uids.length
  if (messages > 0)
    events.emit(imapEvents.messagesExpunged, { account: run.session.account.address, messages })
  return removed
}
