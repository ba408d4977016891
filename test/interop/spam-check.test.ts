// The catcher's spam check against the programs that it asks: Debian's rspamd and SpamAssassin; and Postmark's service, which stands
// here as a server on loopback that answers as its documentation says.
import assert from 'node:assert/strict'
import { once } from 'node:events'
import { createServer } from 'node:http'
import type { AddressInfo } from 'node:net'
import { test } from 'node:test'
import type { ConfigInput } from '../../src/config/schema.ts'
import { type CatcherHouse, letter, openCatcherHouse } from '../support/catcher-house.ts'
import { type MilterProgram, startMilter } from './milter-program.ts'
import { gtube, rspamdScanner } from './rspamd-host.ts'
import { missing } from './tool.ts'

interface Verdict {
  isSpam: boolean
  score: number
  threshold: number
  rules: { name: string; score: number; description: string }[]
  error: string
}

type SpamSettings = NonNullable<NonNullable<ConfigInput['catcher']>['spam']>

async function houseOf(context: Parameters<typeof openCatcherHouse>[0], spam: SpamSettings) {
  const house = await openCatcherHouse(context, { catcher: { spam: { timeout: '60s', ...spam } } })
  return { house, check: (message: string) => check(house, message) }
}

async function check(house: CatcherHouse, message: string): Promise<Verdict> {
  const [, id] = /delivered as (\S+)/.exec(await house.send(message)) ?? []
  const response = await house.get(`/api/v1/catcher/messages/${id}/checks/spam`)
  assert.equal(response.status, 200)
  return (await response.json()) as Verdict
}

test(
  'rspamd: lets a letter pass, and knows its test pattern',
  { skip: missing('rspamd', '--no-install-recommends rspamd') },
  async (context) => {
    const place = await startMilter(context, rspamdScanner)
    assert.ok('port' in place)
    const { check: ask, house } = await houseOf(context, { kind: 'rspamd', port: place.port })
    const ham = await ask(letter('Lunch?', 'At noon, as always.'))
    assert.deepEqual([ham.error, ham.isSpam], ['', false])
    const spam = await ask(letter('Pills', gtube.reject))
    assert.deepEqual([spam.error, spam.isSpam], ['', true])
    const marked = await ask(letter('Pills', gtube.addHeader))
    assert.deepEqual([marked.error, marked.isSpam], ['', true])
    const mailpit = await house.get('/api/v1/message/latest/sa-check')
    const answer = (await mailpit.json()) as { IsSpam: boolean; Error: string }
    assert.deepEqual([answer.IsSpam, answer.Error], [true, ''])
  },
)

const spamd: MilterProgram = {
  program: 'spamd',
  signal: 'SIGTERM',
  start: ({ folder, place }) => ({
    parameters: () => [
      // Its own rules and nobody else: no DNS, no user's preferences, no helpers beside it.
      ...['--local', '--nouser-config', '--max-children', '1', '--min-children', '1'],
      ...['--listen', `127.0.0.1:${'port' in place ? place.port : 0}`, '--syslog', 'stderr'],
      ...['--username', process.getuid?.() === 0 ? 'nobody' : (process.env['USER'] ?? 'nobody')],
      ...['--helper-home-dir', folder],
    ],
    configuration: '',
  }),
}

test(
  'spamd: lets a letter pass, and knows its test pattern',
  { skip: missing('spamd', '--no-install-recommends spamd spamassassin') },
  async (context) => {
    const place = await startMilter(context, spamd)
    assert.ok('port' in place)
    const { check: ask } = await houseOf(context, { kind: 'spamassassin', port: place.port })
    const ham = await ask(letter('Lunch?', 'At noon, as always.'))
    assert.deepEqual([ham.error, ham.isSpam, ham.threshold], ['', false, 5])
    const pattern = 'XJS*C4JDBQADN1.NSBN3*2IDNEN*GTUBE-STANDARD-ANTI-UBE-TEST-EMAIL*C.34X'
    const spam = await ask(letter('Pills', pattern))
    assert.deepEqual([spam.error, spam.isSpam, spam.rules[0]?.name], ['', true, 'GTUBE'])
    assert.equal(spam.rules[0]?.score, 1000)
  },
)

/** Answers one request after the other, and keeps what it was asked. */
async function service(context: { after(work: () => void): void }, answers: readonly [number, unknown][]) {
  const asked: { email: string; options: string }[] = []
  const server = createServer((request, response) => {
    let text = ''
    request.setEncoding('utf8')
    request.on('data', (piece: string) => (text += piece))
    request.on('end', () => {
      // What the check writes is what this test looks at.
      asked.push(JSON.parse(text) as { email: string; options: string })
      const [status, answer] = answers[asked.length - 1] ?? [500, {}]
      response.writeHead(status, { 'content-type': 'application/json' }).end(JSON.stringify(answer))
    })
  })
  await once(server.listen(0, '127.0.0.1'), 'listening')
  context.after(() => server.close())
  // The system gave it a port.
  const { port } = server.address() as AddressInfo
  return { asked, url: `http://127.0.0.1:${port}/filter` }
}

test('Postmark: asked when somebody looks, and never before; its rules, its refusals', async (context) => {
  const report = [
    ' pts rule name               description',
    '---- ---------------------- --------------------------------------------------',
    ' 1.2 MISSING_HEADERS         Missing To: header',
    '-0.1 DKIM_VALID              Message has at least one valid DKIM or DK signature',
  ].join('\n')
  const { asked, url } = await service(context, [
    [200, { success: true, score: '7.9', rules: [{ score: '7.9', description: 'All of it' }] }],
    [200, { success: true, score: '1.1', rules: [], report }],
    [200, { success: false, message: 'Email is missing' }],
    [503, {}],
    [200, { success: true, score: 'much' }],
  ])
  const { house, check: ask } = await houseOf(context, { kind: 'postmark', url })
  await house.send(letter('Nobody asks'))
  assert.equal(asked.length, 0)
  const spam = await ask(letter('Lunch', 'At noon'))
  assert.deepEqual([spam.isSpam, spam.score, spam.threshold], [true, 7.9, 5])
  assert.deepEqual(spam.rules, [{ name: '', score: 7.9, description: 'All of it' }])
  assert.match(asked[0]?.email ?? '', /^Return-Path:.*Subject: Lunch\r\n.*At noon/s)
  assert.equal(asked[0]?.options, 'long')
  const ham = await ask(letter('Ham'))
  assert.deepEqual(
    [ham.isSpam, ham.rules.map(({ name }) => name)],
    [false, ['MISSING_HEADERS', 'DKIM_VALID']],
  )
  assert.match((await ask(letter('Refused'))).error, /Email is missing/)
  assert.match((await ask(letter('Broken'))).error, /503/)
  assert.notEqual((await ask(letter('Nonsense'))).error, '')
})
