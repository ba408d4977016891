// FETCH and UID FETCH (RFC 9051 §6.4.5), with CHANGEDSINCE and VANISHED (RFC 7162 §3.1.4.1, §3.2.6).
import assert from 'node:assert/strict'
import { chooseSet } from '../sets.ts'
import { dateOf } from '../observer.ts'
import { numberOf, wordOf, isList } from '../responses.ts'
import { refusedNumbers } from './action.ts'
import type { Action, MakingOnView } from './action.ts'
import type { Dice } from '../dice.ts'
import type { Message } from '../mailboxes.ts'
import type { Value } from '../responses.ts'
import type { View } from '../view.ts'

interface Item {
  readonly text: string
  /** As the response names it. */
  readonly name: string
  readonly seen?: true
  check?(value: Value, message: Message): void
}

function section(text: string, of: (message: Message) => string | null): Item {
  return {
    text,
    name: text
      .toUpperCase()
      .replace('.PEEK', '')
      .replace(/<(\d+)\.\d+>/, '<$1>'),
    ...(text.includes('.PEEK') || !/^(?:BODY|BINARY)\[/.test(text) ? {} : { seen: true as const }),
    check: (value, message) => assert.equal(value === null ? null : wordOf(value), of(message), text),
  }
}

const header = ({ content }: Message): string => content.text.slice(0, content.text.indexOf('\r\n\r\n') + 4)
const body = ({ content }: Message): string => content.text.slice(content.text.indexOf('\r\n\r\n') + 4)

/** Told of every message by what the view knows, so that they are told of gone ones too. */
const flags: Item = { text: 'FLAGS', name: 'FLAGS' }
const uidItem: Item = { text: 'UID', name: 'UID' }
const modSeq: Item = { text: 'MODSEQ', name: 'MODSEQ' }

const items: readonly Item[] = [
  {
    text: 'INTERNALDATE',
    name: 'INTERNALDATE',
    check: (value, { date }) => assert.equal(dateOf(wordOf(value)), date),
  },
  {
    text: 'RFC822.SIZE',
    name: 'RFC822.SIZE',
    check: (value, { content }) => assert.equal(numberOf(value), content.text.length),
  },
  {
    text: 'EMAILID',
    name: 'EMAILID',
    check: (value, { email }) => assert.equal(isList(value) ? wordOf(value[0]) : '', email.id),
  },
  {
    text: 'ENVELOPE',
    name: 'ENVELOPE',
    check: (value, { content }) => assert.equal(isList(value) ? wordOf(value[1]) : '', content.subject),
  },
  section('BODY.PEEK[]', ({ content }) => content.text),
  section('BODY.PEEK[HEADER]', header),
  section('BODY.PEEK[TEXT]', body),
  section('BODY.PEEK[1]', body),
  section('BODY.PEEK[2]', () => null),
  section('BODY.PEEK[]<5.9>', ({ content }) => content.text.slice(5, 14)),
  section('BODY.PEEK[TEXT]<5000.9>', () => ''),
  section(
    'BODY.PEEK[HEADER.FIELDS (SUBJECT X-None)]',
    ({ content }) => `Subject: ${content.subject}\r\n\r\n`,
  ),
  section('BODY[]', ({ content }) => content.text),
  section('BODY[TEXT]', body),
  section('BINARY[1]', body),
  section('RFC822.HEADER', header),
  { ...section('RFC822.TEXT', body), seen: true },
]

function chooseItems(dice: Dice, rev2: boolean): Item[] {
  const some = [...dice.some([flags, uidItem]), ...(dice.oneIn(4) ? [modSeq] : [])]
  for (let count = dice.below(3); count > 0; count--) some.push(dice.pick(items))
  // RFC 9051 Appendix E (19): these are of IMAP4rev1.
  const possible = some.filter(({ name }) => !rev2 || !/^RFC822\.[HT]/.test(name))
  const once = [...new Map(possible.map((item) => [item.name, item])).values()]
  return once.length === 0 ? [flags] : once
}

export function fetch(making: MakingOnView): Action {
  const { dice, session, view } = making
  const uid = dice.oneIn(2) || (session.modes.uidOnly && dice.below(8) > 0)
  const set = chooseSet(dice, view, { uid })
  const wanted = chooseItems(dice, session.modes.rev2)
  const since = dice.oneIn(5) ? chooseModSeq(making) : null
  const vanished = since !== null && uid && session.modes.qresync && dice.oneIn(2)
  const list = wanted.length === 1 ? wanted[0]?.text : `(${wanted.map(({ text }) => text).join(' ')})`
  const modifier = since === null ? '' : ` (CHANGEDSINCE ${since}${vanished ? ' VANISHED' : ''})`
  const text = `${uid ? 'UID ' : ''}FETCH ${set.text} ${list}${modifier}`
  if (refusedNumbers(making, uid)) return { text, holds: !uid, expect: ['BAD'] }
  // RFC 7162 §3.1: both are CONDSTORE enabling.
  if (since !== null || wanted.includes(modSeq)) session.modes.condstore = true
  if (set.bad) return { text, holds: !uid, expect: ['BAD'] }
  const there = set.entries.filter((entry) => !view.isGone(entry))
  const gone = there.length < set.entries.length
  const told = there.flatMap((entry) => {
    const message = view.mailbox.find(entry.uid)
    return message === undefined || (since !== null && message.modSeq <= since) ? [] : [message]
  })
  return {
    text,
    holds: !uid,
    earlier: vanished,
    expect: gone ? ['OK', 'NO'] : ['OK'],
    apply() {
      if (!wanted.some(({ seen }) => seen) || view.readOnly) return
      for (const message of told)
        if (!message.flags.has('\\seen'))
          view.mailbox.setFlags(message, new Set([...message.flags, '\\seen']))
    },
    check() {
      const all = [
        ...wanted,
        ...(uid && !session.modes.uidOnly ? [uidItem] : []),
        ...(since === null ? [] : [modSeq]),
      ]
      checkTold(
        view,
        told,
        all.filter((item) => !(session.modes.uidOnly && item === uidItem)),
      )
      if (since !== null) checkNobodyElse(view, new Set(told.map((message) => message.uid)), all)
      if (vanished) checkVanished(view, { since, named: vanishable(set.text, view) })
    },
  }
}

function checkTold(view: View, messages: readonly Message[], wanted: readonly Item[]): void {
  for (const message of messages) {
    const responses = view.told.filter(
      ({ entry, pairs }) => entry.uid === message.uid && wanted.every(({ name }) => pairs.has(name)),
    )
    assert.ok(
      responses.length >= 1,
      `UID ${message.uid} is told with ${wanted.map(({ name }) => name).join(' ')}`,
    )
    for (const { pairs } of responses)
      for (const { name, check } of wanted) check?.(pairs.get(name) ?? null, message)
  }
}

/** RFC 7162 §3.1.4.1: only messages that changed are told; what is told unasked has flags and nothing that only was asked for. */
function checkNobodyElse(view: View, uids: ReadonlySet<number>, wanted: readonly Item[]): void {
  for (const { entry, pairs } of view.told) {
    if (uids.has(entry.uid) || view.isGone(entry) || pairs.has('FLAGS')) continue
    assert.fail(`UID ${entry.uid} is told (${wanted.map(({ name }) => name).join(' ')}) and did not change`)
  }
}

/** A modseq that makes a difference. */
export function chooseModSeq({ dice, view }: MakingOnView): number {
  const known = view.mailbox.messages.map((message) => message.modSeq)
  const candidates = [1, ...known, view.mailbox.modSeq, view.modSeq ?? 1, view.mailbox.modSeq + 5]
  return Math.max(1, dice.pick(candidates) - (dice.oneIn(4) ? 1 : 0))
}

/** Whether a UID is in the set as it was written; `*` is the largest UID that there can have been. */
function vanishable(text: string, view: View): (uid: number) => boolean {
  if (text === '$') return (uid) => view.saved.has(uid)
  const largest = view.mailbox.uidNext - 1
  const ranges = text
    .split(',')
    .map((range) => range.split(':').map((end) => (end === '*' ? largest : Number(end))))
  return (uid) => ranges.some((ends) => uid >= Math.min(...ends) && uid <= Math.max(...ends))
}

/** RFC 7162 §3.2.6: all that are named and went later are told, and none that is there. */
export function checkVanished(
  view: View,
  { since, named }: { since: number; named: (uid: number) => boolean },
): void {
  const { mailbox, earlier } = view
  // Nothing is remembered of a mailbox that is removed.
  if (mailbox.removed) return
  assert.equal(new Set(earlier).size, earlier.length, 'no UID stands twice in VANISHED (EARLIER)')
  for (const uid of earlier) {
    assert.ok(uid < mailbox.uidNext, `UID ${uid} was never given`)
    assert.equal(mailbox.find(uid), undefined, `UID ${uid} is there`)
  }
  for (const { uid, after } of mailbox.gone) {
    // What the client had a number for is told in its own time.
    if (after < since || !named(uid) || view.vanished.has(uid)) continue
    assert.ok(earlier.includes(uid), `UID ${uid} went and is not told as VANISHED (EARLIER)`)
  }
}
