// What THREAD wants of every message: its Message-ID and those it refers to, as numbers. None of it ever changes.
import { growingDoubles, growingIntegers } from './growing.ts'
import type { Growing } from './growing.ts'
import type { MessageSummary } from '../../../../mail/mime/codec.ts'

/** Columns in order of UID. */
export class ThreadFacts {
  readonly uids = growingDoubles()
  readonly #numbers = new Map<string, number>()
  #characters = 0
  /** Number of the Message-ID; -1 is none. */
  readonly ids = growingIntegers()
  /** Numbers of all references, message after message, and where each message's end. */
  readonly #references = growingIntegers()
  readonly #ends = growingDoubles()
  /** UIDs below were asked for. */
  nextUid = 1

  /** How many different ids there are; their numbers are below. */
  get idCount(): number {
    return this.#numbers.size
  }

  get weight(): number {
    const columns = 2 * this.uids.weight + this.ids.weight + this.#references.weight
    return columns + this.#numbers.size * 72 + this.#characters
  }

  add(uid: number, summary: MessageSummary): void {
    const { messageId, inReplyTo, references } = summary
    this.uids.push(uid)
    this.ids.push(messageId === null ? -1 : this.#number(messageId))
    // RFC 5256 §3 REFERENCES: the first id of In-Reply-To, where References has none.
    const ancestors = references.length > 0 ? references : inReplyTo.slice(0, 1)
    for (const id of ancestors) this.#references.push(this.#number(id))
    this.#ends.push(this.#references.length)
    this.nextUid = uid + 1
  }

  /** Adds the numbers of the ids that a message refers to, the oldest first. */
  copyReferences(index: number, to: Growing<Int32Array>): void {
    const end = this.#ends.at(index)
    for (let at = index === 0 ? 0 : this.#ends.at(index - 1); at < end; at++) to.push(this.#references.at(at))
  }

  #number(id: string): number {
    const normal = normalize(id)
    const known = this.#numbers.get(normal)
    if (known !== undefined) return known
    const number = this.#numbers.size
    this.#numbers.set(normal, number)
    this.#characters += normal.length
    return number
  }
}

/** RFC 5256 §3: "MUST normalize any msg-id in order to avoid false non-matches due to differences in quoting". */
function normalize(id: string): string {
  if (!id.startsWith('"')) return id
  const quoted = /^"((?:[^"\\]|\\[^])*)"@/.exec(id)
  if (quoted === null) return id
  return `${(quoted[1] ?? '').replace(/\\([^])/g, '$1')}@${id.slice(quoted[0].length)}`
}
