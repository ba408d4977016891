// CREATE, DELETE, RENAME, SUBSCRIBE, LIST, LSUB and STATUS (RFC 9051 §6.3).
import assert from 'node:assert/strict'
import { canonical } from '../mailboxes.ts'
import { chooseName } from './action.ts'
import { isList, numberOf, pairsOf, wordOf, wordsOf } from '../responses.ts'
import type { Action, Making } from './action.ts'
import type { Answer } from '../responses.ts'
import type { Mailbox } from '../mailboxes.ts'

const newNames = [
  'Work',
  'Work/A',
  'Work/A/Deep',
  'Work/B',
  'Old',
  'Old/X',
  'INBOX/Sub',
  'inbox/Sub/Y',
] as const

export function create({ dice, session }: Making): Action {
  const name = dice.pick(newNames)
  const present = session.account.find(name)
  return {
    text: `CREATE ${name}${dice.oneIn(4) ? '/' : ''}`,
    expect: [present?.selectable === true ? 'NO' : 'OK'],
    apply: () => void session.account.create(name),
  }
}

export function remove(making: Making): Action {
  const { account } = making.session
  const name = making.dice.oneIn(2) ? making.dice.pick(newNames) : chooseName(making)
  const mailbox = account.find(name)
  const works =
    mailbox !== undefined &&
    mailbox.name !== 'INBOX' &&
    (mailbox.selectable || account.inferiors(mailbox.name).length === 0)
  return {
    text: `DELETE ${name}`,
    expect: [works ? 'OK' : 'NO'],
    apply: () => assert.equal(account.remove(name), works ? 'removed' : 'refused'),
  }
}

export function rename(making: Making): Action {
  const { account } = making.session
  const from = chooseName(making)
  const to = making.dice.pick([...newNames, `${from}/Inner`])
  const source = account.find(from)
  const same = account.find(to) !== undefined
  const inside =
    source !== undefined && source.name !== 'INBOX' && canonical(to).startsWith(`${source.name}/`)
  const works = source !== undefined && !same && !inside
  return {
    text: `RENAME ${from} ${to}`,
    expect: [works ? 'OK' : 'NO'],
    apply: () => assert.equal(account.rename(from, to), works),
  }
}

export function subscribe(making: Making): Action {
  const { account } = making.session
  const name = chooseName(making)
  const un = making.dice.oneIn(2)
  const canonical = account.find(name)?.name ?? name
  return {
    text: `${un ? 'UN' : ''}SUBSCRIBE ${name}`,
    expect: [un || account.find(name) !== undefined ? 'OK' : 'NO'],
    apply(answer) {
      if (answer.tagged?.status !== 'OK') return
      if (un) account.subscribed.delete(name.toUpperCase() === 'INBOX' ? 'INBOX' : canonical)
      else account.subscribed.add(canonical)
    },
  }
}

function patternTest(pattern: string): RegExp {
  return new RegExp(`^${pattern.replace(/[.$]/g, '\\$&').replaceAll('*', '.*').replaceAll('%', '[^/]*')}$`)
}

export function list({ dice, session }: Making): Action {
  const { account } = session
  const pattern = dice.pick(['*', '%', 'Work/%', 'W*', 'INBOX', 'inbox', '%/%', 'Work*', '*/A*'])
  const reference = dice.pick(['', '', 'Work/', 'INBOX/'])
  const test = patternTest(reference + pattern)
  const names = account.names.filter(
    (name) => test.test(name) || (name === 'INBOX' && /^inbox$/i.test(reference + pattern)),
  )
  return {
    text: `LIST "${reference}" "${pattern}"`,
    expect: ['OK'],
    apply(answer) {
      const told = listed(answer, 'LIST')
      assert.deepEqual([...told.keys()].sort(), names, 'LIST')
      for (const [name, attributes] of told) {
        const children = account.inferiors(name).length > 0
        assert.equal(attributes.includes('\\haschildren'), children, `\\HasChildren of ${name}`)
        assert.equal(attributes.includes('\\hasnochildren'), !children, `\\HasNoChildren of ${name}`)
        assert.equal(
          attributes.includes('\\noselect'),
          account.find(name)?.selectable === false,
          `\\Noselect of ${name}`,
        )
      }
    },
  }
}

function listed({ untagged }: Answer, response: string): Map<string, string[]> {
  const told = new Map<string, string[]>()
  for (const { name, values } of untagged) {
    if (name !== response) continue
    const mailbox = wordOf(values[2])
    assert.equal(told.has(mailbox), false, `${mailbox} is listed twice`)
    assert.equal(wordOf(values[1]), '/')
    told.set(mailbox, wordsOf(values[0]))
  }
  return told
}

export function lsub({ session }: Making): Action {
  return {
    text: 'LSUB "" *',
    expect: ['OK'],
    apply(answer) {
      assert.deepEqual(
        [...listed(answer, 'LSUB').keys()].sort(),
        [...session.account.subscribed].sort(),
        'LSUB',
      )
    },
  }
}

export const statusItems: readonly (readonly [string, (mailbox: Mailbox) => number])[] = [
  ['MESSAGES', ({ messages }) => messages.length],
  ['UIDNEXT', ({ uidNext }) => uidNext],
  ['UIDVALIDITY', ({ uidValidity }) => uidValidity],
  ['UNSEEN', ({ messages }) => messages.filter(({ flags }) => !flags.has('\\seen')).length],
  ['DELETED', ({ messages }) => messages.filter(({ flags }) => flags.has('\\deleted')).length],
  ['SIZE', ({ messages }) => messages.reduce((sum, { content }) => sum + content.text.length, 0)],
  ['HIGHESTMODSEQ', ({ modSeq }) => modSeq],
]

export function status(making: Making): Action {
  const { dice, session } = making
  const name = chooseName(making)
  const mailbox = session.account.find(name)
  const chosen = dice.some(statusItems)
  const items = chosen.length === 0 ? statusItems : chosen
  const there = mailbox?.selectable === true
  if (items.some(([item]) => item === 'HIGHESTMODSEQ')) session.modes.condstore = true
  return {
    text: `STATUS ${name} (${items.map(([item]) => item).join(' ')})`,
    expect: [there ? 'OK' : 'NO'],
    apply(answer) {
      if (!there) return
      const response = answer.untagged.filter((each) => each.name === 'STATUS')
      assert.equal(response.length, 1, 'one STATUS response')
      const values = response[0]?.values[1]
      assert.ok(isList(values))
      const told = pairsOf(values)
      for (const [item, of] of items)
        if (of(mailbox) !== 0 || !/MODSEQ|VALIDITY/.test(item))
          assert.equal(numberOf(told.get(item)), of(mailbox), item)
    },
  }
}
