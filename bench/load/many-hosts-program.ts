// The process of many-hosts.ts: `node many-hosts-program.ts LIVE SILENT`. Mail hosts on port 25 of loopback addresses: LIVE ones from
// 127.1.0.1 on take everything, SILENT ones from 127.2.0.1 on accept connections and never say a word. A line with the number of
// messages taken comes whenever it changed, ten times a second at most.
import { createServer, type Socket } from 'node:net'

const [live = '0', silent = '0'] = process.argv.slice(2)
let taken = 0
let told = -1

function serve(socket: Socket): void {
  let line = ''
  let data = false
  socket.setNoDelay(true)
  socket.on('error', () => {})
  socket.write('220 sink\r\n')
  socket.on('data', (chunk: Buffer) => {
    line += chunk.toString('latin1')
    let reply = ''
    for (;;) {
      const end = data ? line.indexOf('\r\n.\r\n') : line.indexOf('\r\n')
      if (end < 0) break
      if (data) {
        line = line.slice(end + 5)
        data = false
        taken++
        reply += '250 2.0.0 taken\r\n'
        continue
      }
      const verb = line.slice(0, 4).toUpperCase()
      line = line.slice(end + 2)
      if (verb === 'QUIT') {
        socket.end(`${reply}221 bye\r\n`)
        return
      }
      data = verb === 'DATA'
      reply += data ? '354 go\r\n' : verb === 'EHLO' ? '250-sink\r\n250 PIPELINING\r\n' : '250 ok\r\n'
    }
    if (reply !== '') socket.write(reply)
  })
}

function address(net: number, index: number): string {
  return `127.${net}.${Math.floor(index / 250)}.${(index % 250) + 1}`
}

for (let index = 0; index < Number(live); index++) {
  createServer(serve).listen({ port: 25, host: address(1, index), backlog: 100 })
}
for (let index = 0; index < Number(silent); index++) {
  createServer((socket) => socket.on('error', () => {})).listen({
    port: 25,
    host: address(2, index),
    backlog: 100,
  })
}
setInterval(() => {
  if (taken === told) return
  told = taken
  process.stdout.write(`${taken}\n`)
}, 100)
