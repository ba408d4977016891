// Import and export without a command line: a source or a target, and a store with an account, in one process.
import assert from 'node:assert/strict'
import { RealClock } from '../../src/net/real-clock.ts'
import { ingest } from '../../src/store/ingest.ts'
import type { Account, MailboxId, SpecialUse } from '../../src/store/model.ts'
import type { Store } from '../../src/store/store.ts'
import { exportedMailboxes, exportPage, octetsOf } from '../../src/transfer/exporter.ts'
import type { ExportTarget } from '../../src/transfer/export-target.ts'
import { Importer, type ImporterOptions } from '../../src/transfer/importer.ts'
import { OneAtATime } from '../../src/transfer/one-at-a-time.ts'
import { openFileSource, type OpenOptions } from '../../src/transfer/open-source.ts'
import type { ImportTotals } from '../../src/transfer/records.ts'
import { type ExportTotals, runExport } from '../../src/transfer/run-export.ts'
import { type ImportChoice, ImportReader, type ReadTotals } from '../../src/transfer/run-import.ts'
import type { Source } from '../../src/transfer/source.ts'

export const now = Date.UTC(2026, 10, 22, 12)

export async function newAccount(
  store: Store,
  name: string,
  quota: Partial<Account['quota']> = {},
): Promise<Account> {
  await store.addDomain({ name: 'mail.test', now })
  const made = await store.addAccount({
    address: `${name}@mail.test`,
    credentials: { argon2id: null, scramSha256: null },
    quota: { bytes: null, messages: null, ...quota },
    mailboxes: [
      { name: 'Sent', specialUse: 'sent' },
      { name: 'Archive', specialUse: 'archive' },
    ],
    now,
  })
  assert.ok(made.ok)
  return made.account
}

export interface Imported {
  readonly written: ImportTotals
  readonly read: ReadTotals
  readonly problems: readonly (readonly [name: string, reason: string])[]
}

export interface ImportSettings {
  readonly source: Source
  readonly choice?: Partial<ImportChoice>
  readonly importer?: Partial<ImporterOptions>
  readonly signal?: AbortSignal
}

export async function importInto(
  store: Store,
  account: Account,
  settings: ImportSettings,
): Promise<Imported> {
  const { source } = settings
  await using _ = source
  const problems: [string, string][] = []
  const reader = new ImportReader({
    source,
    choice: { folders: [], exclude: [], into: null, since: null, now, ...settings.choice },
    onProgress: () => {},
    onProblem: (name, reason) => problems.push([name, reason]),
    signal: settings.signal ?? new AbortController().signal,
  })
  const importer = new Importer({
    ...{ store, account, clock: new RealClock(), mime: {}, source: source.identity },
    ...{ dedupe: false, again: false, dryRun: false, pace: 'full' },
    tell: (event) => reader.heard(event),
    gone: new AbortController().signal,
    underWay: new OneAtATime(),
    ...settings.importer,
  })
  const written = await importer.run(reader.records())
  return { written, read: reader.totals, problems }
}

export function filesAt(path: string, options: Partial<OpenOptions> = {}): Promise<Source> {
  return openFileSource(path, { format: 'auto', quoting: 'auto', input: emptyInput(), ...options })
}

async function* emptyInput(): AsyncGenerator<Uint8Array> {}

export async function exportFrom(
  store: Store,
  account: Account,
  { target, chosen = [] }: { target: ExportTarget; chosen?: readonly string[] },
): Promise<ExportTotals> {
  return runExport({
    reader: {
      mailboxes: () => exportedMailboxes(store, account),
      page: (mailbox, from) =>
        exportPage(store, { account: account.id, mailbox: mailbox as MailboxId, from }),
      octets: (request) => octetsOf(store, request as Parameters<typeof octetsOf>[1]),
    },
    ...{ target, account: account.address, chosen, since: null, now },
    onProgress: () => {},
    signal: new AbortController().signal,
  })
}

/** A message as it is compared. */
export interface Kept {
  readonly text: string
  readonly flags: number
  readonly keywords: string
  readonly date: number
}

export interface KeptMailbox {
  readonly specialUse: SpecialUse | null
  readonly subscribed: boolean
  readonly messages: readonly Kept[]
}

/** Everything of an account that an export keeps, by mailbox. */
export async function contentsOf(
  store: Store,
  { id: account }: Account,
): Promise<Record<string, KeptMailbox>> {
  const found: Record<string, KeptMailbox> = {}
  const subscribed = await store.subscriptions(account)
  for (const { id: mailbox, name, specialUse } of await store.listMailboxes(account)) {
    const messages: Kept[] = []
    for await (const batch of store.messageTexts({ account, mailbox, uids: [[1, 0xffffffff]] })) {
      for (const { flags, keywords, internalDate: date, prefix, blob } of batch) {
        const chunks: Uint8Array[] = [Buffer.from(prefix)]
        for await (const chunk of store.blobs.read(blob)) chunks.push(chunk)
        messages.push({ text: Buffer.concat(chunks).toString('latin1'), flags, keywords, date })
      }
    }
    found[name] = { specialUse, subscribed: subscribed.includes(name), messages }
  }
  return found
}

/** Puts a message into a mailbox, which is made where it is missing. */
export async function put(
  store: Store,
  account: Account,
  message: Partial<Kept> & { mailbox: string; text: string },
): Promise<void> {
  const { mailbox: name, text, flags = 0, keywords = '', date = now } = message
  const made = await store.createMailbox({ account: account.id, name, now })
  const mailbox = made.ok ? made.mailbox : await store.findMailbox({ account: account.id, name })
  assert.ok(mailbox)
  const incoming = ingest({ blobs: store.blobs })
  await incoming.write(Buffer.from(text, 'latin1'))
  const staged = await incoming.finish()
  const appended = await store.append({
    account: account.id,
    mailbox: mailbox.id,
    messages: [{ message: staged.message, flags, keywords, internalDate: date }],
    now,
  })
  assert.ok(appended.ok)
}
