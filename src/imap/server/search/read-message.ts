// Searching a message's octets: header fields, and the decoded text of its text parts, by the texts that the full-text index is made of
// (`src/mail/search-text`), so that both find the same.
//
// Parts are decoded one at a time, up to a limit of octets for the whole message, so that a search holds little and ends.
import { Buffer } from 'node:buffer'
import {
  bodyPieces,
  bodyText,
  envelopeText,
  headerText,
  searchedFields,
} from '../../../mail/search-text/texts.ts'
import { trySentDate } from './facts/text-facts.ts'
import type { FieldText, FuzzyJudge } from '../../../search/search.ts'
import type { MessageBytes } from '../messages/message-bytes.ts'
import type { Reading } from './judge.ts'
import type { ReadyText } from './ready-search.ts'
import type { SearchedField } from '../../../mail/search-text/texts.ts'

/** Octets of one header, and of all text parts together, that are searched. */
export interface SearchBudget {
  readonly headerText: number
  readonly searchText: number
}

export interface ReadOptions {
  readonly texts: readonly ReadyText[]
  /** By number of the text; null where it is exact. */
  readonly fuzzy: readonly (FuzzyJudge | null)[]
  readonly budget: SearchBudget
  /** Whether what is found so far decides. */
  readonly decides: (reading: Reading) => boolean
}

/** What reading found, and the scores of fuzzy texts by their numbers. */
export interface ReadMessage {
  readonly reading: Reading
  readonly scores: readonly number[]
}

/** Reads as much of the message as the decision takes; everything where a text is fuzzy. */
export async function readMessage(bytes: MessageBytes, options: ReadOptions): Promise<ReadMessage> {
  const { texts, fuzzy, budget, decides } = options
  const { envelope, root } = bytes.structure
  const found: (boolean | null)[] = texts.map(({ part }) =>
    part.of === 'envelope' ? envelopeText(envelope, part.field)?.includes(part.text) === true : null,
  )
  for (const [number, { fuzzy: isFuzzy }] of texts.entries()) if (isFuzzy) found[number] = null
  const reading: Reading = { found, sentDay: trySentDate(envelope)?.day ?? null }
  const scores = texts.map(() => 0)
  if (decides(reading)) return { reading, scores }

  const kept: FieldText[] | null = fuzzy.some((judge) => judge !== null) ? [] : null
  const header = await bytes.collect({ start: root.headerStart, end: root.bodyStart }, budget.headerText)
  // The trace fields of this recipient stand before the message's own header.
  const fields = searchedFields(Buffer.concat([bytes.prefix, header]))
  const whole = headerText(fields)
  for (const [number, { part, fuzzy: isFuzzy }] of texts.entries()) {
    if (isFuzzy || part.of === 'envelope') continue
    if (part.of === 'header') found[number] = hasField(fields, part)
    else if (part.text === '' || (part.of === 'text' && whole.includes(part.text))) found[number] = true
  }
  if (kept === null && decides(reading)) return { reading, scores }
  keepEnvelope(bytes, kept)
  kept?.push({ field: 'header', text: whole })

  // RFC 9051 §6.4.4: BODY has nothing to find in headers of parts.
  const mime = kept !== null || texts.some(({ part }) => part.of === 'text')
  for await (const { field, text } of bodyTexts(bytes, { ...budget, mime })) {
    kept?.push({ field, text })
    for (const [number, { part, fuzzy: isFuzzy }] of texts.entries()) {
      if (found[number] !== null || isFuzzy || (field === 'mime' && part.of === 'body')) continue
      if (text.includes(part.text)) found[number] = true
    }
    if (kept === null && decides(reading)) return { reading, scores }
  }
  for (const [number, judge] of fuzzy.entries()) {
    scores[number] = judge === null ? 0 : judge(kept ?? [])
    if (judge !== null) found[number] = (scores[number] ?? 0) > 0
    else found[number] ??= false
  }
  return { reading, scores }
}

function keepEnvelope({ structure }: MessageBytes, kept: FieldText[] | null): void {
  for (const field of ['subject', 'from', 'to', 'cc', 'bcc'] as const) {
    const text = envelopeText(structure.envelope, field)
    if (text !== undefined) kept?.push({ field, text })
  }
}

/** RFC 3501 §6.4.4 HEADER: an empty string matches every message that has the field. */
function hasField(fields: readonly SearchedField[], part: { field: string; text: string }): boolean {
  return fields.some(({ name, value }) => name === part.field && value.includes(part.text))
}

/** The texts of a body, and with `mime` of the headers in it, folded, within the budget. */
async function* bodyTexts(
  bytes: MessageBytes,
  budget: SearchBudget & { readonly mime: boolean },
): AsyncGenerator<FieldText> {
  let left = budget.searchText
  for (const piece of bodyPieces(bytes.structure.root)) {
    if (left <= 0) return
    const field = piece.what === 'text' ? 'body' : 'mime'
    if (field === 'mime' && !budget.mime) continue
    const most = piece.what === 'header' ? Math.min(left, budget.headerText) : left
    const octets = await bytes.collect({ start: piece.start, end: piece.end }, most)
    left -= octets.length
    yield { field, text: bodyText(piece, octets) }
  }
}
