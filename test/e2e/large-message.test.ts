// A message of hundreds of megabytes passes through in constant memory: in by SMTP, out by POP3 and IMAP. Where the system
// tells nothing of memory only the octets are compared.
import assert from 'node:assert/strict'
import { readFileSync } from 'node:fs'
import { connect, type Socket } from 'node:net'
import { test } from 'node:test'
import { addPeople, allListeners, type Served, serve, temporaryPlace, writeConfig } from './program.ts'

const megabytes = Number(process.env['POSTHORN_MEGABYTES'] ?? 200)
const block = Buffer.from(
  '0123456789012345678901234567890123456789012345678901234567890123\r\n'.repeat(16_384),
)
/** A first message loads what there is to load; ten times as much may then rise by what the collector leaves lying about. */
const allowanceKilobytes = 64 * 1024

test(`${megabytes} MB go in and out in constant memory`, async (context) => {
  const place = await temporaryPlace(context)
  await writeConfig(place.folder, `maxMessageSize = "2 GB"\n${allListeners}`)
  await addPeople(place.folder)
  const server = await serve(place)
  await passThrough(server, { number: 1, size: Math.ceil(megabytes / 10) })
  const before = residentKilobytes(server.pid)
  await passThrough(server, { number: 2, size: megabytes })
  const grown = residentKilobytes(server.pid) - before
  assert.ok(grown < allowanceKilobytes, `resident memory rose by ${grown} KB`)
})

/** Message `number` of Ann and Bob, of that many megabytes: in by SMTP, out by POP3 and by IMAP. */
async function passThrough(
  server: Served,
  { number, size }: { number: number; size: number },
): Promise<void> {
  const smtp = await dialogue(server.port('smtp'))
  const envelope =
    'EHLO c.test\r\nMAIL FROM:<>\r\nRCPT TO:<ann@mail.test>\r\nRCPT TO:<bob@mail.test>\r\nDATA\r\n'
  await smtp.ask(envelope, /^354 /m)
  smtp.socket.write('Subject: large\r\n\r\n')
  for (let sent = 0; sent < size; sent++) await write(smtp.socket, block)
  await smtp.ask('.\r\n', /^250 /m)
  const pop3 = await dialogue(server.port('pop3'))
  await pop3.ask('USER ann@mail.test\r\nPASS secret\r\n', /^\+OK Maildrop/m)
  assert.ok((await pop3.skip(`RETR ${number}\r\n`, '\r\n.\r\n')) > size * block.length)
  const imap = await dialogue(server.port('imap'))
  await imap.ask('a LOGIN bob@mail.test secret\r\nb SELECT INBOX\r\n', /^b OK/m)
  const fetched = await imap.skip(`c FETCH ${number} BODY.PEEK[]\r\n`, ')\r\nc OK FETCH completed\r\n')
  assert.ok(fetched > size * block.length)
  for (const { socket } of [smtp, imap]) socket.destroy()
  await pop3.ask('QUIT\r\n', /^\+OK/m)
  pop3.socket.destroy()
}

/** The most that was ever resident; 0 where the system does not say. */
function residentKilobytes(pid: number): number {
  if (process.platform !== 'linux') return 0
  return Number(/^VmHWM:\s+(\d+) kB$/m.exec(readFileSync(`/proc/${pid}/status`, 'utf8'))?.[1] ?? 0)
}

function write(socket: Socket, bytes: Uint8Array): Promise<void> {
  return new Promise((resolve, reject) => {
    socket.write(bytes, (error) => (error ? reject(error) : resolve()))
  })
}

interface Dialogue {
  readonly socket: Socket
  /** Sends, and reads until the answer shows. */
  ask(command: string, answer: RegExp): Promise<void>
  /** Sends, and counts octets until those that end the answer. */
  skip(command: string, end: string): Promise<number>
}

async function dialogue(port: number): Promise<Dialogue> {
  const socket = connect({ port, host: '127.0.0.1' })
  const chunks = socket[Symbol.asyncIterator]() as AsyncIterator<Buffer, undefined>
  const next = async (): Promise<Buffer> => {
    const { value } = await chunks.next()
    if (value === undefined) throw new Error('the server closed the connection')
    return value
  }
  await next()
  return {
    socket,
    async ask(command, answer) {
      socket.write(command)
      for (let heard = ''; !answer.test(heard); heard += (await next()).toString('latin1'));
    },
    async skip(command, end) {
      socket.write(command)
      let count = 0
      for (let tail = ''; !tail.endsWith(end);) {
        const bytes = await next()
        count += bytes.length
        tail = (tail + bytes.subarray(-100).toString('latin1')).slice(-100)
      }
      return count
    },
  }
}
