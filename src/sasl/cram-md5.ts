// CRAM-MD5 (RFC 2195), server side: for devices that know nothing better. Off unless the operator switches it on.
//
// Deviates from RFC 2195 §2 in that the timestamp of the challenge is chance too: what it is there for is that no challenge
// comes twice, and there is no clock here. Unknown users are judged by a made-up verifier and fail as a wrong password does.
import { Buffer } from 'node:buffer'
import { tryCramDigest } from './cram-keys.ts'
import { tryDecodeUtf8, tryPrepare } from './prepare.ts'
import { equalInConstantTime } from './scram-keys.ts'
import type { SaslAnswer, SaslContext, SaslExchange, SaslMechanism, SaslStep } from './mechanism.ts'

/** Octets of chance in a challenge. */
const nonceLength = 16

export const cramMd5: SaslMechanism = {
  name: 'CRAM-MD5',
  start: (context) => new CramExchange(context),
}

class CramExchange implements SaslExchange {
  readonly #challenge: Uint8Array
  #asked: { readonly username: string; readonly digest: Uint8Array } | null = null

  constructor({ random, hostname = 'localhost' }: SaslContext) {
    const nonce = Buffer.from(random.bytes(nonceLength))
    const [digits, stamp] = [nonce.readBigUInt64BE(0), nonce.readBigUInt64BE(8)]
    // RFC 2195 §2: the form of an RFC 822 msg-id.
    this.#challenge = Buffer.from(`<${digits}.${stamp}@${hostname}>`)
  }

  step(response: Uint8Array | null): SaslStep {
    if (response === null) return { type: 'challenge', bytes: this.#challenge }
    // RFC 2195 §2: the user name, a space, and the digest in lower-case hexadecimal.
    const match = /^(.+) ([\da-f]{32})$/s.exec(tryDecodeUtf8(response) ?? '')
    if (match === null || this.#asked !== null)
      return { type: 'failure', reason: 'malformed', username: null }
    const [, name = '', digest = ''] = match
    const username = tryPrepare(name)
    if (username === undefined) return { type: 'failure', reason: 'bad-credentials', username: null }
    this.#asked = { username, digest: Buffer.from(digest, 'hex') }
    return { type: 'need-cram', username }
  }

  resume(answer: SaslAnswer): SaslStep {
    if (this.#asked === null || (answer.type !== 'cram' && answer.type !== 'refused')) {
      throw new Error('resume without a question, or with the answer to another one')
    }
    const { username, digest } = this.#asked
    if (answer.type === 'refused') return { type: 'failure', reason: answer.reason, username }
    const nobody = { inner: 'AAAAAAAAAAAAAAAAAAAAAA==', outer: 'AAAAAAAAAAAAAAAAAAAAAA==' }
    const expected = tryCramDigest(answer.verifier ?? nobody, this.#challenge)
    const fits = expected !== undefined && equalInConstantTime(expected, digest)
    if (!fits || answer.verifier === null) return { type: 'failure', reason: 'bad-credentials', username }
    return { type: 'success', username, authorizationId: null, finalChallenge: null }
  }
}
