// Entries, values and options of annotations (RFC 5464 §3.2, §5).
//
// Names are case-insensitive (§3.2) and given in lower case. Both orders of GETMETADATA are read: options before the mailbox, as
// the formal syntax has it (§5), and behind it, as all examples of §4.2 do.
import { Buffer } from 'node:buffer'
import { LiteralWanted, ParseError } from './cursor.ts'
import type { Cursor } from './cursor.ts'
import type { MailboxNameLimits } from './mailbox.ts'
import { parseMailboxOrNone } from './mailbox.ts'

/** One entry of SETMETADATA; null removes it. */
export interface MetadataChange {
  readonly name: string
  readonly value: Uint8Array | null
}

/** RFC 5464 §4.2.1, §4.2.2. */
export interface MetadataOptions {
  readonly maxSize: number | null
  readonly depth: 0 | 1 | 'infinity'
}

export interface MetadataLimits extends MailboxNameLimits {
  /** Entries of one command. */
  readonly metadataEntries: number
  /** Octets of a value, and of a literal that is an argument. */
  readonly annotationSize: number
  readonly literal: number
}

export interface GetMetadata extends MetadataOptions {
  /** Null is the server. */
  readonly mailbox: string | null
  readonly entries: readonly string[]
}

const defaults: MetadataOptions = { maxSize: null, depth: 0 }

/** `getmetadata = "GETMETADATA" [SP getmetadata-options] SP mailbox SP entries` */
export function parseGetMetadata(cursor: Cursor, limits: MetadataLimits): GetMetadata {
  cursor.sp()
  let options: MetadataOptions | null = null
  if (cursor.peek() === '(') {
    options = readOptions(parseWords(cursor, limits))
    cursor.sp()
  }
  const mailbox = parseMailboxOrNone(cursor, limits)
  cursor.sp()
  if (cursor.peek() !== '(') {
    return { ...(options ?? defaults), mailbox, entries: [checkEntry(cursor.astring('an entry'), 1)] }
  }
  let words = parseWords(cursor, limits)
  if (options === null && cursor.take(' ')) {
    options = readOptions(words)
    words = cursor.peek() === '(' ? parseWords(cursor, limits) : [cursor.astring('an entry')]
  }
  const entries = [...new Set(words.map((word) => checkEntry(word, 1)))]
  return { ...(options ?? defaults), mailbox, entries }
}

/** `entry-values = "(" entry-value *(SP entry-value) ")"`; where an entry stands twice the last value holds. */
export function parseMetadataChanges(cursor: Cursor, limits: MetadataLimits): MetadataChange[] {
  const list = { most: limits.metadataEntries, empty: false, what: 'entries' }
  const changes = cursor.list(list, () => {
    const name = checkEntry(cursor.astring('an entry'), 2)
    cursor.sp()
    return { name, value: parseValue(cursor, limits) }
  })
  return [...new Map(changes.map((change) => [change.name, change])).values()]
}

/** `"(" entry *(SP entry) ")"` of the METADATA return option (RFC 9590 §5). */
export function parseEntryList(cursor: Cursor, limits: MetadataLimits): string[] {
  const list = { most: limits.metadataEntries, empty: false, what: 'entries' }
  return [...new Set(cursor.list(list, () => checkEntry(cursor.astring('an entry'), 1)))]
}

function parseWords(cursor: Cursor, limits: MetadataLimits): string[] {
  const list = { most: limits.metadataEntries, empty: false, what: 'entries' }
  return cursor.list(list, () => cursor.astring('an entry'))
}

/** `maxsize-opt = "MAXSIZE" SP number`, `scope-opt = "DEPTH" SP ("0" / "1" / "infinity")` */
function readOptions(words: readonly string[]): MetadataOptions {
  let options = defaults
  for (let at = 0; at < words.length; at += 2) {
    const name = words[at]?.toUpperCase()
    const value = words[at + 1]?.toLowerCase() ?? ''
    if (name === 'MAXSIZE' && /^[0-9]{1,10}$/.test(value) && Number(value) <= 0xffff_ffff)
      options = { ...options, maxSize: Number(value) }
    else if (name === 'DEPTH' && (value === '0' || value === '1' || value === 'infinity')) {
      options = { ...options, depth: value === 'infinity' ? value : value === '1' ? 1 : 0 }
    } else throw new ParseError('unknown option')
  }
  return options
}

/** RFC 5464 §3.2: what a name may not have makes the command BAD. */
function checkEntry(written: string, components: number): string {
  const name = written.toLowerCase()
  const parts = name.split('/').slice(1)
  const scope = parts[0]
  const good =
    /^\/[\u0020-\u007e]+$/.test(name) &&
    !/[*%]/.test(name) &&
    parts.every((part) => part !== '') &&
    (scope === 'private' || scope === 'shared')
  // §3.2: entries of vendors "have at least 4 components".
  const least = components > 1 && parts[1] === 'vendor' ? 4 : components
  if (!good || parts.length < least) throw new ParseError('this is not the name of an entry')
  return name
}

/** `value = nstring / literal8` */
function parseValue(cursor: Cursor, limits: MetadataLimits): Uint8Array | null {
  try {
    const text = cursor.peek() === '~' ? cursor.literal8() : cursor.nstring()
    return text === null ? null : Buffer.from(text, 'latin1')
  } catch (error) {
    if (!(error instanceof LiteralWanted)) throw error
    // RFC 5464 §4.3: "the server MUST return a tagged NO response with a "[METADATA MAXSIZE NNN]" response code".
    const code = `METADATA MAXSIZE ${Math.min(limits.annotationSize, limits.literal)}`
    throw new LiteralWanted(error.message, { code, text: 'A value is too large' })
  }
}
