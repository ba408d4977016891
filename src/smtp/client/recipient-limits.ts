// RFC 9422: how many recipients, and how many domains of theirs, a server takes in one transaction.
import type { OfferedLimits } from './capabilities.ts'
import type { OutgoingRecipient } from './outgoing.ts'

export interface LimitedRecipients {
  /** Places of those who may go now, in order. */
  readonly places: readonly number[]
  /** The others, with the limit that kept them back. */
  readonly beyond: ReadonlyMap<number, 'RCPTMAX' | 'RCPTDOMAINMAX'>
}

/** Keeps to the limits: the first ones go, in order; none is passed over for a limit that has room for it. */
export function limitRecipients(
  recipients: readonly OutgoingRecipient[],
  limits: OfferedLimits,
): LimitedRecipients {
  const { rcptMax, rcptDomainMax } = limits
  const places: number[] = []
  const beyond = new Map<number, 'RCPTMAX' | 'RCPTDOMAINMAX'>()
  const domains = new Set<string>()
  for (const [place, { address }] of recipients.entries()) {
    const domain = address.slice(address.lastIndexOf('@') + 1).toLowerCase()
    // RFC 9422
    if (rcptMax !== null && places.length >= rcptMax) beyond.set(place, 'RCPTMAX')
    else if (rcptDomainMax !== null && !domains.has(domain) && domains.size >= rcptDomainMax) {
      beyond.set(place, 'RCPTDOMAINMAX')
    } else {
      domains.add(domain)
      places.push(place)
    }
  }
  return { places, beyond }
}
