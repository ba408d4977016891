// Header fields that a client sets by property (RFC 8621 §4.1.3, §4.6): each property becomes whole fields, or is wrong.
import type { AddressGroup, FieldContent } from '../../mail/compose/fields.ts'
import { tryFormatField } from '../../mail/compose/fields.ts'
import { date, tryDate } from '../proto/date.ts'
import {
  allowsForm,
  convenientHeaders,
  tryHeaderProperty,
  type HeaderProperty,
} from '../proto/header-property.ts'
import type { Json } from '../proto/json.ts'
import { listOf, nullable, record, string, Wrong, type Shape } from '../proto/shape.ts'

const emailAddress = record({ name: nullable(string), email: string })
const emailAddressGroup = record({ name: nullable(string), addresses: listOf(emailAddress) })

type ContentOf = (value: Json) => FieldContent | Wrong

function content<T>(shape: Shape<T>, make: (value: T) => FieldContent): ContentOf {
  return (value) => {
    const read = shape(value)
    return read instanceof Wrong ? read : make(read)
  }
}

const contents: Readonly<Record<HeaderProperty['form'], ContentOf>> = {
  Raw: content(string, (value) => ({ form: 'raw', value })),
  Text: content(string, (value) => ({ form: 'text', value })),
  Addresses: content(listOf(emailAddress), (addresses) => ({
    form: 'groups',
    groups: [{ name: null, addresses }],
  })),
  GroupedAddresses: content(listOf(emailAddressGroup), (groups: readonly AddressGroup[]) => ({
    form: 'groups',
    groups,
  })),
  MessageIds: content(listOf(string), (ids) => ({ form: 'message-ids', ids })),
  Date: content(date, (text) => ({
    form: 'date',
    time: tryDate(text) ?? 0,
    zoneMinutes: zoneOf(text),
  })),
  URLs: content(listOf(string), (urls) => ({ form: 'urls', urls })),
}

/** RFC 8620 §1.4: the zone that a Date has. */
function zoneOf(text: string): number {
  const [, sign, hours = '0', minutes = '0'] = /([+-])(\d{2}):(\d{2})$/.exec(text) ?? []
  return (sign === '-' ? -1 : 1) * (Number(hours) * 60 + Number(minutes))
}

/** The header property of that name: `header:…`, or a convenience of the Email; undefined: it is none. */
export function headerPropertyOf(name: string): HeaderProperty | undefined {
  return convenientHeaders.get(name) ?? tryHeaderProperty(name)
}

/** Whole fields with their CRLFs; why there are none. Null, where nothing is to be set, is none. */
export function fieldsOf(property: HeaderProperty, value: Json): readonly string[] | Wrong {
  const { field, form, all } = property
  if (!allowsForm(property)) return new Wrong(`${field} has no form ${form}`)
  if (value === null) return []
  if (all && !Array.isArray(value)) return new Wrong('an array is wanted')
  const values: readonly Json[] = all && Array.isArray(value) ? value : [value]
  const fields: string[] = []
  for (const one of values) {
    const read = contents[form](one)
    if (read instanceof Wrong) return read
    const written = tryFormatField(field, read)
    if (written === undefined) return new Wrong('cannot be written into a header')
    if (written !== '') fields.push(written)
  }
  return fields
}
