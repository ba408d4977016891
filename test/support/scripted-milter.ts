// A milter that does as it is told: it negotiates, keeps what it hears as short lines, and answers each command by a function.
import { Buffer } from 'node:buffer'
import type { Connection } from '../../src/base/connection.ts'
import { FrameReader } from '../../src/milter/proto/frames.ts'
import { actionBits, type Negotiated } from '../../src/milter/proto/negotiation.ts'
import { encodeReply, type MilterReply } from '../../src/milter/proto/replies.ts'
import type { Network } from '../../src/net/network.ts'

export interface MilterScript {
  readonly agreement?: Partial<Negotiated>
  /** By letter of the command (`M`, `R`, `E`, …); the default continues. `null` says nothing. */
  readonly answer?: (letter: string, data: string) => MilterReply | readonly MilterReply[] | null | undefined
}

export interface ScriptedMilter {
  /** One line a command: its letter and its data, NUL as `|`. Macros stand before their command. */
  readonly heard: string[]
  /** Connections that were opened. */
  readonly opened: Connection[]
  readonly port: number
}

/** Commands that no reply follows: macros, abort, quit. */
const silent = 'DAQ'

export async function startScriptedMilter(
  network: Network,
  script: MilterScript = {},
): Promise<ScriptedMilter> {
  const heard: string[] = []
  const opened: Connection[] = []
  const all = Object.values(actionBits).reduce((sum, bit) => sum | bit, 0)
  const agreement = { version: 6, actions: all, steps: 0, macros: new Map(), ...script.agreement }
  const say = (connection: Connection, replies: readonly MilterReply[]): void => {
    for (const reply of replies) connection.write(encodeReply(reply))
  }
  const { port } = await network.listen({ address: '127.0.0.1', port: 0, identity: null }, (connection) => {
    const reader = new FrameReader()
    opened.push(connection)
    connection.onEnd = () => connection.end()
    connection.onData = (bytes) => {
      for (const { letter, data } of reader.read(bytes)) {
        const text = Buffer.from(data).toString('latin1').replaceAll('\0', '|')
        if (letter === 'O') {
          say(connection, [{ type: 'negotiated', agreement }])
          continue
        }
        heard.push(`${letter}${text}`)
        if (silent.includes(letter)) continue
        const answer = script.answer?.(letter, text)
        if (answer === null) continue
        say(connection, answer === undefined ? [{ type: 'continue' }] : [answer].flat())
      }
    }
    connection.resume()
  })
  return { heard, opened, port }
}
