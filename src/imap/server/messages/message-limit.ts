// How many messages one command works on (RFC 9738): with `imap.messageLimit` set, the ones with the highest UIDs, and the client is told
// where to go on. RFC 9738 §3.1: COPY does all or nothing, EXPUNGE and CLOSE are never cut short; §3.3: nor are SORT and THREAD.
import { countOf } from './numbers.ts'
import { no } from '../context.ts'
import type { CommandRun, Done, ImapParts } from '../context.ts'
import type { Ranges } from '../../proto/grammar/sequence-set.ts'
import type { View } from './view.ts'

/** The messages that a command may work on, of those that it named. */
export interface Limited {
  readonly indexes: Ranges
  /** The lowest UID that is worked on, where some are left out. */
  readonly lowest: number | null
}

/** The highest `imap.messageLimit` of them; all where there is no limit. */
export function limitMessages(run: CommandRun, view: View, indexes: Ranges): Limited {
  const most = run.session.parts.config.messageLimit
  if (most === 0 || countOf(indexes) <= most) return { indexes, lowest: null }
  const kept = lastOf(indexes, most)
  return { indexes: kept, lowest: view.uid(kept[0]?.[0] ?? 0) }
}

/** The last `count` indexes of ranges. */
export function lastOf(indexes: Ranges, count: number): Ranges {
  const kept: (readonly [number, number])[] = []
  let left = count
  for (const [first, last] of indexes.toReversed()) {
    if (left === 0) break
    const from = Math.max(first, last - left + 1)
    kept.push([from, last])
    left -= last - from + 1
  }
  return kept.reverse()
}

/** The answer with `MESSAGELIMIT` (RFC 9738 §3.1), beside the code that it has already, where some were left out. */
export async function answerLimited(run: CommandRun, done: Done, lowest: number | null): Promise<Done> {
  if (lowest === null) return done
  const code = `MESSAGELIMIT ${run.session.parts.config.messageLimit} ${lowest}`
  if (done.code === undefined && done.status === 'OK') return { ...done, code, text: `${done.text} in part` }
  await run.output.text(`* NO [${code}] Not all of the messages were looked at\r\n`)
  await run.output.end()
  return done
}

/** RFC 9738 §3.3: SORT and THREAD of a part of the messages would say something else than of all: they are not done. */
export function refuseLimited({ session }: CommandRun): Done {
  return no(`MESSAGELIMIT ${session.parts.config.messageLimit}`, 'Too many messages at once, name fewer')
}

/** What a command that does all or nothing answers to too many messages; undefined where it may go on. */
export function tooMany({ config }: Pick<ImapParts, 'config'>, messages: number): Done | undefined {
  const { messageLimit, saveLimit } = config
  const most = messageLimit === 0 ? saveLimit : messageLimit
  if (most === 0 || messages <= most) return undefined
  return no(`MESSAGELIMIT ${most}`, 'Too many messages at once, try fewer')
}
