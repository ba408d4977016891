// Which keywords the client has been told of in FLAGS (RFC 3501 §7.2.6): "this response occurs as a result of a SELECT or EXAMINE
// command", and again where a flag is about to be told that was not in it, since clients make their menus from that list.
import { allSystemFlags } from '../../proto/encode/flags.ts'

/** Keywords that are told of; a mailbox may have any number, a client's menu not. */
const most = 300
/** Lists of keywords that were looked at already. */
const remembered = 1_000

/** What one session knows of one mailbox. */
export class KnownKeywords {
  /** Lower case → as told. */
  readonly #told = new Map<string, string>()
  readonly #lists = new Set<string>()

  /** Those that were told, as they were. */
  get all(): string[] {
    return [...this.#told.values()]
  }

  /** The client was told of these, as SELECT does. */
  know(keywords: readonly string[]): void {
    for (const word of keywords) this.#told.set(word.toLowerCase(), word)
  }

  /** Gives back what only saves time. */
  shrink(): void {
    this.#lists.clear()
  }

  /** The FLAGS response to send before a message's keywords (space separated); '' where all are known. */
  news(keywords: string): string {
    if (keywords === '' || this.#lists.has(keywords)) return ''
    if (this.#lists.size >= remembered) this.#lists.clear()
    this.#lists.add(keywords)
    let more = false
    for (const word of keywords.split(' ')) {
      const key = word.toLowerCase()
      if (this.#told.has(key) || this.#told.size >= most) continue
      this.#told.set(key, word)
      more = true
    }
    return more ? `* FLAGS (${allSystemFlags} ${[...this.#told.values()].join(' ')})\r\n` : ''
  }
}
