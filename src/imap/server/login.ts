// The questions of log-in, carried to the directory.
import type { Authentication, Directory, LoginRefusal, ScramAttempt } from '../../directory/directory.ts'
import type { Account } from '../../store/model.ts'
import type { ImapAnswer, ImapQuestion } from '../proto/commands/command.ts'
import type { SaslFailure } from '../../sasl/mechanism.ts'
import { no, ok } from './context.ts'

type Question<Type extends ImapQuestion['type']> = Extract<ImapQuestion, { type: Type }>

/** What RFC 5530 §3 has for each reason. */
const refusals: Record<LoginRefusal, ImapAnswer> = {
  'bad-credentials': no('AUTHENTICATIONFAILED', 'Wrong user name or password'),
  disabled: no('AUTHORIZATIONFAILED', 'This account is disabled'),
  throttled: no('UNAVAILABLE', 'Too many failed log-ins, try again later'),
  unavailable: no('UNAVAILABLE', 'Log-in is not possible at the moment'),
}

/** One connection's attempts, one at a time. */
export class LoginDesk {
  readonly #directory: Directory
  readonly #remoteAddress: string
  #scram: ScramAttempt | null = null
  #checked: Account | null = null

  constructor(directory: Directory, remoteAddress: string) {
    this.#directory = directory
    this.#remoteAddress = remoteAddress
  }

  async checkPassword(question: Question<'check-password'>): Promise<ImapAnswer> {
    this.abandon()
    const { username, password, authorizationId } = question
    const authentication = await this.#directory.authenticate({
      ...this.#who(username),
      password,
      authorizationId,
    })
    if (!authentication.ok) return refused(authentication.reason)
    this.#checked = authentication.account
    return { type: 'sasl', answer: { type: 'accepted' } }
  }

  async findVerifier(question: Question<'find-verifier'>): Promise<ImapAnswer> {
    this.abandon()
    const attempt = await this.#directory.beginScram(this.#who(question.username))
    if (!attempt.ok) return refused(attempt.reason)
    this.#scram = attempt
    return { type: 'sasl', answer: { type: 'credentials', verifier: attempt.verifier } }
  }

  /** The account of who has proven himself. */
  async logIn(
    question: Question<'log-in'>,
  ): Promise<{ account: Account; answer: ImapAnswer } | { answer: ImapAnswer }> {
    const authentication = await this.#prove(question.authorizationId)
    if (!authentication.ok) return { answer: refusals[authentication.reason] }
    return { account: authentication.account, answer: ok('Logged in') }
  }

  async #prove(authorizationId: string | null): Promise<Authentication> {
    const scram = this.#scram
    const account = this.#checked
    this.#scram = null
    this.#checked = null
    if (scram !== null) return scram.succeed(authorizationId)
    return account === null ? { ok: false, reason: 'bad-credentials' } : { ok: true, account }
  }

  /** Whoever tried has failed or gone. */
  abandon(): void {
    this.#scram?.fail()
    this.#scram = null
    this.#checked = null
  }

  #who(username: string): { username: string; remoteAddress: string; protocol: string } {
    return { username, remoteAddress: this.#remoteAddress, protocol: 'imap' }
  }
}

function refused(reason: SaslFailure): ImapAnswer {
  return { type: 'sasl', answer: { type: 'refused', reason } }
}
