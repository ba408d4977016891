// A message on its way to a server, and what became of it: for each recipient, at which stage and by which reply.
//
// The results keep apart what a queue must keep apart: refused (the server said so), lost (the connection went while the
// message was incomplete at the server, so that it cannot have been taken), and unknown (everything was sent, and no reply
// came: RFC 1047; it may have been delivered). None of them is decided here: what to try again is for the caller.
import type { MessageOptions, RecipientOptions } from '../../mail/delivery-options.ts'
import type { ServerReply } from './reply.ts'

/** Where in a session something happened. */
export type ClientStage =
  | 'greeting'
  | 'hello'
  | 'tls'
  | 'auth'
  | 'mail'
  | 'rcpt'
  | 'data'
  /** While the message itself was sent. */
  | 'content'
  /** Between the end of the message and the reply to it. */
  | 'reply'
  /** Between transactions: RSET, NOOP, QUIT, ETRN, and nothing at all. */
  | 'idle'

/** Why a session is over. */
export type SessionEnding =
  /** By us, in order: `quit`, `close`, or the connection was given away (`atrn`, `turn`). */
  | { readonly type: 'closed'; readonly stage: ClientStage }
  /** The server closed, or the network broke. */
  | { readonly type: 'lost'; readonly stage: ClientStage; readonly error: string }
  | { readonly type: 'timed-out'; readonly stage: ClientStage; readonly milliseconds: number }
  /** RFC 5321 §3.8: the server said 421, as a reply or out of nowhere. */
  | { readonly type: 'farewell'; readonly stage: ClientStage; readonly reply: ServerReply }
  /** What came was no SMTP, or no reply to anything that was asked. Nothing more of it can be believed. */
  | { readonly type: 'nonsense'; readonly stage: ClientStage; readonly problem: string }
  /** The server refused content before all of it was sent; what followed would be read as commands. */
  | { readonly type: 'cut-short'; readonly stage: ClientStage; readonly problem: string }
  /** The TLS handshake failed. */
  | {
      readonly type: 'handshake-failed'
      readonly stage: 'tls'
      readonly error: string
      readonly code: string | null
    }

export interface OutgoingRecipient {
  /** As it stands between the angle brackets of RCPT TO. */
  readonly address: string
  readonly options: RecipientOptions
}

/** One message for some recipients: one mail transaction. */
export interface OutgoingMessage {
  /** As it stands between the angle brackets of MAIL FROM; '' is the null reverse-path. */
  readonly reversePath: string
  /** At least one. */
  readonly recipients: readonly OutgoingRecipient[]
  readonly options: MessageOptions
  /** Octets of `content`, exactly: content of another length is never completed at the server. */
  readonly size: number
  /** The message with CRLF line endings and unstuffed dots, or, with `options.body` BINARYMIME, any octets. Called once. */
  readonly content: () => AsyncIterable<Uint8Array>
  /** True where header or body have octets above 127. */
  readonly eightBit: boolean
}

/** Why this server cannot get this message as it is, whatever it would say. */
export type CannotCarry =
  /** An address has characters beyond US-ASCII, and SMTPUTF8 is not offered (RFC 6531 §3.5). */
  | 'needs-smtputf8'
  /** `options.body` is BINARYMIME, and CHUNKING or BINARYMIME is not offered (RFC 3030 §3). */
  | 'needs-binarymime'
  /** The content has a CR or LF alone: sent as text, it could be read as the end of the message. */
  | 'bare-newline'

/** What became of one recipient. */
export type DeliveryOutcome =
  /** 250 to the whole message (with LMTP: for this recipient). */
  | { readonly type: 'accepted'; readonly reply: ServerReply }
  /** 4yz or 5yz: `stage` is the command that it answered. */
  | { readonly type: 'refused'; readonly stage: ClientStage; readonly reply: ServerReply }
  /** The session ended before the message was complete at the server. */
  | { readonly type: 'lost'; readonly ending: SessionEnding }
  /** The session ended after all was sent and before the reply (RFC 1047). */
  | { readonly type: 'unknown'; readonly ending: SessionEnding }
  | { readonly type: 'cannot-carry'; readonly reason: CannotCarry }
  /** RFC 9422: beyond what this server takes in one transaction or session. Nothing was said of it. */
  | { readonly type: 'beyond-limit'; readonly limit: 'RCPTMAX' | 'RCPTDOMAINMAX' | 'MAILMAX' }
  /** Our side could not produce the content (or not as much of it as announced). */
  | { readonly type: 'content-failed'; readonly error: unknown }

/** What became of a message. */
export interface TransactionResult {
  /** In the order of `OutgoingMessage.recipients`. */
  readonly recipients: readonly DeliveryOutcome[]
  /** Octets of content sent, without stuffing; 0 where it did not come to that. */
  readonly octets: number
  /** The extensions whose parameters went with it (`SIZE`, `DSN`, …), for the record and for RFC 3461 §5.2.2. */
  readonly used: readonly string[]
}

/** Of an operation that a server may refuse. */
export type CommandResult =
  | { readonly type: 'done'; readonly reply: ServerReply }
  | { readonly type: 'refused'; readonly stage: ClientStage; readonly reply: ServerReply }
  | { readonly type: 'ended'; readonly ending: SessionEnding }
