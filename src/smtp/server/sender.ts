// MAIL: may this client send under this address, and what it asks for.
//
// For mail from outside and without filters nothing is asked of anybody, and the answer is given at once.
import { formatAddress } from '../../mail/address.ts'
import * as smtpEvents from '../../events/smtp.ts'
import { goOn, type Sender, type SmtpAnswer, type SmtpClient } from '../proto/questions.ts'
import { makeReply, replies, type Reply } from '../proto/reply.ts'
import { refuse, type SessionContext } from './context.ts'
import { messageOptions } from './message-options.ts'
import { ownershipOf } from './ownership.ts'
import type { PolicyStage } from './policy-stage.ts'
import { chargeAccount } from './rates.ts'
import type { Transaction } from './transaction.ts'

interface MailRequest {
  readonly client: SmtpClient
  readonly sender: Sender
  readonly policy: PolicyStage | null
}

export interface Begun {
  readonly transaction: Transaction
  readonly answer: SmtpAnswer | Promise<SmtpAnswer>
}

/** Where the answer is a refusal, the transaction is dropped by the core's next MAIL. */
export function beginTransaction(context: SessionContext, request: MailRequest): Begun {
  const { parts } = context
  const { sender } = request
  const options = messageOptions(sender, {
    now: parts.clock.now(),
    account: context.login.account?.address ?? null,
    // Strangers may put their mail behind that of others, not before.
    maxPriority: parts.role === 'submission' ? parts.submission.maxPriority : 0,
  })
  const transaction: Transaction = {
    ...{ id: context.nextMessageId(), sender, options },
    accepted: [],
    intake: null,
  }
  const { policy } = request
  const asksNobody = policy === null && parts.role !== 'submission' && parts.role !== 'odmr'
  const usual = usualAnswer(sender, options.priority)
  if (asksNobody) return { transaction, answer: usual }
  const answer = context.guard('mail', async () => {
    const reply = (await judgeSender(context, request)) ?? null
    if (reply !== null) return refuse(reply)
    return (await policy?.mail(transaction, request.client)) ?? usual
  })
  return { transaction, answer }
}

/** RFC 6710 §4.1: whoever hears of a lowered priority hears of it here, with X.3.6. */
function usualAnswer(sender: Sender, priority: number): SmtpAnswer {
  if (sender.priority === priority) return goOn
  return {
    type: 'reply',
    reply: makeReply(250, '2.3.6', `${priority} is the new priority assigned to the message`),
  }
}

async function judgeSender(context: SessionContext, { client, sender }: MailRequest): Promise<Reply | null> {
  const { parts, login } = context
  // RFC 2645 §5.2: AUTH, ATRN and QUIT are all that this port is for.
  if (parts.role === 'odmr') return replies.notImplemented
  if (parts.role !== 'submission') return null
  const { account } = login
  if (account === null) return replies.authFirst
  const { reversePath } = sender
  if (reversePath !== null && parts.submission.checkSender) {
    // RFC 6409 §6.1: whoever submits may only use his own addresses.
    const ownership = await ownershipOf(parts.directory, { account, address: reversePath })
    if (ownership === 'full') return replies.mailboxFull
    if (ownership === 'foreign') {
      context.emit(smtpEvents.senderRefused, {
        ...context.who(),
        username: client.username ?? '',
        reversePath: formatAddress(reversePath),
      })
      return replies.senderNotYours
    }
  }
  const refusal = await chargeAccount(parts, { account, what: 'messages' })
  if (refusal !== null) {
    context.emit(smtpEvents.rateExceeded, { ...context.who(), account: account.address, what: 'messages' })
  }
  return refusal
}
