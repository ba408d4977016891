// Who a header says wrote a message, who sent it, and who sent it on.
import assert from 'node:assert/strict'
import { test } from 'node:test'
import { formatAddress } from './address.ts'
import { readAuthorship } from './authorship.ts'
import { splitHeader } from './header.ts'

function shown(...lines: readonly string[]): string {
  const read = readAuthorship(splitHeader(`${lines.join('\r\n')}\r\n\r\n`).fields)
  if (!read.ok) return `${read.fault} ${read.field}`
  const claims = read.claims.map(({ field, address }) => `${field} ${formatAddress(address)}`)
  return [...claims, ...(read.resent ? ['resent'] : [])].join(', ')
}

const own = 'From: Ann <ann@a.test>'

for (const [name, lines, expected] of [
  ['one author', [own], 'From ann@a.test'],
  ['an author and a sender', [own, 'Sender: b@a.test'], 'From ann@a.test, Sender b@a.test'],
  ['an address twice', ['From: ann@a.test, Ann <ann@a.test>'], 'From ann@a.test'],
  ['a group', ['From: G: x@a.test;'], 'From x@a.test'],
  ['no From', ['Subject: x'], 'no-author From'],
  ['no From, but a Sender', ['Sender: ann@a.test'], 'no-author From'],
  ['two From', [own, 'from: ann@a.test'], 'several-fields From'],
  ['two Sender', [own, 'Sender: ann@a.test', 'Sender: ann@a.test'], 'several-fields Sender'],
  ['two authors', ['From: ann@a.test, b@a.test'], 'no-sender From'],
  ['two senders', [own, 'Sender: ann@a.test, b@a.test'], 'unreadable Sender'],
  ['an empty From', ['From:'], 'unreadable From'],
  ['a name alone', ['From: Ann'], 'unreadable From'],
  ['too many', [`From: ${'a@a.test, '.repeat(101)}b@a.test`], 'unreadable From'],
  [
    'sent on',
    ['Resent-From: r@a.test', 'Resent-Sender: s@a.test', own],
    'From ann@a.test, Resent-From r@a.test, Resent-Sender s@a.test, resent',
  ],
  [
    'sent on twice: the topmost is the last',
    ['Resent-From: r@a.test', 'Resent-Date: now', 'Resent-From: old@b.test', 'Resent-Sender: s@b.test', own],
    'From ann@a.test, Resent-From r@a.test, resent',
  ],
  ['Resent-To alone sends nothing on', ['Resent-To: r@a.test', own], 'From ann@a.test'],
  ['an unreadable Resent-From', ['Resent-From: nobody', own], 'unreadable Resent-From'],
  ['two who send on', ['Resent-From: r@a.test, s@a.test', own], 'no-sender Resent-From'],
] as const) {
  test(name, () => assert.equal(shown(...lines), expected))
}
