// The body of an Email to be made (RFC 8621 §4.6): EmailBodyParts become parts of a message. Everything that is wrong is noted, by property
// of the Email, and nothing is made then; blobs are only named here.
import type { ComposePart, PartContent } from '../../mail/compose/compose.ts'
import { tryFormatField } from '../../mail/compose/fields.ts'
import type { JmapConfig } from '../../config/sections/jmap.ts'
import { formatWithParameters, isMediaType, isToken } from '../../mail/compose/parameters.ts'
import { decodeParameters, tryDisposition, tryMediaType } from '../../mail/parameters.ts'
import { tryHeaderProperty } from '../proto/header-property.ts'
import { isJsonArray, isJsonObject, memberOf, type Json, type JsonObject } from '../proto/json.ts'
import { Wrong } from '../proto/shape.ts'
import { fieldsOf } from './email-headers.ts'

/** Of one Email. */
export type BodyLimits = Pick<JmapConfig, 'maxBodyParts' | 'maxBodyDepth'>

/** A leaf's content until blobs are found. */
export type DraftContent =
  | { readonly type: 'text'; readonly text: string }
  | { readonly type: 'blob'; readonly blobId: string }
  | { readonly type: 'multipart'; readonly parts: readonly DraftPart[] }

export interface OwnField {
  /** In lower case. */
  readonly name: string
  /** The path of the property that gave it. */
  readonly property: string
  readonly fields: readonly string[]
}

export interface DraftPart extends Omit<ComposePart, 'content'> {
  readonly content: DraftContent
  /** Fields that are not of the body: of the root part they are the message's. */
  readonly ownFields: readonly OwnField[]
  /** As they are written, or null. */
  readonly disposition: string | null
  readonly cid: string | null
}

/**
 * Notes what is wrong with an Email, by the path of the property (RFC 8620 §5.3 `properties`). A description says why where the path
 * does not: what must not be given at all, or once alone, is wrong by being there.
 */
export class Faults {
  readonly #properties = new Set<string>()
  #description: string | null = null

  add(property: string, description?: string): void {
    this.#properties.add(property)
    if (description !== undefined) this.#description ??= `${property}: ${description}`
  }

  get properties(): readonly string[] {
    return [...this.#properties]
  }

  get description(): string | null {
    return this.#description
  }
}

interface Reading {
  readonly faults: Faults
  /** The path of the part, or of the list of parts. */
  readonly property: string
  readonly values: ReadonlyMap<string, string>
  readonly count: { parts: number }
  readonly limits: BodyLimits
}

/** The root part; undefined where something is wrong. */
export function readBody(email: JsonObject, faults: Faults, limits: BodyLimits): DraftPart | undefined {
  const values = readValues(memberOf(email, 'bodyValues') ?? null, faults)
  const count = { parts: 0 }
  const structure = memberOf(email, 'bodyStructure') ?? null
  if (structure === null) return readFlatBody(email, { faults, values, count, limits })
  for (const name of ['textBody', 'htmlBody', 'attachments']) {
    // RFC 8621 §4.6: "there MUST NOT be "textBody", "htmlBody", or "attachments" properties".
    if ((memberOf(email, name) ?? null) !== null) faults.add(name)
  }
  return readPart(
    structure,
    { faults, property: 'bodyStructure', values, count, limits },
    { defaultType: null, depth: 0 },
  )
}

function readValues(value: Json, faults: Faults): ReadonlyMap<string, string> {
  const values = new Map<string, string>()
  if (value === null) return values
  if (!isJsonObject(value)) {
    faults.add('bodyValues', 'an object is wanted')
    return values
  }
  for (const [partId, one] of Object.entries(value)) {
    const text = isJsonObject(one) ? memberOf(one, 'value') : undefined
    if (!isJsonObject(one) || typeof text !== 'string') {
      faults.add(`bodyValues/${partId}`, 'an EmailBodyValue is wanted')
      continue
    }
    for (const [name, member] of Object.entries(one)) {
      if (!mayStandInValue(name, member)) faults.add(`bodyValues/${partId}/${name}`)
    }
    values.set(partId, text)
  }
  return values
}

/** RFC 8621 §4.6: "isEncodingProblem and isTruncated MUST be either false or omitted". */
function mayStandInValue(name: string, member: Json): boolean {
  switch (name) {
    case 'value':
      return true
    case 'isEncodingProblem':
    case 'isTruncated':
      return member === false || member === null
    case 'charset':
      // What clients of the drafts say of text that JSON has as Unicode: it is so.
      return member === null || (typeof member === 'string' && /^utf-?8$/i.test(member))
    default:
      return false
  }
}

/** RFC 8621 §4.1.4: bodies that are alternatives of each other, and what is attached to them. */
function readFlatBody(email: JsonObject, reading: Omit<Reading, 'property'>): DraftPart | undefined {
  const text = readBodyList(email, { ...reading, property: 'textBody' }, 'text/plain')
  const html = readBodyList(email, { ...reading, property: 'htmlBody' }, 'text/html')
  const attached: DraftPart[] = []
  const list = memberOf(email, 'attachments') ?? null
  if (list !== null && !isJsonArray(list)) reading.faults.add('attachments', 'an array is wanted')
  for (const [index, one] of (isJsonArray(list) ? list : []).entries()) {
    const property = `attachments/${index}`
    const part = readPart(one, { ...reading, property }, { defaultType: null, depth: 1 })
    if (part?.content.type === 'multipart') reading.faults.add(property, 'a multipart is no attachment')
    else if (part !== undefined) attached.push(part)
  }
  const embedded = html === undefined ? [] : attached.filter(isEmbedded)
  const loose = attached.filter((part) => !embedded.includes(part)).map(asAttachment)
  // RFC 2387 §3.1: the HTML and what it shows inside of it are one.
  const shown =
    html === undefined || embedded.length === 0 ? html : multipart('related', [html, ...embedded.map(inline)])
  const bodies = [text, shown].filter((part) => part !== undefined)
  const body = bodies.length > 1 ? multipart('alternative', bodies) : bodies[0]
  if (loose.length === 0) return body ?? leaf('text/plain', { type: 'text', text: '' })
  return multipart('mixed', [...(body === undefined ? [] : [body]), ...loose])
}

/** RFC 8621 §4.6: "MUST contain exactly one body part" of that type. */
function readBodyList(email: JsonObject, reading: Reading, type: string): DraftPart | undefined {
  const { faults, property } = reading
  const list = memberOf(email, property) ?? null
  if (list === null) return undefined
  const [only] = isJsonArray(list) ? list : []
  if (!isJsonArray(list) || list.length !== 1 || only === undefined) {
    faults.add(property)
    return undefined
  }
  const inside = `${property}/0`
  const part = readPart(only, { ...reading, property: inside }, { defaultType: type, depth: 1 })
  if (part !== undefined && part.mediaType.toLowerCase() !== type) {
    faults.add(`${inside}/type`, `${type} is wanted`)
  }
  return part
}

/** What an HTML body may show by `cid:` (RFC 2392). */
function isEmbedded(part: DraftPart): boolean {
  return part.cid !== null && part.disposition?.toLowerCase() !== 'attachment'
}

function asAttachment(part: DraftPart): DraftPart {
  return part.disposition === null ? disposed(part, 'attachment') : part
}

function inline(part: DraftPart): DraftPart {
  return part.disposition === null ? disposed(part, 'inline') : part
}

/** RFC 2183 §2; a name that stood in Content-Type goes where it belongs. */
function disposed(part: DraftPart, disposition: string): DraftPart {
  const names = part.parameters.filter(([name]) => name === 'name')
  const parameters = part.parameters.filter(([name]) => name !== 'name')
  const filename = names.map(([, value]) => ['filename', value] as const)
  const field = formatWithParameters('Content-Disposition', disposition, filename)
  return { ...part, parameters, disposition, fields: [...part.fields, field] }
}

function leaf(mediaType: string, content: DraftContent): DraftPart {
  const parameters = content.type === 'text' ? [['charset', 'utf-8'] as const] : []
  return { mediaType, parameters, fields: [], content, ownFields: [], disposition: null, cid: null }
}

function multipart(subtype: string, parts: readonly DraftPart[]): DraftPart {
  return leaf(`multipart/${subtype}`, { type: 'multipart', parts })
}

const partProperties = new Set([
  ...['partId', 'blobId', 'size', 'name', 'type', 'charset', 'disposition', 'cid', 'language', 'location'],
  'subParts',
])

/** Properties of a part that stand for a field, which then may not be given by itself. */
const fieldOfProperty: ReadonlyMap<string, string> = new Map([
  ['type', 'content-type'],
  ['charset', 'content-type'],
  ['disposition', 'content-disposition'],
  ['name', 'content-disposition'],
  ['cid', 'content-id'],
  ['language', 'content-language'],
  ['location', 'content-location'],
])

function readPart(
  value: Json,
  reading: Reading,
  at: { readonly defaultType: string | null; readonly depth: number },
): DraftPart | undefined {
  const { faults, property, count, limits } = reading
  const { maxBodyParts, maxBodyDepth } = limits
  if (++count.parts > maxBodyParts || at.depth > maxBodyDepth) {
    // Told of the first one too many: there may be millions.
    if (count.parts <= maxBodyParts + 1)
      faults.add(property, `more than ${maxBodyParts} parts, or more than ${maxBodyDepth} inside one another`)
    return undefined
  }
  if (!isJsonObject(value)) {
    faults.add(property, 'an EmailBodyPart is wanted')
    return undefined
  }
  const part = new PartReader(value, reading)
  const content = part.content(at.depth)
  if (content === undefined) return undefined
  return part.finish(content, at.defaultType)
}

/** One EmailBodyPart. */
class PartReader {
  readonly #part: JsonObject
  readonly #reading: Reading
  /** Fields given by `header:…`, by name in lower case. */
  readonly #given = new Map<
    string,
    { readonly property: string; readonly fields: readonly string[]; readonly raw: string | null }
  >()

  constructor(part: JsonObject, reading: Reading) {
    this.#part = part
    this.#reading = reading
    for (const [name, value] of Object.entries(part)) {
      if (name.startsWith('header:')) this.#takeField(name, value)
      else if (!partProperties.has(name)) this.#wrong(name)
    }
    for (const [name, field] of fieldOfProperty) {
      if (this.#has(name) && this.#given.has(field)) this.#wrong(name, `${field} is given too`)
    }
  }

  /** `name`: of the property; null: the part as a whole. */
  #wrong(name: string | null, description?: string): void {
    const { faults } = this.#reading
    faults.add(name === null ? this.#reading.property : this.#pathOf(name), description)
  }

  #pathOf(name: string): string {
    return `${this.#reading.property}/${name}`
  }

  #has(name: string): boolean {
    return (memberOf(this.#part, name) ?? null) !== null
  }

  /** A string, or null where there is none. */
  #text(name: string): string | null {
    const value = memberOf(this.#part, name) ?? null
    if (value === null || typeof value === 'string') return value
    this.#wrong(name, 'a string is wanted')
    return null
  }

  #takeField(name: string, value: Json): void {
    const property = tryHeaderProperty(name)
    const field = property?.field.toLowerCase() ?? ''
    // RFC 8621 §4.6: neither Content-Transfer-Encoding, nor "two properties that represent the same header field".
    if (property === undefined || field === 'content-transfer-encoding' || this.#given.has(field)) {
      this.#wrong(name)
      return
    }
    const fields = fieldsOf(property, value)
    if (fields instanceof Wrong) this.#wrong(name, fields.description)
    else {
      const raw = typeof value === 'string' ? value : null
      this.#given.set(field, { property: this.#pathOf(name), fields, raw })
    }
  }

  /** RFC 8621 §4.6: "a partId OR a blobId, but not both". */
  content(depth: number): DraftContent | undefined {
    const partId = this.#text('partId')
    const blobId = this.#text('blobId')
    const subParts = memberOf(this.#part, 'subParts') ?? null
    const kinds = [partId, blobId, subParts].filter((kind) => kind !== null)
    if (kinds.length !== 1) {
      this.#wrong(null, 'exactly one of partId, blobId and subParts is wanted')
      return undefined
    }
    if (isJsonArray(subParts)) return this.#children(subParts, depth)
    if (blobId !== null) return { type: 'blob', blobId }
    if (partId === null) {
      this.#wrong('subParts', 'an array is wanted')
      return undefined
    }
    for (const name of ['charset', 'size']) {
      // RFC 8621 §4.6: they "MUST be omitted if a partId is given".
      if (this.#has(name)) this.#wrong(name)
    }
    const text = this.#reading.values.get(partId)
    if (text === undefined) {
      this.#wrong('partId', `there is no ${partId} in bodyValues`)
      return undefined
    }
    return { type: 'text', text }
  }

  #children(subParts: readonly Json[], depth: number): DraftContent | undefined {
    if (subParts.length === 0) {
      this.#wrong('subParts', 'a multipart needs a part')
      return undefined
    }
    // RFC 8621 §4.1.4: "message/rfc822" is the implicit type "if inside a "multipart/digest"" (RFC 2046 §5.1.5).
    const type = memberOf(this.#part, 'type')
    const isDigest = typeof type === 'string' && type.toLowerCase() === 'multipart/digest'
    const parts = subParts.map((part, index) => {
      const isMessage = isDigest && isJsonObject(part) && memberOf(part, 'blobId') !== undefined
      const at = { defaultType: isMessage ? 'message/rfc822' : null, depth: depth + 1 }
      return readPart(part, { ...this.#reading, property: this.#pathOf(`subParts/${index}`) }, at)
    })
    const whole = parts.filter((part) => part !== undefined)
    return whole.length === parts.length ? { type: 'multipart', parts: whole } : undefined
  }

  finish(content: DraftContent, defaultType: string | null): DraftPart {
    const { mediaType, parameters } = this.#mediaType(content, defaultType)
    const isMultipart = mediaType.toLowerCase().startsWith('multipart/')
    if (isMultipart !== (content.type === 'multipart')) {
      this.#wrong('type', isMultipart ? 'a multipart has subParts' : `${mediaType} has no subParts`)
    }
    if (content.type === 'text' && /^message\//i.test(mediaType))
      this.#wrong('type', 'a message comes from a blob')
    const { disposition, fields: disposing, inType } = this.#disposition()
    const cid = this.#cid()
    const fields = [...disposing, ...cid.fields, ...this.#language(), ...this.#location()]
    const ownFields: OwnField[] = []
    for (const [name, given] of this.#given) {
      if (!name.startsWith('content-'))
        ownFields.push({ name, property: given.property, fields: given.fields })
      else if (!['content-type', 'content-disposition', 'content-id'].includes(name))
        fields.push(...given.fields)
    }
    return {
      ...{ mediaType, fields, content, ownFields, disposition, cid: cid.value },
      parameters: [...parameters, ...inType],
    }
  }

  #mediaType(
    content: DraftContent,
    defaultType: string | null,
  ): { mediaType: string; parameters: readonly (readonly [string, string])[] } {
    const given = this.#given.get('content-type')
    if (given !== undefined) {
      const [field = ''] = given.fields
      const read = tryMediaType(field.slice(field.indexOf(':') + 1).replace(/\r\n/g, ''))
      if (read === undefined) this.#wrong('header:Content-Type', 'that is no media type')
      const parameters = [...decodeParameters(read?.parameters ?? [])].filter(([name]) => isToken(name))
      return {
        mediaType: read === undefined ? 'text/plain' : `${read.type}/${read.subtype}`,
        parameters:
          content.type === 'text'
            ? [...parameters.filter(([name]) => name !== 'charset'), ['charset', 'utf-8']]
            : parameters,
      }
    }
    const initial = {
      text: 'text/plain',
      blob: 'application/octet-stream',
      multipart: 'multipart/mixed',
    } as const
    const mediaType = this.#text('type') ?? defaultType ?? initial[content.type]
    const valid = isMediaType(mediaType)
    if (!valid) this.#wrong('type', `"${mediaType.slice(0, 100)}" is no media type`)
    const charset = this.#text('charset')
    if (charset !== null && !isToken(charset)) this.#wrong('charset', 'that is no charset')
    const named = content.type === 'text' && /^text\//i.test(mediaType) ? 'utf-8' : charset
    return {
      mediaType: valid ? mediaType : 'text/plain',
      parameters: named === null || content.type === 'multipart' ? [] : [['charset', named]],
    }
  }

  /** RFC 8621 §4.1.4 `name`: with a disposition its file name, else that of the type, so that none appears by it. */
  #disposition(): {
    disposition: string | null
    fields: readonly string[]
    inType: readonly (readonly [string, string])[]
  } {
    const given = this.#given.get('content-disposition')
    if (given !== undefined) {
      const [field = ''] = given.fields
      const read = tryDisposition(field.slice(field.indexOf(':') + 1).replace(/\r\n/g, ''))
      if (read === undefined) this.#wrong('header:Content-Disposition', 'that is no disposition')
      return { disposition: read?.type ?? null, fields: given.fields, inType: [] }
    }
    const name = this.#text('name')
    const disposition = this.#text('disposition')
    if (disposition === null) {
      return { disposition, fields: [], inType: name === null ? [] : [['name', name]] }
    }
    if (!isToken(disposition)) {
      this.#wrong('disposition', 'that is no disposition')
      return { disposition: null, fields: [], inType: [] }
    }
    const filename = name === null ? [] : [['filename', name] as const]
    const field = formatWithParameters('Content-Disposition', disposition, filename)
    return { disposition, fields: [field], inType: [] }
  }

  #cid(): { readonly value: string | null; readonly fields: readonly string[] } {
    const given = this.#given.get('content-id')
    if (given !== undefined) return { value: given.raw, fields: given.fields }
    const value = this.#text('cid')
    return {
      value,
      fields: value === null ? [] : this.#field('Content-ID', 'cid', { form: 'message-ids', ids: [value] }),
    }
  }

  #language(): readonly string[] {
    const language = memberOf(this.#part, 'language') ?? null
    if (language === null || (isJsonArray(language) && language.length === 0)) return []
    // RFC 3282 §2.
    const tags = isJsonArray(language)
      ? language.filter((tag) => typeof tag === 'string').filter((tag) => /^[A-Za-z0-9-]{1,35}$/.test(tag))
      : []
    if (isJsonArray(language) && tags.length === language.length) {
      return this.#field('Content-Language', 'language', { form: 'text', value: tags.join(', ') })
    }
    this.#wrong('language', 'tags of languages are wanted')
    return []
  }

  #location(): readonly string[] {
    const value = this.#text('location')
    if (value === null) return []
    // RFC 2557 §4.4: a URI has neither spaces nor what is not US-ASCII.
    if (!/^[!-~]{1,900}$/.test(value)) this.#wrong('location', 'a URI is wanted')
    return this.#field('Content-Location', 'location', { form: 'raw', value: ` ${value}` })
  }

  #field(name: string, property: string, content: Parameters<typeof tryFormatField>[1]): readonly string[] {
    const field = tryFormatField(name, content)
    if (field === undefined) this.#wrong(property, 'it cannot be written into a header')
    return field === undefined ? [] : [field]
  }
}

/** All blobs that parts name, each once. */
export function blobIdsOf(part: DraftPart): ReadonlySet<string> {
  const { content } = part
  if (content.type === 'blob') return new Set([content.blobId])
  if (content.type === 'text') return new Set()
  return new Set(content.parts.flatMap((child) => [...blobIdsOf(child)]))
}

/** With the octets of its blobs. Fields that are not of the body stay with the inner parts, and are the caller's for the root. */
export function composePart(
  part: DraftPart,
  contentOf: (blobId: string) => PartContent,
  where: 'root' | 'inside' = 'root',
): ComposePart {
  const { mediaType, parameters, content } = part
  const own = where === 'root' ? [] : part.ownFields.flatMap(({ fields }) => fields)
  const fields = [...part.fields, ...own]
  switch (content.type) {
    case 'text':
      return { mediaType, parameters, fields, content }
    case 'blob':
      return { mediaType, parameters, fields, content: contentOf(content.blobId) }
    case 'multipart': {
      const parts = content.parts.map((child) => composePart(child, contentOf, 'inside'))
      return { mediaType, parameters, fields, content: { type: 'multipart', parts } }
    }
  }
}
