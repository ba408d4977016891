// From a message as a program has it to envelope and octets. Writing MIME, and signing it, is nodemailer's work; whom it goes to and what
// is asked for beside it is read and checked here.
import { Buffer } from 'node:buffer'
import { buffer } from 'node:stream/consumers'
import {
  createTransport,
  type PluginFunction,
  type SendMailOptions,
  type Transport,
  type Transporter,
} from 'nodemailer'
import { formatAddress, tryAddress } from '../../mail/address.ts'
import {
  type MessageOptions,
  plainMessageOptions,
  plainRecipientOptions,
  type RecipientOptions,
} from '../../mail/delivery-options.ts'
import { messageRequest, recipientRequest } from './delivery-status.ts'
import { SmtpError } from './failure.ts'
import { type RemoteAccess, remoteAccess, withRemoteContent } from './remote-content.ts'
import type { WritingOptions } from './transport-options.ts'

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
  /** Of one that is asked for its fields: none. */
  readonly bytes: Buffer
  readonly fields: object
}

/** As nodemailer's `use` takes it: sees the message, and calls back. */
export type WriterPlugin = PluginFunction<Written>

/** Writes messages: nodemailer's whole way from fields to octets, which ends here instead of at a server. */
export class MailWriter {
  readonly #options: WritingOptions
  readonly #mailer: Transporter<Written>
  readonly #access: RemoteAccess

  constructor(options: WritingOptions, form: 'octets' | 'fields' = 'octets') {
    this.#options = options
    this.#access = remoteAccess(options)
    this.#mailer = createTransport<Written>({
      name: 'posthorn',
      version: '1',
      send: form === 'octets' ? writeOctets : writeFields,
    })
  }

  use(step: 'compile' | 'stream', plugin: WriterPlugin): void {
    this.#mailer.use(step, plugin)
  }

  /** Rejects with `SmtpError` (`EENVELOPE`, `EMESSAGE`) where it cannot be sent. */
  async compose(mail: MailToSend): Promise<Composed> {
    const all = this.#whole(mail)
    return composed(all, await this.#write(all))
  }

  /** The same of one that shall only be told: its fields, with all content in them. */
  async describe(
    mail: MailToSend,
  ): Promise<Pick<Composed, 'from' | 'to' | 'messageId'> & { fields: object }> {
    const { envelope, messageId, fields } = await this.#write(this.#whole(mail))
    return { ...checkedEnvelope(envelope), messageId, fields }
  }

  #whole(mail: MailToSend): MailToSend {
    const { dkim, defaults } = this.#options
    return { ...(dkim !== undefined && { dkim }), ...defaults, ...mail }
  }

  async #write(mail: MailToSend): Promise<Written> {
    const { disableFileAccess = false, disableUrlAccess = false } = this.#options
    try {
      const near =
        disableUrlAccess || mail.disableUrlAccess ? mail : await withRemoteContent(mail, this.#access)
      return await this.#mailer.sendMail({
        ...withPlainIds(near),
        newline: 'windows',
        // What may be fetched is there; nodemailer would take it from anywhere.
        disableUrlAccess: true,
        disableFileAccess: disableFileAccess || mail.disableFileAccess === true,
      })
    } catch (error) {
      if (error instanceof SmtpError) throw error
      throw new SmtpError('EMESSAGE', `The message cannot be written: ${String(error)}`, { cause: error })
    }
  }
}

type Send = Transport<Written>['send']

const writeOctets: Send = ({ message, data }, done) => {
  // Bcc stays out (RFC 5322 §3.6.3): the message is its own, without `keepBcc`.
  const envelope = envelopeOf(data, message.getEnvelope())
  const messageId = data.raw === undefined ? message.messageId() : ''
  buffer(message.createReadStream()).then(
    (bytes) => done(null, { envelope, messageId, bytes, fields: {} }),
    done,
  )
}

const writeFields: Send = (mail, done) => {
  const envelope = envelopeOf(mail.data, mail.message.getEnvelope())
  const messageId = mail.message.messageId()
  mail.normalize((error, data) => {
    if (error) done(error)
    else done(null, { envelope, messageId, bytes: Buffer.alloc(0), fields: fieldsOf(data ?? {}) })
  })
}

/** Without what is no part of a message. */
function fieldsOf(data: object): object {
  const left = [
    'envelope',
    'normalizedHeaders',
    'signal',
    'disableUrlAccess',
    'disableFileAccess',
    'newline',
    'dkim',
  ]
  return Object.fromEntries(Object.entries(data).filter(([name]) => !left.includes(name)))
}

function checkedEnvelope({ from, to }: Envelope): Pick<Composed, 'from' | 'to'> {
  const recipients = [...new Set(to.map((address) => checked(address)))]
  if (recipients.length === 0) throw new SmtpError('EENVELOPE', 'The message has no recipients')
  return { from: from === false || from === '' ? '' : checked(from), to: recipients }
}

function composed(mail: MailToSend, { envelope, messageId, bytes: written }: Written): Composed {
  const { from, to } = checkedEnvelope(envelope)
  const bytes = withWholeLineEnds(written)
  const header = headerOf(bytes)
  // A `raw` message is the program's own.
  if (mail.raw === undefined && !isHeader(header))
    throw new SmtpError('EMESSAGE', 'A field of the header cannot be written on lines')
  const eightBit = bytes.some((octet) => octet > 127)
  // RFC 6531 §3.4: what is beyond US-ASCII in an address or in the header needs SMTPUTF8.
  const smtpUtf8 =
    [...to, from].some((address) => /[^\0-\x7f]/.test(address)) || header.some((octet) => octet > 127)
  return {
    ...{ from, to, bytes, eightBit },
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
