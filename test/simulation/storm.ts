// Storms of mail, each with its own cast: parties that answer, forward or return each other's messages for as long as anybody
// lets them. Each scenario gives the world when it has come to rest, and what was counted.
import type { House } from './house.ts'
import { isReport, markedText } from './ledger.ts'
import { automaticAnswer, personalities, usualExtensions } from './personality.ts'
import { World } from './world.ts'

const minute = 60_000
const day = 24 * 60 * minute

/** Messages that houses took, over SMTP or by submission. */
export function taken({ houses }: World): number {
  const names = ['smtp.message-accepted', 'queue.delivered']
  return houses.reduce((sum, { events }) => sum + names.reduce((all, name) => all + events.count(name), 0), 0)
}

/** In that mailbox, reports alone. */
export async function reportsOf(house: House, person: string): Promise<string[]> {
  const filed = await house.filed()
  return filed
    .filter(({ account, text }) => account === `${person}@${house.domain}` && isReport(text))
    .map(({ text }) => text)
}

export async function filedOf(house: House, person: string): Promise<number> {
  const filed = await house.filed()
  return filed.filter(({ account }) => account === `${person}@${house.domain}`).length
}

async function twoHouses(seed: string): Promise<{ world: World; one: House; two: House }> {
  const world = new World(seed)
  const one = await world.addHouse('one.test', ['ann', 'vac'])
  const two = await world.addHouse('two.test', ['bob', 'vac'])
  return { world, one, two }
}

function send(house: House, from: string, to: string): Promise<readonly string[]> {
  return house.submit({ from, to: [to], text: markedText({ marker: 'storm', from, to: [to] }) })
}

/** Two houses whose aliases forward to each other. */
export async function forwardingCircle(): Promise<{ world: World; one: House; two: House }> {
  const { world, one, two } = await twoHouses('circle')
  await one.operate('alias.set', { address: 'round@one.test', targets: ['round@two.test'] })
  await two.operate('alias.set', { address: 'round@two.test', targets: ['round@one.test'] })
  await send(one, 'ann@one.test', 'round@one.test')
  await world.comeToRest(7 * day)
  return { world, one, two }
}

/** The same where each alias goes to a person too, so that every round leaves copies, and to a third that circles. */
export async function forkedCircle(): Promise<{ world: World; one: House; two: House }> {
  const { world, one, two } = await twoHouses('forked')
  const other = { one: 'two', two: 'one' } as const
  for (const [name, house] of [
    ['one', one],
    ['two', two],
  ] as const) {
    const far = other[name]
    for (const alias of ['left', 'right']) {
      const targets = [
        `left@${far}.test`,
        `right@${far}.test`,
        name === 'one' ? 'ann@one.test' : 'bob@two.test',
      ]
      await house.operate('alias.set', { address: `${alias}@${name}.test`, targets })
    }
  }
  await send(one, 'ann@one.test', 'left@one.test')
  await world.comeToRest(7 * day)
  return { world, one, two }
}

/** Two lists, each a member of itself and of the other, with members elsewhere who do not exist. */
export async function listsOfEachOther(): Promise<{ world: World; one: House; two: House }> {
  const { world, one, two } = await twoHouses('lists')
  const nobody = (): ReturnType<NonNullable<(typeof personalities)[string]>> => ({
    name: 'knows nobody',
    extensions: usualExtensions,
    act: (stage) => (stage === 'rcpt' ? { type: 'say', lines: ['550 5.1.1 No such user'] } : undefined),
  })
  await world.addPeer('gone.test', nobody)
  const members = ['list@one.test', 'list@two.test', 'x@gone.test', 'y@gone.test']
  await one.operate('alias.set', {
    address: 'list@one.test',
    targets: [...members, 'ann@one.test'],
    owner: 'ann@one.test',
  })
  await two.operate('alias.set', {
    address: 'list@two.test',
    targets: [...members, 'bob@two.test'],
    owner: 'bob@two.test',
  })
  await send(two, 'bob@two.test', 'list@one.test')
  await world.comeToRest(7 * day)
  return { world, one, two }
}

/** A person of ours who answers everything automatically, and a host elsewhere that does so too, reports included. */
export async function twoAnswerers(): Promise<{ world: World; house: House; peer: string; answers: number }> {
  const world = new World('answerers')
  const house = await world.addHouse('one.test', ['ann', 'vac'])
  const make = personalities['answers everything']
  if (make === undefined) throw new Error('no such personality')
  await world.addPeer('away.test', make)
  await send(house, 'vac@one.test', 'x@away.test')
  let answered = 0
  let answers = 0
  // A program that looks every few seconds.
  for (let time = 0; time < 150 * minute; time += 20_000) {
    await world.clock.advance(20_000)
    const filed = (await filedOf(house, 'vac')) > answered ? await house.filed() : []
    const mine = filed.filter(({ account }) => account === 'vac@one.test')
    for (const { text } of mine.slice(answered)) {
      const answer = automaticAnswer(
        { reversePath: '', recipient: 'vac@one.test', content: text, promised: true, at: 0, secured: false },
        'one.test',
      )
      if (answer !== undefined) await house.submit({ ...answer, to: [answer.to] })
      answers++
    }
    answered = Math.max(answered, mine.length)
  }
  await world.comeToRest(7 * day)
  return { world, house, peer: 'away.test', answers }
}

/** Mail whose report cannot be delivered: its sender is at a host that refuses everybody. */
export async function bounceOfBounce(): Promise<{ world: World; one: House }> {
  const { world, one } = await twoHouses('bounce')
  const make = personalities['mailboxes are full']
  if (make === undefined) throw new Error('no such personality')
  const peer = await world.addPeer('full.test', make)
  await one.operate('alias.set', { address: 'fwd@one.test', targets: ['x@full.test'] })
  const from = 'someone@full.test'
  // Refused or taken: the reply comes while time passes.
  void peer.send({
    from,
    to: 'fwd@one.test',
    text: markedText({ marker: 'storm', from, to: ['fwd@one.test'] }),
  })
  await world.comeToRest(7 * day)
  return { world, one }
}

/** 200 messages of one sender to a slow host, and then one of another: there, and to a host that is not slow. */
export async function bulkBesideOne(): Promise<{ world: World; slow: number; quick: number; all: number }> {
  const world = new World('bulk')
  const house = await world.addHouse('one.test', ['ann', 'bulk'])
  const slowly = personalities['tarpit']
  const honestly = personalities['honest']
  if (slowly === undefined || honestly === undefined) throw new Error('no such personality')
  const slow = await world.addPeer('slow.test', slowly)
  const quick = await world.addPeer('quick.test', honestly)
  for (let index = 0; index < 200; index++) {
    const to = `p${index}@slow.test`
    await house.submit({
      from: 'bulk@one.test',
      to: [to],
      text: markedText({ marker: `b${index}`, from: 'bulk@one.test', to: [to] }),
    })
  }
  await world.clock.advance(minute)
  const sent = world.clock.now()
  for (const to of ['one@slow.test', 'one@quick.test']) await send(house, 'ann@one.test', to)
  await world.comeToRest(2 * day)
  const waited = (kept: readonly { recipient: string; at: number }[], recipient: string): number =>
    (kept.find((one) => one.recipient === recipient)?.at ?? Number.POSITIVE_INFINITY) - sent
  return {
    world,
    slow: waited(slow.kept, 'one@slow.test'),
    quick: waited(quick.kept, 'one@quick.test'),
    all: slow.kept.length,
  }
}
