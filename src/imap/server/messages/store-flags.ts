// STORE (RFC 3501 §6.4.6), conditional with UNCHANGEDSINCE (RFC 7162 §3.1.3).
//
// - What this session changed it tells at once: flags, unless .SILENT; with CONDSTORE the new mod-sequence always.
// - A message that fails UNCHANGEDSINCE is told as it is now, and stands in MODIFIED of the tagged answer.
// - RFC 2180 §4.2: where messages are gone that were named by number, the answer is NO, which makes clients ask what changed.
// - RFC 4314 §4: of the flags those are changed for which there is a right; NO only where there is none for any.
import { permittedFlags } from '../permitted-flags.ts'
import { bad, no, ok } from '../context.ts'
import { answerLimited, limitMessages } from './message-limit.ts'
import { countOf, each, rangesOf, tryIndexes } from './numbers.ts'
import { encodeFlagsNow } from '../../proto/encode/fetch-data.ts'
import { formatNumbers } from '../../proto/grammar/sequence-set.ts'
import { systemFlag } from '../../proto/grammar/flags.ts'
import type { CommandRun, Done } from '../context.ts'
import type { FlagSet } from '../../proto/grammar/flags.ts'
import type { ModSeq } from '../../../store/model.ts'
import type { Ranges } from '../../proto/grammar/sequence-set.ts'
import type { RequestOf } from '../../proto/commands/command.ts'
import type { Selected } from './selected.ts'

const readOnly = no('READ-ONLY', 'The mailbox was opened with EXAMINE')
const noPermission = no('NOPERM', 'You do not have the right to change these flags')

type StoreRequest = RequestOf<'STORE'>

export async function store(run: CommandRun, selected: Selected, request: StoreRequest): Promise<Done> {
  if (selected.readOnly) return readOnly
  const permitted = tryPermit(selected, request)
  if (permitted === undefined) return noPermission
  const view = await selected.load()
  const named = tryIndexes(selected, request.set, request.uid)
  if (named === undefined) return bad('There is no message with that number')
  await selected.announceModSeq(run.output)
  if (countOf(named) === 0) return ok('STORE completed')
  const { indexes, lowest } = limitMessages(run, view, named)
  const outcome = await run.session.parts.store.setFlags({
    ...{ account: selected.account, mailbox: selected.mailbox, uids: view.selection(indexes) },
    ...{ mode: request.mode, ...permitted },
    // Any modseq that a client may name is a number that one can be compared with.
    ...(request.unchangedSince === null ? {} : { unchangedSince: request.unchangedSince as ModSeq }),
  })
  if (!outcome.ok) {
    if (outcome.reason === 'too-many-keywords') return no('LIMIT', 'Too many keywords')
    return no('EXPUNGEISSUED', 'The mailbox is gone')
  }
  selected.keepOwnFlags(outcome, { told: !request.silent })
  const { modSeq } = outcome
  // Only CONDSTORE asks which of the messages were changed.
  const changed = new Set<number>(run.session.modes.condstore ? outcome.columns.uids : [])
  const storing: Storing = { run, selected, request, modSeq, changed, refused: new Set(outcome.refused) }
  const missing = await tellStored(storing, indexes)
  await run.output.end()
  return answerLimited(run, answer(storing, missing), lowest)
}

/** One STORE at work. */
interface Storing {
  readonly run: CommandRun
  readonly selected: Selected
  readonly request: StoreRequest
  /** Of those that were changed. */
  readonly modSeq: number
  readonly changed: ReadonlySet<number>
  readonly refused: ReadonlySet<number>
}

interface Permitted extends FlagSet {
  /** What may be changed at all, where that is not everything. */
  readonly only?: { readonly flags: number; readonly keywords: boolean }
}

/** RFC 4314 §4: `s` is for \Seen, `t` for \Deleted, `w` for all others. */
function tryPermit(selected: Selected, { mode, change }: StoreRequest): Permitted | undefined {
  const { seen, deleted, answered, flagged, draft } = systemFlag
  const { flags, keywords } = permittedFlags(selected)
  if (flags === (seen | deleted | answered | flagged | draft)) return change
  const permitted = { flags: change.flags & flags, keywords: keywords ? change.keywords : [] }
  const named = change.flags !== 0 || change.keywords.length > 0
  const some = named ? permitted.flags !== 0 || permitted.keywords.length > 0 : flags !== 0
  if (!some) return undefined
  return mode === 'replace' ? { ...permitted, only: { flags, keywords } } : permitted
}

/** Tells what the messages have now; whether some are gone. */
async function tellStored(storing: Storing, indexes: Ranges): Promise<boolean> {
  const { run, selected, request, modSeq: ours, changed, refused } = storing
  const { view } = selected
  const { condstore } = run.session.modes
  const uidCommand = request.uid
  const others = await modSeqsOfOthers(storing, indexes)
  let missing = false
  for (const index of each(indexes)) {
    const uid = view.uid(index)
    if (view.isGone(uid)) {
      missing = true
      continue
    }
    const modSeq = changed.has(uid) ? ours : (others.get(uid) ?? null)
    let text = ''
    if (!request.silent || refused.has(uid)) text = selected.flagsResponse(index, { modSeq, uidCommand })
    else if (condstore && changed.has(uid)) {
      const now = { number: index + 1, uid, flags: null, modSeq, uidCommand }
      text = encodeFlagsNow(now, run.session.modes)
    }
    const wait = text === '' ? undefined : run.output.text(text)
    if (wait !== undefined) await wait
  }
  return missing
}

/** Mod-sequences of the messages that are told and were not changed; what the store says of their flags is taken on the way. */
async function modSeqsOfOthers(storing: Storing, indexes: Ranges): Promise<ReadonlyMap<number, number>> {
  const { run, selected, request, changed, refused } = storing
  const { view } = selected
  const found = new Map<number, number>()
  if (!run.session.modes.condstore) return found
  const wanted: number[] = []
  for (const index of each(indexes)) {
    const uid = view.uid(index)
    if (!changed.has(uid) && (!request.silent || refused.has(uid)) && !view.isGone(uid)) wanted.push(index)
  }
  if (wanted.length === 0) return found
  const { account, mailbox } = selected
  const uids = view.selection(rangesOf(wanted))
  for await (const batch of run.session.parts.store.messages({ account, mailbox, uids })) {
    for (const { uid, modSeq, flags, keywords } of batch) {
      if (changed.has(uid)) continue
      found.set(uid, modSeq)
      view.setFlags({ uid, flags, keywords, modSeq, told: true })
    }
  }
  return found
}

function answer({ request, refused, selected: { view } }: Storing, missing: boolean): Done {
  // RFC 7162 §3.1.3: by number or by UID, as the command was.
  const failed = request.uid
    ? [...refused]
    : rangesOf([...refused].map((uid) => view.indexOf(uid)).filter((index) => index !== -1)).flatMap(
        ([first, last]) => Array.from({ length: last - first + 1 }, (_, at) => first + at + 1),
      )
  const code = failed.length === 0 ? undefined : `MODIFIED ${formatNumbers(failed)}`
  if (missing && !request.uid) {
    return no(code ?? 'EXPUNGEISSUED', 'Some of the messages are gone')
  }
  return code === undefined ? ok('STORE completed') : ok('Some messages were changed meanwhile', { code })
}
