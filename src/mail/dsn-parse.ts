// Reads reports of other hosts: RFC 3464 and 6533 in whatever multipart they stand in, and, as far as it is simple, what hosts
// wrote before there was a standard.
//
// Works on the bytes of a whole message and the structure that the MIME walk found. Everything is bounded, linear and hostile:
// what a report claims is only a hint, and who acts on it has to match it with something that he sent himself.
import { Buffer } from 'node:buffer'
import { fieldValue, type HeaderField, messageIds, splitHeader } from './header.ts'
import type { MessageStructure, Part } from './mime/structure.ts'
import { decodeTransfer } from './transfer.ts'

export interface ParsedRecipientReport {
  /** The address alone, its type taken off; '' where it was not given. */
  readonly finalRecipient: string
  readonly originalRecipient: string | null
  readonly action: 'failed' | 'delayed' | 'delivered' | 'relayed' | 'expanded'
  /** `5.1.1`; '' where there is none. */
  readonly status: string
  /** Without its type; LF between lines is folded away. */
  readonly diagnostic: string | null
}

export interface ParsedReport {
  /** `guess`: not by RFC 3464, but by common signs. */
  readonly form: 'standard' | 'guess'
  readonly envelopeId: string | null
  /** Message-ID of what the report is about, without angle brackets. */
  readonly originalMessageId: string | null
  readonly recipients: readonly ParsedRecipientReport[]
}

/** How much is looked at. */
export interface ReportLimits {
  readonly recipients: number
  /** Octets of the fields, and of a returned header. */
  readonly octets: number
}

export const defaultReportLimits: ReportLimits = { recipients: 1000, octets: 1024 * 1024 }

/** Undefined where the message is no report about a delivery. */
export function tryReport(
  bytes: Uint8Array,
  structure: MessageStructure,
  limits: ReportLimits = defaultReportLimits,
): ParsedReport | undefined {
  const parts = allParts(structure.root)
  const status = parts.find(
    ({ type, subtype }) => type === 'message' && /^(global-)?delivery-status$/.test(subtype),
  )
  const originalMessageId = returnedMessageId(bytes, parts, limits)
  if (status !== undefined) return standard(partText(bytes, status, limits), originalMessageId, limits)
  return guess(bytes, structure, { originalMessageId, limits })
}

const actions = ['failed', 'delayed', 'delivered', 'relayed', 'expanded'] as const

function standard(text: string, originalMessageId: string | null, limits: ReportLimits): ParsedReport {
  // RFC 3464 §2.1: groups of fields, empty lines between them; the first group is about the message.
  const groups = text.split(/(?:\r?\n)[ \t]*(?:\r?\n)+/, limits.recipients + 1)
  const [message = '', ...rest] = groups.map((group) => group.replace(/^[\r\n]+/, ''))
  const messageFields = splitHeader(message).fields
  // Some hosts leave out the group of the message, or forget the empty line behind it.
  const blocks = valueOf(messageFields, 'action') === null ? rest : [message, ...rest]
  const recipients: ParsedRecipientReport[] = []
  for (const block of blocks) {
    const recipient = recipientOf(splitHeader(block).fields)
    if (recipient !== undefined) recipients.push(recipient)
  }
  const envelopeId = valueOf(messageFields, 'original-envelope-id')
  return { form: 'standard', envelopeId, originalMessageId, recipients }
}

function recipientOf(fields: readonly HeaderField[]): ParsedRecipientReport | undefined {
  const said = valueOf(fields, 'action')
    ?.toLowerCase()
    .split(/[\s(;]/, 1)[0]
  const action = actions.find((known) => known === said)
  if (action === undefined) return undefined
  const original = valueOf(fields, 'original-recipient')
  const diagnostic = valueOf(fields, 'diagnostic-code')
  return {
    finalRecipient: typedValue(valueOf(fields, 'final-recipient') ?? ''),
    originalRecipient: original === null ? null : typedValue(original),
    action,
    status: statusIn(valueOf(fields, 'status') ?? '') ?? '',
    diagnostic: diagnostic === null ? null : typedValue(diagnostic),
  }
}

/** RFC 3464 §2.1.2: what stands behind `type;`. */
function typedValue(value: string): string {
  const cut = value.indexOf(';')
  return value
    .slice(cut + 1)
    .trim()
    .replace(/^<(.*)>$/, '$1')
}

function valueOf(fields: readonly HeaderField[], name: string): string | null {
  const found = fields.find((field) => field.name === name)
  return found === undefined ? null : fieldValue(found)
}

function statusIn(text: string): string | undefined {
  return /\b([245]\.\d{1,3}\.\d{1,3})\b/.exec(text)?.[1]
}

/** X-Failed-Recipients (Exim, Gmail), or a returned message in a mail from the mail system. */
function guess(
  bytes: Uint8Array,
  structure: MessageStructure,
  options: { originalMessageId: string | null; limits: ReportLimits },
): ParsedReport | undefined {
  const { limits } = options
  const { root } = structure
  const headerText = latin1(
    bytes.subarray(root.headerStart, Math.min(root.bodyStart, root.headerStart + limits.octets)),
  )
  const failed = valueOf(splitHeader(headerText).fields, 'x-failed-recipients')
  const from = structure.envelope.from?.[0]
  const system = /^(mailer-daemon|postmaster)$/i.test(from?.mailbox ?? '')
  if (failed === null && !system) return undefined
  const body = latin1(bytes.subarray(root.bodyStart, Math.min(bytes.length, root.bodyStart + guessOctets)))
  const originalMessageId =
    options.originalMessageId ?? /^[> ]{0,4}Message-ID:[ \t]*<([^<>\s]{1,500})>/im.exec(body)?.[1] ?? null
  const status = statusIn(body) ?? ''
  if (failed === null && (originalMessageId === null || !status.startsWith('5'))) return undefined
  const addresses = (failed ?? '').split(',', limits.recipients).map((address) => address.trim())
  const recipients = addresses
    .filter((address) => address !== '')
    .map((finalRecipient) => ({
      ...{ finalRecipient, originalRecipient: null, diagnostic: null },
      action: 'failed' as const,
      status: status.startsWith('5') ? status : '5.0.0',
    }))
  if (recipients.length === 0) {
    const blank = { finalRecipient: '', originalRecipient: null, diagnostic: null }
    recipients.push({ ...blank, action: 'failed', status })
  }
  return { form: 'guess', envelopeId: null, originalMessageId, recipients }
}

const guessOctets = 64 * 1024

function returnedMessageId(bytes: Uint8Array, parts: readonly Part[], limits: ReportLimits): string | null {
  for (const part of parts) {
    const name = `${part.type}/${part.subtype}`
    const headers = name === 'text/rfc822-headers' || name === 'message/global-headers'
    const message = name === 'message/rfc822' || name === 'message/global'
    if (!headers && !message) continue
    const walked = part.message?.envelope.messageId
    const value = walked ?? valueOf(splitHeader(partText(bytes, part, limits)).fields, 'message-id')
    const id = value === null ? undefined : messageIds(value, 1)[0]
    if (id !== undefined) return id
  }
  return null
}

function partText(bytes: Uint8Array, part: Part, limits: ReportLimits): string {
  const end = Math.min(part.bodyEnd, part.bodyStart + limits.octets)
  return latin1(decodeTransfer(bytes.subarray(part.bodyStart, end), part.encoding))
}

function latin1(bytes: Uint8Array): string {
  return Buffer.from(bytes.buffer, bytes.byteOffset, bytes.byteLength).toString('latin1')
}

/** The walk has bounded how many there are, and how deep. */
function allParts(root: Part): Part[] {
  const found: Part[] = []
  const open = [root]
  for (let part = open.pop(); part !== undefined; part = open.pop()) {
    found.push(part)
    open.push(...[...part.parts].reverse())
  }
  return found
}
