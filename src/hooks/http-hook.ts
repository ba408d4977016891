// Asks an HTTP service for decisions: the session, the envelope and the message as JSON, by POST, signed; the decision as JSON back
// (docs/hooks.md has both). 204, or an empty body, accepts; every status but 200 and 204 is a failure.
//
// The questions of one session are independent: the service keeps no conversation, and each question holds all that is known.
import { Buffer } from 'node:buffer'
import type { Clock } from '../base/clock.ts'
import type { Random } from '../base/random.ts'
import type {
  HookConnection,
  HookDelivered,
  HookHello,
  HookMail,
  HookMessage,
  HookRcpt,
  HookRecipient,
} from '../config/hooks.ts'
import type { HttpHookConfig } from '../config/sections/hooks.ts'
import type { Events } from '../events/event.ts'
import { type Address, formatAddress } from '../mail/address.ts'
import { BadAnswer, readDecision, type ReadDecision, type Stage } from './decision.ts'
import { type HttpFetch, postJson } from './http-request.ts'
import { askedOf, decided, failed } from './parts.ts'
import type { MessageVerdict, PolicyRefusal, PolicySession } from './policy.ts'
import { verdictOf } from './typed-hooks.ts'

export interface HttpHookParts {
  readonly clock: Clock
  readonly random: Random
  readonly events: Events
  readonly httpFetch: HttpFetch
  /** Octets of an answer. */
  readonly maxAnswer: number
  readonly maxRewrites: number
}

/** One session's view of the service. */
export function createHttpHook(config: HttpHookConfig, parts: HttpHookParts): PolicySession {
  return new HttpHookSession(config, parts)
}

type About = Parameters<typeof askedOf>[0]

class HttpHookSession implements PolicySession {
  readonly #config: HttpHookConfig
  readonly #parts: HttpHookParts
  readonly #by: string

  constructor(config: HttpHookConfig, parts: HttpHookParts) {
    this.#config = config
    this.#parts = parts
    this.#by = `http ${config.name}`
  }

  connect(connection: HookConnection): Promise<PolicyRefusal | null> {
    return this.#envelope('connect', connection, { session: sessionOf(connection) })
  }

  hello(hello: HookHello): Promise<PolicyRefusal | null> {
    return this.#envelope('helo', hello, { session: sessionOf(hello) })
  }

  mail(mail: HookMail): Promise<PolicyRefusal | null> {
    return this.#envelope('mail', mail, { session: sessionOf(mail), envelope: envelopeOf(mail) })
  }

  rcpt(rcpt: HookRcpt): Promise<PolicyRefusal | null> {
    const envelope = {
      ...envelopeOf(rcpt),
      recipients: rcpt.recipients.map(recipientOf),
      recipient: recipientOf(rcpt.recipient),
    }
    return this.#envelope('rcpt', rcpt, { session: sessionOf(rcpt), envelope })
  }

  async message(message: HookMessage): Promise<MessageVerdict | null> {
    return this.#ask('data', message, async () => {
      const whole = message.bytes <= this.#config.maxContent
      return {
        session: sessionOf(message),
        envelope: { ...envelopeOf(message), recipients: message.recipients.map(recipientOf) },
        message: {
          id: message.id,
          bytes: message.bytes,
          headers: message.headers,
          ...(whole ? { content: await base64(message.content()) } : {}),
        },
      }
    })
  }

  delivered(delivered: HookDelivered): void {
    if (!this.#config.stages.includes('delivered')) return
    const asked = { by: this.#by, stage: 'delivered', session: delivered.id, message: delivered.id } as const
    this.#post({ stage: 'delivered', delivered }).catch((error: unknown) =>
      failed(this.#parts, asked, { error, onFailure: 'accept' }),
    )
  }

  reset(): void {}

  closed(): void {}

  async #envelope(stage: Stage, about: About, question: object): Promise<PolicyRefusal | null> {
    const verdict = await this.#ask(stage, about, () => question)
    return verdict?.type === 'refuse' ? verdict : null
  }

  async #ask(
    stage: Stage,
    about: About,
    question: () => object | Promise<object>,
  ): Promise<MessageVerdict | null> {
    if (!this.#config.stages.includes(stage)) return null
    const asked = { by: this.#by, stage, ...askedOf(about) }
    try {
      const answer = await this.#post({ stage, ...(await question()) })
      return decided(this.#parts, asked, verdictOf(this.#read(answer, stage), asked))
    } catch (error) {
      return failed(this.#parts, asked, { error, onFailure: this.#config.onFailure })
    }
  }

  async #post(question: object): Promise<Uint8Array> {
    const { url, secret, timeout } = this.#config
    const { random, maxAnswer } = this.#parts
    const id = `hook_${random.id()}`
    const body = JSON.stringify(question)
    const answer = await postJson({ url, id, body, secret, timeout, maxAnswer }, this.#parts)
    if (answer.status !== 200 && answer.status !== 204) throw new BadAnswer(`HTTP status ${answer.status}`)
    return answer.body
  }

  #read(answer: Uint8Array, stage: Stage): ReadDecision {
    if (answer.length === 0) return { type: 'accept' }
    let value: unknown
    try {
      value = JSON.parse(Buffer.from(answer).toString('utf8'))
    } catch (error) {
      throw new BadAnswer('the answer is no JSON', { cause: error })
    }
    const { maxRewrites } = this.#parts
    const scope = stage === 'data' ? 'message' : 'envelope'
    return readDecision(withBody(value), { scope, maxRewrites })
  }
}

/** JSON has no octets: a body comes in base64. */
function withBody(value: unknown): unknown {
  if (typeof value !== 'object' || value === null || !('body' in value)) return value
  const { body } = value
  if (typeof body !== 'string' || !/^[A-Za-z0-9+/]*={0,2}$/.test(body) || body.length % 4 !== 0) {
    throw new BadAnswer('the body is no base64')
  }
  return { ...value, body: Buffer.from(body, 'base64') }
}

async function base64(content: AsyncIterable<Uint8Array>): Promise<string> {
  const pieces: Uint8Array[] = []
  for await (const piece of content) pieces.push(piece)
  return Buffer.concat(pieces).toString('base64')
}

function sessionOf(session: HookConnection | HookHello | HookMail): object {
  const { sessionId, service, remoteAddress, remotePort, remoteName, tls } = session
  return {
    ...{ id: sessionId, service, remoteAddress, remotePort, remoteName, tls },
    ...('helo' in session ? { helo: session.helo, extended: session.extended } : {}),
    ...('username' in session ? { username: session.username } : {}),
  }
}

function envelopeOf({ reversePath, size, options }: HookMail): object {
  return { reversePath: reversePath === null ? '' : formatAddress(reversePath), size, options }
}

function recipientOf({ address, options }: HookRecipient): object {
  return { address: textOf(address), options }
}

/** RFC 5321 §4.5.1: `RCPT TO:<Postmaster>` has no domain. */
function textOf(address: Address | null): string {
  return address === null ? 'postmaster' : formatAddress(address)
}
