// `/api/v1/messages`: sending, looking up and cancelling.
//
// - 202 means what 250 means: a durable commit holds the message for every recipient that is not told as refused.
// - The rules are those of submission (RFC 6409): the reverse-path, From and Sender belong to the account, and the hourly counts are
//   the same ones.
// - A request with an Idempotency-Key is done once. The same key with the same request gets the first answer again; with another
//   request it is refused. Only requests that were accepted count.
import { createHash } from 'node:crypto'
import { apiAccepted, apiRefused } from '../events/http.ts'
import { type Address, addressKey, formatAddress } from '../mail/address.ts'
import type { Account } from '../store/model.ts'
import type { QueueEntry, QueueId } from '../store/queue.ts'
import type { Store } from '../store/store.ts'
import type { FilterReply, SubmitRefusal, SubmittedRecipient } from '../delivery/submitter.ts'
import type { RequestOrigin } from './authenticate.ts'
import { fingerprintText, type Outgoing, readOutgoing } from './outgoing.ts'
import type { HttpParts } from './parts.ts'
import { isProblem, makeProblem, type Problem, type ProblemStatus } from './problem.ts'
import type { SendResponse, StatusResponse } from './schema.ts'

export interface SendContext {
  readonly account: Account
  readonly origin: RequestOrigin
}

/** 202 with `SendResponse`, or why not. Rejects with `StoreUnavailable`. */
export async function send(
  parts: HttpParts,
  request: Request,
  context: SendContext,
): Promise<SendResponse | Problem> {
  const answer = await trySend(parts, request, context)
  const { account, origin } = context
  const who = { account: account.address, remoteAddress: origin.remoteAddress }
  if (isProblem(answer)) parts.events.emit(apiRefused, { ...who, reason: answer.code })
  else parts.events.emit(apiAccepted, { ...who, id: answer.id, recipients: answer.recipients.length })
  return answer
}

async function trySend(
  parts: HttpParts,
  request: Request,
  context: SendContext,
): Promise<SendResponse | Problem> {
  const key = request.headers.get('idempotency-key')
  if (key !== null && !/^[\x21-\x7e]{1,200}$/.test(key)) {
    return makeProblem(400, 'bad-idempotency-key', 'An Idempotency-Key is 1 to 200 printable characters.')
  }
  const mode = new URL(request.url).searchParams.get('mode') ?? 'queue'
  if (mode !== 'queue' && mode !== 'direct') {
    return makeProblem(400, 'bad-mode', 'mode is `queue` or `direct`.')
  }
  const hash = createHash('sha256').update(fingerprintText(request))
  const outgoing = await readOutgoing(request, parts, (bytes) => hash.update(bytes))
  if (isProblem(outgoing)) return outgoing
  const refusal =
    (await judge(parts, outgoing, context.account)) ?? (await charge(parts, outgoing, context.account))
  if (refusal !== null) return refusal
  if (mode === 'direct') return sendDirect(parts, outgoing, { request, context })
  return submit(parts, outgoing, { context, key, digest: () => hash.copy().digest('base64') })
}

/** RFC 6409 §6.1 and §6.3. Null where all is well. */
async function judge(parts: HttpParts, outgoing: Outgoing, account: Account): Promise<Problem | null> {
  const { submission, config } = parts
  const { recipients, reversePath, authors } = outgoing
  if (recipients.length === 0) return makeProblem(422, 'no-recipients', 'Nobody is named as a recipient.')
  if (recipients.length > config.maxRecipients) {
    return makeProblem(422, 'too-many-recipients', `More than ${config.maxRecipients} recipients.`)
  }
  if (submission.checkSender && reversePath !== null && !(await owns(parts, account, reversePath))) {
    return makeProblem(403, 'foreign-sender', `${formatAddress(reversePath)} is not yours to send under.`)
  }
  if (!submission.checkFrom) return null
  for (const author of authors) {
    if (!(await owns(parts, account, author))) {
      return makeProblem(403, 'foreign-author', `${formatAddress(author)} is not yours to write under.`)
    }
  }
  return null
}

async function owns({ submitter }: HttpParts, account: Account, address: Address): Promise<boolean> {
  return addressKey(address) === account.address || submitter.owns(account.id, address)
}

const hour = 3_600_000

/** The same counts as submission by SMTP. Null where all is well. */
async function charge(
  { store, submission, clock }: HttpParts,
  { recipients }: Outgoing,
  account: Account,
): Promise<Problem | null> {
  const start = Math.floor(clock.now() / hour) * hour
  const counts = [
    ['messages', 1, submission.messagesPerHour],
    ['recipients', recipients.length, submission.recipientsPerHour],
  ] as const
  for (const [what, amount, limit] of counts) {
    if (limit === 0) continue
    const charged = await store.chargeRate({ key: `${what}:${account.id}`, start, amount, limit })
    if (charged.ok) continue
    const wait = Math.ceil((start + hour - clock.now()) / 1000)
    return {
      ...makeProblem(429, 'rate', `More than ${limit} ${what} in this hour.`),
      headers: { 'retry-after': String(wait) },
    }
  }
  return null
}

/** What is remembered of a request that was done. */
interface Remembered extends SendResponse {
  readonly digest: string
}

async function submit(
  parts: HttpParts,
  outgoing: Outgoing,
  { context, key, digest }: { context: SendContext; key: string | null; digest: () => string },
): Promise<SendResponse | Problem> {
  const { clock, config, submitter } = parts
  const { reversePath, content, options, recipientOptions } = outgoing
  const { account, origin } = context
  const answer = (done: { id: string; recipients: readonly SubmittedRecipient[] }): SendResponse => ({
    id: done.id,
    ...(options.holdUntil === null ? {} : { scheduledAt: iso(options.holdUntil) }),
    recipients: done.recipients.map((recipient) => {
      // Until its time comes it is in no mailbox.
      const waits = options.holdUntil !== null && recipient.status === 'delivered'
      return { ...recipient, status: waits ? 'queued' : recipient.status }
    }),
  })
  const once = key !== null && {
    account: account.id,
    key: `api ${key}`,
    expiresAt: clock.now() + config.idempotencyTime,
    result: (done: Parameters<typeof answer>[0]) =>
      JSON.stringify({ ...answer(done), digest: digest() } satisfies Remembered),
  }
  const result = await submitter.submit({
    ...{ reversePath, content, options },
    recipients: outgoing.recipients.map((address) => ({ address, options: recipientOptions })),
    origin: 'api',
    account: account.id,
    came: { protocol: 'HTTP', remoteAddress: origin.remoteAddress },
    ...(once === false ? {} : { once }),
  })
  if (!result.ok) return { ...refusals(result.reason, result.reply), recipients: [...result.recipients] }
  if (result.before === undefined) return answer(result)
  // Written above, by this version or an earlier one.
  const { digest: earlier, ...before } = JSON.parse(result.before) as Remembered
  if (earlier === digest()) return before
  return makeProblem(422, 'idempotency-key-reused', 'The Idempotency-Key belongs to another request.')
}

function refusals(reason: SubmitRefusal, reply?: FilterReply): Problem {
  // What a filter says, in its own words; class 4 may be tried again.
  if (reply !== undefined) return makeProblem(reply.code < 500 ? 503 : 422, reason, reply.text)
  const [status, detail] = refusalTable[reason]
  return makeProblem(status, reason, detail)
}

const refusalTable: Record<SubmitRefusal, readonly [ProblemStatus, string]> = {
  'no-recipients': [422, 'No recipient can be served.'],
  'too-big': [413, 'The message is too large.'],
  'header-too-big': [422, 'The message’s header is too large.'],
  loop: [422, 'The message has been here before.'],
  'over-quota': [422, 'The mailbox is full.'],
  'no-such-account': [422, 'No recipient can be served.'],
  'queue-full': [503, 'The queue takes no more. Try again later.'],
  'no-relay': [422, 'This server does not relay.'],
  policy: [422, 'A filter of this server refused it.'],
}

async function sendDirect(
  { direct, random }: HttpParts,
  outgoing: Outgoing,
  { request, context }: { request: Request; context: SendContext },
): Promise<SendResponse | Problem> {
  if (direct === null) return makeProblem(422, 'no-relay', 'This server does not relay.')
  const { reversePath, content, options, recipientOptions } = outgoing
  if (options.holdUntil !== null) {
    return makeProblem(422, 'scheduled-direct', 'What is delivered directly cannot be scheduled.')
  }
  const id = random.id(80)
  const recipients = await direct({
    ...{ id, reversePath, content, options },
    account: context.account,
    recipients: outgoing.recipients.map((address) => ({ address, options: recipientOptions })),
    remoteAddress: context.origin.remoteAddress,
    signal: request.signal,
  })
  if (typeof recipients === 'string') return refusals(recipients)
  return Array.isArray(recipients) ? { id, recipients } : refusals('policy', recipients)
}

type FullEntry = NonNullable<Awaited<ReturnType<Store['queueEntry']>>>

const notFound = makeProblem(
  404,
  'not-found',
  'No such message of yours is known here. Messages for mailboxes of this server alone leave nothing to look up.',
)

async function ownEntry(parts: HttpParts, name: string, account: Account): Promise<FullEntry | null> {
  const id = await parts.store.findQueued(name)
  const entry = id === undefined ? undefined : await parts.store.queueEntry(id)
  // Somebody else's is not there: whether it exists is nobody's business.
  return entry === undefined || entry.message.account !== account.id ? null : entry
}

/** What has become of it, recipient by recipient. */
export async function status(
  parts: HttpParts,
  name: string,
  account: Account,
): Promise<StatusResponse | Problem> {
  const entry = await ownEntry(parts, name, account)
  if (entry === null) return notFound
  const { holdUntil } = entry.message.options
  return {
    id: name,
    acceptedAt: iso(entry.message.arrivedAt),
    ...(holdUntil === null ? {} : { scheduledAt: iso(holdUntil) }),
    recipients: entry.recipients.map((recipient) => recipientStatus(recipient, entry)),
  }
}

function recipientStatus(
  recipient: QueueEntry['recipients'][number],
  { attempts }: FullEntry,
): StatusResponse['recipients'][number] {
  const { address, state, outcome, nextAttempt, reason, number } = recipient
  return {
    address,
    status: state === 'settled' ? (outcome ?? 'discarded') : state === 'waiting' ? 'queued' : state,
    ...(state === 'waiting' ? { nextAttempt: iso(nextAttempt) } : {}),
    ...(reason === '' ? {} : { reason }),
    attempts: attempts
      .filter((one) => one.number === number)
      .map(({ attempt: { at, outcome: ended, host, tls, status: code, reply } }) => ({
        ...{ at: iso(at), outcome: ended, host, tls, status: code, reply },
      })),
  }
}

/** Takes back what no host has been asked to take yet. */
export async function cancel(
  parts: HttpParts,
  name: string,
  account: Account,
): Promise<{ id: string; cancelled: number } | Problem> {
  const entry = await ownEntry(parts, name, account)
  if (entry === null) return notFound
  const cancelled = await discard(parts, entry.message.id)
  if (cancelled > 0) return { id: name, cancelled }
  return makeProblem(409, 'too-late', 'Nothing of the message waits any more.')
}

function discard({ store, clock, webhooks }: HttpParts, id: QueueId): Promise<number> {
  return store.changeQueued({
    filter: { id },
    change: { type: 'discard', reason: 'cancelled by its sender' },
    now: clock.now(),
    webhooks: webhooks.length > 0 ? 'on' : 'off',
  })
}

function iso(time: number): string {
  return new Date(time).toISOString()
}
