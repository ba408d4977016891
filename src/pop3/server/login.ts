// Logging in, for one session: the directory's answers in the core's words.
import { SaslLogin } from '../../directory/sasl-login.ts'
import type { Authentication, Directory, LoginAttempt } from '../../directory/directory.ts'
import type { SaslQuestion } from '../../sasl/mechanism.ts'
import type { Account } from '../../store/model.ts'
import type { LoginRefusal, Pop3Answer, Pop3Question } from '../proto/questions.ts'

type Of<Type extends Pop3Question['type']> = Extract<Pop3Question, { type: Type }>

export class Login {
  readonly #directory: Directory
  readonly #where: Omit<LoginAttempt, 'username'>
  readonly #sasl: SaslLogin

  constructor(directory: Directory, where: Omit<LoginAttempt, 'username'>) {
    this.#directory = directory
    this.#where = where
    this.#sasl = new SaslLogin(directory, where)
  }

  async withPassword(question: Of<'log-in'>): Promise<Account | LoginRefusal> {
    const { username, password, authorizationId } = question
    const attempt = { ...this.#where, username, password, authorizationId }
    return outcomeOf(await this.#directory.authenticate(attempt))
  }

  async answer(question: SaslQuestion): Promise<Pop3Answer> {
    return { type: 'sasl', answer: await this.#sasl.answer(question) }
  }

  async finish(authorizationId: string | null): Promise<Account | LoginRefusal> {
    return outcomeOf(await this.#sasl.succeed(authorizationId))
  }

  giveUp(): void {
    this.#sasl.giveUp()
  }
}

function outcomeOf(outcome: Authentication): Account | LoginRefusal {
  return outcome.ok ? outcome.account : outcome.reason
}
