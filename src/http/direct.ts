// `mode=direct`: the request waits while its message goes straight to the hosts of its recipients, and their replies are the answer.
//
// The message is staged while that lasts, since it may have to be read more than once; then it is dropped, whatever came of it.
import type { Clock } from '../base/clock.ts'
import type { Direct, DirectResult } from '../delivery/direct.ts'
import { submittedTrace, takeSubmitted } from '../delivery/submitter.ts'
import { formatAddress } from '../mail/address.ts'
import type { Ingest } from '../store/ingest.ts'
import type { BlobStore } from '../store/store.ts'
import type { DirectMessage, SendDirect } from './parts.ts'
import type { SendResponse } from './schema.ts'

export interface SendDirectParts {
  readonly direct: Direct
  readonly stage: () => Ingest
  readonly blobs: Pick<BlobStore, 'readStaged'>
  readonly clock: Clock
  readonly hostname: string
  /** Octets; 0 is no limit. */
  readonly maxMessageSize: number
  readonly maxHeaderSize: number
}

/** For `HttpParts.direct`. */
export function createSendDirect(parts: SendDirectParts): SendDirect {
  return async (message) => {
    const staged = parts.stage()
    try {
      const problem = await takeSubmitted(staged, message.content, { ...parts, id: message.id })
      return problem ?? (await deliver(parts, message, staged))
    } finally {
      await staged.discard()
    }
  }
}

async function deliver(
  { direct, blobs, clock, hostname }: SendDirectParts,
  message: DirectMessage,
  staged: Ingest,
): Promise<SendResponse['recipients']> {
  const { id, options, recipients, remoteAddress, signal } = message
  const finished = await staged.finish()
  const { blob } = finished.message
  const came = { protocol: 'HTTP', remoteAddress } as const
  const results = await direct.deliver({
    parcel: {
      ...{ name: id, options },
      prefix: submittedTrace({ came, recipients }, { id, hostname, now: clock.now() }),
      bodySize: blob.size,
      small: () => Promise.resolve(undefined),
      read: () => blobs.readStaged(blob),
      structure: () => finished.structure,
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
