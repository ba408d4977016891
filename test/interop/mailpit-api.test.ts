// The catcher as seen by a client that was written for Mailpit (mailpit-api of npm), and by the examples of Mailpit's documentation.
import assert from 'node:assert/strict'
import { once } from 'node:events'
import { test } from 'node:test'
import { MailpitClient } from 'mailpit-api'
import { letter, openCatcherHouse } from '../support/catcher-house.ts'

const pixel =
  'iVBORw0KGgoAAAANSUhEUgAAAAEAAAABCAYAAAAfFcSJAAAADUlEQVR42mNk+M9QDwADhgGAWjR9awAAAABJRU5ErkJggg=='

/** The request of Mailpit's own documentation. */
const example = {
  From: { Email: 'john@example.com', Name: 'John Doe' },
  To: [{ Email: 'jane@example.com', Name: 'Jane Doe' }],
  Cc: [
    { Email: 'manager1@example.com', Name: 'Manager 1' },
    { Email: 'manager2@example.com', Name: 'Manager 2' },
  ],
  Bcc: ['jack@example.com'],
  Headers: { 'X-IP': '1.2.3.4' },
  Subject: 'Mailpit message via the HTTP API',
  Text: 'This is the text body',
  HTML: '<p style="font-family: arial">Mailpit is <b>awesome</b>!</p>',
  Attachments: [{ Content: 'VGhpcyBpcyBhIHBsYWluIHRleHQgYXR0YWNobWVudA==', Filename: 'Attached File.txt' }],
  ReplyTo: [{ Email: 'secretary@example.com', Name: 'Secretary' }],
  Tags: ['Tag 1', 'Tag 2'],
}

test('send, and get all of it back', async (context) => {
  const house = await openCatcherHouse(context)
  const client = new MailpitClient(house.url)
  const { ID: id } = await client.sendMessage(example)
  assert.match(id, /^[A-Za-z0-9]+$/)
  const message = await client.getMessageSummary(id)
  assert.equal(message.Subject, example.Subject)
  assert.equal(message.Text.trim(), example.Text)
  assert.equal(message.HTML.trim(), example.HTML)
  assert.deepEqual(message.From, { Name: 'John Doe', Address: 'john@example.com' })
  assert.deepEqual(message.To, [{ Name: 'Jane Doe', Address: 'jane@example.com' }])
  assert.deepEqual(
    message.Cc.map(({ Address: address }) => address),
    ['manager1@example.com', 'manager2@example.com'],
  )
  assert.deepEqual(message.Bcc, [{ Name: '', Address: 'jack@example.com' }])
  assert.deepEqual(message.ReplyTo, [{ Name: 'Secretary', Address: 'secretary@example.com' }])
  assert.deepEqual(message.Tags, ['Tag 1', 'Tag 2'])
  const [attachment] = message.Attachments
  assert.equal(attachment?.FileName, 'Attached File.txt')
  assert.match(attachment?.Checksums.SHA256 ?? '', /^[0-9a-f]{64}$/)
  const part = await client.getMessageAttachment(id, attachment?.PartID ?? '')
  assert.equal(await part.text(), 'This is a plain text attachment')
  assert.match(await client.getMessageSource(id), /^Return-Path: <john@example.com>\r\nReceived: /)
  const headers = await client.getMessageHeaders(id)
  assert.deepEqual(headers['X-Ip'], ['1.2.3.4'])
  assert.deepEqual(headers['Subject'], [example.Subject])
})

test('a message that cannot be is refused as Mailpit refuses it', async (context) => {
  const house = await openCatcherHouse(context)
  const post = (body: unknown) =>
    house.get('/api/v1/send', {
      method: 'POST',
      body: typeof body === 'string' ? body : JSON.stringify(body),
    })
  const refused = await post({ ...example, To: [{ Email: 'nobody' }] })
  assert.equal(refused.status, 400)
  assert.deepEqual(await refused.json(), { Error: 'invalid To address: nobody' })
  const overwritten = await post({ ...example, Headers: { Subject: 'x' } })
  assert.deepEqual(await overwritten.json(), { Error: 'cannot overwrite header: "Subject"' })
  assert.equal((await post('{')).status, 400)
  const injected = await post({
    ...example,
    Subject: 'a\r\nX-Evil: yes',
    Headers: { 'X-A': 'b\r\nX-Evil: yes' },
  })
  const { ID: id } = (await injected.json()) as { ID: string }
  const headers = (await (await house.get(`/api/v1/message/${id}/headers`)).json()) as Record<
    string,
    string[]
  >
  assert.equal(headers['X-Evil'], undefined)
})

test('lists, pages, reads, deletes', async (context) => {
  const house = await openCatcherHouse(context)
  const client = new MailpitClient(house.url)
  const empty = await client.listMessages()
  assert.deepEqual(
    { ...empty },
    {
      ...{ total: 0, unread: 0, count: 0, messages_count: 0, messages_unread: 0, start: 0 },
      ...{ tags: [], messages: [] },
    },
  )
  for (let number = 1; number <= 12; number++) await house.send(letter(`Number ${number}`, `Body ${number}`))
  const page = await client.listMessages(2, 5)
  assert.deepEqual(
    page.messages.map(({ Subject: subject }) => subject),
    ['Number 10', 'Number 9', 'Number 8', 'Number 7', 'Number 6'],
  )
  assert.equal(page.total, 12)
  assert.equal(page.start, 2)
  assert.match(page.messages[0]?.Created ?? '', /^\d{4}-\d\d-\d\dT.*Z$/)
  const ids = page.messages.map(({ ID: id }) => id)
  assert.equal(await client.setReadStatus({ IDs: ids, Read: true }), 'ok')
  assert.equal((await client.listMessages()).unread, 7)
  await client.setReadStatus({ Search: 'subject:"Number 10"', Read: false })
  assert.equal((await client.listMessages()).unread, 8)
  await client.setReadStatus({ Read: true })
  assert.equal((await client.listMessages()).unread, 0)
  assert.equal(await client.deleteMessages({ IDs: ids }), 'ok')
  assert.equal((await client.listMessages()).total, 7)
  await client.deleteMessagesBySearch({ query: 'Body -subject:12' })
  assert.deepEqual(
    (await client.listMessages()).messages.map(({ Subject: subject }) => subject),
    ['Number 12'],
  )
  await client.deleteMessages()
  assert.equal((await client.listMessages()).total, 0)
  assert.equal((await client.getInfo()).RuntimeStats.MessagesDeleted, 12)
})

test('searches of the documentation', async (context) => {
  const house = await openCatcherHouse(context)
  const client = new MailpitClient(house.url)
  for (let number = 0; number < 20; number++) {
    await client.sendMessage({
      From: { Email: `from-${number}@example.com`, Name: `From ${number}` },
      To: [{ Email: `to-${number}@example.com`, Name: `To ${number}` }],
      Subject: `Subject line ${number} end`,
      Text: `This is the email body ${number} <jdsauk;dwqmdqw;>.`,
      Tags: [`Test tag ${String(number).padStart(3, '0')}`],
    })
  }
  const expected: readonly (readonly [query: string, count: number])[] = [
    ['from-1@example.com', 1],
    ['from:from-1@example.com', 1],
    ['-from:from-1@example.com', 19],
    ['-FROM:FROM-1@EXAMPLE.COM', 19],
    ['to:from-1@example.com', 0],
    ['from:@example.com', 20],
    ['subject:"Subject line"', 20],
    ['subject:"SUBJECT LINE 17 END"', 1],
    ['!thisdoesnotexist', 20],
    ['-ThisDoesNotExist', 20],
    ['thisdoesnotexist', 0],
    ['tag:"Test tag 015"', 1],
    ['tag:"TEST TAG 015"', 1],
    ['!tag:"Test tag 013"', 19],
    ['"email body 7"', 1],
    ['is:tagged is:unread', 20],
    ['has:attachment', 0],
    ['addressed:to-3@', 1],
    ['larger:1mb', 0],
    ['smaller:1mb', 20],
    ['after:2020-01-01', 20],
    ['before:2020-01-01', 0],
  ]
  for (const [query, count] of expected) {
    const found = await client.searchMessages({ query })
    assert.equal(found.messages_count, count, query)
  }
  const none = await house.get('/api/v1/search?query=')
  assert.equal(none.status, 400)
  assert.equal(await none.text(), 'Error: no search query')
})

test('tags: set, rename, delete', async (context) => {
  const house = await openCatcherHouse(context)
  const client = new MailpitClient(house.url)
  const { ID: id } = await client.sendMessage({ ...example, Tags: [] })
  await client.setTags({ IDs: [id], Tags: ['Backups', 'a, b', 'Backups'] })
  assert.deepEqual(await client.getTags(), ['a b', 'Backups'])
  await client.renameTag('Backups', 'Old backups')
  assert.deepEqual((await client.getMessageSummary(id)).Tags.toSorted(), ['Old backups', 'a b'].toSorted())
  await client.deleteTag('a b')
  assert.deepEqual(await client.getTags(), ['Old backups'])
  await client.setTags({ IDs: [id] })
  assert.deepEqual(await client.getTags(), [])
})

test('what is not there, and what is not configured', async (context) => {
  const house = await openCatcherHouse(context)
  const client = new MailpitClient(house.url)
  const latest = await house.get('/api/v1/message/latest')
  assert.deepEqual([latest.status, await latest.text()], [404, 'Message not found'])
  const absent = await house.get('/api/v1/message/abc')
  assert.deepEqual([absent.status, await absent.text()], [404, '404 page not found'])
  await client.sendMessage({ ...example, HTML: '' })
  const check = await house.get('/api/v1/message/latest/html-check')
  assert.deepEqual([check.status, await check.text()], [400, 'message does not contain HTML'])
  assert.equal((await house.get('/api/v1/message/latest/sa-check')).status, 404)
  await assert.rejects(client.releaseMessage('latest', { To: ['a@b.example'] }))
  const { MessageRelay: relay, ChaosEnabled: chaos } = await client.getConfiguration()
  assert.equal(relay.Enabled, false)
  assert.equal(chaos, true)
})

test('pages of a message, and its checks', async (context) => {
  const house = await openCatcherHouse(context)
  const client = new MailpitClient(house.url)
  const { ID: id } = await client.sendMessage({
    ...example,
    HTML: '<p style="display:flex">Hi <a href="https://example.invalid/">x</a><img src="cid:logo"></p>',
    Attachments: [{ Content: pixel, Filename: 'logo.png', ContentID: 'logo', ContentType: 'image/png' }],
  })
  const html = await client.renderMessageHTML(id)
  assert.match(html, /src="\/api\/v1\/message\/[a-z0-9]+\/part\/[\d.]+"/)
  assert.match(
    await client.renderMessageHTML('latest', 1),
    /<a target="_blank" rel="noreferrer noopener" href/,
  )
  assert.equal((await client.renderMessageText()).trim(), example.Text)
  const { Inline: inline } = await client.getMessageSummary(id)
  assert.equal(inline[0]?.ContentID, 'logo')
  const thumb = await client.getAttachmentThumbnail(id, inline[0]?.PartID ?? '')
  assert.equal(thumb.type, 'image/jpeg')
  const check = await client.htmlCheck(id)
  assert.ok(check.Total.Tests > 250)
  assert.ok(check.Warnings.some(({ Slug: slug }) => slug === 'css-display-flex'))
  const links = await client.linkCheck(id)
  assert.deepEqual(
    links.Links.map(({ URL: url }) => url),
    ['https://example.invalid/'],
  )
  const page = await house.get(`/view/${id}.html`)
  assert.match(page.headers.get('content-security-policy') ?? '', /sandbox/)
})

test('chaos: triggers are read, set and reset', async (context) => {
  const house = await openCatcherHouse(context)
  const client = new MailpitClient(house.url)
  const calm = {
    Sender: { ErrorCode: 451, Probability: 0 },
    Recipient: { ErrorCode: 451, Probability: 0 },
    Authentication: { ErrorCode: 535, Probability: 0 },
  }
  assert.deepEqual(await client.getChaosTriggers(), calm)
  const set = await client.setChaosTriggers({ Recipient: { ErrorCode: 550, Probability: 100 } })
  assert.deepEqual(set, { ...calm, Recipient: { ErrorCode: 550, Probability: 100 } })
  assert.match(await house.send(letter('x')), /^550 /)
  assert.deepEqual(await client.setChaosTriggers({}), calm)
  assert.match(await house.send(letter('x')), /^250 /)
  const wrong = await house.get('/api/v1/chaos', {
    method: 'PUT',
    body: '{"Sender":{"ErrorCode":200,"Probability":1}}',
  })
  assert.deepEqual([wrong.status, await wrong.text()], [400, 'error code must be between 400 and 599'])
})

test('waits for a message, and hears of it over the WebSocket', async (context) => {
  const house = await openCatcherHouse(context)
  const client = new MailpitClient(house.url)
  const socket = new WebSocket(`${house.url.replace('http', 'ws')}/api/events`)
  const heard: { Type: string; Data: unknown }[] = []
  const told = Promise.withResolvers<void>()
  socket.addEventListener('message', ({ data }) => {
    const event = JSON.parse(String(data)) as { Type: string; Data: unknown }
    heard.push(event)
    if (event.Type === 'new') told.resolve()
  })
  await once(socket, 'open')
  const waiting = client.waitForMessage({ query: 'subject:Welcome' }, { timeout: 60_000, interval: 20 })
  await house.send(letter('Welcome'))
  assert.equal((await waiting).Subject, 'Welcome')
  await told.promise
  const { Data: data } = heard.find(({ Type: type }) => type === 'new') ?? assert.fail()
  assert.equal((data as { Subject: string }).Subject, 'Welcome')
  socket.close()
})
