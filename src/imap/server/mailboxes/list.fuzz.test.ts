// Properties of LIST: over any hierarchy and subscriptions it tells what table 3 of RFC 9051 §6.3.9.6 says, once each and in order.
import assert from 'node:assert/strict'
import fc from 'fast-check'
import { test } from 'node:test'
import { ImapClient, imapServer } from '../../../../test/support/imap-session.ts'
import { testStore } from '../../../../test/support/store.ts'

const level = fc.constantFrom('a', 'b', 'ab')
const name = fc.array(level, { minLength: 1, maxLength: 3 }).map((levels) => levels.join('/'))
const pattern = fc
  .array(fc.constantFrom('a', 'b', '/', '*', '%', 'INBOX', 'Other Users'), { minLength: 1, maxLength: 4 })
  .map((pieces) => pieces.join(''))

/** Slow and plain: what a pattern means (RFC 9051 §6.3.9). */
function matches(text: string, wanted: string): boolean {
  const source = wanted.replaceAll('*', '.*').replaceAll('%', '[^/]*')
  return new RegExp(`^${source}$`).test(text)
}

function above(text: string): string[] {
  const levels = text.split('/')
  return levels.slice(1).map((_, count) => levels.slice(0, count + 1).join('/'))
}

interface Told {
  readonly exists: boolean
  readonly subscribed: boolean
  readonly children: boolean
  readonly childInfo: boolean
}

function parse(answer: string): Map<string, Told> {
  const told = new Map<string, Told>()
  for (const line of answer.split('\r\n').filter((each) => each.startsWith('* LIST '))) {
    const [, attributes = '', text = ''] = /^\* LIST \((.*?)\) "\/" "?([^"]*?)"?(?: \(.*)?$/.exec(line) ?? []
    assert.ok(!told.has(text), `${text} is told twice`)
    told.set(text, {
      exists: !attributes.includes('\\NonExistent'),
      subscribed: attributes.includes('\\Subscribed'),
      children: attributes.includes('\\HasChildren'),
      childInfo: line.includes('("CHILDINFO" ("SUBSCRIBED"))'),
    })
  }
  return told
}

interface Scene {
  readonly existing: ReadonlySet<string>
  readonly subscribed: ReadonlySet<string>
}

/** The table, name by name. */
function expected(
  { existing, subscribed }: Scene,
  patterns: string[],
  recursive: boolean,
): Map<string, Told> {
  const names = new Set([...existing, ...subscribed, ...[...existing, ...subscribed].flatMap(above)])
  const listed = (each: string): boolean => patterns.some((wanted) => matches(each, wanted))
  const told = new Map<string, Told>()
  for (const each of names) {
    const below = [...subscribed].filter((other) => other.startsWith(`${each}/`))
    const implied = recursive && below.some((other) => !listed(other))
    if (!listed(each) || !(subscribed.has(each) || implied)) continue
    told.set(each, {
      exists: existing.has(each),
      subscribed: subscribed.has(each),
      children: [...existing].some((other) => other.startsWith(`${each}/`)),
      childInfo: recursive && below.length > 0,
    })
  }
  return told
}

test('LIST (SUBSCRIBED) with and without RECURSIVEMATCH is what the RFC tables say', async (context) => {
  const store = await testStore(context)
  const { service } = imapServer(store)
  let number = 0
  await fc.assert(
    fc.asyncProperty(
      fc.array(name, { maxLength: 5 }),
      fc.array(name, { maxLength: 4 }),
      fc.array(pattern, { minLength: 1, maxLength: 3 }),
      fc.boolean(),
      async (made, wanted, patterns, recursive) => {
        const client = await new ImapClient(service).open(`user${++number}@example.org`)
        const account = (await store.credentialsOf(`user${number}@example.org`))?.account.id
        assert.ok(account !== undefined)
        for (const each of made) await store.createMailbox({ account, name: each, now: 0 })
        for (const each of wanted) await store.setSubscription({ account, name: each, subscribed: true })
        const scene = {
          existing: new Set((await store.listMailboxes(account)).map((mailbox) => mailbox.name)),
          subscribed: new Set(await store.subscriptions(account)),
        }
        const options = recursive ? 'SUBSCRIBED RECURSIVEMATCH' : 'SUBSCRIBED'
        const quoted = patterns.map((each) => `"${each}"`).join(' ')
        const answer = await client.command(`LIST (${options}) "" (${quoted})`)
        assert.match(answer, /(^|\r\n)OK /)
        const told = parse(answer)
        assert.deepEqual(
          [...told].sort(([a], [b]) => (a < b ? -1 : 1)),
          [...expected(scene, patterns, recursive)].sort(([a], [b]) => (a < b ? -1 : 1)),
        )
        const order = [...told.keys()].filter((each) => each !== 'INBOX')
        assert.deepEqual(order, order.toSorted(), 'in order of name')
        await client.leave()
      },
    ),
    { numRuns: 100 },
  )
})
