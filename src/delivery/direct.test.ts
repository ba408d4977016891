// End-to-end delivery: every recipient gets a host's own words, the dialogue is told live, nothing is kept.
import assert from 'node:assert/strict'
import { Buffer } from 'node:buffer'
import { test } from 'node:test'
import { plainMessageOptions } from '../mail/delivery-options.ts'
import { defaultMimeLimits } from '../mail/mime/limits.ts'
import { MimeWalker } from '../mail/mime/walker.ts'
import { RelayScene, told, type SceneOptions } from '../../test/support/relay-scene.ts'
import type { DirectRequest } from './direct.ts'
import type { Parcel } from './parcel.ts'

const zone = `
a.example. MX 10 mx.a.example.
mx.a.example. A 192.0.2.1
b.example. MX 10 mx.b.example.
mx.b.example. A 192.0.2.2
null.example. MX 0 .
`

function parcelOf(text: string): Parcel {
  const bytes = Buffer.from(text)
  const walker = new MimeWalker(defaultMimeLimits)
  walker.push(bytes)
  const structure = walker.finish()
  return {
    name: 'direct',
    options: plainMessageOptions,
    prefix: '',
    bodySize: bytes.length,
    small: () => Promise.resolve(bytes),
    async *read() {
      yield await Promise.resolve(bytes)
    },
    structure: () => structure,
  }
}

async function deliver(
  to: readonly string[],
  change: { scene?: SceneOptions; request?: Partial<DirectRequest> } = {},
) {
  const scene = new RelayScene({ zone, ...change.scene })
  const first = scene.peer('192.0.2.1')
  const second = scene.peer('192.0.2.2', {
    rule: (command) => (command.startsWith('RCPT TO:<no@') ? '550 5.1.1 nobody' : undefined),
  })
  const dialogue: string[] = []
  const results = await scene.settle(
    scene.relay.direct.deliver({
      parcel: parcelOf('Subject: hello\r\n\r\nHello.\r\n'),
      reversePath: 'me@here.example',
      recipients: to.map((address) => ({ address })),
      observer: {
        destination: (key, recipients) => dialogue.push(`# ${key}: ${recipients.join(' ')}`),
        line: ({ direction, text }) => dialogue.push(`${direction} ${text}`),
      },
      ...change.request,
    }),
  )
  return {
    scene,
    first,
    second,
    dialogue,
    lines: results.map(({ recipient, result }) => `${recipient}: ${told(result)}`),
  }
}

test('each recipient gets the words of its own host', async () => {
  const { first, second, lines } = await deliver([
    'x@a.example',
    'yes@b.example',
    'no@b.example',
    'y@a.example',
    'z@null.example',
    'nonsense',
  ])
  assert.deepEqual(lines, [
    'x@a.example: done relayed reply 2.0.0 mx.a.example opportunistic -',
    'yes@b.example: done relayed reply 2.0.0 mx.b.example opportunistic -',
    'no@b.example: failed rcpt 5.1.1 mx.b.example opportunistic -',
    'y@a.example: done relayed reply 2.0.0 mx.a.example opportunistic -',
    'z@null.example: failed dns 5.1.10 - - -',
    'nonsense: failed ours 5.1.3 - - -',
  ])
  assert.deepEqual(first.messages[0]?.rcpt, ['<x@a.example>', '<y@a.example>'])
  assert.equal(second.messages.length, 1)
})

test('the dialogue is told as it happens', async () => {
  const { dialogue } = await deliver(['x@a.example'])
  assert.deepEqual(dialogue.slice(0, 4), [
    '# mx a.example: x@a.example',
    'note connecting to mx.a.example (192.0.2.1) port 25',
    'S 220 mx.test ESMTP',
    'C EHLO relay.example.org',
  ])
  assert.ok(dialogue.includes('S 250 2.0.0 taken'))
})

test('more recipients than a transaction takes, and a destination that fails for all of them', async () => {
  const to = ['1', '2', '3', '4', '5'].map((name) => `${name}@a.example`)
  const few = await deliver(to, { scene: { config: { maxRecipients: 2 } } })
  assert.deepEqual(
    few.first.messages.map(({ rcpt }) => rcpt.length),
    [2, 2, 1],
  )
  const none = await deliver(to, {
    scene: { zone: '$FAIL a.example. servfail', config: { maxRecipients: 2 } },
  })
  assert.ok(
    none.lines.every((line) => line.endsWith('deferred destination dns 4.4.3 - - -')),
    none.lines.join('\n'),
  )
})

test('a route that does not deliver is told as such', async () => {
  const { lines } = await deliver(['x@a.example'], { scene: { config: { routes: [{ kind: 'hold' }] } } })
  assert.deepEqual(lines, ['x@a.example: failed ours 5.7.1 - route -'])
})

test('a delivery that was called off tells nothing false', async () => {
  const { lines } = await deliver(['x@a.example'], { request: { signal: AbortSignal.abort() } })
  assert.deepEqual(lines, ['x@a.example: untried'])
})
