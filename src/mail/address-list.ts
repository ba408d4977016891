// Address lists of header fields (RFC 5322 §3.4, obsolete forms of §4.4), in the shape that IMAP's ENVELOPE has.
//
// One pass over the text, no recursion: comments are counted, and a group inside a group, which no grammar allows,
// joins the outer one. Broken entries give what can be read of them. The number of entries is bounded by the caller.
// Text is binary strings (see header.ts).

/** One entry as RFC 3501 §7.4.2 wants it; all binary strings, or null for NIL. */
export interface EnvelopeAddress {
  /** Display name, quotes removed, encoded words kept. */
  readonly name: string | null
  /** RFC 5322 §4.4 source route (`@a,@b`), which nobody writes any more. */
  readonly route: string | null
  /** Local part without quotes; a group's name at its start (then `host` is null); null at a group's end. */
  readonly mailbox: string | null
  /** Domain or literal as written, '' where it is missing; null marks a group's start or end. */
  readonly host: string | null
}

/** The entries, and whether some were left out. */
export interface AddressList {
  readonly addresses: readonly EnvelopeAddress[]
  readonly truncated: boolean
}

const groupEnd: EnvelopeAddress = { name: null, route: null, mailbox: null, host: null }

/** Reads an address list; at most `limit` entries, group marks counted. Never throws. */
export function parseAddressList(value: string, limit: number): AddressList {
  const reader = new ListReader(value, limit)
  return reader.read()
}

/** The parts of one entry while it is read. */
interface Entry {
  /** Words with the spaces between them: the display name if an angle bracket follows. */
  phrase: string
  /** The last words joined by dots: the local part if an at sign follows. */
  local: string
  /** What stood before `local`. */
  before: string
  /** RFC 5322 §3.4 note: `user@host (Name)`, the old way of naming. */
  comment: string
  joined: boolean
}

class ListReader {
  readonly #text: string
  readonly #limit: number
  readonly #addresses: EnvelopeAddress[] = []
  #at = 0
  #truncated = false
  #inGroup = false
  #entry: Entry = emptyEntry()

  constructor(text: string, limit: number) {
    this.#text = text
    this.#limit = limit
  }

  read(): AddressList {
    while (this.#at < this.#text.length && !this.#truncated) this.#step()
    this.#endEntry()
    this.#endGroup()
    return { addresses: this.#addresses, truncated: this.#truncated }
  }

  #step(): void {
    const entry = this.#entry
    const spaced = this.#skipSpace()
    const character = this.#text.charAt(this.#at)
    if (character === '"') this.#word(readQuoted(this.#text, this.#at), spaced)
    else if (character === '.') this.#dot()
    else if (character === '<') this.#angle()
    else if (character === '@') this.#bareAddress()
    else if (character === ',') this.#separator()
    else if (character === ':') this.#group()
    else if (character === ';') {
      this.#separator()
      this.#endGroup()
    } else if (isStray(character)) {
      this.#at++
      entry.joined = false
    } else if (character !== '') this.#word(readAtom(this.#text, this.#at), spaced)
  }

  #word(read: Read, spaced: boolean): void {
    const entry = this.#entry
    if (entry.joined) entry.local += read.value
    else {
      entry.before = entry.phrase
      entry.local = read.value
    }
    entry.phrase += (spaced && entry.phrase !== '' ? ' ' : '') + read.value
    // Quoted text right beside an atom is one word to whoever wrote it.
    entry.joined = !isSpaceOrEnd(this.#text, read.end)
    this.#at = read.end
  }

  #dot(): void {
    const entry = this.#entry
    entry.local += '.'
    entry.phrase += '.'
    entry.joined = true
    this.#at++
  }

  /** `[phrase] "<" [route ":"] addr-spec ">"`. */
  #angle(): void {
    const { phrase } = this.#entry
    this.#at++
    const route = this.#route()
    let local = ''
    for (;;) {
      this.#skipSpace()
      const character = this.#text.charAt(this.#at)
      if (character === '"') local += this.#take(readQuoted(this.#text, this.#at))
      else if (character === '' || character === '@' || character === '>' || character === ',') break
      else if (isStray(character) || character === '<' || character === ':' || character === ';') this.#at++
      else
        local += this.#take(
          character === '.' ? { value: '.', end: this.#at + 1 } : readAtom(this.#text, this.#at),
        )
    }
    const host = this.#text.charAt(this.#at) === '@' ? this.#domain() : ''
    this.#skipPast('>')
    if (local !== '' || host !== '' || phrase !== '')
      this.#push({ name: phrase || null, route, mailbox: local, host })
    this.#skipRest()
  }

  /** RFC 5322 §4.4 `obs-route = obs-domain-list ":"`, only right after the angle bracket. */
  #route(): string | null {
    this.#skipSpace()
    if (this.#text.charAt(this.#at) !== '@') return null
    const end = this.#text.slice(this.#at, this.#at + longestRoute).search(/[:<>;]/)
    if (end < 0 || this.#text.charAt(this.#at + end) !== ':') return null
    const route = this.#text.slice(this.#at, this.#at + end)
    this.#at += end + 1
    return route
  }

  /** `local@domain` without brackets; words before it are taken as the name they were meant to be. */
  #bareAddress(): void {
    const { local, before, phrase } = this.#entry
    this.#entry.comment = ''
    const host = this.#domain()
    this.#skipSpace()
    if (this.#text.charAt(this.#at) === '<') {
      // `ann@example.org <ann@example.org>`: an address unquoted where a name belongs.
      this.#entry.phrase = `${phrase}@${host}`
      return
    }
    this.#skipRest()
    const name = before === '' ? this.#entry.comment : before
    if (local !== '' || host !== '') this.#push({ name: name || null, route: null, mailbox: local, host })
    this.#entry = emptyEntry()
  }

  /** From the at sign: atoms joined by dots, or a literal. A word that no dot joins is not part of it. */
  #domain(): string {
    this.#at++
    let host = ''
    let open = true
    for (;;) {
      this.#skipSpace()
      const character = this.#text.charAt(this.#at)
      if (character === '.') {
        host += this.#take({ value: '.', end: this.#at + 1 })
        open = true
      } else if (!open || character === '' || specials.includes(character)) return host
      else {
        host += this.#take(
          character === '[' ? readLiteral(this.#text, this.#at) : readAtom(this.#text, this.#at),
        )
        open = false
      }
    }
  }

  /** What stands between an address and the next separator is ignored, but for a comment. */
  #skipRest(): void {
    for (;;) {
      this.#skipSpace()
      const character = this.#text.charAt(this.#at)
      if (character === '' || character === ',' || character === ';') break
      this.#at = character === '"' ? readQuoted(this.#text, this.#at).end : this.#at + 1
    }
    const comment = this.#entry.comment
    this.#entry = emptyEntry()
    this.#entry.comment = comment
  }

  #separator(): void {
    this.#endEntry()
    this.#at++
  }

  #group(): void {
    const { phrase } = this.#entry
    this.#entry = emptyEntry()
    this.#at++
    if (this.#inGroup) return
    this.#inGroup = true
    this.#push({ name: null, route: null, mailbox: phrase, host: null })
  }

  #endGroup(): void {
    if (!this.#inGroup) return
    this.#inGroup = false
    // The mark is owed to whoever reads the list, beyond the limit too.
    this.#addresses.push(groupEnd)
  }

  /** A phrase that nothing followed: a mailbox without a host, as in `To: root`. */
  #endEntry(): void {
    const { phrase } = this.#entry
    this.#entry = emptyEntry()
    if (phrase !== '') this.#push({ name: null, route: null, mailbox: phrase, host: '' })
  }

  #push(address: EnvelopeAddress): void {
    if (this.#addresses.length < this.#limit) this.#addresses.push(address)
    else this.#truncated = true
  }

  #take(read: Read): string {
    this.#at = read.end
    return read.value
  }

  #skipPast(character: string): void {
    const { length } = this.#text
    while (this.#at < length && !',;'.includes(this.#text.charAt(this.#at))) {
      if (this.#text.charAt(this.#at++) === character) return
    }
  }

  /** Skips white space and comments; the last comment is kept as a possible name. True where there was any. */
  #skipSpace(): boolean {
    const start = this.#at
    for (;;) {
      const character = this.#text.charAt(this.#at)
      if (character === '(') {
        const read = readComment(this.#text, this.#at)
        this.#entry.comment = read.value
        this.#at = read.end
      } else if (character !== '' && isSpaceOrEnd(this.#text, this.#at)) this.#at++
      else return this.#at > start
    }
  }
}

const specials = ',;:<>@"()'
const longestRoute = 1000

interface Read {
  readonly value: string
  readonly end: number
}

function emptyEntry(): Entry {
  return { phrase: '', local: '', before: '', comment: '', joined: false }
}

/** Specials that have no meaning where they stand. */
function isStray(character: string): boolean {
  return character === '>' || character === ')'
}

/** A run of anything but specials, dots and white space (obsolete mail has more in it than `atext`). */
function readAtom(text: string, start: number): Read {
  let end = start + 1
  while (end < text.length && atomUnits[text.charCodeAt(end)] === 1) end++
  return { value: text.slice(start, end), end }
}

function readQuoted(text: string, start: number): Read {
  return readEscaped(text, start, '"')
}

function readEscaped(text: string, start: number, close: string): Read {
  let value = ''
  let run = start + 1
  for (let at = run; at < text.length; at++) {
    const character = text.charAt(at)
    if (character === close) return { value: value + text.slice(run, at), end: at + 1 }
    if (character !== '\\') continue
    value += text.slice(run, at)
    run = ++at
  }
  return { value: value + text.slice(run), end: text.length }
}

/** RFC 5322 §3.4.1 `domain-literal`, brackets kept. */
function readLiteral(text: string, start: number): Read {
  const end = text.indexOf(']', start)
  const stop = end < 0 ? text.length : end + 1
  return { value: text.slice(start, stop), end: stop }
}

/** RFC 5322 §3.2.2; comments nest, so they are counted. The value is what stands between the outer parentheses. */
function readComment(text: string, start: number): Read {
  let depth = 0
  let value = ''
  let run = start + 1
  for (let at = start; at < text.length; at++) {
    const character = text.charAt(at)
    if (character === '(') depth++
    else if (character === '\\') {
      value += text.slice(run, at)
      run = ++at
    } else if (character === ')' && --depth === 0) {
      return { value: (value + text.slice(run, at)).trim(), end: at + 1 }
    }
  }
  return { value: (value + text.slice(run)).trim(), end: text.length }
}

function isSpaceOrEnd(text: string, at: number): boolean {
  const unit = text.charCodeAt(at)
  return unit === 32 || unit === 9 || unit === 10 || unit === 13 || at >= text.length
}

const atomUnits = makeAtomUnits()

function makeAtomUnits(): Uint8Array {
  const table = new Uint8Array(256).fill(1)
  for (const character of '()<>@,;:".\t\r\n ') table[character.charCodeAt(0)] = 0
  return table
}
