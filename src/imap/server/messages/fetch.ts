// FETCH (RFC 3501 §6.4.5): data items of many messages, streamed.
//
// What the view knows (UID, FLAGS) is answered without the store; sizes and dates need rows; all else the message's text and
// structure. One message's text is held at a time, large ones not even that.
//
// RFC 2180 §4.1.2: of messages that were expunged elsewhere what the view knows is still told; where their text was asked for,
// nothing of them is told and the command is answered NO, which makes clients ask what changed.
import { decodeStructure } from '../../../mail/mime/codec.ts'
import { encodeBody } from '../../proto/encode/body-structure.ts'
import { encodeEnvelope } from '../../proto/encode/envelope.ts'
import { encodeFlags } from '../../proto/encode/flags.ts'
import { encodeItemName } from '../../proto/encode/responses.ts'
import { formatDateTime } from '../../proto/grammar/date.ts'
import { systemFlag } from '../../proto/grammar/flags.ts'
import { accountOf, bad, no, ok } from '../context.ts'
import { LiteralBroken, MessageBytes, sizeOf } from './message-bytes.ts'
import { countOf, each, tryIndexes } from './numbers.ts'
import { sectionPieces } from './fetch-section.ts'
import type { CommandRun, Done } from '../context.ts'
import type { FetchItem } from '../../proto/grammar/fetch.ts'
import type { Message, MessageText } from '../../../store/model.ts'
import type { Ranges } from '../../proto/grammar/sequence-set.ts'
import type { RequestOf } from '../../proto/commands/command.ts'
import type { Selected } from './selected.ts'
import type { View } from './view.ts'

/** What an item needs. */
type Source = 'view' | 'row' | 'text'

const sources: Record<FetchItem['name'], Source> = {
  UID: 'view',
  FLAGS: 'view',
  INTERNALDATE: 'row',
  'RFC822.SIZE': 'row',
  ENVELOPE: 'text',
  BODY: 'text',
  BODYSTRUCTURE: 'text',
  SECTION: 'text',
}

/** One FETCH at work. */
interface Fetching {
  readonly run: CommandRun
  readonly selected: Selected
  readonly view: View
  readonly items: readonly FetchItem[]
  /** Messages that become \Seen by this command: their flags are told. */
  readonly seen: ReadonlySet<number>
}

export async function fetch(run: CommandRun, selected: Selected, request: RequestOf<'FETCH'>): Promise<Done> {
  const view = await selected.load()
  const indexes = tryIndexes(selected, request.set, request.uid)
  if (indexes === undefined) return bad('There is no message with that number')
  const items = withUid(request)
  const seen = await markSeen(run, selected, { items, indexes })
  const fetching: Fetching = { run, selected, view, items, seen }
  const source = mostOf(items)
  const told =
    source === 'view'
      ? await fetchFromView(fetching, indexes)
      : await fetchFromStore(fetching, indexes, source)
  await run.output.end()
  if (told < countOf(indexes)) return no('EXPUNGEISSUED', 'Some of the messages are gone')
  return ok('FETCH completed')
}

/** RFC 3501 §6.4.8: the UID is part of every answer to UID FETCH. */
function withUid({ uid, items }: RequestOf<'FETCH'>): FetchItem[] {
  const named = new Map(items.map((item) => [item.name === 'SECTION' ? Symbol(item.name) : item.name, item]))
  if (!uid || named.has('UID')) return [...named.values()]
  return [{ name: 'UID' }, ...named.values()]
}

function mostOf(items: readonly FetchItem[]): Source {
  const needed = new Set(items.map(({ name }) => sources[name]))
  if (needed.has('text')) return 'text'
  return needed.has('row') ? 'row' : 'view'
}

/** RFC 3501 §6.4.5: BODY[…] without PEEK sets \Seen; not in a mailbox that was only examined. */
async function markSeen(
  run: CommandRun,
  selected: Selected,
  request: { items: readonly FetchItem[]; indexes: Ranges },
): Promise<ReadonlySet<number>> {
  const seen = new Set<number>()
  const { view } = selected
  if (selected.readOnly || !request.items.some((item) => item.name === 'SECTION' && !item.peek)) return seen
  let unseen = false
  for (const index of each(request.indexes)) {
    if ((view.flags(index) & systemFlag.seen) === 0 && !view.isGone(view.uid(index))) unseen = true
  }
  if (!unseen) return seen
  const outcome = await run.session.parts.store.setFlags({
    account: selected.account,
    mailbox: selected.mailbox,
    uids: view.selection(request.indexes),
    mode: 'add',
    flags: systemFlag.seen,
    keywords: [],
  })
  if (!outcome.ok) return seen
  for (const change of outcome.changed) {
    view.setFlags({ ...change, told: true })
    seen.add(change.uid)
  }
  return seen
}

/** The fast way: a string for each message and nothing else. */
async function fetchFromView({ run, view, items }: Fetching, indexes: Ranges): Promise<number> {
  const { output } = run
  const uidFirst = items[0]?.name === 'UID'
  const withFlags = items.some(({ name }) => name === 'FLAGS')
  const withUids = items.some(({ name }) => name === 'UID')
  for (const index of each(indexes)) {
    const uid = view.uid(index)
    const flags = withFlags ? `FLAGS (${encodeFlags(view.flags(index), view.keywords(uid))})` : ''
    const uidText = withUids ? `UID ${uid}` : ''
    const space = withFlags && withUids ? ' ' : ''
    const data = uidFirst ? uidText + space + flags : flags + space + uidText
    const wait = output.text(`* ${index + 1} FETCH (${data})\r\n`)
    if (wait === undefined) continue
    await wait
    if (output.gone) break
  }
  return countOf(indexes)
}

/** Messages that the store still has; how many of them were told. */
async function fetchFromStore(fetching: Fetching, indexes: Ranges, source: 'row' | 'text'): Promise<number> {
  const { run, selected, view } = fetching
  const { store } = run.session.parts
  const uids = view.selection(indexes)
  const request = { account: selected.account, mailbox: selected.mailbox, uids }
  let told = 0
  const batches: AsyncIterable<Message[] | MessageText[]> =
    source === 'row' ? store.messages(request) : store.messageTexts(request)
  for await (const batch of batches) {
    for (const message of batch) {
      const index = view.indexOf(message.uid)
      // Came after the view's last telling.
      if (index === -1) continue
      const wait = tellMessage(fetching, index, message)
      if (wait !== undefined) await wait
      told++
      if (run.output.gone) return countOf(indexes)
    }
  }
  return told
}

/** `* n FETCH (…)`. Synchronous where the message's text is not wanted. */
function tellMessage(
  fetching: Fetching,
  index: number,
  message: Message | MessageText,
): void | Promise<void> {
  const { run, view, items } = fetching
  if ('structure' in message) return tellText(fetching, index, message)
  const values = items.map((item) => rowItem(item, { view, index, message }))
  return run.output.text(`* ${index + 1} FETCH (${values.join(' ')})\r\n`)
}

function rowItem(item: FetchItem, of: { view: View; index: number; message: Message }): string {
  const { view, index, message } = of
  switch (item.name) {
    case 'UID':
      return `UID ${message.uid}`
    case 'FLAGS':
      return `FLAGS (${encodeFlags(view.flags(index), view.keywords(message.uid))})`
    case 'INTERNALDATE':
      return `INTERNALDATE "${formatDateTime(message.internalDate)}"`
    case 'RFC822.SIZE':
      return `RFC822.SIZE ${message.size}`
    default:
      throw new Error(`${item.name} needs the message's text`)
  }
}

async function tellText(fetching: Fetching, index: number, message: MessageText): Promise<void> {
  const { run, view, items, seen } = fetching
  const { output } = run
  const bytes = new MessageBytes(run.session.parts.store.blobs, message, decodeStructure(message.structure))
  let separator = `* ${index + 1} FETCH (`
  for (const item of items) {
    await output.text(separator)
    separator = ' '
    if (item.name === 'SECTION') await tellSection(fetching, bytes, item)
    else await output.text(textItem(item, { view, index, message, bytes }))
  }
  const flagsTold = items.some(({ name }) => name === 'FLAGS')
  const flags =
    seen.has(message.uid) && !flagsTold ? ` ${rowItem({ name: 'FLAGS' }, { view, index, message })}` : ''
  await output.text(`${flags})\r\n`)
}

function textItem(
  item: Exclude<FetchItem, { name: 'SECTION' }>,
  of: { view: View; index: number; message: Message; bytes: MessageBytes },
): string {
  const { structure } = of.bytes
  if (item.name === 'ENVELOPE') return `ENVELOPE ${encodeEnvelope(structure.envelope)}`
  if (item.name === 'BODY') return `BODY ${encodeBody(structure.root, 'body')}`
  if (item.name === 'BODYSTRUCTURE') return `BODYSTRUCTURE ${encodeBody(structure.root, 'bodystructure')}`
  return rowItem(item, of)
}

/** A literal whose count is known before its first octet; a blob that ends early throws, and the session ends. */
async function tellSection(
  { run }: Fetching,
  bytes: MessageBytes,
  item: Extract<FetchItem, { name: 'SECTION' }>,
): Promise<void> {
  const { output } = run
  const pieces = await sectionPieces(bytes, item, run.session.parts.config.headerText)
  if (pieces === undefined) return output.text(`${encodeItemName(item)} NIL`)
  await output.text(`${encodeItemName(item)} {${sizeOf(pieces)}}\r\n`)
  try {
    for (const piece of pieces) {
      for await (const chunk of bytes.read(piece)) {
        await output.bytes(chunk)
        if (output.gone) return
      }
    }
  } catch (error) {
    throw new LiteralBroken('the octets of a literal could not be read', { cause: error })
  }
}
