// The limits of one SMTP session, as the core needs them. The configuration section `smtp` has the same names, with
// defaults and explanations. Sizes in octets, durations in milliseconds; a count of 0 is no limit.

export interface SmtpLimits {
  /** RFC 1870 §3: the largest message; 0 is no fixed limit. */
  readonly maxMessageSize: number
  /**
   * RFC 5321 §4.5.3.1.6 asks for 1,000 octets a line at least; 0 takes any. Lines are never held in memory, so a longer
   * one costs nothing but what its message costs.
   */
  readonly maxLineSize: number
  /** Of a command with its CRLF: RFC 5321 §4.5.3.1.4 (512), raised by the parameters of the extensions. */
  readonly maxCommandSize: number
  /** RFC 4954 §4: of a line in an AUTH exchange, and of the AUTH command. */
  readonly maxAuthLineSize: number
  /** Read on beyond an overlong command line, or beyond `maxMessageSize`, before the session is cut. */
  readonly maxDiscardedLine: number
  readonly maxDiscardedMessage: number
  /** RFC 5321 §4.5.3.1.8: accepted recipients of one message; at least 100. */
  readonly maxRecipients: number
  /** RFC 9422 RCPTDOMAINMAX: different domains of recipients in one session; 0 is no limit. */
  readonly maxRecipientDomains: number
  /** MAIL commands in one session; 0 is no limit. */
  readonly maxMessagesPerConnection: number
  /** Replies of class 5, those to RCPT and AUTH apart, before the session ends. */
  readonly maxErrors: number
  /** Recipients refused for good in one session before it ends. */
  readonly maxRefusedRecipients: number
  /** Failed log-ins before the session ends. */
  readonly maxAuthFailures: number
  /** RFC 5321 §4.5.3.2.7: for the next command, and for a command line to be completed. */
  readonly commandTimeout: number
  /** RFC 5321 §4.5.3.2.5: for the next block of a message. */
  readonly dataTimeout: number
  /** A message must come on by this many octets in each `dataTimeout`, or the session ends. */
  readonly minDataProgress: number
}
