// IMAP section numbers (RFC 3501 §6.4.5): which part `1.2.1` means.
//
// Numbers count from 1. They walk into a multipart's children, and through a message/rfc822 part into the message inside:
// its multipart's children, or, where that is no multipart, its one part as 1.
import type { EmbeddedMessage, MessageStructure, Part } from './structure.ts'

/** The part at a section, and the message that it is, or that it contains. */
export interface Section {
  readonly part: Part
  /**
   * For `HEADER`, `HEADER.FIELDS` and `TEXT`, which RFC 3501 §6.4.5 gives a meaning only on messages: the message itself for
   * the empty path, the message inside a message/rfc822 part, null for other parts.
   */
  readonly message: EmbeddedMessage | null
  /** RFC 3501 §6.4.5: `MIME` must have a number before it, so the whole message has none. */
  readonly hasMime: boolean
}

/** The part of a path; the empty path is the message. Undefined where there is no such part. */
export function sectionAt(structure: MessageStructure, path: readonly number[]): Section | undefined {
  const whole: EmbeddedMessage = { envelope: structure.envelope, root: structure.root }
  let section: Section = { part: structure.root, message: whole, hasMime: false }
  for (const number of path) {
    const part = childAt(section, number)
    if (part === undefined) return undefined
    section = { part, message: part.message, hasMime: true }
  }
  return section
}

/** The part alone. */
export function partAt(structure: MessageStructure, path: readonly number[]): Part | undefined {
  return sectionAt(structure, path)?.part
}

/** One step: the numbered part inside a message or a multipart. */
function childAt(section: Section, number: number): Part | undefined {
  const inside = section.message === null ? section.part : section.message.root
  if (inside.type === 'multipart' && inside.parts.length > 0) return inside.parts[number - 1]
  // RFC 3501 §6.4.5: every message has at least one part number; a message that is no multipart has only part 1.
  return section.message !== null && number === 1 ? inside : undefined
}
