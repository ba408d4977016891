// STORE, COPY, MOVE, EXPUNGE, CLOSE: commands that change messages of the selected mailbox.
//
// What this session changed it tells at once, what others changed where it may (see selected.ts). Messages that others expunged
// meanwhile: RFC 2180 §4.2 (STORE: NO where flags were to be told), §4.4 (COPY: nothing is copied, NO).
import * as imapEvents from '../../../events/imap.ts'
import { formatNumbers } from '../../proto/grammar/sequence-set.ts'
import { bad, no, ok } from '../context.ts'
import { findPlace } from '../access.ts'
import { countOf, each, tryIndexes } from './numbers.ts'
import { flagsResponse } from './selected.ts'
import type { CommandRun, Done } from '../context.ts'
import type { Copied } from '../../../store/store.ts'
import type { Ranges } from '../../proto/grammar/sequence-set.ts'
import type { RequestOf } from '../../proto/commands/command.ts'
import type { Selected } from './selected.ts'
import type { View } from './view.ts'

const readOnly = no('READ-ONLY', 'The mailbox was opened with EXAMINE')
const noSuchNumber = bad('There is no message with that number')
const gone = no('EXPUNGEISSUED', 'Some of the messages are gone')

/** RFC 3501 §6.4.6 */
export async function store(run: CommandRun, selected: Selected, request: RequestOf<'STORE'>): Promise<Done> {
  if (selected.readOnly) return readOnly
  const view = await selected.load()
  const indexes = tryIndexes(selected, request.set, request.uid)
  if (indexes === undefined) return noSuchNumber
  if (countOf(indexes) === 0) return ok('STORE completed')
  const { mode, change, silent, uid } = request
  const outcome = await run.session.parts.store.setFlags({
    account: selected.account,
    mailbox: selected.mailbox,
    uids: view.selection(indexes),
    mode,
    flags: change.flags,
    keywords: change.keywords,
  })
  if (!outcome.ok) {
    if (outcome.reason === 'too-many-keywords') return no('LIMIT', 'Too many keywords')
    return gone
  }
  const [first] = outcome.changed
  for (const changed of outcome.changed) view.setFlags({ ...changed, told: true })
  if (first !== undefined)
    view.markTold(
      outcome.changed.map((changed) => changed.uid),
      first.modSeq,
    )
  if (silent) return ok('STORE completed')
  let missing = false
  for (const index of each(indexes)) {
    if (view.isGone(view.uid(index))) missing = true
    else {
      const wait = run.output.text(flagsResponse(view, index, uid ? 'uid' : 'plain'))
      if (wait !== undefined) await wait
    }
  }
  await run.output.end()
  return missing && !uid ? gone : ok('STORE completed')
}

/** RFC 3501 §6.4.7 and RFC 6851 §3, with COPYUID (RFC 4315 §3). */
export async function copyOrMove(
  run: CommandRun,
  selected: Selected,
  request: RequestOf<'COPY' | 'MOVE'>,
): Promise<Done> {
  const { name, mailbox, uid, set } = request
  const { store: mail, clock } = run.session.parts
  if (name === 'MOVE' && selected.readOnly) return readOnly
  const view = await selected.load()
  const indexes = tryIndexes(selected, set, uid)
  if (indexes === undefined) return noSuchNumber
  const target = await findPlace(run.session, mailbox)
  if (target === undefined || !target.mailbox.selectable) return no('TRYCREATE', 'There is no such mailbox')
  if (countOf(indexes) === 0) return ok(`${name} completed`)
  if (!uid && anyGone(view, indexes)) return gone
  const uids = view.selection(indexes)
  const between = {
    ...{ account: selected.account, from: selected.mailbox, uids },
    ...{ to: target.mailbox.id, toAccount: target.account, now: clock.now() },
  }
  const outcome = name === 'COPY' ? await mail.copy(between) : await mail.move(between)
  if (!outcome.ok) {
    if (outcome.reason === 'over-quota') return no('OVERQUOTA', 'The mailbox would be too full')
    return no('TRYCREATE', 'There is no such mailbox')
  }
  if (outcome.from.length === 0) return ok(`${name} completed`)
  const code = copyUid(outcome)
  if (name === 'COPY') return ok('COPY completed', { code })
  // RFC 6851 §4.3: COPYUID comes untagged, before the EXPUNGEs.
  await run.output.text(`* OK [${code}] Moved\r\n`)
  view.expunge(outcome.from)
  await selected.tell(run.output, { expunges: 'tell' })
  return ok('MOVE completed')
}

function copyUid({ uidValidity, from, to }: Copied): string {
  return `COPYUID ${uidValidity} ${formatNumbers(from)} ${formatNumbers(to)}`
}

function anyGone(view: View, indexes: Ranges): boolean {
  if (!view.anyGone) return false
  for (const index of each(indexes)) if (view.isGone(view.uid(index))) return true
  return false
}

/** RFC 3501 §6.4.3, and RFC 4315 §2.1 with a set of UIDs. */
export async function expunge(
  run: CommandRun,
  selected: Selected,
  request: RequestOf<'EXPUNGE'>,
): Promise<Done> {
  if (selected.readOnly) return readOnly
  const view = await selected.load()
  const indexes = request.set === null ? null : tryIndexes(selected, request.set, true)
  if (indexes !== null && (indexes === undefined || countOf(indexes) === 0)) return ok('EXPUNGE completed')
  const selection = indexes === null ? {} : { uids: view.selection(indexes) }
  view.expunge(await expungeDeleted(run, selected, selection))
  await selected.tell(run.output, { expunges: 'tell' })
  return ok('EXPUNGE completed')
}

/** RFC 3501 §6.4.2: CLOSE removes without telling; after EXAMINE it removes nothing. */
export async function close(run: CommandRun, selected: Selected): Promise<Done> {
  if (!selected.readOnly) await expungeDeleted(run, selected, {})
  selected.close()
  run.session.selected = null
  return ok('CLOSE completed', { state: { name: 'authenticated' } })
}

/** RFC 3691 §2: like CLOSE, and nothing is removed. */
export function unselect(run: CommandRun, selected: Selected): Done {
  selected.close()
  run.session.selected = null
  return ok('UNSELECT completed', { state: { name: 'authenticated' } })
}

async function expungeDeleted(
  run: CommandRun,
  selected: Selected,
  selection: { uids?: Ranges },
): Promise<readonly number[]> {
  const { store: mail, events } = run.session.parts
  const { uids } = await mail.expunge({
    account: selected.account,
    mailbox: selected.mailbox,
    which: 'deleted',
    ...selection,
  })
  if (uids.length > 0) {
    events.emit(imapEvents.messagesExpunged, { account: run.session.account.address, messages: uids.length })
  }
  return uids
}
