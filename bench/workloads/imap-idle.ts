// What IMAP sessions in IDLE cost, and how soon all of them are told of one delivery.
import { connect, type Socket } from 'node:net'
import { setTimeout as sleep } from 'node:timers/promises'
import type { Row } from '../report.ts'
import { type RunningServer, usageOf } from '../server.ts'
import { fillMailbox } from './reading.ts'

/** One session in IDLE. */
interface Sleeper {
  readonly socket: Socket
  /** Resolves with the next EXISTS. */
  told: Promise<void>
}

/** Sessions spread over `users` accounts, each in IDLE on INBOX with so many messages; then one message to all of these accounts. */
export async function measureImapIdle(
  server: RunningServer,
  options: { readonly connections: number; readonly users: number; readonly messages: number },
): Promise<Row> {
  const { connections, users, messages } = options
  const { imap, smtp } = server.ports
  if (imap === null || smtp === null) throw new Error(`${server.name} does not both take and show mail`)
  const recipients = Array.from({ length: users }, (_, index) => `user${index}@bench.test`)
  for (let user = 0; messages > 1 && user < users; user++)
    await fillMailbox(server, { user: `user${user}`, messages, size: 'small' })
  // Everything that is loaded when first used, and a message in each mailbox.
  for (const user of recipients) (await asleep(imap, user)).socket.destroy()
  await deliver(smtp, recipients)
  await sleep(3000)
  const before = usageOf(server.pids()).residentBytes
  const sleepers: Sleeper[] = []
  try {
    for (let done = 0; done < connections; done += 50) {
      const batch = Array.from({ length: Math.min(50, connections - done) }, (_, index) =>
        asleep(imap, `user${(done + index) % users}@bench.test`),
      )
      sleepers.push(...(await Promise.all(batch)))
    }
    await sleep(3000)
    const after = usageOf(server.pids()).residentBytes
    const seconds: number[] = []
    for (let time = 0; time < 3; time++) seconds.push(await timeDelivery(smtp, recipients, sleepers))
    const told = usageOf(server.pids()).residentBytes
    return {
      workload: `${connections} IMAP sessions in IDLE on ${users} accounts with ${messages} messages`,
      server: server.name,
      figures: {
        'KB each': (after - before) / connections / 1024,
        'KB each, once told': (told - before) / connections / 1024,
        'first told s': seconds[0] ?? 0,
        'all told s': Math.min(...seconds),
      },
    }
  } finally {
    for (const { socket } of sleepers) socket.destroy()
  }
}

/** From the end of DATA to the last EXISTS. */
async function timeDelivery(
  port: number,
  recipients: readonly string[],
  sleepers: readonly Sleeper[],
): Promise<number> {
  const told = Promise.all(sleepers.map((sleeper) => sleeper.told))
  const start = await deliver(port, recipients)
  await told
  return (performance.now() - start) / 1000
}

/** Sends one message; the moment of its final dot. */
function deliver(port: number, recipients: readonly string[]): Promise<number> {
  const socket = connect({ port, host: '127.0.0.1' })
  const commands = ['EHLO client.test', 'MAIL FROM:<>', ...recipients.map((to) => `RCPT TO:<${to}>`), 'DATA']
  const steps = [...commands.map((line) => `${line}\r\n`), 'Subject: wake up\r\n\r\nhello\r\n.\r\n', '']
  let dotAt = 0
  return new Promise((resolve, reject) => {
    socket.on('error', reject)
    let text = ''
    let step = 0
    socket.on('data', (chunk: Buffer) => {
      text += chunk.toString('latin1')
      while (/^\d{3} .*\r\n/m.test(text)) {
        const end = text.search(/^\d{3} .*\r\n/m)
        const line = text.slice(end)
        if (line.startsWith('4') || line.startsWith('5')) reject(new Error(line))
        text = line.slice(line.indexOf('\n') + 1)
        const next = steps[step++] ?? ''
        if (next.startsWith('Subject')) dotAt = performance.now()
        if (step < steps.length) socket.write(next)
        else {
          socket.destroy()
          resolve(dotAt)
        }
      }
    })
  })
}

function asleep(port: number, user: string): Promise<Sleeper> {
  const socket = connect({ port, host: '127.0.0.1' })
  let next = Promise.withResolvers<void>()
  const sleeper: Sleeper = { socket, told: next.promise }
  return new Promise((resolve, reject) => {
    socket.on('error', reject)
    let text = ''
    let state: 'greeting' | 'opening' | 'idling' = 'greeting'
    socket.on('data', (chunk: Buffer) => {
      text += chunk.toString('latin1')
      if (state === 'greeting') {
        state = 'opening'
        text = ''
        socket.write(`a LOGIN ${user} secret\r\nb SELECT INBOX\r\nc IDLE\r\n`)
      } else if (state === 'opening') {
        if (/^[ab] (NO|BAD)/m.test(text)) reject(new Error(text))
        if (!/^\+ .*\r\n/m.test(text)) return
        state = 'idling'
        text = ''
        resolve(sleeper)
      } else if (/ EXISTS\r\n/.test(text)) {
        text = ''
        next.resolve()
        next = Promise.withResolvers()
        sleeper.told = next.promise
      }
    })
  })
}
