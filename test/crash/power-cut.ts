// Power cuts: one traced life of a data folder, with a clean stop and a crash in it, and then the many disks that a power cut at
// some moment of it could have left. On each the store must open, be sound, and hold all that was promised by then.
//
// A message counts as promised from the moment at which the server begins to write its 250 to the socket: the cut that is
// taken there is the hardest one for it.
import { mkdir, mkdtemp, readFile, rm } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { SeededRandom } from '../../src/base/seeded-random.ts'
import { Disk, type DiskOptions, writeImage } from './disk.ts'
import { password, residents, strangers } from './house.ts'
import { inspectFolder } from './inspect.ts'
import { type Arrived, compare, type Sent } from './ledger.ts'
import { runLoad } from './load.ts'
import { CrashServer } from './server.ts'
import { Sink } from './sink.ts'
import { firstNumber, parseTrace, straceCommand, stringsOf, type TraceEvent } from './trace.ts'

export interface LifeOptions {
  readonly seed: string
  readonly senders: number
  /** Of each of the three servers, one after the other. */
  readonly messages: number
  /** Octets. */
  readonly largest: number
}

/** What was traced. */
export interface Life {
  /** The folder that held the data folder. */
  readonly root: string
  /** Of each server. */
  readonly events: readonly (readonly TraceEvent[])[]
  readonly ledger: readonly Sent[]
  /** What was relayed in the end. */
  readonly arrived: readonly Arrived[]
}

/** Three servers on one folder: the first makes it and stops, the others are killed. */
export async function recordLife({ seed, senders, messages, largest }: LifeOptions): Promise<Life> {
  const root = await mkdtemp(join(tmpdir(), 'posthorn-power-'))
  const ledger: Sent[] = []
  await using sink = await Sink.open()
  const events: TraceEvent[][] = []
  try {
    const traceFile = join(root, 'trace')
    for (const [turn, ending] of (['stop', 'kill', 'kill'] as const).entries()) {
      await using server = await CrashServer.start({
        folder: join(root, 'data'),
        sink: sink.port,
        furnish: turn === 0,
        under: straceCommand(traceFile),
      })
      sink.life++
      const submission = { port: server.ready?.submission ?? 0, password, away: strangers }
      const load = { senders, messages, recipients: residents, submission, largest, ledger }
      await runLoad({ ...load, port: server.smtp, seed: `${seed}.${turn}` })
      await server[ending]()
      events.push([...parseTrace(await readFile(traceFile, 'latin1'))])
    }
  } finally {
    await rm(root, { recursive: true, force: true })
  }
  return { root, events, ledger, arrived: sink.arrived }
}

export interface CutOptions {
  readonly seed: string
  /** Cuts in the middle of things, besides those at promises. */
  readonly elsewhere: number
  /** One promise in so many is cut at; default each. */
  readonly promises?: number
  readonly ignoreSyncOf?: DiskOptions['ignoreSyncOf']
  /** Stops at the first disk that breaks a promise. Default: goes through all. */
  readonly untilBroken?: boolean
}

export interface CutReport {
  readonly cuts: number
  readonly promised: number
  readonly findings: readonly string[]
}

/** Cuts the power at each promise and elsewhere, and looks at what is left. */
export async function cutPower(life: Life, options: CutOptions): Promise<CutReport> {
  const { root, events, ledger, arrived } = life
  const { seed, elsewhere, ignoreSyncOf } = options
  const random = new SeededRandom(seed)
  const disk = new Disk({ root, ...(ignoreSyncOf && { ignoreSyncOf }) })
  const chosen = chooseMoments(events, { random, count: elsewhere })
  const promised = new Set<string>()
  const findings: string[] = []
  let cuts = 0
  const report = (): CutReport => ({ cuts, promised: promised.size, findings })
  for (const lifetime of events) {
    for (const event of lifetime) {
      const id = promiseIn(event, disk)
      if (id !== undefined) promised.add(id)
      const atPromise = id !== undefined && random.below(options.promises ?? 1) === 0
      for (const chance of [
        ...(atPromise ? [undefined] : []),
        ...(chosen.has(event) || entersDatabase(event, disk) ? [random] : []),
        ...(atPromise && random.below(4) === 0 ? [random] : []),
      ]) {
        cuts++
        const broken = await inspectImage(disk, { ledger, arrived, promised, chance })
        findings.push(...broken.map((finding) => `cut ${cuts}, ${promised.size} promised: ${finding}`))
      }
      disk.apply(event)
      if (options.untilBroken === true && findings.length > 0) return report()
    }
    disk.endProcess()
  }
  return report()
}

/** Right before a sync begins most is at stake, so half of the moments are there. */
function chooseMoments(
  events: Life['events'],
  { random, count }: { random: SeededRandom; count: number },
): Set<TraceEvent> {
  const all = events.flat()
  const syncs = all.filter(({ phase, name }) => phase === 'start' && /^f(?:data)?sync$/.test(name))
  const chosen = new Set<TraceEvent>()
  for (let moment = 0; moment < count; moment++) {
    const from = moment % 2 === 0 ? syncs : all
    const event = from[random.below(from.length)]
    if (event !== undefined) chosen.add(event)
  }
  return chosen
}

/** The WAL was copied into the database, and nothing of that is known to be on the disk: rare, so each is cut at. */
function entersDatabase(event: TraceEvent, disk: Disk): boolean {
  if (event.phase !== 'start' || !event.name.endsWith('sync')) return false
  return disk.pathOf(firstNumber(event))?.endsWith('/posthorn.db') === true
}

/** The server's name for the message whose 250 is begun here. */
function promiseIn(event: TraceEvent, disk: Disk): string | undefined {
  if (event.phase !== 'start' || !/^(?:writev?|send(?:to|msg))$/.test(event.name)) return undefined
  if (disk.pathOf(firstNumber(event)) !== undefined) return undefined
  return promisePattern.exec(stringsOf(event).join(''))?.[1]
}

const promisePattern = /^250 2\.\d\.\d .*(?:delivered|queued) as (\S+)/

interface Cut {
  readonly ledger: readonly Sent[]
  readonly arrived: readonly Arrived[]
  readonly promised: ReadonlySet<string>
  readonly chance: SeededRandom | undefined
}

async function inspectImage(disk: Disk, { ledger, arrived, promised, chance }: Cut): Promise<string[]> {
  const scratch = await mkdtemp(join(tmpdir(), 'posthorn-cut-'))
  try {
    await writeImage(disk.image(chance), scratch)
    const data = join(scratch, 'data')
    await mkdir(data, { recursive: true })
    const { findings, ...found } = await inspectFolder(data)
    const byThen = ledger.map((sent) => ({
      ...sent,
      outcome: promised.has(promisePattern.exec(sent.reply)?.[1] ?? '')
        ? ('promised' as const)
        : ('unknown' as const),
    }))
    return [...findings, ...compare(byThen, { ...found, arrived })]
  } catch (error) {
    return [`the folder cannot be read: ${String(error)}`]
  } finally {
    await rm(scratch, { recursive: true, force: true })
  }
}
