// The smallest protocol with everything in it, for tests of what carries cores: questions, TLS, time-outs,
// farewells.
import { Buffer } from 'node:buffer'
import type { Core, Output, TlsState } from '../../src/base/core.ts'

/** `quit` closes, `tls` starts TLS, `turn` hands over, `deadline 5|none` sets one, `bug` throws; any other line is asked of the handler. */
export class EchoCore implements Core<string, string> {
  #buffer = ''
  #asking = false
  #stopping = false

  open(tls: TlsState | null): Output<string>[] {
    return [
      { type: 'write', bytes: tls === null ? 'hello\r\n' : 'hello secure\r\n' },
      { type: 'time-out', milliseconds: 60_000 },
    ]
  }

  receive(bytes: Uint8Array): Output<string>[] {
    this.#buffer += Buffer.from(bytes).toString('latin1')
    return this.#work()
  }

  answer(answer: string): Output<string>[] {
    this.#asking = false
    return [{ type: 'write', bytes: `${answer}\r\n` }, ...this.#work()]
  }

  secured(_tls: TlsState): Output<string>[] {
    return [{ type: 'write', bytes: 'secured\r\n' }]
  }

  expire(): Output<string>[] {
    return this.#farewell('too slow')
  }

  ended(): Output<string>[] {
    return this.#farewell('you left')
  }

  shutdown(): Output<string>[] {
    this.#stopping = true
    return this.#buffer === '' ? this.#farewell('stopping') : []
  }

  #work(): Output<string>[] {
    if (this.#asking) throw new Error('the core was fed while asking')
    const at = this.#buffer.indexOf('\r\n')
    if (at < 0) return []
    const line = this.#buffer.slice(0, at)
    this.#buffer = this.#buffer.slice(at + 2)
    if (line === 'quit') return this.#farewell('bye')
    if (line === 'bug') throw new Error('a bug in the core')
    if (line.startsWith('deadline ')) {
      const milliseconds = line === 'deadline none' ? null : Number(line.slice(9))
      return [{ type: 'deadline', milliseconds }, { type: 'write', bytes: 'ok\r\n' }, ...this.#work()]
    }
    if (line === 'tls') {
      return this.#buffer === ''
        ? [{ type: 'write', bytes: 'go\r\n' }, { type: 'start-tls' }]
        : this.#farewell('injected')
    }
    if (line === 'turn') return [{ type: 'write', bytes: 'your turn\r\n' }, { type: 'hand-over' }]
    this.#asking = true
    return [{ type: 'ask', question: line }]
  }

  #farewell(text: string): Output<string>[] {
    return [{ type: 'write', bytes: `${text}${this.#stopping ? ' (stopping)' : ''}\r\n` }, { type: 'close' }]
  }
}
