// PLAIN (RFC 4616): one message, `[authzid] NUL authcid NUL passwd`. Only for connections under TLS, or where the
// operator allows clear text; the offered list (mechanisms.ts) sees to that.
import { Secret } from '../base/secret.ts'
import { tryDecodeUtf8, tryPrepare } from './prepare.ts'
import type { SaslAnswer, SaslExchange, SaslMechanism, SaslStep } from './mechanism.ts'

export const plain: SaslMechanism = {
  name: 'PLAIN',
  start: () => new PlainExchange(),
}

class PlainExchange implements SaslExchange {
  #asked: { readonly username: string; readonly authorizationId: string | null } | null = null

  step(response: Uint8Array | null): SaslStep {
    if (this.#asked !== null) return { type: 'failure', reason: 'malformed', username: this.#asked.username }
    // RFC 4616 §2: the client speaks first; without an initial response it is asked with an empty challenge.
    if (response === null) return { type: 'challenge', bytes: new Uint8Array() }
    const parts = tryDecodeUtf8(response)?.split('\0', 4)
    if (parts?.length !== 3) return { type: 'failure', reason: 'malformed', username: null }
    const [authzid = '', authcid = '', passwd = ''] = parts
    if (authcid === '' || passwd === '') return { type: 'failure', reason: 'malformed', username: null }
    const username = tryPrepare(authcid)
    const authorizationId = authzid === '' ? null : tryPrepare(authzid)
    const password = tryPrepare(passwd)
    // RFC 4616 §2: where preparation fails, verification fails.
    if (username === undefined || authorizationId === undefined || password === undefined) {
      return { type: 'failure', reason: 'bad-credentials', username: username ?? null }
    }
    this.#asked = { username, authorizationId }
    return { type: 'check-password', username, authorizationId, password: new Secret(password) }
  }

  resume(answer: SaslAnswer): SaslStep {
    return passwordOutcome(this.#asked, answer)
  }
}

/** The end of every mechanism that has a password checked. */
export function passwordOutcome(
  asked: { readonly username: string; readonly authorizationId: string | null } | null,
  answer: SaslAnswer,
): SaslStep {
  if (asked === null || (answer.type !== 'accepted' && answer.type !== 'refused')) {
    throw new Error('resume without a password to check, or with the answer to another question')
  }
  if (answer.type === 'refused') return { type: 'failure', reason: answer.reason, username: asked.username }
  return { type: 'success', ...asked, finalChallenge: null }
}
