// Answers what the POP3 core asks, from the directory and the store: one for each connection.
//
// - The maildrop's lock is taken before anything is read and released whatever happens (RFC 1939 §4).
// - Messages are removed at QUIT only, in one commit, and only while the lock is still ours (RFC 1939 §6).
// - A store that fails is told to the client as [SYS/TEMP] (RFC 3206 §4), and to the log with its reason.
import { errorText } from '../../events/error-text.ts'
import {
  leaseLost,
  maildropOpened,
  maildropRefused,
  messagesRemoved,
  storeFailed,
} from '../../events/pop3.ts'
import { StoreUnavailable } from '../../store/store.ts'
import { Login } from './login.ts'
import { MaildropLock } from './maildrop-lock.ts'
import { MaildropReader } from './maildrop-reader.ts'
import type { Clock } from '../../base/clock.ts'
import type { Handler, Peer, Sink } from '../../base/core.ts'
import type { Random } from '../../base/random.ts'
import type { Directory } from '../../directory/directory.ts'
import type { Events } from '../../events/event.ts'
import type { Account } from '../../store/model.ts'
import type { Store } from '../../store/store.ts'
import type { LoginRefusal, Pop3Answer, Pop3Question } from '../proto/questions.ts'
import type { LoginDelay } from './login-delay.ts'

/** What all handlers of a listener share. */
export interface HandlerParts {
  readonly store: Store
  readonly directory: Directory
  readonly events: Events
  readonly clock: Clock
  readonly random: Random
  readonly loginDelay: LoginDelay
  readonly leaseMilliseconds: number
}

/** A maildrop that this session has locked and read. */
interface Opened {
  readonly account: Account
  readonly lock: MaildropLock
  readonly reader: MaildropReader
}

export class Pop3Handler implements Handler<Pop3Question, Pop3Answer> {
  readonly #parts: HandlerParts
  readonly #sink: Sink
  readonly #login: Login
  #opened: Opened | null = null

  constructor(parts: HandlerParts, sink: Sink, peer: Peer) {
    this.#parts = parts
    this.#sink = sink
    this.#login = new Login(parts.directory, { remoteAddress: peer.remoteAddress, protocol: 'pop3' })
  }

  answer(question: Pop3Question): Pop3Answer | Promise<Pop3Answer> {
    if (question.type === 'drain') return { type: 'done' }
    return this.#guard(question, () => this.#work(question))
  }

  failed(question: Pop3Question): Pop3Answer {
    return failureOf(question)
  }

  account(): string | null {
    return this.#opened?.account.address ?? null
  }

  async closed(): Promise<void> {
    this.#login.giveUp()
    const opened = this.#opened
    this.#opened = null
    if (opened === null) return
    await opened.reader.close()
    await this.#release(opened.lock)
  }

  async #guard(question: Pop3Question, work: () => Promise<Pop3Answer>): Promise<Pop3Answer> {
    try {
      return await work()
    } catch (error) {
      // Anything else is a fault of ours: the pump tells it and ends the session.
      if (!(error instanceof StoreUnavailable)) throw error
      this.#parts.events.emit(storeFailed, { during: question.type, error: errorText(error) })
      return failureOf(question)
    }
  }

  async #work(question: Pop3Question): Promise<Pop3Answer> {
    switch (question.type) {
      case 'log-in':
        return this.#enter(await this.#login.withPassword(question))
      case 'sasl':
        return this.#login.answer(question.question)
      case 'finish-sasl':
        return this.#enter(await this.#login.finish(question.authorizationId))
      case 'abandon-sasl':
        this.#login.giveUp()
        return { type: 'done' }
      case 'retrieve':
        return this.#maildrop().reader.retrieve(question)
      case 'stream':
        await this.#maildrop().reader.stream(this.#sink)
        return { type: 'done' }
      case 'update':
        return this.#update(question.uids)
      case 'drain':
        return { type: 'done' }
    }
  }

  #maildrop(): Opened {
    if (this.#opened === null) throw new Error('no maildrop is open')
    return this.#opened
  }

  async #enter(outcome: Account | LoginRefusal): Promise<Pop3Answer> {
    if (typeof outcome === 'string') return { type: 'refused', reason: outcome }
    const { events, loginDelay } = this.#parts
    const { address } = outcome
    const refused = (reason: LoginRefusal): Pop3Answer => {
      events.emit(maildropRefused, { address, reason })
      return { type: 'refused', reason }
    }
    if (loginDelay.isTooSoon(outcome.id)) return refused('login-delay')
    const opened = await this.#open(outcome)
    if (typeof opened === 'string') return refused(opened)
    this.#opened = opened
    loginDelay.noteLogin(outcome.id)
    return { type: 'opened', maildrop: opened.reader.contents }
  }

  async #open(account: Account): Promise<Opened | 'in-use' | 'unavailable'> {
    const { store, clock, events, random, leaseMilliseconds } = this.#parts
    const { address } = account
    const started = clock.monotonic()
    const lock = await MaildropLock.acquire({
      store,
      clock,
      account: account.id,
      holder: random.id(),
      milliseconds: leaseMilliseconds,
      onLost: () => events.emit(leaseLost, { address }),
    })
    if (lock === undefined) return 'in-use'
    let reader: MaildropReader | undefined
    try {
      reader = await MaildropReader.open(store, account.id)
    } finally {
      // RFC 1939 §4: a lock that was acquired is released before the command is rejected.
      if (reader === undefined) await this.#release(lock)
    }
    if (reader === undefined) return 'unavailable'
    const milliseconds = Math.round(clock.monotonic() - started)
    events.emit(maildropOpened, { address, messages: reader.contents.uids.length, milliseconds })
    return { account, lock, reader }
  }

  async #update(uids: readonly (readonly [number, number])[]): Promise<Pop3Answer> {
    const { account, lock, reader } = this.#maildrop()
    if (uids.length > 0) {
      if (!(await lock.confirm())) return { type: 'unavailable' }
      const request = { account: account.id, mailbox: reader.mailbox, uids, which: 'regardless' } as const
      const removed = await this.#parts.store.expunge(request)
      this.#parts.events.emit(messagesRemoved, { address: account.address, messages: removed.uids.length })
    }
    // Before the reply, so that a client that comes straight back finds the maildrop free.
    await this.#release(lock)
    return { type: 'done' }
  }

  // A lease that cannot be released runs out by itself, so this is told and goes no further.
  async #release(lock: MaildropLock): Promise<void> {
    try {
      await lock.release()
    } catch (error) {
      this.#parts.events.emit(storeFailed, { during: 'release', error: errorText(error) })
    }
  }
}

/** What leaves nothing promised. */
function failureOf(question: Pop3Question): Pop3Answer {
  switch (question.type) {
    case 'log-in':
    case 'finish-sasl':
      return { type: 'refused', reason: 'unavailable' }
    case 'sasl':
      return { type: 'sasl', answer: { type: 'refused', reason: 'unavailable' } }
    case 'retrieve':
    case 'update':
      return { type: 'unavailable' }
    case 'stream':
      return { type: 'broken' }
    case 'abandon-sasl':
    case 'drain':
      return { type: 'done' }
  }
}
