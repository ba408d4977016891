// The frame of FETCH responses and the data items that are short texts.
//
// - RFC 9586 §3: after ENABLE UIDONLY a response begins with the UID and is called UIDFETCH.
// - RFC 9051 Appendix E (23): an IMAP4rev2 client is never told \Recent.
// - RFC 7162 §3.2.4: once CONDSTORE is enabled, a FETCH response that nobody asked for has UID and MODSEQ.
import { encodeFlags, recentBit } from './flags.ts'
import { formatRanges } from '../grammar/sequence-set.ts'
import type { Modes } from '../modes.ts'
import type { Ranges } from '../grammar/sequence-set.ts'

/** A message's place in a mailbox. */
export interface Numbers {
  readonly number: number
  readonly uid: number
}

/** `* n FETCH (` */
export function encodeFetchStart({ number, uid }: Numbers, modes: Modes): string {
  return modes.uidOnly ? `* ${uid} UIDFETCH (` : `* ${number} FETCH (`
}

/** `FLAGS (…)`; `flags` may have `recentBit`. */
export function encodeFlagsItem(flags: number, keywords: string, modes: Modes): string {
  return `FLAGS (${encodeFlags(modes.rev2 ? flags & ~recentBit : flags, keywords)})`
}

/** `fetch-mod-resp = "MODSEQ" SP "(" permsg-modsequence ")"` (RFC 7162 §7) */
export function encodeModSeqItem(modSeq: number): string {
  return `MODSEQ (${modSeq})`
}

/** Flags as they are now, told without being asked for, or in answer to STORE. */
export interface FlagsNow extends Numbers {
  /** Null: only the mod-sequence is told (RFC 7162 §3.1.3 with .SILENT). */
  readonly flags: { readonly bits: number; readonly keywords: string } | null
  /** Null where it is not known; not told before CONDSTORE is enabled. */
  readonly modSeq: number | null
  /** Whether the command was a UID command (RFC 3501 §6.4.8: then the UID is told). */
  readonly uidCommand: boolean
}

/** A whole FETCH response about flags. */
export function encodeFlagsNow(now: FlagsNow, modes: Modes): string {
  const { uid, flags, modSeq, uidCommand } = now
  const told = flags === null ? '' : encodeFlagsItem(flags.bits, flags.keywords, modes)
  const start = encodeFetchStart(now, modes)
  // A STORE of a hundred thousand messages tells each of them so.
  if (!uidCommand && !modes.condstore) return `${start}${told})\r\n`
  const items: string[] = []
  if (!modes.uidOnly) items.push(`UID ${uid}`)
  if (told !== '') items.push(told)
  if (modes.condstore && modSeq !== null) items.push(encodeModSeqItem(modSeq))
  return `${start}${items.join(' ')})\r\n`
}

/** Ranges in one VANISHED response; clients have to read a line as a whole. */
const vanishedRanges = 500

/** `expunged-resp = "VANISHED" [SP "(EARLIER)"] SP known-uids` (RFC 7162 §7): as many responses as it takes; none for no UIDs. */
export function* encodeVanished(uids: Ranges, form: 'now' | 'earlier'): Generator<string> {
  for (let at = 0; at < uids.length; at += vanishedRanges) {
    const set = formatRanges(uids.slice(at, at + vanishedRanges))
    yield `* VANISHED ${form === 'earlier' ? '(EARLIER) ' : ''}${set}\r\n`
  }
}
