// SEND, SOML and SAML (RFC 821 §3.4): a message on the terminals that its recipients have open at this moment.
import * as smtpEvents from '../../events/smtp.ts'
import { formatAddress } from '../../mail/address.ts'
import type { SessionContext } from './context.ts'
import { renderForTerminal } from './terminal-message.ts'
import type { Accepted, LocalTarget, WholeMessage } from './transaction.ts'

export interface Shown {
  /** How many terminals took it. */
  readonly terminals: number
  /** What is left of the recipients: those whom it was shown to nowhere, and those elsewhere. */
  readonly missed: Accepted[]
}

/** Shows the message to every local recipient, each account once. */
export async function showOnTerminals(context: SessionContext, whole: WholeMessage): Promise<Shown> {
  const { transaction } = whole
  const seen = new Map<LocalTarget['account']['id'], number>()
  for (const { local } of transaction.accepted) {
    for (const target of local) {
      const { account } = target
      if (seen.has(account.id)) continue
      seen.set(account.id, await show(context, whole, target))
    }
  }
  const terminals = [...seen.values()].reduce((sum, count) => sum + count, 0)
  if (terminals > 0) {
    context.emit(smtpEvents.messageShown, { ...context.who(), id: transaction.id, terminals })
  }
  const missed = transaction.accepted
    .map((one) => ({ ...one, local: one.local.filter(({ account }) => (seen.get(account.id) ?? 0) === 0) }))
    .filter(({ local, remote }) => local.length + remote.length > 0)
  return { terminals, missed }
}

async function show(
  { parts }: SessionContext,
  { transaction, ingested }: WholeMessage,
  { account, arrival }: LocalTarget,
): Promise<number> {
  const { terminals, readStaged, clock } = parts
  if (terminals === null || terminals.count(account.id) === 0) return 0
  const { message, structure } = ingested
  const { reversePath } = transaction.sender
  const rendered = await renderForTerminal({
    structure,
    read: (range) => readStaged(message.blob, range),
    reversePath: reversePath === null ? '' : formatAddress(reversePath),
    to: arrival.deliveredTo,
    at: clock.now(),
  })
  return terminals.show(account.id, rendered)
}
