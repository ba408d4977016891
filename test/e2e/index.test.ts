// `posthorn index`: what waits is indexed, by a running server or without one, and shown.
import assert from 'node:assert/strict'
import { test } from 'node:test'
import {
  allListeners,
  addPeople,
  done,
  json,
  posthorn,
  serve,
  temporaryPlace,
  writeConfig,
} from './program.ts'
import { LineSocket } from './line-socket.ts'

interface Shown {
  readonly address: string
  readonly messages: number
  readonly emails: number
  readonly waiting: number
}

for (const running of [false, true]) {
  test(`index brings an index up to the mail, ${running ? 'in a server that runs' : 'without a server'}`, async (context) => {
    const place = await temporaryPlace(context)
    const { folder } = place
    await writeConfig(folder, allListeners)
    await addPeople(folder)
    const server = await serve(place)
    const smtp = await LineSocket.open(server.port('smtp'))
    await smtp.reply()
    const commands = ['HELO x.test', 'MAIL FROM:<a@x.test>', 'RCPT TO:<ann@mail.test>', 'DATA']
    for (const line of commands) await smtp.command(line)
    assert.match((await smtp.command('Subject: one\r\n\r\nelephants\r\n.')) ?? '', /^250/)
    smtp.close()
    if (!running) await server.stop()
    const waiting = (await json(folder, ['index', '--show', 'ann@mail.test'])) as Shown[]
    assert.deepEqual([waiting.length, waiting[0]?.waiting, waiting[0]?.emails], [1, 1, 0])
    const indexed = (await json(folder, ['index'])) as Shown[]
    assert.ok(indexed.length >= 2 && indexed.every((one) => one.waiting === 0))
    assert.equal(indexed.find((one) => one.address === 'ann@mail.test')?.emails, 1)
    assert.match(await done(folder, ['index', 'ann@mail.test', '--rebuild']), /ann@mail\.test +1 +1 +0 +1/)
    const refused = await posthorn(folder, ['index', 'nobody@mail.test'])
    assert.match(refused.stderr, /There is no account nobody@mail\.test/)
  })
}
