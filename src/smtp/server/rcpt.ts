// RCPT, all of it: where the address leads, whether somebody is at a terminal (SEND), what the filters say, and what the account may
// still name in this hour.
import * as smtpEvents from '../../events/smtp.ts'
import { formatAddress } from '../../mail/address.ts'
import { goOn, type Recipient, type SmtpAnswer, type SmtpClient } from '../proto/questions.ts'
import { replies, type Reply } from '../proto/reply.ts'
import { refuse, type SessionContext } from './context.ts'
import type { PolicyStage } from './policy-stage.ts'
import { chargeAccount } from './rates.ts'
import { judgeRecipient } from './recipients.ts'
import { acceptedFrom, type Accepted, type Transaction } from './transaction.ts'

interface RcptRequest {
  readonly client: SmtpClient
  readonly recipient: Recipient
  readonly policy: PolicyStage | null
}

/** Adds to the transaction what the recipient led to, or refuses. Rejects with `StoreUnavailable`. */
export async function acceptRecipient(
  context: SessionContext,
  transaction: Transaction,
  request: RcptRequest,
): Promise<SmtpAnswer> {
  const { recipient, policy, client } = request
  const found = await findRecipient(context, transaction, recipient)
  if (!found.ok) {
    const { address } = recipient
    const { reversePath } = transaction.sender
    context.emit(smtpEvents.recipientRefused, {
      ...{ ...context.who(), id: transaction.id },
      reversePath: reversePath === null ? '' : formatAddress(reversePath),
      recipient: address === null ? 'postmaster' : formatAddress(address),
      reason: found.reason,
    })
    return refuse(found.reply)
  }
  const refusal = await policy?.rcpt(transaction, { client, recipient })
  if (refusal != null) return refusal
  transaction.accepted.push(found.accepted)
  return goOn
}

type Found =
  | { readonly ok: true; readonly accepted: Accepted }
  | { readonly ok: false; readonly reply: Reply; readonly reason: string }

async function findRecipient(
  { parts, login }: SessionContext,
  { sender, options }: Transaction,
  recipient: Recipient,
): Promise<Found> {
  const { role, directory, returnPaths, smtp } = parts
  const { account } = login
  const verdict = await judgeRecipient(directory, {
    ...{ role, returnPaths },
    address: recipient.address,
    size: sender.size,
    relay: !parts.relays ? 'nothing' : role === 'submission' && account !== null ? 'anywhere' : 'ours',
    ...(role === 'mx' ? { takesFor: parts.takesFor } : {}),
    requireValidSince: recipient.requireValidSince,
  })
  if (!verdict.ok) return verdict
  const unwanted =
    role === 'submission' ? undefined : solicitationIn(options.solicitation, smtp.refuseSolicitation)
  if (unwanted !== undefined) {
    return { ok: false, reply: replies.solicitationRefused(unwanted), reason: 'solicitation' }
  }
  const accepted = acceptedFrom(recipient, verdict)
  if (sender.command === 'SEND') {
    const reply = terminalsMissing(accepted, (id) => parts.terminals?.count(id) ?? 0)
    if (reply !== null) return { ok: false, reply, reason: 'no-terminal' }
  }
  if (role === 'submission' && account !== null) {
    const reply = await chargeAccount(parts, { account, what: 'recipients' })
    if (reply !== null) return { ok: false, reply, reason: 'rate' }
  }
  return { ok: true, accepted }
}

/** RFC 3865 §2.2: the first class that is not wanted here. Keywords are compared as domains are, without regard to case. */
export function solicitationIn(asked: readonly string[], refused: readonly string[]): string | undefined {
  if (refused.length === 0) return undefined
  const unwanted = new Set(refused.map((keyword) => keyword.toLowerCase()))
  return asked.find((keyword) => unwanted.has(keyword.toLowerCase()))
}

/** RFC 821 §3.4: SEND is for terminals of this host, and for those that somebody sits at. */
function terminalsMissing(
  { local, remote }: Accepted,
  count: (account: Accepted['local'][number]['account']['id']) => number,
): Reply | null {
  if (remote.length > 0) return replies.terminalsElsewhere
  return local.some(({ account }) => count(account.id) > 0) ? null : replies.noTerminal
}
