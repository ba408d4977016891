// What is there after a crash: by the store itself on the data folder of a dead server, and by POP3 through a living one.
import { Buffer } from 'node:buffer'
import { connect } from 'node:net'
import { RealRandom } from '../../src/base/real-random.ts'
import { RealClock } from '../../src/net/real-clock.ts'
import type { AccountId, BlobId } from '../../src/store/model.ts'
import type { QueueId } from '../../src/store/queue.ts'
import { openPostgresStore } from '../../src/store/postgres/index.ts'
import { openSqliteStore } from '../../src/store/sqlite/index.ts'
import type { Store } from '../../src/store/store.ts'
import { type Copy, describeFiled, digestOf, type FoundReport, type FoundRow } from './ledger.ts'

export interface Inspection {
  readonly copies: readonly Copy[]
  readonly reports: readonly FoundReport[]
  readonly rows: readonly FoundRow[]
  /** Of the audit, as text. */
  readonly findings: readonly string[]
}

const day = 24 * 3_600_000

/** Opens the folder, or the database, audits it, reads every message, and once more after what nothing names is collected. */
export async function inspectFolder(folder: string, database?: string): Promise<Inspection> {
  const clock = new RealClock()
  const random = new RealRandom()
  const onListenerError = (error: unknown): never => {
    throw error
  }
  await using store =
    database === undefined
      ? await openSqliteStore({ ...{ folder, clock, random, writer: 'inline', onListenerError } })
      : await openPostgresStore({ connection: { url: database }, clock, random, onError: onListenerError })
  const findings = await audit(store)
  // As if a day had gone by: every file without a row is old enough.
  await store.collectGarbage({ now: clock.now() + day })
  const filed: (Copy | FoundReport)[] = []
  const blobs = new Map<BlobId, Promise<Copy | FoundReport>>()
  for (const { id, address } of await store.listAccounts()) {
    for (const blob of await blobsOf(store, id)) {
      const read = blobs.get(blob) ?? readBlob(store, blob).then((bytes) => describeFiled(address, bytes))
      blobs.set(blob, read)
      filed.push({ ...(await read), address })
    }
  }
  const rows = await rowsOf(store)
  return { ...parted(filed), rows, findings: [...findings, ...(await audit(store))] }
}

/** Copies and reports apart. */
export function parted(filed: readonly (Copy | FoundReport)[]): { copies: Copy[]; reports: FoundReport[] } {
  return {
    copies: filed.flatMap((one) => ('about' in one ? [] : [one])),
    reports: filed.flatMap((one) => ('about' in one ? [one] : [])),
  }
}

const pageSize = 500

/** Every recipient elsewhere that the queue still knows, its message read where it waits. */
async function rowsOf(store: Store): Promise<FoundRow[]> {
  const rows: FoundRow[] = []
  let after: QueueId | undefined
  for (;;) {
    const filter = {}
    const page = await store.queueList({
      ...{ filter, limit: pageSize, finished: 'with', ...(after !== undefined && { after }) },
    })
    for (const { message, recipients } of page) {
      const waits = recipients.some(({ state }) => state !== 'settled')
      const digest = waits ? digestOf(await readBlob(store, message.blob)) : null
      for (const { address, state, outcome, report } of recipients) {
        rows.push({
          id: message.messageId?.replace(/^<|>$/g, '') ?? '',
          ...{ recipient: address, state, outcome, report: report === null ? 'none' : 'due' },
          digest: state === 'settled' ? null : digest,
        })
      }
    }
    after = page.at(-1)?.message.id
    if (page.length < pageSize) return rows
  }
}

async function audit(store: Store): Promise<string[]> {
  return (await store.audit()).map(({ check, account, message }) => `${check} ${account ?? ''}: ${message}`)
}

/** The blobs of an account's messages, one for each message of its INBOX. */
async function blobsOf(store: Store, account: AccountId): Promise<BlobId[]> {
  const mailbox = await store.findMailbox({ account, name: 'INBOX' })
  if (mailbox === undefined) return []
  const blobs: BlobId[] = []
  const uids = [[1, 0xffff_ffff]] as const
  for await (const batch of store.messageTexts({ account, mailbox: mailbox.id, uids })) {
    blobs.push(...batch.map(({ blob }) => blob))
  }
  return blobs
}

async function readBlob(store: Store, blob: BlobId): Promise<Buffer> {
  return Buffer.concat(await Array.fromAsync(store.blobs.read(blob)))
}

/** Reads a whole maildrop through a running server. */
export async function readMaildrop(login: {
  port: number
  address: string
  password: string
}): Promise<(Copy | FoundReport)[]> {
  const socket = connect({ port: login.port, host: '127.0.0.1' })
  const replies = socket.setEncoding('latin1')[Symbol.asyncIterator]() as AsyncIterator<string>
  let text = ''
  const until = async (end: string): Promise<string> => {
    let at: number
    while ((at = text.indexOf(end)) < 0) {
      const more = await replies.next()
      if (more.done === true) throw new Error(`the server ended after: ${text}`)
      text += more.value
    }
    const found = text.slice(0, at)
    text = text.slice(at + end.length)
    return found
  }
  const command = async (line: string): Promise<string> => {
    if (line !== '') socket.write(`${line}\r\n`)
    const reply = await until('\r\n')
    if (!reply.startsWith('+OK')) throw new Error(`${line}: ${reply}`)
    return reply
  }
  try {
    await command('')
    await command(`USER ${login.address}`)
    await command(`PASS ${login.password}`)
    const count = Number((await command('STAT')).split(' ')[1])
    const filed: (Copy | FoundReport)[] = []
    for (let number = 1; number <= count; number++) {
      await command(`RETR ${number}`)
      const lines = `${await until('\r\n.\r\n')}\r\n`.replace(/^\./gm, '')
      // The trace fields stand before the message, which begins with its Message-ID; a report does not.
      const start = /^Content-Type: multipart\/report/m.test(lines.slice(0, 2000))
        ? 0
        : lines.indexOf('Message-ID: <')
      filed.push(describeFiled(login.address, Buffer.from(lines.slice(start), 'latin1')))
    }
    await command('QUIT')
    return filed
  } finally {
    socket.destroy()
  }
}
