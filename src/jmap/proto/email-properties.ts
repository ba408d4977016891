// Which properties an Email and an EmailBodyPart have (RFC 8621 §4.1), and which are told where nobody asks for any (§4.2, §4.9).
import { allowsForm, convenientHeaders, tryHeaderProperty } from './header-property.ts'
import { boolean, listOf, otherwise, string, unsignedInt, where } from './shape.ts'

/** RFC 8621 §4.1.1. */
export const metadataProperties = [
  'id',
  'blobId',
  'threadId',
  'mailboxIds',
  'keywords',
  'size',
  'receivedAt',
] as const

/** RFC 8621 §4.1.4. */
const bodyMembers = ['bodyStructure', 'bodyValues', 'textBody', 'htmlBody', 'attachments'] as const

export const emailProperties: readonly string[] = [
  ...metadataProperties,
  ...['headers', ...convenientHeaders.keys()],
  ...[...bodyMembers, 'hasAttachment', 'preview'],
]

/** RFC 8621 §4.9: the default of Email/parse. */
export const parsedProperties: readonly string[] = [
  ...[
    'messageId',
    'inReplyTo',
    'references',
    'sender',
    'from',
    'to',
    'cc',
    'bcc',
    'replyTo',
    'subject',
    'sentAt',
  ],
  ...['hasAttachment', 'preview', 'bodyValues', 'textBody', 'htmlBody', 'attachments'],
]

/** RFC 8621 §4.2: the default of Email/get. */
export const defaultProperties: readonly string[] = [...metadataProperties, ...parsedProperties]

/** RFC 8621 §4.2: the default of `bodyProperties`. */
const defaultBodyProperties: readonly string[] = [
  ...['partId', 'blobId', 'size', 'name', 'type', 'charset', 'disposition', 'cid', 'language', 'location'],
]
const bodyProperties: ReadonlySet<string> = new Set([...defaultBodyProperties, 'headers', 'subParts'])

/** RFC 8621 §4.2: "a form that is forbidden … MUST result in the method call being rejected". */
export function isHeaderProperty(name: string): boolean {
  const property = tryHeaderProperty(name)
  return property !== undefined && allowsForm(property)
}

/** Arguments that Email/get and Email/parse have in common (RFC 8621 §4.2, §4.9). */
export const bodyArguments = {
  bodyProperties: otherwise(
    where(listOf(string), (names) => {
      const stranger = names.find((name) => !bodyProperties.has(name) && !isHeaderProperty(name))
      return stranger === undefined
        ? null
        : `properties of an EmailBodyPart are wanted, and ${stranger} is none`
    }),
    defaultBodyProperties,
  ),
  fetchTextBodyValues: otherwise(boolean, false),
  fetchHTMLBodyValues: otherwise(boolean, false),
  fetchAllBodyValues: otherwise(boolean, false),
  maxBodyValueBytes: otherwise(unsignedInt, 0),
} as const
