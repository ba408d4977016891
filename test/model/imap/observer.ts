// A session of its own that looks at mailboxes after they changed (EXAMINE, which changes nothing) and holds them to the model. From it the
// model learns mod-sequences and UIDVALIDITY, and whether the server chose them as it must:
//
// - RFC 7162 §2, §3.1: a change gives a message a mod-sequence above all that the mailbox had before; without one it keeps its own.
// - RFC 3501 §2.3.1.1: UIDVALIDITY of a mailbox never changes, and no other mailbox of that name had it or a greater one before.
import { codesIn, Illegal, isList, numberOf, pairsOf, readResponses, wordOf, wordsOf } from './responses.ts'
import { ImapClient } from '../../support/imap-session.ts'
import type { Account, Mailbox, Message } from './mailboxes.ts'
import type { Answer, Value } from './responses.ts'
import type { Service } from './session.ts'

export class Observer {
  readonly #client: ImapClient
  readonly #account: Account
  #tag = 0

  constructor(account: Account, service: Service) {
    this.#account = account
    this.#client = new ImapClient(service)
  }

  async open(): Promise<void> {
    await this.#client.open(this.#account.address)
  }

  async close(): Promise<void> {
    await this.#client.leave()
  }

  async #ask(text: string): Promise<Answer> {
    await this.#client.send(`o${++this.#tag} ${text}\r\n`)
    const answer = readResponses(this.#client.take())
    if (answer.tagged?.status !== 'OK')
      throw new Illegal(`the observer's ${text} is answered ${JSON.stringify(answer.tagged)}`)
    return answer
  }

  /** Looks at all mailboxes of which the model says that they changed. */
  async look(): Promise<void> {
    for (const mailbox of this.#account.mailboxes) {
      if (!mailbox.dirty || !mailbox.selectable) continue
      await this.#lookAt(mailbox)
      mailbox.dirty = false
    }
  }

  async #lookAt(mailbox: Mailbox): Promise<void> {
    const opened = await this.#ask(`EXAMINE "${mailbox.name}"`)
    const exists = opened.untagged.find(({ name }) => name === 'EXISTS')?.number
    if (exists !== mailbox.messages.length)
      throw new Illegal(`${mailbox.name} has ${exists} messages and should have ${mailbox.messages.length}`)
    const value = (code: string): number => Number(codesIn(opened, code)[0])
    if (value('UIDNEXT') !== mailbox.uidNext)
      throw new Illegal(`${mailbox.name} has UIDNEXT ${value('UIDNEXT')} and should have ${mailbox.uidNext}`)
    this.#learnUidValidity(mailbox, value('UIDVALIDITY'))
    const highest = value('HIGHESTMODSEQ')
    if (highest < mailbox.modSeq) throw new Illegal(`HIGHESTMODSEQ of ${mailbox.name} falls to ${highest}`)
    if (exists > 0) {
      const fetched = await this.#ask('UID FETCH 1:* (FLAGS INTERNALDATE RFC822.SIZE MODSEQ EMAILID)')
      const rows = fetched.untagged
        .filter(({ name }) => name === 'FETCH')
        .map(({ values }) => pairsOf(values[0]))
      if (rows.length !== exists) throw new Illegal(`${rows.length} of ${exists} messages are told`)
      for (const [index, message] of mailbox.messages.entries())
        learnMessage(mailbox, message, { row: rows[index] ?? new Map(), highest })
    }
    const risen = mailbox.messages.some(({ modSeq }) => modSeq > mailbox.modSeq)
    const expunged = mailbox.gone.some(({ upTo }) => upTo === Infinity)
    if ((risen || expunged) && highest <= mailbox.modSeq)
      throw new Illegal(`HIGHESTMODSEQ of ${mailbox.name} stays at ${highest}`)
    for (const each of mailbox.gone) each.upTo = Math.min(each.upTo, highest)
    mailbox.modSeq = highest
  }

  #learnUidValidity(mailbox: Mailbox, value: number): void {
    if (mailbox.uidValidity === value) return
    if (mailbox.uidValidity !== 0) throw new Illegal(`UIDVALIDITY of ${mailbox.name} changes`)
    mailbox.uidValidity = value
    for (const other of this.#account.all)
      if (other !== mailbox && other.name === mailbox.name && other.uidValidity >= value)
        throw new Illegal(
          `${mailbox.name} comes again with UIDVALIDITY ${value}, and had ${other.uidValidity}`,
        )
  }
}

function learnMessage(
  mailbox: Mailbox,
  message: Message,
  { row, highest }: { row: ReadonlyMap<string, Value>; highest: number },
): void {
  const { uid, content, news } = message
  const where = `UID ${uid} of ${mailbox.name}`
  if (numberOf(row.get('UID')) !== uid)
    throw new Illegal(`${where} is told as UID ${numberOf(row.get('UID'))}`)
  const flags = wordsOf(row.get('FLAGS')).filter((flag) => flag !== '\\recent')
  if (flags.join(' ') !== [...message.flags].sort().join(' '))
    throw new Illegal(
      `${where} has (${flags.join(' ')}) and should have (${[...message.flags].sort().join(' ')})`,
    )
  if (numberOf(row.get('RFC822.SIZE')) !== content.text.length) throw new Illegal(`${where} has another size`)
  if (dateOf(wordOf(row.get('INTERNALDATE'))) !== message.date)
    throw new Illegal(
      `${where} is of ${wordOf(row.get('INTERNALDATE'))}, not ${new Date(message.date).toISOString()}`,
    )
  const value = row.get('MODSEQ')
  const modSeq = isList(value) ? numberOf(value[0]) : 0
  if (modSeq > highest)
    throw new Illegal(`${where} has mod-sequence ${modSeq} above HIGHESTMODSEQ ${highest}`)
  if (news === 'none' && modSeq !== message.modSeq)
    throw new Illegal(`${where} has another mod-sequence, and did not change`)
  if (news === 'changed' && modSeq <= mailbox.modSeq)
    throw new Illegal(`${where} changed, and its mod-sequence ${modSeq} did not`)
  message.modSeq = modSeq
  message.news = 'none'
  const email = row.get('EMAILID')
  const id = isList(email) ? wordOf(email[0]) : ''
  if (message.email.id !== '' && message.email.id !== id) throw new Illegal(`${where} has another EMAILID`)
  message.email.id = id
}

const months = ['Jan', 'Feb', 'Mar', 'Apr', 'May', 'Jun', 'Jul', 'Aug', 'Sep', 'Oct', 'Nov', 'Dec']

/** `date-time` of RFC 9051 §9. */
export function dateOf(text: string): number {
  const match = /^([ \d]\d)-(\w{3})-(\d{4}) (\d\d):(\d\d):(\d\d) ([-+])(\d\d)(\d\d)$/.exec(text)
  if (match === null) throw new Illegal(`not a date-time: ${text}`)
  const [, day, month = '', year, hour, minute, second, sign, zoneHour, zoneMinute] = match
  const local = Date.UTC(
    Number(year),
    months.indexOf(month),
    Number(day),
    Number(hour),
    Number(minute),
    Number(second),
  )
  const offset = (Number(zoneHour) * 60 + Number(zoneMinute)) * 60_000
  return sign === '-' ? local + offset : local - offset
}

/** `date-time`, at a zone. */
export function formatDate(time: number, zone: { sign: 1 | -1; minutes: number }): string {
  const two = (number: number): string => String(number).padStart(2, '0')
  const at = new Date(time + zone.sign * zone.minutes * 60_000)
  const day = String(at.getUTCDate()).padStart(2, ' ')
  const date = `${day}-${months[at.getUTCMonth()]}-${at.getUTCFullYear()}`
  const clock = `${two(at.getUTCHours())}:${two(at.getUTCMinutes())}:${two(at.getUTCSeconds())}`
  const offset = `${two(Math.floor(zone.minutes / 60))}${two(zone.minutes % 60)}`
  return `${date} ${clock} ${zone.sign === 1 ? '+' : '-'}${offset}`
}

/** `date` of a search key: the UTC day. */
export function formatDay(time: number): string {
  const at = new Date(time)
  return `${at.getUTCDate()}-${months[at.getUTCMonth()]}-${at.getUTCFullYear()}`
}
