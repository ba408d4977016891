// The base subject (RFC 5256 §2.1): a subject without the marks of replies, forwards and mailing lists, by which messages are
// sorted and threaded. "All servers … MUST use exactly this algorithm".
//
// Works on indexes into one text, so that a hostile subject costs its length and no more: a run of blobs that no `re:` follows is
// looked through once. Case is kept; whoever compares folds (`search-text/fold.ts`).
import { displayText } from './encoded-word.ts'

export interface BaseSubject {
  /** Unicode; may be empty. */
  readonly text: string
  /** RFC 5256 §3, REFERENCES: a subj-refwd, a "(fwd)" trailer, or a subj-fwd-hdr with its end was removed. */
  readonly isReplyOrForward: boolean
}

/** `subject` is a binary string as `Envelope.subject`, encoded words and all. */
export function baseSubject(subject: string): BaseSubject {
  // (1) "Convert all tabs and continuations to space. Convert all multiple spaces to a single space."
  const text = displayText(subject).replace(/[\t\r\n ]+/g, ' ')
  const reading: Reading = { text, start: 0, end: text.length, blobsUntil: -1, isReplyOrForward: false }
  do {
    removeTrailers(reading)
    // (5) "Repeat (3) and (4) until no matches remain."
    while (removeLeader(reading) || removeBlob(reading));
  } while (removeForward(reading))
  return { text: text.slice(reading.start, reading.end), isReplyOrForward: reading.isReplyOrForward }
}

interface Reading {
  readonly text: string
  start: number
  end: number
  /** Blobs reach from `start` up to here, and no subj-refwd follows them. */
  blobsUntil: number
  isReplyOrForward: boolean
}

/** (2) `subj-trailer = "(fwd)" / WSP`, all of them. */
function removeTrailers(reading: Reading): void {
  const { text } = reading
  for (;;) {
    while (reading.end > reading.start && text[reading.end - 1] === ' ') reading.end--
    const from = reading.end - 5
    if (from < reading.start || text.slice(from, reading.end).toLowerCase() !== '(fwd)') return
    reading.end = from
    reading.isReplyOrForward = true
  }
}

/** (3) `subj-leader = (*subj-blob subj-refwd) / WSP` */
function removeLeader(reading: Reading): boolean {
  if (reading.start < reading.end && reading.text[reading.start] === ' ') {
    reading.start = skipSpaces(reading, reading.start)
    return true
  }
  if (reading.start < reading.blobsUntil) return false
  let at = reading.start
  for (let next = blobEnd(reading, at); next > at; next = blobEnd(reading, at)) at = next
  const end = replyEnd(reading, at)
  if (end === at) {
    reading.blobsUntil = at
    return false
  }
  reading.start = end
  reading.isReplyOrForward = true
  return true
}

/** (4) A blob goes where something is left behind it. */
function removeBlob(reading: Reading): boolean {
  const end = blobEnd(reading, reading.start)
  if (end === reading.start || end >= reading.end) return false
  reading.start = end
  return true
}

/** (6) `subj-fwd-hdr = "[fwd:"`, `subj-fwd-trl = "]"` */
function removeForward(reading: Reading): boolean {
  const { text, start, end } = reading
  if (end - start < 6 || text[end - 1] !== ']') return false
  if (text.slice(start, start + 5).toLowerCase() !== '[fwd:') return false
  reading.start += 5
  reading.end--
  reading.blobsUntil = -1
  reading.isReplyOrForward = true
  return true
}

/** `subj-blob = "[" *BLOBCHAR "]" *WSP`, where no bracket is a BLOBCHAR; `at` itself where none stands there. */
function blobEnd(reading: Reading, at: number): number {
  const { text, end } = reading
  if (at >= end || text[at] !== '[') return at
  for (let next = at + 1; next < end; next++) {
    if (text[next] === '[') return at
    if (text[next] === ']') return skipSpaces(reading, next + 1)
  }
  return at
}

/** `subj-refwd = ("re" / ("fw" ["d"])) *WSP [subj-blob] ":"` */
function replyEnd(reading: Reading, at: number): number {
  const { text, end } = reading
  const word = text.slice(at, Math.min(end, at + 3)).toLowerCase()
  const length = word === 'fwd' ? 3 : word.startsWith('re') || word.startsWith('fw') ? 2 : 0
  if (length === 0) return at
  const behind = blobEnd(reading, skipSpaces(reading, at + length))
  return behind < end && text[behind] === ':' ? behind + 1 : at
}

function skipSpaces({ text, end }: Reading, at: number): number {
  while (at < end && text[at] === ' ') at++
  return at
}
