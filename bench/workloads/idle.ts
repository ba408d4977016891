// What standing connections cost, and what it takes to start.
import { connect, type Socket } from 'node:net'
import { setTimeout as sleep } from 'node:timers/promises'
import type { Row } from '../report.ts'
import { type RunningServer, usageOf } from '../server.ts'

/** Opens that many SMTP connections, says EHLO on each, and gives the growth of resident memory per connection. */
export async function measureIdle(server: RunningServer, connections: number): Promise<Row> {
  const port = server.ports.smtp
  if (port === null) throw new Error(`${server.name} takes no mail`)
  // At rest: what a start leaves behind is let go a second after it.
  await sleep(3000)
  const before = usageOf(server.pids()).residentBytes
  const sockets: Socket[] = []
  try {
    for (let done = 0; done < connections; done += 100) {
      const batch = Array.from({ length: Math.min(100, connections - done) }, () => greeted(port))
      sockets.push(...(await Promise.all(batch)))
    }
    const after = usageOf(server.pids()).residentBytes
    return {
      workload: `${connections} idle SMTP connections after EHLO`,
      server: server.name,
      figures: { 'KB each': (after - before) / connections / 1024, 'RSS before MB': before / 1e6 },
    }
  } finally {
    for (const socket of sockets) socket.destroy()
  }
}

function greeted(port: number): Promise<Socket> {
  return new Promise((resolve, reject) => {
    const socket = connect({ port, host: '127.0.0.1' })
    let text = ''
    socket.on('error', reject)
    socket.on('data', (chunk: Buffer) => {
      const greetedBefore = text !== ''
      text += chunk.toString('latin1')
      if (!greetedBefore) socket.write('EHLO client.test\r\n')
      else if (/^250 .*\r\n$/m.test(text)) resolve(socket)
    })
  })
}
