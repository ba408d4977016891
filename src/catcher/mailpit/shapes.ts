// Mailpit's JSON: names and types as its public API document (v1) has them.
import { Buffer } from 'node:buffer'
import type { HeaderField } from '../../mail/header.ts'
import { displayText } from '../../mail/encoded-word.ts'
import { tryDate } from '../../mail/date.ts'
import { parseAddressList } from '../../mail/address-list.ts'
import { fieldValue } from '../../mail/header.ts'
import type { CaughtContent } from '../content.ts'
import type { CaughtAddress, CaughtSummary } from '../message.ts'
import { readListUnsubscribe } from '../checks/unsubscribe.ts'
import { addressesOf, type AttachedPart } from '../summary.ts'

export interface MailpitAddress {
  readonly Name: string
  readonly Address: string
}

export interface MailpitSummary {
  readonly ID: string
  readonly MessageID: string
  readonly Read: boolean
  readonly From: MailpitAddress
  readonly To: readonly MailpitAddress[]
  readonly Cc: readonly MailpitAddress[]
  readonly Bcc: readonly MailpitAddress[]
  readonly ReplyTo: readonly MailpitAddress[]
  readonly Subject: string
  readonly Created: string
  readonly Username: string
  readonly Tags: readonly string[]
  readonly Size: number
  readonly Attachments: number
  readonly Snippet: string
}

const addressShape = ({ name, address }: CaughtAddress): MailpitAddress => ({ Name: name, Address: address })

const nobody: MailpitAddress = { Name: '', Address: '' }

export function mailpitSummary(message: CaughtSummary): MailpitSummary {
  return {
    ID: message.id,
    MessageID: message.messageId,
    Read: message.read,
    From: message.from === null ? nobody : addressShape(message.from),
    To: message.to.map(addressShape),
    Cc: message.cc.map(addressShape),
    Bcc: message.bcc.map(addressShape),
    ReplyTo: message.replyTo.map(addressShape),
    Subject: message.subject,
    Created: new Date(message.receivedAt).toISOString(),
    Username: message.username,
    Tags: message.tags,
    Size: message.size,
    Attachments: message.attachments,
    Snippet: message.snippet,
  }
}

/** The whole message, parts as references. */
export async function mailpitMessage(
  message: CaughtSummary,
  content: CaughtContent,
): Promise<Record<string, unknown>> {
  const fields = await content.fields()
  const unsubscribe = readListUnsubscribe(fields)
  const attached = content.attached()
  const shapes = await Promise.all(attached.map((part) => attachmentShape(part, content)))
  const of = (place: AttachedPart['place']): unknown[] =>
    shapes.filter((_, index) => attached[index]?.place === place)
  const summary = mailpitSummary(message)
  const replyTo = addressesIn(fields, 'reply-to').map(addressShape)
  return {
    ID: summary.ID,
    MessageID: summary.MessageID,
    From: summary.From,
    ...{ To: summary.To, Cc: summary.Cc, Bcc: summary.Bcc, ReplyTo: replyTo },
    ReturnPath: returnPath(fields) || summary.From.Address,
    Subject: summary.Subject,
    ListUnsubscribe: {
      Header: unsubscribe.header,
      Links: unsubscribe.links,
      Errors: unsubscribe.problems.join(', '),
      HeaderPost: unsubscribe.post,
    },
    Date: dateOf(fields) ?? summary.Created,
    ...{ Tags: summary.Tags, Username: summary.Username },
    Text: await content.text(),
    HTML: await content.html(),
    Size: content.size,
    Inline: of('inline'),
    Attachments: of('attachment'),
  }
}

async function attachmentShape(
  { partId, part, fileName, contentId }: AttachedPart,
  content: CaughtContent,
): Promise<Record<string, unknown>> {
  const { size, md5, sha1, sha256 } = await content.digest(part)
  return {
    PartID: partId,
    FileName: fileName === '' ? contentId : fileName,
    ContentType: `${part.type}/${part.subtype}`,
    ContentID: contentId,
    Size: size,
    Checksums: { MD5: md5, SHA1: sha1, SHA256: sha256 },
  }
}

/** Values by canonical names, in order of the alphabet. */
export function mailpitHeaders(fields: readonly HeaderField[]): Record<string, string[]> {
  const byName = new Map<string, string[]>()
  for (const field of fields) {
    const name = canonical(field.name)
    const values = byName.get(name) ?? []
    values.push(Buffer.from(fieldValue(field), 'latin1').toString('utf8'))
    byName.set(name, values)
  }
  return Object.fromEntries([...byName].toSorted(([one], [other]) => (one < other ? -1 : 1)))
}

/** `message-id` is `Message-Id`: as Go writes names of header fields. */
function canonical(name: string): string {
  return name
    .split('-')
    .map((word) => word.charAt(0).toUpperCase() + word.slice(1).toLowerCase())
    .join('-')
}

export function valueOf(fields: readonly HeaderField[], name: string): string {
  const field = fields.find((one) => one.name.toLowerCase() === name)
  return field === undefined ? '' : displayText(fieldValue(field))
}

function returnPath(fields: readonly HeaderField[]): string {
  return valueOf(fields, 'return-path').replaceAll(/[<>\s]/g, '')
}

function addressesIn(fields: readonly HeaderField[], name: string): readonly CaughtAddress[] {
  const field = fields.find((one) => one.name.toLowerCase() === name)
  return field === undefined ? [] : addressesOf(parseAddressList(fieldValue(field), 100).addresses)
}

/** RFC 3339, in the zone that the message names. */
function dateOf(fields: readonly HeaderField[]): string | undefined {
  const date = tryDate(valueOf(fields, 'date'))
  if (date === undefined) return undefined
  const iso = new Date(date.time + date.zoneMinutes * 60_000).toISOString().replace(/\.000Z$/, '')
  if (date.zoneMinutes === 0) return `${iso.replace(/Z$/, '')}Z`
  const sign = date.zoneMinutes < 0 ? '-' : '+'
  const minutes = Math.abs(date.zoneMinutes)
  const two = (value: number): string => String(value).padStart(2, '0')
  return `${iso.replace(/Z$/, '')}${sign}${two(Math.floor(minutes / 60))}:${two(minutes % 60)}`
}
