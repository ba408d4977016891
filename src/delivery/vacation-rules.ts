// Who gets a vacation response (RFC 3834 §2, RFC 5230 §4.5 and §4.6), and what stands in it. Nothing here sends or looks anything up.
import { composeMessage, type ComposePart } from '../mail/compose/compose.ts'
import { tryFormatField } from '../mail/compose/fields.ts'
import { parseAddressList } from '../mail/address-list.ts'
import { type Address, formatAddress, makeAddress } from '../mail/address.ts'
import { displayText } from '../mail/encoded-word.ts'
import { fieldValue, type HeaderField, messageIds } from '../mail/header.ts'
import { htmlText } from '../mail/search-text/html-text.ts'
import type { VacationSettings } from './vacation-settings.ts'

/** RFC 3834 §2 and RFC 5230 §4.6: lists, and programs that would not read it. */
const listFields = new Set([
  ...[
    'list-id',
    'list-help',
    'list-subscribe',
    'list-unsubscribe',
    'list-post',
    'list-owner',
    'list-archive',
  ],
  'mailing-list',
])

/** RFC 3834 §2: names that no person answers to. */
const programs =
  /^(?:mailer-daemon|postmaster|listserv|listproc|majordomo|mailman|no-?reply|do-?not-?reply|owner-.*|.*-owner|.*-request|.*-bounces?|bounces?[+-].*)$/i

/** Whether anybody may be answered who sends such a message. */
export function mayAnswer(sender: Address | null, fields: readonly HeaderField[]): sender is Address {
  // RFC 3834 §2: never to the null reverse-path.
  if (sender === null || programs.test(sender.localPart)) return false
  return fields.every((field) => {
    const value = fieldValue(field).toLowerCase()
    if (listFields.has(field.name)) return false
    // RFC 3834 §2: "any value other than "no"".
    if (field.name === 'auto-submitted') return /^no\b/.test(value)
    if (field.name === 'precedence') return !/^(?:bulk|list|junk)\b/.test(value)
    // What Exchange writes for the same.
    if (field.name === 'x-auto-response-suppress') return !/\b(?:all|oof|autoreply)\b/.test(value)
    return true
  })
}

const addressed = new Set(['to', 'cc', 'bcc', 'resent-to', 'resent-cc', 'resent-bcc'])
/** Addresses of a header that are looked at. */
const mostAddresses = 200

/** RFC 5230 §4.5: those to whom the message says that it goes. */
export function addressees(fields: readonly HeaderField[]): readonly Address[] {
  const found: Address[] = []
  for (const field of fields) {
    if (!addressed.has(field.name)) continue
    for (const { mailbox, host } of parseAddressList(fieldValue(field), mostAddresses).addresses) {
      const address = host === null ? undefined : makeAddress(mailbox ?? '', host, { utf8: true })
      if (address !== undefined && found.length < mostAddresses) found.push(address)
    }
  }
  return found
}

/** What is answered, and in whose name. */
export interface VacationReply {
  readonly settings: VacationSettings
  readonly from: { readonly name: string; readonly email: string }
  readonly to: Address
  readonly fields: readonly HeaderField[]
  readonly now: number
  /** Fresh: of the message, without angle brackets, and of its parts. */
  readonly messageId: string
  readonly boundary: string
}

/** References of a reply (RFC 5322 §3.6.4); older ones between the first and these go. */
const mostReferences = 20
const longestSubject = 500

/** RFC 3834 §3.1 and RFC 5230 §5. */
export function composeReply(reply: VacationReply): AsyncIterable<Uint8Array> {
  const { settings, from, to, fields, now, messageId } = reply
  const original = fields.find(({ name }) => name === 'subject')
  const subject = original === undefined ? '' : displayText(fieldValue(original)).slice(0, longestSubject)
  const answered = idsOf(fields, 'message-id')[0]
  const earlier = idsOf(fields, 'references')
  const references = [...(earlier.length > 0 ? earlier : idsOf(fields, 'in-reply-to').slice(0, 1))]
  if (answered !== undefined) references.push(answered)
  const address = (name: string, email: string) => ({
    form: 'groups' as const,
    groups: [{ name: null, addresses: [{ name: name === '' ? null : name, email }] }],
  })
  const written = [
    tryFormatField('From', address(from.name, from.email)),
    tryFormatField('To', address('', formatAddress(to))),
    // RFC 5230 §5.3: "Auto: " and the subject of what is answered.
    tryFormatField('Subject', {
      form: 'text',
      value: settings.subject ?? (subject === '' ? 'Automatic reply' : `Auto: ${subject}`),
    }),
    tryFormatField('Date', { form: 'date', time: now, zoneMinutes: 0 }),
    `Message-ID: <${messageId}>\r\n`,
    // RFC 3834 §3.1.5.
    answered === undefined ? '' : tryFormatField('In-Reply-To', { form: 'message-ids', ids: [answered] }),
    tryFormatField('References', { form: 'message-ids', ids: references }),
    // RFC 3834 §5.1.
    'Auto-Submitted: auto-replied\r\n',
  ]
  return composeMessage(
    { fields: written.flatMap((field) => field ?? []), root: bodyOf(settings) },
    reply.boundary,
  )
}

function idsOf(fields: readonly HeaderField[], name: string): readonly string[] {
  const field = fields.find((one) => one.name === name)
  return field === undefined ? [] : messageIds(fieldValue(field), mostReferences)
}

const standardText = 'I am away and may not read your message for some time.\n'

/** RFC 8621 §8: text is made of HTML where there is none. */
function bodyOf({ textBody, htmlBody }: VacationSettings): ComposePart {
  const text = leaf(
    'text/plain',
    textBody ?? (htmlBody === null ? standardText : `${htmlText(htmlBody).trim()}\n`),
  )
  if (htmlBody === null) return text
  return {
    ...{ mediaType: 'multipart/alternative', parameters: [], fields: [] },
    content: { type: 'multipart', parts: [text, leaf('text/html', htmlBody)] },
  }
}

function leaf(mediaType: string, text: string): ComposePart {
  return { mediaType, parameters: [['charset', 'utf-8']], fields: [], content: { type: 'text', text } }
}
