// Fuzz target: what a milter may send. Whatever comes, frames and replies are read or refused as `MilterProtocolError`, and it does
// not matter where a chunk ends.
import assert from 'node:assert/strict'
import { Buffer } from 'node:buffer'
import { encodeAgreement } from './negotiation.ts'
import { encodeFrame, FrameReader, MilterProtocolError } from './frames.ts'
import { parseReply } from './replies.ts'

function read(chunks: readonly Uint8Array[]): string[] {
  const reader = new FrameReader(4096)
  const seen: string[] = []
  try {
    for (const chunk of chunks) {
      for (const frame of reader.read(chunk)) seen.push(JSON.stringify(parseReply(frame)))
    }
  } catch (error) {
    if (!(error instanceof MilterProtocolError)) throw error
    seen.push('refused')
  }
  return seen
}

export function target(bytes: Uint8Array): void {
  const whole = read([bytes])
  const single = read(Array.from(bytes, (octet) => Uint8Array.of(octet)))
  // A frame that is refused hides those before it in the same chunk from neither feed.
  assert.equal(single.at(-1), whole.at(-1))
}

const macros = new Map([['mail', ['i', '{auth_type}']]] as const)

export const seeds: readonly Uint8Array[] = [
  encodeFrame('O', encodeAgreement({ version: 6, actions: 31, steps: 0, macros })),
  encodeFrame('y', Buffer.from('550-5.7.1 a\r\n550 5.7.1 b\0')),
  encodeFrame('h', Buffer.from('X\0y\0')),
  encodeFrame('m', Buffer.from('\0\0\0\x01X\0y\0')),
  encodeFrame('c', new Uint8Array(0)),
]
