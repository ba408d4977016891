// `posthorn send --direct`: the far host's own reply is the result, nothing is stored.
import assert from 'node:assert/strict'
import { existsSync } from 'node:fs'
import { join } from 'node:path'
import { test } from 'node:test'
import { openFarHost } from './far-host.ts'
import { posthorn, temporaryPlace, writeConfig } from './program.ts'

interface Told {
  readonly recipient: string
  readonly outcome: string
  readonly reply: string
  readonly stage: string
}

test('send --direct: taken, refused, not now, and no DNS', async (context) => {
  const { folder } = await temporaryPlace(context)
  const far = await openFarHost(context, (command) => {
    if (command.includes('<nobody@')) return '550 5.1.1 No such user'
    return command.includes('<busy@') ? '450 4.2.1 Not now' : undefined
  })
  await writeConfig(
    folder,
    `dns.servers = ["127.0.0.1:1"]\ndns.timeout = "1s"\n\n[[relay.routes]]\nkind = "host"\nhost = "127.0.0.1"\nport = ${far.port}\ntls = "none"\nrecipients = ["far.test"]\n`,
  )
  const send = async (code: number, ...to: string[]): Promise<Told[]> => {
    const message = 'From: ann@mail.test\nSubject: x\n\nHello.\n'
    const ended = await posthorn(folder, ['send', '--direct', '-', '--json', ...to], message)
    assert.equal(ended.code, code, ended.stderr)
    assert.doesNotMatch(ended.stderr, /\n\s+at /)
    return JSON.parse(ended.stdout) as Told[]
  }
  const [taken] = await send(0, 'joe@far.test')
  assert.deepEqual([taken?.recipient, taken?.outcome], ['joe@far.test', 'delivered'])
  assert.equal(far.messages.length, 1)
  const mixed = await send(1, 'joe@far.test', 'nobody@far.test', 'busy@far.test')
  assert.deepEqual(
    mixed.map(({ recipient, outcome }) => [recipient, outcome]),
    [
      ['joe@far.test', 'delivered'],
      ['nobody@far.test', 'failed'],
      ['busy@far.test', 'not now'],
    ],
  )
  assert.deepEqual([mixed[1]?.reply, mixed[1]?.stage], ['550 5.1.1 No such user', 'rcpt'])
  const [lost] = await send(1, 'joe@elsewhere.test')
  assert.deepEqual([lost?.outcome, lost?.stage], ['not now', 'dns'])
  assert.equal(existsSync(join(folder, 'data')), false)
})
