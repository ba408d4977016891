// What a mail server tells a milter: the data of each command frame (`SMFIC_…`).
//
// All texts are binary strings (`fields.ts`). Addresses stand in angle brackets, header lines end with LF alone inside a value, and a
// macro's name of more than one character in braces: so libmilter has it.
import { Buffer } from 'node:buffer'
import { encodeFrame } from './frames.ts'
import { text } from './fields.ts'
import { encodeOffer } from './negotiation.ts'

export type MilterCommand =
  | { readonly type: 'negotiate' }
  /** Macros for the command that follows. */
  | {
      readonly type: 'macros'
      readonly for: CommandName
      readonly values: readonly (readonly [name: string, value: string])[]
    }
  | { readonly type: 'connect'; readonly hostname: string; readonly address: string; readonly port: number }
  | { readonly type: 'helo'; readonly name: string }
  | { readonly type: 'mail'; readonly path: string; readonly parameters: readonly string[] }
  | { readonly type: 'rcpt'; readonly path: string; readonly parameters: readonly string[] }
  | { readonly type: 'data' }
  | { readonly type: 'header'; readonly name: string; readonly value: string }
  | { readonly type: 'end-of-headers' }
  /** At most `chunkOctets`. */
  | { readonly type: 'body'; readonly bytes: Uint8Array }
  | { readonly type: 'end-of-message' }
  /** The transaction is over. */
  | { readonly type: 'abort' }
  | { readonly type: 'quit' }

export type CommandName = Exclude<MilterCommand['type'], 'macros' | 'negotiate' | 'abort' | 'quit'>

/** The letter of each command. */
export const commandLetters = {
  negotiate: 'O',
  macros: 'D',
  connect: 'C',
  helo: 'H',
  mail: 'M',
  rcpt: 'R',
  data: 'T',
  header: 'L',
  'end-of-headers': 'N',
  body: 'B',
  'end-of-message': 'E',
  abort: 'A',
  quit: 'Q',
} as const satisfies Record<MilterCommand['type'], string>

const nothing = new Uint8Array(0)

/** The frame of a command. */
export function encodeCommand(command: MilterCommand): Uint8Array {
  return encodeFrame(commandLetters[command.type], dataOf(command))
}

function dataOf(command: MilterCommand): Uint8Array {
  switch (command.type) {
    case 'negotiate':
      return encodeOffer()
    case 'macros':
      return Buffer.concat([
        Buffer.from(commandLetters[command.for], 'latin1'),
        ...command.values.flatMap(([name, value]) => [text(name), text(value)]),
      ])
    case 'connect':
      return connectData(command)
    case 'helo':
      return text(command.name)
    case 'mail':
    case 'rcpt':
      return Buffer.concat([text(command.path), ...command.parameters.map(text)])
    case 'header':
      return Buffer.concat([text(command.name), text(command.value)])
    case 'body':
      return command.bytes
    case 'data':
    case 'end-of-headers':
    case 'end-of-message':
    case 'abort':
    case 'quit':
      return nothing
  }
}

/** Family `4` or `6`; an IPv6 address without the tag that SMTP gives it. */
function connectData({
  hostname,
  address,
  port,
}: {
  hostname: string
  address: string
  port: number
}): Uint8Array {
  const family = address.includes(':') ? '6' : '4'
  return Buffer.concat([
    text(hostname),
    Buffer.from(family, 'latin1'),
    Uint8Array.of(port >> 8, port & 0xff),
    text(address),
  ])
}
