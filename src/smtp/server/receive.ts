// The end of a message: what is still to be decided about it as a whole, then one commit that makes it safe, then the reply.
//
// Nothing is promised before `deliver` has resolved, and nothing is left when it did not: whatever goes wrong before the
// commit discards what was staged (docs/architecture.md: what "250" means). What was staged in a file and is refused after it was
// finished is garbage that the store collects.
import type { Arrival, DeliveryRefusal, DeliveryResult } from '../../delivery/delivery.ts'
import * as smtpEvents from '../../events/smtp.ts'
import { formatAddress } from '../../mail/address.ts'
import type { AccountId } from '../../store/model.ts'
import type { QueueOrigin } from '../../store/queue.ts'
import type { SmtpAnswer, SmtpClient } from '../proto/questions.ts'
import { trySolicitation } from '../proto/parameter-values.ts'
import { replies, type Reply } from '../proto/reply.ts'
import { refuse, type SessionContext } from './context.ts'
import { declinesTls, hookFields, readHeader, solicitationOf, type MessageHeader } from './message-header.ts'
import type { PolicyStage } from './policy-stage.ts'
import { solicitationIn } from './rcpt.ts'
import { applyRewrites } from './rewrite.ts'
import type { SmtpRole } from './role.ts'
import { checkSubmittedFields } from './submitted-fields.ts'
import { showOnTerminals } from './terminal-delivery.ts'
import { makeTrace } from './trace.ts'
import type { Transaction, WholeMessage } from './transaction.ts'
import { mayRequireOwner, namesFormerOwner } from './valid-since.ts'

interface EndRequest {
  readonly client: SmtpClient
  readonly policy: PolicyStage | null
}

/** Answers the end of a message. Rejects when the store cannot; nothing was kept then. */
export async function receiveMessage(
  context: SessionContext,
  transaction: Transaction,
  { client, policy }: EndRequest,
): Promise<SmtpAnswer> {
  const { intake } = transaction
  if (intake === null) throw new Error('the end of a message that never began')
  try {
    const ingested = await intake.finish()
    if (intake.failed) throw new Error('a message with too large a header was not refused')
    context.parts.checkpoint?.('smtp.staged')
    const whole = { transaction, ingested, client, quarantine: null, named: transaction.accepted }
    const judged = await judgeMessage(context, whole, policy)
    const answer = 'answer' in judged ? judged.answer : await keep(context, judged, policy)
    if (answer.type === 'reply' && answer.reply.code >= 400) await intake.discard()
    return answer
  } catch (error) {
    await intake.discard()
    throw error
  }
}

/** The message as it may be kept, or the answer to it. */
async function judgeMessage(
  context: SessionContext,
  whole: WholeMessage,
  policy: PolicyStage | null,
): Promise<WholeMessage | { readonly answer: SmtpAnswer }> {
  const header = await headerFor(context, whole, policy)
  if (header === null) return whole
  const reply = await judgeHeader(context, whole, header)
  if (reply !== null) return { answer: refuse(reply) }
  const settled = withHeaderOptions(whole, header)
  return policy === null ? settled : askPolicy(context, settled, { policy, header })
}

/** The header, where anybody will look at it; mail for mailboxes here is not read back without a reason. */
async function headerFor(
  { parts }: SessionContext,
  { transaction, ingested }: WholeMessage,
  policy: PolicyStage | null,
): Promise<MessageHeader | null> {
  const { role, submission, smtp } = parts
  const remote = transaction.accepted.some((one) => one.remote.length > 0)
  const checked = role === 'submission' ? submission.checkFrom : smtp.refuseSolicitation.length > 0
  if (!remote && !checked && policy === null && !mayRequireOwner(ingested.message.blob)) return null
  return readHeader(parts.readStaged(ingested.message.blob), submission.maxHeaderSize)
}

async function judgeHeader(
  context: SessionContext,
  { transaction }: WholeMessage,
  header: MessageHeader,
): Promise<Reply | null> {
  const { parts, login } = context
  if (namesFormerOwner(header, transaction.accepted)) {
    tellRefused(context, transaction, 'owner-changed')
    return replies.ownerChanged
  }
  if (parts.role !== 'submission') {
    // RFC 3865 §2.3: a class that was named as unwanted is not delivered when the header alone tells it.
    const unwanted = solicitationIn(solicitationOf(header), parts.smtp.refuseSolicitation)
    if (unwanted === undefined) return null
    tellRefused(context, transaction, 'solicitation')
    return replies.solicitationRefused(unwanted)
  }
  const { account } = login
  if (account === null) return replies.authFirst
  if (!parts.submission.checkFrom) return null
  const reply = await checkSubmittedFields(context, { header, account, id: transaction.id })
  if (reply !== null) tellRefused(context, transaction, 'from')
  return reply
}

/** What the header asks for that MAIL did not say. */
function withHeaderOptions(whole: WholeMessage, header: MessageHeader): WholeMessage {
  const { options } = whole.transaction
  // RFC 8689 §3: the field asks for delivery rather than TLS; REQUIRETLS on the envelope is stronger than it.
  const tlsOptional = !options.requireTls && declinesTls(header)
  // RFC 3865 §2.7: the server sets the parameter where the client did not know of it.
  const named = options.solicitation.length > 0 ? [] : solicitationOf(header)
  const solicitation = trySolicitation(named.join(',')) ?? options.solicitation
  if (!tlsOptional && solicitation === options.solicitation) return whole
  const transaction = { ...whole.transaction, options: { ...options, tlsOptional, solicitation } }
  return { ...whole, transaction }
}

async function askPolicy(
  context: SessionContext,
  whole: WholeMessage,
  { policy, header }: { policy: PolicyStage; header: MessageHeader },
): Promise<WholeMessage | { readonly answer: SmtpAnswer }> {
  const { transaction, ingested, client } = whole
  const { blob } = ingested.message
  const verdict = await policy.message(transaction, { client, headers: hookFields(header), blob })
  if (verdict === null) return whole
  if (verdict.type === 'refuse') {
    tellRefused(context, transaction, 'policy')
    return { answer: policy.refusal(transaction, verdict) }
  }
  const what = { ...context.who(), id: transaction.id, by: verdict.by }
  switch (verdict.type) {
    case 'discard':
      context.emit(smtpEvents.messageDiscarded, what)
      return { answer: answerFor(context, whole, replies.messageOkAs(transaction.id)) }
    case 'quarantine': {
      const rewritten = await applyRewrites(context, { transaction, ingested }, verdict.rewrites)
      context.emit(smtpEvents.messageQuarantined, { ...what, reason: verdict.reason })
      return { ...whole, ...rewritten, quarantine: verdict.reason }
    }
    case 'rewrite': {
      const rewritten = await applyRewrites(context, { transaction, ingested }, verdict.rewrites)
      context.emit(smtpEvents.messageRewritten, what)
      return { ...whole, ...rewritten }
    }
  }
}

function tellRefused(context: SessionContext, { id, sender }: Transaction, reason: string): void {
  const { reversePath } = sender
  context.emit(smtpEvents.messageRefused, {
    ...{ ...context.who(), id, reason },
    reversePath: reversePath === null ? '' : formatAddress(reversePath),
  })
}

/** Shows it, keeps it, or both, as the command says; then the reply. */
async function keep(
  context: SessionContext,
  whole: WholeMessage,
  policy: PolicyStage | null,
): Promise<SmtpAnswer> {
  const { parts } = context
  const { transaction, ingested } = whole
  const { command } = transaction.sender
  let { accepted } = transaction
  // What is held for an operator is shown to nobody.
  const onTerminals = whole.quarantine === null
  if (onTerminals && (command === 'SEND' || command === 'SOML')) {
    const shown = await showOnTerminals(context, whole)
    if (command === 'SEND') return sent(context, transaction, shown.terminals)
    accepted = shown.missed
    if (accepted.length === 0) return refuse(replies.messageShown(transaction.id))
  }
  // A filter took every recipient away: that is its way to throw a message away.
  if (accepted.length === 0) return answerFor(context, whole, replies.messageOkAs(transaction.id))
  const result = await parts.delivery.deliver(arrivalOf(context, whole, accepted))
  const { size } = ingested.message.blob
  if (!result.ok) {
    tellRefused(context, transaction, result.reason)
    return refuse(refusals[result.reason])
  }
  // RFC 821 §3.4: to the terminal too. It is in the mailbox, whether anybody sees it there or not.
  if (onTerminals && command === 'SAML') await showOnTerminals(context, whole)
  tell(context, whole, result)
  if (policy !== null) tellPolicy(policy, { ...transaction, accepted }, { result, bytes: size })
  parts.checkpoint?.('smtp.before-reply')
  // Reports of success may be in the queue for mail that is in its mailbox.
  const waits = whole.quarantine !== null || transaction.options.holdUntil !== null
  const queued = result.queued !== undefined && (waits || accepted.some(({ remote }) => remote.length > 0))
  const usual = queued ? replies.messageQueuedAs(transaction.id) : replies.messageOkAs(transaction.id)
  return answerFor(context, whole, usual, result)
}

/** RFC 821 §3.4: SEND is seen or refused, and kept in neither case. */
function sent(context: SessionContext, transaction: Transaction, terminals: number): SmtpAnswer {
  if (terminals > 0) return refuse(replies.messageShown(transaction.id))
  tellRefused(context, transaction, 'no-terminal')
  return refuse(replies.noTerminal)
}

const refusals: Record<DeliveryRefusal, Reply> = {
  loop: replies.loop,
  'over-quota': replies.mailboxFull,
  'no-such-account': replies.noSuchUser,
  'queue-full': replies.queueFull,
  'no-relay': replies.noRelay,
}

const origins: Record<SmtpRole, QueueOrigin> = {
  mx: 'mx',
  submission: 'submission',
  lmtp: 'lmtp',
  odmr: 'submission',
  catcher: 'mx',
}

function arrivalOf(context: SessionContext, whole: WholeMessage, accepted: Transaction['accepted']): Arrival {
  const { parts, login, peer } = context
  const { transaction, ingested, quarantine } = whole
  const { account } = login
  const receivedAt = parts.clock.now()
  return {
    reversePath: transaction.sender.reversePath,
    recipients: accepted.flatMap(({ local }) => local.map(({ arrival }) => arrival)),
    remote: accepted.flatMap(({ remote }) => remote),
    message: ingested.message,
    structure: ingested.structure,
    trace: makeTrace(context, whole, receivedAt),
    receivedAt,
    id: transaction.id,
    origin: origins[parts.role],
    account: account?.id ?? null,
    sender: account?.address ?? peer.remoteAddress,
    connection: peer,
    options: transaction.options,
    // RFC 2033 §4.2: a reply for each recipient, so a full mailbox refuses its own alone.
    ...(parts.role === 'lmtp' ? { quota: 'each' as const } : {}),
    ...(quarantine === null ? {} : { quarantine }),
  }
}

/** One reply; in LMTP one for each recipient, in the order of RCPT (RFC 2033 §4.2). */
function answerFor(
  { parts }: SessionContext,
  { named }: WholeMessage,
  reply: Reply,
  result: (DeliveryResult & { readonly ok: true }) | null = null,
): SmtpAnswer {
  if (parts.role !== 'lmtp') return refuse(reply)
  const lost = new Map<number, Reply>()
  for (const { account } of result?.unknown ?? []) lost.set(account, replies.noSuchUser)
  for (const { account } of result?.full ?? []) lost.set(account, replies.mailboxFull)
  return {
    type: 'replies',
    replies: named.map(({ local, remote }) => {
      const kept = remote.length > 0 || local.some(({ account }) => !lost.has(account.id))
      const [first] = local
      return kept || first === undefined ? reply : (lost.get(first.account.id) ?? reply)
    }),
  }
}

function tell(
  context: SessionContext,
  whole: WholeMessage,
  result: DeliveryResult & { readonly ok: true },
): void {
  const { transaction, ingested } = whole
  const { id, sender, accepted, options } = transaction
  const { reversePath } = sender
  const lost = lostAccounts(result)
  for (const { deliveredTo } of result.unknown) {
    context.emit(smtpEvents.recipientVanished, { role: context.parts.role, id, recipient: deliveredTo })
  }
  context.emit(smtpEvents.messageAccepted, {
    ...{ ...context.who(), id },
    reversePath: reversePath === null ? '' : formatAddress(reversePath),
    recipients: accepted.reduce(
      (sum, { local, remote }) =>
        sum + remote.length + local.filter(({ account }) => !lost.has(account.id)).length,
      0,
    ),
    bytes: ingested.message.blob.size,
    queued: result.queued !== undefined,
    priority: options.priority,
  })
}

/** Whose mailbox did not get it after all: gone, or full. */
function lostAccounts({ unknown, full = [] }: DeliveryResult & { readonly ok: true }): Set<AccountId> {
  return new Set([...unknown, ...full].map(({ account }) => account))
}

function tellPolicy(
  policy: PolicyStage,
  { id, sender, accepted }: Transaction,
  { result, bytes }: { result: DeliveryResult & { readonly ok: true }; bytes: number },
): void {
  const lost = lostAccounts(result)
  const { reversePath } = sender
  policy.delivered({
    id,
    reversePath: reversePath === null ? '' : formatAddress(reversePath),
    recipients: accepted.flatMap(({ local, remote }) => [
      ...local
        .filter(({ account }) => !lost.has(account.id))
        .map(({ account, arrival }) => ({ address: arrival.deliveredTo, where: account.address })),
      ...remote.map(({ address }) => ({ address: formatAddress(address), where: 'queue' })),
    ]),
    bytes,
  })
}
