// SEARCH (RFC 3501 §6.4.4): from what the view knows to what the message's octets say, reading no more than the answer needs.
import { decodeStructure } from '../../../mail/mime/codec.ts'
import { accountOf, no, ok } from '../context.ts'
import { judge, tryReadySearch } from './search-key.ts'
import { judgeContent } from './search-content.ts'
import { MessageBytes } from '../messages/message-bytes.ts'
import { Pace } from '../pace.ts'
import { rangesOf } from '../messages/numbers.ts'
import type { CommandRun, Done } from '../context.ts'
import type { Facts, ReadySearch } from './search-key.ts'
import type { Message, MessageText } from '../../../store/model.ts'
import type { RequestOf } from '../../proto/commands/command.ts'
import type { Selected } from '../messages/selected.ts'
import type { View } from '../messages/view.ts'

export async function search(
  run: CommandRun,
  selected: Selected,
  request: RequestOf<'SEARCH'>,
): Promise<Done> {
  const view = await selected.load()
  const ready = tryReadySearch(request.program, selected)
  if (ready === undefined) return no('BADCHARSET (UTF-8 US-ASCII ISO-8859-1)', 'The charset is not known')
  const { matches, open } = await judgeFromView(run, ready, view)
  if (open.length > 0) {
    matches.push(...(await judgeFromStore(run, selected, { ready, open })))
    matches.sort((a, b) => a - b)
  }
  await tellMatches(
    run,
    matches.map((index) => (request.uid ? view.uid(index) : index + 1)),
  )
  return ok('SEARCH completed')
}

/** `"SEARCH" *(SP nz-number)` */
async function tellMatches({ output }: CommandRun, numbers: readonly number[]): Promise<void> {
  await output.text('* SEARCH')
  for (let at = 0; at < numbers.length; at += 1_000)
    await output.text(` ${numbers.slice(at, at + 1_000).join(' ')}`)
  await output.text('\r\n')
  await output.end()
}

/** Indexes that match, and those that need the store. Expunged messages match nothing. */
async function judgeFromView(
  run: CommandRun,
  ready: ReadySearch,
  view: View,
): Promise<{ matches: number[]; open: number[] }> {
  const pace = new Pace()
  const matches: number[] = []
  const open: number[] = []
  const found = new Map<never, never>()
  for (let index = 0; index < view.length; index++) {
    if (view.anyGone && view.isGone(view.uid(index))) continue
    const verdict = judge(ready.criteria, { view, index, row: null, envelope: null, found })
    if (verdict === true) matches.push(index)
    else if (verdict === null) open.push(index)
    const others = pace.spend(ready.keys)
    if (others === undefined) continue
    await others
    if (run.output.gone) break
  }
  return { matches, open }
}

async function judgeFromStore(
  run: CommandRun,
  selected: Selected,
  request: { ready: ReadySearch; open: readonly number[] },
): Promise<number[]> {
  const { ready, open } = request
  const { view } = selected
  const { store } = run.session.parts
  const pace = new Pace()
  const matches: number[] = []
  const wanted = new Set(open)
  const reading = {
    account: selected.account,
    mailbox: selected.mailbox,
    uids: view.selection(rangesOf(open)),
  }
  const batches: AsyncIterable<Message[] | MessageText[]> =
    ready.needs === 'row' ? store.messages(reading) : store.messageTexts(reading)
  for await (const batch of batches) {
    for (const message of batch) {
      const index = view.indexOf(message.uid)
      if (index === -1 || !wanted.has(index)) continue
      const verdict = judgeMessage(run, ready, { view, index, message })
      if (typeof verdict === 'boolean' ? verdict : await verdict) matches.push(index)
      const others = pace.spend(ready.keys)
      if (others !== undefined) await others
    }
    if (run.output.gone) return matches
  }
  return matches
}

/** Synchronous where the row and the structure decide. */
function judgeMessage(
  run: CommandRun,
  ready: ReadySearch,
  of: { view: View; index: number; message: Message | MessageText },
): boolean | Promise<boolean> {
  const { view, index, message } = of
  if (!('structure' in message)) {
    return judge(ready.criteria, { view, index, row: message, envelope: null, found: new Map() }) ?? false
  }
  const structure = decodeStructure(message.structure)
  const facts: Facts = { view, index, row: message, envelope: structure.envelope, found: new Map() }
  const verdict = judge(ready.criteria, facts)
  if (verdict !== null) return verdict
  const { store, config } = run.session.parts
  const bytes = new MessageBytes(store.blobs, message, structure)
  return judgeContent(ready, facts, { bytes, budget: config })
}
