// Relaying: 4 KB messages that an alias sends on to another host, into smtp-sink; once as they come, once as a backlog that
// waited for the host to come up.
import { setTimeout as sleep } from 'node:timers/promises'
import { meterCpu } from '../cpu-meter.ts'
import { startSink } from '../load/sink.ts'
import { smtpSource } from '../load/smtp-source.ts'
import { repeat, type Row } from '../report.ts'
import type { RunningServer } from '../server.ts'

interface RelayLoad {
  readonly messages: number
  readonly sinkPort: number
  readonly times: number
}

const sessions = 10
const kilobytes4 = 4096

function sourceLoad(server: RunningServer, messages: number) {
  const port = server.ports.smtp
  if (port === null) throw new Error(`${server.name} takes no mail`)
  return {
    port,
    sessions,
    messages,
    size: kilobytes4,
    connections: 'kept',
    recipient: 'far@bench.test',
  } as const
}

/** From the first MAIL at the server to the last message in the sink. */
export async function measureRelay(server: RunningServer, load: RelayLoad): Promise<Row> {
  const { messages, sinkPort, times } = load
  const figures = await repeat(times, async () => {
    await using sink = await startSink(sinkPort)
    using meter = meterCpu(server.pids)
    const start = performance.now()
    await smtpSource(sourceLoad(server, messages))
    await sink.until(messages)
    const seconds = (performance.now() - start) / 1000
    return { 'relayed/s': messages / seconds, 'relay CPU ms/message': (meter.take() / messages) * 1000 }
  })
  return { workload: `relay, 4 KB, ${sessions} sessions in`, server: server.name, figures }
}

/** From the order to try again to the last message in the sink. */
export async function measureBacklog(server: RunningServer, load: RelayLoad): Promise<Row> {
  const { messages, sinkPort, times } = load
  const figures = await repeat(times, async () => {
    await smtpSource(sourceLoad(server, messages))
    // An attempt under way when the order comes would put its message off again.
    while ((await server.parked?.()) === false) await sleep(200)
    await using sink = await startSink(sinkPort)
    using meter = meterCpu(server.pids)
    const start = performance.now()
    await server.flush?.()
    await sink.until(messages)
    const seconds = (performance.now() - start) / 1000
    return { 'relayed/s': messages / seconds, 'relay CPU ms/message': (meter.take() / messages) * 1000 }
  })
  return { workload: `relay, 4 KB, backlog`, server: server.name, figures }
}
