// Many sessions on two mailboxes that send random commands, break off, and come back, over real connections:
//
//   npm run imap-storm -- [--seconds 60] [--sessions 40] [--seed 1]
//
// What must hold: no BAD, no BYE; a number means the same message until EXPUNGE says otherwise; and at each checkpoint, when all rest,
// every session has been told what the others see (as imaptest has it). Ends with the memory that the server took.
import { parseArgs } from 'node:util'
import { SeededRandom } from '../../src/base/seeded-random.ts'
import { readResponses, numberOf, pairsOf, wordsOf, type Answer } from '../../test/model/imap/responses.ts'
import { startPosthorn } from '../rivals/posthorn.ts'
import { usageOf } from '../server.ts'
import { Reader } from './reader.ts'

const { values } = parseArgs({
  options: {
    seconds: { type: 'string', default: '60' },
    sessions: { type: 'string', default: '40' },
    seed: { type: 'string', default: '1' },
  },
})
const mailboxes = ['INBOX', 'Archive'] as const
const flags = ['\\Seen', '\\Answered', '\\Flagged', '\\Deleted', '\\Draft', '$label', 'work'] as const
const checkpointEvery = 5_000
/** Messages beyond which less is appended. */
const enough = 150
const ports = { smtp: 12_625, imap: 12_643, pop3: 12_610 }

/** One after the other, so that a run with the same seed asks the same of each session. */
class Dice {
  readonly #random: SeededRandom

  constructor(seed: number) {
    this.#random = new SeededRandom(seed)
  }

  below(limit: number): number {
    return limit <= 0 ? 0 : this.#random.below(limit)
  }

  pick<T>(items: readonly T[]): T {
    const item = items[this.below(items.length)]
    if (item === undefined) throw new Error('nothing to pick')
    return item
  }
}

interface Entry {
  uid: number | null
  flags: string | null
}

class StormSession {
  readonly #dice: Dice
  #reader: Reader | null = null
  #tag = 0
  mailbox: string = mailboxes[0]
  entries: Entry[] = []
  commands = 0
  refused = 0

  constructor(seed: number) {
    this.#dice = new Dice(seed)
  }

  async open(): Promise<void> {
    const reader = await Reader.open(ports.imap)
    this.#reader = reader
    await reader.until(/\r\n$/)
    await this.#ask('LOGIN user0@bench.test secret')
    if (this.#dice.below(3) === 0) await this.#ask('ENABLE CONDSTORE')
    await this.#select()
  }

  async #select(): Promise<void> {
    this.mailbox = this.#dice.below(4) === 0 ? mailboxes[1] : mailboxes[0]
    this.entries = []
    await this.#ask(`SELECT ${this.mailbox}`)
  }

  close(): void {
    this.#reader?.[Symbol.dispose]()
  }

  async #ask(command: string): Promise<Answer> {
    const reader = this.#reader
    if (reader === null) throw new Error('no connection')
    const tag = `t${++this.#tag}`
    reader.send(`${tag} ${command}\r\n`)
    const octets = await reader.until(new RegExp(`(^|\\r\\n)${tag} (?:OK|NO|BAD)[^\\r\\n]*\\r\\n$`))
    const answer = readResponses(octets.toString('latin1'))
    this.commands++
    if (answer.tagged?.status === 'BAD')
      throw new Error(`${command.slice(0, 200)}: ${octets.toString('latin1').slice(-300)}`)
    if (answer.tagged?.status === 'NO') this.refused++
    // A new mailbox begins behind CLOSED.
    const closed = answer.untagged.findIndex(({ code }) => code === 'CLOSED')
    const holds = /^(?:FETCH|STORE|SEARCH|SORT)/.test(command)
    for (const response of answer.untagged.slice(closed + 1)) this.#hear(response, { command, holds })
    return answer
  }

  #hear(response: Answer['untagged'][number], { command, holds }: { command: string; holds: boolean }): void {
    const wrong = (what: string): never => {
      throw new Error(`${what} at ${command.slice(0, 80)}: ${response.line.slice(0, 200)}`)
    }
    const { name, number } = response
    if (name === 'BYE') wrong('a farewell')
    if (name === 'EXISTS') {
      if (number < this.entries.length) wrong(`there were ${this.entries.length}`)
      while (this.entries.length < number) this.entries.push({ uid: null, flags: null })
    }
    if (name === 'EXPUNGE') {
      if (holds) wrong('numbers are in use')
      if (number > this.entries.length) wrong(`there were ${this.entries.length}`)
      this.entries.splice(number - 1, 1)
    }
    if (name !== 'FETCH') return
    const entry = this.entries[number - 1] ?? wrong(`there are ${this.entries.length}`)
    const pairs = pairsOf(response.values[0])
    const uid = pairs.get('UID')
    if (uid !== undefined) {
      if (entry.uid !== null && entry.uid !== numberOf(uid)) wrong(`number ${number} is UID ${entry.uid}`)
      entry.uid = numberOf(uid)
    }
    const told = pairs.get('FLAGS')
    if (told !== undefined)
      entry.flags = wordsOf(told)
        .filter((flag) => flag !== '\\recent')
        .join(' ')
  }

  /** One random step. */
  async step(): Promise<void> {
    const dice = this.#dice
    const count = this.entries.length
    const one = 1 + dice.below(count)
    const range = `${one}:${dice.below(2) === 0 ? '*' : Math.min(count, one + dice.below(10))}`
    const other = this.mailbox === mailboxes[0] ? mailboxes[1] : mailboxes[0]
    const chance = dice.below(100)
    if (chance < 3) return this.#breakOff(range)
    if (chance < 6) return this.#select()
    if (chance < 18 || count === 0) return this.#append()
    if (chance < 35) return void (await this.#ask(`FETCH ${range} (UID FLAGS)`))
    if (chance < 60) return this.#store(one)
    if (chance < 66) return void (await this.#ask(dice.pick(['EXPUNGE', 'UID EXPUNGE 1:*'])))
    if (chance < 74) return void (await this.#ask(`${dice.pick(['COPY', 'MOVE', 'MOVE'])} ${one} ${other}`))
    if (chance < 80)
      return void (await this.#ask(`SEARCH ${dice.pick(['UNSEEN', 'DELETED', 'SUBJECT storm', 'TEXT two'])}`))
    if (chance < 83) return void (await this.#ask('SORT (REVERSE SUBJECT) UTF-8 ALL'))
    if (chance < 86) return void (await this.#ask(`STATUS ${other} (MESSAGES UNSEEN)`))
    if (chance < 90) return void (await this.#ask(`UID FETCH ${one}:* (ENVELOPE BODY.PEEK[])`))
    if (chance < 93) return this.#idle()
    await this.#ask('NOOP')
  }

  async #store(one: number): Promise<void> {
    const uid = this.#dice.below(2) === 0
    const silent = this.#dice.below(2) === 0
    const change = `${this.#dice.pick(['+', '-', ''])}FLAGS${silent ? '.SILENT' : ''} (${this.#dice.pick(flags)})`
    // What it is not told of its own change, the client does not know.
    for (const [index, entry] of this.entries.entries())
      if (silent && (uid ? entry.uid === one || entry.uid === null : index === one - 1)) entry.flags = null
    await this.#ask(`${uid ? 'UID ' : ''}STORE ${one} ${change}`)
  }

  async #append(): Promise<void> {
    if (this.entries.length > enough && this.#dice.below(4) > 0) {
      await this.#ask('STORE 1:20 +FLAGS (\\Deleted)')
      await this.#ask('EXPUNGE')
      return
    }
    const text = `Subject: storm ${this.#dice.below(1000)}\r\n\r\n${'one two three\r\n'.repeat(this.#dice.below(40))}`
    await this.#ask(`APPEND ${this.mailbox} {${text.length}+}\r\n${text}`)
  }

  async #idle(): Promise<void> {
    const reader = this.#reader
    if (reader === null) return
    const tag = `t${++this.#tag}`
    reader.send(`${tag} IDLE\r\n`)
    await new Promise((resolve) => setTimeout(resolve, this.#dice.below(50)))
    reader.send('DONE\r\n')
    const octets = await reader.until(new RegExp(`(^|\\r\\n)${tag} OK[^\\r\\n]*\\r\\n$`))
    for (const response of readResponses(octets.toString('latin1')).untagged)
      this.#hear(response, { command: 'IDLE', holds: false })
  }

  /** The connection is gone in the middle of a command or of its answer. */
  async #breakOff(range: string): Promise<void> {
    const half = [
      'APPEND INBOX {1000+}\r\nSubject: half',
      'UID FETCH 1:* (BODY.PEEK[])\r\n',
      `STORE ${range} +FL`,
      'IDLE\r\n',
    ]
    this.#reader?.send(`x ${this.#dice.pick(half)}`)
    this.close()
    await this.open()
  }

  /** What the client was told, and what it sees when it looks. */
  async look(): Promise<{ told: string; seen: string }> {
    await this.#ask('NOOP')
    const before = this.entries.map(({ uid, flags: each }) => ({ uid, flags: each }))
    if (this.entries.length > 0) await this.#ask('FETCH 1:* (UID FLAGS)')
    const text = (entries: readonly Entry[]): string =>
      entries.map(({ uid, flags: each }) => `${uid} (${each})`).join(', ')
    // What the client has not been told yet it cannot have wrong.
    const told = before.map((entry, index) => ({
      uid: entry.uid ?? this.entries[index]?.uid ?? null,
      flags: entry.flags ?? this.entries[index]?.flags ?? null,
    }))
    return { told: text(told), seen: text(this.entries) }
  }
}

/** What one has and the other has not. */
function apart(one: string, other: string): string {
  const [left, right] = [one.split(', '), other.split(', ')]
  const less = (a: string[], b: string[]): string => a.filter((each) => !b.includes(each)).join(', ')
  return `${less(left, right)} and not ${less(right, left)}`
}

async function checkpoint(sessions: readonly StormSession[]): Promise<void> {
  const seen = new Map<string, string>()
  for (const session of sessions) {
    const looked = await session.look()
    if (looked.told !== looked.seen)
      throw new Error(`${session.mailbox}: told ${looked.told}; seen ${looked.seen}`)
    const others = seen.get(session.mailbox)
    if (others !== undefined && others !== looked.seen)
      throw new Error(`${session.mailbox}, two sessions: ${apart(others, looked.seen)}`)
    seen.set(session.mailbox, looked.seen)
  }
}

await using server = await startPosthorn({ ...ports, users: 1 })
const seed = Number(values.seed)
const sessions = Array.from(
  { length: Number(values.sessions) },
  (_, index) => new StormSession(seed * 1_000 + index),
)
for (const session of sessions) await session.open()
const megabytes = (): string => `${(usageOf(server.pids()).residentBytes / 1e6).toFixed(0)} MB`
const start = performance.now()
const end = start + Number(values.seconds) * 1_000
while (performance.now() < end) {
  const rest = Math.min(end, performance.now() + checkpointEvery)
  await Promise.all(
    sessions.map(async (session) => {
      while (performance.now() < rest) await session.step()
    }),
  )
  await checkpoint(sessions)
  const commands = sessions.reduce((sum, each) => sum + each.commands, 0)
  process.stdout.write(
    `${((performance.now() - start) / 1000).toFixed(0)} s: ${commands} commands, ${megabytes()}\n`,
  )
}
const refused = sessions.reduce((sum, each) => sum + each.refused, 0)
process.stdout.write(`sound; ${refused} commands were answered NO\n`)
for (const session of sessions) session.close()
