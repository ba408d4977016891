// A maildrop as one session sees it: numbered from 1, frozen when it was opened (RFC 1939 §4), with marks for what QUIT
// will remove. Typed arrays, a few octets a message, so that 100,000 messages are a few hundred kilobytes.
//
// The unique-id is `uidValidity.uid` of the INBOX: stable across sessions, never reused, and the same whichever node or
// protocol looks at it.

/** What the handler read when it opened the maildrop. The arrays have equal length, in order of UID. */
export interface MaildropContents {
  readonly uidValidity: number
  readonly uids: Uint32Array
  /** Octets of each message with its trace fields; doubles, since a message may have more than 4 GB. */
  readonly sizes: Float64Array
}

export class Maildrop {
  readonly #contents: MaildropContents
  /** 1 for a message marked by DELE. */
  readonly #deleted: Uint8Array
  #count: number
  #octets = 0

  constructor(contents: MaildropContents) {
    this.#contents = contents
    this.#deleted = new Uint8Array(contents.uids.length)
    this.#count = contents.uids.length
    for (const size of contents.sizes) this.#octets += size
  }

  /** The highest message number, marked or not. */
  get highest(): number {
    return this.#contents.uids.length
  }

  /** Messages not marked. */
  get count(): number {
    return this.#count
  }

  /** Octets of the messages not marked. */
  get octets(): number {
    return this.#octets
  }

  /** What RFC 1939 allows to speak of. */
  state(number: number): 'here' | 'deleted' | 'none' {
    if (number < 1 || number > this.highest) return 'none'
    return this.#deleted[number - 1] === 1 ? 'deleted' : 'here'
  }

  uid(number: number): number {
    return this.#contents.uids[number - 1] ?? 0
  }

  size(number: number): number {
    return this.#contents.sizes[number - 1] ?? 0
  }

  /** RFC 1939 §7: 1 to 70 characters of 0x21 to 0x7E. */
  uniqueId(number: number): string {
    return `${this.#contents.uidValidity}.${this.uid(number)}`
  }

  markDeleted(number: number): void {
    this.#deleted[number - 1] = 1
    this.#count--
    this.#octets -= this.size(number)
  }

  unmarkAll(): void {
    for (let number = 1; number <= this.highest; number++) {
      if (this.state(number) === 'deleted') this.#octets += this.size(number)
    }
    this.#deleted.fill(0)
    this.#count = this.highest
  }

  /** The UIDs that QUIT removes, as ascending ranges; neighbours in the maildrop share one. */
  markedRanges(): [first: number, last: number][] {
    const ranges: [number, number][] = []
    let open: [number, number] | null = null
    for (let number = 1; number <= this.highest; number++) {
      if (this.state(number) === 'deleted') {
        // What was expunged between two marked messages is gone, so the range names none but the marked ones; what
        // arrived later has a higher UID than all.
        if (open === null) ranges.push((open = [this.uid(number), this.uid(number)]))
        else open[1] = this.uid(number)
      } else open = null
    }
    return ranges
  }
}
