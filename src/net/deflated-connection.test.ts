import assert from 'node:assert/strict'
import { Buffer } from 'node:buffer'
import { test } from 'node:test'
import { constants, createDeflateRaw, createInflateRaw, deflateRawSync } from 'node:zlib'
import { DeflatedConnection } from './deflated-connection.ts'
import type { Connection } from '../base/connection.ts'

/** The carrier as a list of what was written; its reader is fed by hand. */
class Wire implements Connection {
  readonly peer = { remoteAddress: '192.0.2.1', remotePort: 1, localAddress: '192.0.2.2', localPort: 143 }
  readonly tls = null
  readonly written: Uint8Array[] = []
  readonly seen = Promise.withResolvers<void>()
  full = false
  paused = true
  ended = false
  error: Error | undefined
  onData: (bytes: Uint8Array) => void = () => undefined
  onEnd: () => void = () => undefined
  onClose: (error: Error | null) => void = () => undefined
  onDrain: () => void = () => undefined
  onWrite: () => void = () => undefined
  write(bytes: Uint8Array | string): boolean {
    this.written.push(Buffer.from(bytes))
    this.onWrite()
    return !this.full
  }
  cork(): void {}
  uncork(): void {}
  pause(): void {
    this.paused = true
  }
  resume(): void {
    this.paused = false
  }
  end(): void {
    this.ended = true
    this.onWrite()
  }
  destroy(error?: Error): void {
    this.error = error
    this.onClose(error ?? null)
  }
  startTls(): Promise<never> {
    return Promise.reject(new Error('not here'))
  }
  startClientTls(): Promise<never> {
    return this.startTls()
  }
}

/** Octets that nothing compresses. */
function noise(length: number): Buffer {
  let seed = 1
  return Buffer.from(
    Array.from({ length }, () => {
      seed = (Math.imul(seed, 1_103_515_245) + 12_345) >>> 0
      return seed >>> 24
    }),
  )
}

/** Until the condition holds; each turn lets zlib's threads answer. */
async function until(condition: () => boolean): Promise<void> {
  while (!condition()) await new Promise(setImmediate)
}

/** What the wire's octets inflate to so far. */
async function inflated(wire: Wire): Promise<string> {
  const inflate = createInflateRaw({ finishFlush: constants.Z_SYNC_FLUSH })
  const chunks: Buffer[] = []
  inflate.on('data', (chunk: Buffer) => chunks.push(chunk))
  inflate.end(Buffer.concat(wire.written))
  await new Promise((resolve) => inflate.on('end', resolve))
  return Buffer.concat(chunks).toString('latin1')
}

test('each group of writes can be read at once, and the window lives on', async () => {
  const wire = new Wire()
  const connection = new DeflatedConnection(wire)
  connection.cork()
  connection.write('* OK one\r\n')
  connection.write('* OK two\r\n')
  connection.uncork()
  await until(() => wire.written.length > 0)
  assert.equal(await inflated(wire), '* OK one\r\n* OK two\r\n')
  const before = Buffer.concat(wire.written).length
  connection.write('* OK one\r\n')
  await until(() => Buffer.concat(wire.written).length > before)
  assert.equal(await inflated(wire), '* OK one\r\n* OK two\r\n* OK one\r\n')
  assert.ok(Buffer.concat(wire.written).length - before < 12, 'said before, so short now')
  connection.destroy()
})

test('what comes in is inflated, in pieces of any size', async () => {
  const wire = new Wire()
  const connection = new DeflatedConnection(wire)
  let heard = ''
  connection.onData = (bytes) => {
    heard += Buffer.from(bytes).toString()
  }
  connection.resume()
  const deflate = createDeflateRaw()
  const sent: Buffer[] = []
  deflate.on('data', (chunk: Buffer) => sent.push(chunk))
  deflate.write('a NOOP\r\nb NOOP\r\n')
  await new Promise<void>((resolve) => deflate.flush(constants.Z_SYNC_FLUSH, resolve))
  for (const octet of Buffer.concat(sent)) wire.onData(Uint8Array.of(octet))
  await until(() => heard.length === 16)
  assert.equal(heard, 'a NOOP\r\nb NOOP\r\n')
  connection.destroy()
})

test('a bomb is inflated only as fast as it is read', async () => {
  const wire = new Wire()
  const connection = new DeflatedConnection(wire)
  let heard = 0
  connection.onData = (bytes) => {
    heard += bytes.length
    connection.pause()
  }
  connection.resume()
  wire.resume()
  wire.onData(deflateRawSync(Buffer.alloc(50_000_000), { level: 9 }))
  await until(() => heard > 0)
  for (let turn = 0; turn < 50; turn++) await new Promise(setImmediate)
  assert.ok(heard <= 100_000, `${heard} octets came though the reader had paused`)
  assert.ok(wire.paused, 'and the socket is read no further')
  connection.destroy()
})

test('bytes that do not inflate end the connection', async () => {
  const wire = new Wire()
  const connection = new DeflatedConnection(wire)
  let closed = false
  connection.onClose = () => {
    closed = true
  }
  connection.resume()
  wire.onData(Buffer.from('a NOOP\r\n'))
  await until(() => closed)
  assert.ok(wire.error)
})

test('a full carrier is waited for, and the end comes behind everything', async () => {
  const wire = new Wire()
  const connection = new DeflatedConnection(wire)
  let drained = 0
  connection.onDrain = () => drained++
  wire.full = true
  const bytes = noise(200_000)
  connection.write(bytes)
  await until(() => wire.written.length > 0)
  assert.equal(connection.write('more'), false)
  assert.equal(drained, 0)
  wire.full = false
  wire.onDrain()
  await until(() => drained > 0)
  connection.end()
  await until(() => wire.ended)
  assert.equal((await inflated(wire)).length, bytes.toString('latin1').length + 4)
  connection.destroy()
})

test('the end of the peer is told, in order or in mid-stream', async () => {
  for (const last of [deflateRawSync('x'), deflateRawSync('x').subarray(0, 2)]) {
    const wire = new Wire()
    const connection = new DeflatedConnection(wire)
    let ended = 0
    connection.onEnd = () => ended++
    connection.resume()
    wire.onData(last)
    wire.onEnd()
    await until(() => ended > 0)
    assert.equal(ended, 1)
    connection.destroy()
  }
})
