// SASL's questions, answered from the directory, for one session. A SCRAM attempt that was begun is always ended:
// succeeded, failed, or (with the connection) given up, which counts as failed.
import type { Directory, LoginAttempt, ScramAttempt } from '../../directory/directory.ts'
import type { Account } from '../../store/model.ts'
import type { SaslAnswer } from '../../sasl/mechanism.ts'
import { goOn, type SmtpAnswer, type SmtpQuestion } from '../proto/questions.ts'
import { replies } from '../proto/reply.ts'

type Of<Type extends SmtpQuestion['type']> = Extract<SmtpQuestion, { type: Type }>

export class Login {
  readonly #directory: Directory
  readonly #where: Omit<LoginAttempt, 'username'>
  #scram: ScramAttempt | null = null
  /** Set by `checkPassword`, confirmed by `authenticated`. */
  #checked: Account | null = null
  /** Who has logged in, or null. */
  account: Account | null = null

  constructor(directory: Directory, where: Omit<LoginAttempt, 'username'>) {
    this.#directory = directory
    this.#where = where
  }

  async checkPassword(question: Of<'check-password'>): Promise<SaslAnswer> {
    const { username, password, authorizationId } = question
    const outcome = await this.#directory.authenticate({
      ...this.#where,
      username,
      password,
      authorizationId,
    })
    if (!outcome.ok) return { type: 'refused', reason: outcome.reason }
    this.#checked = outcome.account
    return { type: 'accepted' }
  }

  async findCredentials(question: Of<'need-credentials'>): Promise<SaslAnswer> {
    this.giveUp()
    const begun = await this.#directory.beginScram({ ...this.#where, username: question.username })
    if (!begun.ok) return { type: 'refused', reason: begun.reason }
    this.#scram = begun
    return { type: 'credentials', verifier: begun.verifier }
  }

  /** Mechanisms that no directory of ours answers are not offered. */
  answerOther(): SaslAnswer {
    return { type: 'refused', reason: 'unavailable' }
  }

  async authenticated(question: Of<'authenticated'>): Promise<SmtpAnswer> {
    const scram = this.#scram
    this.#scram = null
    if (scram !== null) {
      const outcome = await scram.succeed(question.authorizationId)
      if (!outcome.ok) return { type: 'reply', reply: refusals[outcome.reason] }
      this.#checked = outcome.account
    }
    this.account = this.#checked
    this.#checked = null
    return goOn
  }

  /** The exchange failed, was cancelled, or its connection is gone. */
  giveUp(): void {
    this.#scram?.fail()
    this.#scram = null
    this.#checked = null
  }

  /** RFC 3207 §4.2: nothing from before TLS counts. */
  forget(): void {
    this.giveUp()
    this.account = null
  }
}

const refusals = {
  'bad-credentials': replies.authFailed,
  disabled: replies.authFailed,
  throttled: replies.authThrottled,
  unavailable: replies.authUnavailable,
} as const
