// EXTERNAL (RFC 4422 appendix A): the client is who its TLS certificate says, by an rfc822Name of it. One message: the identity to
// act as, or nothing. Only for clients whose certificate was found good; the offered list (mechanisms.ts) sees to that.
import { tryDecodeUtf8, tryPrepare } from './prepare.ts'
import type { TlsState } from '../base/core.ts'
import type { SaslAnswer, SaslContext, SaslExchange, SaslMechanism, SaslStep } from './mechanism.ts'

export const external: SaslMechanism = {
  name: 'EXTERNAL',
  start: (context) => new ExternalExchange(context),
}

/** The mail addresses of a certificate that is to be believed; none where there is no such certificate. */
export function believedAddresses(tls: TlsState | null): readonly string[] {
  const certificate = tls?.peerCertificate ?? null
  return certificate === null || certificate.problem !== null ? [] : certificate.emailAddresses
}

class ExternalExchange implements SaslExchange {
  readonly #emailAddresses: readonly string[]
  #asked = false

  constructor(context: SaslContext) {
    this.#emailAddresses = believedAddresses(context.tls)
  }

  step(response: Uint8Array | null): SaslStep {
    const failed = { type: 'failure', username: null } as const
    if (this.#asked) return { ...failed, reason: 'malformed' }
    // RFC 4422 §A.1: a server without an initial response asks for one with an empty challenge.
    if (response === null) return { type: 'challenge', bytes: new Uint8Array() }
    const text = tryDecodeUtf8(response)
    // RFC 4422 §A.1: extern-resp = *( UTF8-char-no-nul )
    if (text === undefined || text.includes('\0')) return { ...failed, reason: 'malformed' }
    const authorizationId = text === '' ? null : tryPrepare(text)
    const emailAddresses = this.#emailAddresses
    if (authorizationId === undefined || emailAddresses.length === 0) {
      return { ...failed, reason: 'bad-credentials' }
    }
    this.#asked = true
    return { type: 'check-certificate', emailAddresses, authorizationId }
  }

  resume(answer: SaslAnswer): SaslStep {
    if (!this.#asked || (answer.type !== 'identified' && answer.type !== 'refused')) {
      throw new Error('resume without a certificate to check, or with the answer to another question')
    }
    if (answer.type === 'refused') return { type: 'failure', reason: answer.reason, username: null }
    return { type: 'success', username: answer.username, authorizationId: null, finalChallenge: null }
  }
}
