import assert from 'node:assert/strict'
import { Buffer } from 'node:buffer'
import { test } from 'node:test'
import { arrive, at, JmapHouse, textAt } from '../../../test/support/jmap-house.ts'
import type { Json } from '../proto/json.ts'
import { emailBlobId, partBlobId } from '../proto/blob-ids.ts'
import type { Account } from '../../store/model.ts'

const octets = 'application/octet-stream'
const fox = 'The quick brown fox jumped over the lazy dog.'

async function deliver(house: JmapHouse, account: Account, text: string): Promise<string> {
  await arrive(house.store, account.id, { text, prefix: 'Return-Path: <>\r\n' })
  return emailBlobId(account.id, 1)
}

async function download(house: JmapHouse, as: Account, blobId: string, headers = {}): Promise<Response> {
  return house.fetch(as, `/jmap/download/A${as.id}/${blobId}/file.bin?accept=application/pdf`, { headers })
}

test('Blob/upload puts blobs together, as the example of RFC 9404 §4.1.2 does', async (context) => {
  const house = await JmapHouse.open(context)
  const ann = await house.account('ann')
  const create = {
    b4: { data: [{ 'data:asText': fox }] },
    cat: {
      type: 'text/plain',
      data: [
        { 'data:asText': 'How' },
        { blobId: '#b4', length: 7, offset: 3 },
        { 'data:asText': 'was t' },
        { blobId: '#b4', length: 1, offset: 1 },
        { 'data:asBase64': 'YXQ/' },
      ],
    },
  }
  const [uploaded, got] = await house.calls(ann, [
    ['Blob/upload', { accountId: 'A1', create }, 'S4'],
    ['Blob/get', { accountId: 'A1', ids: ['#cat', '#b4'], properties: ['data:asText', 'size'] }, 'G4'],
  ])
  const { created } = uploaded?.[1] ?? {}
  assert.deepEqual([at(created, 'b4', 'type'), at(created, 'b4', 'size')], ['application/octet-stream', 45])
  assert.deepEqual([at(created, 'cat', 'type'), at(created, 'cat', 'size')], ['text/plain', 19])
  const list = got?.[1]['list']
  assert.deepEqual(at(list, '0', 'data:asText'), 'How quick was that?')
  assert.deepEqual(got?.[1]['notFound'], [])
})

test('Blob/upload refuses what cannot be put together', async (context) => {
  const house = await JmapHouse.open(context, { config: { maxBlobOctets: 50, maxDataSources: 2 } })
  const ann = await house.account('ann')
  const four = await house.upload(ann, 'four')
  const text = { 'data:asText': 'x' }
  const cases: [string, object][] = [
    ['invalidProperties', {}],
    ['invalidProperties', { data: [{}] }],
    ['invalidProperties', { data: [{ 'data:asText': 'a', 'data:asBase64': 'YQ==' }] }],
    ['invalidProperties', { data: [{ 'data:asBase64': 'Y' }] }],
    ['invalidProperties', { data: [{ 'data:asBase64': 'a*==' }] }],
    ['invalidProperties', { data: [{ blobId: four, offset: 2, length: 3 }] }],
    ['invalidProperties', { data: [{ blobId: four, offset: 5 }] }],
    ['invalidProperties', { data: [{ blobId: four, offset: -1 }] }],
    ['invalidProperties', { data: [text], other: 1 }],
    ['blobNotFound', { data: [{ blobId: 'U1_99' }] }],
    ['blobNotFound', { data: [{ blobId: '#other' }] }],
    ['tooLarge', { data: [text, text, text] }],
    ['tooLarge', { data: [{ 'data:asText': 'x'.repeat(51) }] }],
  ]
  for (const [type, object] of cases) {
    const done = await house.call(ann, 'Blob/upload', { accountId: 'A1', create: { k: object } })
    assert.equal(at(done, 'notCreated', 'k', 'type'), type, JSON.stringify(object))
    assert.equal(done['created'], null)
  }
})

test('Blob/get tells ranges, digests of them, and what is no text', async (context) => {
  const house = await JmapHouse.open(context)
  const ann = await house.account('ann')
  const [text, odd] = [await house.upload(ann, fox), await house.upload(ann, Uint8Array.of(0x61, 0xff, 0x62))]
  const get = async (args: object): Promise<Json | undefined> => {
    const { list } = await house.call(ann, 'Blob/get', { accountId: 'A1', ...args })
    return at(list, '0')
  }
  // RFC 9404 §4.2.2.
  const properties = ['data:asText', 'digest:sha', 'size']
  assert.deepEqual(await get({ ids: [text], offset: 4, length: 9, properties }), {
    ...{ id: text, 'data:asText': 'quick bro', 'digest:sha': 'QiRAPtfyX8K6tm1iOAtZ87Xj3Ww=', size: 45 },
  })
  assert.deepEqual(await get({ ids: [text] }), { id: text, 'data:asText': fox, size: 45 })
  assert.deepEqual(await get({ ids: [text], offset: 40, length: 10 }), {
    ...{ id: text, 'data:asText': ' dog.', isTruncated: true, size: 45 },
  })
  assert.deepEqual(await get({ ids: [text], offset: 99, properties: ['data'] }), {
    ...{ id: text, 'data:asText': '', isTruncated: true },
  })
  assert.deepEqual(await get({ ids: [odd], properties: ['data'] }), {
    ...{ id: odd, 'data:asBase64': 'Yf9i', isEncodingProblem: true },
  })
  assert.deepEqual(await get({ ids: [odd], properties: ['data:asText'] }), {
    ...{ id: odd, 'data:asText': null, isEncodingProblem: true },
  })
  assert.deepEqual(await get({ ids: [odd], properties: ['data:asBase64', 'size'] }), {
    ...{ id: odd, 'data:asBase64': 'Yf9i', size: 3 },
  })
  const missing = await house.call(ann, 'Blob/get', { accountId: 'A1', ids: ['not-a-blob', 'U1_99'] })
  assert.deepEqual([missing['list'], missing['notFound']], [[], ['not-a-blob', 'U1_99']])
  for (const wrong of [{ ids: [text], properties: ['digest:md5'] }, { ids: [text], offset: -1 }, {}]) {
    assert.equal(await house.refusal(ann, 'Blob/get', { accountId: 'A1', ...wrong }), 'invalidArguments')
  }
})

test('digests of many blobs are no way to have very much read', async (context) => {
  const house = await JmapHouse.open(context, { config: { maxSizeUpload: 60 } })
  const ann = await house.account('ann')
  const create = { a: { data: [{ 'data:asText': fox }] }, b: { data: [{ 'data:asText': `${fox}!` }] } }
  const digests = (ids: string[]) => ({ accountId: 'A1', ids, properties: ['digest:sha'] })
  const [, both, one, other] = await house.calls(ann, [
    ['Blob/upload', { accountId: 'A1', create }, '0'],
    ['Blob/get', digests(['#a', '#b']), '1'],
    ['Blob/get', digests(['#a']), '2'],
    ['Blob/get', digests(['#b']), '3'],
  ])
  assert.deepEqual([both?.[0], both?.[1]['type']], ['error', 'requestTooLarge'])
  assert.deepEqual([one?.[0], other?.[0]], ['Blob/get', 'Blob/get'])
})

test('a message and its parts are blobs, and lead to the email', async (context) => {
  const house = await JmapHouse.open(context)
  const ann = await house.account('ann')
  const header = 'Content-Transfer-Encoding: base64\r\n\r\n'
  const body = `${Buffer.from(fox).toString('base64')}\r\n`
  const message = await deliver(house, ann, header + body)
  const part = partBlobId(message, {
    ...{ bodyStart: header.length, bodyEnd: header.length + body.length, encoding: 'base64' },
  })
  assert.ok(part)
  assert.equal(await (await download(house, ann, message)).text(), `Return-Path: <>\r\n${header}${body}`)
  const decoded = await download(house, ann, part)
  assert.deepEqual([decoded.headers.get('content-length'), await decoded.text()], ['45', fox])
  const range = await download(house, ann, part, { range: 'bytes=-4' })
  assert.deepEqual([range.status, await range.text()], [206, 'dog.'])
  const upload = await house.upload(ann, 'x')
  const typeNames = ['Email', 'Thread', 'Mailbox']
  const found = await house.call(ann, 'Blob/lookup', {
    accountId: 'A1',
    typeNames,
    ids: [part, upload, 'U1_9'],
  })
  assert.deepEqual(found, {
    accountId: 'A1',
    list: [
      { id: part, matchedIds: { Email: ['M1_1'], Thread: ['T1_1'], Mailbox: ['F1_1'] } },
      { id: upload, matchedIds: { Email: [], Thread: [], Mailbox: [] } },
    ],
    notFound: ['U1_9'],
  })
  const unknown = { accountId: 'A1', typeNames: ['Todo'], ids: [part] }
  assert.equal(await house.refusal(ann, 'Blob/lookup', unknown), 'unknownDataType')
})

test('ids that mean nothing, or what is not there, lead nowhere', async (context) => {
  const house = await JmapHouse.open(context)
  const [ann, ben] = [await house.account('ann'), await house.account('ben')]
  const mine = await house.upload(ann, fox)
  for (const id of [
    '',
    'U1_99',
    'U2_1',
    `${mine}_0-1x`,
    `${mine}_0-zzzz`,
    `${mine}_zzzzzz-1i`,
    'B1_7',
    'Z',
    '%00',
  ]) {
    assert.equal((await download(house, ann, id)).status, 404, id)
  }
  assert.equal((await house.fetch(ben, `/jmap/download/A1/${mine}/x`)).status, 404)
  assert.equal((await download(house, ben, mine)).status, 404)
})

test('downloads say what they are, and nothing runs in a browser', async (context) => {
  const house = await JmapHouse.open(context)
  const ann = await house.account('ann')
  const id = await house.upload(ann, fox, 'text/html')
  const response = await download(house, ann, id)
  assert.equal(response.headers.get('content-type'), 'application/pdf')
  assert.equal(response.headers.get('content-disposition'), 'attachment; filename="file.bin"')
  const types = { 'image/svg+xml': 'image/svg+xml', 'image%2Fsvg%2Bxml': 'image/svg+xml' }
  const withCharset = { 'text%2Fplain%3B%20charset%3Dutf-8': 'text/plain; charset=utf-8' }
  for (const [told, type] of Object.entries({ ...types, ...withCharset, nonsense: octets, '': octets })) {
    const typed = await house.fetch(ann, `/jmap/download/A${ann.id}/${id}/x?accept=${told}`)
    assert.equal(typed.headers.get('content-type'), type, told)
  }
  const nameless = await house.fetch(ann, `/jmap/download/A${ann.id}/${id}/?accept=text/plain`)
  assert.equal(nameless.status, 200)
  assert.equal(nameless.headers.get('content-disposition'), 'attachment; filename=""')
  assert.match(response.headers.get('content-security-policy') ?? '', /sandbox/)
  assert.equal(response.headers.get('x-content-type-options'), 'nosniff')
  const etag = response.headers.get('etag') ?? ''
  assert.equal((await download(house, ann, id, { 'if-none-match': etag })).status, 304)
  assert.equal((await download(house, ann, id, { range: 'bytes=45-' })).status, 416)
  assert.equal((await download(house, ann, id, { range: 'bytes=3-1' })).status, 200)
  assert.equal((await download(house, ann, id, { range: 'bytes=0-1,3-4' })).status, 200)
  assert.equal((await download(house, ann, id, { range: 'bytes=0-1', 'if-range': '"other"' })).status, 200)
  const odd = await house.fetch(ann, `/jmap/download/A1/${id}/a%0d%0a%22%2f?accept=text%2Fhtml%0d%0aX:y`)
  assert.equal(odd.headers.get('content-type'), 'application/octet-stream')
  assert.match(
    odd.headers.get('content-disposition') ?? '',
    /^attachment; filename="a__"; filename\*=UTF-8''a%22%2F$/,
  )
})

test('uploads are bounded in size and number', async (context) => {
  const house = await JmapHouse.open(context, { config: { maxSizeUpload: 10, uploadQuota: 15 } })
  const ann = await house.account('ann')
  const post = (body: string, accountId = 'A1') =>
    house.fetch(ann, `/jmap/upload/${accountId}`, { method: 'POST', body })
  const large = await post('x'.repeat(11))
  assert.equal(large.status, 413)
  assert.deepEqual(((await large.json()) as { limit: string }).limit, 'maxSizeUpload')
  assert.equal((await post('x', 'A9')).status, 404)
  const [first, second] = [await house.upload(ann, 'x'.repeat(8)), await house.upload(ann, 'y'.repeat(8))]
  assert.equal((await download(house, ann, first)).status, 404)
  assert.equal((await download(house, ann, second)).status, 200)
  await house.clock.advance('7h')
  assert.equal((await download(house, ann, second)).status, 404)
})

test('uploads at once are limited', async (context) => {
  const house = await JmapHouse.open(context, { config: { maxConcurrentUpload: 0 } })
  const ann = await house.account('ann')
  const response = await house.fetch(ann, '/jmap/upload/A1', { method: 'POST', body: 'x' })
  assert.equal(response.status, 429)
  assert.equal(((await response.json()) as { limit: string }).limit, 'maxConcurrentUpload')
})

test('Blob/copy brings uploads and messages into another account', async (context) => {
  const house = await JmapHouse.open(context)
  const [ann, ben] = [await house.account('ann'), await house.account('ben')]
  const inbox = await house.store.findMailbox({ account: ben.id, name: 'INBOX' })
  assert.ok(inbox)
  const share = {
    account: ben.id,
    mailbox: inbox.id,
    grantee: ann.id,
    negative: false,
    mode: 'replace' as const,
  }
  await house.store.setAccess({ ...share, rights: 'lri' })
  const upload = await house.upload(ann, fox, 'text/plain')
  const message = await deliver(house, ann, 'Subject: hi\r\n\r\n')
  const copy = { fromAccountId: 'A1', accountId: 'A2', blobIds: [upload, message, 'U1_99'] }
  const done = await house.call(ann, 'Blob/copy', copy)
  assert.equal(at(done, 'notCopied', 'U1_99', 'type'), 'notFound')
  for (const [id, octets] of [
    [upload, fox],
    [message, 'Return-Path: <>\r\nSubject: hi\r\n\r\n'],
  ] as const) {
    const copied = textAt(done, 'copied', id)
    const response = await house.fetch(ann, `/jmap/download/A2/${copied}/x`)
    assert.equal(await response.text(), octets)
    assert.equal((await house.fetch(ben, `/jmap/download/A2/${copied}/x`)).status, 404)
  }
  assert.equal(await house.refusal(ann, 'Blob/copy', { ...copy, fromAccountId: 'A7' }), 'fromAccountNotFound')
  assert.equal(await house.refusal(ann, 'Blob/copy', { ...copy, accountId: 'A7' }), 'accountNotFound')
})
