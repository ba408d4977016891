// What `deliver` and `append` promise: one commit, one blob, byte for byte, quotas and missing accounts told apart.
import assert from 'node:assert/strict'
import { Flag, type AccountId } from '../../src/store/model.ts'
import { assertBytes, largeBytes, letter, prefixOf, uid, type House, type Room } from './house.ts'

export function deliveryContract(test: Room): void {
  test('one message to many accounts is one blob and each has its own prefix', async (house) => {
    const accounts = await accountsOf(house, 5)
    const uids = await house.deliver(accounts, letter('for all'))
    assert.deepEqual(uids, [1, 1, 1, 1, 1])
    const blobs = new Set<number>()
    for (const account of accounts) {
      const inbox = await house.mailbox(account)
      assert.equal(
        (await house.text(account, inbox.id, uid(1))).toString(),
        prefixOf(account) + letter('for all'),
      )
      const rows = await Array.fromAsync(
        house.store.messageTexts({ account, mailbox: inbox.id, uids: [[1, 1]] }),
      )
      for (const row of rows.flat()) blobs.add(row.blob)
    }
    assert.equal(blobs.size, 1)
  })

  for (const [what, length] of [
    ['an empty body', 0],
    ['one octet', 1],
    ['a small body', 5_000],
    ['a body at the edge of small', 65_536],
    ['a body just past it', 65_537],
    ['a large body', 1_500_007],
  ] as const) {
    test(`${what} comes back byte for byte, whole and in ranges`, async (house) => {
      const account = await house.account()
      const bytes = largeBytes(length)
      await house.deliverTo([{ account, prefix: '' }], bytes)
      const inbox = await house.mailbox(account)
      assertBytes(await house.text(account, inbox.id, uid(1)), bytes)
      const [row] = (
        await Array.fromAsync(house.store.messageTexts({ account, mailbox: inbox.id, uids: [[1, 1]] }))
      ).flat()
      assert.ok(row)
      const ranges = [
        [0, 0],
        [0, length],
        [length >> 1, length],
        [Math.min(1, length), Math.min(70_000, length)],
        [Math.min(65_535, length), Math.min(65_538, length)],
      ] as const
      for (const [start, end] of ranges) {
        const chunks: Uint8Array[] = await Array.fromAsync(house.store.blobs.read(row.blob, { start, end }))
        assertBytes(Buffer.concat(chunks), bytes.subarray(start, end), `bytes ${start} to ${end}`)
        for (const chunk of chunks) assert.ok(chunk.length <= 131_072, 'chunks are bounded')
      }
      const small = await house.store.blobs.readSmall(row.blob)
      if (length <= 5_000) assertBytes(small ?? Buffer.of(), bytes)
      if (length > 1_000_000) assert.equal(small, undefined)
    })
  }

  for (const length of [0, 500, 300_000]) {
    test(`${length} octets can be read back before any row names them`, async (house) => {
      const bytes = largeBytes(length)
      const writer = house.store.blobs.stage()
      await writer.write(bytes)
      const blob = await writer.finish()
      for (const range of [undefined, { start: length >> 1, end: length }]) {
        const chunks: Uint8Array[] = await Array.fromAsync(house.store.blobs.readStaged(blob, range))
        assertBytes(Buffer.concat(chunks), bytes.subarray(range?.start ?? 0))
      }
    })
  }

  test('a large body reaches many accounts through one blob too', async (house) => {
    const accounts = await accountsOf(house, 3)
    const bytes = largeBytes(300_000)
    await house.deliver(accounts, bytes)
    for (const account of accounts) {
      const text = await house.text(account, (await house.mailbox(account)).id, uid(1))
      assertBytes(text, Buffer.concat([Buffer.from(prefixOf(account)), bytes]))
    }
  })

  test('a target names its mailbox, which is made when asked for and else is INBOX', async (house) => {
    const account = await house.account()
    const message = await house.stage(letter('sorted'))
    const delivered = await house.store.deliver({
      message,
      internalDate: house.now,
      targets: [
        {
          account,
          prefix: '',
          mailbox: { name: 'Lists/node', create: true },
          flags: Flag.seen,
          keywords: 'list',
        },
      ],
    })
    assert.ok(delivered.ok && delivered.results[0]?.ok)
    const lists = await house.mailbox(account, 'Lists/node')
    assert.equal(delivered.results[0].mailbox, lists.id)
    assert.equal(delivered.results[0].uidValidity, lists.uidValidity)
    const [stored] = await house.messages(account, lists.id)
    assert.deepEqual([stored?.flags, stored?.keywords], [Flag.seen, 'list'])
    assert.ok(await house.store.findMailbox({ account, name: 'Lists' }), 'superiors are made too')

    await house.deliverTo([{ account, prefix: '', mailbox: { name: 'Nowhere', create: false } }], letter('y'))
    assert.equal((await house.mailbox(account)).messages, 1)
    assert.equal(await house.store.findMailbox({ account, name: 'Nowhere' }), undefined)
  })

  test('one account twice among the targets gets two messages', async (house) => {
    const account = await house.account()
    const uids = await house.deliverTo(
      [
        { account, prefix: 'A: 1\r\n' },
        { account, prefix: 'B: 2\r\n' },
      ],
      letter('twice'),
    )
    assert.deepEqual(uids, [1, 2])
    const inbox = await house.mailbox(account)
    assert.equal((await house.text(account, inbox.id, uid(2))).toString(), `B: 2\r\n${letter('twice')}`)
  })

  test('a missing or disabled account is told and does not stop the others', async (house) => {
    const [ann, ben] = await accountsOf(house, 2)
    assert.ok(ann !== undefined && ben !== undefined)
    await house.store.updateAccount({ id: ben, state: 'disabled' })
    const message = await house.stage(letter('x'))
    const missing = 999_999 as AccountId
    const delivered = await house.store.deliver({
      message,
      internalDate: house.now,
      targets: [missing, ann, ben].map((account) => ({ account, prefix: '' })),
    })
    assert.ok(delivered.ok)
    assert.deepEqual(
      delivered.results.map((result) => (result.ok ? 'ok' : result.reason)),
      ['no-such-account', 'ok', 'no-such-account'],
    )
    assert.equal((await house.mailbox(ben)).messages, 0)
  })

  test('with no target left nothing is kept', async (house) => {
    for (const content of [letter('x'), largeBytes(200_000)]) {
      const message = await house.stage(content)
      const targets = [{ account: 999_999 as AccountId, prefix: '' }]
      const delivered = await house.store.deliver({ message, internalDate: house.now, targets })
      assert.deepEqual(delivered, { ok: false, reason: 'no-such-account' })
      await house.audit()
    }
  })

  test('quota: refused only when every target would be, and an overshoot is by one message at most', async (house) => {
    const full = await house.account('full', { bytes: 10, messages: null })
    const few = await house.account('few', { bytes: null, messages: 1 })
    const free = await house.account('free')
    const send = async (accounts: readonly AccountId[]): Promise<unknown> => {
      const message = await house.stage(letter('quota'))
      const targets = accounts.map((account) => ({ account, prefix: '' }))
      const delivered = await house.store.deliver({ message, internalDate: house.now, targets })
      return delivered.ok ? delivered.results.map((result) => result.ok) : delivered.reason
    }
    assert.equal(await send([full]), 'over-quota')
    assert.equal((await house.accountOf(full)).used.messages, 0)
    assert.deepEqual(await send([few]), [true])
    assert.equal(await send([few]), 'over-quota')
    assert.equal(await send([few, full]), 'over-quota')
    assert.deepEqual(await send([few, full, free]), [true, true, true])
    assert.equal((await house.accountOf(few)).used.messages, 2)
  })

  test('quota: exactly full is allowed, one octet more is not', async (house) => {
    const text = letter('exact')
    const exact = await house.account('exact', { bytes: text.length, messages: null })
    const short = await house.account('short', { bytes: text.length - 1, messages: null })
    for (const [account, expected] of [
      [exact, true],
      [short, false],
    ] as const) {
      const message = await house.stage(text)
      const targets = [{ account, prefix: '' }]
      const delivered = await house.store.deliver({ message, internalDate: house.now, targets })
      assert.equal(delivered.ok, expected)
    }
    assert.deepEqual((await house.accountOf(exact)).used, { bytes: text.length, messages: 1 })
  })

  test('append stores flags, keywords and dates of all its messages, in order', async (house) => {
    const account = await house.account()
    const drafts = await house.mailbox(account, 'Drafts')
    const uids = await house.append(account, drafts.id, {
      count: 3,
      flags: Flag.draft,
      keywords: '$Forwarded work',
    })
    assert.deepEqual(uids, [1, 2, 3])
    const stored = await house.messages(account, drafts.id)
    assert.deepEqual(
      stored.map(({ uid, flags, keywords, internalDate }) => ({ uid, flags, keywords, internalDate })),
      [0, 1, 2].map((index) => ({
        uid: index + 1,
        flags: Flag.draft,
        keywords: '$Forwarded work',
        internalDate: house.now + index,
      })),
    )
    const after = await house.mailbox(account, 'Drafts')
    assert.deepEqual([after.messages, after.unseen, after.uidNext], [3, 3, 4])
    assert.equal(
      after.bytes,
      stored.reduce((sum, message) => sum + message.size, 0),
    )
  })

  test('append is all or none: over quota, and into a mailbox that is not there', async (house) => {
    const account = await house.account('tight', { bytes: null, messages: 2 })
    const inbox = await house.mailbox(account)
    const messages = []
    for (let index = 0; index < 3; index++) {
      const message = await house.stage(index === 1 ? largeBytes(200_000) : letter('x'))
      messages.push({ message, flags: 0, keywords: '', internalDate: house.now })
    }
    const refused = await house.store.append({ account, mailbox: inbox.id, messages, now: 0 })
    assert.deepEqual(refused, { ok: false, reason: 'over-quota' })
    assert.deepEqual(await house.uids(account, inbox.id), [])
    assert.equal((await house.mailbox(account)).uidNext, 1)

    const mailbox = 4_711 as typeof inbox.id
    const message = await house.stage(letter('x'))
    const nowhere = await house.store.append({
      account,
      mailbox,
      messages: [{ message, flags: 0, keywords: '', internalDate: house.now }],
      now: house.now,
    })
    assert.deepEqual(nowhere, { ok: false, reason: 'no-such-mailbox' })
  })

  test('what is discarded, or staged and never delivered, is nowhere', async (house) => {
    for (const content of [letter('x'), largeBytes(200_000)]) {
      const writer = house.store.blobs.stage()
      await writer.write(Buffer.from(content))
      await writer.discard()
      await writer.discard()
      const finished = house.store.blobs.stage()
      await finished.write(Buffer.from(content))
      await finished.finish()
      await finished.discard()
      await house.audit()
    }
  })

  test('the writer copies what it keeps: the caller may use its buffer again', async (house) => {
    const account = await house.account()
    const writer = house.store.blobs.stage()
    const buffer = Buffer.alloc(40_000, 'a')
    for (const fill of ['a', 'b', 'c', 'd', 'e']) {
      buffer.fill(fill)
      await writer.write(buffer)
    }
    buffer.fill('z')
    const message = { blob: await writer.finish(), structure: '{}' }
    const targets = [{ account, prefix: '' }]
    assert.ok((await house.store.deliver({ message, internalDate: house.now, targets })).ok)
    const text = await house.text(account, (await house.mailbox(account)).id, uid(1))
    assert.equal(text.toString(), ['a', 'b', 'c', 'd', 'e'].map((fill) => fill.repeat(40_000)).join(''))
  })

  test('fifty deliveries at once: UIDs are unique and without gaps, counts are right', async (house) => {
    const accounts = await accountsOf(house, 5)
    const [first] = accounts
    assert.ok(first !== undefined)
    const sent = Array.from({ length: 50 }, async (_, index) => {
      const other = accounts[index % accounts.length] ?? first
      return house.deliver(other === first ? [first] : [first, other], letter(`number ${index}`))
    })
    const uids = (await Promise.all(sent)).map((given) => given[0] ?? 0)
    assert.deepEqual(
      uids.toSorted((a, b) => a - b),
      Array.from({ length: 50 }, (_, index) => index + 1),
    )
    const inbox = await house.mailbox(first)
    assert.deepEqual([inbox.messages, inbox.unseen, inbox.uidNext], [50, 50, 51])
    for (const account of accounts.slice(1)) assert.equal((await house.mailbox(account)).messages, 10)
  })

  test('a mailbox that is removed while mail comes for it stands in nobody`s way', async (house) => {
    const account = await house.account()
    const target = { account, prefix: '', mailbox: { name: 'box', create: false } }
    for (let round = 0; round < 8; round++) {
      const { id: mailbox } = await house.create(account, 'box')
      const coming = Array.from({ length: 4 }, () => house.deliverTo([target], letter('x')))
      await Promise.all([...coming, house.store.removeMailbox({ account, mailbox })])
    }
  })

  test('deliveries to crossing lists of accounts do not stand in each other`s way', async (house) => {
    const accounts = await accountsOf(house, 4)
    const sent = Array.from({ length: 24 }, (_, index) =>
      house.deliver(index % 2 === 0 ? accounts : accounts.toReversed(), letter(`${index}`)),
    )
    await Promise.all(sent)
    for (const account of accounts) assert.equal((await house.mailbox(account)).messages, 24)
  })
}

async function accountsOf(house: House, count: number): Promise<AccountId[]> {
  const accounts: AccountId[] = []
  for (let index = 0; index < count; index++) accounts.push(await house.account(`account${index}`))
  return accounts
}
