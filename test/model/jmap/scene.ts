// What actions act on: the server with its clients, the model, and what is being said.
import assert from 'node:assert/strict'
import { textAt } from '../../support/jmap-house.ts'
import type { JsonObject } from '../../../src/jmap/proto/json.ts'
import { ingest } from '../../../src/store/ingest.ts'
import type { Account } from '../../../src/store/model.ts'
import type { Store } from '../../../src/store/store.ts'
import { ImapClient } from '../../support/imap-session.ts'
import { imapServer } from '../../support/imap-session.ts'
import { mailHouse, type Ending, type MailHouse } from '../../support/mail-house.ts'
import { Dice } from '../imap/dice.ts'
import { readResponses, wordOf, wordsOf } from '../imap/responses.ts'
import { SharedModel, type Letter, type Mailbox } from './shared-model.ts'
import { say } from './views.ts'

export class Scene {
  readonly model = new SharedModel()
  readonly transcript: string[] = []
  readonly sessions: ImapClient[] = []
  /** The guest's INBOX, all of which the owner may change: a mailbox of another account. */
  readonly far = new SharedModel()
  /** How often what was is forgotten, and the newest state of emails then. */
  forgotten = 0
  forgottenAt = 0
  /** The same in the other account. */
  forgottenFarAt = 0
  readonly #mail: MailHouse
  readonly guest: Account
  #nr = 0

  private constructor(mail: MailHouse, guest: Account) {
    this.#mail = mail
    this.guest = guest
  }

  static async open(ending: Ending, store?: Store): Promise<{ scene: Scene; observer: ImapClient }> {
    const mail = await mailHouse(ending, store === undefined ? {} : { store })
    const { house, ann } = mail
    const { service } = imapServer(house.store, {}, { clock: house.clock })
    const guest = await house.account('ben')
    const scene = new Scene(mail, guest)
    for (let n = 0; n < 2; n++) scene.sessions.push(await new ImapClient(service).open(ann.address))
    const observer = await new ImapClient(service).open(ann.address)
    const bens = await new ImapClient(service).open(guest.address)
    ending.after(async () => {
      for (const client of [...scene.sessions, observer, bens]) await client.leave()
    })
    await scene.#begin(bens)
    return { scene, observer }
  }

  async #begin(bens: ImapClient): Promise<void> {
    const [session] = this.sessions
    assert.ok(session)
    const { model, guest } = this
    for (const name of ['Work', 'Work/A']) await say(session, `CREATE ${name}`)
    await say(session, `SETACL INBOX ${guest.address} lrswite`)
    await session.send('t LIST "" * RETURN (SUBSCRIBED)\r\n')
    for (const { name, values } of readResponses(session.take()).untagged) {
      if (name !== 'LIST') continue
      const mailbox = model.make(wordOf(values[2]))
      if (mailbox.path === 'INBOX') mailbox.role = 'inbox'
      if (mailbox.path === 'Trash') mailbox.role = 'trash'
      if (mailbox.path === 'INBOX') model.rights.set(mailbox, 'lrswite')
      if (wordsOf(values[0]).includes('\\subscribed')) model.subscribed.add(mailbox.path)
    }
    await say(bens, `SETACL INBOX ${this.#mail.ann.address} lrswite`)
    const inbox = this.far.make(`Other Users/${guest.address}/INBOX`)
    inbox.id = await this.#mail.mailbox('INBOX', guest)
    const dice = new Dice('strangers')
    for (let n = 0; n < 3; n++) await this.deliverFar(this.letter(dice))
  }

  /** The one mailbox of the other account. */
  get farInbox(): Mailbox {
    const inbox = this.far.mailboxes.at(-1)
    assert.ok(inbox)
    return inbox
  }

  async deliverFar(letter: Letter): Promise<void> {
    await this.deliver(letter, this.guest)
    this.far.put(this.far.emailOf(letter, this.now), this.farInbox, [])
  }

  /** Tombstones are kept for so long, and go when they were seen by an earlier collection. */
  async forget(): Promise<void> {
    const { store } = this.#mail.house
    this.note('garbage is collected, now and after 100 days')
    await store.collectGarbage({ now: this.clock.now() })
    await this.clock.advance('100d')
    await store.collectGarbage({ now: this.clock.now() })
    for (const model of [this.model, this.far]) model.forgetThreads()
    this.forgotten++
    const newest = async (account: Account): Promise<number> =>
      Number.parseInt(textAt(await this.#mail.call('Email/get', { ids: [] }, account), 'state'), 10)
    this.forgottenAt = await newest(this.#mail.ann)
    this.forgottenFarAt = await newest(this.guest)
  }

  /** The owner in the guest's account. */
  askedFar = (name: string, args: object): Promise<JsonObject> =>
    this.#mail.call(name, { accountId: `A${this.guest.id}`, ...args })

  tryAskedFar = (name: string, args: object): Promise<JsonObject | string> =>
    this.#try(name, { accountId: `A${this.guest.id}`, ...args }, this.#mail.ann)

  get clock() {
    return this.#mail.house.clock
  }

  /** Whole seconds, as JMAP tells. */
  get now(): number {
    return Math.floor(this.clock.now() / 1000) * 1000
  }

  letter(dice: Dice): Letter {
    const nr = ++this.#nr
    // Some are sent twice, and some refer to what never came.
    const own = dice.oneIn(8) ? `${dice.between(1, nr)}@x` : `${nr}@x`
    const names = [
      own,
      ...(dice.oneIn(2) ? [`${dice.between(1, nr + 3)}@x`] : []),
      ...(dice.oneIn(4) ? ['root@x'] : []),
    ]
    return {
      ...{ nr, names: [...new Set(names)] },
      subject: `Topic ${dice.between(1, 3)}`,
      from: `${dice.pick(['bea', 'cid', 'dan'])}@y.test`,
    }
  }

  async deliver(letter: Letter, to: Account = this.#mail.ann): Promise<void> {
    const { store } = this.#mail.house
    const staging = ingest({ blobs: store.blobs })
    await staging.write(Buffer.from(textOf(letter)))
    const { message } = await staging.finish()
    const targets = [{ account: to.id, prefix: 'Return-Path: <>\r\n' }]
    const done = await store.deliver({ message, internalDate: this.now, targets })
    assert.ok(done.ok)
    this.note(`deliver nr ${letter.nr}: ${letter.subject}, ${letter.names.join()}, to ${to.address}`)
  }

  upload(letter: Letter): Promise<string> {
    return this.#mail.house.upload(this.#mail.ann, textOf(letter), 'message/rfc822')
  }

  note(line: string): void {
    this.transcript.push(line)
  }

  /** Says it, and holds its status. */
  async imap(who: number, text: string, expected = 'OK'): Promise<void> {
    const session = this.sessions[who % this.sessions.length]
    assert.ok(session)
    this.note(`IMAP ${who}: ${text}`)
    const { tagged } = await say(session, text)
    assert.equal(tagged?.status, expected, `${text} is answered ${tagged?.status} ${tagged?.code}`)
  }

  /** The owner, or the guest in the owner's account. */
  asked = (name: string, args: object): Promise<JsonObject> => this.#mail.call(name, args)

  asGuest = (name: string, args: object): Promise<JsonObject> =>
    this.#mail.call(name, { accountId: `A${this.#mail.ann.id}`, ...args }, this.guest)

  /** The response, or the type of the error. */
  tryAsked = (name: string, args: object): Promise<JsonObject | string> =>
    this.#try(name, args, this.#mail.ann)

  tryAsGuest = (name: string, args: object): Promise<JsonObject | string> => this.#try(name, args, this.guest)

  async #try(name: string, args: object, as: Account): Promise<JsonObject | string> {
    const [answer] = await this.#mail.calls(
      [[name, { accountId: `A${this.#mail.ann.id}`, ...args }, '0']],
      as,
    )
    assert.ok(answer)
    return answer[0] === 'error' ? textAt(answer[1], 'type') : answer[1]
  }

  /** The owner's call with the calls that it makes, written down. */
  async copy(args: JsonObject): Promise<readonly JsonObject[]> {
    this.note(`JMAP owner: Email/copy ${JSON.stringify(args)}`)
    const answers = await this.#mail.calls([['Email/copy', args, '0']])
    assert.deepEqual(answers.map(([name]) => name).slice(0, 1), ['Email/copy'], JSON.stringify(answers))
    return answers.map(([, told]) => told)
  }

  get owner(): Account {
    return this.#mail.ann
  }

  /** A /set that is written down. */
  async set(name: string, args: object, as: 'owner' | 'guest' = 'owner'): Promise<JsonObject> {
    this.note(`JMAP ${as}: ${name} ${JSON.stringify(args)}`)
    return as === 'owner' ? this.asked(name, args) : this.asGuest(name, args)
  }
}

export function textOf({ nr, subject, from, names: [own = '', ...others] }: Letter): string {
  const references =
    others.length === 0 ? '' : `References: ${others.map((name) => `<${name}>`).join(' ')}\r\n`
  return (
    `From: ${from}\r\nSubject: ${subject}\r\nMessage-ID: <${own}>\r\n${references}` +
    `X-Nr: ${nr}\r\n\r\nText ${nr}.\r\n`
  )
}
