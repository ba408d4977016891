// What is offered is what the page for users says, and the count in the README.
import assert from 'node:assert/strict'
import { readFileSync } from 'node:fs'
import { test } from 'node:test'
import { capabilityData } from './capabilities.ts'

const facts = {
  ...{ startTlsOffered: true, loginAllowed: true, compressed: false, mechanisms: [] },
  jmapAccess: true,
  ...{ messageSize: 1_000, messageLimit: 1_000, saveLimit: 1_000, hidden: [] },
}

const byText = (a: string, b: string): number => (a < b ? -1 : 1)

/** Every token that some session is shown, values left out where they are this server's own. */
function tokens(): Set<string> {
  const limits = [facts, { ...facts, messageLimit: 0 }, { ...facts, loginAllowed: false }]
  const shown = limits.flatMap((each) =>
    [true, false].flatMap((loggedIn) => capabilityData({ ...each, loggedIn }).split(' ')),
  )
  return new Set(shown.map((token) => token.replace(/^(APPENDLIMIT|MESSAGELIMIT|SAVELIMIT)=.*$/, '$1')))
}

test('docs/imap.md names what is offered, and nothing else', () => {
  const page = readFileSync(new URL('../../../docs/imap.md', import.meta.url), 'utf8')
  const rows = page.split('\n').filter((line) => line.startsWith('| ') && line.includes('`'))
  const named = new Set(
    rows.flatMap((row) => [...row.matchAll(/`([^`]+)`/g)].map(([, token]) => token ?? '')),
  )
  named.delete('AUTH=')
  assert.deepEqual([...named].sort(byText), [...tokens()].sort(byText))
})

test('the README counts the standard ones', () => {
  const readme = readFileSync(new URL('../../../README.md', import.meta.url), 'utf8')
  // XLIST is nobody's standard; STARTTLS, LOGINDISABLED and AUTH= are part of the protocol itself.
  const others = new Set(['XLIST', 'STARTTLS', 'LOGINDISABLED'])
  const count = [...tokens()].filter((token) => !others.has(token)).length
  assert.ok(readme.includes(`${count} standard capabilities`), `the README should say ${count}`)
})
