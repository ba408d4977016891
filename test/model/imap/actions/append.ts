// APPEND of one message and of several (RFC 3502), and REPLACE (RFC 8508).
import assert from 'node:assert/strict'
import { codesIn, numbersIn } from '../responses.ts'
import { chooseFlags, chooseName, toSet, vocabulary } from './action.ts'
import { formatDate } from '../observer.ts'
import type { Action, Making, MakingOnView } from './action.ts'
import type { Content, Mailbox, Message } from '../mailboxes.ts'
import type { Dice } from '../dice.ts'

const day = 86_400_000

interface NewMessage {
  readonly text: string
  readonly message: Pick<Message, 'content' | 'flags' | 'date'>
}

function chooseContent(dice: Dice, now: number): Content {
  const subject = `${dice.pick(vocabulary)} ${dice.pick(vocabulary)}`
  const from = `${dice.pick(vocabulary).toLowerCase()}@example.net`
  const sent = Math.floor((now - dice.below(400) * day) / day) * day
  const date = new Date(sent + 3_600_000 * 12).toUTCString().replace('GMT', '+0000')
  const body = Array.from({ length: dice.below(6) }, () => dice.pick(vocabulary)).join(' ')
  const text = `From: ${from}\r\nSubject: ${subject}\r\nDate: ${date}\r\n\r\n${body}${body === '' ? '' : '\r\n'}`
  return { text, subject, from, body, sent }
}

function chooseMessage({ dice, now }: Making): NewMessage {
  const content = chooseContent(dice, now)
  const flags = dice.oneIn(2) ? chooseFlags(dice) : null
  let date = now
  let written = ''
  if (dice.oneIn(2)) {
    date = Math.floor((now - dice.below(800) * 3_600_000) / 1000) * 1000
    const zone = { sign: dice.pick([1, -1] as const), minutes: dice.pick([0, 30, 60, 345, 780]) }
    written = ` "${formatDate(date, zone)}"`
  }
  const list = flags === null ? '' : ` (${flags.join(' ')})`
  const literal = dice.pick(['', '~'])
  return {
    text: `${list}${written} ${literal}{${content.text.length}+}\r\n${content.text}`,
    message: { content, flags: toSet(flags ?? []), date: Math.floor(date / 1000) * 1000 },
  }
}

function addTo(mailbox: Mailbox, news: readonly NewMessage[]): Message[] {
  return news.map(({ message }) => mailbox.add({ ...message, email: { id: '' } }))
}

export function append(making: Making): Action {
  const { dice, session } = making
  const name = chooseName(making)
  const mailbox = session.account.find(name)
  const news = Array.from(
    {
      length: dice.weighted([
        [1, 5],
        [2, 2],
        [4, 1],
      ] as const),
    },
    () => chooseMessage(making),
  )
  const there = mailbox?.selectable === true
  return {
    text: `APPEND ${name}${news.map(({ text }) => text).join('')}`,
    expect: [there ? 'OK' : 'NO'],
    apply(answer) {
      if (mailbox === undefined || !there) {
        assert.ok(codesIn(answer, 'TRYCREATE').length === 1, 'TRYCREATE')
        return
      }
      checkUids(answer, 'APPENDUID', { mailbox, added: addTo(mailbox, news) })
    },
  }
}

function checkUids(
  answer: Parameters<NonNullable<Action['apply']>>[0],
  code: string,
  { mailbox, added }: { mailbox: Mailbox; added: readonly Message[] },
): void {
  const [validity, uids = ''] = (codesIn(answer, code)[0] ?? '').split(' ')
  assert.equal(Number(validity), mailbox.uidValidity || Number(validity), `UIDVALIDITY of ${code}`)
  assert.deepEqual(
    numbersIn(uids),
    added.map(({ uid }) => uid),
    code,
  )
}

/** REPLACE n mailbox (…), of a message that is there. */
export function replace(making: MakingOnView): Action | null {
  const { dice, session, view } = making
  if (view.entries.length === 0) return null
  const uid = session.modes.uidOnly || dice.oneIn(2)
  const index = dice.below(view.entries.length)
  const entry = view.entries[index]
  if (entry === undefined) return null
  const name = chooseName(making)
  const mailbox = session.account.find(name)
  const message = chooseMessage(making)
  const gone = view.isGone(entry)
  const works = mailbox?.selectable === true && !gone && !view.readOnly
  return {
    text: `${uid ? 'UID ' : ''}REPLACE ${uid ? entry.uid : index + 1} ${name}${message.text}`,
    expect: [works ? 'OK' : 'NO'],
    apply(answer) {
      if (!works) return
      const added = addTo(mailbox, [message])
      view.mailbox.expunge((each) => each.uid === entry.uid)
      checkUids(answer, 'APPENDUID', { mailbox, added })
    },
  }
}
