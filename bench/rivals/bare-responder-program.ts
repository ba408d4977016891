// The process of bare-responder.ts: `node bare-responder-program.ts PORT [LOGFILE]`. Without a log it forgets every message at once.
import { fdatasync, openSync, writev } from 'node:fs'
import { createServer, type Socket } from 'node:net'

const [port, file] = process.argv.slice(2)
const log = file === undefined ? null : openSync(file, 'a')
const end = Buffer.from('\r\n.\r\n')

let waiting: { bytes: Buffer[]; done: () => void }[] = []
let committing = false

function commit(): void {
  if (committing || waiting.length === 0) return
  if (log === null) {
    for (const message of waiting.splice(0)) message.done()
    return
  }
  committing = true
  const group = waiting
  waiting = []
  writev(
    log,
    group.flatMap((message) => message.bytes),
    (writeError) => {
      if (writeError) throw writeError
      fdatasync(log, (syncError) => {
        if (syncError) throw syncError
        committing = false
        for (const message of group) message.done()
        commit()
      })
    },
  )
}

function session(socket: Socket): void {
  socket.setNoDelay(true)
  socket.on('error', () => {})
  let body: Buffer[] | null = null
  let line = ''
  socket.write('220 bare\r\n')
  socket.on('data', (chunk: Buffer) => {
    if (body !== null) {
      body.push(chunk)
      const tail = chunk.length >= end.length ? chunk : Buffer.concat(body)
      if (!tail.subarray(-end.length).equals(end)) return
      waiting.push({ bytes: body, done: () => socket.write('250 2.0.0 ok\r\n') })
      body = null
      commit()
      return
    }
    line += chunk.toString('latin1')
    let reply = ''
    for (let at = line.indexOf('\r\n'); at >= 0; at = line.indexOf('\r\n')) {
      const verb = line.slice(0, 4).toUpperCase()
      line = line.slice(at + 2)
      if (verb === 'DATA') {
        body = []
        reply += '354 go\r\n'
      } else if (verb === 'QUIT') {
        socket.end(`${reply}221 bye\r\n`)
        return
      } else {
        reply += '250 ok\r\n'
      }
    }
    if (reply !== '') socket.write(reply)
  })
}

createServer(session).listen({ port: Number(port), host: '127.0.0.1', backlog: 511 })
