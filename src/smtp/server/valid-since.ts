// Require-Recipient-Valid-Since (RFC 7293): a message for whoever had an address at some time, and not for whoever has it now. Told by
// a parameter of RCPT, or by a header field where some host on the way did not know that parameter.
//
// Our own date of an account is when it was made: addresses of removed accounts may be given again.
import { Buffer } from 'node:buffer'
import type { Recipient as DirectoryRecipient } from '../../directory/directory.ts'
import { addressKey, localPartKey, tryAddress, type Address } from '../../mail/address.ts'
import { tryDate } from '../../mail/date.ts'
import type { StagedBlob } from '../../store/model.ts'
import { valuesOf, type MessageHeader } from './message-header.ts'
import type { Accepted } from './transaction.ts'

/** RFC 2142 §§3-5: names that belong to a function, whoever serves it; they have no owner to compare (RFC 7293 §5.1 (1)). */
const roles: ReadonlySet<string> = new Set([
  ...['info', 'marketing', 'sales', 'support', 'abuse', 'noc', 'security', 'postmaster', 'hostmaster'],
  ...['usenet', 'news', 'webmaster', 'www', 'uucp', 'ftp'],
])

/** Whether the address has, somewhere, an owner who came later than that. */
export function changedHands(
  { address, since }: { address: Address; since: number },
  recipients: readonly Pick<DirectoryRecipient, 'account'>[],
): boolean {
  if (roles.has(localPartKey(address.localPart))) return false
  return recipients.some(({ account }) => account.createdAt > since)
}

/** Whether the header may hold the field: a glance at what is in memory, so that usual mail is not read back. */
export function mayRequireOwner(blob: StagedBlob): boolean {
  if (blob.type === 'stored') return true
  const { buffer, byteOffset, length } = blob.bytes
  const bytes = Buffer.from(buffer, byteOffset, length)
  const end = bytes.indexOf('\r\n\r\n')
  return /^require-recipient-valid-since[ \t]*:/im.test(bytes.toString('latin1', 0, end < 0 ? length : end))
}

/** RFC 7293 §5.2: whether a field names a recipient of ours, who said nothing by RCPT, and who came later. */
export function namesFormerOwner(header: MessageHeader, accepted: readonly Accepted[]): boolean {
  return valuesOf(header, 'require-recipient-valid-since').some((value) => {
    // RFC 7293 §3.2: addr-spec ";" date-time. What is no such field is left alone.
    const at = value.lastIndexOf(';')
    const address = tryAddress(value.slice(0, Math.max(at, 0)).trim(), { utf8: true })
    const since = tryDate(value.slice(at + 1))
    if (address === undefined || since === undefined) return false
    const key = addressKey(address)
    const named = accepted.find(
      ({ recipient }) =>
        recipient !== null &&
        recipient.address !== null &&
        recipient.requireValidSince === null &&
        addressKey(recipient.address) === key,
    )
    return named !== undefined && changedHands({ address, since: since.time }, named.local)
  })
}
