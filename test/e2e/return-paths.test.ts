// Where failures go that come back: a list's by VERP to the rule that leaves a member out, forwarded mail's by SRS to its sender. The
// whole program, as a child process, and a far host that refuses or reports.
import assert from 'node:assert/strict'
import { test, type TestContext } from 'node:test'
import { openFarHost, type FarHost } from './far-host.ts'
import { LineSocket } from './line-socket.ts'
import {
  addPeople,
  done,
  json,
  listener,
  type Place,
  serve,
  type Served,
  temporaryPlace,
  writeConfig,
} from './program.ts'

interface Scene {
  readonly place: Place
  readonly server: Served
  readonly far: FarHost
}

async function open(context: TestContext, more = ''): Promise<Scene> {
  const place = await temporaryPlace(context)
  const far = await openFarHost(context, () => undefined)
  const route = `\n[[relay.routes]]\nkind = "host"\nhost = "127.0.0.1"\nport = ${far.port}\ntls = "none"\n`
  await writeConfig(place.folder, `${more}${route}${listener('smtp')}`)
  await addPeople(place.folder)
  return { place, server: await serve(place), far }
}

/** Hands a message in on port 25; gives the codes of all replies. */
async function mail(server: Served, message: { from: string; to: string; text: string }): Promise<string[]> {
  const client = await LineSocket.open(server.port('smtp'))
  await client.reply()
  const codes: string[] = []
  const lines = ['EHLO far.test', `MAIL FROM:<${message.from}>`, `RCPT TO:<${message.to}>`, 'DATA']
  for (const line of [...lines, `${message.text}\r\n.`]) {
    codes.push(((await client.command(line)) ?? 'closed').slice(0, 3))
    if (codes.at(-1)?.startsWith('5')) break
  }
  client.close()
  return codes
}

const taken = ['250', '250', '250', '354', '250']

/** RFC 3464 §2. */
function report(recipient: string): string {
  return [
    ...['From: MAILER-DAEMON@far.test', 'Subject: Undelivered', 'MIME-Version: 1.0'],
    ...['Content-Type: multipart/report; report-type=delivery-status; boundary=b', ''],
    ...[
      '--b',
      'Content-Type: text/plain',
      '',
      'No such user.',
      '--b',
      'Content-Type: message/delivery-status',
      '',
    ],
    ...['Reporting-MTA: dns; far.test', '', `Final-Recipient: rfc822; ${recipient}`],
    ...['Action: failed', 'Status: 5.1.1', '', '--b--'],
  ].join('\r\n')
}

test('a list writes to each member under a return path of his own, and a bounce to it leaves him out', async (context) => {
  const { place, server, far } = await open(context, 'queue.bounces.suppressAfter = 2\n')
  const { folder } = place
  const members = ['joe@far.test', 'sue@far.test']
  await done(folder, ['alias', 'add', 'news@mail.test', ...members, '--owner', 'ann@mail.test'])
  const send = async (number: number): Promise<void> => {
    await done(
      folder,
      ['sendmail', '-f', 'bob@mail.test', 'news@mail.test'],
      `Subject: ${number}\n\nHello.\n`,
    )
  }
  const pathsOf = (recipient: string): string[] =>
    far.messages
      .filter(({ rcpt }) => rcpt.some((line) => line.includes(recipient)))
      .map((message) => /<(.*?)>/.exec(message.mail)?.[1] ?? '')
  for (const round of [1, 2]) {
    await send(round)
    await far.received(2 * round)
    const [joe = ''] = pathsOf('joe@').slice(-1)
    assert.match(joe, /^ann\+b-\w+=joe=far\.test@mail\.test$/)
    assert.notEqual(pathsOf('sue@').at(-1), joe)
    // One that somebody made up is a subaddress like others, and counts for nothing.
    const text = report('joe@far.test')
    const forged = joe.replace(/b-\w+=/, 'b-aaaaaaaa=')
    assert.deepEqual(await mail(server, { from: '', to: forged, text }), taken)
    assert.deepEqual(await mail(server, { from: '', to: joe, text }), taken)
  }
  const [left] = (await json(folder, ['suppression', 'list'])) as { address: string; reason: string }[]
  assert.match(left?.address ?? '', /^joe@far\.test of ann@mail\.test$/)
  assert.match(left?.reason ?? '', /2 failures .*5\.1\.1/)
  await send(3)
  await far.received(5)
  assert.equal(pathsOf('sue@').length, 3)
  assert.equal(pathsOf('joe@').length, 2)
  // To the list alone: what Bob writes himself still goes.
  await done(folder, ['sendmail', '-f', 'bob@mail.test', 'joe@far.test'], 'Subject: 4\n\nHello.\n')
  await far.received(6)
  assert.deepEqual(pathsOf('joe@').slice(-1), ['bob@mail.test'])
})

test('what an alias forwards leaves under SRS, and its bounce finds the way back to the sender', async (context) => {
  const { place, server, far } = await open(context)
  await done(place.folder, ['alias', 'add', 'away@mail.test', 'joe@far.test'])
  const text = 'From: eve@out.test\r\nSubject: one\r\n\r\nHello.'
  assert.deepEqual(await mail(server, { from: 'eve@out.test', to: 'away@mail.test', text }), taken)
  await far.received(1)
  const path = /<(.*?)>/.exec(far.messages[0]?.mail ?? '')?.[1] ?? ''
  assert.match(path, /^SRS0=\w+=\w\w=out\.test=eve@mail\.test$/i)
  assert.match(far.messages[0]?.content ?? '', /^Delivered-To: away@mail\.test\r\nReceived: /)
  assert.deepEqual(await mail(server, { from: '', to: path, text: report('joe@far.test') }), taken)
  await far.received(2)
  assert.match(far.messages[1]?.mail ?? '', /^<>/)
  assert.match(far.messages[1]?.rcpt.join(' ') ?? '', /^<eve@out\.test>/)
  assert.match(far.messages[1]?.content ?? '', /Final-Recipient: rfc822; joe@far\.test/)
  // One that this host did not make leads nowhere.
  const forged = path.replace(/=\w+=/, '=aaaaaaaa=')
  assert.equal((await mail(server, { from: '', to: forged, text })).at(2)?.[0], '5')
  assert.equal(far.messages.length, 2)
})
