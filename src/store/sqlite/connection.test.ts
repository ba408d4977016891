import assert from 'node:assert/strict'
import { test } from 'node:test'
import { Connection } from './connection.ts'

test('a temporary database gives back what does not fit its cache, and takes back what failed', () => {
  const connection = new Connection({ path: '' })
  const { database } = connection
  try {
    database.exec('CREATE TABLE piece (id INTEGER PRIMARY KEY, bytes BLOB NOT NULL)')
    const insert = database.prepare('INSERT INTO piece (id, bytes) VALUES (?, ?)')
    const fill = (from: number, to: number): void => {
      for (let id = from; id < to; id++) insert.run(id, Buffer.alloc(64 * 1024, id))
    }
    database.exec('BEGIN')
    fill(0, 160)
    database.exec('COMMIT')
    database.exec('BEGIN')
    database.exec('DELETE FROM piece WHERE id < 80')
    fill(160, 320)
    database.exec('ROLLBACK')
    const rows = database.prepare('SELECT id, bytes FROM piece ORDER BY id').all()
    assert.equal(rows.length, 160)
    for (const { id, bytes } of rows) {
      assert.deepEqual(bytes, new Uint8Array(64 * 1024).fill(Number(id)))
    }
  } finally {
    connection.close()
  }
})
