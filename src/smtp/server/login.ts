// SASL's questions, answered from the directory, for one session, and who it has logged in.
import type { Directory, LoginAttempt } from '../../directory/directory.ts'
import { SaslLogin } from '../../directory/sasl-login.ts'
import type { Account } from '../../store/model.ts'
import type { SaslAnswer, SaslQuestion } from '../../sasl/mechanism.ts'
import { goOn, type SmtpAnswer, type SmtpQuestion } from '../proto/questions.ts'
import { replies } from '../proto/reply.ts'

type Of<Type extends SmtpQuestion['type']> = Extract<SmtpQuestion, { type: Type }>

export class Login {
  readonly #sasl: SaslLogin
  /** Who has logged in, or null. */
  account: Account | null = null

  constructor(directory: Directory, where: Omit<LoginAttempt, 'username'>) {
    this.#sasl = new SaslLogin(directory, where)
  }

  answer(question: SaslQuestion): Promise<SaslAnswer> {
    return this.#sasl.answer(question)
  }

  async authenticated(question: Of<'authenticated'>): Promise<SmtpAnswer> {
    const outcome = await this.#sasl.succeed(question.authorizationId)
    if (!outcome.ok) return { type: 'reply', reply: refusals[outcome.reason] }
    this.account = outcome.account
    return goOn
  }

  /** The exchange failed, was cancelled, or its connection is gone. */
  giveUp(): void {
    this.#sasl.giveUp()
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
