// Logging in, for one session: the directory's answers in the core's words. A SCRAM attempt that was begun is always
// ended: succeeded, failed, or given up with its connection.
import type { Authentication, Directory, LoginAttempt, ScramAttempt } from '../../directory/directory.ts'
import type { Account } from '../../store/model.ts'
import type { LoginRefusal, Pop3Answer, Pop3Question } from '../proto/questions.ts'

type Of<Type extends Pop3Question['type']> = Extract<Pop3Question, { type: Type }>

export class Login {
  readonly #directory: Directory
  readonly #where: Omit<LoginAttempt, 'username'>
  #scram: ScramAttempt | null = null

  constructor(directory: Directory, where: Omit<LoginAttempt, 'username'>) {
    this.#directory = directory
    this.#where = where
  }

  async withPassword(question: Of<'log-in'>): Promise<Account | LoginRefusal> {
    const { username, password, authorizationId } = question
    const attempt = { ...this.#where, username, password, authorizationId }
    return outcomeOf(await this.#directory.authenticate(attempt))
  }

  async beginScram(username: string): Promise<Pop3Answer> {
    this.giveUp()
    const begun = await this.#directory.beginScram({ ...this.#where, username })
    if (!begun.ok) return { type: 'refused', reason: begun.reason }
    this.#scram = begun
    return { type: 'verifier', verifier: begun.verifier }
  }

  async finishScram(authorizationId: string | null): Promise<Account | LoginRefusal> {
    const scram = this.#scram
    this.#scram = null
    if (scram === null) throw new Error('a SCRAM exchange ends that never began')
    return outcomeOf(await scram.succeed(authorizationId))
  }

  giveUp(): void {
    this.#scram?.fail()
    this.#scram = null
  }
}

function outcomeOf(outcome: Authentication): Account | LoginRefusal {
  return outcome.ok ? outcome.account : outcome.reason
}
