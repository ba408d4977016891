// Fuzz target: an mbox file that anybody may have made. Whatever is in it, the splitter does not throw, tells messages that begin and end
// in turn, each at a From_ line of the file, makes no octets of its own, and does not care where a chunk ends.
import assert from 'node:assert/strict'
import { Buffer } from 'node:buffer'
import { type MboxEvent, type MboxOptions, MboxSplitter } from './splitter.ts'

interface Told {
  readonly offset: number
  readonly fromLine: string
  text: string
}

function split(chunks: readonly Uint8Array[], options: MboxOptions): { told: Told[]; lost: number } {
  const splitter = new MboxSplitter(options)
  const told: Told[] = []
  let isOpen = false
  const take = (events: readonly MboxEvent[]): void => {
    for (const event of events) {
      assert.equal(isOpen, event.type !== 'begin', event.type)
      const last = told.at(-1)
      if (event.type === 'begin') told.push({ offset: event.offset, fromLine: event.fromLine, text: '' })
      else if (event.type === 'data' && last !== undefined)
        last.text += Buffer.from(event.bytes).toString('latin1')
      isOpen = event.type !== 'end'
    }
  }
  for (const chunk of chunks) take(splitter.push(chunk))
  take(splitter.finish())
  assert.equal(isOpen, false, 'the last message ends')
  return { told, lost: splitter.lostOctets }
}

export function target(bytes: Uint8Array): void {
  const cut = (bytes[0] ?? 0) % (bytes.length + 1)
  const file = Buffer.from(bytes).toString('latin1')
  // With little to hold, Content-Length is doubted and given up in all ways.
  for (const options of [{}, { quoting: 'mboxo' }, { quoting: 'none' }, { held: 40 }] as const) {
    const whole = split([bytes], options)
    let last = -1
    let octets = whole.lost
    for (const { offset, fromLine, text } of whole.told) {
      assert.ok(offset > last && file.startsWith(fromLine, offset) && fromLine.startsWith('From '))
      last = offset
      octets += fromLine.length + text.length
    }
    assert.ok(octets <= bytes.length, 'no octets but those of the file')
    if (whole.told.length === 0) assert.equal(whole.lost, bytes.length)
    assert.deepEqual(split([bytes.subarray(0, cut), bytes.subarray(cut)], options), whole)
  }
}

const from = 'From a@b.test Sat Nov 21 10:05:09 2026\n'

export const seeds: readonly string[] = [
  `${from}Subject: x\n\nhello\n\n${from}Subject: y\n\n>From me\n>>From you\n\n`,
  `${from}Content-Length: 8\n\nFrom x\n\n\n${from}a: b\n\nc`,
  `lost\n${from.replace('\n', '\r\n')}Content-Length: 60\r\nStatus: RO\r\n\r\n${from}\r\n\r\n${from}x: y\r\n\r\n`,
]

export const dictionary: readonly string[] = [
  from,
  `\n${from}`,
  'Content-Length: 9\n',
  'Content-Length: 40\n',
  '\n\n',
  '\r\n\r\n',
  '>From ',
  'From ',
  '\n',
]
