// Searching, sorting and threading a large mailbox over IMAP, beside Dovecot (without a full-text index, as Debian installs it).
//
// The mail is made: subjects and bodies of a few thousand words, most of them rare, dates out of order, threads of up to six messages.
import { setTimeout as sleep } from 'node:timers/promises'
import { repeat, type Row } from '../report.ts'
import { openImap } from './reading.ts'
import { type RunningServer, usageOf } from '../server.ts'

/** Rounds before those that count. */
const warmUps = 2
/** APPENDs in flight while the mailbox is filled. */
const group = 100

/** Fills INBOX; the same messages for every server. */
export async function fillForSearch(
  server: RunningServer,
  options: { user: string; messages: number },
): Promise<void> {
  using reader = await openImap(server, options.user)
  for (let done = 0; done < options.messages; done += group) {
    const count = Math.min(group, options.messages - done)
    let commands = ''
    for (let index = 0; index < count; index++) {
      const text = message(done + index)
      commands += `a${index} APPEND INBOX {${text.length}+}\r\n${text}\r\n`
    }
    reader.send(commands)
    for (let answered = 0; answered < count;) {
      const answer = (await reader.until(/\r\n$/)).toString('latin1')
      answered += answer.match(/^a\d+ OK/gm)?.length ?? 0
      if (/^a\d+ (NO|BAD)/m.test(answer)) throw new Error(answer.slice(0, 200))
    }
  }
}

/** Words `w0` to `w4999` by number, the low ones often. */
function words(seed: number, count: number): string {
  let state = (seed * 2_654_435_761) >>> 0
  const all: string[] = []
  for (let index = 0; index < count; index++) {
    state = (Math.imul(state, 1_664_525) + 1_013_904_223) >>> 0
    const place = state / 2 ** 32
    all.push(word(Math.floor(5_000 * place ** 3)))
  }
  return all.join(' ')
}

function word(number: number): string {
  const syllables = ['ba', 'ce', 'di', 'fo', 'gu', 'ka', 'le', 'mi', 'no', 'pu', 'ra', 'se', 'ti', 'vo', 'zu']
  let text = ''
  for (let rest = number + 15; rest > 0; rest = Math.floor(rest / 15)) text += syllables[rest % 15] ?? ''
  return text
}

function message(number: number): string {
  const inThread = number % 6
  const first = number - inThread
  const date = new Date(Date.UTC(2020, 0, 1) + ((number * 7_919) % 200_000) * 600_000).toUTCString()
  const references = Array.from({ length: inThread }, (_, index) => `<m${first + index}@client.test>`)
  const threaded = inThread === 0 ? '' : `References: ${references.join('\r\n ')}\r\n`
  // One in two thousand has the word that is looked for.
  const rare = number % 2_000 === 7 ? ' quetzalcoatl' : ''
  const subject = `${inThread === 0 ? '' : 'Re: '}${words(first, 5)}${rare}`
  return (
    `From: ${word(number % 997)} <${word(number % 997)}@client.test>\r\nTo: user0@bench.test\r\nSubject: ${subject}\r\n` +
    `Date: ${date}\r\nMessage-ID: <m${number}@client.test>\r\n${threaded}MIME-Version: 1.0\r\n` +
    `Content-Type: text/plain; charset=utf-8\r\n\r\n${words(number, 250).replace(/(.{60,70}) /g, '$1\r\n')}` +
    `${number % 2_000 === 11 ? '\r\nxylophonist' : ''}\r\n`
  )
}

const commands: readonly (readonly [name: string, command: string])[] = [
  ['SEARCH SUBJECT', 'SEARCH SUBJECT quetzalcoatl'],
  ['SEARCH TEXT', 'SEARCH TEXT xylophonist'],
  ['SEARCH TEXT, nothing', 'SEARCH TEXT nowheretobefound'],
  ['SEARCH FROM', 'SEARCH FROM zuzu'],
  ['SEARCH SENTSINCE', 'SEARCH SENTSINCE 1-Jan-2023'],
  ['SEARCH UNSEEN', 'SEARCH UNSEEN'],
  ['SORT (REVERSE DATE)', 'SORT (REVERSE DATE) UTF-8 ALL'],
  ['SORT (SUBJECT)', 'SORT (SUBJECT) UTF-8 ALL'],
  ['THREAD REFERENCES', 'THREAD REFERENCES UTF-8 ALL'],
]

/** What is done behind delivery is done: the server uses no processor to speak of for three seconds. */
async function untilCalm(server: RunningServer): Promise<void> {
  for (let calm = 0; calm < 3;) {
    const before = usageOf(server.pids()).cpuSeconds
    await sleep(1_000)
    calm = usageOf(server.pids()).cpuSeconds - before < 0.05 ? calm + 1 : 0
  }
}

/** Each command on the filled mailbox, warm, in milliseconds. */
export async function measureSearch(
  server: RunningServer,
  options: { user: string; messages: number; times: number },
): Promise<Row> {
  await untilCalm(server)
  using reader = await openImap(server, options.user)
  await reader.imap('s', 'SELECT INBOX')
  const figures: Record<string, number> = {}
  for (const [name, command] of commands) {
    const measured = await repeat(
      options.times,
      async () => {
        const start = performance.now()
        await reader.imap('c', command)
        return { [`${name} ms`]: performance.now() - start }
      },
      warmUps,
    )
    Object.assign(figures, measured)
  }
  return { workload: `IMAP search, ${options.messages} messages of 2 KB`, server: server.name, figures }
}
