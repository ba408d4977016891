// One run of the simulated Internet under one seed: a few Posthorns, hosts of random kinds in random places, messages of all kinds
// over a day, processes that die, DNS that fails; then time passes until every message has met its fate, and the ledger is read.
import type { SeededRandom } from '../../src/base/seeded-random.ts'
import type { MessageOptions, NotifyOn } from '../../src/mail/delivery-options.ts'
import type { House } from './house.ts'
import { complaintsAbout, type Fate, Ledger, markedText } from './ledger.ts'
import { personalities } from './personality.ts'
import { oneOf, quietPlace, somePlace } from './place.ts'
import { World } from './world.ts'

export interface Outcome {
  readonly seed: number | string
  /** Empty when all is well. */
  readonly complaints: readonly string[]
  readonly fates: readonly Fate[]
  /** Every event of every house with its time. */
  readonly trace: readonly string[]
}

export interface ScenarioSize {
  readonly houses: number
  readonly peers: number
  readonly messages: number
}

export const usualSize: ScenarioSize = { houses: 2, peers: 8, messages: 40 }

const people = ['ann', 'bob', 'zoe'] as const
/** Known by aliases alone, so that whoever is named twice is not promised two copies. */
const passedOn = { fwd: 'fay', all: 'gus', club: 'mem' } as const
const minute = 60_000
const hour = 60 * minute
const day = 24 * hour

interface Scene {
  readonly world: World
  readonly ledger: Ledger
  readonly random: SeededRandom
  readonly domains: readonly string[]
  /** What leads elsewhere: the addresses behind each alias, and the owner of each list. */
  readonly aliases: Map<string, { targets: readonly string[]; owner: string | null }>
}

/** Runs it; a rejection is a crash of ours. */
export async function runScenario(
  seed: number | string,
  size: ScenarioSize = usualSize,
  look: (world: World) => Promise<void> = () => Promise.resolve(),
): Promise<Outcome> {
  await using world = new World(seed)
  const random = world.random.fork('scenario')
  const expireAfter = oneOf(random, ['5d', '2d', '1d', '1d'])
  for (let index = 0; index < size.houses; index++) {
    await world.addHouse(`house${index}.test`, [...people, ...Object.values(passedOn)], { expireAfter })
  }
  const domains = await addPeers(world, random, size.peers)
  const scene: Scene = { world, ledger: new Ledger(), random, domains, aliases: new Map() }
  for (const house of world.houses) await addAliases(house, scene)
  for (let index = 0; index < size.messages; index++) {
    await world.clock.advance(random.below(30 * minute))
    const trouble = maybeTrouble(scene)
    await sendOne(scene, `m${index}`)
    await trouble()
    await revive(world)
  }
  // Beyond the five days after which the last message is given up, and time for the reports.
  await world.comeToRest(8 * day)
  await look(world)
  return { seed, ...(await judge(scene)), trace: world.trace }
}

async function judge({ world, ledger }: Scene): Promise<Pick<Outcome, 'complaints' | 'fates'>> {
  const complaints: string[] = []
  const fates = await ledger.fates(world)
  for (const fate of fates) {
    const { marker, sender, recipient, via } = fate.promised
    const found = [...complaintsAbout(fate, world), ...lateness(fate, world)]
    const way = via === null ? '' : ` by ${via.address}`
    complaints.push(...found.map((one) => `${marker} from ${sender} to ${recipient}${way}: ${one}`))
  }
  for (const house of world.houses) {
    await house.audit()
    for (const { name, fields } of house.events.records) {
      if (name === 'queue.fault' || name === 'queue.store-trouble') {
        complaints.push(`${house.domain} ${name} ${JSON.stringify(fields)}`)
      }
    }
  }
  return { complaints, fates }
}

/** Mail to a host that does nothing unusual is not to wait for the troubles of others. */
function lateness(fate: Fate, world: World): string[] {
  const { recipient, sender, at, options, via } = fate.promised
  const peer = world.peerOf(recipient)
  const first = fate.kept[0]
  if (peer?.personality.name !== 'honest' || peer.disturbed || first === undefined || via !== null) return []
  const due = Math.max(at, options.holdUntil ?? 0)
  // A sender that dies comes back, waits with what it was at work on, and perhaps dies again.
  const house = world.houses.find(({ domain }) => sender.endsWith(`@${domain}`))
  const dead = (house?.deaths ?? [])
    .filter((death) => death.to >= at && death.from <= first.at)
    .reduce((sum, { from, to }) => sum + (to - from) + 15 * minute, 0)
  const waited = first.at - due - dead
  return waited > 10 * minute ? [`came ${Math.round(waited / minute)} minutes late`] : []
}

async function addPeers(world: World, random: SeededRandom, count: number): Promise<string[]> {
  const names = Object.keys(personalities)
  const domains: string[] = []
  for (let index = 0; index < count; index++) {
    // The first is always honest, so that there is somebody whose mail nothing may delay.
    const name = index === 0 ? 'honest' : (names[random.below(names.length)] ?? 'honest')
    const make = personalities[name]
    if (make === undefined) throw new Error(`no personality ${name}`)
    const domain = `peer${index}.test`
    await world.addPeer(domain, make, index === 0 ? quietPlace : somePlace(random))
    domains.push(domain)
  }
  return domains
}

/** One address that goes to one elsewhere, one that goes to several, and a list that has itself as a member. */
async function addAliases(house: House, { world, random, domains, aliases }: Scene): Promise<void> {
  const somewhere = (): string => domains[random.below(domains.length)] ?? house.domain
  const other = world.houses[random.below(world.houses.length)]?.domain ?? house.domain
  const set = async (name: keyof typeof passedOn, at: readonly string[], owner: string | null) => {
    const address = `${name}@${house.domain}`
    // A local part of its own for each house, at hosts that know everybody; accounts of houses are met by one alias alone.
    const targets = [...new Set(at)].map((domain) =>
      domain.startsWith('peer')
        ? `${passedOn[name]}.${house.domain.replace('.test', '')}@${domain}`
        : `${passedOn[name]}@${domain}`,
    )
    aliases.set(address, { targets, owner })
    const loop = owner === null ? [] : [address]
    await house.operate('alias.set', { address, targets: [...targets, ...loop], owner })
  }
  await set('fwd', [somewhere()], null)
  const own = house.domain
  await set('all', [somewhere(), somewhere(), own], null)
  await set('club', [somewhere(), somewhere(), other === own ? somewhere() : own], `ann@${own}`)
}

interface Wishes {
  readonly options: Partial<MessageOptions>
  readonly notify: readonly NotifyOn[] | null
  readonly header: string
}

const noWishes: Wishes = { options: {}, notify: null, header: '' }

function someWishes({ random, world }: Scene): Wishes {
  const now = world.clock.now()
  const choices: (() => Partial<Wishes>)[] = [
    () => ({ notify: [] }),
    () => ({ notify: oneOf<readonly NotifyOn[]>(random, [['success'], ['failure', 'success'], ['delay']]) }),
    () => ({ options: { priority: random.below(19) - 9 } }),
    () => ({ options: { holdUntil: now + random.below(10 * hour) } }),
    () => ({ options: { requireTls: true } }),
    () => ({ options: { tlsOptional: true }, header: 'TLS-Required: No\r\n' }),
    () => ({ options: { ret: 'full', envId: 'QQ314159' } }),
    () => {
      const mode = random.below(2) === 0 ? 'return' : 'notify'
      return {
        options: { deliverBy: { at: now + minute + random.below(8 * hour), mode, trace: 'not-asked' } },
      }
    },
  ]
  if (random.below(2) === 0) return noWishes
  return { ...noWishes, ...choices[random.below(choices.length)]?.() }
}

async function sendOne(scene: Scene, marker: string): Promise<void> {
  const { world, ledger, random, domains, aliases } = scene
  const house = oneOf(random, [world.houses[0] as House, ...world.houses.slice(1)])
  const from = `${oneOf(random, people)}@${house.domain}`
  const all = [...domains, ...world.houses.map(({ domain }) => domain)]
  const to = new Set<string>()
  for (let count = 1 + random.below(4); count > 0; count--) {
    to.add(`${oneOf(random, people)}@${all[random.below(all.length)] ?? house.domain}`)
  }
  if (random.below(4) === 0) to.add([...aliases.keys()][random.below(aliases.size)] ?? from)
  const { options, notify, header } = someWishes(scene)
  const at = world.clock.now()
  const text = markedText({ marker, from, to: [...to], header })
  const taken = await house.submit({
    ...{ from, to: [...to], text, options },
    recipientOptions: {
      notify,
      originalRecipient: notify === null ? null : `rfc822;somebody@${house.domain}`,
    },
  })
  for (const address of taken) {
    const alias = aliases.get(address)
    const promised = { marker, author: from, sender: from, at, options, notify }
    if (alias === undefined) ledger.promise({ ...promised, recipient: address, via: null })
    for (const recipient of alias?.targets ?? []) {
      const list = alias !== undefined && alias.owner !== null
      // RFC 3461 §5.2.7.1: what the sender asked for ends at the list.
      const changed = list ? { sender: alias.owner ?? from, notify: null } : {}
      ledger.promise({ ...promised, ...changed, recipient, via: { address, list } })
    }
  }
}

/** Something that goes wrong at this time; what is given goes on with it after the message was sent. */
function maybeTrouble(scene: Scene): () => Promise<void> {
  const { random, world } = scene
  switch (random.below(24)) {
    case 0:
      return () => killFor(scene, random.below(10 * minute))
    case 1:
      // In mid attempt, in mid report, in mid delivery: wherever that call of the store happens to be.
      return async () => {
        const house = world.houses[random.below(world.houses.length)]
        house?.killAtCall(1 + random.below(40), random.below(2) === 0 ? 'before' : 'after')
        await world.clock.advance(random.below(20 * minute))
      }
    case 2:
      return async () => {
        await world.clock.advance(random.below(3000))
        await killFor(scene, random.below(2 * minute))
      }
    case 3: {
      const peer = world.peers[1 + random.below(Math.max(1, world.peers.length - 1))]
      if (peer === undefined) return () => Promise.resolve()
      peer.disturbed = true
      const kind = random.below(2) === 0 ? 'servfail' : 'timeout'
      const failure = `$FAIL ${peer.domain}. ${kind}\n$FAIL mx.${peer.domain}. ${kind}`
      world.publish(failure)
      world.clock.after(random.below(9 * hour), () => world.withdraw(failure))
      return random.below(3) === 0 ? () => killFor(scene, minute) : () => Promise.resolve()
    }
    default:
      return () => Promise.resolve()
  }
}

async function killFor({ random, world }: Scene, length: number): Promise<void> {
  const house = world.houses[random.below(world.houses.length)]
  house?.kill()
  await world.clock.advance(length)
  await revive(world)
}

async function revive({ houses }: World): Promise<void> {
  for (const house of houses) if (!house.isAlive) await house.start()
}
