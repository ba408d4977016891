// Why a message did not go, with the codes that users of `nodemailer` know.
import type { ClientStage, SessionEnding } from '../../smtp/client/outgoing.ts'
import type { ServerReply } from '../../smtp/client/reply.ts'

/**
 * `EUNKNOWN`: all was sent and no reply came, so that it may have been delivered (RFC 1047). `EPROTOCOL`: what came was no SMTP.
 */
export type SmtpErrorCode =
  | 'EAUTH'
  | 'ECONNECTION'
  | 'EDNS'
  | 'EENVELOPE'
  | 'EMESSAGE'
  | 'EPROTOCOL'
  | 'ETIMEDOUT'
  | 'ETLS'
  | 'EUNKNOWN'

interface Details {
  readonly cause?: unknown
  readonly recipient?: string
  readonly reply?: ServerReply
  readonly command?: string
}

export class SmtpError extends Error {
  override name = 'SmtpError'
  readonly code: SmtpErrorCode
  /** Of the server's reply, where it is one. */
  readonly responseCode: number | null
  /** RFC 3463, where the reply has one. */
  readonly enhancedCode: string | null
  /** The reply verbatim. */
  readonly response: string | null
  /** What it answers: `MAIL`, `RCPT`, `DATA`, …; null where nothing was asked. */
  readonly command: string | null
  /** Whom it concerns alone. */
  readonly recipient: string | null

  constructor(code: SmtpErrorCode, message: string, details: Details = {}) {
    const { cause, recipient = null, reply, command = null } = details
    super(message, cause === undefined ? {} : { cause })
    this.code = code
    this.recipient = recipient
    this.command = command
    this.responseCode = reply?.code ?? null
    this.enhancedCode = reply?.enhanced ?? null
    this.response = reply?.verbatim ?? null
  }

  /** Whether the same may succeed later: a reply of class 4, or no reply at all. */
  get temporary(): boolean {
    return this.responseCode === null
      ? this.code !== 'EAUTH' && this.code !== 'EMESSAGE'
      : this.responseCode < 500
  }
}

const commands: Readonly<Record<ClientStage, string>> = {
  greeting: 'CONN',
  hello: 'EHLO',
  tls: 'STARTTLS',
  auth: 'AUTH',
  mail: 'MAIL',
  rcpt: 'RCPT',
  data: 'DATA',
  content: 'DATA',
  reply: 'DATA',
  idle: 'RSET',
}

const codes: Partial<Record<ClientStage, SmtpErrorCode>> = {
  greeting: 'ECONNECTION',
  hello: 'ECONNECTION',
  tls: 'ETLS',
  auth: 'EAUTH',
  mail: 'EENVELOPE',
  rcpt: 'EENVELOPE',
}

/** The server said no. */
export function refusedError(reply: ServerReply, stage: ClientStage, recipient?: string): SmtpError {
  const command = commands[stage]
  const details = { reply, command, ...(recipient !== undefined && { recipient }) }
  return new SmtpError(codes[stage] ?? 'EMESSAGE', `${command} was refused: ${reply.verbatim}`, details)
}

/** The session ended. */
export function endingError(ending: SessionEnding, recipient?: string): SmtpError {
  const command = commands[ending.stage]
  const details = { command, ...(recipient !== undefined && { recipient }) }
  switch (ending.type) {
    case 'closed':
      return new SmtpError('ECONNECTION', 'The connection was closed', details)
    case 'lost':
      return new SmtpError('ECONNECTION', `The connection was lost at ${command}: ${ending.error}`, details)
    case 'timed-out':
      return new SmtpError('ETIMEDOUT', `No answer to ${command} in ${ending.milliseconds} ms`, details)
    case 'farewell':
      return new SmtpError('ECONNECTION', `The server ended it at ${command}: ${ending.reply.verbatim}`, {
        ...details,
        reply: ending.reply,
      })
    case 'nonsense':
    case 'cut-short':
      return new SmtpError('EPROTOCOL', `At ${command}: ${ending.problem}`, details)
    case 'handshake-failed':
      return new SmtpError('ETLS', `The TLS handshake failed: ${ending.error}`, details)
  }
}
