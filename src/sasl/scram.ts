// SCRAM-SHA-1 and SCRAM-SHA-256, each with -PLUS, server side (RFC 5802, RFC 7677), with the channel bindings `tls-exporter`
// (RFC 9266) and `tls-server-end-point` (RFC 5929 §4).
//
// - Unknown users run the whole exchange against a made-up verifier and fail at the proof, as a wrong password does.
// - RFC 5802 §6: a client that says `y` ("you did not offer -PLUS") when we did is being lied to: failure.
// - The optional `e=` messages are not sent: the protocol's own failure reply says all that a client may know.
import { Buffer } from 'node:buffer'
import { encodeBase64 } from './base64.ts'
import { tryDecodeUtf8, tryPrepare } from './prepare.ts'
import { equalInConstantTime, fakeVerifier, proofFits, serverSignature } from './scram-keys.ts'
import { tryParseClientFinal, tryParseClientFirst } from './scram-messages.ts'
import type { TlsState } from '../base/core.ts'
import type {
  SaslAnswer,
  SaslContext,
  SaslExchange,
  SaslFailure,
  SaslMechanism,
  SaslStep,
} from './mechanism.ts'
import type { ScramVerifier } from './mechanism.ts'
import type { ScramHash } from './scram-keys.ts'
import type { ClientFirst } from './scram-messages.ts'

/** Octets of chance in the server's part of the nonce, before base64. */
const nonceLength = 18

type ScramName = 'SCRAM-SHA-1' | 'SCRAM-SHA-1-PLUS' | 'SCRAM-SHA-256' | 'SCRAM-SHA-256-PLUS'

function scram(name: ScramName): SaslMechanism {
  return { name, start: (context) => new ScramExchange(context, name) }
}

export const scramSha256 = scram('SCRAM-SHA-256')
export const scramSha256Plus = scram('SCRAM-SHA-256-PLUS')
export const scramSha1 = scram('SCRAM-SHA-1')
export const scramSha1Plus = scram('SCRAM-SHA-1-PLUS')

/** The octets that bind to this connection, or undefined where that kind of binding is not to be had. */
export function channelBindingData(tls: TlsState | null, name: string): Uint8Array | undefined {
  if (name === 'tls-exporter') return tls?.exporter ?? undefined
  if (name === 'tls-server-end-point') return tls?.serverEndPoint ?? undefined
  return undefined
}

/** Where an exchange stands; each state carries what the next needs, and nothing else survives. */
type State =
  | { readonly at: 'start' }
  | { readonly at: 'looking-up'; readonly first: ClientFirst; readonly username: string }
  | {
      readonly at: 'challenged'
      readonly first: ClientFirst
      readonly username: string
      readonly nonce: string
      readonly serverFirst: string
      readonly verifier: ScramVerifier
      readonly known: boolean
    }
  | { readonly at: 'over' }

class ScramExchange implements SaslExchange {
  readonly #context: SaslContext
  readonly #binds: boolean
  readonly #hash: ScramHash
  #state: State = { at: 'start' }

  constructor(context: SaslContext, mechanism: ScramName) {
    this.#context = context
    this.#binds = mechanism.endsWith('-PLUS')
    this.#hash = mechanism.startsWith('SCRAM-SHA-1') ? 'sha1' : 'sha256'
  }

  step(response: Uint8Array | null): SaslStep {
    if (this.#state.at === 'start') {
      return response === null ? { type: 'challenge', bytes: new Uint8Array() } : this.#receiveFirst(response)
    }
    if (this.#state.at === 'challenged' && response !== null) return this.#receiveFinal(response)
    return this.#fail('malformed', null)
  }

  resume(answer: SaslAnswer): SaslStep {
    if (this.#state.at !== 'looking-up' || (answer.type !== 'credentials' && answer.type !== 'refused')) {
      throw new Error('resume without a question, or with the answer to another one')
    }
    const { first, username } = this.#state
    if (answer.type === 'refused') return this.#fail(answer.reason, username)
    const { serverSecret, scramIterations, random } = this.#context
    const known = answer.verifier !== null
    const verifier =
      answer.verifier ??
      fakeVerifier({ scramHash: this.#hash, serverSecret, username, iterations: scramIterations })
    // RFC 5802 §5.1: the server appends its own part to the client's nonce.
    const nonce = first.nonce + encodeBase64(random.bytes(nonceLength))
    const serverFirst = `r=${nonce},s=${verifier.salt},i=${verifier.iterations}`
    this.#state = { at: 'challenged', first, username, nonce, serverFirst, verifier, known }
    return { type: 'challenge', bytes: Buffer.from(serverFirst) }
  }

  #receiveFirst(response: Uint8Array): SaslStep {
    const text = tryDecodeUtf8(response)
    const first = text === undefined ? undefined : tryParseClientFirst(text)
    if (first === undefined) return this.#fail('malformed', null)
    const username = tryPrepare(first.username)
    if (username === undefined) return this.#fail('bad-credentials', null)
    if (!this.#bindingAgrees(first)) return this.#fail('channel-binding', username)
    this.#state = { at: 'looking-up', first, username }
    return { type: 'need-credentials', username, scramHash: this.#hash }
  }

  // RFC 5802 §6: -PLUS goes with `p=`, the bare mechanism with `n` or `y`, and `y` only where -PLUS was not offered.
  #bindingAgrees({ channelBinding }: ClientFirst): boolean {
    if (this.#binds) {
      return (
        channelBinding.type === 'required' &&
        channelBindingData(this.#context.tls, channelBinding.name) !== undefined
      )
    }
    if (channelBinding.type === 'required') return false
    return (
      channelBinding.type === 'unsupported' || !this.#context.offered.some((name) => name.endsWith('-PLUS'))
    )
  }

  #receiveFinal(response: Uint8Array): SaslStep {
    if (this.#state.at !== 'challenged') return this.#fail('malformed', null)
    const { first, username, nonce, serverFirst, verifier, known } = this.#state
    const text = tryDecodeUtf8(response)
    const final = text === undefined ? undefined : tryParseClientFinal(text)
    // RFC 5802 §5.1: the server MUST verify that the nonce is the one it sent.
    if (final === undefined || final.nonce !== nonce) return this.#fail('malformed', username)
    if (!equalInConstantTime(final.channelBinding, this.#expectedBinding(first))) {
      return this.#fail('channel-binding', username)
    }
    const authMessage = `${first.bare},${serverFirst},${final.withoutProof}`
    // Both are computed whether the user exists or not, so that neither shows in the time it takes.
    const fits = proofFits(this.#hash, verifier, { authMessage, proof: final.proof })
    const signature = serverSignature(this.#hash, verifier, authMessage)
    if (!fits || !known) return this.#fail('bad-credentials', username)
    this.#state = { at: 'over' }
    const finalChallenge = Buffer.from(`v=${encodeBase64(signature)}`)
    return { type: 'success', username, authorizationId: first.authorizationId, finalChallenge }
  }

  // RFC 5802 §7: cbind-input = gs2-header [ cbind-data ]
  #expectedBinding(first: ClientFirst): Uint8Array {
    const { channelBinding, gs2Header } = first
    if (channelBinding.type !== 'required') return Buffer.from(gs2Header)
    const data = channelBindingData(this.#context.tls, channelBinding.name) ?? new Uint8Array()
    return Buffer.concat([Buffer.from(gs2Header), data])
  }

  #fail(reason: SaslFailure, username: string | null): SaslStep {
    this.#state = { at: 'over' }
    return { type: 'failure', reason, username }
  }
}
