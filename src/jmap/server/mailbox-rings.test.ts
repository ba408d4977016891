// One Mailbox/set whose parts are in each other's way: RFC 8620 §5.3 has "the final state after applying all changes" be what is judged, so
// whatever leads to one that may be is done, in whatever order it is asked for.
import assert from 'node:assert/strict'
import { test, type TestContext } from 'node:test'
import { SeededRandom } from '../../base/seeded-random.ts'
import { type Loose, mailHouse, sorted } from '../../../test/support/mail-house.ts'
import { testStore } from '../../../test/support/store.ts'
import { type Store, StoreUnavailable } from '../../store/store.ts'

async function house(context: TestContext) {
  const mail = await mailHouse(context)
  const set = async (args: object): Promise<Loose> => mail.call('Mailbox/set', args)
  /** All but those that were there from the start, by path, with roles. */
  const tree = async (): Promise<string[]> => {
    const { list }: Loose = await mail.call('Mailbox/get', { ids: null })
    const byId = new Map<string, Loose>((list as Loose[]).map((one) => [String(one['id']), one]))
    const pathOf = ({ name, parentId }: Loose): string => {
      const parent = byId.get(String(parentId))
      return parent === undefined ? String(name) : `${pathOf(parent)}/${String(name)}`
    }
    return [...byId.values()]
      .map((one) => `${String(one['id'])} ${pathOf(one)} ${String(one['role'])}`)
      .filter((line) => !/ (Inbox inbox|Trash trash)$/.test(line))
      .toSorted()
  }
  return {
    ...{ mail, set, tree },
    async made(name: string, parentId: string | null = null, role: string | null = null): Promise<string> {
      return (await set({ create: { k: { name, parentId, role } } }))['created'].k.id
    },
    /** All of it is done; the ids of what was made. */
    async whole(args: object): Promise<Loose> {
      const answer = await set(args)
      const { notCreated, notUpdated, notDestroyed } = answer
      const refused = JSON.stringify([args, notCreated, notUpdated, notDestroyed])
      assert.deepEqual([notCreated, notUpdated, notDestroyed], [null, null, null], refused)
      const created = Object.entries<Loose>(answer['created'] ?? {})
      return Object.fromEntries(created.map(([key, { id }]) => [key, id]))
    },
  }
}

test('what is made takes the name or role of what moves into it', async (context) => {
  const { whole, made, tree } = await house(context)
  const a = await made('A', null, 'archive')
  const { k } = await whole({
    create: { k: { name: 'A' } },
    update: { [a]: { name: 'Old', parentId: '#k' } },
  })
  assert.deepEqual(await tree(), [`${a} A/Old archive`, `${k} A null`].toSorted())
  const roles = await whole({
    create: { l: { name: 'L', role: 'archive' } },
    update: { [a]: { role: null, parentId: '#l' } },
  })
  assert.deepEqual(await tree(), [`${a} L/Old null`, `${k} A null`, `${roles['l']} L archive`].toSorted())
})

test('what is made inside takes the name of its new neighbour, and a branch turns around it', async (context) => {
  const { whole, made, tree } = await house(context)
  const x = await made('A')
  const y = await made('Y', x)
  // A/Y becomes A/Y/A, the outer being new.
  const { k } = await whole({
    create: { k: { name: 'A' } },
    update: { [x]: { parentId: y }, [y]: { parentId: '#k' } },
  })
  assert.deepEqual(await tree(), [`${k} A null`, `${y} A/Y null`, `${x} A/Y/A null`].toSorted())
  const { l } = await whole({
    create: { l: { name: 'Y', parentId: k } },
    update: { [y]: { name: 'Z', parentId: '#l' } },
  })
  assert.deepEqual(
    await tree(),
    [`${k} A null`, `${l} A/Y null`, `${y} A/Y/Z null`, `${x} A/Y/Z/A null`].toSorted(),
  )
})

test('what is made takes the name of what is destroyed, whose inside moves into it', async (context) => {
  const { mail, set, whole, made, tree } = await house(context)
  const old = await made('Work')
  const inner = await made('In', old)
  const change = { create: { k: { name: 'Work' } }, update: { [inner]: { parentId: '#k' } }, destroy: [old] }
  // Where it may not be destroyed, it keeps its name.
  const blobId = await mail.house.upload(mail.ann, 'Subject: hi\r\n\r\nText.\r\n', 'message/rfc822')
  await mail.call('Email/import', { emails: { k: { blobId, mailboxIds: { [old]: true } } } })
  const refused = await set(change)
  assert.deepEqual(
    [refused['notCreated'].k.type, refused['notUpdated'][inner].type, refused['notDestroyed'][old].type],
    ['alreadyExists', 'invalidProperties', 'mailboxHasChild'],
  )
  assert.deepEqual(await tree(), [`${old} Work null`, `${inner} Work/In null`].toSorted())
  const { k } = await whole({ ...change, onDestroyRemoveEmails: true })
  assert.deepEqual(await tree(), [`${k} Work null`, `${inner} Work/In null`].toSorted())
})

test('a ring of parents is refused, and nothing else of the call', async (context) => {
  const { set, made, tree } = await house(context)
  const [x, y] = [await made('X'), await made('Y')]
  const inRing = async (args: object): Promise<Loose> => {
    const { created, updated, notCreated, notUpdated } = await set(args)
    const errors = Object.entries<Loose>({ ...notCreated, ...notUpdated })
    for (const [, { type, properties }] of errors) {
      assert.deepEqual([type, properties], ['invalidProperties', ['parentId']])
    }
    return [Object.keys(created ?? {}), Object.keys(updated ?? {}), errors.map(([name]) => name)]
  }
  const two = { a: { name: 'a', parentId: '#b' }, b: { name: 'b', parentId: '#a' }, c: { name: 'c' } }
  assert.deepEqual(await inRing({ create: two }), [['c'], [], ['a', 'b']])
  assert.deepEqual(await inRing({ create: { a: { name: 'a', parentId: '#a' } } }), [[], [], ['a']])
  // What is made is one record, and what would go into itself another.
  const made1 = {
    create: { k: { name: 'k', parentId: x } },
    update: { [x]: { parentId: '#k' }, [y]: { name: 'y' } },
  }
  assert.deepEqual(await inRing(made1), [['k'], [y], [x]])
  const each = { update: { [x]: { parentId: y }, [y]: { parentId: x } } }
  assert.deepEqual((await inRing(each))[2].length, 1)
  assert.equal((await tree()).length, 4)
})

test('what the call destroys is not updated, and is named by its id', async (context) => {
  const { set, made } = await house(context)
  const old = await made('Old')
  const answer = await set({
    create: { k: { name: 'New' } },
    update: { '#k': { sortOrder: 1 }, [old]: { name: 'Older' }, '#nothing': {} },
    destroy: ['#k', old, '#nothing'],
  })
  const { id } = answer['created'].k
  const typesOf = (errors: Loose): unknown =>
    Object.fromEntries(Object.entries<Loose>(errors).map(([name, { type }]) => [name, type]))
  assert.deepEqual(typesOf(answer['notUpdated']), { [id]: 'willDestroy', [old]: 'willDestroy', '#nothing': 'notFound' }) // prettier-ignore
  assert.deepEqual(sorted(answer['destroyed']), sorted([id, old]))
  assert.deepEqual(typesOf(answer['notDestroyed']), { '#nothing': 'notFound' })
})

test('who would be too deep in what is made keeps his name', async (context) => {
  const { set, made, tree } = await house(context)
  let parentId: string | null = null
  for (let depth = 0; depth < 8; depth++) parentId = await made('d', parentId)
  const a = await made('A', parentId)
  const before = await tree()
  const answer = await set({
    create: { k: { name: 'A', parentId }, l: { name: 'L', parentId: '#k' } },
    update: { [a]: { parentId: '#l' } },
  })
  assert.deepEqual(answer['notUpdated'][a].properties, ['parentId'])
  assert.equal(answer['notCreated'].k.type, 'alreadyExists')
  assert.deepEqual(await tree(), before)
})

test('whoever stepped aside goes back where the store fails in the midst of a ring', async (context) => {
  const real = await testStore(context)
  let changes = 0
  const changeMailbox: Store['changeMailbox'] = async (request) => {
    changes++
    // The first has stepped aside by now.
    if (changes === 2) throw new StoreUnavailable('no room')
    return real.changeMailbox(request)
  }
  const mail = await mailHouse(context, { store: { ...real, changeMailbox } })
  const { created }: Loose = await mail.call('Mailbox/set', {
    create: { a: { name: 'A' }, b: { name: 'B' } },
  })
  const [a, b] = [String(created.a.id), String(created.b.id)]
  const [answer] = await mail.calls([
    ['Mailbox/set', { update: { [a]: { name: 'B' }, [b]: { name: 'A' } } }, '0'],
  ])
  assert.deepEqual([answer?.[0], answer?.[1]['type']], ['error', 'serverUnavailable'])
  const { list }: Loose = await mail.call('Mailbox/get', { ids: [a, b], properties: ['name'] })
  assert.deepEqual(list, [{ id: a, name: 'A' }, { id: b, name: 'B' }]) // prettier-ignore
})

interface Wanted {
  readonly name: string
  readonly parent: number | null
  readonly role: string | null
}

/** A forest, each with a parent of smaller number by a random order; no two have one path or one role. */
function forest(random: SeededRandom, size: number): Wanted[] {
  const order = Array.from({ length: size }, (_, at) => at)
  for (let at = size - 1; at > 0; at--) {
    const other = random.below(at + 1)
    ;[order[at], order[other]] = [order[other] ?? 0, order[at] ?? 0]
  }
  const roles = ['archive', 'junk', 'sent']
  const all: Wanted[] = []
  const taken = new Set<string>()
  for (const [rank, one] of order.entries()) {
    const parent = rank === 0 || random.below(3) === 0 ? null : (order[random.below(rank)] ?? null)
    const names = ['a', 'b', 'c', 'd', 'e', 'f', 'g', 'h'].slice(random.below(3))
    const name = names.find((free) => !taken.has(`${parent} ${free}`)) ?? `n${one}`
    taken.add(`${parent} ${name}`)
    all[one] = { name, parent, role: random.below(3) === 0 ? (roles.pop() ?? null) : null }
  }
  return all
}

test('any forest becomes any other in one call', async (context) => {
  const { whole, tree } = await house(context)
  const random = new SeededRandom(5)
  for (let round = 0; round < 40; round++) {
    const [old, kept, fresh] = [2 + random.below(5), random.below(4), 1 + random.below(3)]
    const before = forest(random, old)
    const parentOf = ({ parent }: Wanted, ids: readonly (string | undefined)[]): string | null =>
      parent === null ? null : (ids[parent] ?? null)
    const names = before.map((_, at) => `#o${at}`)
    const create = before.map((one, at) => [
      `o${at}`,
      { ...one, parent: undefined, parentId: parentOf(one, names) },
    ])
    const ids: Loose = await whole({ create: JSON.parse(JSON.stringify(Object.fromEntries(create))) })
    const stays = Math.min(kept, old)
    const after = forest(random, stays + fresh)
    const targets = after.map((_, at) => (at < stays ? String(ids[`o${at}`]) : `#f${at}`))
    const describe = (one: Wanted): object => ({
      name: one.name,
      role: one.role,
      parentId: parentOf(one, targets),
    })
    const made = await whole({
      create: Object.fromEntries(after.slice(stays).map((one, at) => [`f${at + stays}`, describe(one)])),
      update: Object.fromEntries(after.slice(0, stays).map((one, at) => [targets[at], describe(one)])),
      destroy: before.slice(stays).map((_, at) => ids[`o${at + stays}`]),
    })
    const final = targets.map((target) => (target.startsWith('#') ? String(made[target.slice(1)]) : target))
    const pathOf = ({ name, parent }: Wanted): string => {
      const above = parent === null ? undefined : after[parent]
      return above === undefined ? name : `${pathOf(above)}/${name}`
    }
    const wanted = after.map((one, at) => `${final[at]} ${pathOf(one)} ${one.role}`).toSorted()
    assert.deepEqual(await tree(), wanted)
    await whole({ destroy: final })
  }
})
