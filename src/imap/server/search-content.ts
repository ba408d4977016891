// Searching a message's octets: header fields, and the decoded text of its text parts.
//
// Parts are decoded one at a time, up to a limit of octets for the whole message, so that a search holds little and ends. Parts
// that are no text (images, archives) are not searched; the headers of embedded messages are part of the body around them.
import { Buffer } from 'node:buffer'
import { decodeCharset } from '../../mail/charset.ts'
import { displayText } from '../../mail/encoded-word.ts'
import { fieldValue, splitHeader } from '../../mail/header.ts'
import { decodeTransfer } from '../../mail/transfer.ts'
import { fold, judge } from './search-key.ts'
import type { ContentKey, Facts, ReadyKey, ReadySearch } from './search-key.ts'
import type { MessageBytes } from './message-bytes.ts'
import type { Part } from '../../mail/mime/structure.ts'

/** Octets of a header that are searched. */
const headerLimit = 1024 * 1024

interface Field {
  readonly name: string
  readonly value: string
}

/** Reads as much of the message as the decision takes. */
export async function judgeContent(
  search: ReadySearch,
  facts: Facts,
  options: { bytes: MessageBytes; limit: number },
): Promise<boolean> {
  const { bytes, limit } = options
  const { root } = bytes.structure
  const fields = await readFields(bytes, root, bytes.prefix)
  const whole = fields.map(({ name, value }) => `${name}: ${value}`).join('\n')
  for (const key of search.content) {
    if (key.key === 'header') facts.found.set(key, hasField(fields, key))
    else if (key.text === '' || (key.key === 'text' && whole.includes(key.text))) facts.found.set(key, true)
  }
  let verdict = judge(search.criteria, facts)
  if (verdict !== null) return verdict
  const budget = { left: limit }
  for await (const text of bodyTexts(bytes, root, budget)) {
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

async function readFields(bytes: MessageBytes, part: Part, prefix: Uint8Array): Promise<Field[]> {
  const header = await bytes.collect({ start: part.headerStart, end: part.bodyStart }, headerLimit)
  const text = Buffer.concat([prefix, header]).toString('latin1')
  return splitHeader(text).fields.map((field) => ({
    name: field.name,
    value: fold(displayText(fieldValue(field))),
  }))
}

/** The texts of a body, folded: text parts, and the headers of messages inside. */
async function* bodyTexts(bytes: MessageBytes, part: Part, budget: { left: number }): AsyncGenerator<string> {
  if (budget.left <= 0) return
  if (part.type === 'multipart') {
    for (const child of part.parts) yield* bodyTexts(bytes, child, budget)
  } else if (part.message !== null) {
    const { root } = part.message
    const fields = await readFields(bytes, root, new Uint8Array(0))
    yield fields.map(({ name, value }) => `${name}: ${value}`).join('\n')
    yield* bodyTexts(bytes, root, budget)
  } else if (part.type === 'text') {
    const raw = await bytes.collect({ start: part.bodyStart, end: part.bodyEnd }, budget.left)
    budget.left -= raw.length
    const charset = part.parameters.find(([name]) => name === 'charset')?.[1] ?? null
    yield fold(decodeCharset(decodeTransfer(raw, part.encoding), charset))
  }
}
