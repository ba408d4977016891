// A server over PostgreSQL that is killed, while the database lives on: what it had claimed is another's when its lease has run out.
import assert from 'node:assert/strict'
import { test } from 'node:test'
import { sharedPostgres } from '../support/postgres.ts'
import { endWell, killAtRandom, killAtSink } from './rounds.ts'
import { makeSite } from './site.ts'

const postgres = await sharedPostgres()
const skip = postgres.available ? false : postgres.reason

test('what was answered 250 outlives a server over PostgreSQL', { skip }, async (context) => {
  assert.ok(postgres.available)
  const { host, user, database } = await postgres.cluster.createDatabase()
  await using site = await makeSite(
    `postgres://${user}@localhost/${database}?host=${encodeURIComponent(host)}`,
  )
  for (let round = 1; round <= 3; round++) {
    await context.test(`killed at random, round ${round}`, async () => {
      await killAtRandom(site, { seed: `postgres.${round}`, senders: 8, longest: 800 })
    })
  }
  for (const moment of ['dot', 'reply'] as const) {
    await context.test(`killed at the ${moment} of a relayed message`, () =>
      killAtSink(site, { moment, time: 5, seed: `postgres.${moment}`, senders: 4, messages: 300 }),
    )
  }
  await context.test('it starts again, gives all mail by POP3 and stops', () =>
    endWell(site, { seed: 'postgres.end', senders: 4 }),
  )
})
