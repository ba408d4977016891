// What a session says and wants done, gathered until the pump takes it.
import { encodeCondition } from './encode/responses.ts'
import type { ImapQuestion } from './commands/command.ts'
import type { Output } from '../../base/core.ts'
import type { Status } from './encode/responses.ts'

export type ImapOutput = Output<ImapQuestion>

export class Voice {
  #out: ImapOutput[] = []

  /** All since the last time. */
  take(): ImapOutput[] {
    const out = this.#out
    this.#out = []
    return out
  }

  push(output: ImapOutput): void {
    this.#out.push(output)
  }

  write(text: string): void {
    this.#out.push({ type: 'write', bytes: text })
  }

  tagged(tag: string, status: Status, options: { code?: string | null | undefined; text: string }): void {
    this.write(`${tag} ${encodeCondition(status, options.code ?? null, options.text)}`)
  }

  continuation(text: string): void {
    this.write(`+ ${text}\r\n`)
  }
}
