// The trace fields that a message gets here (RFC 5321 §4.4): Return-Path and Delivered-To for a mailbox, Received for all.
import type { ArrivalRecipient } from '../../delivery/delivery.ts'
import { tryAddress } from '../../mail/address.ts'
import { formatDeliveredTo, formatReceived, formatReturnPath, withProtocol } from '../../mail/received.ts'
import type { SessionContext } from './context.ts'
import type { Transaction, WholeMessage } from './transaction.ts'

/** For a recipient's mailbox; with null for relaying: RFC 5321 §4.4 has Return-Path at final delivery alone. */
export function makeTrace(
  context: SessionContext,
  { client, transaction }: Pick<WholeMessage, 'client' | 'transaction'>,
  time: number,
): (recipient: ArrivalRecipient | null) => string {
  const { parts, peer, remoteName } = context
  const { sender, accepted, id, options } = transaction
  const [only] = accepted
  const received = formatReceived({
    helo: client.name,
    remoteAddress: peer.remoteAddress,
    remoteName,
    by: parts.hostName,
    protocol: withProtocol({
      dialect: parts.role === 'lmtp' ? 'lmtp' : 'smtp',
      extended: client.extended,
      tls: client.tls !== null,
      authenticated: client.username !== null,
      utf8: sender.smtpUtf8,
    }),
    id,
    recipient: accepted.length === 1 ? (only?.recipient?.address ?? null) : null,
    tls: client.tls,
    priority: options.priority,
    solicitation: options.solicitation,
    time,
  })
  const returnPath = formatReturnPath(sender.reversePath)
  const owners = listOwners(transaction)
  // RFC 5321 §3.9.2: what a list sends on has the list's owner as its reverse-path; a report stays without one.
  const returnPathOf = (account: number): string => {
    const owner = sender.reversePath === null ? null : (owners?.get(account) ?? null)
    const path = owner === null ? undefined : tryAddress(owner, { utf8: true })
    return path === undefined ? returnPath : formatReturnPath(path)
  }
  return (recipient) => {
    if (recipient === null) return received
    const { deliveredTo } = recipient
    const address = tryAddress(deliveredTo, { utf8: true })
    const field = address === undefined ? '' : formatDeliveredTo(address, { utf8: sender.smtpUtf8 })
    return `${returnPathOf(recipient.account)}${field}${received}`
  }
}

/** By account, under the name that led to it first; null where no list is among the recipients. */
function listOwners({ accepted }: Transaction): ReadonlyMap<number, string | null> | null {
  if (!accepted.some(({ local }) => local.some(({ listOwner }) => listOwner !== null))) return null
  const owners = new Map<number, string | null>()
  for (const { account, listOwner } of accepted.flatMap(({ local }) => local)) {
    if (!owners.has(account.id)) owners.set(account.id, listOwner)
  }
  return owners
}
