// Short words for the queue's contract: messages, attempts, and what becomes of rows.
import assert from 'node:assert/strict'
import { plainMessageOptions, plainRecipientOptions } from '../../src/mail/delivery-options.ts'
import type { AccountId } from '../../src/store/model.ts'
import type {
  Attempt,
  ClaimedRecipient,
  NewQueueMessage,
  NewQueueRecipient,
  QueueEntry,
  QueueId,
  QueueRecipient,
  QueueRow,
  Settlement,
} from '../../src/store/queue.ts'
import { letter, prefixOf, type House } from './house.ts'

export const hour = 3_600_000

/** A waiting row. */
export function to(
  address: string,
  nextAttempt: number,
  more: Partial<NewQueueRecipient> = {},
): NewQueueRecipient {
  return {
    address,
    domain: address.slice(address.lastIndexOf('@') + 1),
    reversePath: null,
    options: plainRecipientOptions,
    nextAttempt,
    turn: nextAttempt,
    state: { type: 'waiting' },
    ...more,
  }
}

export function queued(
  house: House,
  name: string,
  recipients: readonly NewQueueRecipient[],
  more: Partial<NewQueueMessage> = {},
): NewQueueMessage {
  return {
    name,
    origin: 'submission',
    account: null,
    sender: 'ann@house.test',
    reversePath: 'ann@house.test',
    prefix: 'Received: from here\r\n',
    messageId: null,
    options: plainMessageOptions,
    arrivedAt: house.now,
    expiresAt: house.now + 120 * hour,
    delayReportAt: house.now + 4 * hour,
    recipients,
    ...more,
  }
}

/** Puts a message into the queue, and into the INBOX of these accounts. */
export async function enqueue(
  house: House,
  message: NewQueueMessage,
  options: { accounts?: readonly AccountId[]; content?: string | Uint8Array } = {},
): Promise<QueueId> {
  const targets = (options.accounts ?? []).map((account) => ({ account, prefix: prefixOf(account) }))
  const delivered = await house.store.deliver({
    message: await house.stage(options.content ?? letter(message.name)),
    internalDate: house.now,
    targets,
    enqueue: message,
  })
  assert.ok(delivered.ok && delivered.queued !== null)
  return delivered.queued
}

/** Several messages to one address each at a domain, due at once. */
export async function enqueueTo(house: House, domain: string, names: readonly string[]): Promise<QueueId[]> {
  const ids = []
  for (const [index, name] of names.entries()) {
    ids.push(
      await enqueue(house, queued(house, name, [to(`u@${domain}`, house.now, { turn: house.now + index })])),
    )
  }
  return ids
}

export async function claim(
  house: House,
  domain: string,
  more: { limit?: number; now?: number; holder?: string; leaseUntil?: number } = {},
): Promise<ClaimedRecipient[]> {
  const { limit = 10, now = house.now, holder = 'one', leaseUntil = now + 60_000 } = more
  return await house.store.claimDue({ domain, limit, now, holder, leaseUntil })
}

export async function claimedNames(...parameters: Parameters<typeof claim>): Promise<string[]> {
  return (await claim(...parameters)).map(({ message, recipient }) => `${message.name}.${recipient.number}`)
}

export function attempt(outcome: Attempt['outcome'], at: number, reply = '250 ok'): Attempt {
  return {
    at,
    host: 'mx.far.test',
    address: '192.0.2.1',
    tls: null,
    verification: null,
    policy: 'opportunistic',
    stage: 'content',
    outcome,
    reply,
    status: outcome === 'deferred' ? '4.2.0' : '2.0.0',
  }
}

export function done(
  row: QueueRow,
  at: number,
  more: Partial<Extract<Settlement, { type: 'done' }>> = {},
): Settlement {
  const { message, number } = row
  return {
    message,
    number,
    attempt: attempt('relayed', at),
    type: 'done',
    outcome: 'relayed',
    report: null,
    ...more,
  }
}

export function back(
  row: QueueRow,
  nextAttempt: number,
  more: Partial<Extract<Settlement, { type: 'waiting' }>> = {},
): Settlement {
  const { message, number } = row
  return {
    message,
    number,
    attempt: attempt('deferred', nextAttempt - hour, '450 later'),
    type: 'waiting',
    nextAttempt,
    turn: nextAttempt,
    reason: '450 later',
    fault: 'none',
    counts: true,
    ...more,
  }
}

export async function settle(
  house: House,
  settlements: readonly Settlement[],
  holder: string | null = 'one',
): Promise<void> {
  await house.store.settle({ settlements, holder, now: house.now, events: [] })
}

export async function entryOf(
  house: House,
  id: QueueId,
): Promise<QueueEntry & { attempts: readonly { number: number; attempt: Attempt }[] }> {
  const entry = await house.store.queueEntry(id)
  assert.ok(entry)
  return entry
}

export async function rowOf(house: House, message: QueueId, number = 0): Promise<QueueRecipient> {
  const row = (await entryOf(house, message)).recipients[number]
  assert.ok(row)
  return row
}
