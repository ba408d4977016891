// The body of a message as RFC 8621 §4.1.4 has it: the tree of its parts, and the flat lists that clients show. From the structure alone;
// octets are the caller's.
import type { Part } from '../../mail/mime/structure.ts'
import { decodeParameters, parameter } from '../../mail/parameters.ts'
import type { Json } from './json.ts'

/** One part. Octets of the header and the body are where `part` says. */
export interface BodyPart {
  /** As IMAP numbers parts, which is unique in the message; null: a multipart (RFC 8621 §4.1.4). */
  readonly partId: string | null
  readonly part: Part
  /** `type/subtype` in lower case. */
  readonly type: string
  readonly name: string | null
  readonly disposition: string | null
  /** Null unless a multipart. */
  readonly subParts: readonly BodyPart[] | null
}

/** RFC 8621 §4.1.4 `bodyStructure`, "without recursing into "message/rfc822" or "message/global" parts". */
export function bodyStructure(root: Part): BodyPart {
  return bodyPart(root, [])
}

function bodyPart(part: Part, path: readonly number[]): BodyPart {
  const { type, subtype, disposition, parameters } = part
  const isMultipart = type === 'multipart'
  const filename = disposition === null ? undefined : decodeParameters(disposition.parameters).get('filename')
  return {
    partId: isMultipart ? null : path.length === 0 ? '1' : path.join('.'),
    part,
    type: `${type}/${subtype}`,
    name: filename || decodeParameters(parameters).get('name') || null,
    disposition: disposition?.type ?? null,
    subParts: isMultipart ? part.parts.map((child, index) => bodyPart(child, [...path, index + 1])) : null,
  }
}

/** Every part, depth first. */
export function* everyPart(part: BodyPart): Generator<BodyPart> {
  yield part
  for (const child of part.subParts ?? []) yield* everyPart(child)
}

export interface FlatBody {
  readonly textBody: readonly BodyPart[]
  readonly htmlBody: readonly BodyPart[]
  readonly attachments: readonly BodyPart[]
  /** RFC 8621 §4.1.4: whether there is an attachment that a client "should offer as downloadable". */
  readonly hasAttachment: boolean
}

/** RFC 8621 §4.1.4: the algorithm "suggested as a starting point". */
export function flatBody(root: BodyPart): FlatBody {
  const lists: Lists = { textBody: [], htmlBody: [], attachments: [] }
  const embedded = new Set<BodyPart>()
  flatten([root], { multipart: 'mixed', inAlternative: false }, { lists, embedded })
  const { textBody, htmlBody, attachments } = lists
  const hasAttachment = attachments.some((part) => part.disposition !== 'inline' && !embedded.has(part))
  return { textBody: textBody ?? [], htmlBody: htmlBody ?? [], attachments, hasAttachment }
}

interface Lists {
  textBody: BodyPart[] | null
  htmlBody: BodyPart[] | null
  readonly attachments: BodyPart[]
}

interface Within {
  readonly multipart: string
  readonly inAlternative: boolean
}

interface Gathered {
  readonly lists: Lists
  /** Pictures of an HTML part that stands with them in a multipart/related. */
  readonly embedded: Set<BodyPart>
}

function flatten(parts: readonly BodyPart[], within: Within, gathered: Gathered): void {
  const { lists, embedded } = gathered
  const textLength = lists.textBody?.length ?? -1
  const htmlLength = lists.htmlBody?.length ?? -1
  for (const [index, part] of parts.entries()) {
    if (part.subParts !== null) {
      const multipart = part.part.subtype
      const inAlternative = within.inAlternative || multipart === 'alternative'
      // A list that a level gives up stays with the levels around it.
      const inner = { ...gathered, lists: { ...lists } }
      flatten(part.subParts, { multipart, inAlternative }, inner)
    } else if (isInline(part, index, within.multipart)) place(part, within, lists)
    else {
      if (within.multipart === 'related' && isMedia(part.type) && part.part.id !== null) embedded.add(part)
      lists.attachments.push(part)
    }
  }
  const { textBody, htmlBody } = lists
  if (within.multipart !== 'alternative' || textBody === null || htmlBody === null) return
  // "Found HTML part only", "Found plaintext part only".
  if (textLength === textBody.length && htmlLength !== htmlBody.length)
    textBody.push(...htmlBody.slice(htmlLength))
  else if (htmlLength === htmlBody.length && textLength !== textBody.length)
    htmlBody.push(...textBody.slice(textLength))
}

function isMedia(type: string): boolean {
  return /^(?:image|audio|video)\//.test(type)
}

/** "Is this a body part rather than an attachment" */
function isInline(part: BodyPart, index: number, multipart: string): boolean {
  const { type, name, disposition } = part
  if (disposition === 'attachment') return false
  if (type !== 'text/plain' && type !== 'text/html' && !isMedia(type)) return false
  return index === 0 || (multipart !== 'related' && (isMedia(type) || name === null || name === ''))
}

function place(part: BodyPart, { multipart, inAlternative }: Within, lists: Lists): void {
  const { type } = part
  if (multipart === 'alternative') {
    if (type === 'text/plain') lists.textBody?.push(part)
    else if (type === 'text/html') lists.htmlBody?.push(part)
    else lists.attachments.push(part)
    return
  }
  if (inAlternative) {
    if (type === 'text/plain') lists.htmlBody = null
    if (type === 'text/html') lists.textBody = null
  }
  lists.textBody?.push(part)
  lists.htmlBody?.push(part)
  if ((lists.textBody === null || lists.htmlBody === null) && isMedia(type)) lists.attachments.push(part)
}

/** RFC 8621 §4.1.4 `charset`. */
export function charsetOf({ part, type }: BodyPart): string | null {
  const named = parameter(part.parameters, 'charset')
  // "The value of the charset parameter …, if present", of whatever type.
  if (named !== undefined && named !== '') return named
  return type.startsWith('text/') ? 'us-ascii' : null
}

/** RFC 8621 §4.1.4 `cid`: "CFWS and surrounding angle brackets … MUST be removed". */
function bareId(id: string): string {
  const [, inside] = /<([^<>]*)>/.exec(id) ?? []
  return (inside ?? id.replace(/^<|>$/g, '')).trim()
}

/** Properties of an EmailBodyPart that the structure tells. */
export function partProperty(body: BodyPart, property: string): Json | undefined {
  const { part } = body
  switch (property) {
    case 'partId':
      return body.partId
    case 'name':
      return body.name
    case 'type':
      return body.type
    case 'charset':
      return charsetOf(body)
    case 'disposition':
      return body.disposition
    case 'cid':
      return part.id === null ? null : bareId(part.id)
    case 'language':
      return part.language.length === 0 ? null : part.language
    case 'location':
      return part.location
    default:
      return undefined
  }
}
