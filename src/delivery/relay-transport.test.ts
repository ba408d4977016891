// The relay as the queue sees it: what each word of a host means for each recipient, how sessions are kept, and which host is next.
import assert from 'node:assert/strict'
import { test } from 'node:test'
import { plainMessageOptions, plainRecipientOptions } from '../mail/delivery-options.ts'
import { RelayScene, told, type SceneOptions } from '../../test/support/relay-scene.ts'
import type { PeerScript } from '../../test/support/relay-peer.ts'

const zone = `
$ORIGIN example.net.
@    MX 10 mx1
@    MX 20 mx2
mx1  A 192.0.2.1
mx2  A 192.0.2.2
`

function sceneWith(script: PeerScript = {}, options: SceneOptions = {}) {
  const scene = new RelayScene({ zone, ...options })
  return { scene, peer: scene.peer('192.0.2.1', { name: 'mx1.example.net', ...script }) }
}

test('a message goes to the best host, with its trace fields, and the host takes over the duty to report', async () => {
  const { scene, peer } = sceneWith()
  const second = scene.peer('192.0.2.2')
  const [result] = await scene.send()
  assert.equal(told(result), 'done relayed reply 2.0.0 mx1.example.net opportunistic -')
  assert.deepEqual(peer.messages, [
    {
      mail: `<a@sender.example> SIZE=${peer.messages[0]?.content.length}`,
      rcpt: ['<bob@example.net>'],
      content: 'Received: from here\r\nFrom: a@sender.example\r\nSubject: hello\r\n\r\nHello.\r\n',
      secured: false,
    },
  ])
  assert.equal(second.connections, 0)
  assert.equal(peer.commands[0], 'EHLO relay.example.org')
  assert.equal(peer.commands.at(-1), 'QUIT')
  assert.equal(result?.type === 'done' ? result.attempt.reply : '', '250 2.0.0 taken')
  assert.equal(result?.type === 'done' ? result.attempt.address : '', '192.0.2.1')
  assert.equal(scene.events.count('relay.attempt'), 1)
})

test('without DSN the duty to report success stays here (RFC 3461 §5.2.2)', async () => {
  const { scene } = sceneWith({ extensions: ['PIPELINING'] })
  assert.equal(told((await scene.send())[0]), 'done delivered reply 2.0.0 mx1.example.net opportunistic -')
})

/** Which answer at which stage means what; one host only. */
const matrix: readonly (readonly [command: string, reply: string, meaning: string])[] = [
  ['MAIL', '451 4.3.0 later', 'deferred message mail 4.3.0'],
  ['MAIL', '550 5.7.1 never you', 'failed mail 5.7.1'],
  ['RCPT', '450 4.7.1 greylisted', 'deferred recipient rcpt 4.7.1'],
  ['RCPT', '550 5.1.1 nobody', 'failed rcpt 5.1.1'],
  ['RCPT', '550 nobody', 'failed rcpt 5.1.1'],
  ['RCPT', '552 too many recipients', 'deferred recipient rcpt 4.3.4'],
  ['RCPT', '552 5.2.2 mailbox full', 'failed rcpt 5.2.2'],
  ['DATA', '451 4.3.0 later', 'deferred message data 4.3.0'],
  ['DATA', '554 5.7.1 no', 'failed data 5.7.1'],
  ['.', '451 4.3.0 later', 'deferred message reply 4.3.0'],
  ['.', '554 5.6.0 spam', 'failed reply 5.6.0'],
  ['MAIL', '421 4.3.2 going', 'deferred destination mail 4.3.2'],
  ['RCPT', '421 4.3.2 going', 'deferred destination rcpt 4.3.2'],
  ['MAIL', 'drop', 'deferred destination mail 4.4.2'],
  ['DATA', 'drop', 'deferred destination'],
  ['.', 'drop', 'unknown reply 4.4.2'],
  ['.', 'hang', 'unknown reply 4.4.2'],
  ['MAIL', 'hang', 'deferred destination mail 4.4.2'],
]

for (const [command, reply, meaning] of matrix) {
  test(`${command} answered by “${reply}”: ${meaning}`, async () => {
    const scene = new RelayScene({
      zone: 'example.net. MX 10 mx1.example.net.\nmx1.example.net. A 192.0.2.1',
    })
    const peer = scene.peer('192.0.2.1', {
      extensions: [],
      rule: (given) =>
        given === '.' || command !== '.' ? (given.startsWith(command) ? reply : undefined) : undefined,
    })
    const [result] = await scene.send()
    assert.ok(told(result).startsWith(meaning), told(result))
    assert.deepEqual(peer.messages, [])
  })
}

test('recipients of one message are told apart', async () => {
  const { scene, peer } = sceneWith({
    rule: (command) =>
      command.startsWith('RCPT TO:<no@')
        ? '550 5.1.1 unknown'
        : command.startsWith('RCPT TO:<later@')
          ? '450 4.2.1 busy'
          : undefined,
  })
  const results = await scene.send({ to: ['yes@example.net', 'no@example.net', 'later@example.net'] })
  assert.deepEqual(
    results.map((result) => result.type),
    ['done', 'failed', 'deferred'],
  )
  assert.deepEqual(peer.messages[0]?.rcpt, ['<yes@example.net>'])
})

test('recipients beyond what a transaction takes get another in the same session (RFC 5321 §4.5.3.1.10)', async () => {
  let taken = 0
  const { scene, peer } = sceneWith({
    rule: (command) => {
      if (command.startsWith('MAIL')) taken = 0
      return command.startsWith('RCPT') && ++taken > 2 ? '452 4.5.3 too many recipients' : undefined
    },
  })
  const results = await scene.send({ to: ['a', 'b', 'c', 'd', 'e'].map((name) => `${name}@example.net`) })
  assert.deepEqual(
    results.map((result) => result.type),
    ['done', 'done', 'done', 'done', 'done'],
  )
  assert.deepEqual(
    peer.messages.map(({ rcpt }) => rcpt.length),
    [2, 2, 1],
  )
  assert.equal(peer.connections, 1)
})

test('LIMITS RCPTMAX is obeyed (RFC 9422)', async () => {
  const { scene, peer } = sceneWith({ extensions: ['PIPELINING', 'LIMITS RCPTMAX=2'] })
  const results = await scene.send({ to: ['a', 'b', 'c'].map((name) => `${name}@example.net`) })
  assert.ok(results.every((result) => result.type === 'done'))
  assert.deepEqual(
    peer.messages.map(({ rcpt }) => rcpt.length),
    [2, 1],
  )
})

test('one session carries many messages, up to its allowance', async () => {
  const { scene, peer } = sceneWith({}, { config: { maxMessagesPerConnection: 3 } })
  const results = await scene.run(Array.from({ length: 7 }, () => scene.job()))
  assert.ok(results.flat().every((result) => result.type === 'done'))
  assert.equal(peer.messages.length, 7)
  assert.equal(peer.connections, 3)
})

test('a warm session that went stale is made anew, without an attempt being lost', async () => {
  const { scene, peer } = sceneWith({
    rule: (command, { connection }) =>
      command.startsWith('MAIL') && peerOf().messages.length === 1 && connection === 0 ? 'drop' : undefined,
  })
  const peerOf = () => peer
  const results = await scene.run([scene.job(), scene.job(), scene.job()])
  assert.ok(
    results.flat().every((result) => result.type === 'done'),
    results.flat().map(told).join('\n'),
  )
  assert.equal(peer.messages.length, 3)
  assert.equal(scene.events.count('relay.host-failed'), 0)
})

test('a host that cannot be reached, greets with a refusal or breaks off is passed over for the next', async () => {
  const troubles: readonly PeerScript[] = [
    { greeting: '554 5.3.2 not today' },
    { greeting: '421 4.3.2 too many' },
    { greeting: 'drop' },
    { greeting: 'hang' },
    { rule: (command) => (/^(?:EHLO|HELO)/.test(command) ? '554 5.5.0 no' : undefined) },
    { rule: (command) => (command.startsWith('MAIL') ? 'drop' : undefined) },
    { rule: (command) => (command.startsWith('MAIL') ? '421 4.3.2 going' : undefined) },
  ]
  for (const trouble of troubles) {
    const { scene } = sceneWith(trouble)
    const second = scene.peer('192.0.2.2')
    const [result] = await scene.send()
    assert.equal(told(result), 'done relayed reply 2.0.0 mx2.example.net opportunistic -')
    assert.equal(second.messages.length, 1)
    assert.equal(scene.events.count('relay.host-failed'), 1)
  }
})

test('a verdict on mail is no reason to ask another host', async () => {
  const { scene } = sceneWith({
    rule: (command) => (command.startsWith('RCPT') ? '450 4.7.1 wait' : undefined),
  })
  const second = scene.peer('192.0.2.2')
  const [result] = await scene.send()
  assert.equal(result?.type, 'deferred')
  assert.equal(second.connections, 0)
})

test('no host at all defers the destination with 4.4.1; only hosts that never take mail fail it', async () => {
  const scene = new RelayScene({ zone })
  scene.network.host(['192.0.2.1'], { connect: 'refused' })
  scene.network.host(['192.0.2.2'], { connect: 'black-hole' })
  const results = await scene.run([scene.job(), scene.job()])
  assert.equal(told(results[0]?.[0]), 'deferred destination connect 4.4.1 mx2.example.net opportunistic -')
  const [result] = results[0] ?? []
  assert.ok(result?.type === 'deferred')
  assert.match(result.attempt.reply, /^no connection to mx2\.example\.net: 192\.0\.2\.2 does not answer$/)
  // The lane ends with the destination: nothing else is taken.
  assert.deepEqual(results[1], [])

  const { scene: closed } = sceneWith({ greeting: '521 5.3.2 no mail ever' })
  closed.peer('192.0.2.2', { greeting: '521 5.3.2 no mail ever' })
  assert.equal(told((await closed.send())[0]), 'failed greeting 5.3.2 mx2.example.net opportunistic -')
})

test('a black hole in IPv6 costs a quarter of a second (RFC 8305 §5)', async () => {
  const scene = new RelayScene({
    zone: 'example.net. MX 10 mx.example.net.\nmx.example.net. A 192.0.2.1\nmx.example.net. AAAA 2001:db8::1',
  })
  scene.network.host(['2001:db8::1'], { connect: 'black-hole' })
  scene.peer('192.0.2.1')
  const before = scene.clock.monotonic()
  const [result] = await scene.send()
  assert.equal(result?.type, 'done')
  assert.equal(scene.clock.monotonic() - before, 250)
})

test('a message that is too long for the host is never offered (RFC 1870 §6.1)', async () => {
  const { scene, peer } = sceneWith({ extensions: ['SIZE 50'] })
  assert.equal(told((await scene.send())[0]), 'failed mail 5.3.4 mx1.example.net opportunistic -')
  assert.ok(!peer.commands.some((command) => command.startsWith('MAIL')))
})

test('addresses and headers that need SMTPUTF8 go to hosts that offer it alone (RFC 6531 §3.5)', async () => {
  const { scene, peer } = sceneWith({ extensions: ['PIPELINING', '8BITMIME'] })
  const options = { ...plainMessageOptions, smtpUtf8: true }
  assert.equal(
    told((await scene.send({ to: ['bøb@example.net'], message: { options } }))[0]),
    'failed mail 5.6.7 mx1.example.net opportunistic -',
  )
  const content = 'From: a@sender.example\r\nSubject: blåbær\r\n\r\nHello.\r\n'
  assert.equal(
    told((await scene.send({ content, message: { options } }))[0]),
    'failed mail 5.6.7 mx1.example.net opportunistic -',
  )
  // Only asked for, not needed: it goes without.
  assert.equal((await scene.send({ message: { options } }))[0]?.type, 'done')
  assert.ok(!peer.commands.some((command) => command.includes('SMTPUTF8')))
})

test('a body of 8-bit octets is encoded for a host without 8BITMIME (RFC 6152 §3), unless it is signed', async () => {
  const { scene, peer } = sceneWith({ extensions: ['PIPELINING'] })
  const header = 'From: a@sender.example\r\nMIME-Version: 1.0\r\nContent-Type: text/plain; charset=utf-8\r\n'
  const options = { ...plainMessageOptions, body: '8BITMIME' as const }
  const content = `${header}Content-Transfer-Encoding: 8bit\r\n\r\nblåbær\r\n`
  assert.equal((await scene.send({ content, message: { options } }))[0]?.type, 'done')
  assert.equal(
    peer.messages[0]?.content,
    `Received: from here\r\n${header}Content-Transfer-Encoding: quoted-printable\r\n\r\nbl=C3=A5b=C3=A6r\r\n`,
  )
  const signed =
    'MIME-Version: 1.0\r\nContent-Type: multipart/signed; boundary=b; micalg=x; protocol=y\r\n\r\n' +
    '--b\r\nContent-Type: text/plain\r\nContent-Transfer-Encoding: 8bit\r\n\r\nblåbær\r\n' +
    '--b\r\nContent-Type: application/y\r\n\r\nsignature\r\n--b--\r\n'
  assert.equal(
    told((await scene.send({ content: signed, message: { options } }))[0]),
    'failed mail 5.6.3 mx1.example.net opportunistic -',
  )
})

test('a time of delivery that must be kept goes to no host that would not keep it (RFC 2852 §4.1.4.1)', async () => {
  const { scene, peer } = sceneWith()
  scene.peer('192.0.2.2')
  const deliverBy = { at: scene.clock.now() + 60_000, mode: 'return' as const, trace: 'not-asked' as const }
  const options = { ...plainMessageOptions, deliverBy }
  assert.equal(
    told((await scene.send({ message: { options } }))[0]),
    'failed mail 5.4.7 mx2.example.net opportunistic -',
  )
  const notify = { ...plainMessageOptions, deliverBy: { ...deliverBy, mode: 'notify' as const } }
  assert.equal((await scene.send({ message: { options: notify } }))[0]?.type, 'done')
  assert.equal(peer.messages[0]?.rcpt[0], '<bob@example.net> NOTIFY=FAILURE,DELAY')
})

test('a time of delivery is kept by the next host where the best one cannot, and other mail stays with the best', async () => {
  const { scene, peer } = sceneWith()
  const second = scene.peer('192.0.2.2', { extensions: ['DSN', 'DELIVERBY 600'] })
  const at = scene.clock.now() + 60_000
  const deliverBy = { at, mode: 'return' as const, trace: 'not-asked' as const }
  const options = { ...plainMessageOptions, deliverBy }
  const far = { ...plainMessageOptions, deliverBy: { ...deliverBy, at: at + 3_600_000 } }
  const results = await scene.run([
    scene.job(),
    scene.job({ message: { options: far } }),
    scene.job(),
    // Sooner than the second host can do it.
    scene.job({ message: { options } }),
    scene.job(),
  ])
  assert.deepEqual(
    results.map((result) => told(result[0])),
    [
      'done relayed reply 2.0.0 mx1.example.net opportunistic -',
      'done relayed reply 2.0.0 mx2.example.net opportunistic -',
      'done relayed reply 2.0.0 mx1.example.net opportunistic -',
      'failed mail 5.4.7 mx2.example.net opportunistic -',
      'done relayed reply 2.0.0 mx1.example.net opportunistic -',
    ],
  )
  assert.deepEqual([peer.messages.length, second.messages.length], [3, 1])
})

test('a time of delivery waits for a host that is away, where another cannot keep it', async () => {
  const { scene } = sceneWith({ greeting: '421 4.3.2 too many' })
  scene.peer('192.0.2.2')
  const at = scene.clock.now() + 60_000
  const deliverBy = { at, mode: 'return' as const, trace: 'not-asked' as const }
  const options = { ...plainMessageOptions, deliverBy }
  const results = await scene.run([scene.job({ message: { options } }), scene.job()])
  assert.deepEqual(
    results.map((result) => told(result[0])),
    [
      'deferred message greeting 4.3.2 mx1.example.net opportunistic -',
      'done relayed reply 2.0.0 mx2.example.net opportunistic -',
    ],
  )
})

test('hosts beyond `maxTries` get their turn in the next attempts, after the best one (RFC 5321 §5.1)', async () => {
  const names = Array.from({ length: 9 }, (_, index) => index + 1)
  const records = names.map(
    (n) => `example.net. MX ${n}0 mx${n}.example.net.\nmx${n}.example.net. A 192.0.2.${n}`,
  )
  const scene = new RelayScene({ zone: records.join('\n'), config: { maxTries: 4 } })
  const peers = names.map((n) =>
    scene.peer(`192.0.2.${n}`, { greeting: n === 9 ? '220 hello' : '421 4.3.2 no' }),
  )
  const asked = async (): Promise<number[]> => {
    const before = peers.map(({ connections }) => connections)
    await scene.send()
    return names.filter((_, index) => (peers[index]?.connections ?? 0) > (before[index] ?? 0))
  }
  assert.deepEqual(await asked(), [1, 2, 3, 4])
  assert.deepEqual(await asked(), [1, 5, 6, 7])
  assert.deepEqual(await asked(), [1, 8, 9])
  assert.deepEqual(await asked(), [1, 8, 9], 'what was found out is not forgotten')
  assert.equal(peers[8]?.messages.length, 2)
})

test('no mail fails for good while hosts are left that were not asked', async () => {
  const { scene } = sceneWith({ greeting: '521 5.3.2 no mail ever' }, { config: { maxTries: 1 } })
  scene.peer('192.0.2.2', { greeting: '521 5.3.2 no mail ever' })
  assert.equal(
    told((await scene.send())[0]),
    'deferred destination greeting 4.3.2 mx1.example.net opportunistic -',
  )
})

test('who shall hear that a message with a Deliver By request was passed on (RFC 2852 §4.1.4)', async () => {
  const owes = async (extensions: readonly string[], by: object, seconds = 60): Promise<string> => {
    const { scene } = sceneWith({ extensions })
    const at = scene.clock.now() + seconds * 1000
    const deliverBy = { at, mode: 'notify' as const, trace: 'not-asked' as const, ...by }
    const [result] = await scene.send({ message: { options: { ...plainMessageOptions, deliverBy } } })
    return (result?.type === 'done' && result.owes) || 'nothing'
  }
  assert.equal(await owes(['DSN'], {}), 'relayed-report', 'mode N to a host that does not know of it')
  assert.equal(await owes(['DSN'], {}, -5), 'nothing', 'the time was over before')
  assert.equal(await owes(['DSN', 'DELIVERBY'], {}), 'nothing')
  assert.equal(await owes(['DSN', 'DELIVERBY'], { trace: 'asked' }), 'relayed-report')
  assert.equal(await owes(['DSN', 'DELIVERBY'], { trace: 'asked', mode: 'return' }), 'relayed-report')
})

test('a reverse-path of a recipient’s own makes a transaction of its own', async () => {
  const { scene, peer } = sceneWith()
  const job = scene.job({ to: ['a@example.net', 'b@example.net'] })
  const [first, second] = job.recipients
  assert.ok(first !== undefined && second !== undefined)
  const own = { ...second, reversePath: 'list-bounces@sender.example', options: plainRecipientOptions }
  const results = await scene.run([{ ...job, recipients: [first, own] }])
  assert.deepEqual(
    results[0]?.map((result) => result.type),
    ['done', 'done'],
  )
  assert.deepEqual(
    peer.messages.map(({ mail }) => mail.split(' ')[0]),
    ['<a@sender.example>', '<list-bounces@sender.example>'],
  )
})

test('a store that fails is nobody else’s fault', async () => {
  const { scene } = sceneWith()
  const job = scene.job()
  const broken = { ...job, message: { ...job.message, size: job.message.size + 10 } }
  const [results] = await scene.run([broken])
  assert.ok(told(results?.[0]).startsWith('deferred message ours 4.3.0'), told(results?.[0]))
})

test('an aborted lane gives back what nobody was told of', async () => {
  const { scene } = sceneWith()
  const job = scene.job()
  const [recipient] = job.recipients
  assert.ok(recipient !== undefined)
  const stop = new AbortController()
  const results: string[] = []
  const jobs = [job, scene.job()]
  const lane = scene.relay.transport.run({
    destination: scene.relay.transport.destinationOf(recipient, job.message),
    jobs: {
      next: () => {
        stop.abort()
        return Promise.resolve(jobs.shift() ?? null)
      },
      report: (_, given) => results.push(...given.map(told)),
    },
    signal: stop.signal,
  })
  await scene.settle(lane)
  assert.deepEqual(results, ['untried'])
})

test('an aborted lane waits for no greeting and no welcome', async () => {
  const hanging: PeerScript[] = [
    { greeting: 'hang' },
    { rule: (command) => (command.startsWith('EHLO') ? 'hang' : undefined) },
  ]
  for (const script of hanging) {
    const { scene } = sceneWith(script)
    const job = scene.job()
    const [recipient] = job.recipients
    assert.ok(recipient !== undefined)
    const stop = new AbortController()
    const results: string[] = []
    const jobs = [job]
    const lane = scene.relay.transport.run({
      destination: scene.relay.transport.destinationOf(recipient, job.message),
      jobs: {
        next: () => Promise.resolve(jobs.shift() ?? null),
        report: (_, given) => results.push(...given.map(told)),
      },
      signal: stop.signal,
    })
    await scene.clock.advance(5000)
    assert.deepEqual(results, [])
    stop.abort()
    await scene.clock.advance(100)
    assert.deepEqual(results, ['untried'])
    await lane
  }
})

test('a message that a session lost is sent again while the source makes us wait', async () => {
  const { scene, peer } = sceneWith({
    rule: (command, { index }) => (command.startsWith('MAIL') && index === 1 ? 'drop' : undefined),
  })
  const jobs = [scene.job(), scene.job()]
  const [first] = jobs
  const [recipient] = first?.recipients ?? []
  assert.ok(first !== undefined && recipient !== undefined)
  const waits = Promise.withResolvers<null>()
  const results: string[] = []
  const lane = scene.relay.transport.run({
    destination: scene.relay.transport.destinationOf(recipient, first.message),
    jobs: {
      next: () => {
        const job = jobs.shift()
        return job === undefined ? waits.promise : Promise.resolve(job)
      },
      report: (_, given) => {
        results.push(...given.map(({ type }) => type))
        if (results.length === 2) waits.resolve(null)
      },
    },
    signal: new AbortController().signal,
  })
  await scene.settle(lane)
  assert.deepEqual(results, ['done', 'done'])
  assert.equal(peer.connections, 2)
})

test('a long message streams, in chunks where the host takes them (RFC 3030) and with dots stuffed where not', async () => {
  const content = `Subject: long\r\n\r\n${'.a line that begins with a dot\r\n'.repeat(10_000)}`
  for (const extensions of [['PIPELINING', 'CHUNKING'], ['PIPELINING']]) {
    const { scene, peer } = sceneWith({ extensions })
    assert.equal((await scene.send({ content }))[0]?.type, 'done')
    assert.equal(peer.messages[0]?.content, `Received: from here\r\n${content}`)
    assert.equal(
      peer.commands.some((command) => command.startsWith('BDAT')),
      extensions.includes('CHUNKING'),
    )
  }
})

test('8-bit octets that nobody announced are found in a long message too (RFC 6152 §3)', async () => {
  const line = 'Grüße aus dem langen Brief\r\n'
  const long = (text: string) => `From: a@b.example\r\nSubject: x\r\n\r\n${text.repeat(4000)}`
  const old = sceneWith({ extensions: ['PIPELINING'] })
  await old.scene.send({ content: long(line) })
  assert.match(old.peer.messages[0]?.content ?? '', /Content-Transfer-Encoding: quoted-printable/i)
  assert.doesNotMatch(old.peer.messages[0]?.content ?? '', /[^\0-\x7f]/)
  const plain = sceneWith({ extensions: ['PIPELINING'] })
  await plain.scene.send({ content: long('nothing odd\r\n') })
  assert.doesNotMatch(plain.peer.messages[0]?.content ?? '', /Content-Transfer-Encoding/i)
  const able = sceneWith({ extensions: ['PIPELINING', '8BITMIME'] })
  await able.scene.send({ content: long(line) })
  assert.ok(able.peer.commands.some((command) => /^MAIL .* BODY=8BITMIME/.test(command)))
})

test('a session that has had its MAILMAX is followed by another (RFC 9422)', async () => {
  const { scene, peer } = sceneWith({ extensions: ['PIPELINING', 'LIMITS MAILMAX=2'] })
  const results = await scene.run(Array.from({ length: 5 }, () => scene.job()))
  assert.deepEqual(
    results.flat().map(({ type }) => type),
    Array.from({ length: 5 }, () => 'done'),
  )
  assert.equal(peer.connections, 3)
  assert.equal(peer.messages.length, 5)
})

test('recipients that a session with MAILMAX has no transaction left for go on in the next (RFC 9422)', async () => {
  const { scene, peer } = sceneWith({ extensions: ['PIPELINING', 'LIMITS MAILMAX=2 RCPTMAX=1'] })
  const results = await scene.send({ to: ['a', 'b', 'c'].map((name) => `${name}@example.net`) })
  assert.ok(results.every((result) => result.type === 'done'))
  assert.deepEqual(
    peer.messages.flatMap(({ rcpt }) => rcpt.length),
    [1, 1, 1],
  )
  assert.equal(peer.connections, 2)
})

test('time-outs are those of the route where it has its own', async () => {
  const config = { routes: [{ kind: 'mx' as const, timeouts: { greeting: '7s' } }] }
  const { scene } = sceneWith({ greeting: 'hang' }, { config })
  const before = scene.clock.monotonic()
  const second = scene.peer('192.0.2.2')
  assert.equal((await scene.send())[0]?.type, 'done')
  assert.equal(scene.clock.monotonic() - before, 7000)
  assert.equal(second.messages.length, 1)
})

test('whatever way the network cuts, the dialogue is the same', async () => {
  for (const seed of [1, 2, 3]) {
    const scene = new RelayScene({ zone, network: { segments: 'cut' }, seed })
    const peer = scene.peer('192.0.2.1', { extensions: ['PIPELINING', '8BITMIME', 'DSN', 'CHUNKING'] })
    const results = await scene.run(Array.from({ length: 4 }, () => scene.job()))
    assert.ok(results.flat().every((result) => result.type === 'done'))
    assert.equal(peer.messages.length, 4)
  }
})
