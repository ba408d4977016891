// The file `manifest.jsonl` of an export: JSON, one line each for the export, for every mailbox, and for every message behind the
// line of its mailbox. With it an import brings back what the files alone cannot say. `docs/import-export.md` describes it.
import { Flag, type SpecialUse } from '../store/model.ts'

export const manifestName = 'manifest.jsonl'

export type ManifestLine =
  | {
      readonly type: 'posthorn-export'
      readonly version: 1
      readonly account: string
      readonly format: 'mbox' | 'maildir' | 'eml'
      /** ISO 8601. */
      readonly created: string
    }
  | {
      readonly type: 'mailbox'
      readonly name: string
      readonly specialUse: SpecialUse | null
      readonly subscribed: boolean
      readonly uidValidity: number
      readonly messages: number
      readonly bytes: number
      /** Of an mbox export: the file of all its messages. */
      readonly file: string | null
    }
  | {
      readonly type: 'message'
      /** Null in an mbox: the next one of the mailbox's file. */
      readonly file: string | null
      readonly flags: readonly string[]
      readonly keywords: readonly string[]
      /** INTERNALDATE, ISO 8601. */
      readonly date: string
      readonly uid: number
      readonly emailId: number
      readonly threadId: number
      /** When it came into the mailbox, ISO 8601. */
      readonly savedAt: string | null
      /** Octets of the message. */
      readonly size: number
      /** Of the message's octets, hexadecimal. */
      readonly sha256: string
      /** Octets in the file before the message's own. */
      readonly added: number
      /** `lf`: the file has LF where the message has CRLF. `exact`: its octets as they are. */
      readonly octets: 'exact' | 'lf'
    }

const names: readonly (readonly [string, number])[] = [
  ['\\Seen', Flag.seen],
  ['\\Answered', Flag.answered],
  ['\\Flagged', Flag.flagged],
  ['\\Deleted', Flag.deleted],
  ['\\Draft', Flag.draft],
]

export function flagNames(flags: number): string[] {
  return names.filter(([, bit]) => (flags & bit) !== 0).map(([name]) => name)
}

/** Bits, and the keywords among them, of flags as IMAP writes them. */
export function flagBits(flags: readonly string[]): { flags: number; keywords: string[] } {
  let bits = 0
  const keywords: string[] = []
  for (const flag of flags) {
    const found = names.find(([name]) => name.toLowerCase() === flag.toLowerCase())
    if (found !== undefined) bits |= found[1]
    else if (!flag.startsWith('\\')) keywords.push(flag)
  }
  return { flags: bits, keywords }
}

/** Undefined for what is no line of a manifest. */
export function tryManifestLine(text: string): ManifestLine | undefined {
  try {
    const value: unknown = JSON.parse(text)
    if (typeof value !== 'object' || value === null || !('type' in value)) return undefined
    // Written by us; what an edited one lacks shows where it is used.
    return value as ManifestLine
  } catch {
    return undefined
  }
}
