// AUTH (RFC 4954 §4), client side: which mechanism, and the dialogue that carries it.
//
// One mechanism is tried, the strongest that the server offers and the identity fits. Nothing that gives the secret away crosses a
// connection without TLS unless the caller says so. A server that says 235 before it has proven itself (SCRAM) is an impostor's.
import { encodeBase64, tryDecodeBase64 } from '../../sasl/base64.ts'
import type { SaslClientExchange } from '../../sasl/mechanism.ts'
import type { Channel } from './channel.ts'
import type { AuthenticateOptions, AuthenticateResult } from './client.ts'
import { type ChosenMechanism, chooseMechanism } from './mechanisms.ts'
import { isIntermediate, isPositive, type ServerReply } from './reply.ts'
import type { Heard } from './wire.ts'

/** RFC 4954 §4: an initial response goes with the command where the line stays within 512 octets. */
const longestCommand = 510
/** Challenges in one exchange; none of the mechanisms needs half as many. */
const mostChallenges = 10

export function authenticate(channel: Channel, options: AuthenticateOptions): Promise<AuthenticateResult> {
  const { capabilities, wire } = channel
  if (wire.ending !== null) return Promise.resolve({ type: 'ended', ending: wire.ending })
  const chosen = chooseMechanism({ options, offered: capabilities.auth, tls: wire.tls })
  if (chosen === undefined) return Promise.resolve({ type: 'no-mechanism', offered: capabilities.auth })
  return channel.exclusive(() => new Authentication(channel, chosen).run())
}

class Authentication {
  readonly #channel: Channel
  readonly #mechanism: string
  readonly #exchange: SaslClientExchange

  constructor(channel: Channel, chosen: ChosenMechanism) {
    this.#channel = channel
    this.#mechanism = chosen.name
    this.#exchange = chosen.exchange
  }

  async run(): Promise<AuthenticateResult> {
    let heard = await this.#begin()
    for (let challenges = 0; heard.type === 'reply' && isIntermediate(heard); challenges++) {
      const answer = this.#answer(heard)
      if (typeof answer !== 'string') return this.#giveUp(answer.problem)
      if (challenges >= mostChallenges) return this.#giveUp('challenges without end')
      heard = await this.#say(answer)
    }
    if (heard.type === 'ended') return heard
    if (!isPositive(heard)) {
      return { type: 'refused', stage: 'auth', mechanism: this.#mechanism, reply: heard }
    }
    if (!this.#exchange.complete) return this.#impostor('success before the server has proven itself')
    return { type: 'done', mechanism: this.#mechanism }
  }

  /** A first response that is held back, since it makes the command too long, is the answer to the first challenge. */
  #held: string | null = null

  #begin(): Promise<Heard> {
    const command = `AUTH ${this.#mechanism}`
    if (!this.#exchange.startsFirst) return this.#say(command, command)
    const first = this.#exchange.respond(null)
    if (first.type === 'failure') return this.#say(command, command)
    // RFC 4954 §4: an empty initial response is "=".
    const initial = first.bytes.length === 0 ? '=' : encodeBase64(first.bytes)
    if (command.length + 1 + initial.length <= longestCommand) {
      return this.#say(`${command} ${initial}`, `${command} (secret)`)
    }
    this.#held = initial
    return this.#say(command, command)
  }

  #answer(reply: ServerReply): string | { readonly problem: string } {
    if (this.#held !== null) {
      const held = this.#held
      this.#held = null
      return held
    }
    const challenge = tryDecodeBase64(reply.texts.at(-1)?.trim() ?? '')
    if (challenge === undefined) return { problem: 'a challenge that is no base64' }
    const response = this.#exchange.respond(challenge)
    return response.type === 'failure' ? { problem: response.reason } : encodeBase64(response.bytes)
  }

  #say(text: string, shown = '(secret)'): Promise<Heard> {
    const { wire, timeouts } = this.#channel
    return wire.askNow({ text, stage: 'auth', timeout: timeouts.authenticate, shown, answer: 'both' })
  }

  /** RFC 4954 §4: `*` cancels; the server answers 501. */
  async #giveUp(problem: string): Promise<AuthenticateResult> {
    const heard = await this.#say('*', '*')
    if (heard.type === 'ended') return heard
    // RFC 5802 §7: the server's "e=" is a refusal in the mechanism's own words.
    if (problem === 'server-refused') {
      return { type: 'refused', stage: 'auth', mechanism: this.#mechanism, reply: heard }
    }
    return this.#impostor(problem)
  }

  #impostor(problem: string): AuthenticateResult {
    this.#channel.wire.nonsense('auth', problem)
    return { type: 'not-authentic', mechanism: this.#mechanism, problem }
  }
}
