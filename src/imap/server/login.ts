// The questions of log-in, carried to the directory.
import type { Directory, LoginRefusal } from '../../directory/directory.ts'
import { SaslLogin } from '../../directory/sasl-login.ts'
import type { SaslQuestion } from '../../sasl/mechanism.ts'
import type { Account } from '../../store/model.ts'
import type { ImapAnswer, ImapQuestion } from '../proto/commands/command.ts'
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
  readonly #sasl: SaslLogin

  constructor(directory: Directory, remoteAddress: string) {
    this.#sasl = new SaslLogin(directory, { remoteAddress, protocol: 'imap' })
  }

  async answer(question: SaslQuestion): Promise<ImapAnswer> {
    return { type: 'sasl', answer: await this.#sasl.answer(question) }
  }

  /** The account of who has proven himself. */
  async logIn(
    question: Question<'log-in'>,
  ): Promise<{ account: Account; answer: ImapAnswer } | { answer: ImapAnswer }> {
    const authentication = await this.#sasl.succeed(question.authorizationId)
    if (!authentication.ok) return { answer: refusals[authentication.reason] }
    return {
      account: authentication.account,
      answer: ok('Logged in', { hidden: authentication.account.hiddenCapabilities }),
    }
  }

  /** Whoever tried has failed or gone. */
  abandon(): void {
    this.#sasl.giveUp()
  }
}
