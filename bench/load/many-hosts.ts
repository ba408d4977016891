// A thousand mail hosts on loopback, and the DNS that leads to them: `dN.live.test` take mail, `dN.silent.test` accept connections
// and say nothing, `dN.dead.test` refuse connections. Port 25 of their addresses needs root.
import { spawn } from 'node:child_process'
import { createSocket } from 'node:dgram'
import { fileURLToPath } from 'node:url'
import { decode, encode, type Answer } from 'dns-packet'
import { ended } from '../server.ts'

const program = fileURLToPath(new URL('many-hosts-program.ts', import.meta.url))

export interface ManyHosts extends AsyncDisposable {
  readonly dnsPort: number
  taken(): number
  /** Of the last message taken, by `performance.now()`. */
  lastAt(): number
}

/** Starts them. */
export async function startManyHosts(hosts: { live: number; silent: number }): Promise<ManyHosts> {
  const child = spawn(process.execPath, [program, String(hosts.live), String(hosts.silent)], {
    stdio: ['ignore', 'pipe', 'inherit'],
  })
  let taken = 0
  let lastAt = 0
  const ready = Promise.withResolvers<void>()
  child.once('exit', () =>
    ready.reject(new Error('the hosts could not listen: is somebody on port 25 of 127.1.0.1?')),
  )
  child.stdout.on('data', (chunk: Buffer) => {
    const last = chunk.toString('latin1').trim().split('\n').at(-1)
    taken = Number(last)
    lastAt = performance.now()
    ready.resolve()
  })
  child.once('exit', (code) =>
    ready.reject(new Error(`the mail hosts ended with ${code}: is port 25 of loopback free?`)),
  )
  const socket = createSocket('udp4')
  socket.on('message', (bytes, peer) => socket.send(answerTo(bytes), peer.port, peer.address))
  await new Promise<void>((resolve) => socket.bind(0, '127.0.0.1', resolve))
  await ready.promise
  return {
    dnsPort: socket.address().port,
    taken: () => taken,
    lastAt: () => lastAt,
    async [Symbol.asyncDispose]() {
      socket.close()
      child.kill('SIGTERM')
      await ended(child)
    },
  }
}

const nets: Record<string, number> = { live: 1, silent: 2, dead: 3 }

function answerTo(bytes: Buffer): Buffer {
  const query = decode(bytes)
  const [question] = query.questions ?? []
  const match = /^(mx\.)?d(\d+)\.(live|silent|dead)\.test$/i.exec(question?.name ?? '')
  const answers: Answer[] = []
  if (match !== null && question !== undefined) {
    const [, host, index = '0', kind = 'live'] = match
    const { name, type } = question
    const net = nets[kind.toLowerCase()] ?? 3
    const number = Number(index)
    if (host === undefined && type === 'MX')
      answers.push({ name, type: 'MX', ttl: 300, data: { preference: 10, exchange: `mx.${name}` } })
    if (host !== undefined && type === 'A')
      answers.push({
        name,
        type: 'A',
        ttl: 300,
        data: `127.${net}.${Math.floor(number / 250)}.${(number % 250) + 1}`,
      })
  }
  // 3 is NXDOMAIN: what the pattern knows exists, whatever was asked about it.
  const flags = 0x8180 | (match === null ? 3 : 0)
  return encode({ type: 'response', id: query.id ?? 0, flags, questions: query.questions ?? [], answers })
}
