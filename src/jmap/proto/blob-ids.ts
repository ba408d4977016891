// What blobIds are made of (opaque to clients): an upload (`U`), or a message (`B`), and, for octets inside of one, where they begin, how
// many they are, and the encoding to take off; further ranges are inside what that gives. So a part of a message has an id without
// anything being kept, and a part of a message attached to a message too.
//
// Ids are read as hostile: numbers are safe integers, and the number of ranges is bounded. Whether somebody may see what it means is
// the business of whoever looks it up.
import { isId } from './shape.ts'

/** Where an id begins. Numbers are the store's counters. */
export type BlobRoot =
  | { readonly type: 'upload'; readonly account: number; readonly upload: number }
  | { readonly type: 'email'; readonly account: number; readonly email: number }

/** A Content-Transfer-Encoding that is taken off; `identity` for 7bit, 8bit, binary and unknown ones. */
export type BlobEncoding = 'base64' | 'quoted-printable' | 'identity'

/** Octets [start, end) of what is around them. Of a message: from its first octet as received, behind our trace fields. */
export interface BlobRange {
  readonly start: number
  readonly end: number
  readonly encoding: BlobEncoding
}

export interface BlobReference {
  readonly root: BlobRoot
  /** Outermost first; none: all of it. */
  readonly ranges: readonly BlobRange[]
}

/** Ranges of one id at most: messages attached to messages. */
const deepest = 8

const letters = { base64: 'b', 'quoted-printable': 'q', identity: 'i' } as const
const encodings: Readonly<Record<string, BlobEncoding>> = {
  b: 'base64',
  q: 'quoted-printable',
  i: 'identity',
}

/** The blobId of a whole message (RFC 8621 §4.1.1). */
export function emailBlobId(account: number, email: number): string {
  return `B${account}_${email}`
}

export function uploadBlobId(account: number, upload: number): string {
  return `U${account}_${upload}`
}

/** The blobId of a part of what `outer` is, RFC 8621 §4.1.4. Undefined where it would be too deep. */
export function partBlobId(
  outer: string,
  part: { readonly bodyStart: number; readonly bodyEnd: number; readonly encoding: string },
): string | undefined {
  const { bodyStart, bodyEnd } = part
  const encoding =
    part.encoding === 'base64' || part.encoding === 'quoted-printable' ? part.encoding : 'identity'
  const range = `${bodyStart.toString(36)}-${(bodyEnd - bodyStart).toString(36)}${letters[encoding]}`
  const inner = `${outer}_${range}`
  return tryBlobReference(inner) === undefined ? undefined : inner
}

/** Undefined: no id of ours. */
export function tryBlobReference(id: string): BlobReference | undefined {
  if (!isId(id)) return undefined
  const [account = '', number = '', ...rest] = id.slice(1).split('_')
  const root = tryRoot(id.charAt(0), tryCounter(account), tryCounter(number))
  if (root === undefined || rest.length > deepest) return undefined
  const ranges: BlobRange[] = []
  for (const text of rest) {
    const range = tryRange(text)
    if (range === undefined) return undefined
    ranges.push(range)
  }
  return { root, ranges }
}

function tryRoot(
  letter: string,
  account: number | undefined,
  number: number | undefined,
): BlobRoot | undefined {
  if (account === undefined || number === undefined) return undefined
  if (letter === 'U') return { type: 'upload', account, upload: number }
  return letter === 'B' ? { type: 'email', account, email: number } : undefined
}

function tryCounter(text: string): number | undefined {
  return /^[1-9]\d{0,15}$/.test(text) && Number.isSafeInteger(Number(text)) ? Number(text) : undefined
}

function tryRange(text: string): BlobRange | undefined {
  const [, from = '', length = '', letter = ''] = /^([0-9a-z]{1,9})-([0-9a-z]{1,9})([bqi])$/.exec(text) ?? []
  const encoding = encodings[letter]
  if (encoding === undefined) return undefined
  const start = Number.parseInt(from, 36)
  return { start, end: start + Number.parseInt(length, 36), encoding }
}
