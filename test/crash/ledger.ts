// The clients' record of what they sent and what they were told, and the comparison with what a data folder holds. Promised
// is what was answered 250, the reply read to its end. What a lost connection left open may be there or not, but for all
// of its recipients alike; what was refused is not there.
import { Buffer } from 'node:buffer'
import { createHash } from 'node:crypto'

export type Outcome = 'promised' | 'unknown' | 'refused'

/** A message as it was sent. */
export interface Sent {
  readonly id: string
  readonly recipients: readonly string[]
  /** SHA-256 of its bytes in hex. */
  readonly digest: string
  outcome: Outcome
  /** The last reply, where one came. */
  reply: string
}

/** One copy that is there. */
export interface Copy {
  readonly address: string
  readonly id: string
  readonly digest: string
}

export function digestOf(bytes: Uint8Array): string {
  return createHash('sha256').update(bytes).digest('hex')
}

/** The Message-ID of the tests' messages, which have it in their first line. */
export function idOf(message: Uint8Array): string {
  return /^Message-ID: <([^>]*)>/.exec(Buffer.from(message.subarray(0, 200)).toString('latin1'))?.[1] ?? ''
}

/** What breaks the promises; empty when nothing does. */
export function compare(sent: Iterable<Sent>, copies: Iterable<Copy>): string[] {
  const findings: string[] = []
  const byId = new Map<string, Copy[]>()
  for (const copy of copies) byId.set(copy.id, [...(byId.get(copy.id) ?? []), copy])
  for (const message of sent) {
    findings.push(...compareOne(message, byId.get(message.id) ?? []))
    byId.delete(message.id)
  }
  for (const [id, found] of byId) findings.push(`${id}: never sent, in ${found.length} mailboxes`)
  return findings
}

function compareOne({ id, recipients, digest, outcome }: Sent, copies: readonly Copy[]): string[] {
  const findings: string[] = []
  const note = (text: string): void => {
    findings.push(`${id} (${outcome}): ${text}`)
  }
  const counts = recipients.map((address) => copies.filter((copy) => copy.address === address).length)
  for (const [index, count] of counts.entries()) {
    if (count > 1) note(`${count} copies for ${recipients[index]}`)
    if (count === 0 && outcome === 'promised') note(`no copy for ${recipients[index]}`)
    if (count > 0 && outcome === 'refused') note(`a copy for ${recipients[index]}`)
  }
  if (counts.includes(0) && counts.some((count) => count > 0)) note('only some of its recipients have it')
  for (const copy of copies) {
    if (!recipients.includes(copy.address)) note(`a copy for ${copy.address}, who was not asked for`)
    if (copy.digest !== digest) note(`the copy of ${copy.address} has other bytes`)
  }
  return findings
}
