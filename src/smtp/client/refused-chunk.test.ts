// A server that refuses a chunk while octets of it are still on their way (RFC 3030 §2), and takes no more of them.
import assert from 'node:assert/strict'
import { test } from 'node:test'
import { greetedScene, outgoing, summary } from '../../../test/support/smtp-client.ts'

const long = `${'x'.repeat(998)}\r\n`.repeat(300)

for (const [name, chunkOctets, verdict] of [
  ['a chunk', 100_000, 'refused content 552'],
  ['the last chunk', 1_000_000, 'refused reply 552'],
] as const) {
  test(`a server that refuses ${name} and reads no further is left, with its verdict`, async () => {
    const { clock, server, session } = await greetedScene(['PIPELINING', 'CHUNKING'], {
      limits: { chunkOctets },
    })
    const sent = session.send(outgoing({ text: long }))
    await server.lines(2)
    server.connection.pause()
    server.say('250 ok', '250 ok')
    for (let turn = 0; turn < 100; turn++) await null
    server.say('552 5.3.4 too big')
    await clock.advance(6000)
    assert.deepEqual(summary(await sent), [verdict])
    assert.equal(session.ending?.type, 'cut-short')
  })
}
