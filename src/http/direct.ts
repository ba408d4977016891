// `mode=direct`: the request waits while its message goes straight to the hosts of its recipients, and their replies are the answer.
//
// The message is staged while that lasts, since it may have to be read more than once; then it is dropped, whatever came of it.
import type { Clock } from '../base/clock.ts'
import type { Direct, DirectResult } from '../delivery/direct.ts'
import { type FilterParts, SubmissionFilter } from '../delivery/submission-filter.ts'
import { type FilterReply, submittedTrace, takeSubmitted } from '../delivery/submitter.ts'
import { addressKey, formatAddress } from '../mail/address.ts'
import { plainRecipientOptions } from '../mail/delivery-options.ts'
import type { Ingest, Ingested } from '../store/ingest.ts'
import type { BlobStore } from '../store/store.ts'
import type { DirectMessage, SendDirect } from './parts.ts'
import type { SendResponse } from './schema.ts'

export interface SendDirectParts extends Omit<FilterParts, 'readStaged'> {
  readonly direct: Direct
  readonly blobs: Pick<BlobStore, 'readStaged'>
  readonly clock: Clock
  /** Octets; 0 is no limit. */
  readonly maxMessageSize: number
}

/** For `HttpParts.direct`. */
export function createSendDirect(parts: SendDirectParts): SendDirect {
  const { blobs } = parts
  const filterParts = { ...parts, readStaged: blobs.readStaged.bind(blobs) }
  return async (message) => {
    const filter = new SubmissionFilter(filterParts, {
      ...{ id: message.id, service: 'api', remoteAddress: message.remoteAddress },
      ...{ username: message.account.address, reversePath: message.reversePath, options: message.options },
    })
    const staged = parts.stage()
    try {
      return await filtered(parts, { message, staged, filter })
    } finally {
      filter.closed()
      await staged.discard()
    }
  }
}

/** Nothing is kept here, so nothing can be held for an operator. */
const cannotHold: FilterReply = {
  code: 550,
  status: '5.7.1',
  text: 'A filter wants it looked at first; what is delivered directly cannot be held.',
}

async function filtered(
  parts: SendDirectParts,
  { message, staged, filter }: { message: DirectMessage; staged: Ingest; filter: SubmissionFilter },
): ReturnType<SendDirect> {
  const refusal = await filter.begin()
  if (refusal !== null) return refusal
  const refused: SendResponse['recipients'] = []
  const asked: DirectMessage['recipients'][number][] = []
  for (const recipient of message.recipients) {
    const { address, options } = recipient
    if ((await filter.recipient(address, options)) === null) asked.push(recipient)
    else refused.push({ address: formatAddress(address), status: 'refused', reason: 'policy' })
  }
  if (asked.length === 0) return refused
  const problem = await takeSubmitted(staged, message.content, { ...parts, id: message.id })
  if (problem !== null) return problem
  const verdict = await filter.message(await staged.finish())
  if (verdict.type === 'refuse') return verdict
  if (verdict.type === 'discard') {
    return message.recipients.map(({ address }) => ({
      address: formatAddress(address),
      status: 'refused',
      reason: 'policy',
    }))
  }
  if (verdict.quarantine !== null) return cannotHold
  const recipients = [
    ...asked.filter(({ address }) => !verdict.removed.has(addressKey(address))),
    ...verdict.added.map((address) => ({ address, options: plainRecipientOptions })),
  ]
  const { reversePath, ingested } = verdict
  return [...refused, ...(await deliver(parts, { ...message, reversePath, recipients }, ingested))]
}

async function deliver(
  { direct, blobs, clock, hostname }: SendDirectParts,
  message: DirectMessage,
  { message: { blob }, structure }: Ingested,
): Promise<SendResponse['recipients']> {
  const { id, options, recipients, remoteAddress, signal } = message
  const came = { protocol: 'HTTP', remoteAddress } as const
  const results = await direct.deliver({
    parcel: {
      ...{ name: id, options },
      prefix: submittedTrace({ came, recipients }, { id, hostname, now: clock.now() }),
      bodySize: blob.size,
      small: () => Promise.resolve(undefined),
      read: () => blobs.readStaged(blob),
      structure: () => structure,
    },
    reversePath: message.reversePath === null ? '' : formatAddress(message.reversePath),
    recipients: recipients.map(({ address, options: wishes }) => ({
      address: formatAddress(address),
      options: wishes,
    })),
    account: message.account.address,
    signal,
  })
  return results.map(told)
}

function told({ recipient: address, result }: DirectResult): SendResponse['recipients'][number] {
  switch (result.type) {
    case 'done':
      return { address, status: 'delivered', reason: result.attempt.reply }
    case 'deferred':
    case 'failed':
    case 'unknown':
      return { address, status: result.type, reason: result.attempt.reply }
    case 'held':
      return { address, status: 'refused', reason: result.reason }
    case 'untried':
      return { address, status: 'deferred', reason: 'it was not tried' }
  }
}
