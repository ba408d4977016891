// What the store promises of uploads: files that no message holds yet.
import assert from 'node:assert/strict'
import { Buffer } from 'node:buffer'
import type { AccountId, ObjectId } from '../../src/store/model.ts'
import type { Upload } from '../../src/store/uploads.ts'
import type { House, Room } from './house.ts'

const hour = 3_600_000

interface Wanted {
  readonly account: AccountId
  readonly uploader?: AccountId
  readonly room?: number
  readonly later?: number
}

async function upload(house: House, octets: string | number, wanted: Wanted): Promise<Upload> {
  const { account, uploader = account, room = 1_000_000, later = 0 } = wanted
  const writer = house.store.blobs.stage()
  await writer.write(typeof octets === 'number' ? Buffer.alloc(octets, 'x') : Buffer.from(octets))
  const blob = await writer.finish()
  const now = house.now + later
  const request = { account, uploader, blob, type: 'text/plain', room, now, expiresAt: now + hour }
  const added = await house.store.addUpload(request)
  assert.ok(added.ok)
  return added.upload
}

async function octetsOf(house: House, { blob }: Upload): Promise<string> {
  const chunks: Uint8Array[] = []
  for await (const chunk of house.store.blobs.read(blob)) chunks.push(chunk)
  return Buffer.concat(chunks).toString()
}

const find = (house: House, { account, uploader, id }: Upload, now = house.now) =>
  house.store.findUpload({ account, uploader, id, now })

export function uploadContract(test: Room): void {
  test('an upload is kept until it expires, small or large, and seen by its uploader alone', async (house) => {
    const account = await house.account()
    const other = await house.account('bob')
    const small = await upload(house, 'hello', { account })
    const large = await upload(house, 300_000, { account, uploader: other })
    assert.deepEqual(await find(house, small), small)
    assert.equal(small.type, 'text/plain')
    assert.equal(await octetsOf(house, small), 'hello')
    assert.equal((await octetsOf(house, large)).length, 300_000)
    assert.equal(await find(house, { ...large, uploader: account }), undefined)
    await house.store.collectGarbage({ now: house.now + hour - 1 })
    assert.equal(await octetsOf(house, small), 'hello')
    assert.equal(await find(house, small, house.now + hour), undefined)
    await house.store.collectGarbage({ now: house.now + hour })
    await assert.rejects(octetsOf(house, small))
    assert.deepEqual(await house.store.audit(), [])
  })

  test('the oldest uploads of a user go where a new one wants room', async (house) => {
    const account = await house.account()
    const other = await house.account('bob')
    const oldest = await upload(house, 40, { account, room: 100 })
    const middle = await upload(house, 40, { account: other, uploader: account, room: 100, later: 1 })
    const strange = await upload(house, 90, { account, uploader: other, room: 100, later: 2 })
    const newest = await upload(house, 50, { account, room: 100, later: 3 })
    assert.equal(await find(house, oldest), undefined)
    for (const kept of [middle, strange, newest]) assert.deepEqual(await find(house, kept), kept)
  })

  test('a copy has an id and a time of its own, and the octets of the first', async (house) => {
    const account = await house.account()
    const other = await house.account('bob')
    const first = await upload(house, 'octets', { account })
    const wanted = {
      account: other,
      uploader: account,
      room: 100,
      now: house.now,
      expiresAt: house.now + 2 * hour,
    }
    const copied = await house.store.copyUpload({ from: first, ...wanted })
    assert.ok(copied.ok)
    assert.notEqual(copied.upload.account, first.account)
    await house.store.collectGarbage({ now: house.now + hour })
    assert.equal(await octetsOf(house, copied.upload), 'octets')
    const gone = await house.store.copyUpload({ from: { account, id: 999 as ObjectId }, ...wanted })
    assert.deepEqual(gone, { ok: false, reason: 'not-found' })
    const strange = await house.store.copyUpload({ from: copied.upload, ...wanted, uploader: other })
    assert.deepEqual(strange, { ok: false, reason: 'not-found' })
  })

  test('uploads go with the account that they are in, and with their uploader', async (house) => {
    const account = await house.account()
    const other = await house.account('bob')
    const mine = await upload(house, 'mine', { account: other, uploader: account })
    const theirs = await upload(house, 'theirs', { account, uploader: other })
    assert.ok((await house.store.removeAccount(other)).ok)
    assert.equal(await find(house, mine), undefined)
    assert.equal(await find(house, theirs), undefined)
    assert.deepEqual(await house.store.audit(), [])
  })
}
