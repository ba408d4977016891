// One run of the simulated Internet under one seed: a few Posthorns, a dozen hosts of random kinds, a hundred messages over a day,
// processes that die, DNS that fails; then time passes until every message has met its fate, and the ledger is read.
import type { SeededRandom } from '../../src/base/seeded-random.ts'
import type { MemoryTlsIdentity } from '../../src/net/memory-tls.ts'
import { complaintAbout, type Fate, Ledger, markedText } from './ledger.ts'
import { personalities } from './personality.ts'
import { type Place, World } from './world.ts'

export interface Outcome {
  readonly seed: number | string
  /** Empty when all is well. */
  readonly complaints: readonly string[]
  readonly fates: readonly Fate[]
}

export interface ScenarioSize {
  readonly houses: number
  readonly peers: number
  readonly messages: number
}

export const usualSize: ScenarioSize = { houses: 2, peers: 8, messages: 40 }

const people = ['ann', 'bob', 'zoe']
const minute = 60_000
const hour = 60 * minute
const day = 24 * hour

/** Runs it; a rejection is a crash of ours. */
export async function runScenario(seed: number | string, size: ScenarioSize = usualSize): Promise<Outcome> {
  await using world = new World(seed)
  const ledger = new Ledger()
  const random = world.random.fork('scenario')
  for (let index = 0; index < size.houses; index++) await world.addHouse(`house${index}.test`, people)
  const domains = await addPeers(world, random, size.peers)
  for (let index = 0; index < size.messages; index++) {
    await world.clock.advance(random.below(30 * minute))
    await sendOne(world, { ledger, random, domains, marker: `m${index}` })
    await maybeTrouble(world, random)
  }
  // Beyond the five days after which the last message is given up, and time for the reports.
  await world.clock.advance(7 * day)
  const complaints: string[] = []
  const fates = await ledger.fates(world)
  for (const fate of fates) {
    const { marker, sender, recipient } = fate.promised
    const complaint = complaintAbout(fate) ?? lateness(world, fate)
    if (complaint !== undefined) complaints.push(`${marker} from ${sender} to ${recipient}: ${complaint}`)
  }
  for (const house of world.houses) await house.audit()
  return { seed, complaints, fates }
}

/** Mail to a host that does nothing unusual is not to wait for the troubles of others. */
function lateness(world: World, fate: Fate): string | undefined {
  const peer = world.peers.find(({ name }) => fate.promised.recipient.endsWith(`@${name}`))
  if (peer?.personality.name !== 'honest' || peer.disturbed || fate.firstAt === null) return undefined
  const waited = fate.firstAt - fate.promised.at
  return waited > 10 * minute ? `came ${Math.round(waited / minute)} minutes late` : undefined
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
    const place = index === 0 ? quietPlace : somePlace(random, domain)
    const peer = await world.addPeer(domain, make({ clock: world.clock, random: random.fork(domain) }), place)
    peer.disturbed = place !== quietPlace
    domains.push(domain)
  }
  return domains
}

const quietPlace: Place = { mx: 'usual', tls: null, connect: 'open' }

function somePlace(random: SeededRandom, domain: string): Place {
  const mx = (['usual', 'usual', 'implicit', 'first is dead'] as const)[random.below(4)] ?? 'usual'
  const connect =
    random.below(10) > 0 ? 'open' : (['black-hole', 'refused', 'unreachable'] as const)[random.below(3)]
  const identities: (MemoryTlsIdentity | null)[] = [
    null,
    { names: [`mx.${domain}`], key: domain, problem: null },
    { names: ['elsewhere.test'], key: domain, problem: null },
    { names: [`mx.${domain}`], key: domain, problem: 'CERT_HAS_EXPIRED' },
  ]
  return { mx, connect: connect ?? 'open', tls: identities[random.below(identities.length)] ?? null }
}

interface Sending {
  readonly ledger: Ledger
  readonly random: SeededRandom
  readonly domains: readonly string[]
  readonly marker: string
}

async function sendOne(world: World, { ledger, random, domains, marker }: Sending): Promise<void> {
  const house = world.houses[random.below(world.houses.length)]
  if (house === undefined) return
  const from = `${people[random.below(people.length)] ?? 'ann'}@${house.domain}`
  const all = [...domains, ...world.houses.map(({ domain }) => domain)]
  const to = new Set<string>()
  for (let count = 1 + random.below(4); count > 0; count--) {
    to.add(`${people[random.below(people.length)] ?? 'ann'}@${all[random.below(all.length)] ?? house.domain}`)
  }
  const at = world.clock.now()
  const taken = await house.submit({ from, to: [...to], text: markedText({ marker, from, to: [...to] }) })
  for (const recipient of taken) ledger.promise({ marker, sender: from, recipient, at })
}

async function maybeTrouble(world: World, random: SeededRandom): Promise<void> {
  const house = world.houses[random.below(world.houses.length)]
  if (house === undefined || random.below(12) > 0) return
  house.kill()
  await world.clock.advance(random.below(10 * minute))
  await house.start()
}
