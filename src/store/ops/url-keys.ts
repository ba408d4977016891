// Keys of mailboxes with which URLs are authorised (RFC 4467 §3). A key comes into being when it is first asked for.
import type { AccountId, MailboxId } from '../model.ts'
import { get, type Op, run } from '../op.ts'
import { forUpdate } from './rows.ts'

interface Place {
  readonly account: AccountId
  readonly mailbox: MailboxId
}

/** The one that was made, where there is one. */
export function* findUrlKey({ account, mailbox }: Place): Op<Uint8Array | undefined> {
  const row = yield* get<{ key: Uint8Array }>`
    SELECT key FROM url_key WHERE account = ${account} AND mailbox = ${mailbox}`
  // A plain one, whatever the engine's.
  return row && Uint8Array.from(row.key)
}

/** See `MailStore.urlKey`: the first proposal that came is kept. */
export function* makeUrlKey(request: Place & { proposed: Uint8Array }): Op<Uint8Array | undefined> {
  const { account, mailbox, proposed } = request
  if (proposed.length < 16) throw new RangeError('a key has at least 16 octets')
  const place = yield* get<{ id: MailboxId }>`
    SELECT id FROM mailbox WHERE account = ${account} AND id = ${mailbox} ${forUpdate}`
  if (!place) return undefined
  yield* run`INSERT INTO url_key (account, mailbox, key) VALUES (${account}, ${mailbox}, ${proposed})
    ON CONFLICT DO NOTHING`
  return yield* findUrlKey(request)
}

/** See `MailStore.resetUrlKey`. */
export function* resetUrlKey(request: { account: AccountId; mailbox?: MailboxId }): Op<void> {
  const { account, mailbox } = request
  if (mailbox === undefined) yield* run`DELETE FROM url_key WHERE account = ${account}`
  else yield* run`DELETE FROM url_key WHERE account = ${account} AND mailbox = ${mailbox}`
}
