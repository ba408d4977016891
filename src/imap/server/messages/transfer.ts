// COPY (RFC 3501 §6.4.7) and MOVE (RFC 6851), with COPYUID (RFC 4315 §3), within an account and to another one's mailbox (RFC 4314 §4).
//
// - Both are all or nothing; a message that was expunged elsewhere and is named by number makes COPY fail (RFC 2180 §4.4.1).
// - RFC 4314 §4: `i` in the target; MOVE also `t` and `e` here, or it would leave what it moved.
import { permittedFlags } from '../permitted-flags.ts'
import { allows, findPlace } from '../access.ts'
import { answerLimited, limitMessages, tooMany } from './message-limit.ts'
import { bad, no, ok } from '../context.ts'
import { countOf, each, tryIndexes } from './numbers.ts'
import { formatNumbers } from '../../proto/grammar/sequence-set.ts'
import type { CommandRun, Done } from '../context.ts'
import type { Copied, Transfer } from '../../../store/store.ts'
import type { Place } from '../access.ts'
import type { Ranges } from '../../proto/grammar/sequence-set.ts'
import type { RequestOf } from '../../proto/commands/command.ts'
import type { Selected } from './selected.ts'
import type { View } from './view.ts'

const tryCreate = no('TRYCREATE', 'There is no such mailbox')
const noPermission = no('NOPERM', 'You do not have the right to do this')

type TransferRequest = RequestOf<'COPY' | 'MOVE'>

export async function copyOrMove(
  run: CommandRun,
  selected: Selected,
  request: TransferRequest,
): Promise<Done> {
  const { name, uid, set } = request
  if (name === 'MOVE' && selected.readOnly) return no('READ-ONLY', 'The mailbox was opened with EXAMINE')
  const view = await selected.load()
  const named = tryIndexes(selected, set, uid)
  if (named === undefined) return bad('There is no message with that number')
  const target = await findPlace(run.session, request.mailbox)
  const refusal = refuse(name, selected, target)
  if (refusal !== undefined || target === undefined) return refusal ?? tryCreate
  if (countOf(named) === 0) return ok(`${name} completed`)
  if (!uid && anyGone(view, named)) return no('EXPUNGEISSUED', 'Some of the messages are gone')
  // RFC 9738 §3.1: COPY does all or nothing; MOVE does as many as it may.
  const surplus = name === 'COPY' ? tooMany(run.session.parts, countOf(named)) : undefined
  if (surplus !== undefined) return surplus
  const { indexes, lowest } =
    name === 'COPY' ? { indexes: named, lowest: null } : limitMessages(run, view, named)
  return answerLimited(run, await transfer(run, selected, { name, indexes, target }), lowest)
}

function refuse(name: 'COPY' | 'MOVE', selected: Selected, target: Place | undefined): Done | undefined {
  if (target === undefined || !target.mailbox.selectable) return tryCreate
  // RFC 4314 §6: who may not look into the target must not learn that it is there.
  if (!allows(target, 'i')) return allows(target, 'l') ? noPermission : tryCreate
  if (name === 'MOVE' && !(allows(selected, 't') && allows(selected, 'e'))) return noPermission
  return undefined
}

async function transfer(
  run: CommandRun,
  selected: Selected,
  request: { name: 'COPY' | 'MOVE'; indexes: Ranges; target: Place },
): Promise<Done> {
  const { name, indexes, target } = request
  const { store, clock } = run.session.parts
  const { view, account } = selected
  const between: Transfer = {
    ...{ account, from: selected.mailbox, uids: view.selection(indexes) },
    ...{ to: target.mailbox.id, toAccount: target.account, now: clock.now() },
    ...flagsAlong(target),
  }
  const outcome = name === 'COPY' ? await store.copy(between) : await store.move(between)
  if (!outcome.ok) {
    if (outcome.reason === 'over-quota') return no('OVERQUOTA', 'The mailbox would be too full')
    return tryCreate
  }
  if (outcome.from.length === 0) return ok(`${name} completed`)
  const { to: uids, modSeq } = outcome
  run.session.watch?.arrived({ account: target.account, mailbox: target.mailbox.id, uids, modSeq })
  const code = copyUid(outcome)
  if (name === 'COPY') return ok('COPY completed', { code })
  // RFC 6851 §4.3: COPYUID comes untagged, before the EXPUNGEs.
  await run.output.text(`* OK [${code}] Moved\r\n`)
  selected.expungedHere(outcome.from)
  await selected.tell(run.output, { expunges: 'tell' })
  // RFC 6851 §4.4: a client that enabled QRESYNC is told the mailbox's new modseq.
  return ok(
    'MOVE completed',
    run.session.modes.qresync ? { code: `HIGHESTMODSEQ ${selected.toldModSeq}` } : {},
  )
}

/** RFC 4314 §4: flags come along as far as the rights in the target go, and the rest are dropped silently. */
function flagsAlong(target: Place): Pick<Transfer, 'flags' | 'keywords'> {
  if (['s', 't', 'w'].every((right) => target.rights.includes(right))) return {}
  const { flags, keywords } = permittedFlags(target)
  return { flags, keywords: keywords ? 'all' : 'none' }
}

function copyUid({ uidValidity, from, to }: Copied): string {
  return `COPYUID ${uidValidity} ${formatNumbers(from)} ${formatNumbers(to)}`
}

function anyGone(view: View, indexes: Ranges): boolean {
  if (!view.anyGone) return false
  for (const index of each(indexes)) if (view.isGone(view.uid(index))) return true
  return false
}
