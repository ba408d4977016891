// A large queue with much that is dead in it: 100,000 messages for 1,000 destinations, half of which never take anything. How long the
// start takes, how fast the living get theirs beside the dead and where these are left out, and what it costs in memory.
import { spawn } from 'node:child_process'
import { mkdtemp, rm, writeFile } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { setTimeout as sleep } from 'node:timers/promises'
import { fileURLToPath } from 'node:url'
import { RealRandom } from '../../src/base/real-random.ts'
import { resolveConfig } from '../../src/config/layers.ts'
import { createEvents } from '../../src/events/event.ts'
import { plainMessageOptions, plainRecipientOptions } from '../../src/mail/delivery-options.ts'
import { RealClock } from '../../src/net/real-clock.ts'
import { ingest } from '../../src/store/ingest.ts'
import type { Store } from '../../src/store/store.ts'
import { openStore } from '../../src/wiring/storage.ts'
import { type ManyHosts, startManyHosts } from '../load/many-hosts.ts'
import type { Row } from '../report.ts'
import { ended, nodeFlags, processTree, untilBanner, usageOf } from '../server.ts'

const binary = fileURLToPath(new URL('../../bin/posthorn.js', import.meta.url))
const port = 12_525

export interface QueueSize {
  readonly messages: number
  /** Destinations in all: half of them take mail, a quarter is silent and a quarter refuses. */
  readonly destinations: number
  /** Whether what is for dead ones is queued: the living have the same to get either way. */
  readonly dead: 'queued' | 'left out'
}

/** One run: fills a store, starts the server on it, waits until the living have theirs. */
export async function measureLargeQueue(size: QueueSize): Promise<Row> {
  const folder = await mkdtemp(join(tmpdir(), 'posthorn-bench-queue-'))
  const quarter = Math.floor(size.destinations / 4)
  await using hosts = await startManyHosts({ live: size.destinations, silent: quarter })
  try {
    const live = await fill(join(folder, 'data'), size)
    const figures = await run(folder, hosts, live)
    const { messages, destinations, dead } = size
    return {
      workload:
        dead === 'queued'
          ? `${messages} queued for ${destinations} destinations, half of them dead`
          : `the ${live} of these that are for the living, alone`,
      server: 'posthorn',
      figures,
    }
  } finally {
    await rm(folder, { recursive: true, force: true })
  }
}

/** Gives how many messages are there to be taken. */
async function fill(data: string, { messages, destinations, dead }: QueueSize): Promise<number> {
  const clock = new RealClock()
  const random = new RealRandom()
  const config = resolveConfig([{ name: 'bench', settings: { profile: 'server', data } }])
  await using store = await openStore(config, { clock, random, events: createEvents([]) })
  let live = 0
  let waiting: Promise<unknown>[] = []
  for (let index = 0; index < messages; index++) {
    const destination = index % destinations
    const kind = destination % 2 === 0 ? 'live' : destination % 4 === 1 ? 'silent' : 'dead'
    if (kind === 'live') live++
    else if (dead === 'left out') continue
    const domain = `d${Math.floor(destination / (kind === 'live' ? 2 : 4))}.${kind}.test`
    waiting.push(enqueue(store, { domain, index, now: clock.now() }))
    if (waiting.length === 500) {
      await Promise.all(waiting)
      waiting = []
    }
  }
  await Promise.all(waiting)
  return live
}

const body = Buffer.from(`Subject: bench\r\n\r\n${`${'x'.repeat(76)}\r\n`.repeat(52)}`)

async function enqueue(store: Store, row: { domain: string; index: number; now: number }): Promise<void> {
  const staged = ingest({ blobs: store.blobs })
  await staged.write(body)
  const { message } = await staged.finish()
  const { domain, index, now } = row
  await store.deliver({
    message,
    internalDate: now,
    targets: [],
    enqueue: {
      name: `bench${index}`,
      origin: 'submission',
      account: null,
      sender: `sender${index % 20}`,
      reversePath: 'sender@bench.test',
      prefix: '',
      messageId: null,
      options: plainMessageOptions,
      arrivedAt: now,
      expiresAt: now + 432_000_000,
      delayReportAt: null,
      recipients: [
        {
          address: `someone@${domain}`,
          domain,
          reversePath: null,
          options: plainRecipientOptions,
          nextAttempt: now,
          turn: now,
          state: { type: 'waiting' },
        },
      ],
    },
  })
}

async function run(folder: string, hosts: ManyHosts, live: number): Promise<Record<string, number>> {
  const file = join(folder, 'posthorn.toml')
  await writeFile(file, configuration(hosts.dnsPort))
  const start = performance.now()
  const flags = nodeFlags(binary)
  const child = spawn(process.execPath, [...flags, binary, 'serve', '--config', file], {
    stdio: ['ignore', 'ignore', 'inherit'],
  })
  try {
    const startSeconds = await untilBanner(port)
    let resident = 0
    const pid = child.pid ?? 0
    while (hosts.taken() < live) {
      resident = Math.max(resident, usageOf(processTree(pid)).residentBytes)
      if (performance.now() - Math.max(start, hosts.lastAt()) > 120_000) {
        throw new Error(`${hosts.taken()} of ${live} taken`)
      }
      await sleep(100)
    }
    const seconds = (hosts.lastAt() - start) / 1000
    return {
      'start to 220, s': startSeconds,
      'live messages/s': live / seconds,
      'until the last live one, s': seconds,
      'CPU ms/live message': (usageOf(processTree(pid)).cpuSeconds / live) * 1000,
      'resident MB': resident / 1e6,
    }
  } finally {
    child.kill('SIGTERM')
    await ended(child)
  }
}

function configuration(dnsPort: number): string {
  return `hostname = "bench.test"
data = "data"

[log]
level = "error"

[dns]
servers = ["127.0.0.1:${dnsPort}"]

[relay]
enabled = true
allowPrivateAddresses = true

[[listeners]]
service = "smtp"
address = "127.0.0.1"
port = ${port}
`
}
