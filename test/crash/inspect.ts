// What is there after a crash: by the store itself on the data folder of a dead server, and by POP3 through a living one.
import { Buffer } from 'node:buffer'
import { connect } from 'node:net'
import { RealRandom } from '../../src/base/real-random.ts'
import { RealClock } from '../../src/net/real-clock.ts'
import type { AccountId, BlobId } from '../../src/store/model.ts'
import { openSqliteStore } from '../../src/store/sqlite/index.ts'
import type { Store } from '../../src/store/store.ts'
import { type Copy, digestOf, idOf } from './ledger.ts'

export interface Inspection {
  readonly copies: readonly Copy[]
  /** Of the audit, as text. */
  readonly findings: readonly string[]
}

const day = 24 * 3_600_000

/** Opens the folder, audits it, reads every message, and once more after what nothing names is collected. */
export async function inspectFolder(folder: string): Promise<Inspection> {
  const clock = new RealClock()
  const onListenerError = (error: unknown): never => {
    throw error
  }
  await using store = await openSqliteStore({
    ...{ folder, clock, random: new RealRandom(), writer: 'inline', onListenerError },
  })
  const findings = await audit(store)
  // As if a day had gone by: every file without a row is old enough.
  await store.collectGarbage({ now: clock.now() + day })
  const copies: Copy[] = []
  const blobs = new Map<BlobId, Promise<{ id: string; digest: string }>>()
  for (const { id, address } of await store.listAccounts()) {
    for (const blob of await blobsOf(store, id)) {
      const read = blobs.get(blob) ?? describeBlob(store, blob)
      blobs.set(blob, read)
      copies.push({ address, ...(await read) })
    }
  }
  return { copies, findings: [...findings, ...(await audit(store))] }
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

async function describeBlob(store: Store, blob: BlobId): Promise<{ id: string; digest: string }> {
  const bytes = Buffer.concat(await Array.fromAsync(store.blobs.read(blob)))
  return { id: idOf(bytes), digest: digestOf(bytes) }
}

/** Reads a whole maildrop through a running server. */
export async function readMaildrop(login: {
  port: number
  address: string
  password: string
}): Promise<Copy[]> {
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
    const copies: Copy[] = []
    for (let number = 1; number <= count; number++) {
      await command(`RETR ${number}`)
      const lines = `${await until('\r\n.\r\n')}\r\n`.replace(/^\./gm, '')
      // The trace fields stand before the message.
      const message = Buffer.from(lines.slice(lines.indexOf('Message-ID: <')), 'latin1')
      copies.push({ address: login.address, id: idOf(message), digest: digestOf(message) })
    }
    await command('QUIT')
    return copies
  } finally {
    socket.destroy()
  }
}
