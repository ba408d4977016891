// What a mailbox holds, in lines that a test can compare: read from the store, by no protocol.
import assert from 'node:assert/strict'
import { Flag } from '../../src/store/model.ts'
import type { InteropServer } from './server.ts'

const names = [
  [Flag.answered, '\\Answered'],
  [Flag.deleted, '\\Deleted'],
  [Flag.draft, '\\Draft'],
  [Flag.flagged, '\\Flagged'],
  [Flag.seen, '\\Seen'],
] as const

/** One line for each message, the oldest first: its subject, then its flags and keywords in order of the alphabet. */
export async function shown(server: InteropServer, address: string, mailbox = 'INBOX'): Promise<string[]> {
  const { store } = server.posthorn.backend
  const entry = await store.findAddress(address)
  assert.equal(entry?.type, 'account', `${address} has no account`)
  const account = entry.account.id
  const found = await store.findMailbox({ account, name: mailbox })
  assert.ok(found !== undefined, `${address} has no mailbox ${mailbox}`)
  const subjects = (await server.messages(address, mailbox)).map(subjectOf)
  const lines: string[] = []
  for await (const batch of store.messages({ account, mailbox: found.id, uids: [[1, 0xffffffff]] })) {
    for (const { flags, keywords } of batch) {
      const system = names.filter(([bit]) => (flags & bit) !== 0).map(([, name]) => name)
      lines.push([subjects[lines.length], ...system, ...(keywords === '' ? [] : [keywords])].join(' '))
    }
  }
  return lines
}

export function subjectOf(text: string): string {
  return /^Subject: (.*?)\r?$/m.exec(text)?.[1] ?? ''
}

/** A message that is told from others by its subject. */
export function letter(subject: string, body = `Text of ${subject}\r\n`): string {
  const header = `From: eve@example.org\r\nTo: ann@mail.test\r\nSubject: ${subject}\r\n`
  return `${header}Date: Sat, 21 Nov 2026 12:00:00 +0000\r\nMessage-ID: <${subject}@example.org>\r\n\r\n${body}`
}

/** The names of somebody's mailboxes, in order of the alphabet. */
export async function mailboxNames(server: InteropServer, address: string): Promise<string[]> {
  const { store } = server.posthorn.backend
  const entry = await store.findAddress(address)
  assert.equal(entry?.type, 'account', `${address} has no account`)
  return (await store.listMailboxes(entry.account.id)).map(({ name }) => name).toSorted()
}
