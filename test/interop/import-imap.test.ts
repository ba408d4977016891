// `posthorn import` from live servers: Dovecot, and another Posthorn.
import assert from 'node:assert/strict'
import { writeFile } from 'node:fs/promises'
import { join } from 'node:path'
import { test } from 'node:test'
import {
  addPeople,
  allListeners,
  json,
  posthorn,
  serve,
  temporaryPlace,
  writeConfig,
} from '../e2e/program.ts'
import { startDovecotImap } from './dovecot-imap-host.ts'
import { hostMissing } from './mail-host.ts'

interface Result {
  readonly imported: number
  readonly known: number
  readonly failed: number
}

interface ManifestMessage {
  readonly flags: readonly string[]
  readonly keywords: readonly string[]
  readonly date: string
  readonly size: number
}

/** By mailbox, what an export's manifest says. */
async function exported(
  folder: string,
  address: string,
  target: string,
): Promise<Record<string, ManifestMessage[]>> {
  await json(folder, ['export', address, target, '--format', 'eml'])
  const { readFile } = await import('node:fs/promises')
  const found: Record<string, ManifestMessage[]> = {}
  let mailbox = ''
  for (const line of (await readFile(join(folder, target, 'manifest.jsonl'), 'utf8')).trim().split('\n')) {
    const entry = JSON.parse(line) as { type: string; name: string } & ManifestMessage
    if (entry.type === 'mailbox') mailbox = entry.name
    else if (entry.type === 'message') found[mailbox] = [...(found[mailbox] ?? []), entry]
  }
  return found
}

const mail = {
  'cur/1000000001.a:2,FSa': 'Subject: one\r\n\r\nhello\r\n',
  'cur/1000000002.b:2,R': `Subject: two\n\n${'bare line ends\n'.repeat(20_000)}`,
  'new/1000000003.c': 'Subject: three\n\n8 bits: \xe4\xff\n',
  '.Gesendet/cur/1000000004.d:2,S': 'Subject: sent\n\nx\n',
  '.Alt.&AMQ-rger/cur/1000000005.e:2,S': 'Subject: deep\n\nx\n',
}

test(
  'from Dovecot: folders without the prefix, special uses, flags, keywords, dates; again only what is new',
  { skip: hostMissing('dovecot', 'dovecot-imapd') },
  async (context) => {
    const host = await startDovecotImap(context, { ...mail, 'cur/../dovecot-keywords': '0 $work\n' })
    const place = await temporaryPlace(context)
    const { folder } = place
    await writeConfig(folder, allListeners)
    await addPeople(folder)
    const server = await serve(place)
    await writeFile(join(folder, 'password'), 'secret\n')
    const command = (...more: string[]): string[] => [
      ...[
        'import',
        'ann@mail.test',
        `imap://ann@127.0.0.1:${host.port}`,
        '--password-file',
        'password',
        ...more,
      ],
    ]
    const refused = await posthorn(folder, command())
    assert.equal(refused.code, 4)
    assert.match(refused.stderr, /certificate/)
    const first = (await json(folder, command('--insecure'))) as Result
    assert.deepEqual([first.imported, first.known, first.failed], [5, 0, 0])
    const found = await exported(folder, 'ann@mail.test', 'out')
    assert.deepEqual(Object.keys(found).toSorted(), ['Alt/\u00c4rger', 'INBOX', 'Sent'])
    assert.deepEqual(
      found['INBOX']?.map(({ flags, keywords }) => [flags, keywords]),
      [
        [['\\Seen', '\\Flagged'], ['$work']],
        [['\\Answered'], []],
        [[], []],
      ],
    )
    const implicit = [
      'import',
      'ann@mail.test',
      `imaps://ann@127.0.0.1:${host.tlsPort}`,
      '--password-stdin',
      '--insecure',
    ]
    const second = (await json(folder, implicit, 'secret\n')) as Result
    assert.deepEqual([second.imported, second.known], [0, 5])
    const wrong = await posthorn(folder, implicit, 'wrong\n')
    assert.equal(wrong.code, 4)
    assert.match(wrong.stderr, /refused ann: /)
    await server.stop()
  },
)

test('from another Posthorn: everything arrives, with ids of its own', async (context) => {
  const [one, other] = [await temporaryPlace(context), await temporaryPlace(context)]
  for (const { folder } of [one, other]) {
    await writeConfig(folder, allListeners)
    await addPeople(folder)
  }
  const box = Array.from(
    { length: 60 },
    (_, at) =>
      `From a@b Sat Nov 21 10:05:09 2026\nStatus: ${at % 2 === 0 ? 'RO' : 'O'}\nX-Keywords: k${at % 3}\nSubject: ${at}\n\n${'x\n'.repeat(at * 40)}\n`,
  )
  await writeFile(join(one.folder, 'box.mbox'), box.join(''))
  await json(one.folder, ['import', 'ann@mail.test', 'box.mbox', '--into', 'Gr\u00fc\u00dfe & Co/Deep'])
  await json(one.folder, ['import', 'ann@mail.test', 'box.mbox', '--into', 'Sent'])
  const server = await serve(one)
  const url = `imap://ann%40mail.test@127.0.0.1:${server.port('imap')}`
  const parameters = ['import', 'bob@mail.test', url, '--tls', 'none', '--password-stdin']
  const result = (await json(other.folder, parameters, 'secret\n')) as Result
  assert.equal(result.imported, 120)
  const [from, to] = [
    await exported(one.folder, 'ann@mail.test', 'out'),
    await exported(other.folder, 'bob@mail.test', 'out'),
  ]
  const comparable = (found: typeof from): unknown =>
    Object.entries(found).map(([name, messages]) => [
      name,
      messages.map(({ flags, keywords, date, size }) => ({ flags, keywords, date, size })),
    ])
  assert.deepEqual(comparable(to), comparable(from))
})
