// Properties of the form `header:{name}:as{Form}:all` (RFC 8621 §4.1.3), and which forms which fields have (§4.1.2).

export type HeaderForm = 'Raw' | 'Text' | 'Addresses' | 'GroupedAddresses' | 'MessageIds' | 'Date' | 'URLs'

export interface HeaderProperty {
  /** As it was written. */
  readonly field: string
  readonly form: HeaderForm
  /** Every field of that name, not the last one alone. */
  readonly all: boolean
}

/** Also for the form that a field may not have: `allowsForm` tells. Undefined: no such property. */
export function tryHeaderProperty(name: string): HeaderProperty | undefined {
  // RFC 8621 §4.1.3: "printable ASCII characters …, except for colon"; "If both suffixes are used, they MUST be specified in the order".
  const match =
    /^header:([!-9;-~]{1,200})(?::as(Raw|Text|Addresses|GroupedAddresses|MessageIds|Date|URLs))?(:all)?$/.exec(
      name,
    )
  if (match === null) return undefined
  const [, field = '', form = 'Raw', all] = match
  // The expression lets nothing else through.
  return { field, form: form as HeaderForm, all: all !== undefined }
}

const addressFields = ['from', 'sender', 'reply-to', 'to', 'cc', 'bcc']
const resentAddressFields = addressFields.map((field) => `resent-${field}`)

/** RFC 8621 §4.1.2.2 to §4.1.2.7: fields of RFC 5322 and RFC 2369 by the forms that they have beside Raw; all others have all. */
const formsOf: ReadonlyMap<string, readonly HeaderForm[]> = new Map<string, readonly HeaderForm[]>([
  ...['subject', 'comments', 'keywords'].map((field) => [field, ['Text']] as const),
  ...[...addressFields, ...resentAddressFields].map(
    (field) => [field, ['Addresses', 'GroupedAddresses']] as const,
  ),
  ...['message-id', 'in-reply-to', 'references', 'resent-message-id'].map(
    (field) => [field, ['MessageIds']] as const,
  ),
  ...['date', 'resent-date'].map((field) => [field, ['Date']] as const),
  ...['help', 'unsubscribe', 'subscribe', 'post', 'owner', 'archive'].map(
    (field) => [`list-${field}`, ['URLs']] as const,
  ),
  ...['return-path', 'received'].map((field) => [field, []] as const),
])

/** Whether a field may be fetched or set in a form. */
export function allowsForm({ field, form }: Pick<HeaderProperty, 'field' | 'form'>): boolean {
  if (form === 'Raw') return true
  return formsOf.get(field.toLowerCase())?.includes(form) ?? true
}

/** RFC 8621 §4.1.3: convenience properties of an Email, and what each is identical to. */
export const convenientHeaders: ReadonlyMap<string, HeaderProperty> = new Map(
  (
    [
      ['messageId', 'Message-ID', 'MessageIds'],
      ['inReplyTo', 'In-Reply-To', 'MessageIds'],
      ['references', 'References', 'MessageIds'],
      ['sender', 'Sender', 'Addresses'],
      ['from', 'From', 'Addresses'],
      ['to', 'To', 'Addresses'],
      ['cc', 'Cc', 'Addresses'],
      ['bcc', 'Bcc', 'Addresses'],
      ['replyTo', 'Reply-To', 'Addresses'],
      ['subject', 'Subject', 'Text'],
      ['sentAt', 'Date', 'Date'],
    ] as const
  ).map(([name, field, form]) => [name, { field, form, all: false }]),
)
