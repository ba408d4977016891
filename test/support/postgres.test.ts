import assert from 'node:assert/strict'
import { test } from 'node:test'
import { Client } from 'pg'
import { startPostgres } from './postgres.ts'

test('a cluster of one`s own comes up, forgets nothing over a crash, and ends', async (t) => {
  const started = await startPostgres()
  if (!started.available) return t.skip(`PostgreSQL cannot run here: ${started.reason}`)
  const { cluster } = started
  try {
    const database = await cluster.createDatabase()
    const client = new Client(database)
    await client.connect()
    await client.query('CREATE TABLE kept (n integer)')
    await client.query('INSERT INTO kept VALUES (1)')
    const broken = new Promise((resolve) => client.on('error', resolve))
    await cluster.stop()
    await broken
    await cluster.start()
    const again = new Client(database)
    await again.connect()
    assert.deepEqual((await again.query('SELECT n FROM kept')).rows, [{ n: 1 }])
    await again.end()
  } finally {
    await cluster.end()
  }
})
