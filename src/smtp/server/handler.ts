// Answers what the SMTP core asks, for one connection, over the directory, the store and delivery.
//
// - Trouble of ours never ends in a refusal for good: whatever is thrown is told as an event and answered 451, and the message
//   that was under way is discarded. A session goes on after it.
// - A message in the making belongs to one object, dropped by `reset`, by the next MAIL, or with the connection.
import type { Checkpoint } from '../../base/checkpoint.ts'
import type { Clock } from '../../base/clock.ts'
import type { Handler, Peer } from '../../base/core.ts'
import type { Random } from '../../base/random.ts'
import type { Resolver } from '../../base/resolver.ts'
import type { ArrivalRecipient, Delivery } from '../../delivery/delivery.ts'
import type { Directory } from '../../directory/directory.ts'
import { errorText } from '../../events/error-text.ts'
import type { Events } from '../../events/event.ts'
import * as smtpEvents from '../../events/smtp.ts'
import { addressKey, formatAddress, tryAddress, type Address } from '../../mail/address.ts'
import type { Ingest } from '../../store/ingest.ts'
import { goOn, type SmtpAnswer, type SmtpNote, type SmtpQuestion } from '../proto/questions.ts'
import { replies, type Reply } from '../proto/reply.ts'
import { Login } from './login.ts'
import { receiveMessage } from './receive.ts'
import { judgeRecipient } from './recipients.ts'
import { findReverseName } from './reverse-name.ts'
import type { SmtpRole } from './role.ts'

/** What all sessions of a listener share. */
export interface HandlerParts {
  readonly role: SmtpRole
  readonly hostName: string
  readonly directory: Directory
  readonly delivery: Delivery
  /** Opens a place for a message's bytes. */
  readonly stage: () => Ingest
  readonly events: Events
  readonly clock: Clock
  readonly random: Random
  /** Null where clients' names are not looked up. */
  readonly resolver: Resolver | null
  readonly checkpoint?: Checkpoint | undefined
}

type Of<Type extends SmtpQuestion['type']> = Extract<SmtpQuestion, { type: Type }>

/** Bits of a session's identifier: enough never to meet another in a log. Its messages are numbered behind it. */
const idBits = 80

export class SmtpHandler implements Handler<SmtpQuestion, SmtpAnswer> {
  readonly #parts: HandlerParts
  readonly #peer: Peer
  readonly #login: Login
  #remoteName: string | null = null
  /** Mailboxes of the accepted recipients. */
  #recipients: ArrivalRecipient[] = []
  #staged: Ingest | null = null
  #sessionId = ''
  #messages = 0

  constructor(parts: HandlerParts, peer: Peer) {
    this.#parts = parts
    this.#peer = peer
    const protocol = parts.role === 'submission' ? 'submission' : 'smtp'
    this.#login = new Login(parts.directory, { remoteAddress: peer.remoteAddress, protocol })
  }

  answer(question: SmtpQuestion): SmtpAnswer | Promise<SmtpAnswer> {
    switch (question.type) {
      case 'connect':
        this.#lookUpName()
        return goOn
      case 'mail':
        return this.#mail(question)
      case 'rcpt':
        return this.#guard('rcpt', () => this.#rcpt(question))
      case 'data':
        this.#staged = this.#parts.stage()
        this.#parts.checkpoint?.('smtp.data-accepted')
        return goOn
      case 'content':
        return this.#content(question.bytes)
      case 'end':
        return this.#guard('end', () => this.#end(question))
      case 'reset':
        return this.#reset()
      case 'verify':
        return this.#guard('verify', () => this.#verify(question))
      case 'expand':
        return this.#guard('expand', () => this.#expand(question))
      case 'check-password':
        return this.#login.checkPassword(question)
      case 'need-credentials':
        return this.#login.findCredentials(question)
      case 'authenticated':
        return this.#login.authenticated(question)
      case 'auth-failed':
        this.#login.giveUp()
        return goOn
      case 'note':
        this.#note(question.note)
        return goOn
      case 'hello':
      case 'xclient':
      case 'xforward':
        return goOn
      case 'pause':
        return this.#parts.clock.sleep(question.milliseconds).then(() => goOn)
      case 'etrn':
      case 'turn':
      case 'atrn':
        return { type: 'reply', reply: replies.notImplemented }
    }
  }

  failed(question: SmtpQuestion): SmtpAnswer {
    switch (question.type) {
      case 'check-password':
      case 'need-credentials':
        return { type: 'refused', reason: 'unavailable' }
      case 'connect':
        return { type: 'reply', reply: replies.trouble }
      case 'authenticated':
        return { type: 'reply', reply: replies.authUnavailable }
      default:
        return troubleAnswer
    }
  }

  async closed(): Promise<void> {
    this.#login.giveUp()
    await this.#discard()
  }

  #lookUpName(): void {
    const { resolver } = this.#parts
    if (resolver === null) return
    void findReverseName(resolver, this.#peer.remoteAddress).then((name) => {
      this.#remoteName = name
    })
  }

  /** RFC 6409 §6.1: whoever submits may only use his own addresses. */
  #mail({ client, sender }: Of<'mail'>): SmtpAnswer | Promise<SmtpAnswer> {
    this.#recipients = []
    if (client.username === null) this.#login.forget()
    const { reversePath } = sender
    if (this.#parts.role !== 'submission' || reversePath === null) return goOn
    return this.#guard('mail', async () => {
      const reply = await this.#foreignSender(reversePath)
      if (reply === null) return goOn
      this.#parts.events.emit(smtpEvents.senderRefused, {
        ...this.#who(),
        username: client.username ?? '',
        reversePath: formatAddress(reversePath),
      })
      return { type: 'reply', reply }
    })
  }

  /** Null where the address leads to the account that logged in; else the reply. */
  async #foreignSender(address: Address): Promise<Reply | null> {
    const { account } = this.#login
    if (account === null) return replies.authFirst
    if (addressKey(address) === account.address) return null
    const resolution = await this.#parts.directory.resolve(address)
    // A full mailbox does not say whose it is.
    if (resolution.type === 'over-quota') return replies.mailboxFull
    const own =
      resolution.type === 'local' &&
      resolution.recipients.some((recipient) => recipient.account.id === account.id)
    return own ? null : replies.senderNotYours
  }

  async #rcpt({ envelope, recipient }: Of<'rcpt'>): Promise<SmtpAnswer> {
    const { role, directory, events } = this.#parts
    const { address } = recipient
    const verdict = await judgeRecipient(directory, { role, address, size: envelope.sender.size })
    if (verdict.ok) {
      for (const { account, deliveredTo } of verdict.recipients) {
        this.#recipients.push({ account: account.id, deliveredTo })
      }
      return goOn
    }
    events.emit(smtpEvents.recipientRefused, {
      ...this.#who(),
      recipient: address === null ? 'postmaster' : formatAddress(address),
      reason: verdict.reason,
    })
    return { type: 'reply', reply: verdict.reply }
  }

  #content(bytes: Uint8Array): SmtpAnswer | Promise<SmtpAnswer> {
    const staged = this.#staged
    if (staged === null) throw new Error('content without a message')
    try {
      const room = staged.write(bytes)
      this.#parts.checkpoint?.('smtp.content')
      if (room === undefined) return goOn
      return room.then(
        () => goOn,
        (error: unknown) => this.#trouble('content', error),
      )
    } catch (error) {
      return this.#trouble('content', error)
    }
  }

  async #end({ client, envelope }: Of<'end'>): Promise<SmtpAnswer> {
    const { delivery, events, clock, hostName } = this.#parts
    const staged = this.#staged
    if (staged === null) throw new Error('the end of a message that never began')
    const recipients = this.#recipients
    const id = this.#nextId()
    this.#staged = null
    this.#recipients = []
    const outcome = await receiveMessage(delivery, {
      checkpoint: this.#parts.checkpoint,
      staged,
      recipients,
      arrived: {
        ...{ client, envelope, hostName, id },
        peer: this.#peer,
        remoteName: this.#remoteName,
        time: clock.now(),
      },
    })
    const { reversePath } = envelope.sender
    const what = { ...this.#who(), id, reversePath: reversePath === null ? '' : formatAddress(reversePath) }
    if (!outcome.ok) {
      events.emit(smtpEvents.messageRefused, { ...what, reason: outcome.reason })
      return { type: 'reply', reply: outcome.reply }
    }
    for (const { deliveredTo } of outcome.vanished) {
      events.emit(smtpEvents.recipientVanished, { role: this.#parts.role, id, recipient: deliveredTo })
    }
    events.emit(smtpEvents.messageAccepted, { ...what, recipients: recipients.length, bytes: outcome.bytes })
    this.#parts.checkpoint?.('smtp.before-reply')
    return { type: 'reply', reply: outcome.reply }
  }

  #nextId(): string {
    if (this.#sessionId === '') this.#sessionId = this.#parts.random.id(idBits)
    this.#messages++
    return `${this.#sessionId}.${this.#messages}`
  }

  #reset(): SmtpAnswer | Promise<SmtpAnswer> {
    this.#recipients = []
    if (this.#staged === null) return goOn
    return this.#discard().then(
      () => goOn,
      (error: unknown) => this.#trouble('reset', error),
    )
  }

  async #discard(): Promise<void> {
    const staged = this.#staged
    this.#staged = null
    await staged?.discard()
  }

  /** RFC 5321 §3.5.3: the truth for those who logged in; others hear 252. */
  async #verify({ client, text, utf8 }: Of<'verify'>): Promise<SmtpAnswer> {
    if (this.#parts.role !== 'submission' || client.username === null) return goOn
    const address = tryAddress(text.replace(/^<(.*)>$/, '$1'), { utf8: true })
    if (address === undefined) return { type: 'reply', reply: replies.badForwardPath }
    const resolution = await this.#parts.directory.resolve(address)
    if (resolution.type === 'unknown-user') return { type: 'reply', reply: replies.noSuchUser }
    if (resolution.type === 'not-local') return goOn
    return toldAddresses([formatAddress(address)], utf8)
  }

  /** RFC 5321 §3.5.2: whose mailboxes an address leads to, for those who logged in; others hear 252. */
  async #expand({ client, text, utf8 }: Of<'expand'>): Promise<SmtpAnswer> {
    if (this.#parts.role !== 'submission' || client.username === null) return goOn
    const address = tryAddress(text.replace(/^<(.*)>$/, '$1'), { utf8: true })
    if (address === undefined) return { type: 'reply', reply: replies.badForwardPath }
    const resolution = await this.#parts.directory.resolve(address)
    if (resolution.type === 'unknown-user') return { type: 'reply', reply: replies.noSuchUser }
    if (resolution.type !== 'local') return goOn
    const members = resolution.recipients.map(({ account }) => account.address)
    return toldAddresses(members, utf8)
  }

  #note(note: SmtpNote): void {
    this.#parts.events.emit(noteEvents[note], this.#who())
  }

  #who(): { role: string; remoteAddress: string } {
    return { role: this.#parts.role, remoteAddress: this.#peer.remoteAddress }
  }

  async #guard(doing: string, work: () => Promise<SmtpAnswer>): Promise<SmtpAnswer> {
    try {
      return await work()
    } catch (error) {
      return this.#trouble(doing, error)
    }
  }

  #trouble(doing: string, error: unknown): SmtpAnswer {
    this.#parts.events.emit(smtpEvents.localTrouble, { ...this.#who(), doing, error: errorText(error) })
    return troubleAnswer
  }
}

/** RFC 6531 §3.7.4.2: UTF-8 is replied to those alone who can read it; others hear 252. */
function toldAddresses(addresses: readonly string[], utf8: boolean): SmtpAnswer {
  if (!utf8 && addresses.some((address) => /[^\x20-\x7e]/.test(address))) return goOn
  return { type: 'reply', reply: replies.verified(addresses) }
}

const troubleAnswer: SmtpAnswer & { reply: Reply } = { type: 'reply', reply: replies.localTrouble }

const noteEvents = {
  'bare-newline': smtpEvents.bareNewline,
  'injected-plaintext': smtpEvents.injectedPlaintext,
  'http-request': smtpEvents.httpRequest,
  'overlong-line': smtpEvents.overlongLine,
  'too-many-errors': smtpEvents.tooManyErrors,
  'timed-out': smtpEvents.timedOut,
} as const
