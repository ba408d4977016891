// `npm run bench`: Posthorn beside Postfix and Dovecot from Debian, in one run on one machine, loopback only.
//
//   npm run bench -- [smtp] [other] [relay] [queue] [idle] [imap] [search] [jmap] [pop3] [catcher] [pages] [library] [import] [--scale 0.2] [--times 3] [--json FILE]
//
// Servers take turns (never two at a time under load). Rivals that are not installed are left out, and said so.
import { writeFile } from 'node:fs/promises'
import { parseArgs } from 'node:util'
import { markdown, type Row } from './report.ts'
import { startBareResponder } from './rivals/bare-responder.ts'
import { dovecotInstalled, startDovecot } from './rivals/dovecot.ts'
import { postfixInstalled, startPostfix } from './rivals/postfix.ts'
import { startPosthorn } from './rivals/posthorn.ts'
import type { RunningServer } from './server.ts'
import { measureCatchers } from './workloads/catcher.ts'
import { measureIdle } from './workloads/idle.ts'
import { measureImapIdle } from './workloads/imap-idle.ts'
import { measureImport } from './workloads/import.ts'
import { measureJmap } from './workloads/jmap.ts'
import {
  fillMailbox,
  measureAppend,
  measureExpunge,
  measureImap,
  measureMultiAppend,
  measurePop3,
} from './workloads/reading.ts'
import { measureLargeQueue } from './workloads/large-queue.ts'
import { measureLibrary } from './workloads/library.ts'
import { measurePages } from './workloads/pages.ts'
import { measureBacklog, measureRelay } from './workloads/relay.ts'
import { fillForSearch, measureSearch } from './workloads/searching.ts'
import { measureSmtp, otherCases, smtpCases } from './workloads/smtp.ts'

const groups = [
  'smtp',
  'other',
  'relay',
  'queue',
  'idle',
  'imap',
  'search',
  'jmap',
  'pop3',
  'catcher',
  'pages',
  'library',
  'import',
] as const
type Group = (typeof groups)[number]

const ports = { smtp: 12_525, imap: 12_143, pop3: 12_110, http: 12_080 }
const sinkPort = 12_526
const bigMailbox = 100_000

const { values, positionals } = parseArgs({
  allowPositionals: true,
  options: {
    scale: { type: 'string', default: '1' },
    times: { type: 'string' },
    json: { type: 'string' },
    only: { type: 'string' },
  },
})
const scale = Number(values.scale)
const times = Number(values.times ?? 3)
/** Of workloads that take long and have their rival beside them in each case. */
const timesOfLong = Number(values.times ?? 1)
const wanted = new Set<Group>(
  groups.filter((group) => positionals.length === 0 || positionals.includes(group)),
)

const rows: Row[] = []

function say(text: string): void {
  process.stderr.write(`${text}\n`)
}

async function onServer(
  start: () => Promise<RunningServer>,
  group: Group,
  work: (server: RunningServer) => Promise<Row[]>,
): Promise<void> {
  await using server = await start()
  if (values.only !== undefined && server.name !== values.only) return
  say(`${group}: ${server.name}`)
  rows.push(...(await work(server)))
}

const takers: (() => Promise<RunningServer>)[] = [
  () => startPosthorn({ ...ports, users: 101 }),
  ...(postfixInstalled() ? [() => startPostfix({ port: ports.smtp, users: 101 })] : []),
]
const readers: (() => Promise<RunningServer>)[] = [
  () => startPosthorn({ ...ports, users: 4 }),
  ...(dovecotInstalled() ? [() => startDovecot({ ...ports, users: 4 })] : []),
]
if (!postfixInstalled())
  say('Postfix and smtp-source are not installed: no SMTP figures. apt-get install postfix')
if (!dovecotInstalled())
  say('Dovecot is not installed: Posthorn reads alone. apt-get install dovecot-imapd dovecot-pop3d')

async function inOrder<T>(items: readonly T[], work: (item: T) => Promise<Row>): Promise<Row[]> {
  const done: Row[] = []
  for (const item of items) done.push(await work(item))
  return done
}

if (postfixInstalled()) {
  for (const start of wanted.has('smtp') ? [...takers, () => startBareResponder({ port: ports.smtp })] : []) {
    await onServer(start, 'smtp', (server) =>
      inOrder(smtpCases(scale), (one) => measureSmtp(server, one, times)),
    )
  }
  for (const start of wanted.has('other') ? takers : []) {
    await onServer(start, 'other', (server) =>
      inOrder(otherCases(scale), (one) => measureSmtp(server, one, times)),
    )
  }
}
if (postfixInstalled() && wanted.has('relay')) {
  const relays: (() => Promise<RunningServer>)[] = [
    () => startPosthorn({ ...ports, users: 1, relayTo: sinkPort }),
    () => startPostfix({ port: ports.smtp, users: 1, relayTo: sinkPort }),
  ]
  for (const start of relays) {
    await onServer(start, 'relay', async (server) => [
      await measureRelay(server, { messages: Math.ceil(10_000 * scale), sinkPort, times }),
      await measureBacklog(server, { messages: Math.ceil(10_000 * scale), sinkPort, times }),
    ])
  }
}
if (wanted.has('queue')) {
  const messages = Math.ceil(100_000 * scale)
  for (const dead of ['left out', 'queued', 'left out', 'queued'] as const) {
    say(`queue: posthorn, dead: ${dead}`)
    rows.push(await measureLargeQueue({ messages, destinations: 1000, dead }))
  }
}
if (wanted.has('idle')) {
  await onServer(
    () => startPosthorn({ ...ports, users: 1 }),
    'idle',
    async (server) => [
      await measureIdle(server, Math.ceil(5000 * scale)),
      {
        workload: 'start to the first 220',
        server: server.name,
        figures: { ms: 'startSeconds' in server ? Number(server.startSeconds) * 1000 : 0 },
      },
    ],
  )
}
const idlers = [
  { users: 50, messages: 1 },
  { users: 1, messages: 1 },
  { users: 1, messages: 10_000 },
]
for (const { users, messages } of wanted.has('idle') ? idlers : []) {
  await onServer(
    () => startPosthorn({ ...ports, users }),
    'idle',
    async (server) => [
      await measureImapIdle(server, { connections: Math.ceil(5000 * scale), users, messages }),
    ],
  )
}
for (const start of wanted.has('imap') ? readers : []) {
  await onServer(start, 'imap', async (server) => {
    const messages = Math.ceil(bigMailbox * scale)
    await fillMailbox(server, { user: 'user0', messages, size: 'small' })
    return [
      await measureImap(server, { user: 'user0', messages, times }),
      await measureExpunge(server, { user: 'user0', messages: Math.ceil(messages / 10), times }),
      await measureAppend(server, { user: 'user1', times }),
      await measureMultiAppend(server, { user: 'user3', times }),
    ]
  })
}
for (const start of wanted.has('search') ? readers : []) {
  await onServer(start, 'search', async (server) => {
    const messages = Math.ceil(bigMailbox * scale)
    await fillForSearch(server, { user: 'user0', messages })
    return [await measureSearch(server, { user: 'user0', messages, times })]
  })
}
if (wanted.has('jmap')) {
  await onServer(
    () => startPosthorn({ ...ports, users: 1 }),
    'jmap',
    async (server) => {
      const messages = Math.ceil(bigMailbox * scale)
      await fillForSearch(server, { user: 'user0', messages })
      return [
        await measureJmap(server, { port: ports.http, user: 'user0', messages, times: Math.max(times, 51) }),
      ]
    },
  )
}
for (const start of wanted.has('pop3') ? readers : []) {
  await onServer(start, 'pop3', async (server) => {
    await fillMailbox(server, { user: 'user2', messages: 1000, size: '4 KB' })
    return [await measurePop3(server, { user: 'user2', times })]
  })
}
if (wanted.has('catcher')) {
  if (postfixInstalled()) {
    const messages = Math.ceil(10_000 * scale)
    rows.push(...(await measureCatchers({ ports, messages, starts: 5, times: timesOfLong, say })))
  } else say('NOTHING IS CAUGHT: smtp-source is part of the package postfix')
}
if (wanted.has('pages')) rows.push(...(await measurePages({ ports, scale, times: timesOfLong, say })))
if (wanted.has('library')) rows.push(...(await measureLibrary({ times })))
if (wanted.has('import')) {
  say('import: posthorn')
  await using server = await startPosthorn({ ...ports, users: 2 })
  rows.push(await measureImport(server, { messages: Math.ceil(20_000 * scale) }))
}

const byWorkload = Map.groupBy(rows, (row) => Object.keys(row.figures).join('|'))
for (const group of byWorkload.values()) {
  const sorted = group.toSorted((a, b) => a.workload.localeCompare(b.workload, 'en', { numeric: true }))
  process.stdout.write(`${markdown(sorted)}\n`)
}
if (values.json !== undefined) await writeFile(values.json, JSON.stringify(rows, null, 2))
