// Plays a plan: the same commands to the server and to the model, every response held to what is legal at its moment, and after each
// command every picture held to the model.
import { anywhere, guestKinds, onSelected } from './steps.ts'
import { Account } from './mailboxes.ts'
import { Dice } from './dice.ts'
import { Illegal, readResponses } from './responses.ts'
import { imapServer } from '../../support/imap-session.ts'
import { Observer } from './observer.ts'
import { openSqliteStore } from '../../../src/store/sqlite/index.ts'
import { resync } from './actions/sessions.ts'
import { SeededRandom } from '../../../src/base/seeded-random.ts'
import { guest, Session } from './session.ts'
import { VirtualClock } from '../../../src/base/virtual-clock.ts'
import type { Action, Making } from './actions/action.ts'
import type { Answer } from './responses.ts'
import { postgresStore } from '../postgres-store.ts'
import type { Engine } from '../run-model.ts'
import type { Outcome } from '../shrink.ts'
import type { Store } from '../../../src/store/store.ts'
import type { Plan, Step } from './steps.ts'

/** Plays it from an empty account. */
export async function play(plan: Plan, engine: Engine = 'memory'): Promise<Outcome> {
  const clock = new VirtualClock()
  const store = await openStore(clock, engine)
  const house = new House(clock, imapServer(store, {}, { clock }).service)
  let at = -1
  try {
    await house.open(plan)
    for (at = 0; at < plan.steps.length; at++) {
      const step = plan.steps[at]
      if (step !== undefined) await house.take(step)
    }
    await house.close()
    const faults = await store.audit()
    const complaint = faults.length === 0 ? null : `the audit of the store: ${JSON.stringify(faults)}`
    return { complaint, transcript: house.transcript, at }
  } catch (error) {
    return { complaint: wordsOf(error), transcript: house.transcript, at }
  } finally {
    await store.close()
  }
}

/** Most changes of flags go to blocks, and some to rows. */
const limits = { flagBlockChanges: 2, flagBlockUids: 5 }

function openStore(clock: VirtualClock, engine: Engine): Promise<Store> {
  // It is closed below.
  if (engine === 'postgres') return postgresStore({ after: () => undefined }, limits)
  return openSqliteStore({
    folder: ':memory:',
    ...{ clock, random: new SeededRandom(1), limits },
    onListenerError(error) {
      throw error
    },
  })
}

function wordsOf(error: unknown): string {
  if (!(error instanceof Error)) return String(error)
  if (error instanceof Illegal) return error.message
  if (error.cause instanceof Error) return `${error.message}: ${error.cause.stack ?? ''}`
  return `${error.message} ${error.stack?.split('\n').find((line) => line.includes(' at ')) ?? ''}`
}

type Service = ReturnType<typeof imapServer>['service']

/** Turns of the event loop after which a session in IDLE has been told. */
const turns = 20

class House {
  readonly transcript: string[] = []
  readonly #clock: VirtualClock
  readonly #service: Service
  readonly #account = new Account('ann@example.org')
  readonly #observer: Observer
  #sessions: Session[] = []

  constructor(clock: VirtualClock, service: Service) {
    this.#clock = clock
    this.#service = service
    this.#observer = new Observer(this.#account, service)
  }

  async open({ sessions, hasGuest }: Plan): Promise<void> {
    const service = this.#service
    this.#sessions = Array.from({ length: sessions }, (_, index) => {
      const isGuest = hasGuest && index === sessions - 1
      return new Session('abcd'.charAt(index), this.#account, { service, isGuest })
    })
    for (const session of this.#sessions) await session.open()
    await this.#observer.open()
    await this.#observer.look()
    const [first] = this.#sessions
    if (hasGuest && first !== undefined)
      await this.#do(first, { text: `SETACL INBOX ${guest} lrswite`, expect: ['OK'] })
  }

  async close(): Promise<void> {
    for (const session of this.#sessions) {
      await this.#endIdle(session)
      if (session.view !== null) await this.#do(session, { text: 'NOOP', expect: ['OK'] })
      await session.client.leave()
    }
    await this.#observer.close()
  }

  async take({ who, kind, seed }: Step): Promise<void> {
    const session = this.#sessions[who]
    if (session === undefined || (session.isGuest && !guestKinds.has(kind))) return
    const dice = new Dice(seed)
    const making: Making = { dice, session, now: this.#clock.now() }
    if (kind === 'wait') return this.#clock.advance(dice.between(1, 90_000) * 1000)
    await this.#endIdle(session)
    if (kind === 'idle') return this.#startIdle(session)
    if (kind === 'drop') return this.#drop(session, making)
    if (kind === 'return') return this.#comeBack(session, making)
    if (kind in anywhere) return this.#do(session, anywhere[kind as keyof typeof anywhere](making))
    if (session.view === null) return
    const action = onSelected[kind as keyof typeof onSelected]({ ...making, view: session.view })
    if (action !== null) await this.#do(session, action)
  }

  async #do(session: Session, action: Action): Promise<void> {
    const tag = session.nextTag()
    this.#say(session, 'C', `${tag} ${action.text}`)
    session.view?.begin()
    await session.client.send(`${tag} ${action.text}\r\n`)
    const octets = session.client.take()
    this.#say(session, 'S', octets)
    const answer = readResponses(octets)
    this.#checkTag(session, answer, { tag, action })
    const before = session.view
    action.apply?.(answer)
    await this.#observer.look()
    const { view } = session
    if (view !== before) view?.begin()
    const heard = view === before ? answer.untagged : afterClosed(answer)
    for (const response of heard)
      view?.hear(response, { holds: action.holds === true, earlier: action.earlier === true })
    if (view !== null && answer.tagged !== null && answer.tagged.code.startsWith('HIGHESTMODSEQ'))
      view.hear(
        { ...answer.tagged, name: 'OK', number: 0, values: [], line: '' },
        { holds: true, earlier: false },
      )
    action.check?.(answer)
    view?.settle()
    session.watching?.refresh()
    // What was refused need not tell what happened meanwhile.
    if (answer.tagged?.status === 'OK' && action.tellsNothing !== true)
      view?.compare({ holds: action.holds === true })
    await this.#hearIdlers()
  }

  #checkTag(session: Session, { tagged }: Answer, { tag, action }: { tag: string; action: Action }): void {
    if (session.client.failure !== null)
      throw new Error('the handler threw', { cause: session.client.failure })
    if (tagged === null || tagged.tag !== tag) throw new Illegal(`no tagged response to ${action.text}`)
    if (!action.expect.some((status) => status === tagged.status))
      throw new Illegal(`answered ${tagged.status} [${tagged.code}] and not ${action.expect.join(' or ')}`)
  }

  #say({ name }: Session, who: 'C' | 'S', octets: string): void {
    const lines = octets.split('\r\n')
    if (lines.at(-1) === '') lines.pop()
    for (const line of lines) this.transcript.push(`${name} ${who}: ${line}`)
  }

  // IDLE

  async #startIdle(session: Session): Promise<void> {
    const tag = session.nextTag()
    this.#say(session, 'C', `${tag} IDLE`)
    await session.client.send(`${tag} IDLE\r\n`)
    session.idling = tag
    await this.#hearIdler(session)
  }

  async #endIdle(session: Session): Promise<void> {
    const tag = session.idling
    if (tag === null) return
    this.#say(session, 'C', 'DONE')
    session.view?.begin()
    await session.client.send('DONE\r\n')
    const octets = session.client.take()
    this.#say(session, 'S', octets)
    session.idling = null
    const answer = readResponses(octets)
    this.#checkTag(session, answer, { tag, action: { text: 'IDLE', expect: ['OK'] } })
    for (const response of answer.untagged) session.view?.hear(response, { holds: false, earlier: false })
    session.view?.settle()
    session.view?.compare({ holds: false })
  }

  async #hearIdlers(): Promise<void> {
    if (!this.#sessions.some(isTold)) return
    for (let turn = 0; turn < turns; turn++) await new Promise((resolve) => setImmediate(resolve))
    for (const session of this.#sessions) if (isTold(session)) await this.#hearIdler(session)
  }

  async #hearIdler(session: Session): Promise<void> {
    await session.client.quiet()
    const octets = session.client.take()
    this.#say(session, 'S', octets)
    const { untagged } = readResponses(octets)
    const { view, notified } = session
    // RFC 5465 §6.1.2: SELECTED-DELAYED lets no message lose its number unless a command is at work.
    const holds = notified === 'delayed' && session.idling === null
    for (const response of untagged) {
      view?.hear(response, { holds, earlier: false })
      session.watching?.hear(response)
    }
    view?.compare({ holds })
    session.watching?.compare()
  }

  // Connections

  async #drop(session: Session, { dice }: Making): Promise<void> {
    session.remember()
    // What the client keeps may be from before: it did not get to write it down.
    if (dice.oneIn(3)) session.cache = null
    this.transcript.push(`${session.name} drop`)
    await session.reopen()
  }

  async #comeBack(session: Session, making: Making): Promise<void> {
    await this.#drop(session, { ...making, dice: new Dice(0) })
    session.modes.condstore = session.modes.qresync = true
    await this.#do(session, { text: 'ENABLE QRESYNC', expect: ['OK'] })
    const { cache } = session
    if (cache === null) return
    await this.#do(session, resync(making, cache))
    if (session.view === null) return
    const from = cache.mailbox === session.view.mailbox ? cache.unknownFrom : 1
    await this.#do(session, { text: `UID FETCH ${from}:* (FLAGS)`, expect: ['OK'] })
  }
}

/** What happens is told without being asked for. */
function isTold({ idling, notified }: Session): boolean {
  return idling !== null || notified !== null
}

/** What comes behind CLOSED is about the new mailbox (RFC 7162 §3.2.11). */
function afterClosed({ untagged }: Answer): Answer['untagged'] {
  const closed = untagged.findIndex(({ code }) => code === 'CLOSED')
  return untagged.slice(closed + 1)
}
