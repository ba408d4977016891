// What changes without a modseq of its own (rights, annotations, subscriptions): the last change of each is kept as a row of
// `news`, so that who comes back hears of it from `changesSince`. The rows are forgotten with the tombstones.
import type { AccountId, Change, MailboxId, ModSeq } from '../model.ts'
import { all, changed, type Fragment, many, type Op, run, type Stmt } from '../op.ts'

export type News = Extract<
  Change,
  { type: 'rights-changed' | 'annotations-changed' | 'subscription-changed' }
>

type Kind = 'annotation' | 'rights' | 'subscription'

/** Stands for no mailbox, no viewer and, among grantees, anyone: no id is 0. */
export const nobody = 0

/** Keeps a change and has it published. */
export function* announce(change: News): Op<void> {
  yield* many(rowsOf(change))
  yield* changed(change)
}

function rowsOf(change: News): Stmt<number>[] {
  const { account, modSeq } = change
  switch (change.type) {
    case 'rights-changed':
      return [row({ account, modSeq, kind: 'rights', mailbox: change.mailbox })]
    case 'subscription-changed':
      return [row({ account, modSeq, kind: 'subscription', mailbox: null, name: change.name })]
    case 'annotations-changed': {
      const { mailbox, viewer, names } = change
      return names.map((name) => row({ account, modSeq, kind: 'annotation', mailbox, viewer, name }))
    }
  }
}

function row(values: {
  account: AccountId
  modSeq: ModSeq
  kind: Kind
  mailbox: MailboxId | null
  viewer?: AccountId | null
  name?: string
}): Stmt<number> {
  const { account, modSeq, kind, mailbox, viewer, name = '' } = values
  return run`INSERT INTO news (account, kind, mailbox, viewer, name, modseq)
    VALUES (${account}, ${kind}, ${mailbox ?? nobody}, ${viewer ?? nobody}, ${name}, ${modSeq})
    ON CONFLICT (account, kind, mailbox, viewer, name) DO UPDATE SET modseq = excluded.modseq, seen_at = NULL`
}

/** The changes that rows of `news` stand for, in order of modseq. */
export function* newsWhere(account: AccountId, where: Fragment): Op<News[]> {
  const rows = yield* all<{
    kind: Kind
    mailbox: MailboxId
    viewer: AccountId
    name: string
    modseq: ModSeq
    subscribed: number
  }>`SELECT kind, mailbox, viewer, name, modseq, CASE WHEN EXISTS (SELECT 1 FROM subscription
      WHERE subscription.account = news.account AND subscription.name = news.name) THEN 1 ELSE 0 END AS subscribed
    FROM news WHERE ${where} ORDER BY modseq, kind, mailbox, viewer, name`
  const told: News[] = []
  const names = new Map<string, string[]>()
  for (const { kind, mailbox: place, viewer: whose, name, modseq: modSeq, subscribed } of rows) {
    const mailbox = place === nobody ? null : place
    const viewer = whose === nobody ? null : whose
    if (kind === 'rights') told.push({ type: 'rights-changed', account, mailbox, modSeq })
    else if (kind === 'subscription') {
      told.push({ type: 'subscription-changed', account, modSeq, name, subscribed: subscribed === 1 })
    } else {
      const key = `${modSeq} ${place} ${whose}`
      const together = names.get(key)
      if (together) together.push(name)
      else {
        const list = [name]
        names.set(key, list)
        told.push({ type: 'annotations-changed', account, mailbox, modSeq, viewer, names: list })
      }
    }
  }
  return told
}
