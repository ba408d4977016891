// A filter's changes to a message before it is kept: envelope, header fields, body.
//
// Recipients that are added may be anybody's: an operator's filter says so, no client. Throws a TypeError for an address or a field name
// that is none: the filter is broken, and the message is deferred.
import type { Rewrite } from '../../config/hooks.ts'
import { restage } from '../../delivery/restage.ts'
import { addressKey, tryAddress, type Address } from '../../mail/address.ts'
import type { Ingested } from '../../store/ingest.ts'
import type { SessionContext } from './context.ts'
import { judgeRecipient } from './recipients.ts'
import { acceptedFrom, type Accepted, type Transaction } from './transaction.ts'

/** What a message is after the rewrites. */
export interface Rewritten {
  readonly transaction: Transaction
  readonly ingested: Ingested
}

/** Rejects with `StoreUnavailable`, or with a TypeError; what was staged here is dropped then. */
export async function applyRewrites(
  context: SessionContext,
  original: { transaction: Transaction; ingested: Ingested },
  rewrites: readonly Rewrite[],
): Promise<Rewritten> {
  let { transaction, ingested } = original
  for (const rewrite of rewrites) {
    transaction = await rewriteEnvelope(context, transaction, rewrite)
    const { stage, readStaged, submission } = context.parts
    const { maxHeaderSize } = submission
    ingested = await restage({ stage, readStaged, maxHeaderSize }, ingested, rewrite)
  }
  return { transaction, ingested }
}

async function rewriteEnvelope(
  { parts }: SessionContext,
  transaction: Transaction,
  rewrite: Rewrite,
): Promise<Transaction> {
  const { reversePath, addRecipients = [], removeRecipients = [] } = rewrite
  const removed = new Set(removeRecipients.map((text) => addressKey(parse(text))))
  const accepted = transaction.accepted.filter((one) => !names(one, removed))
  for (const text of addRecipients) {
    const address = parse(text)
    const verdict = await judgeRecipient(parts.directory, {
      ...{ role: parts.role, address, size: null },
      relay: 'anywhere',
    })
    if (!verdict.ok) throw new TypeError(`a filter added ${text}: ${verdict.reason}`)
    accepted.push(acceptedFrom(null, verdict))
  }
  const { sender } = transaction
  if (reversePath === undefined) return { ...transaction, accepted }
  const path = reversePath === '' ? null : parse(reversePath)
  return { ...transaction, accepted, sender: { ...sender, reversePath: path } }
}

/** Whether it is one of the recipients that are to go, by the name that the client gave it or by where it leads. */
function names({ recipient, remote }: Accepted, keys: ReadonlySet<string>): boolean {
  if (keys.size === 0) return false
  if (recipient !== null) return recipient.address !== null && keys.has(addressKey(recipient.address))
  return remote.some(({ address }) => keys.has(addressKey(address)))
}

function parse(text: string): Address {
  const address = tryAddress(text.replace(/^<(.*)>$/, '$1'), { utf8: true })
  if (address === undefined) throw new TypeError('a filter gave an address that is none')
  return address
}
