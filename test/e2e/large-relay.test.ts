// A message of hundreds of megabytes is taken in and relayed in constant memory, by DATA and by BDAT on both sides; what the next
// host does not want to this extent costs no transfer. docs/size.md tells what is shown here. POSTHORN_MEGABYTES=1024 for a gigabyte.
import assert from 'node:assert/strict'
import { Buffer } from 'node:buffer'
import { createHash } from 'node:crypto'
import { readFileSync } from 'node:fs'
import { connect, type Socket } from 'node:net'
import { test, type TestContext } from 'node:test'
import { CountingHost } from './counting-host.ts'
import { addPeople, listener, type Served, serve, temporaryPlace, writeConfig } from './program.ts'

const megabytes = Number(process.env['POSTHORN_MEGABYTES'] ?? 256)
const block = Buffer.from(
  '0123456789012345678901234567890123456789012345678901234567890123\r\n'.repeat(16_384),
)
const start = 'Message-ID: <large'
/** A first message loads what there is to load; ten times as much may then rise by what the collector leaves lying about. */
const allowanceKilobytes = 64 * 1024

test(`${megabytes} MB are taken in and relayed in constant memory`, async (context) => {
  const dotted = new CountingHost({ start, extensions: ['PIPELINING', 'SIZE'] })
  const chunked = new CountingHost({ start, extensions: ['PIPELINING', 'CHUNKING', 'SIZE 0'] })
  const server = await serveWith(context, { 'dotted.test': dotted, 'chunked.test': chunked })
  const round = async (number: number, size: number): Promise<void> => {
    const intoChunks = await submit(server, { number, size, by: 'DATA', to: 'dora@chunked.test' })
    const intoDots = await submit(server, { number, size, by: 'BDAT', to: 'dora@dotted.test' })
    await Promise.all([chunked.until(number), dotted.until(number)])
    const [first, second] = [chunked.messages.at(-1), dotted.messages.at(-1)]
    assert.deepEqual([first?.by, first?.digest], ['BDAT', intoChunks])
    assert.deepEqual([second?.by, second?.digest], ['DATA', intoDots])
    assert.ok((first?.octets ?? 0) > size * block.length)
  }
  await round(1, Math.ceil(megabytes / 10))
  const before = peakKilobytes(server.pid)
  await round(2, megabytes)
  const grown = peakKilobytes(server.pid) - before
  context.diagnostic(
    `resident memory: ${before} KB after the first messages, ${grown} KB more after the large ones`,
  )
  assert.ok(grown < allowanceKilobytes, `resident memory rose by ${grown} KB`)
})

test('a host that says how much it takes is not sent more, and the sender hears of it at once', async (context) => {
  // RFC 1870 §6.1
  const small = new CountingHost({ start, extensions: ['SIZE 1000000'] })
  const server = await serveWith(context, { 'small.test': small })
  await submit(server, { number: 1, size: 2, by: 'DATA', to: 'dora@small.test' })
  const report = await reportToAnn(server)
  assert.match(report, /^Status: 5\.3\.4\r$/m)
  assert.match(report, /^Final-Recipient: rfc822; dora@small\.test\r$/m)
  assert.equal(small.octets, 0)
  assert.deepEqual(
    small.commands.filter((line) => /^(?:DATA|BDAT)/.test(line)),
    [],
  )
})

for (const extensions of [['PIPELINING'], ['PIPELINING', 'CHUNKING']]) {
  test(`552 in the middle of a message ends it (${extensions.join(' ')})`, async (context) => {
    const early = new CountingHost({ start, extensions, refuseAfter: 1_000_000 })
    const server = await serveWith(context, { 'early.test': early })
    await submit(server, { number: 1, size: 64, by: 'DATA', to: 'dora@early.test' })
    const report = await reportToAnn(server)
    assert.match(report, /^Status: 5\.3\.4\r$/m)
    assert.match(report, /^Diagnostic-Code: smtp; 552 5\.3\.4 That is enough\r$/m)
    // What lay in the buffers of the two sides, and not the rest.
    assert.ok(early.octets < 16 * block.length, `${early.octets} octets were taken`)
    assert.equal(early.messages.length, 0)
  })
}

async function serveWith(
  context: TestContext,
  hosts: Readonly<Record<string, CountingHost>>,
): Promise<Served> {
  const place = await temporaryPlace(context)
  const routes: string[] = []
  for (const [domain, host] of Object.entries(hosts)) {
    const port = await host.listen(context)
    routes.push(
      `\n[[relay.routes]]\nkind = "host"\nrecipients = ["${domain}"]\nhost = "127.0.0.1"\nport = ${port}\ntls = "none"\n`,
    )
  }
  const head = 'maxMessageSize = "2 GB"\nrelay.enabled = true\n'
  await writeConfig(place.folder, head + routes.join('') + listener('submission') + listener('pop3'))
  await addPeople(place.folder)
  return serve(place)
}

/** Hands in a message of that many megabytes for Ann. Gives the hash of what the next host shall see. */
async function submit(
  server: Served,
  message: { number: number; size: number; by: 'DATA' | 'BDAT'; to: string },
): Promise<string> {
  const { number, size, by, to } = message
  const client = await Client.open(server.port('submission'))
  await client.ask('EHLO c.test', /^250 /m)
  await client.ask(`AUTH PLAIN ${Buffer.from('\0ann@mail.test\0secret').toString('base64')}`, /^235 /m)
  await client.ask('MAIL FROM:<ann@mail.test>', /^250 /m)
  await client.ask(`RCPT TO:<${to}>`, /^250 /m)
  const header = Buffer.from(
    `${start}${number}@mail.test>\r\nDate: Sun, 22 Nov 2026 12:00:00 +0000\r\nFrom: <ann@mail.test>\r\n\r\n`,
  )
  const hash = createHash('sha256').update(header)
  if (by === 'DATA') await client.ask('DATA', /^354 /m)
  await client.content(header, { by, last: false })
  for (let sent = 1; sent <= size; sent++) {
    hash.update(block)
    await client.content(block, { by, last: sent === size })
  }
  if (by === 'DATA') await client.ask('.', /^250 /m)
  client.end()
  return hash.digest('hex')
}

class Client {
  readonly #socket: Socket
  readonly #chunks: AsyncIterator<Buffer, undefined>

  private constructor(socket: Socket) {
    this.#socket = socket
    // A socket without an encoding gives Buffers.
    this.#chunks = socket[Symbol.asyncIterator]() as AsyncIterator<Buffer, undefined>
  }

  static async open(port: number): Promise<Client> {
    const client = new Client(connect({ port, host: '127.0.0.1' }))
    await client.heard(/^(?:220|\+OK)/m)
    return client
  }

  ask(line: string, answer: RegExp): Promise<string> {
    this.#socket.write(`${line}\r\n`)
    return this.heard(answer)
  }

  async content(bytes: Uint8Array, { by, last }: { by: 'DATA' | 'BDAT'; last: boolean }): Promise<void> {
    if (by === 'BDAT') this.#socket.write(`BDAT ${bytes.length}${last ? ' LAST' : ''}\r\n`)
    await new Promise<void>((resolve, reject) => {
      this.#socket.write(bytes, (error) => (error ? reject(error) : resolve()))
    })
    if (by === 'BDAT') await this.heard(/^250 /m)
  }

  async heard(answer: RegExp): Promise<string> {
    let heard = ''
    while (!answer.test(heard)) {
      const { value } = await this.#chunks.next()
      if (value === undefined) throw new Error(`the server closed the connection after ${heard}`)
      heard += value.toString('latin1')
    }
    return heard
  }

  end(): void {
    this.#socket.destroy()
  }
}

/** The first message in Ann's mailbox, when it has come. */
async function reportToAnn(server: Served): Promise<string> {
  for (;;) {
    const client = await Client.open(server.port('pop3'))
    await client.ask('USER ann@mail.test', /^\+OK/m)
    await client.ask('PASS secret', /^\+OK/m)
    const count = await client.ask('STAT', /^\+OK \d+ /m)
    if (!count.startsWith('+OK 0 ')) return client.ask('RETR 1', /\r\n\.\r\n$/)
    await client.ask('QUIT', /^\+OK/m)
    client.end()
  }
}

/** The most that was ever resident; 0 where the system does not say. */
function peakKilobytes(pid: number): number {
  if (process.platform !== 'linux') return 0
  return Number(/^VmHWM:\s+(\d+) kB$/m.exec(readFileSync(`/proc/${pid}/status`, 'utf8'))?.[1] ?? 0)
}
