// What one client knows of its selected mailbox, made of nothing but what it was told, and whether that was legal at its moment.
//
// - RFC 3501 §5.2, §7.4.1, RFC 9051 §7.5.1: EXISTS never shrinks a mailbox; EXPUNGE and VANISHED come only where they may, for messages
//   that are gone; a sequence number never changes its meaning.
// - RFC 7162 §3.2.10, RFC 9586 §3: VANISHED and UIDFETCH where they were enabled, and only there.
// - Flags and mod-sequences that are told are those that the model has.
import { Illegal, isList, numberOf, numbersIn, pairsOf, wordOf, wordsOf } from './responses.ts'
import type { Mailbox } from './mailboxes.ts'
import type { Untagged, Value } from './responses.ts'

export interface Modes {
  rev2: boolean
  condstore: boolean
  qresync: boolean
  uidOnly: boolean
}

/** A message as the client has it: its place in the list is its sequence number. */
export interface Entry {
  /** The harness always knows it. */
  readonly uid: number
  /** The client was told the UID. */
  known: boolean
  /** As the client has them; null while it was not told. */
  flags: ReadonlySet<string> | null
  recent: boolean | null
}

/** What is allowed while a command is at work. */
export interface Moment {
  /** No message may lose its number: FETCH, STORE, SEARCH by number, and no command at all. */
  readonly holds: boolean
  /** VANISHED (EARLIER) may come. */
  readonly earlier: boolean
}

/** A FETCH response as it was told. */
export interface Told {
  readonly entry: Entry
  readonly pairs: ReadonlyMap<string, Value>
}

export class View {
  readonly mailbox: Mailbox
  readonly readOnly: boolean
  readonly #modes: Modes
  entries: Entry[] = []
  /** UIDs of `$` (RFC 5182). */
  saved = new Set<number>()
  /** RFC 7162 §3.2: what the client takes for its HIGHESTMODSEQ; null while it was told none. */
  modSeq: number | null = null
  #ownCode: number | null = null
  #seenModSeq = 0
  /** All FETCH responses of the command at work. */
  told: Told[] = []
  /** UIDs told by VANISHED (EARLIER) by the command at work. */
  earlier: number[] = []
  /** UIDs that lost their number by the command at work. */
  vanished = new Set<number>()
  #largest = 0

  constructor(mailbox: Mailbox, options: { readOnly: boolean; modes: Modes }) {
    this.mailbox = mailbox
    this.readOnly = options.readOnly
    this.#modes = options.modes
  }

  isGone({ uid }: Entry): boolean {
    return this.mailbox.find(uid) === undefined
  }

  /** The message's flags, as it has them or had them last. */
  flagsOf({ uid }: Entry): ReadonlySet<string> {
    const { mailbox } = this
    const flags = mailbox.find(uid)?.flags ?? mailbox.gone.findLast((each) => each.uid === uid)?.flags
    if (flags === undefined) throw new Error(`the model never had UID ${uid}`)
    return flags
  }

  hear(response: Untagged, moment: Moment): void {
    if (response.code !== '') this.#hearCode(response.code)
    switch (response.name) {
      case 'EXISTS':
        return this.#hearExists(response.number)
      case 'RECENT':
        return this.#hearRecent(response.number)
      case 'EXPUNGE':
        return this.#hearExpunge(response.number, moment)
      case 'VANISHED':
        return this.#hearVanished(response.values, moment)
      case 'FETCH':
      case 'UIDFETCH':
        return this.#hearFetch(response)
      default:
    }
  }

  #hearCode(code: string): void {
    const [name, value = ''] = code.split(' ')
    if (name !== 'HIGHESTMODSEQ') return
    const modSeq = Number(value)
    // The observer does not see a removed one.
    if (modSeq > this.mailbox.modSeq && !this.mailbox.removed)
      throw new Illegal(`HIGHESTMODSEQ ${modSeq}, and the mailbox has ${this.mailbox.modSeq}`)
    this.#ownCode = modSeq
  }

  #hearExists(count: number): void {
    const more = count - this.entries.length
    if (more < 0) throw new Illegal(`EXISTS ${count} takes messages away: there were ${this.entries.length}`)
    const candidates = this.mailbox.messages.filter(({ uid }) => uid > this.#largest)
    if (more > candidates.length)
      throw new Illegal(`EXISTS ${count}: there are only ${candidates.length} new messages`)
    for (const { uid } of candidates.slice(0, more)) {
      this.#largest = uid
      this.entries.push({ uid, known: false, flags: null, recent: null })
    }
  }

  #hearRecent(count: number): void {
    if (this.#modes.rev2) throw new Illegal('RECENT after ENABLE IMAP4rev2')
    const certain = this.entries.filter(({ recent }) => recent === true).length
    const possible = this.entries.filter(({ recent }) => recent !== false).length
    if (count < certain || count > possible)
      throw new Illegal(`RECENT ${count}: it is ${certain} to ${possible}`)
  }

  #mayVanish({ holds }: Moment): void {
    if (holds) throw new Illegal('a message loses its number while numbers are in use')
  }

  #hearExpunge(number: number, moment: Moment): void {
    this.#mayVanish(moment)
    if (this.#modes.qresync || this.#modes.uidOnly) throw new Illegal('EXPUNGE where VANISHED was enabled')
    const entry = this.entries[number - 1]
    if (entry === undefined) throw new Illegal(`EXPUNGE of ${number} of ${this.entries.length}`)
    if (!this.isGone(entry)) throw new Illegal(`EXPUNGE of ${number}, UID ${entry.uid}, which is there`)
    this.entries.splice(number - 1, 1)
    this.vanished.add(entry.uid)
  }

  #hearVanished(values: readonly Value[], moment: Moment): void {
    const [first, second] = values
    if (isList(first)) {
      if (!moment.earlier) throw new Illegal('VANISHED (EARLIER) that nobody asked for')
      if (wordsOf(first).join() !== 'earlier') throw new Illegal('VANISHED of what?')
      this.earlier.push(...numbersIn(wordOf(second)))
      return
    }
    this.#mayVanish(moment)
    if (!this.#modes.qresync && !this.#modes.uidOnly) throw new Illegal('VANISHED without ENABLE QRESYNC')
    for (const uid of numbersIn(wordOf(first))) {
      const index = this.entries.findIndex((each) => each.uid === uid)
      const entry = this.entries[index]
      if (entry === undefined) throw new Illegal(`VANISHED of UID ${uid}, which the client does not have`)
      if (!this.isGone(entry)) throw new Illegal(`VANISHED of UID ${uid}, which is there`)
      this.entries.splice(index, 1)
      this.vanished.add(uid)
    }
  }

  #entryOf({ name, number }: Untagged): Entry {
    if ((name === 'UIDFETCH') !== this.#modes.uidOnly) throw new Illegal(`${name} in this session`)
    const entry =
      name === 'UIDFETCH' ? this.entries.find(({ uid }) => uid === number) : this.entries[number - 1]
    if (entry === undefined) throw new Illegal(`${name} of ${number}, which the client does not have`)
    if (name === 'UIDFETCH') entry.known = true
    return entry
  }

  #hearFetch(response: Untagged): void {
    const entry = this.#entryOf(response)
    const pairs = pairsOf(response.values[0])
    const uid = pairs.get('UID')
    if (uid !== undefined) {
      if (numberOf(uid) !== entry.uid)
        throw new Illegal(`number ${response.number} is UID ${entry.uid}: ${response.line}`)
      entry.known = true
    }
    const flags = pairs.get('FLAGS')
    if (flags !== undefined) this.#hearFlags(entry, wordsOf(flags))
    const modSeq = pairs.get('MODSEQ')
    if (modSeq !== undefined) this.#hearModSeq(entry, modSeq)
    this.told.push({ entry, pairs })
  }

  #hearFlags(entry: Entry, words: readonly string[]): void {
    const recent = words.includes('\\recent')
    if (recent && this.#modes.rev2) throw new Illegal('\\Recent after ENABLE IMAP4rev2')
    const flags = new Set(words.filter((word) => word !== '\\recent'))
    const actual = this.flagsOf(entry)
    // RFC 2180 §4.1: of a message that is gone its flags need not be known any more.
    if (!sameFlags(flags, actual) && !this.isGone(entry))
      throw new Illegal(
        `UID ${entry.uid} has (${[...actual].sort().join(' ')}) and is told with (${words.join(' ')})`,
      )
    if (entry.recent !== null && entry.recent !== recent && !this.#modes.rev2)
      throw new Illegal(`UID ${entry.uid} was ${entry.recent ? '' : 'not '}\\Recent to this session before`)
    entry.flags = flags
    if (!this.#modes.rev2) entry.recent = recent
  }

  #hearModSeq(entry: Entry, value: Value): void {
    if (!this.#modes.condstore) throw new Illegal('MODSEQ in a session that did not enable CONDSTORE')
    const modSeq = isList(value) ? numberOf(value[0]) : 0
    this.#seenModSeq = Math.max(this.#seenModSeq, modSeq)
    const message = this.mailbox.find(entry.uid)
    if (message !== undefined && message.modSeq !== modSeq)
      throw new Illegal(`UID ${entry.uid} has mod-sequence ${message.modSeq} and is told with ${modSeq}`)
  }

  /** A command begins. */
  begin(): void {
    this.told = []
    this.earlier = []
    this.vanished = new Set()
  }

  /** RFC 7162 §6: "Whenever the client receives a tagged response to a command", what it takes for its HIGHESTMODSEQ. */
  settle(): void {
    if (this.#ownCode !== null) this.modSeq = this.#ownCode
    else if (this.modSeq !== null && this.#seenModSeq > this.modSeq) this.modSeq = this.#seenModSeq
    this.#ownCode = null
    this.#seenModSeq = 0
  }

  /** Holds the picture to the model: all that happened was told, but what could not be yet. */
  compare(options: { holds: boolean }): void {
    const there = this.entries.filter((entry) => !this.isGone(entry)).map(({ uid }) => uid)
    const actual = this.mailbox.messages.map(({ uid }) => uid)
    if (there.join() !== actual.join())
      throw new Illegal(`the client has UIDs ${there.join()} and the mailbox ${actual.join()}`)
    if (!options.holds && this.entries.length !== actual.length)
      throw new Illegal(
        `the client was not told what is gone: it has ${this.entries.map(({ uid }) => uid).join()}`,
      )
    for (const entry of this.entries) {
      if (entry.flags === null || this.isGone(entry)) continue
      if (!sameFlags(entry.flags, this.flagsOf(entry)))
        throw new Illegal(
          `UID ${entry.uid} has (${[...this.flagsOf(entry)].join(' ')}) and the client was told (${[...entry.flags].join(' ')})`,
        )
    }
  }
}

export function sameFlags(one: ReadonlySet<string>, other: ReadonlySet<string>): boolean {
  return one.size === other.size && [...one].every((flag) => other.has(flag))
}
