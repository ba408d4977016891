// Reading mail: POP3 and IMAP against Dovecot, the same scripted client for both servers.
import { Reader } from '../load/reader.ts'
import { repeat, type Row } from '../report.ts'
import type { RunningServer } from '../server.ts'

/** Rounds before those that count, on both servers: caches filled, code compiled. */
const warmUps = 3

const body = `From: Ann <ann@client.test>\r\nTo: user0@bench.test\r\nSubject: A message for the benchmark\r\nDate: Sat, 21 Nov 2026 10:00:00 +0000\r\nMessage-ID: <1@client.test>\r\nMIME-Version: 1.0\r\nContent-Type: text/plain; charset=utf-8\r\n\r\n${'All work and no play makes Jack a dull boy, says the benchmark.\r\n'.repeat(58)}`

function portOf(server: RunningServer, protocol: 'imap' | 'pop3'): number {
  const port = server.ports[protocol]
  if (port === null) throw new Error(`${server.name} speaks no ${protocol}`)
  return port
}

/** An IMAP session of that user, logged in. */
export async function openImap(server: RunningServer, user: string): Promise<Reader> {
  const reader = await Reader.open(portOf(server, 'imap'))
  await reader.until(/\r\n$/)
  await reader.imap('login', `LOGIN ${user}@bench.test secret`)
  return reader
}

/** Fills a mailbox by APPEND, several in flight. */
export async function fillMailbox(
  server: RunningServer,
  options: { user: string; messages: number; size: 'small' | '4 KB' },
): Promise<void> {
  using reader = await openImap(server, options.user)
  const text = options.size === 'small' ? body.slice(0, body.indexOf('\r\n\r\n') + 4) : body
  const group = 50
  for (let done = 0; done < options.messages; done += group) {
    const count = Math.min(group, options.messages - done)
    let commands = ''
    for (let index = 0; index < count; index++)
      commands += `a${index} APPEND INBOX {${text.length}+}\r\n${text}\r\n`
    reader.send(commands)
    let answered = 0
    while (answered < count) {
      const answer = (await reader.until(/\r\n$/)).toString('latin1')
      answered += answer.match(/^a\d+ OK/gm)?.length ?? 0
      if (/^a\d+ (NO|BAD)/m.test(answer)) throw new Error(answer.slice(0, 200))
    }
  }
}

/** What is asked of a large mailbox, in order; each is told in milliseconds. */
function readingSteps(messages: number): readonly (readonly [name: string, command: string])[] {
  return [
    ['SELECT ms', 'SELECT INBOX'],
    ['FETCH 1:* (UID FLAGS) ms', 'FETCH 1:* (UID FLAGS)'],
    ['FETCH 1:* (ENVELOPE) ms', 'FETCH 1:* (ENVELOPE)'],
    ['NOOP ms', 'NOOP'],
    ['1,000 bodies ms', `UID FETCH 1:${Math.min(1000, messages)} BODY.PEEK[]`],
  ]
}

/** IMAP on a mailbox of `messages`, warm, each figure in milliseconds. */
export async function measureImap(
  server: RunningServer,
  options: { user: string; messages: number; times: number },
): Promise<Row> {
  let sign = '+'
  const figures = await repeat(
    options.times,
    async () => {
      const start = performance.now()
      using reader = await openImap(server, options.user)
      const taken: Record<string, number> = { 'login ms': performance.now() - start }
      const time = async (name: string, command: string): Promise<void> => {
        const before = performance.now()
        await reader.imap('m', command)
        taken[name] = performance.now() - before
      }
      for (const [name, command] of readingSteps(options.messages)) await time(name, command)
      // Each round takes away what the one before set: every message changes.
      await time('STORE on all ms', `STORE 1:* ${sign}FLAGS (\\Flagged)`)
      sign = sign === '+' ? '-' : '+'
      return taken
    },
    warmUps,
  )
  return { workload: `IMAP, ${options.messages} messages`, server: server.name, figures }
}

/** EXPUNGE of some thousand messages, which are copied for it before; milliseconds. */
export async function measureExpunge(
  server: RunningServer,
  options: { user: string; messages: number; times: number },
): Promise<Row> {
  using reader = await openImap(server, options.user)
  await reader.imap('c', 'CREATE Going')
  const figures = await repeat(
    options.times,
    async () => {
      await reader.imap('i', 'SELECT INBOX')
      await reader.imap('c', `COPY 1:${options.messages} Going`)
      await reader.imap('g', 'SELECT Going')
      await reader.imap('d', 'STORE 1:* +FLAGS.SILENT (\\Deleted)')
      const start = performance.now()
      await reader.imap('x', 'EXPUNGE')
      return { 'EXPUNGE ms': performance.now() - start }
    },
    warmUps,
  )
  return { workload: `IMAP EXPUNGE of ${options.messages}`, server: server.name, figures }
}

/** 1,000 APPENDs of 4 KB one at a time, milliseconds in all. */
export async function measureAppend(
  server: RunningServer,
  options: { user: string; times: number },
): Promise<Row> {
  const figures = await repeat(
    options.times,
    async () => {
      using reader = await openImap(server, options.user)
      const start = performance.now()
      for (let index = 0; index < 1000; index++) {
        reader.send(`a APPEND INBOX {${body.length}+}\r\n${body}\r\n`)
        const answer = await reader.until(/(^|\r\n)a [^\r\n]*\r\n$/)
        if (!answer.includes('a OK')) throw new Error(answer.toString('latin1'))
      }
      return { '1,000 APPENDs ms': performance.now() - start }
    },
    warmUps,
  )
  return { workload: 'IMAP APPEND of 1,000 × 4 KB, one at a time', server: server.name, figures }
}

/** 1,000 messages of 4 KB in one APPEND, milliseconds; where the server has MULTIAPPEND. */
export async function measureMultiAppend(
  server: RunningServer,
  options: { user: string; times: number },
): Promise<Row> {
  const parts = Array.from({ length: 1000 }, () => ` {${body.length}+}\r\n${body}`)
  const command = `a APPEND INBOX${parts.join('')}\r\n`
  const figures = await repeat(
    options.times,
    async () => {
      using reader = await openImap(server, options.user)
      const start = performance.now()
      reader.send(command)
      const answer = await reader.until(/(^|\r\n)a [^\r\n]*\r\n$/)
      if (!answer.includes('a OK')) throw new Error(answer.toString('latin1').slice(0, 200))
      return { 'MULTIAPPEND ms': performance.now() - start }
    },
    warmUps,
  )
  return { workload: 'IMAP APPEND of 1,000 × 4 KB at once', server: server.name, figures }
}

/** POP3: log-in, then RETR of 1,000, one at a time and pipelined. */
export async function measurePop3(
  server: RunningServer,
  options: { user: string; times: number },
): Promise<Row> {
  const figures = await repeat(
    options.times,
    async () => {
      const start = performance.now()
      using reader = await Reader.open(portOf(server, 'pop3'))
      await reader.until(/\r\n$/)
      for (const command of [`USER ${options.user}@bench.test`, 'PASS secret']) {
        reader.send(`${command}\r\n`)
        await reader.until(/\r\n$/)
      }
      const login = performance.now()
      for (let index = 1; index <= 1000; index++) {
        reader.send(`RETR ${index}\r\n`)
        await reader.until(/\r\n\.\r\n$/)
      }
      const single = performance.now()
      const commands = Array.from({ length: 1000 }, (_, index) => `RETR ${index + 1}\r\n`).join('')
      reader.send(`${commands}NOOP\r\n`)
      await reader.until(/\r\n\.\r\n\+OK[^\r\n]*\r\n$/)
      return {
        'login ms': login - start,
        '1,000 RETR ms': single - login,
        'pipelined ms': performance.now() - single,
      }
    },
    warmUps,
  )
  return { workload: 'POP3, 1,000 × 4 KB', server: server.name, figures }
}
