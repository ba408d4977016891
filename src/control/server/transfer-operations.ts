// Import and export at the store: `mail.import` is fed with records, `mail.mailboxes`, `mail.page` and `mail.octets` give what an export
// writes. Whoever may open the control socket owns the server, and may read and write any account's mail.
import { z } from 'zod'
import type { Clock } from '../../base/clock.ts'
import type { Config } from '../../config/schema.ts'
import { addressKey, tryAddress } from '../../mail/address.ts'
import type { Account, AccountId, BlobId, MailboxId } from '../../store/model.ts'
import type { Store } from '../../store/store.ts'
import { exportedMailboxes, exportPage, octetsOf } from '../../transfer/exporter.ts'
import { Importer } from '../../transfer/importer.ts'
import { OneAtATime } from '../../transfer/one-at-a-time.ts'
import type { ImportRecord } from '../../transfer/records.ts'
import { type Asker, operation, type Operation, RefusedOperation, question } from './operation.ts'

interface TransferParts {
  readonly store: Store
  readonly clock: Clock
  readonly config: Config
}

const use = z.enum(['archive', 'drafts', 'junk', 'sent', 'trash', 'flagged', 'important', 'all'])

const record = z.discriminatedUnion('type', [
  z.strictObject({
    type: z.literal('folder'),
    name: z.string(),
    target: z.string().nullable(),
    specialUse: use.nullable(),
    goesBy: z.enum(['special-use', 'name']),
    subscribed: z.boolean(),
  }),
  z.strictObject({
    type: z.literal('message'),
    name: z.string(),
    key: z.string().regex(/^\S+$/).nullable(),
    flags: z.int().min(0).max(31),
    keywords: z.array(z.string().regex(/^[^\s\\]+$/)),
    internalDate: z.number(),
    identity: z.string().nullable(),
    isCopy: z.boolean(),
    data: z.string(),
    more: z.boolean(),
  }),
  z.strictObject({ type: z.literal('data'), data: z.string() }),
  z.strictObject({ type: z.literal('end') }),
  z.strictObject({ type: z.literal('broken') }),
  z.strictObject({ type: z.literal('finish') }),
])

const importing = z.strictObject({
  address: z.string(),
  source: z.string(),
  dedupe: z.boolean(),
  again: z.boolean(),
  dryRun: z.boolean(),
  pace: z.enum(['gentle', 'full']),
})

export function transferOperations({ store, clock, config }: TransferParts): Record<string, Operation> {
  const underWay = new OneAtATime()
  return {
    'mail.import': operation(importing, async ({ address, ...options }, asker) => {
      const account = await accountOf(store, address)
      const { onEvent: tell, gone } = asker
      const parts = { store, clock, mime: config.mime, account, tell, gone, underWay }
      const importer = new Importer({ ...options, ...parts })
      return importer.run(recordsOf(asker))
    }),
    'mail.mailboxes': operation(z.strictObject({ address: z.string() }), async ({ address }) => {
      const account = await accountOf(store, address)
      return { account: account.id, mailboxes: await exportedMailboxes(store, account) }
    }),
    'mail.page': question(
      z.strictObject({ account: z.int(), mailbox: z.int(), from: z.int() }),
      // Ids as `mail.mailboxes` told them.
      ({ account, mailbox, from }) =>
        exportPage(store, { account: account as AccountId, mailbox: mailbox as MailboxId, from }),
    ),
    'mail.octets': question(
      z.strictObject({ blob: z.int(), start: z.int(), end: z.int() }),
      ({ blob, start, end }) => octetsOf(store, { blob: blob as BlobId, start, end }),
    ),
  }
}

async function accountOf(store: Store, text: string): Promise<Account> {
  const address = tryAddress(text, { utf8: true })
  const found = address && (await store.findAddress(addressKey(address)))
  if (found?.type === 'account') return found.account
  const advice =
    found?.type === 'alias'
      ? ` It leads to ${found.targets.join(', ')}.`
      : ' `account list` shows those that are here.'
  throw new RefusedOperation(`There is no account ${text}.${advice}`)
}

async function* recordsOf({ input }: Asker): AsyncGenerator<ImportRecord> {
  for await (const value of input) {
    const checked = record.safeParse(value)
    if (!checked.success) throw new RefusedOperation(`mail.import: ${z.prettifyError(checked.error)}`)
    yield checked.data
  }
}
