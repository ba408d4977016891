// Searching a message's octets: header fields, and the decoded text of its text parts.
//
// Parts are decoded one at a time, up to a limit of octets for the whole message, so that a search holds little and ends. Parts
// that are no text (images, archives) are not searched; the headers of embedded messages are part of the body around them.
import { Buffer } from 'node:buffer'
import { decodeCharset } from '../../../mail/charset.ts'
import { displayText } from '../../../mail/encoded-word.ts'
import { fieldValue, splitHeader } from '../../../mail/header.ts'
import { decodeTransfer } from '../../../mail/transfer.ts'
import { fold } from '../../../mail/search-text/fold.ts'
import { judge } from './search-key.ts'
import type { ContentKey, Facts, ReadyKey, ReadySearch } from './search-key.ts'
import type { MessageBytes } from '../messages/message-bytes.ts'
import type { Part } from '../../../mail/mime/structure.ts'

/** Octets of one header, and of all text parts together, that are searched. */
export interface SearchBudget {
  readonly headerText: number
  readonly searchText: number
}

interface Field {
  readonly name: string
  readonly value: string
}

/** Reads as much of the message as the decision takes. */
export async function judgeContent(
  search: ReadySearch,
  facts: Facts,
  options: { bytes: MessageBytes; budget: SearchBudget },
): Promise<boolean> {
  const { bytes, budget } = options
  const { root } = bytes.structure
  const fields = await readFields(bytes, root, budget.headerText)
  const whole = fields.map(({ name, value }) => `${name}: ${value}`).join('\n')
  for (const key of search.content) {
    if (key.key === 'header') facts.found.set(key, hasField(fields, key))
    else if (key.text === '' || (key.key === 'text' && whole.includes(key.text))) facts.found.set(key, true)
  }
  let verdict = judge(search.criteria, facts)
  if (verdict !== null) return verdict
  const left = { headerText: budget.headerText, octets: budget.searchText }
  for await (const text of bodyTexts(bytes, root, left)) {
    for (const key of open(search, facts)) if (text.includes(key.text)) facts.found.set(key, true)
    verdict = judge(search.criteria, facts)
    if (verdict !== null) return verdict
  }
  for (const key of open(search, facts)) facts.found.set(key, false)
  return judge(search.criteria, facts) ?? false
}

function open(search: ReadySearch, facts: Facts): (ReadyKey & ContentKey)[] {
  return search.content.filter((key) => !facts.found.has(key))
}

/** RFC 3501 §6.4.4 HEADER: an empty string matches every message that has the field. */
function hasField(fields: readonly Field[], key: Extract<ContentKey, { key: 'header' }>): boolean {
  return fields.some(({ name, value }) => name === key.field && value.includes(key.text))
}

async function readFields(bytes: MessageBytes, part: Part, most: number): Promise<Field[]> {
  const header = await bytes.collect({ start: part.headerStart, end: part.bodyStart }, most)
  // The trace fields of this recipient stand before the message's own header.
  const prefix = part === bytes.structure.root ? bytes.prefix : new Uint8Array(0)
  const text = Buffer.concat([prefix, header]).toString('latin1')
  return splitHeader(text).fields.map((field) => ({
    name: field.name,
    value: fold(displayText(fieldValue(field))),
  }))
}

/** The texts of a body, folded: text parts, and the headers of messages inside. */
async function* bodyTexts(bytes: MessageBytes, part: Part, left: Left): AsyncGenerator<string> {
  if (left.octets <= 0) return
  if (part.type === 'multipart') {
    for (const child of part.parts) yield* bodyTexts(bytes, child, left)
  } else if (part.message !== null) {
    const { root } = part.message
    const fields = await readFields(bytes, root, Math.min(left.headerText, left.octets))
    left.octets -= root.bodyStart - root.headerStart
    yield fields.map(({ name, value }) => `${name}: ${value}`).join('\n')
    yield* bodyTexts(bytes, root, left)
  } else if (part.type === 'text') {
    const raw = await bytes.collect({ start: part.bodyStart, end: part.bodyEnd }, left.octets)
    left.octets -= raw.length
    const charset = part.parameters.find(([name]) => name === 'charset')?.[1] ?? null
    yield fold(decodeCharset(decodeTransfer(raw, part.encoding), charset))
  }
}

/** What may still be read of one message. */
interface Left {
  readonly headerText: number
  octets: number
}
