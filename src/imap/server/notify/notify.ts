// NOTIFY SET and NOTIFY NONE (RFC 5465 §3.1), and how the selected mailbox is told under them.
import { no, ok } from '../context.ts'
import { fetch } from '../messages/fetch.ts'
import { Watch } from './watch.ts'
import { rangesOf } from '../messages/numbers.ts'
import { superiors } from '../access.ts'
import type { CommandRun, Done, SessionContext } from '../context.ts'
import type { FetchItem } from '../../proto/grammar/fetch.ts'
import type { ImapRequest, RequestOf } from '../../proto/commands/command.ts'
import type { Output } from '../output.ts'
import type { OwnName } from './own-changes.ts'
import type { Selected } from '../messages/selected.ts'

export async function notify(run: CommandRun, { wanted }: RequestOf<'NOTIFY'>): Promise<Done> {
  const { session, output } = run
  // RFC 5465 §3.1: "MUST cause the server to immediately return any accumulated changes to the currently selected mailbox".
  if (wanted !== null) await session.selected?.tell(output, { expunges: 'tell' })
  const options = { groups: wanted?.groups ?? [], metadata: session.modes.metadata }
  const watch = await Watch.open(session, { ...options, status: wanted?.status ?? false }, output)
  await output.end()
  if (watch === 'overflow') return no('NOTIFICATIONOVERFLOW', 'There are too many mailboxes to watch')
  session.watch?.close()
  session.watch = watch
  // What was told before is not new any more.
  session.selected?.takeArrived()
  return ok('NOTIFY completed')
}

/** RFC 5464 §4.4.2: after ENABLE METADATA changes of annotations are told, NOTIFY or not. */
export async function watchMetadata(session: SessionContext, output: Output): Promise<void> {
  const { watch, modes } = session
  if (!modes.metadata || watch?.options.metadata === true) return
  const groups = watch?.options.groups ?? null
  const opened = await Watch.open(session, { groups, metadata: true, status: false }, output)
  if (opened === 'overflow') return
  watch?.close()
  session.watch = opened
}

/** Tells what is watched beyond the selected mailbox. */
export async function tellWatched(session: SessionContext, output: Output): Promise<void> {
  const { watch } = session
  if (watch === null || (await watch.tell(output)) === 'told') return
  watch.close()
  const nothing = await Watch.open(session, { groups: [], metadata: false, status: false }, output)
  session.watch = nothing === 'overflow' ? null : nothing
}

/** When the selected mailbox is told. */
export type Moment =
  /** With the answer of a command. */
  | { readonly at: 'command'; readonly expunges: 'tell' | 'hold'; readonly own: boolean }
  /** In IDLE (RFC 5465 §4), or between commands. */
  | { readonly at: 'idle' | 'between' }

/** Tells of the selected mailbox what NOTIFY lets be told. */
export async function tellSelected(session: SessionContext, output: Output, moment: Moment): Promise<void> {
  const { selected, watch } = session
  if (selected === null) return
  const wish = watch?.selected ?? { type: 'usual' }
  const expunges = moment.at === 'command' ? moment.expunges : 'tell'
  if (wish.type === 'at once') {
    const delayed = moment.at === 'between' && wish.expungesDelayed
    const flags = wish.flags ? 'tell' : 'hold'
    await selected.tell(output, { expunges: delayed ? 'hold' : expunges, flags, uids: true })
    await tellArrived(session, selected, { output, items: wish.items })
  } else if (wish.type === 'usual' ? moment.at !== 'between' : moment.at === 'command' && moment.own) {
    await selected.tell(output, { expunges })
  }
}

/** RFC 5465 §5.2: of messages that others put there. */
async function tellArrived(
  session: SessionContext,
  selected: Selected,
  { output, items }: { output: Output; items: readonly FetchItem[] },
): Promise<void> {
  const from = selected.takeArrived()
  if (from === null || items.length === 0) return
  const view = await selected.load()
  const indexes: number[] = []
  for (let index = view.length - 1; index >= 0 && view.uid(index) >= from; index--) {
    const uid = view.uid(index)
    if (session.watch?.takeOwnMessage(selected, uid) !== true && !view.isGone(uid)) indexes.push(index + 1)
  }
  if (indexes.length === 0) return
  const set = rangesOf(indexes.reverse())
  const request: RequestOf<'FETCH'> = {
    ...{ name: 'FETCH', uid: false, set, items: itemsIn(session, items) },
    ...{ changedSince: null, vanished: false, partial: null },
  }
  await fetch({ session, output, tag: '' }, selected, request)
}

/** RFC 7162 §3.1: a FETCH response that no command asked for has the mod-sequence; §3.2.4: and the UID. */
function itemsIn({ modes }: SessionContext, items: readonly FetchItem[]): readonly FetchItem[] {
  if (!modes.condstore) return items
  const has = (name: FetchItem['name']): boolean => items.some((item) => item.name === name)
  return [
    ...(has('UID') || modes.uidOnly ? [] : [{ name: 'UID' as const }]),
    ...items,
    ...(has('MODSEQ') ? [] : [{ name: 'MODSEQ' as const }]),
  ]
}

/** What a command changed that is told by name, so that it is not told to who did it. */
export function ownNames(request: ImapRequest): OwnName[] {
  switch (request.name) {
    case 'CREATE':
    case 'DELETE':
      return mailboxNames(request.mailbox)
    case 'RENAME':
      return mailboxNames(request.to.mailbox)
    case 'SUBSCRIBE':
    case 'UNSUBSCRIBE':
      return [{ of: 'subscription', name: request.mailbox }]
    case 'SETMETADATA':
      return request.changes.map(({ name }) => ({ of: 'entry', mailbox: request.mailbox, name }))
    default:
      return []
  }
}

function mailboxNames(name: string): OwnName[] {
  return [name, ...superiors(name)].map((each) => ({ of: 'mailbox', name: each }))
}
