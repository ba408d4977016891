// FETCH (RFC 3501 §6.4.5, RFC 9051 §6.4.5): data items of many messages, streamed.
//
// What the view knows (UID, FLAGS) is answered without the store; sizes and dates need rows; envelopes the kept structure; all else the
// message's text. One message's text is held at a time, large ones not even that.
//
// RFC 2180 §4.1.2: of messages that were expunged elsewhere what the view knows is still told; where their text was asked for,
// nothing of them is told and the command is answered NO, which makes clients ask what changed.
import { allows } from '../access.ts'
import { answerLimited } from './message-limit.ts'
import { countOf, each } from './numbers.ts'
import { encodeFetchStart, encodeFlagsItem } from '../../proto/encode/fetch-data.ts'
import { keywordNews } from './fetching.ts'
import { itemsOf, messagesOf, sourceOf } from './fetch-plan.ts'
import { no, ok } from '../context.ts'
import { Progress } from '../progress.ts'
import { structureItem, tellText } from './fetch-text.ts'
import { rowItem } from './fetch-row.ts'
import { tellKeywords } from '../permanent-flags.ts'
import { systemFlag } from '../../proto/grammar/flags.ts'
import type { CommandRun, Done } from '../context.ts'
import type { FetchItem } from '../../proto/grammar/fetch.ts'
import type { Fetching } from './fetching.ts'
import type { Message, Uid } from '../../../store/model.ts'
import type { Ranges } from '../../proto/grammar/sequence-set.ts'
import type { RequestOf } from '../../proto/commands/command.ts'
import type { Selected } from './selected.ts'

export async function fetch(run: CommandRun, selected: Selected, request: RequestOf<'FETCH'>): Promise<Done> {
  const view = await selected.load()
  await selected.announceModSeq(run.output)
  const found = await messagesOf(run, selected, request)
  if ('refusal' in found) return found.refusal
  const { indexes, lowest } = found
  const items = itemsOf(request, run.session.modes)
  const seen = await markSeen(run, selected, { items, indexes })
  const goal = countOf(indexes)
  const fetching: Fetching = { run, selected, view, items, goal, seen, undecodable: false }
  const told = await tellAll(fetching, indexes)
  await run.output.end()
  // RFC 3516 §4.3: "the server MUST fail the request and issue a NO response that contains the UNKNOWN-CTE extended response code".
  if (fetching.undecodable) return no('UNKNOWN-CTE', 'A part is in an unknown transfer encoding')
  if (told < goal) return no('EXPUNGEISSUED', 'Some of the messages are gone')
  return answerLimited(run, ok('FETCH completed'), lowest)
}

/** How many of them were told. */
function tellAll(fetching: Fetching, indexes: Ranges): Promise<number> {
  switch (sourceOf(fetching.items)) {
    case 'view':
      return fetchFromView(fetching, indexes)
    case 'row':
      return fetchRows(fetching, indexes)
    case 'structure':
      return fetchStructures(fetching, indexes)
    case 'text':
      return fetchTexts(fetching, indexes)
  }
}

/** RFC 3501 §6.4.5: BODY[…] without PEEK sets \Seen; not in a mailbox that was only examined, nor without `s` (RFC 4314 §4). */
async function markSeen(
  run: CommandRun,
  selected: Selected,
  request: { items: readonly FetchItem[]; indexes: Ranges },
): Promise<ReadonlySet<number>> {
  const seen = new Set<number>()
  const { view, account, mailbox } = selected
  const marks = request.items.some(
    (item) => (item.name === 'SECTION' || item.name === 'BINARY') && !item.peek,
  )
  if (!marks || selected.readOnly || !allows(selected, 's')) return seen
  let unseen = false
  for (const index of each(request.indexes)) {
    if ((view.flags(index) & systemFlag.seen) === 0 && !view.isGone(view.uid(index))) unseen = true
  }
  if (!unseen) return seen
  const outcome = await run.session.parts.store.setFlags({
    ...{ account, mailbox, uids: view.selection(request.indexes) },
    ...{ mode: 'add', flags: systemFlag.seen, keywords: [] },
  })
  if (!outcome.ok) return seen
  selected.keepOwnFlags(outcome, { told: true })
  for (const uid of outcome.columns.uids) seen.add(uid)
  return seen
}

/** The fast way: a string for each message and nothing else. */
async function fetchFromView({ run, selected, view, items }: Fetching, indexes: Ranges): Promise<number> {
  const { output } = run
  const { modes } = run.session
  const uidFirst = items[0]?.name === 'UID'
  const withFlags = items.some(({ name }) => name === 'FLAGS')
  const withUids = items.some(({ name }) => name === 'UID')
  for (const index of each(indexes)) {
    const uid = view.uid(index)
    let data = withUids ? `UID ${uid}` : ''
    let news = ''
    if (withFlags) {
      const keywords = view.keywords(uid)
      news = tellKeywords(selected, keywords)
      const flags = encodeFlagsItem(view.flags(index), keywords, modes)
      data = !withUids ? flags : uidFirst ? `${data} ${flags}` : `${flags} ${data}`
    }
    const wait = output.text(`${news}${encodeFetchStart({ number: index + 1, uid }, modes)}${data})\r\n`)
    if (wait === undefined) continue
    await wait
    if (output.gone) break
  }
  return countOf(indexes)
}

/** Batches of messages that the store still has; how many of them were told. */
async function eachMessage<Row>(
  fetching: Fetching,
  batches: AsyncIterable<readonly Row[]>,
  of: { uid: (row: Row) => Uid; tell: (row: Row, index: number) => void | Promise<void> },
): Promise<number> {
  const { run, view, goal } = fetching
  const progress = new Progress(run, goal)
  let told = 0
  for await (const batch of batches) {
    for (const row of batch) {
      const index = view.indexOf(of.uid(row))
      // Came after the view's last telling.
      if (index === -1) continue
      const wait = of.tell(row, index)
      if (wait !== undefined) await wait
      told++
      if (run.output.gone) return goal
    }
    const pause = progress.tell(told)
    if (pause !== undefined) await pause
  }
  return told
}

function selection({ selected, view }: Fetching, indexes: Ranges) {
  return { account: selected.account, mailbox: selected.mailbox, uids: view.selection(indexes) }
}

function fetchRows(fetching: Fetching, indexes: Ranges): Promise<number> {
  const { run, items } = fetching
  const { store } = run.session.parts
  return eachMessage<Message>(fetching, store.messages(selection(fetching, indexes)), {
    uid: (message) => message.uid,
    tell(message, index) {
      const start = encodeFetchStart({ number: index + 1, uid: message.uid }, run.session.modes)
      const values = items.map((item) => rowItem(item, { fetching, index, message }))
      return run.output.text(`${keywordNews(fetching, message.uid)}${start}${values.join(' ')})\r\n`)
    },
  })
}

function fetchStructures(fetching: Fetching, indexes: Ranges): Promise<number> {
  const { run, items } = fetching
  const { store } = run.session.parts
  return eachMessage(fetching, store.structures(selection(fetching, indexes)), {
    uid: ([uid]) => uid,
    tell([uid, structure], index) {
      const start = encodeFetchStart({ number: index + 1, uid }, run.session.modes)
      const values = items.map((item) => structureItem(item, { fetching, index, uid, structure }))
      return run.output.text(`${keywordNews(fetching, uid)}${start}${values.join(' ')})\r\n`)
    },
  })
}

function fetchTexts(fetching: Fetching, indexes: Ranges): Promise<number> {
  const { items } = fetching
  const { store } = fetching.run.session.parts
  const data = items.some(({ name }) => name === 'SECTION' || name === 'BINARY' || name === 'BINARY.SIZE')
  return eachMessage(fetching, store.messageTexts({ ...selection(fetching, indexes), data }), {
    uid: (message) => message.uid,
    tell: (message, index) => tellText(fetching, index, message),
  })
}
