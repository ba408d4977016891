// One session's log-in by SASL: what mechanisms ask, answered from the directory. The same for every protocol.
//
// What was begun is always ended: succeeded, failed, or given up with its connection, which counts as failed.
import type { SaslAnswer, SaslFailure, SaslQuestion } from '../sasl/mechanism.ts'
import type { Account } from '../store/model.ts'
import type { Authentication, Directory, LoginAttempt, ProofAttempt } from './directory.ts'

export class SaslLogin {
  readonly #directory: Directory
  readonly #where: Omit<LoginAttempt, 'username'>
  /** An exchange whose proof the mechanism judges itself. */
  #proof: ProofAttempt | null = null
  /** Who was found to be right, until `succeed`. */
  #checked: Account | null = null

  constructor(directory: Directory, where: Omit<LoginAttempt, 'username'>) {
    this.#directory = directory
    this.#where = where
  }

  async answer(question: SaslQuestion): Promise<SaslAnswer> {
    this.giveUp()
    switch (question.type) {
      case 'check-password': {
        const { username, password, authorizationId } = question
        const attempt = { ...this.#where, username, password, authorizationId }
        return this.#check(await this.#directory.authenticate(attempt), () => ({ type: 'accepted' }))
      }
      case 'check-token': {
        const { username, token } = question
        return this.#check(
          await this.#directory.authenticateToken({ ...this.#where, username, token }),
          identified,
        )
      }
      case 'check-certificate': {
        const { emailAddresses, authorizationId } = question
        const attempt = { ...this.#where, emailAddresses, authorizationId }
        return this.#check(await this.#directory.authenticateCertificate(attempt), identified)
      }
      case 'need-credentials': {
        const { username, scramHash } = question
        const begun = await this.#directory.beginScram({ ...this.#where, username, scramHash })
        if (!begun.ok) return refused(begun.reason)
        this.#proof = begun
        return { type: 'credentials', verifier: begun.verifier }
      }
      case 'need-cram': {
        const begun = await this.#directory.beginCram({ ...this.#where, username: question.username })
        if (!begun.ok) return refused(begun.reason)
        this.#proof = begun
        return { type: 'cram', verifier: begun.verifier }
      }
    }
  }

  /** The mechanism has succeeded: the account, or why it may not come in all the same. */
  async succeed(authorizationId: string | null): Promise<Authentication> {
    const [proof, account] = [this.#proof, this.#checked]
    this.#proof = null
    this.#checked = null
    if (proof !== null) return proof.succeed(authorizationId)
    if (account === null) throw new Error('a log-in succeeds that never began')
    return { ok: true, account }
  }

  /** The exchange failed, was cancelled, or its connection is gone. */
  giveUp(): void {
    this.#proof?.fail()
    this.#proof = null
    this.#checked = null
  }

  #check(outcome: Authentication, accepted: (account: Account) => SaslAnswer): SaslAnswer {
    if (!outcome.ok) return refused(outcome.reason)
    this.#checked = outcome.account
    return accepted(outcome.account)
  }
}

function identified({ address }: Account): SaslAnswer {
  return { type: 'identified', username: address }
}

function refused(reason: SaslFailure): SaslAnswer {
  return { type: 'refused', reason }
}
