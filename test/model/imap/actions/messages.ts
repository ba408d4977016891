// STORE (RFC 9051 §6.4.6, RFC 7162 §3.1.3), COPY and MOVE (§6.4.7, §6.4.8), EXPUNGE and UID EXPUNGE (§6.4.3, §6.4.9).
import assert from 'node:assert/strict'
import { chooseFlags, chooseName, refusedNumbers, toSet } from './action.ts'
import { chooseModSeq } from './fetch.ts'
import { chooseSet } from '../sets.ts'
import { codesIn, Illegal, numbersIn } from '../responses.ts'
import type { Action, MakingOnView } from './action.ts'
import type { Answer } from '../responses.ts'
import type { Entry, View } from '../view.ts'
import type { Mailbox, Message } from '../mailboxes.ts'

type Mode = 'add' | 'remove' | 'replace'

function combine(mode: Mode, before: ReadonlySet<string>, change: ReadonlySet<string>): Set<string> {
  if (mode === 'replace') return new Set(change)
  if (mode === 'add') return before.union(change)
  return before.difference(change)
}

function messagesOf(view: View, entries: readonly Entry[]): Message[] {
  return entries.flatMap(({ uid }) => view.mailbox.find(uid) ?? [])
}

export function store(making: MakingOnView): Action {
  const { dice, session, view } = making
  const uid = dice.oneIn(2) || (session.modes.uidOnly && dice.below(8) > 0)
  const set = chooseSet(dice, view, { uid })
  const mode = dice.pick(['add', 'add', 'remove', 'replace'] as const)
  const flags = dice.oneIn(3) ? ['\\Deleted'] : chooseFlags(dice)
  const silent = dice.oneIn(3)
  const unchangedSince = dice.oneIn(5) ? chooseModSeq(making) - (dice.oneIn(5) ? 1 : 0) : null
  const sign = { add: '+', remove: '-', replace: '' }[mode]
  const list = flags.length > 0 && dice.oneIn(4) ? flags.join(' ') : `(${flags.join(' ')})`
  const modifier = unchangedSince === null ? '' : ` (UNCHANGEDSINCE ${unchangedSince})`
  const text = `${uid ? 'UID ' : ''}STORE ${set.text}${modifier} ${sign}FLAGS${silent ? '.SILENT' : ''} ${list}`
  if (refusedNumbers(making, uid)) return { text, holds: !uid, expect: ['BAD'] }
  if (unchangedSince !== null) making.session.modes.condstore = true
  if (view.readOnly) return { text, holds: !uid, expect: set.bad ? ['NO', 'BAD'] : ['NO'] }
  if (set.bad) return { text, holds: !uid, expect: ['BAD'] }
  const messages = messagesOf(view, set.entries)
  const missing = messages.length < set.entries.length
  const refused = messages.filter(({ modSeq }) => unchangedSince !== null && modSeq > unchangedSince)
  const changed = messages.filter((message) => !refused.includes(message))
  const before = new Map(messages.map((message) => [message, message.modSeq]))
  return {
    text,
    holds: !uid,
    expect: (missing && !uid) || view.mailbox.removed ? ['NO', 'OK'] : ['OK'],
    apply(answer) {
      for (const message of changed)
        view.mailbox.setFlags(message, combine(mode, message.flags, toSet(flags)))
      checkModified(answer, { view, uid, refused, missing })
      // RFC 9051 §6.4.6: who says .SILENT knows himself what he changed.
      if (silent)
        for (const { uid: each } of changed) {
          const entry = view.entries.find((known) => known.uid === each)
          if (entry?.flags) entry.flags = combine(mode, entry.flags, toSet(flags))
        }
    },
    check() {
      for (const message of changed) {
        const risen = message.modSeq !== before.get(message)
        checkStored(view, {
          uid: message.uid,
          flags: !silent,
          modSeq: session.modes.condstore && (risen || !silent),
        })
      }
    },
  }
}

function checkModified(
  answer: Answer,
  of: { view: View; uid: boolean; refused: readonly Message[]; missing: boolean },
): void {
  const { view, uid, refused, missing } = of
  const told = numbersIn(codesIn(answer, 'MODIFIED')[0] ?? '0').filter((number) => number > 0)
  const numbers = refused.map((message) =>
    uid ? message.uid : view.entries.findIndex((entry) => entry.uid === message.uid) + 1,
  )
  // RFC 7162 §3.1.3: who is gone may be named, too.
  if (missing) for (const number of numbers) assert.ok(told.includes(number), `MODIFIED ${number}`)
  else assert.deepEqual(told, numbers, 'MODIFIED')
}

function checkStored(view: View, of: { uid: number; flags: boolean; modSeq: boolean }): void {
  const told = view.told.filter(({ entry }) => entry.uid === of.uid)
  for (const [name, due] of [
    ['FLAGS', of.flags],
    ['MODSEQ', of.modSeq],
  ] as const)
    if (due && !told.some(({ pairs }) => pairs.has(name)))
      throw new Illegal(`UID ${of.uid} is not told with ${name}`)
}

export function copyOrMove(name: 'COPY' | 'MOVE') {
  return (making: MakingOnView): Action => {
    const { dice, session, view } = making
    const uid = dice.oneIn(2) || (session.modes.uidOnly && dice.below(8) > 0)
    const set = chooseSet(dice, view, { uid })
    const target = chooseName(making)
    const mailbox = session.account.find(target)
    const text = `${uid ? 'UID ' : ''}${name} ${set.text} ${target}`
    if (refusedNumbers(making, uid)) return { text, expect: ['BAD'] }
    const readOnly = name === 'MOVE' && view.readOnly
    if (set.bad) return { text, expect: readOnly ? ['NO', 'BAD'] : ['BAD'] }
    const messages = messagesOf(view, set.entries)
    const missing = messages.length < set.entries.length
    const there = mailbox?.selectable === true
    if (!there || readOnly)
      return { text, expect: ['NO'], ...(there ? {} : { apply: expectTryCreate(readOnly) }) }
    // RFC 2180 §4.4.1
    if (missing && !uid && set.text !== '$') return { text, expect: ['NO'] }
    return {
      text,
      expect: missing ? ['OK', 'NO'] : ['OK'],
      apply: (answer) => transfer(answer, { name, view, messages, mailbox }),
    }
  }
}

function expectTryCreate(readOnly: boolean): (answer: Answer) => void {
  return (answer) => {
    if (!readOnly) assert.equal(codesIn(answer, 'TRYCREATE').length, 1, 'TRYCREATE')
  }
}

function transfer(
  answer: Answer,
  of: { name: 'COPY' | 'MOVE'; view: View; messages: readonly Message[]; mailbox: Mailbox },
): void {
  const { name, view, messages, mailbox } = of
  if (answer.tagged?.status === 'NO') return
  const codes = codesIn(answer, 'COPYUID')
  if (messages.length === 0) return assert.deepEqual(codes, [], 'COPYUID of nothing')
  const [validity = '', from = '', to = ''] = codes[0]?.split(' ') ?? []
  assert.equal(codes.length, 1, 'one COPYUID')
  assert.equal(Number(validity), mailbox.uidValidity || Number(validity), 'UIDVALIDITY of COPYUID')
  assert.deepEqual(
    numbersIn(from),
    messages.map((message) => message.uid),
    'the source of COPYUID',
  )
  if (name === 'MOVE') {
    view.mailbox.expunge((each) => messages.includes(each))
    const code = answer.untagged.findIndex((response) => response.code.startsWith('COPYUID'))
    const first = answer.untagged.findIndex((response) => ['EXPUNGE', 'VANISHED'].includes(response.name))
    // RFC 6851 §4.3
    assert.ok(code !== -1 && (first === -1 || code < first), 'COPYUID comes before EXPUNGE')
  }
  const added = messages.map(({ content, flags, date, email }) =>
    mailbox.add({ content, flags: new Set(flags), date, email }),
  )
  assert.deepEqual(
    numbersIn(to),
    added.map((message) => message.uid),
    'the target of COPYUID',
  )
}

export function expunge({ view }: MakingOnView): Action {
  return {
    text: 'EXPUNGE',
    expect: [view.readOnly ? 'NO' : 'OK'],
    apply(answer) {
      if (!view.readOnly) removeDeleted(answer, view, () => true)
    },
  }
}

export function uidExpunge(making: MakingOnView): Action {
  const { dice, view } = making
  const set = chooseSet(dice, view, { uid: true })
  const uids = new Set(set.entries.map((entry) => entry.uid))
  return {
    text: `UID EXPUNGE ${set.text}`,
    expect: [view.readOnly ? 'NO' : 'OK'],
    apply(answer) {
      if (!view.readOnly) removeDeleted(answer, view, (message) => uids.has(message.uid))
    },
  }
}

function removeDeleted(answer: Answer, view: View, among: (message: Message) => boolean): void {
  view.mailbox.expunge((message) => message.flags.has('\\deleted') && among(message))
  assert.equal(answer.tagged?.status, 'OK')
}
