// Rounds of load, death and inspection over one data folder, which all rounds share: what an earlier round was promised must
// outlive the later ones, and each start is a restart. Tests and `npm run crash` are made of these.
import assert from 'node:assert/strict'
import { SeededRandom } from '../../src/base/seeded-random.ts'
import type { CheckpointName } from '../../src/base/checkpoint.ts'
import { password, residents } from './house.ts'
import { inspectFolder, readMaildrop } from './inspect.ts'
import { compare, type Copy, type Sent } from './ledger.ts'
import { runLoad } from './load.ts'
import { CrashServer } from './server.ts'

/** A furnished data folder and what its clients know. */
export interface Site {
  readonly folder: string
  readonly ledger: Sent[]
}

export interface RoundOptions {
  /** Also the beginning of the messages' ids, so it differs from round to round. */
  readonly seed: string
  readonly senders: number
}

/** More than any round gets through before its server dies. */
const endless = 1_000_000

/** Kills the server some time after the first message. Gives the milliseconds. */
export async function killAtRandom(
  { folder, ledger }: Site,
  { seed, senders, longest }: RoundOptions & { longest: number },
): Promise<number> {
  const delay = new SeededRandom(seed).below(longest)
  await using server = await CrashServer.start({ folder })
  const timer = setTimeout(() => void server.kill(), delay)
  await runLoad({ port: server.smtp, seed, senders, messages: endless, recipients: residents, ledger })
  clearTimeout(timer)
  assert.equal(await server.ended, 'SIGKILL')
  await inspect({ folder, ledger })
  return delay
}

/** The server kills itself at a place between DATA and 250. Fails where the place is not reached within `messages`. */
export async function killAtCheckpoint(
  { folder, ledger }: Site,
  { seed, senders, ...at }: RoundOptions & { name: CheckpointName; time: number; messages: number },
): Promise<void> {
  await using server = await CrashServer.start({ folder, killAt: at })
  // Opening the store writes too, so it may have died before it took mail.
  if (server.ready !== null) {
    const { messages } = at
    await runLoad({ port: server.smtp, seed, senders, messages, recipients: residents, ledger })
    void server.stop().catch(() => {})
  }
  assert.equal(await server.ended, 'SIGKILL', `${at.name} was not reached ${at.time} times`)
  await inspect({ folder, ledger })
}

/** Starts the server once more: it takes mail, gives all of it by POP3, and stops cleanly. */
export async function endWell({ folder, ledger }: Site, { seed, senders }: RoundOptions): Promise<void> {
  await using server = await CrashServer.start({ folder })
  const before = ledger.length
  await runLoad({ port: server.smtp, seed, senders, messages: 20, recipients: residents, ledger })
  assert.deepEqual([...new Set(ledger.slice(before).map(({ outcome }) => outcome))], ['promised'])
  const port = server.ready?.pop3 ?? 0
  const copies: Copy[] = []
  for (const address of residents) copies.push(...(await readMaildrop({ port, address, password })))
  assert.deepEqual(compare(ledger, copies), [])
  assert.equal(await server.stop(), 0)
  await inspect({ folder, ledger })
}

async function inspect({ folder, ledger }: Site): Promise<void> {
  const { copies, findings } = await inspectFolder(folder)
  assert.deepEqual([...findings, ...compare(ledger, copies)], [])
}
