// BODY and BODYSTRUCTURE (RFC 3501 §7.4.2), as binary strings, from the structure that the store keeps.
//
// The grammar leaves no way to say "unknown", so what a walk did not reach is said with the nearest thing that is legal: a
// multipart without parts has one empty text part, an embedded message that was not walked into has an empty envelope.
// Depth is bounded by the walk that made the structure.
import { decodeStructure, rootStart } from '../../../mail/mime/codec.ts'
import { bracket, closing, comma, copyNumber, copyText, expect } from './kept-walk.ts'
import { encodeEnvelope } from './envelope.ts'
import { encodeAsciiOnly, encodeParameter, encodeWords } from './legacy-text.ts'
import { encodeString } from './strings.ts'
import { takesUtf8 } from '../modes.ts'
import { emptyEnvelope, type Disposition, type Parameter, type Part } from '../../../mail/mime/structure.ts'
import type { Modes } from '../modes.ts'
import type { Walk } from './kept-walk.ts'

type Form = 'body' | 'bodystructure'

const emptyText = {
  body: '("text" "plain" NIL NIL NIL "7bit" 0 0)',
  bodystructure: '("text" "plain" NIL NIL NIL "7bit" 0 0 NIL NIL NIL NIL)',
} as const

/** `body`; `extended` adds the extension data of BODYSTRUCTURE, which BODY must not have. */
export function encodeBody(part: Part, form: Form, modes: Modes): string {
  const extended = form === 'bodystructure'
  if (part.type === 'multipart')
    return `(${multipart(part, form, modes)}${extended ? multipartExtension(part, modes) : ''})`
  return `(${singlePart(part, form, modes)}${extended ? partExtension(part, modes) : ''})`
}

/** `body-type-mpart = 1*body SP media-subtype [SP body-ext-mpart]` */
function multipart(part: Part, form: Form, modes: Modes): string {
  const children = part.parts.map((child) => encodeBody(child, form, modes)).join('')
  return `${children === '' ? emptyText[form] : children} ${encodeString(part.subtype)}`
}

/** `body-type-basic / body-type-msg / body-type-text` */
function singlePart(part: Part, form: Form, modes: Modes): string {
  const media = `${encodeString(part.type)} ${encodeString(part.subtype)}`
  const octets = part.bodyEnd - part.bodyStart
  // body-fields = body-fld-param SP body-fld-id SP body-fld-desc SP body-fld-enc SP body-fld-octets
  const id = encodeAsciiOnly(part.id, modes)
  const about = `${parameters(part.parameters, modes)} ${id} ${encodeWords(part.description, modes)}`
  const fields = `${media} ${about} ${encodeString(part.encoding)} ${octets}`
  if (part.type === 'text') return `${fields} ${part.lines}`
  // body-type-msg = media-message SP body-fields SP envelope SP body SP body-fld-lines
  if (isMessage(part, modes)) {
    const { message } = part
    const envelope = encodeEnvelope(message?.envelope ?? emptyEnvelope, modes)
    const body = message === null ? emptyText[form] : encodeBody(message.root, form, modes)
    return `${fields} ${envelope} ${body} ${part.lines}`
  }
  return fields
}

/** `media-message = DQUOTE "MESSAGE" DQUOTE SP DQUOTE ("RFC822" / "GLOBAL") DQUOTE`; GLOBAL is no such thing to RFC 3501 §9. */
function isMessage({ type, subtype }: Part, modes: Modes): boolean {
  return type === 'message' && (subtype === 'rfc822' || (subtype === 'global' && takesUtf8(modes)))
}

/** `body-fld-param = "(" string SP string *(SP string SP string) ")" / nil` */
function parameters(list: readonly Parameter[], modes: Modes): string {
  if (list.length === 0) return 'NIL'
  return `(${list.map(([name, value]) => encodeParameter(name, value, modes)).join(' ')})`
}

/** `body-fld-dsp = "(" string SP body-fld-param ")" / nil` */
function disposition(value: Disposition | null, modes: Modes): string {
  return value === null ? 'NIL' : `(${encodeString(value.type)} ${parameters(value.parameters, modes)})`
}

/** `body-fld-lang = nstring / "(" string *(SP string) ")"` */
function language(tags: readonly string[]): string {
  const [only] = tags
  if (only === undefined) return 'NIL'
  return tags.length === 1 ? encodeString(only) : `(${tags.map(encodeString).join(' ')})`
}

/** `body-ext-1part = body-fld-md5 [SP body-fld-dsp [SP body-fld-lang [SP body-fld-loc]]]` */
function partExtension(part: Part, modes: Modes): string {
  return ` ${encodeAsciiOnly(part.md5, modes)} ${placement(part, modes)}`
}

/** `body-ext-mpart = body-fld-param [SP body-fld-dsp [SP body-fld-lang [SP body-fld-loc]]]` */
function multipartExtension(part: Part, modes: Modes): string {
  return ` ${parameters(part.parameters, modes)} ${placement(part, modes)}`
}

function placement(part: Part, modes: Modes): string {
  const location = encodeAsciiOnly(part.location, modes)
  return `${disposition(part.disposition, modes)} ${language(part.language)} ${location}`
}

/** The body of a kept structure: in one walk where it is plain, as in most messages. Throws `StructureDamaged` where it is none. */
export function encodeKeptBody(structure: string, form: Form, modes: Modes): string {
  const start = rootStart(structure)
  const walk: Walk = { text: structure, at: start, failed: start === -1 }
  const plain = start === -1 ? '' : copyPart(walk, form)
  return walk.failed ? encodeBody(decodeStructure(structure).root, form, modes) : plain
}

/** `[[headerStart, headerLength, bodyLength, lines], type, subtype, parameters, encoding, parts, message, rare]`; see the codec. */
function copyPart(walk: Walk, form: Form): string {
  expect(walk, bracket)
  expect(walk, bracket)
  copyNumber(walk)
  expect(walk, comma)
  copyNumber(walk)
  const octets = copyNext(walk, copyNumber)
  const lines = copyNext(walk, copyNumber)
  expect(walk, closing)
  const type = copyNext(walk, copyText)
  const subtype = copyNext(walk, copyText)
  const list = copyNext(walk, copyParameters)
  const encoding = copyNext(walk, copyText)
  expect(walk, comma)
  const parts = copyParts(walk, form)
  // Nothing of what few parts have, and no message inside.
  if (!walk.text.startsWith(',null,0]', walk.at) || type === '"message"') walk.failed = true
  walk.at += ',null,0]'.length
  if (walk.failed) return ''
  const extended = form === 'bodystructure'
  if (type === '"multipart"')
    return `(${parts === '' ? emptyText[form] : parts} ${subtype}${extended ? ` ${list} NIL NIL NIL` : ''})`
  const count = type === '"text"' ? ` ${lines}` : ''
  return `(${type} ${subtype} ${list} NIL NIL ${encoding} ${octets}${count}${extended ? ' NIL NIL NIL NIL' : ''})`
}

function copyNext(walk: Walk, copy: (walk: Walk) => string): string {
  expect(walk, comma)
  return walk.failed ? '' : copy(walk)
}

/** `[[name, value], …]` */
function copyParameters(walk: Walk): string {
  let list = ''
  expect(walk, bracket)
  while (!walk.failed && walk.text.charCodeAt(walk.at) !== closing) {
    if (list !== '') expect(walk, comma)
    expect(walk, bracket)
    const name = copyText(walk)
    list += `${list === '' ? '' : ' '}${name} ${copyNext(walk, copyText)}`
    expect(walk, closing)
  }
  walk.at++
  return list === '' ? 'NIL' : `(${list})`
}

function copyParts(walk: Walk, form: Form): string {
  let parts = ''
  expect(walk, bracket)
  while (!walk.failed && walk.text.charCodeAt(walk.at) !== closing) {
    if (parts !== '') expect(walk, comma)
    parts += copyPart(walk, form)
  }
  walk.at++
  return parts
}
