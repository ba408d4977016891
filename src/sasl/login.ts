// LOGIN (draft-murchison-sasl-login): name and password one after the other. No standard, but many devices and old
// clients know nothing else. An initial response counts as the name, as those clients mean it that send one.
import { Buffer } from 'node:buffer'
import { Secret } from '../base/secret.ts'
import { passwordOutcome } from './plain.ts'
import { tryDecodeUtf8, tryPrepare } from './prepare.ts'
import type { SaslAnswer, SaslExchange, SaslMechanism, SaslStep } from './mechanism.ts'

/** These exact words: some clients compare them. */
const usernamePrompt = Buffer.from('Username:')
const passwordPrompt = Buffer.from('Password:')

export const login: SaslMechanism = {
  name: 'LOGIN',
  start: () => new LoginExchange(),
}

class LoginExchange implements SaslExchange {
  #username: string | null = null
  #asked: { readonly username: string; readonly authorizationId: null } | null = null

  step(response: Uint8Array | null): SaslStep {
    if (response === null) return { type: 'challenge', bytes: usernamePrompt }
    const text = tryDecodeUtf8(response)
    if (text === undefined || text === '' || this.#asked !== null) {
      return { type: 'failure', reason: 'malformed', username: this.#username }
    }
    const prepared = tryPrepare(text)
    if (prepared === undefined)
      return { type: 'failure', reason: 'bad-credentials', username: this.#username }
    if (this.#username === null) {
      this.#username = prepared
      return { type: 'challenge', bytes: passwordPrompt }
    }
    this.#asked = { username: this.#username, authorizationId: null }
    return { type: 'check-password', ...this.#asked, password: new Secret(prepared) }
  }

  resume(answer: SaslAnswer): SaslStep {
    return passwordOutcome(this.#asked, answer)
  }
}
