// The properties of an Email that are made from the message itself (RFC 8621 §4.1.2 to §4.1.4), for Email/get and Email/parse alike. Only
// what is asked for is read and made.
import { Buffer } from 'node:buffer'
import { partBlobId } from '../../proto/blob-ids.ts'
import { bodyValue } from '../../proto/body-value.ts'
import {
  bodyStructure,
  everyPart,
  flatBody,
  partProperty,
  type BodyPart,
  type FlatBody,
} from '../../proto/email-body.ts'
import type { bodyArguments } from '../../proto/email-properties.ts'
import { convenientHeaders, tryHeaderProperty } from '../../proto/header-property.ts'
import { headerList, headerValue, rawFields, type RawField } from '../../proto/header-value.ts'
import { objectOf, type Json, type JsonObject } from '../../proto/json.ts'
import type { FieldsOf } from '../../proto/shape.ts'
import type { EmailSource } from './email-source.ts'
import type { PartSizes } from './part-sizes.ts'

export interface Wanted {
  readonly properties: ReadonlySet<string>
  readonly args: FieldsOf<typeof bodyArguments>
}

/** Octets of one header that are looked at. */
const longestHeader = 1024 * 1024

/** Whether the octets of messages are wanted, and not their structure alone. */
export function wantsOctets({ properties }: Wanted): boolean {
  for (const name of properties) {
    if (name === 'headers' || name.startsWith('header:') || convenientHeaders.has(name)) return true
    if (name === 'bodyStructure' || name === 'bodyValues' || name.endsWith('Body') || name === 'attachments')
      return true
  }
  return false
}

/** Members in the order of `properties`; those that are not of the message are left out. */
export async function emailMembers(
  source: EmailSource,
  wanted: Wanted,
  sizes: PartSizes,
): Promise<[name: string, value: Json][]> {
  const reader = new EmailReader(source, wanted, sizes)
  const members: [string, Json][] = []
  for (const name of wanted.properties) {
    const value = await reader.property(name)
    if (value !== undefined) members.push([name, value])
  }
  return members
}

class EmailReader {
  readonly #source: EmailSource
  readonly #wanted: Wanted
  readonly #sizes: PartSizes
  #fields: Promise<readonly RawField[]> | null = null
  #root: BodyPart | null = null
  #flat: FlatBody | null = null

  constructor(source: EmailSource, wanted: Wanted, sizes: PartSizes) {
    this.#source = source
    this.#wanted = wanted
    this.#sizes = sizes
  }

  async property(name: string): Promise<Json | undefined> {
    switch (name) {
      case 'headers':
        return headerList(await this.#header())
      case 'bodyStructure':
        return this.#part(this.#body(), 'tree')
      case 'bodyValues':
        return this.#values()
      case 'textBody':
      case 'htmlBody':
      case 'attachments':
        return this.#parts(this.#lists()[name])
      case 'hasAttachment':
        return this.#lists().hasAttachment
      case 'preview':
        // RFC 8621 §4.1.4: "This MUST NOT be more than 256 characters in length."
        return firstCharacters(this.#source.structure.preview, 256)
      default: {
        const header = convenientHeaders.get(name) ?? tryHeaderProperty(name)
        return header && headerValue(await this.#header(), header)
      }
    }
  }

  #body(): BodyPart {
    this.#root ??= bodyStructure(this.#source.structure.root)
    return this.#root
  }

  #lists(): FlatBody {
    this.#flat ??= flatBody(this.#body())
    return this.#flat
  }

  #header(): Promise<readonly RawField[]> {
    this.#fields ??= this.#fieldsOf(this.#body(), this.#source.prefix)
    return this.#fields
  }

  async #fieldsOf({ part }: BodyPart, prefix?: Uint8Array): Promise<readonly RawField[]> {
    const { headerStart, bodyStart } = part
    const own = await this.#source.read(headerStart, Math.min(bodyStart, headerStart + longestHeader))
    return rawFields(prefix === undefined || prefix.length === 0 ? own : Buffer.concat([prefix, own]))
  }

  async #parts(parts: readonly BodyPart[]): Promise<Json> {
    const list: Json[] = []
    for (const part of parts) list.push(await this.#part(part, 'leaf'))
    return list
  }

  async #part(body: BodyPart, as: 'tree' | 'leaf'): Promise<JsonObject> {
    const members: [string, Json][] = []
    for (const name of this.#wanted.args.bodyProperties) {
      if (name !== 'subParts') members.push([name, await this.#partMember(body, name)])
    }
    if (as === 'tree' && body.subParts !== null) {
      // "This is the full MIME structure": without them it would be none, whether they are named or not.
      const subParts: Json[] = []
      for (const child of body.subParts) subParts.push(await this.#part(child, 'tree'))
      members.push(['subParts', subParts])
    } else if (this.#wanted.args.bodyProperties.includes('subParts')) members.push(['subParts', null])
    return objectOf(members)
  }

  async #partMember(body: BodyPart, name: string): Promise<Json> {
    const isMultipart = body.subParts !== null
    switch (name) {
      case 'blobId':
        return isMultipart ? null : (partBlobId(this.#source.blobId, body.part) ?? null)
      case 'size':
        return isMultipart
          ? body.part.bodyEnd - body.part.bodyStart
          : this.#sizes.sizeOf(this.#source, body.part)
      case 'headers':
        return headerList(await this.#fieldsOfPart(body))
      default: {
        const told = partProperty(body, name)
        if (told !== undefined) return told
        const header = tryHeaderProperty(name)
        return header === undefined ? null : headerValue(await this.#fieldsOfPart(body), header)
      }
    }
  }

  /** The message's own header is that of its outermost part. */
  #fieldsOfPart(body: BodyPart): Promise<readonly RawField[]> {
    return body === this.#body() ? this.#header() : this.#fieldsOf(body)
  }

  /** RFC 8621 §4.2: which values are told. */
  async #values(): Promise<JsonObject> {
    const { fetchTextBodyValues, fetchHTMLBodyValues, fetchAllBodyValues, maxBodyValueBytes } =
      this.#wanted.args
    const chosen = new Set<BodyPart>()
    const { textBody, htmlBody } = this.#lists()
    if (fetchTextBodyValues) for (const part of textBody) chosen.add(part)
    if (fetchHTMLBodyValues) for (const part of htmlBody) chosen.add(part)
    if (fetchAllBodyValues) for (const part of everyPart(this.#body())) chosen.add(part)
    const values: [string, Json][] = []
    for (const body of chosen) {
      if (body.partId === null || body.part.type !== 'text') continue
      const octets = await this.#source.read(body.part.bodyStart, body.part.bodyEnd)
      values.push([body.partId, bodyValue(body, octets, maxBodyValueBytes)])
    }
    return objectOf(values)
  }
}

/** Whole ones: an emoji is not cut in two. */
function firstCharacters(text: string, most: number): string {
  return text.length <= most ? text : Array.from(text).slice(0, most).join('')
}
