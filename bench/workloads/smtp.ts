// Taking mail: smtp-source against each server, 4 KB messages, from one session to fifty, connections kept or one a message;
// then fan-out to 100 recipients and large messages.
import { setTimeout as sleep } from 'node:timers/promises'
import { meterCpu } from '../cpu-meter.ts'
import { smtpSource, type SmtpLoad } from '../load/smtp-source.ts'
import { repeat, type Row } from '../report.ts'
import { type RunningServer, usageOf } from '../server.ts'

interface Case {
  readonly name: string
  readonly load: Omit<SmtpLoad, 'port'>
}

const kilobytes4 = 4096
const megabytes20 = 20 * 1024 * 1024

/** The cases, scaled: `1` is the full length. */
export function smtpCases(scale: number): Case[] {
  const kept = (sessions: number, messages: number): Case => ({
    name: `4 KB, ${sessions} sessions, kept`,
    load: { sessions, messages: Math.ceil(messages * scale), size: kilobytes4, connections: 'kept' },
  })
  const fresh = (sessions: number, messages: number): Case => ({
    name: `4 KB, ${sessions} sessions, a connection each`,
    load: { sessions, messages: Math.ceil(messages * scale), size: kilobytes4, connections: 'one a message' },
  })
  return [kept(1, 3000), kept(10, 10_000), kept(50, 20_000), fresh(1, 1500), fresh(10, 4000), fresh(50, 5000)]
}

/** One message to 100 recipients at a time, and messages of 20 MB. */
export function otherCases(scale: number): Case[] {
  return [
    {
      name: '4 KB to 100 recipients',
      load: {
        sessions: 1,
        messages: Math.ceil(50 * scale),
        size: kilobytes4,
        connections: 'kept',
        recipients: 100,
        recipient: 'user@bench.test',
      },
    },
    {
      name: '20 MB, 1 session',
      load: { sessions: 1, messages: Math.ceil(10 * scale), size: megabytes20, connections: 'kept' },
    },
    {
      name: '20 MB, 20 sessions',
      load: { sessions: 20, messages: Math.ceil(40 * scale), size: megabytes20, connections: 'kept' },
    },
  ]
}

/** Runs a case: accepted and delivered a second, processor time a message, growth of resident memory. */
export async function measureSmtp(server: RunningServer, one: Case, times: number): Promise<Row> {
  const port = server.ports.smtp
  if (port === null) throw new Error(`${server.name} takes no mail`)
  const figures = await repeat(times, async () => {
    using meter = meterCpu(server.pids)
    const before = usageOf(server.pids()).residentBytes
    using peak = watchMemory(server)
    const start = performance.now()
    const seconds = await smtpSource({ ...one.load, port })
    while (!(await server.settled())) await sleep(10)
    const delivered = (performance.now() - start) / 1000
    const { messages, size } = one.load
    return {
      'accepted/s': messages / seconds,
      'delivered/s': messages / delivered,
      'CPU ms/message': (meter.take() / messages) * 1000,
      'MB/s': (messages * size) / seconds / 1e6,
      'RSS growth MB': (peak.bytes() - before) / 1e6,
    }
  })
  return { workload: one.name, server: server.name, figures }
}

function watchMemory(server: RunningServer): Disposable & { bytes(): number } {
  let peak = 0
  const look = (): void => {
    peak = Math.max(peak, usageOf(server.pids()).residentBytes)
  }
  // Rarely: finding a server's processes reads all of /proc, on the cores that are being measured.
  const timer = setInterval(look, 500)
  return {
    bytes() {
      look()
      return peak
    },
    [Symbol.dispose]() {
      clearInterval(timer)
    },
  }
}
