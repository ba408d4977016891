// The messages of an APPEND or REPLACE, read piece by piece: the octets between the pieces stream past and are never held.
//
// What a stretch of the command says becomes a list of steps and the place in the grammar where the next stretch goes on. Reading
// has no effect, so a stretch can be read again once a literal in it (a URL) has been collected.
import { parseDateTime } from './date.ts'
import { parseFlagList } from './flags.ts'
import type { Cursor } from './cursor.ts'
import type { FlagSet } from './flags.ts'

/** What is to be done next. `octets` is always the last of its stretch: the announced literal is what it means. */
export type AppendStep =
  /** A message begins. `date` in milliseconds since the epoch; null is now. */
  | { readonly step: 'message'; readonly flags: FlagSet; readonly date: number | null }
  | { readonly step: 'octets' }
  /** RFC 4469 §3: what the URL names, a binary string. */
  | { readonly step: 'url'; readonly url: string }
  | { readonly step: 'message-end' }
  | { readonly step: 'end' }

/** Where the grammar stands between two stretches. */
export type AppendPlace =
  | 'messages'
  | 'message'
  | 'literal-end'
  | 'utf8-end'
  | 'part'
  | 'part-end'
  | 'utf8-part-end'

export interface AppendReading {
  readonly steps: readonly AppendStep[]
  readonly place: AppendPlace
}

export interface AppendLimits {
  readonly flags: number
  /** Messages of one APPEND (RFC 3502). */
  readonly appendMessages: number
  /** Parts of one CATENATE (RFC 4469). */
  readonly catenateParts: number
}

const none: FlagSet = { flags: 0, keywords: [] }

/** Reads one stretch: up to an announced literal of octets, or to the end of the command. */
export class AppendReader {
  readonly #limits: AppendLimits
  /** REPLACE takes one message (RFC 8508 §3.1). */
  readonly #most: number
  #messages = 0
  #parts = 0

  constructor(limits: AppendLimits, options: { most?: number } = {}) {
    this.#limits = limits
    this.#most = options.most ?? limits.appendMessages
  }

  read(cursor: Cursor, from: AppendPlace): AppendReading {
    const counts = [this.#messages, this.#parts] as const
    const steps: AppendStep[] = []
    let place: AppendPlace | null = from
    try {
      while (place !== null) {
        const next: AppendPlace | null = this.#step(cursor, place, steps)
        if (steps.at(-1)?.step === 'octets' && next !== null) return { steps, place: next }
        place = next
      }
    } catch (error) {
      // It will be read again.
      ;[this.#messages, this.#parts] = counts
      throw error
    }
    return { steps, place: 'messages' }
  }

  /** Null: the command has ended. */
  #step(cursor: Cursor, place: AppendPlace, steps: AppendStep[]): AppendPlace | null {
    switch (place) {
      case 'messages':
        if (!cursor.done) return 'message'
        steps.push({ step: 'end' })
        return null
      case 'message':
        return this.#message(cursor, steps)
      case 'part':
        return this.#part(cursor, steps)
      case 'part-end':
        if (!cursor.take(')')) {
          cursor.sp()
          return 'part'
        }
        steps.push({ step: 'message-end' })
        return 'messages'
      case 'utf8-part-end':
        cursor.expect(')')
        return 'part-end'
      case 'utf8-end':
        cursor.expect(')')
        steps.push({ step: 'message-end' })
        return 'messages'
      case 'literal-end':
        steps.push({ step: 'message-end' })
        return 'messages'
    }
  }

  /** RFC 4466 §6: `append-message = [SP flag-list] [SP date-time] SP append-data` */
  #message(cursor: Cursor, steps: AppendStep[]): AppendPlace {
    if (++this.#messages > this.#most) {
      cursor.fail(this.#most === 1 ? 'one message is allowed here' : `more than ${this.#most} messages`)
    }
    cursor.sp()
    let flags = none
    if (cursor.peek() === '(') {
      flags = parseFlagList(cursor, this.#limits.flags)
      cursor.sp()
    }
    let date: number | null = null
    if (cursor.peek() === '"') {
      date = parseDateTime(cursor)
      cursor.sp()
    }
    steps.push({ step: 'message', flags, date })
    if (cursor.atLiteral() || cursor.peek() === '~') return octets(cursor, steps, 'literal-end')
    const name = cursor.keyword('the message as a literal')
    cursor.sp()
    cursor.expect('(')
    // RFC 6855 §4: `"UTF8" SP "(" literal8 ")"`; deviates: it wants NO to 8-bit headers from a client that has not enabled UTF8=ACCEPT,
    // and mail of old that is moved here would be lost.
    if (name === 'UTF8' && cursor.modes.utf8) return octets(cursor, steps, 'utf8-end')
    if (name !== 'CATENATE') cursor.fail('expected the message as a literal')
    this.#parts = 0
    return 'part'
  }

  /** RFC 4469 §5: `cat-part = text-literal / url`, `text-literal = "TEXT" SP literal`, `url = "URL" SP astring` */
  #part(cursor: Cursor, steps: AppendStep[]): AppendPlace {
    if (++this.#parts > this.#limits.catenateParts) {
      cursor.fail(`more than ${this.#limits.catenateParts} parts`)
    }
    const name = cursor.keyword('TEXT or URL')
    cursor.sp()
    if (name === 'TEXT') return octets(cursor, steps, 'part-end')
    // RFC 6855 §4: `cat-part =/ utf8-literal`
    if (name === 'UTF8' && cursor.modes.utf8) {
      cursor.expect('(')
      return octets(cursor, steps, 'utf8-part-end')
    }
    if (name !== 'URL') cursor.fail('expected TEXT or URL')
    steps.push({ step: 'url', url: cursor.astring('a URL') })
    return 'part-end'
  }
}

/** A literal, or a literal8 (RFC 3516 §4.2), that is announced and not read. */
function octets(cursor: Cursor, steps: AppendStep[], place: AppendPlace): AppendPlace {
  cursor.take('~')
  if (!cursor.atPendingLiteral()) cursor.fail('expected the message as a literal')
  steps.push({ step: 'octets' })
  return place
}
