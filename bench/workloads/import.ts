// Mail that is delivered while an import runs beside the server: how long one message takes from MAIL to 250, alone and beside an import
// that is always at work. Rounds alternate, so that a busy machine is busy for both.
import { spawn, type ChildProcess } from 'node:child_process'
import { mkdtemp, rm, writeFile } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { setTimeout as sleep } from 'node:timers/promises'
import { Reader } from '../load/reader.ts'
import { median, type Row } from '../report.ts'
import { ended } from '../server.ts'
import type { startPosthorn } from '../rivals/posthorn.ts'

type Posthorn = Awaited<ReturnType<typeof startPosthorn>>

const rounds = 6
const deliveriesOfRound = 100
/** Milliseconds between two deliveries: nobody sends as fast as a server takes. */
const pause = 10

/** Milliseconds until an import surely sends messages. */
const startOfImport = 2_000

const line = 'All work and no play makes Jack a dull boy, says the benchmark.\r\n'
const message = `From: Ann <ann@client.test>\r\nTo: user0@bench.test\r\nSubject: On its way\r\n\r\n${line.repeat(62)}`

export async function measureImport(server: Posthorn, options: { messages: number }): Promise<Row> {
  const folder = await mkdtemp(join(tmpdir(), 'posthorn-import-'))
  const mbox = join(folder, 'old.mbox')
  await writeFile(mbox, Array.from({ length: options.messages }, (_, index) => oneOfMbox(index)).join(''))
  const alone: number[] = []
  const beside: number[] = []
  try {
    // The first round of each warms up.
    for (let round = 0; round <= rounds; round++) {
      const quiet = await deliverSome(server)
      const importing = startImport(server, mbox)
      await importing.begun
      const busy = await deliverSome(server)
      if (importing.child.exitCode !== null)
        throw new Error('the import ended before the deliveries: import more')
      importing.child.kill('SIGINT')
      await ended(importing.child)
      if (round === 0) continue
      alone.push(...quiet)
      beside.push(...busy)
    }
  } finally {
    await rm(folder, { recursive: true, force: true })
  }
  const figures = {
    'alone, p50 ms': median(alone),
    'beside an import, p50 ms': median(beside),
    'alone, p95 ms': percentile(alone, 0.95),
    'beside an import, p95 ms': percentile(beside, 0.95),
  }
  return { workload: 'a delivery of 4 KB', server: server.name, figures }
}

function oneOfMbox(index: number): string {
  return `From ann@client.test Sat Nov 21 10:00:00 2026\nSubject: Old mail ${index}\nMessage-ID: <${index}@old.test>\n\n${line.replaceAll('\r', '').repeat(62)}\n`
}

function startImport(server: Posthorn, mbox: string): { child: ChildProcess; begun: Promise<void> } {
  const [program = '', ...parameters] = server.command('import', 'user1@bench.test', mbox, '--again')
  const child = spawn(program, parameters, { stdio: 'ignore' })
  return { child, begun: sleep(startOfImport) }
}

/** Milliseconds of each. */
async function deliverSome(server: Posthorn): Promise<number[]> {
  using client = await Reader.open(server.ports.smtp ?? 0)
  await client.until(/\r\n$/)
  client.send('EHLO client.test\r\n')
  await client.until(/(^|\r\n)250 [^\r\n]*\r\n$/)
  const taken: number[] = []
  for (let count = 0; count < deliveriesOfRound; count++) {
    await sleep(pause)
    const start = performance.now()
    client.send('MAIL FROM:<ann@client.test>\r\nRCPT TO:<user0@bench.test>\r\nDATA\r\n')
    await client.until(/(^|\r\n)354 [^\r\n]*\r\n$/)
    client.send(`${message}.\r\n`)
    const answer = await client.until(/\r\n$/)
    if (!answer.toString('latin1').startsWith('250')) throw new Error(answer.toString('latin1'))
    taken.push(performance.now() - start)
  }
  return taken
}

function percentile(values: readonly number[], part: number): number {
  const sorted = values.toSorted((a, b) => a - b)
  return sorted[Math.floor(sorted.length * part)] ?? 0
}
