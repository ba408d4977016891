// The messages of an mbox file, in order, each with its octets as a stream. A message that nobody reads is passed over.
import type { MboxOptions } from '../mail/mbox/splitter.ts'
import { type MboxEvent, MboxSplitter } from '../mail/mbox/splitter.ts'

export interface MboxMessage {
  /** From 1. */
  readonly number: number
  readonly offset: number
  readonly fromLine: string
  /** Read at most once, and before the next message is asked for. */
  readonly content: AsyncIterable<Uint8Array>
}

export async function* mboxMessages(
  file: AsyncIterable<Uint8Array>,
  options: MboxOptions = {},
): AsyncGenerator<MboxMessage> {
  const events = eventsOf(file, new MboxSplitter(options))
  let number = 0
  try {
    for (;;) {
      const next = await events.next()
      if (next.done === true) return
      if (next.value.type !== 'begin') continue
      const content = contentOf(events)
      yield { number: ++number, offset: next.value.offset, fromLine: next.value.fromLine, content }
      // Whatever the reader left of it.
      for await (const _ of content) continue
    }
  } finally {
    await events.return(undefined)
  }
}

async function* eventsOf(
  file: AsyncIterable<Uint8Array>,
  splitter: MboxSplitter,
): AsyncGenerator<MboxEvent, undefined> {
  for await (const chunk of file) yield* gathered(splitter.push(chunk))
  yield* gathered(splitter.finish())
  return undefined
}

/** Lines of one message joined, so that nobody handles them one by one. */
function* gathered(events: readonly MboxEvent[]): Generator<MboxEvent> {
  let lines: Uint8Array[] = []
  for (const event of events) {
    if (event.type === 'data') {
      lines.push(event.bytes)
      continue
    }
    if (lines.length > 0) yield { type: 'data', bytes: Buffer.concat(lines) }
    lines = []
    yield event
  }
  if (lines.length > 0) yield { type: 'data', bytes: Buffer.concat(lines) }
}

/** Up to the end of the message. Goes on where it was left: its state is that of `events`. */
function contentOf(events: AsyncGenerator<MboxEvent, undefined>): AsyncIterable<Uint8Array> {
  let isOver = false
  const iterator: AsyncIterator<Uint8Array> = {
    async next() {
      if (isOver) return { done: true, value: undefined }
      const next = await events.next()
      if (next.done !== true && next.value.type === 'data') return { done: false, value: next.value.bytes }
      isOver = true
      return { done: true, value: undefined }
    },
  }
  return { [Symbol.asyncIterator]: () => iterator }
}
