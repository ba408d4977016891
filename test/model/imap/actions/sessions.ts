// SELECT, EXAMINE, CLOSE, UNSELECT, ENABLE and NOOP, and the return of a client with QRESYNC (RFC 7162 §3.2.5).
import assert from 'node:assert/strict'
import { checkVanished } from './fetch.ts'
import { chooseName } from './action.ts'
import { codesIn, pairsOf, wordOf } from '../responses.ts'
import { formatSet } from '../sets.ts'
import { View } from '../view.ts'
import { Watching } from '../watching.ts'
import type { Action, Making, MakingOnView } from './action.ts'
import type { Answer } from '../responses.ts'
import type { Cache, Session } from '../session.ts'
import type { Mailbox } from '../mailboxes.ts'
import type { Wish } from '../watching.ts'

/** The session has the mailbox selected; called before the responses are heard. */
function enter(session: Session, mailbox: Mailbox, readOnly: boolean): View {
  const view = new View(mailbox, { readOnly, modes: session.modes })
  session.view = view
  return view
}

function checkSelect(answer: Answer, mailbox: Mailbox, { rev2 }: { rev2: boolean }): void {
  const number = (code: string): number => Number(codesIn(answer, code)[0])
  const exists = answer.untagged.filter(({ name }) => name === 'EXISTS')
  assert.deepEqual(
    exists.map((each) => each.number),
    [mailbox.messages.length],
    'one EXISTS',
  )
  assert.equal(number('UIDNEXT'), mailbox.uidNext, 'UIDNEXT')
  assert.equal(number('HIGHESTMODSEQ'), mailbox.modSeq, 'HIGHESTMODSEQ')
  assert.equal(number('UIDVALIDITY'), mailbox.uidValidity, 'UIDVALIDITY')
  assert.equal(answer.untagged.filter(({ name }) => name === 'FLAGS').length, 1, 'one FLAGS')
  assert.equal(
    answer.untagged.some(({ name }) => name === 'RECENT'),
    !rev2,
    'RECENT',
  )
}

export function select(making: Making): Action {
  const { dice, session } = making
  const name = session.isGuest ? 'INBOX' : chooseName(making)
  const mailbox = session.account.find(name)
  const examine = dice.oneIn(6)
  const condstore = dice.oneIn(6)
  const there = mailbox?.selectable === true
  const wasSelected = session.view !== null
  if (condstore) session.modes.condstore = true
  return {
    text: `${examine ? 'EXAMINE' : 'SELECT'} ${session.wire(name)}${condstore ? ' (CONDSTORE)' : ''}`,
    expect: [there ? 'OK' : 'NO'],
    apply(answer) {
      session.remember()
      assert.equal(codesIn(answer, 'CLOSED').length, wasSelected ? 1 : 0, 'CLOSED')
      // RFC 9051 §6.3.2: where it fails nothing is selected any more.
      session.view = null
      if (mailbox === undefined || !there) return
      enter(session, mailbox, examine)
      checkSelect(answer, mailbox, session.modes)
    },
  }
}

export function close({ view, session }: MakingOnView): Action {
  return {
    text: 'CLOSE',
    expect: ['OK'],
    apply() {
      session.remember()
      if (!view.readOnly) view.mailbox.expunge(({ flags }) => flags.has('\\deleted'))
      session.view = null
    },
  }
}

export function unselect({ session }: Making): Action {
  return {
    text: 'UNSELECT',
    expect: ['OK'],
    apply() {
      session.remember()
      session.view = null
    },
  }
}

export function noop({ dice, session }: Making): Action {
  return { text: session.view !== null && dice.oneIn(3) ? 'CHECK' : 'NOOP', expect: ['OK'] }
}

export function enable({ dice, session }: Making): Action {
  const name = dice.weighted([
    ['QRESYNC', 4],
    ['CONDSTORE', 1],
    ['IMAP4rev2', 2],
    ['UIDONLY', 1],
  ] as const)
  const { modes } = session
  if (name === 'QRESYNC') modes.qresync = true
  if (name === 'QRESYNC' || name === 'CONDSTORE') modes.condstore = true
  if (name === 'IMAP4rev2') modes.rev2 = true
  if (name === 'UIDONLY') modes.uidOnly = true
  return { text: `ENABLE ${name}`, tellsNothing: true, expect: ['OK'] }
}

/** RFC 5465 §6.1, and in some of them other mailboxes by §6.2 to §6.6. */
export function notify({ dice, session }: Making): Action {
  const kind = dice.pick(['selected', 'delayed'] as const)
  const filter = kind === 'selected' ? 'SELECTED' : 'SELECTED-DELAYED'
  const items = dice.oneIn(2) ? ' (UID FLAGS)' : ''
  const selected = `(${filter} (MessageNew${items} MessageExpunge FlagChange))`
  // A guest's own mailboxes are not in the model.
  const others = session.isGuest || dice.oneIn(3) ? null : chooseOthers(dice)
  const wish = others?.wish ?? null
  const status = others !== null && dice.oneIn(2)
  return {
    text: `NOTIFY SET ${status ? 'STATUS ' : ''}${selected}${others?.text ?? ''}`,
    expect: ['OK'],
    apply() {
      session.notified = kind
      session.watching = wish === null ? null : new Watching(session, wish)
    },
    check: (answer) => checkFirst(session, answer, status),
  }
}

const filters: readonly (readonly [text: string, means: Wish['means']])[] = [
  ['PERSONAL', () => true],
  ['INBOXES', () => true],
  ['SUBSCRIBED', (name, { subscribed }) => subscribed.has(name)],
  ['SUBTREE (Work Archive)', (name) => /^(?:Work|Archive)(?:\/|$)/.test(name)],
  ['MAILBOXES (Archive Work/A INBOX)', (name) => /^(?:Archive|Work\/A|INBOX)$/.test(name)],
]

function chooseOthers(dice: Making['dice']): { text: string; wish: Wish } {
  const [text, means] = dice.pick(filters)
  const flags = dice.oneIn(2)
  const names = dice.oneIn(2)
  const events = `MessageNew MessageExpunge${flags ? ' FlagChange' : ''}${names ? ' MailboxName' : ''}`
  return { text: ` (${text} (${events}))`, wish: { means, flags, names } }
}

/** RFC 5465 §3.1: with STATUS, one response for each mailbox that is watched and not selected; else none. */
function checkFirst(session: Session, answer: Answer, status: boolean): void {
  const told = answer.untagged.filter(({ name }) => name === 'STATUS')
  const { watching } = session
  if (watching === null || !status) return assert.deepEqual(told, [], 'no STATUS')
  const names = told.map(({ values }) => wordOf(values[0])).sort()
  assert.deepEqual(names, watching.watched.map(({ name }) => name).sort(), 'STATUS of all that is watched')
  for (const { values } of told)
    for (const item of ['UIDVALIDITY', ...watching.items]) assert.ok(pairsOf(values[1]).has(item), item)
}

/** The client comes back with what it has kept. */
export function resync(making: Making, cache: Cache): Action {
  const { dice, session } = making
  const mailbox = session.account.find(cache.name)
  const there = mailbox?.selectable === true
  const known = dice.oneIn(2) && cache.flags.size > 0 ? ` ${formatSet([...cache.flags.keys()])}` : ''
  const numbers = cache.numbers.filter(() => dice.oneIn(2))
  const match =
    dice.oneIn(2) && numbers.length > 0
      ? ` (${formatSet(numbers.map(([number]) => number))} ${formatSet(numbers.map(([, uid]) => uid))})`
      : ''
  return {
    text: `SELECT ${session.wire(cache.name)} (QRESYNC (${cache.uidValidity} ${cache.modSeq}${known}${match}))`,
    earlier: true,
    expect: [there ? 'OK' : 'NO'],
    apply(answer) {
      session.view = null
      if (mailbox === undefined || !there) return
      const view = enter(session, mailbox, false)
      checkSelect(answer, mailbox, session.modes)
      if (mailbox === cache.mailbox) return
      assert.notEqual(mailbox.uidValidity, cache.uidValidity, 'another mailbox has another UIDVALIDITY')
      view.modSeq = null
    },
    check() {
      const { view } = session
      if (view === null || mailbox !== cache.mailbox) return
      rebuild(view, cache, known !== '')
    },
  }
}

/** Puts together what the client kept and what it was told: it must be what the mailbox has. */
function rebuild(view: View, cache: Cache, narrowed: boolean): void {
  const flags = new Map(cache.flags)
  const since = cache.modSeq
  // With match data the server may leave out what the client knows; that it does not leave out more, the comparison shows.
  checkVanished(view, { since: Infinity, named: () => true })
  for (const uid of view.earlier) flags.delete(uid)
  for (const { entry } of view.told)
    if (entry.flags !== null && (!narrowed || flags.has(entry.uid))) flags.set(entry.uid, entry.flags)
  const { mailbox } = view
  const actual = mailbox.messages.filter(({ uid }) => uid < cache.unknownFrom)
  const rebuilt = [...flags].filter(([uid]) => uid < cache.unknownFrom).sort(([a], [b]) => a - b)
  assert.deepEqual(
    rebuilt.map(([uid, each]) => `${uid} ${[...each].sort().join(' ')}`),
    actual.map(({ uid, flags: each }) => `${uid} ${[...each].sort().join(' ')}`),
    `what the client kept as of ${since} and was told is what there is`,
  )
  for (const entry of view.entries) {
    const each = flags.get(entry.uid)
    if (each === undefined) continue
    entry.known = true
    entry.flags ??= each
  }
}

/** A client that looks at all there is, as clients do after SELECT. */
export function look({ session, view }: MakingOnView): Action {
  const { modes } = session
  const seen = view.entries.length > 0 && !modes.uidOnly
  return { text: seen ? 'FETCH 1:* (UID FLAGS)' : 'UID FETCH 1:* (FLAGS)', holds: seen, expect: ['OK', 'NO'] }
}

/** SELECT of INBOX, where most happens. */
export function open({ session }: Making): Action {
  const mailbox = session.account.find('INBOX')
  const wasSelected = session.view !== null
  return {
    text: `SELECT ${session.wire('INBOX')}`,
    expect: ['OK'],
    apply(answer) {
      session.remember()
      assert.equal(codesIn(answer, 'CLOSED').length, wasSelected ? 1 : 0, 'CLOSED')
      if (mailbox === undefined) return
      enter(session, mailbox, false)
      checkSelect(answer, mailbox, session.modes)
    },
  }
}
