// Which keywords are in use in a mailbox (RFC 9051 §7.3.5 wants them in FLAGS).
import { all, type Op } from '../op.ts'
import type { AccountId, MailboxId } from '../model.ts'

/** See `MailStore.keywordsIn`. From each set of keywords to the next in the index, so that it costs what there are of sets. */
export function* keywordsIn(
  { account, mailbox }: { account: AccountId; mailbox: MailboxId },
  limits: { mailboxKeywords: number },
): Op<string[]> {
  const rows = yield* all<{ keywords: string }>`
    SELECT keywords FROM (
      WITH RECURSIVE step (keywords) AS (
        SELECT (SELECT MIN(first.keywords) FROM message AS first
          WHERE first.account = ${account} AND first.mailbox = ${mailbox} AND first.keywords <> '')
        UNION ALL
        SELECT (SELECT MIN(next.keywords) FROM message AS next
          WHERE next.account = ${account} AND next.mailbox = ${mailbox} AND next.keywords <> ''
            AND next.keywords > step.keywords)
        FROM step WHERE step.keywords IS NOT NULL
      )
      SELECT step.keywords FROM step WHERE step.keywords IS NOT NULL LIMIT ${limits.mailboxKeywords}) AS found`
  const found = new Map<string, string>()
  for (const { keywords } of rows) {
    for (const keyword of keywords.split(' ')) {
      if (!found.has(keyword.toLowerCase())) found.set(keyword.toLowerCase(), keyword)
    }
  }
  return [...found.values()].sort().slice(0, limits.mailboxKeywords)
}
