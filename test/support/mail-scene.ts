// An account with mail in it, for tests that read by JMAP: messages are put into mailboxes and flagged as by SMTP and IMAP.
import assert from 'node:assert/strict'
import { Buffer } from 'node:buffer'
import type { TestContext } from 'node:test'
import { encodeStructure } from '../../src/mail/mime/codec.ts'
import { MimeWalker } from '../../src/mail/mime/walker.ts'
import type { Account, MailboxId } from '../../src/store/model.ts'
import { mailHouse, type Loose, type MailHouse } from './mail-house.ts'

export interface Letter {
  readonly subject?: string
  readonly from?: string
  readonly to?: string
  readonly id?: string
  readonly references?: string
  readonly body?: string
  readonly type?: string
  readonly header?: string
  readonly mailbox?: string
  readonly flags?: number
  readonly keywords?: string
  readonly at?: number
}

export class MailScene {
  readonly mail: MailHouse
  readonly account: Account
  #serial = 0

  constructor(mail: MailHouse) {
    this.mail = mail
    this.account = mail.ann
  }

  static async open(context: TestContext): Promise<MailScene> {
    return new MailScene(await mailHouse(context))
  }

  async call(name: string, args: object, as?: Account): Promise<Loose> {
    return (await this.mail.call(name, args, as)) as Loose
  }

  async refusal(name: string, args: object): Promise<unknown> {
    const [answer] = await this.mail.calls([[name, args, '0']])
    assert.equal(answer?.[0], 'error', JSON.stringify(answer))
    return (answer[1] as Loose)['type']
  }

  async boxOf(name = 'INBOX'): Promise<MailboxId> {
    const { store } = this.mail.house
    const found = await store.findMailbox({ account: this.account.id, name })
    if (found) return found.id
    const made = await store.createMailbox({ account: this.account.id, name, now: 0 })
    assert.ok(made.ok)
    return made.mailbox.id
  }

  box(name = 'INBOX'): Promise<string> {
    return this.mail.mailbox(name)
  }

  /** Puts a message into a mailbox; the id of its email. */
  async put(letter: Letter = {}): Promise<string> {
    const { store } = this.mail.house
    const serial = ++this.#serial
    const {
      subject = `S${serial}`,
      from = 'Joe <joe@x.test>',
      to = 'ann@x.test',
      id = `${serial}@x`,
    } = letter
    const lines = [
      `From: ${from}`,
      `To: ${to}`,
      `Subject: ${subject}`,
      `Message-ID: <${id}>`,
      ...(letter.references === undefined ? [] : [`References: <${letter.references}>`]),
      ...(letter.header === undefined ? [] : [letter.header]),
      ...(letter.type === undefined ? [] : [`Content-Type: ${letter.type}`]),
    ]
    const text = `${lines.join('\r\n')}\r\n\r\n${letter.body ?? 'Hello'}`
    const writer = store.blobs.stage()
    const bytes = Buffer.from(text, 'latin1')
    await writer.write(bytes)
    const walker = new MimeWalker()
    walker.push(bytes)
    const message = { blob: await writer.finish(), structure: encodeStructure(walker.finish()) }
    const { flags = 0, keywords = '', at = 1_000_000_000_000 + serial * 60_000 } = letter
    const messages = [{ message, flags, keywords, internalDate: at }]
    const place = { account: this.account.id, mailbox: await this.boxOf(letter.mailbox) }
    assert.ok((await store.append({ ...place, messages, now: 0 })).ok)
    const { emails } = await store.loadEmails(place)
    return `M${this.account.id}_${Math.max(...emails)}`
  }

  async flag(mailbox: string, uid: number, flags: number, mode: 'add' | 'remove' = 'add'): Promise<void> {
    const place = {
      account: this.account.id,
      mailbox: await this.boxOf(mailbox),
      uids: [[uid, uid]] as const,
    }
    const { store } = this.mail.house
    assert.ok((await store.setFlags({ ...place, mode, flags, keywords: [] })).ok)
  }

  async ids(args: object): Promise<string[]> {
    return (await this.call('Email/query', args))['ids']
  }
}
