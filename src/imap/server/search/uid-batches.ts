// UIDBATCHES (RFC 10022 §3.1): ranges of UIDs that part the mailbox into batches of equal size, the newest messages first.
//
// The ranges follow one another without a gap, and the last one ends with UID 1. `$` is not touched.
import { no, ok } from '../context.ts'
import type { CommandRun, Done } from '../context.ts'
import type { RequestOf } from '../../proto/commands/command.ts'
import type { Selected } from '../messages/selected.ts'

/** RFC 10022 §3.1: smaller batches are refused. */
const smallestBatch = 500
/** Messages that the batches of one command may span; RFC 10022 §3.1 wants 100,000 at least. */
const mostMessages = 1_000_000

export async function uidBatches(
  run: CommandRun,
  selected: Selected,
  { size, range }: RequestOf<'UIDBATCHES'>,
): Promise<Done> {
  if (size < smallestBatch) return no('TOOFEW', `A batch has at least ${smallestBatch} messages`)
  const view = await selected.load()
  const first = range?.first ?? 1
  const last = range?.last ?? Math.ceil(view.length / size)
  if (range !== null && (last - first + 1) * size > mostMessages) {
    return no('TOOMANY', `Ask for batches of at most ${mostMessages} messages together`)
  }
  const ranges: string[] = []
  for (let batch = first; batch <= last && (batch - 1) * size < view.length; batch++) {
    const newest = view.length - 1 - (batch - 1) * size
    const oldest = newest - size + 1
    // A batch begins right below the one before it, so that UIDs without a message belong to one.
    const high = batch === 1 ? view.uid(newest) : view.uid(newest + 1) - 1
    ranges.push(`${high}:${oldest <= 0 ? 1 : view.uid(oldest)}`)
  }
  const list = ranges.length === 0 ? '' : ` ${ranges.join(',')}`
  await run.output.text(`* UIDBATCHES (TAG "${run.tag}")${list}\r\n`)
  await run.output.end()
  return ok('UIDBATCHES completed')
}
