// From a message as a program has it to envelope and octets. Writing MIME is nodemailer's work; whom it goes to is read and checked here.
import { Buffer } from 'node:buffer'
import type { SendMailOptions } from 'nodemailer'
import MailComposer from 'nodemailer/lib/mail-composer'
import { formatAddress, tryAddress } from '../../mail/address.ts'
import type { MessageOptions } from '../../mail/delivery-options.ts'
import { SmtpError } from './failure.ts'

/** As nodemailer takes it: from, to, cc, bcc, subject, text, html, attachments, headers, `raw`, `envelope`, … */
export type MailToSend = SendMailOptions

export interface Composed {
  /** '' is the null reverse-path. */
  readonly from: string
  readonly to: readonly string[]
  readonly messageId: string
  readonly bytes: Uint8Array
  readonly eightBit: boolean
  readonly options: MessageOptions
}

const plainOptions: MessageOptions = {
  ...{ body: '7BIT', smtpUtf8: false, ret: null, envId: null, requireTls: false, tlsOptional: false },
  ...{ holdUntil: null, deliverBy: null, priority: 0, solicitation: [], auth: null },
}

/** `messageId`, with angle brackets, where it has none. Rejects with `SmtpError` (`EENVELOPE`, `EMESSAGE`) where it cannot be sent. */
export async function composeMail(mail: MailToSend, messageId: string): Promise<Composed> {
  const node = new MailComposer({ ...mail, newline: 'windows' }).compile()
  if (mail.messageId === undefined && mail.raw === undefined) node.setHeader('Message-ID', messageId)
  const { from, to } = envelopeOf(mail, node)
  const recipients = [...new Set(to.map((address) => checked(address)))]
  if (recipients.length === 0) throw new SmtpError('EENVELOPE', 'The message has no recipients')
  const bytes = await build(node)
  const eightBit = bytes.some((octet) => octet > 127)
  const reversePath = from === false || from === '' ? '' : checked(from)
  const addresses = [...recipients, reversePath]
  // RFC 6531 §3.4: what is beyond US-ASCII in an address or in the header needs SMTPUTF8.
  const header = bytes.subarray(
    0,
    Math.max(0, Buffer.from(bytes.buffer, bytes.byteOffset, bytes.length).indexOf('\r\n\r\n')),
  )
  const smtpUtf8 =
    addresses.some((address) => /[^\0-\x7f]/.test(address)) || header.some((octet) => octet > 127)
  return {
    from: reversePath,
    to: recipients,
    messageId: /^message-id:\s*(<[^>]*>)/im.exec(Buffer.from(header).toString('latin1'))?.[1] ?? '',
    bytes,
    eightBit,
    options: { ...plainOptions, smtpUtf8, body: eightBit ? '8BITMIME' : '7BIT' },
  }
}

/** The one that was given is taken by the letter; else it is that of the header. */
function envelopeOf(mail: MailToSend, node: Node): { from: string | false; to: readonly string[] } {
  const { envelope } = mail
  if (envelope === undefined) return node.getEnvelope()
  const { from, to, cc, bcc } = envelope
  const lists = [to, cc, bcc].flatMap((list) => list ?? [])
  return { from: from === undefined || from === false ? false : written(from), to: lists.map(written) }
}

/** The address of what nodemailer takes for one; what is none is refused by `checked`. */
function written(address: unknown): string {
  if (typeof address === 'string') return address
  const named =
    typeof address === 'object' && address !== null && 'address' in address ? address.address : null
  return typeof named === 'string' ? named : String(address)
}

type Node = ReturnType<MailComposer['compile']>

async function build(node: Node): Promise<Uint8Array> {
  let bytes: Buffer
  try {
    bytes = await node.build()
  } catch (error) {
    throw new SmtpError('EMESSAGE', `The message cannot be written: ${String(error)}`, { cause: error })
  }
  // RFC 5321 §2.3.8: no CR and no LF alone; of `raw` texts every line end is made one.
  return /(?:^|[^\r])\n|\r(?!\n)/.test(bytes.toString('latin1'))
    ? Buffer.from(bytes.toString('latin1').replace(/\r\n|\r|\n/g, '\r\n'), 'latin1')
    : bytes
}

/** As it can be said in an envelope: what is no address, or would say more than one, is refused. */
function checked(address: string): string {
  const parsed = tryAddress(address, { utf8: true })
  if (parsed === undefined) throw new SmtpError('EENVELOPE', `${JSON.stringify(address)} is no mail address`)
  return formatAddress(parsed)
}
