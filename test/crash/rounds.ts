// Rounds of load, death and inspection over one data folder, which all rounds share: what an earlier round was promised must
// outlive the later ones, and each start is a restart. Tests and `npm run crash` are made of these.
import assert from 'node:assert/strict'
import type { CheckpointName } from '../../src/base/checkpoint.ts'
import { SeededRandom } from '../../src/base/seeded-random.ts'
import { password, residents, strangers } from './house.ts'
import { inspectFolder, parted, readMaildrop } from './inspect.ts'
import { compare, type Copy, type FoundReport, type Sent } from './ledger.ts'
import { runLoad } from './load.ts'
import { CrashServer, type ServerOptions } from './server.ts'
import type { Sink, SinkMoment } from './sink.ts'

/** A furnished data folder, what its clients know, and the host that mail is relayed to. */
export interface Site {
  readonly folder: string
  readonly ledger: Sent[]
  readonly sink: Sink
  /** The URL of a PostgreSQL database that takes the folder’s place. */
  readonly database?: string
}

export interface RoundOptions {
  /** Also the beginning of the messages' ids, so it differs from round to round. */
  readonly seed: string
  readonly senders: number
}

/** More than any round gets through before its server dies. */
const endless = 1_000_000

/** Kills the server some time after the first message. Gives the milliseconds. */
export async function killAtRandom(
  site: Site,
  { longest, ...round }: RoundOptions & { longest: number },
): Promise<number> {
  const delay = new SeededRandom(round.seed).below(longest)
  await using server = await startServer(site)
  const timer = setTimeout(() => void server.kill(), delay)
  await load(site, { server, messages: endless, ...round })
  clearTimeout(timer)
  assert.equal(await server.ended, 'SIGKILL')
  await inspect(site)
  return delay
}

/** How often a place can be reached in one life. */
export function timesAtMost(name: CheckpointName, wanted: number): number {
  return name === 'queue.recovered' ? 1 : wanted
}

/** The server kills itself at a place. Fails where the place is not reached within `messages`. */
export async function killAtCheckpoint(
  site: Site,
  { name, time, messages, ...round }: RoundOptions & { name: CheckpointName; time: number; messages: number },
): Promise<void> {
  await using server = await startServer(site, { killAt: { name, time } })
  // Opening the store and going on with what is queued writes too, so it may have died before it took mail.
  if (server.ready !== null) {
    await load(site, { server, messages, ...round })
    await Promise.race([server.drain().catch(() => {}), server.ended])
    void server.stop().catch(() => {})
  }
  assert.equal(await server.ended, 'SIGKILL', `${name} was not reached ${time} times`)
  await inspect(site)
}

/** The server is killed while the host that it relays to holds a message: at the final dot, or when its reply is written. */
export async function killAtSink(
  site: Site,
  { moment, time, messages, ...round }: RoundOptions & { moment: SinkMoment; time: number; messages: number },
): Promise<void> {
  await using server = await startServer(site)
  let reached = 0
  site.sink.onMoment = (reachedMoment) => {
    if (reachedMoment === moment && ++reached === time) void server.kill()
  }
  await load(site, { server, messages, ...round })
  await Promise.race([server.drain().catch(() => {}), server.ended])
  site.sink.onMoment = () => {}
  void server.stop().catch(() => {})
  assert.equal(await server.ended, 'SIGKILL', `the sink had fewer than ${time} messages`)
  await inspect(site)
}

/** Starts the server once more: it takes mail, gives all of it by POP3, empties its queue, and stops cleanly. */
export async function endWell(site: Site, round: RoundOptions): Promise<void> {
  const { ledger, sink } = site
  await using server = await startServer(site)
  const before = ledger.length
  await load(site, { server, messages: 20, ...round })
  assert.deepEqual([...new Set(ledger.slice(before).map(({ outcome }) => outcome))], ['promised'])
  await server.drain()
  const port = server.ready?.pop3 ?? 0
  const filed: (Copy | FoundReport)[] = []
  for (const address of residents) filed.push(...(await readMaildrop({ port, address, password })))
  assert.equal(await server.stop(), 0)
  const { rows } = await inspect(site)
  assert.deepEqual(new Set(rows.map(({ state, report }) => `${state} ${report}`)), new Set(['settled none']))
  assert.deepEqual(compare(ledger, { ...parted(filed), rows, arrived: sink.arrived }), [])
}

async function startServer(
  { folder, sink, database }: Site,
  options: Partial<ServerOptions> = {},
): Promise<CrashServer> {
  sink.life++
  return CrashServer.start({
    folder,
    sink: sink.port,
    ...(database !== undefined && { database }),
    ...options,
  })
}

async function load(
  { ledger }: Site,
  { server, ...options }: RoundOptions & { server: CrashServer; messages: number },
): Promise<void> {
  const submission = { port: server.ready?.submission ?? 0, password, away: strangers }
  await runLoad({ port: server.smtp, recipients: residents, submission, ledger, ...options })
}

async function inspect({ folder, ledger, sink, database }: Site) {
  const inspection = await inspectFolder(folder, database)
  const { findings, ...found } = inspection
  const all = { ...found, arrived: sink.arrived, ended: sink.life }
  assert.deepEqual([...findings, ...compare(ledger, all)], [])
  return inspection
}
