// The clients' record of what they sent and what they were told, and the comparison with what was found. Promised is what was
// answered 250, the reply read to its end. What a lost connection left open may be there or not, but for all of its
// recipients alike; what was refused is not there.
//
// A recipient here finds the message in its mailbox, once. Of one elsewhere the queue keeps a row: until it is settled the message is
// in the queue; then it is with the other host, or, where that refused it, in exactly one report to the sender.
import { Buffer } from 'node:buffer'
import { createHash } from 'node:crypto'

export type Outcome = 'promised' | 'unknown' | 'refused'

/** A message as it was sent. */
export interface Sent {
  readonly id: string
  /** Who hears of what could not be delivered; absent: nobody here. */
  readonly from?: string
  readonly recipients: readonly string[]
  /** SHA-256 of its bytes in hex. */
  readonly digest: string
  outcome: Outcome
  /** The last reply, where one came. */
  reply: string
}

/** One copy that is in a mailbox. */
export interface Copy {
  readonly address: string
  readonly id: string
  readonly digest: string
}

/** A report of failure in a mailbox. */
export interface FoundReport {
  readonly address: string
  /** The message that it is about. */
  readonly about: string
  readonly failed: readonly string[]
}

/** A recipient elsewhere, as the queue knows it. */
export interface FoundRow {
  readonly id: string
  readonly recipient: string
  readonly state: 'waiting' | 'active' | 'held' | 'settled'
  readonly outcome: string | null
  readonly report: 'due' | 'none'
  /** Of the bytes that wait; null once it is settled. */
  readonly digest: string | null
}

/** A copy that the host elsewhere took. */
export interface Arrived {
  readonly id: string
  readonly recipient: string
  readonly digest: string
  /** Which life of the server sent it. */
  readonly life: number
}

export interface Found {
  readonly copies: readonly Copy[]
  readonly reports?: readonly FoundReport[]
  readonly rows?: readonly FoundRow[]
  readonly arrived?: readonly Arrived[]
  /** The life that has just ended, by a kill; absent where the moment of inspection is another. */
  readonly ended?: number
}

/** The domain whose mailboxes are here. */
export const here = '@crash.example'
/** Recipients elsewhere whom the host there refuses. */
export const isGone = (address: string): boolean => address.startsWith('gone-')

export function digestOf(bytes: Uint8Array): string {
  return createHash('sha256').update(bytes).digest('hex')
}

/** The Message-ID of the tests' messages, which have it in their first line. */
export function idOf(message: Uint8Array): string {
  return /^Message-ID: <([^>]*)>/.exec(Buffer.from(message.subarray(0, 200)).toString('latin1'))?.[1] ?? ''
}

/** What a mailbox holds: a copy, or a report of failure with the header of what failed in it. */
export function describeFiled(address: string, message: Uint8Array): Copy | FoundReport {
  const text = Buffer.from(message.subarray(0, 65_536)).toString('latin1')
  if (!/^Content-Type: multipart\/report/m.test(text.slice(0, 2000))) {
    return { address, id: idOf(message), digest: digestOf(message) }
  }
  const failed = [...text.matchAll(/^Final-Recipient: rfc822; ?(\S+)/gm)].map((match) => match[1] ?? '')
  return { address, about: /^Message-ID: <([^>]*@load\.example)>/m.exec(text)?.[1] ?? '', failed }
}

/** What breaks the promises; empty when nothing does. */
export function compare(sent: Iterable<Sent>, found: Found): string[] {
  const findings: string[] = []
  const copies = byId(found.copies, ({ id }) => id)
  const rows = byId(found.rows ?? [], ({ id }) => id)
  const arrived = byId(found.arrived ?? [], ({ id }) => id)
  const reports = byId(found.reports ?? [], ({ about }) => about)
  for (const message of sent) {
    const { id } = message
    const mine = {
      ...{ copies: copies.get(id) ?? [], rows: rows.get(id) ?? [], arrived: arrived.get(id) ?? [] },
      ...{ reports: reports.get(id) ?? [], ...(found.ended !== undefined && { ended: found.ended }) },
    }
    for (const finding of compareOne(message, mine)) findings.push(`${id} (${message.outcome}): ${finding}`)
    for (const index of [copies, rows, arrived, reports]) index.delete(id)
  }
  for (const [id, all] of copies) findings.push(`${id}: never sent, in ${all.length} mailboxes`)
  for (const id of [...rows.keys(), ...arrived.keys()]) findings.push(`${id}: never sent, on its way`)
  for (const id of reports.keys()) findings.push(`${id}: never sent, and reported`)
  return findings
}

type Mine = Required<Omit<Found, 'ended'>> & Pick<Found, 'ended'>

function compareOne(message: Sent, mine: Mine): string[] {
  const { recipients, outcome } = message
  const findings: string[] = []
  const there = recipients.map((address) =>
    address.endsWith(here)
      ? mine.copies.some((copy) => copy.address === address)
      : mine.rows.some(({ recipient }) => recipient === address),
  )
  for (const [index, address] of recipients.entries()) {
    if (there[index] === false && outcome === 'promised') findings.push(`nothing for ${address}`)
    if (there[index] === true && outcome === 'refused') findings.push(`something for ${address}`)
    if (!address.endsWith(here)) findings.push(...compareElsewhere(message, { address, mine }))
  }
  if (there.includes(false) && there.includes(true)) findings.push('only some of its recipients have it')
  return [...findings, ...compareCopies(message, mine.copies)]
}

function compareCopies({ recipients, digest }: Sent, copies: readonly Copy[]): string[] {
  const findings: string[] = []
  for (const address of recipients) {
    const count = copies.filter((copy) => copy.address === address).length
    if (count > 1) findings.push(`${count} copies for ${address}`)
  }
  for (const copy of copies) {
    if (!recipients.includes(copy.address)) findings.push(`a copy for ${copy.address}, who was not asked for`)
    if (copy.digest !== digest) findings.push(`the copy of ${copy.address} has other bytes`)
  }
  return findings
}

function compareElsewhere(message: Sent, { address, mine }: { address: string; mine: Mine }): string[] {
  const findings: string[] = []
  const rows = mine.rows.filter(({ recipient }) => recipient === address)
  const arrived = mine.arrived.filter(({ recipient }) => recipient === address)
  const reports = mine.reports.filter(({ failed }) => failed.includes(address))
  if (rows.length > 1) findings.push(`${rows.length} rows for ${address}`)
  const [row] = rows
  if (arrived.some(({ digest }) => digest !== message.digest)) findings.push(`${address} got other bytes`)
  if (reports.some((report) => report.address !== message.from))
    findings.push(`a stranger heard of ${address}`)
  if (row === undefined) {
    if (mine.ended !== undefined && arrived.length > 0) findings.push(`${address} got what nobody promised`)
    return reports.length > 0 ? [...findings, `a report of ${address}, and no row`] : findings
  }
  if (row.state !== 'settled') {
    if (row.digest !== message.digest) findings.push(`what waits for ${address} has other bytes`)
    if (reports.length > 0) findings.push(`a report of ${address}, who waits`)
  } else if (isGone(address)) {
    if (row.outcome !== 'failed') findings.push(`${address} is gone, and ${row.outcome}`)
    const expected = row.report === 'due' ? 0 : 1
    if (reports.length !== expected)
      findings.push(`${reports.length} reports of ${address}, report ${row.report}`)
  } else {
    if (row.outcome !== 'relayed' && row.outcome !== 'delivered') findings.push(`${address} ${row.outcome}`)
    if (arrived.length === 0) findings.push(`settled for ${address}, who has nothing`)
    if (reports.length > 0) findings.push(`a report of ${address}, who has it`)
  }
  if (isGone(address) && arrived.length > 0) findings.push(`${address} is gone, and got it`)
  return [...findings, ...compareLives(row, { arrived, ended: mine.ended })]
}

/** A second copy is for those alone whose attempt a kill interrupted: one in each life, and whoever is settled gets no more. */
function compareLives(
  row: FoundRow,
  { arrived, ended }: { arrived: readonly Arrived[]; ended: number | undefined },
): string[] {
  const findings: string[] = []
  const lives = arrived.map(({ life }) => life)
  if (new Set(lives).size < lives.length) findings.push(`${row.recipient} got it twice in one life`)
  if (ended !== undefined && lives.includes(ended) && row.state !== 'settled' && row.state !== 'active') {
    findings.push(`${row.recipient} has it from this life, and is ${row.state}`)
  }
  return findings
}

function byId<T>(all: readonly T[], idOfOne: (one: T) => string): Map<string, T[]> {
  const index = new Map<string, T[]>()
  for (const one of all) {
    const id = idOfOne(one)
    const others = index.get(id)
    if (others === undefined) index.set(id, [one])
    else others.push(one)
  }
  return index
}
