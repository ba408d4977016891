// From a message as a program has it to envelope and octets. Writing MIME, and signing it, is nodemailer's work; whom it goes to and what
// is asked for beside it is read and checked here.
import { Buffer } from 'node:buffer'
import { buffer } from 'node:stream/consumers'
import { createTransport, type SendMailOptions } from 'nodemailer'
import { formatAddress, tryAddress } from '../../mail/address.ts'
import {
  type MessageOptions,
  plainMessageOptions,
  plainRecipientOptions,
  type RecipientOptions,
} from '../../mail/delivery-options.ts'
import { messageRequest, recipientRequest } from './delivery-status.ts'
import { SmtpError } from './failure.ts'

/**
 * As nodemailer takes it: from, to, cc, bcc, subject, text, html, amp, icalEvent, alternatives, attachments, list, priority, headers,
 * `dkim`, `dsn`, `raw`, `envelope`, …
 */
export type MailToSend = Omit<SendMailOptions, '_dkim' | 'auth' | 'ses'>

export interface Composed {
  /** '' is the null reverse-path. */
  readonly from: string
  readonly to: readonly string[]
  readonly messageId: string
  readonly bytes: Uint8Array
  readonly eightBit: boolean
  readonly options: MessageOptions
  /** Of each recipient, the same for all. */
  readonly recipientOptions: RecipientOptions
}

interface Written {
  readonly envelope: { readonly from: string | false; readonly to: readonly string[] }
  readonly messageId: string
  readonly bytes: Buffer
}

/** Nodemailer's whole way from fields to a message, which ends here instead of at a server. */
const writer = createTransport<Written>({
  name: 'posthorn',
  version: '1',
  send({ message, data }, done) {
    // Bcc stays out (RFC 5322 §3.6.3): the message is its own, without `keepBcc`.
    const envelope = envelopeOf(data, message.getEnvelope())
    const messageId = data.raw === undefined ? message.messageId() : ''
    buffer(message.createReadStream()).then((bytes) => done(null, { envelope, messageId, bytes }), done)
  },
})

/** Rejects with `SmtpError` (`EENVELOPE`, `EMESSAGE`) where it cannot be sent. */
export async function composeMail(mail: MailToSend): Promise<Composed> {
  const { envelope, messageId, bytes: written } = await write(mail)
  const recipients = [...new Set(envelope.to.map((address) => checked(address)))]
  if (recipients.length === 0) throw new SmtpError('EENVELOPE', 'The message has no recipients')
  const bytes = withWholeLineEnds(written)
  const reversePath = envelope.from === false || envelope.from === '' ? '' : checked(envelope.from)
  const header = headerOf(bytes)
  // A `raw` message is the program's own.
  if (mail.raw === undefined && !isHeader(header))
    throw new SmtpError('EMESSAGE', 'A field of the header cannot be written on lines')
  const eightBit = bytes.some((octet) => octet > 127)
  // RFC 6531 §3.4: what is beyond US-ASCII in an address or in the header needs SMTPUTF8.
  const smtpUtf8 =
    [...recipients, reversePath].some((address) => /[^\0-\x7f]/.test(address)) ||
    header.some((octet) => octet > 127)
  return {
    ...{ from: reversePath, to: recipients, bytes, eightBit },
    messageId: messageId || messageIdOf(header),
    options: {
      ...plainMessageOptions,
      ...messageRequest(mail.dsn),
      ...{ smtpUtf8, body: eightBit ? '8BITMIME' : '7BIT' },
      // RFC 8689 §3: rather not at all than over a connection that it cannot trust.
      requireTls: mail.requireTLSExtensionEnabled === true,
    },
    recipientOptions: { ...plainRecipientOptions, ...recipientRequest(mail.dsn) },
  }
}

async function write(mail: MailToSend): Promise<Written> {
  try {
    return await writer.sendMail({ ...withPlainIds(mail), newline: 'windows' })
  } catch (error) {
    if (error instanceof SmtpError) throw error
    throw new SmtpError('EMESSAGE', `The message cannot be written: ${String(error)}`, { cause: error })
  }
}

/** Identifiers hold no white space but the blanks between them, and no control characters (RFC 5322 §3.6.4); `isHeader` tells why. */
function withPlainIds(mail: MailToSend): MailToSend {
  const { messageId, inReplyTo, references } = mail
  return {
    ...mail,
    ...(messageId !== undefined && { messageId: plain(messageId) }),
    ...(inReplyTo !== undefined && { inReplyTo: plain(inReplyTo) }),
    ...(references !== undefined && {
      references: typeof references === 'string' ? plain(references) : references.map(plain),
    }),
  }
}

function plain(id: string): string {
  return id.replace(/[\s\p{Cc}]+/gu, ' ')
}

type Envelope = Written['envelope']

/** The one that was given is taken by the letter; else it is that of the header. */
function envelopeOf({ envelope }: SendMailOptions, ofHeader: Envelope): Envelope {
  if (envelope === undefined) return ofHeader
  const { from, to, cc, bcc } = envelope
  const lists = [to, cc, bcc].flatMap((list) => list ?? [])
  return { from: from === undefined || from === false ? false : addressIn(from), to: lists.map(addressIn) }
}

/** The address of what nodemailer takes for one; what is none is refused by `checked`. */
function addressIn(address: unknown): string {
  if (typeof address === 'string') return address
  const named =
    typeof address === 'object' && address !== null && 'address' in address ? address.address : null
  return typeof named === 'string' ? named : String(address)
}

/** RFC 5321 §2.3.8: no CR and no LF alone; of `raw` texts every line end is made one. */
function withWholeLineEnds(bytes: Buffer): Buffer {
  const text = bytes.toString('latin1')
  return /(?:^|[^\r])\n|\r(?!\n)/.test(text)
    ? Buffer.from(text.replace(/\r\n|\r|\n/g, '\r\n'), 'latin1')
    : bytes
}

function headerOf(bytes: Buffer): Buffer {
  const end = bytes.indexOf('\r\n\r\n')
  return end === -1 ? bytes : bytes.subarray(0, end)
}

/**
 * RFC 5322 §2.2: each line begins a field, or goes on with the one before. The writer folds also at white space of Unicode, which begins
 * no line: whoever reads that takes it for the end of the header.
 */
function isHeader(header: Buffer): boolean {
  return header
    .toString('latin1')
    .split('\r\n')
    .every((line) => /^(?:[ \t]|[!-9;-~]+[ \t]*:)/.test(line))
}

function messageIdOf(header: Buffer): string {
  return /^message-id:\s*(<[^>]*>)/im.exec(header.toString('latin1'))?.[1] ?? ''
}

/** As it can be said in an envelope: what is no address, or would say more than one, is refused. */
function checked(address: string): string {
  const parsed = tryAddress(address, { utf8: true })
  if (parsed === undefined) throw new SmtpError('EENVELOPE', `${JSON.stringify(address)} is no mail address`)
  return formatAddress(parsed)
}
