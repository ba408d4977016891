// Leases: named claims on an account that end by themselves. The holder may renew; another gets one only when it expired.
import type { AccountId } from '../model.ts'
import { get, type Op, run } from '../op.ts'

/** See `LeaseStore.acquireLease`. False for an account that is gone, too. */
export function* acquireLease(request: {
  account: AccountId
  name: string
  holder: string
  now: number
  expiresAt: number
}): Op<boolean> {
  const { account, name, holder, now, expiresAt } = request
  const row = yield* get<{ holder: string }>`
    INSERT INTO lease (account, name, holder, expires_at)
    SELECT id, CAST(${name} AS TEXT), CAST(${holder} AS TEXT), CAST(${expiresAt} AS BIGINT) FROM account
    WHERE id = ${account}
    ON CONFLICT (account, name) DO UPDATE SET holder = excluded.holder, expires_at = excluded.expires_at
      WHERE lease.expires_at <= ${now} OR lease.holder = excluded.holder
    RETURNING holder`
  return row !== undefined
}

export function* releaseLease(request: { account: AccountId; name: string; holder: string }): Op<void> {
  const { account, name, holder } = request
  yield* run`DELETE FROM lease WHERE account = ${account} AND name = ${name} AND holder = ${holder}`
}
