// BODY and BODYSTRUCTURE (RFC 3501 §7.4.2), as binary strings, from the structure that the store keeps.
//
// The grammar leaves no way to say "unknown", so what a walk did not reach is said with the nearest thing that is legal: a
// multipart without parts has one empty text part, an embedded message that was not walked into has an empty envelope.
// Depth is bounded by the walk that made the structure.
import { encodeEnvelope } from './envelope.ts'
import { encodeNString, encodeString } from './strings.ts'
import { emptyEnvelope, type Disposition, type Parameter, type Part } from '../../../mail/mime/structure.ts'

const emptyText = {
  body: '("text" "plain" NIL NIL NIL "7bit" 0 0)',
  bodystructure: '("text" "plain" NIL NIL NIL "7bit" 0 0 NIL NIL NIL NIL)',
} as const

/** `body`; `extended` adds the extension data of BODYSTRUCTURE, which BODY must not have. */
export function encodeBody(part: Part, form: 'body' | 'bodystructure'): string {
  const extended = form === 'bodystructure'
  if (part.type === 'multipart')
    return `(${multipart(part, form)}${extended ? multipartExtension(part) : ''})`
  return `(${singlePart(part, form)}${extended ? partExtension(part) : ''})`
}

/** `body-type-mpart = 1*body SP media-subtype [SP body-ext-mpart]` */
function multipart(part: Part, form: 'body' | 'bodystructure'): string {
  const children = part.parts.map((child) => encodeBody(child, form)).join('')
  return `${children === '' ? emptyText[form] : children} ${encodeString(part.subtype)}`
}

/** `body-type-basic / body-type-msg / body-type-text` */
function singlePart(part: Part, form: 'body' | 'bodystructure'): string {
  const media = `${encodeString(part.type)} ${encodeString(part.subtype)}`
  const octets = part.bodyEnd - part.bodyStart
  // body-fields = body-fld-param SP body-fld-id SP body-fld-desc SP body-fld-enc SP body-fld-octets
  const about = [parameters(part.parameters), encodeNString(part.id), encodeNString(part.description)].join(
    ' ',
  )
  const fields = `${media} ${about} ${encodeString(part.encoding)} ${octets}`
  if (part.type === 'text') return `${fields} ${part.lines}`
  // body-type-msg = media-message SP body-fields SP envelope SP body SP body-fld-lines
  if (part.type === 'message' && part.subtype === 'rfc822') {
    const { message } = part
    const envelope = encodeEnvelope(message?.envelope ?? emptyEnvelope)
    const body = message === null ? emptyText[form] : encodeBody(message.root, form)
    return `${fields} ${envelope} ${body} ${part.lines}`
  }
  return fields
}

/** `body-fld-param = "(" string SP string *(SP string SP string) ")" / nil` */
function parameters(list: readonly Parameter[]): string {
  if (list.length === 0) return 'NIL'
  return `(${list.map(([name, value]) => `${encodeString(name)} ${encodeString(value)}`).join(' ')})`
}

/** `body-fld-dsp = "(" string SP body-fld-param ")" / nil` */
function disposition(value: Disposition | null): string {
  return value === null ? 'NIL' : `(${encodeString(value.type)} ${parameters(value.parameters)})`
}

/** `body-fld-lang = nstring / "(" string *(SP string) ")"` */
function language(tags: readonly string[]): string {
  const [only] = tags
  if (only === undefined) return 'NIL'
  return tags.length === 1 ? encodeString(only) : `(${tags.map(encodeString).join(' ')})`
}

/** `body-ext-1part = body-fld-md5 [SP body-fld-dsp [SP body-fld-lang [SP body-fld-loc]]]` */
function partExtension(part: Part): string {
  return ` ${encodeNString(part.md5)} ${placement(part)}`
}

/** `body-ext-mpart = body-fld-param [SP body-fld-dsp [SP body-fld-lang [SP body-fld-loc]]]` */
function multipartExtension(part: Part): string {
  return ` ${parameters(part.parameters)} ${placement(part)}`
}

function placement(part: Part): string {
  return `${disposition(part.disposition)} ${language(part.language)} ${encodeNString(part.location)}`
}
