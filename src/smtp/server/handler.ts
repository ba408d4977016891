// Answers what the SMTP core asks, for one connection, over the directory, the store and delivery. What each stage decides is in a
// file of its own (arriving, sender, rcpt, receive, verify, turning, speaking-for); this one leads from one to the next.
//
// - Trouble of ours never ends in a refusal for good: whatever is thrown is told as an event and answered 451, and the message
//   that was under way is discarded. A session goes on after it.
// - A message in the making belongs to one transaction, dropped by `reset`, by the next MAIL, or with the connection.
// - Without a policy, `content` and what mail from outside asks at `connect`, `hello` and `mail` are answered without a promise.
import type { Connection } from '../../base/connection.ts'
import type { Handler, Peer, Sink } from '../../base/core.ts'
import * as smtpEvents from '../../events/smtp.ts'
import { goOn, type SmtpAnswer, type SmtpNote, type SmtpQuestion } from '../proto/questions.ts'
import { replies } from '../proto/reply.ts'
import { welcome } from './arriving.ts'
import { refuse, SessionContext, troubleAnswer } from './context.ts'
import { openIntake } from './intake.ts'
import type { HandlerParts } from './parts.ts'
import { PolicyStage } from './policy-stage.ts'
import { acceptRecipient } from './rcpt.ts'
import { receiveMessage } from './receive.ts'
import { beginTransaction } from './sender.ts'
import { forwardedBy, speakFor } from './speaking-for.ts'
import type { Transaction } from './transaction.ts'
import { Turning } from './turning.ts'
import { expand, verify } from './verify.ts'

/** XCLIENT and XFORWARD. */
type Proxied = Extract<SmtpQuestion, { attributes: unknown }>
type Of<Type extends SmtpQuestion['type']> = Extract<SmtpQuestion, { type: Type }>

export class SmtpHandler implements Handler<SmtpQuestion, SmtpAnswer> {
  readonly #context: SessionContext
  readonly #turning: Turning
  #policy: PolicyStage | null
  #transaction: Transaction | null = null
  /** The octets that BURL is taking in. */
  #url: AsyncIterator<Uint8Array> | null = null

  constructor(parts: HandlerParts, session: { sink: Sink; peer: Peer }) {
    this.#context = new SessionContext(parts, session)
    this.#turning = new Turning(this.#context)
    this.#policy = this.#openPolicy()
  }

  account(): string | null {
    return this.#context.login.account?.address ?? null
  }

  answer(question: SmtpQuestion): SmtpAnswer | Promise<SmtpAnswer> {
    const context = this.#context
    const { login } = context
    switch (question.type) {
      case 'connect':
        return welcome(context, { client: question.client, policy: this.#policy })
      case 'hello':
        return this.#hello(question)
      case 'mail':
        return this.#mail(question)
      case 'rcpt':
        return context.guard('rcpt', () =>
          acceptRecipient(context, this.#current(), { ...question, policy: this.#policy }),
        )
      case 'data':
        return this.#data()
      case 'content':
        return this.#content(question.bytes)
      case 'url':
        return context.guard('url', () => this.#openUrl(question.url))
      case 'url-octets':
        return context.guard('url', () => this.#urlOctets())
      case 'end':
        return context.guard('end', () => this.#end(question))
      case 'reset':
        return this.#reset()
      case 'verify':
        return context.guard('verify', () => verify(context, question))
      case 'expand':
        return context.guard('expand', () => expand(context, question))
      case 'check-password':
      case 'need-credentials':
      case 'need-cram':
      case 'check-token':
      case 'check-certificate':
        return login.answer(question)
      case 'authenticated':
        return login.authenticated(question)
      case 'auth-failed':
        login.giveUp()
        return goOn
      case 'note':
        context.emit(noteEvents[question.note], context.who())
        return goOn
      case 'starttls':
      case 'quit':
        return goOn
      case 'pause':
        return this.#pause(question.milliseconds)
      case 'etrn':
        return context.guard('etrn', () => this.#turning.etrn(question))
      case 'turn':
        return context.guard('turn', () => this.#turning.turn(question.client))
      case 'atrn':
        return this.#atrn(question)
      case 'xclient':
      case 'xforward':
        return context.guard('xclient', () => this.#speakFor(question))
    }
  }

  failed(question: SmtpQuestion): SmtpAnswer {
    switch (question.type) {
      case 'check-password':
      case 'need-credentials':
      case 'need-cram':
      case 'check-token':
      case 'check-certificate':
        return { type: 'refused', reason: 'unavailable' }
      case 'connect':
        return refuse(replies.trouble)
      case 'authenticated':
        return refuse(replies.authUnavailable)
      default:
        return troubleAnswer
    }
  }

  takeOver(connection: Connection): Promise<void> {
    return this.#turning.takeOver(connection)
  }

  async closed(): Promise<void> {
    this.#context.login.giveUp()
    this.#context.leave()
    this.#closeUrl()
    this.#policy?.closed()
    await this.#discard()
  }

  #openPolicy(): PolicyStage | null {
    const { policy } = this.#context.parts
    return policy === null ? null : new PolicyStage(this.#context, policy)
  }

  #hello({ client }: Of<'hello'>): SmtpAnswer | Promise<SmtpAnswer> {
    const policy = this.#policy
    if (policy === null) return goOn
    return this.#context.guard('hello', async () => (await policy.hello(client)) ?? goOn)
  }

  #mail({ client, sender }: Of<'mail'>): SmtpAnswer | Promise<SmtpAnswer> {
    // RFC 3207 §4.2: a log-in from before TLS does not count.
    if (client.username === null) this.#context.login.forget()
    const begun = beginTransaction(this.#context, { client, sender, policy: this.#policy })
    this.#transaction = begun.transaction
    return begun.answer
  }

  #current(): Transaction {
    if (this.#transaction === null) throw new Error('a question about a message that nobody began')
    return this.#transaction
  }

  #data(): SmtpAnswer {
    const { parts, login } = this.#context
    const transaction = this.#current()
    const { id, sender } = transaction
    const { reversePath } = sender
    transaction.intake = openIntake(parts, { id, reversePath, account: login.account })
    parts.checkpoint?.('smtp.data-accepted')
    return goOn
  }

  #content(bytes: Uint8Array): SmtpAnswer | Promise<SmtpAnswer> {
    const intake = this.#transaction?.intake
    if (intake == null) throw new Error('content without a message')
    try {
      const room = intake.write(bytes)
      if (intake.failed) return refuse(replies.headerTooBig)
      this.#context.parts.checkpoint?.('smtp.content')
      if (room === undefined) return goOn
      return room.then(
        () => goOn,
        (error: unknown) => this.#context.trouble('content', error),
      )
    } catch (error) {
      return this.#context.trouble('content', error)
    }
  }

  async #openUrl(url: string): Promise<SmtpAnswer> {
    const { parts, login } = this.#context
    const { account } = login
    const source = account === null ? undefined : await parts.urls?.open({ account, url })
    if (source === undefined) return refuse(replies.urlUnreadable)
    // RFC 1870 §6.3: what cannot be taken is not read first.
    const { maxMessageSize } = parts
    if (maxMessageSize > 0 && source.size > maxMessageSize) return refuse(replies.tooBig)
    this.#url = source.read()[Symbol.asyncIterator]()
    return goOn
  }

  async #urlOctets(): Promise<SmtpAnswer> {
    const next = await this.#url?.next()
    if (next?.done === false && next.value.length > 0) return { type: 'octets', bytes: next.value }
    if (next?.done === false) return this.#urlOctets()
    this.#url = null
    return { type: 'octets', bytes: new Uint8Array(0) }
  }

  /** What reads a URL lets go of it. */
  #closeUrl(): void {
    const url = this.#url
    this.#url = null
    url?.return?.()?.catch(() => undefined)
  }

  async #end({ client }: Of<'end'>): Promise<SmtpAnswer> {
    const transaction = this.#current()
    this.#transaction = null
    try {
      return await receiveMessage(this.#context, transaction, { client, policy: this.#policy })
    } finally {
      // Postfix: what XFORWARD told holds for one message.
      this.#context.forwarded = null
    }
  }

  #reset(): SmtpAnswer | Promise<SmtpAnswer> {
    this.#closeUrl()
    this.#context.forwarded = null
    this.#policy?.reset()
    const { intake } = this.#transaction ?? { intake: null }
    if (intake === null) {
      this.#transaction = null
      return goOn
    }
    return this.#discard().then(
      () => goOn,
      (error: unknown) => this.#context.trouble('reset', error),
    )
  }

  async #discard(): Promise<void> {
    const intake = this.#transaction?.intake
    this.#transaction = null
    await intake?.discard()
  }

  /** A pause that the core asked for ends early with the connection. */
  async #pause(milliseconds: number): Promise<SmtpAnswer> {
    const { parts, sink } = this.#context
    try {
      await parts.clock.sleep(milliseconds, sink.gone)
    } catch (error) {
      if (!sink.gone.aborted) throw error
    }
    return goOn
  }

  async #atrn({ domains }: Of<'atrn'>): Promise<SmtpAnswer> {
    try {
      return await this.#turning.atrn(domains)
    } catch (error) {
      this.#context.trouble('atrn', error)
      // RFC 2645 §5.2.1: 451 where access cannot be verified now.
      return refuse(replies.atrnUnable)
    }
  }

  /** After XCLIENT the session begins anew as another client's: the filters are asked anew too. */
  async #speakFor({ type, client, attributes }: Proxied): Promise<SmtpAnswer> {
    if (type === 'xforward') {
      this.#context.forwarded = forwardedBy(this.#context.forwarded, attributes)
      return goOn
    }
    const answer = await speakFor(this.#context, attributes)
    if (answer !== goOn) return answer
    this.#policy?.closed()
    this.#policy = this.#openPolicy()
    return (await this.#policy?.connect(client)) ?? goOn
  }
}

const noteEvents: Record<SmtpNote, typeof smtpEvents.timedOut> = {
  'bare-newline': smtpEvents.bareNewline,
  'injected-plaintext': smtpEvents.injectedPlaintext,
  'http-request': smtpEvents.httpRequest,
  'overlong-line': smtpEvents.overlongLine,
  'too-many-errors': smtpEvents.tooManyErrors,
  'timed-out': smtpEvents.timedOut,
}
