// What imports read, skip, mend and refuse: files of other programs, nasty octets, full accounts, interruptions, repetitions.
import assert from 'node:assert/strict'
import { mkdir, utimes, writeFile } from 'node:fs/promises'
import { dirname, join } from 'node:path'
import { test, type TestContext } from 'node:test'
import { gzipSync } from 'node:zlib'
import { testFolder, testStore } from '../../test/support/store.ts'
import { contentsOf, filesAt, importInto, newAccount, put } from '../../test/support/transfer-house.ts'
import { VirtualClock } from '../base/virtual-clock.ts'
import { Importer } from './importer.ts'
import { OneAtATime } from './one-at-a-time.ts'
import type { ImportEvent, ImportRecord } from './records.ts'
import { SourceUnreadable } from './source.ts'

async function house(context: TestContext, files: Record<string, string | Uint8Array>) {
  const folder = await testFolder(context)
  for (const [path, content] of Object.entries(files)) {
    const whole = join(folder.path, path)
    await mkdir(dirname(whole), { recursive: true })
    await writeFile(whole, typeof content === 'string' ? Buffer.from(content, 'latin1') : content)
  }
  const store = await testStore(context)
  const ann = await newAccount(store, 'ann')
  return {
    ...{ store, ann, folder: folder.path },
    at: (path = '') => filesAt(join(folder.path, path)),
    mail: () => contentsOf(store, ann),
  }
}

const seen = 1
const flagged = 4

test('Maildir++: flags, keywords, subfolders in both encodings, times of files; tmp is left', async (context) => {
  const { store, ann, folder, at, mail } = await house(context, {
    'cur/1000000001.a:2,FSab': 'Subject: one\n\nx\n',
    'cur/1000000000.b:2,': 'Subject: zero\n\nx\n',
    'new/1000000002.c': 'Subject: two\n\nx\n',
    'tmp/1000000003.d': 'Subject: half',
    'dovecot-keywords': '0 $Forwarded\n1 work\n',
    'dovecot.index.log': 'x',
    subscriptions: 'Sent\n',
    '.Gr&APwA3w-e.Sub/cur/1.e:2,S': 'Subject: deep\n\nx\n',
    '.Sent/cur/1.f:2,S': 'Subject: sent\n\nx\n',
    'plain/folder/cur/1.g;2,T': 'Subject: nested\n\nx\n',
  })
  await utimes(join(folder, 'cur/1000000001.a:2,FSab'), 1_700_000_000, 1_700_000_000)
  const { written, problems } = await importInto(store, ann, { source: await at() })
  assert.deepEqual(problems, [])
  assert.equal(written.imported, 6)
  const found = await mail()
  assert.deepEqual(
    found['INBOX']?.messages.map(({ text, flags, keywords }) => [text.slice(9, 13), flags, keywords]),
    [
      ['zero', 0, ''],
      ['one\r', seen | flagged, '$Forwarded work'],
      ['two\r', 0, ''],
    ],
  )
  assert.equal(found['INBOX']?.messages[1]?.date, 1_700_000_000_000)
  assert.equal(found['Gr\u00fc\u00dfe/Sub']?.messages.length, 1)
  assert.equal(found['Sent']?.messages.length, 1)
  assert.equal(found['plain/folder']?.messages[0]?.flags, 8)
})

test('a tree of .eml and mbox: folders are mailboxes, Thunderbird and gzip too, the rest is listed', async (context) => {
  const { store, ann, at, mail } = await house(context, {
    'root.eml': 'Date: Sat, 21 Nov 2026 10:05:09 +0000\n\nroot\n',
    'Work/a.EML':
      'Received: from x by y; Sat, 21 Nov 2026 11:00:00 +0000\nDate: Mon, 1 Jan 2024 00:00:00 +0000\n\na\n',
    'Inbox.msf': '// mork',
    'Local.sbd/Old': 'From - Sat Nov 21 10:05:09 2026\nX-Mozilla-Status: 0005\nSubject: tb\n\nx\n',
    'packed.mbox.gz': gzipSync('From a@b Sat Nov 21 10:05:09 2026\nSubject: gz\n\nx\n'),
    'photo.jpg': '\xff\xd8\xff',
  })
  const source = await at()
  const { written } = await importInto(store, ann, { source })
  assert.equal(written.imported, 4)
  assert.deepEqual(source.ignored, ['photo.jpg'])
  const found = await mail()
  assert.equal(found['INBOX']?.messages[0]?.date, Date.UTC(2026, 10, 21, 10, 5, 9))
  assert.equal(found['Work']?.messages[0]?.date, Date.UTC(2026, 10, 21, 11))
  assert.deepEqual(
    [found['Local/Old']?.messages[0]?.flags, found['packed']?.messages.length],
    [seen | flagged, 1],
  )
})

test('nasty octets: line ends of all kinds, NUL, 8 bits, no header, nothing at all, a header that never ends', async (context) => {
  const cases: [string, string][] = [
    ['Subject: lf\n\na\nb', 'Subject: lf\r\n\r\na\r\nb'],
    ['Subject: cr\r\ra\rb\r', 'Subject: cr\r\n\r\na\r\nb\r\n'],
    ['Subject: nul\0\r\n\r\n\0x', 'Subject: nul\x80\r\n\r\n\x80x'],
    ['\xe9\xff\xfe\x80\r\n\r\n\xc3', '\xe9\xff\xfe\x80\r\n\r\n\xc3'],
    ['\r\n\r\nbody alone', '\r\n\r\nbody alone'],
    ['', ''],
    ['no header and no end', 'no header and no end'],
    [`X: ${'y'.repeat(1_500_000)}`, `X: ${'y'.repeat(1_500_000)}`],
    ['From: \n'.repeat(300_000), 'From: \r\n'.repeat(300_000)],
  ]
  const files = Object.fromEntries(cases.map(([text], index) => [`N/${index}.eml`, text]))
  const { store, ann, at, mail } = await house(context, files)
  const { written, problems } = await importInto(store, ann, { source: await at() })
  assert.deepEqual([problems, written.imported], [[], cases.length])
  const texts = (await mail())['N']?.messages.map(({ text }) => text) ?? []
  for (const [index, [, expected]] of cases.entries()) assert.ok(texts[index] === expected, `case ${index}`)
})

test('started again it brings only what is new; the same message twice is two; --again brings all', async (context) => {
  const one = 'From a@b Sat Nov 21 10:05:09 2026\nSubject: same\n\nx\n\n'
  const { store, ann, folder, at } = await house(context, { 'box.mbox': one + one })
  const first = await importInto(store, ann, { source: await at('box.mbox') })
  assert.equal(first.written.imported, 2)
  await writeFile(join(folder, 'box.mbox'), `${one}${one}${one}From a@b Sat Nov 21 10:05:09 2026\n\nnew\n`)
  const second = await importInto(store, ann, { source: await at('box.mbox') })
  assert.deepEqual([second.written.imported, second.read.known], [2, 2])
  const again = await importInto(store, ann, { source: await at('box.mbox'), importer: { again: true } })
  assert.equal(again.written.imported, 4)
  const dry = await importInto(store, ann, {
    source: await at('box.mbox'),
    importer: { again: true, dryRun: true },
  })
  assert.equal(dry.written.imported, 4)
  assert.equal((await contentsOf(store, ann))['box']?.messages.length, 8)
})

test('an import waits for one of the same folder that still writes, and knows what that has brought', async (context) => {
  const store = await testStore(context)
  const ann = await newAccount(store, 'ann')
  const underWay = new OneAtATime()
  const importer = (tell: (event: ImportEvent) => void = () => {}): Importer =>
    new Importer({
      ...{ store, account: ann, clock: new VirtualClock(), mime: {}, source: 'the same' },
      ...{ dedupe: false, again: false, dryRun: false, pace: 'full', tell, underWay },
      gone: new AbortController().signal,
    })
  const message = (text: string): ImportRecord => ({
    ...{ type: 'message', name: text, key: null, flags: 0, keywords: [], internalDate: 1, identity: null },
    ...{ isCopy: false, data: Buffer.from(`Subject: ${text}\r\n\r\n`).toString('base64'), more: false },
  })
  async function* records(until: Promise<void>): AsyncGenerator<ImportRecord> {
    yield {
      ...{ type: 'folder', name: 'box', target: null, specialUse: null, goesBy: 'name', subscribed: true },
    }
    yield message('one')
    await until
    yield message('two')
    yield { type: 'finish' }
  }
  const gate = Promise.withResolvers<void>()
  const begun = Promise.withResolvers<void>()
  const first = importer(() => begun.resolve()).run(records(gate.promise))
  await begun.promise
  const second = importer().run(records(Promise.resolve()))
  // Were it not to wait, it would be done by now.
  for (let turn = 0; turn < 100; turn++) await new Promise((resolve) => setImmediate(resolve))
  gate.resolve()
  assert.equal((await first).imported, 2)
  const { imported, known } = await second
  assert.deepEqual([imported, known], [0, 2])
  assert.equal((await contentsOf(store, ann))['box']?.messages.length, 2)
})

test('interrupted between two messages, the rest comes with the next start', async (context) => {
  const files = Object.fromEntries(
    Array.from({ length: 30 }, (_, at) => [`M/${String(at).padStart(2, '0')}.eml`, `Subject: ${at}\n\n`]),
  )
  const { store, ann, at, mail } = await house(context, files)
  const stop = new AbortController()
  const source = await at()
  const folders = await source.folders()
  const cut = {
    ...source,
    folders: () =>
      Promise.resolve(folders.map((folder) => ({ ...folder, read: cutAt(folder.read.bind(folder)) }))),
  }
  function cutAt(read: (typeof folders)[number]['read']): typeof read {
    return async function* (wanted) {
      let count = 0
      for await (const message of read(wanted)) {
        yield message
        if (++count === 12) stop.abort()
      }
    }
  }
  const first = await importInto(store, ann, { source: cut, signal: stop.signal })
  assert.deepEqual([first.read.interrupted, first.written.imported], [true, 12])
  const second = await importInto(store, ann, { source: await at() })
  assert.deepEqual([second.read.known, second.written.imported], [12, 18])
  assert.equal((await mail())['M']?.messages.length, 30)
})

test('dedupe goes by Message-ID and else by the whole message; since, folders, exclude and into choose', async (context) => {
  const old = 'Date: Mon, 1 Jan 2024 00:00:00 +0000\nSubject: old\n\nx\n'
  const { store, ann, at, mail } = await house(context, {
    'A/1.eml': 'Message-ID: <1@x>\nDate: Sat, 21 Nov 2026 10:05:09 +0000\n\nother text\n',
    'A/2.eml': old,
    'A/3.eml': old,
    'A/B/4.eml': 'Subject: deep\n\nx\n',
    'C/5.eml': 'Subject: c\n\nx\n',
  })
  await put(store, ann, { mailbox: 'Here/A', text: 'Message-ID: <1@x>\r\n\r\ntext\r\n' })
  const choice = { into: 'Here', folders: ['a'], exclude: ['A/B*'] }
  const { written } = await importInto(store, ann, { source: await at(), choice, importer: { dedupe: true } })
  assert.deepEqual([written.imported, written.duplicates], [1, 2])
  const since = await importInto(store, ann, {
    source: await at(),
    choice: { into: 'Late', since: Date.UTC(2025, 0, 1) },
  })
  assert.deepEqual([since.read.older, since.written.imported], [2, 3])
  const found = await mail()
  assert.deepEqual(
    Object.keys(found).filter((name) => /Here|Late/.test(name)),
    [...['Here', 'Here/A', 'Late', 'Late/A', 'Late/A/B', 'Late/C']],
  )
  await assert.rejects(
    importInto(store, ann, { source: await at(), choice: { folders: ['nothing'] } }),
    SourceUnreadable,
  )
})

test('a full account ends the import with a sentence; with more room it goes on', async (context) => {
  const files = Object.fromEntries(
    Array.from({ length: 10 }, (_, at) => [`M/${at}.eml`, `Subject: ${at}\n\n${'x'.repeat(1000)}\n`]),
  )
  const { store, at } = await house(context, files)
  const bob = await newAccount(store, 'bob', { bytes: 5_000 })
  const first = await importInto(store, bob, { source: await at() })
  assert.match(first.written.stopped ?? '', /The account is full.*--quota/)
  assert.equal(first.written.imported, 4)
  await store.updateAccount({ id: bob.id, quota: { bytes: null, messages: null } })
  const second = await importInto(store, bob, { source: await at() })
  assert.deepEqual([second.written.imported, second.read.known, second.written.stopped], [6, 4, null])
})

test('a file that cannot be read is named, and the rest comes', async (context) => {
  const { store, ann, folder, at } = await house(context, {
    'M/1.eml': 'Subject: 1\n\n',
    'M/2.eml': Buffer.concat([gzipSync('Subject: 2\n\nx').subarray(0, 20), Buffer.from('damaged')]),
    'M/3.eml': 'Subject: 3\n\n',
  })
  const { written, read, problems } = await importInto(store, ann, { source: await at() })
  assert.deepEqual([written.imported, read.failed, problems.length], [2, 1, 1])
  assert.match(problems[0]?.join(': ') ?? '', /M\/2\.eml: it cannot be read/)
  await writeFile(join(folder, 'not.zip'), 'PK\x03\x04 and nothing')
  await assert.rejects(at('not.zip'), SourceUnreadable)
  await assert.rejects(at('missing'), SourceUnreadable)
})

test('standard input: an mbox or one message', async (context) => {
  const { store, ann, mail } = await house(context, {})
  async function* input(text: string): AsyncGenerator<Uint8Array> {
    for (const octet of Buffer.from(text)) yield Buffer.from([octet])
  }
  const mbox =
    'From a@b Sat Nov 21 10:05:09 2026\nSubject: 1\n\n\nFrom a@b Sat Nov 21 10:05:09 2026\nSubject: 2\n\n'
  for (const [text, count] of [
    [mbox, 2],
    ['Subject: one\n\nx\n', 1],
  ] as const) {
    const source = await filesAt('-', { input: input(text) })
    assert.equal((await importInto(store, ann, { source })).written.imported, count)
  }
  assert.equal((await mail())['INBOX']?.messages.length, 3)
})
