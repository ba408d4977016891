// Which keywords are in use in a mailbox (RFC 9051 §7.3.5 wants them in FLAGS).
import { all, type Op } from '../op.ts'
import type { AccountId, MailboxId } from '../model.ts'

/** See `MailStore.keywordsIn`. From each set of keywords to the next in the index, so that it costs what there are of sets. */
export function* keywordsIn(
  { account, mailbox }: { account: AccountId; mailbox: MailboxId },
  limits: { mailboxKeywords: number },
): Op<string[]> {
  const rows = yield* all<{ keywords: string }>`
    WITH RECURSIVE each_set (keywords) AS (
      SELECT MIN(keywords) FROM message WHERE account = ${account} AND mailbox = ${mailbox} AND keywords <> ''
      UNION ALL
      SELECT (SELECT MIN(keywords) FROM message WHERE account = ${account} AND mailbox = ${mailbox}
        AND keywords <> '' AND keywords > each_set.keywords)
      FROM each_set WHERE each_set.keywords IS NOT NULL
    )
    SELECT keywords FROM each_set WHERE keywords IS NOT NULL LIMIT ${limits.mailboxKeywords}`
  const found = new Map<string, string>()
  for (const { keywords } of rows) {
    for (const keyword of keywords.split(' ')) {
      if (!found.has(keyword.toLowerCase())) found.set(keyword.toLowerCase(), keyword)
    }
  }
  return [...found.values()].sort().slice(0, limits.mailboxKeywords)
}
