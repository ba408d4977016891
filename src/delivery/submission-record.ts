// What is kept of a submission made by JMAP (RFC 8621 §7), as JSON: written when it is made, and changed by what comes back of it.

export interface SubmissionStatus {
  /** A reply of SMTP in one line. */
  readonly smtpReply: string
  readonly delivered: 'queued' | 'yes' | 'no' | 'unknown'
  readonly displayed: 'unknown' | 'yes'
}

export interface SubmissionRecord {
  /** As the client knows it; it may be gone. */
  readonly identityId: string
  /** Numbers of the account's. */
  readonly email: number
  readonly thread: number
  /** As the client gave it, or as it was made. */
  readonly envelope: unknown
  /** Milliseconds since the epoch. */
  readonly sendAt: number
  /** What a report on it names: its Message-ID without angle brackets. */
  readonly messageId: string | null
  readonly canceled: boolean
  /** Whether the queue has nothing more to say. */
  readonly isOver: boolean
  /** By address as in the envelope. */
  readonly status: Readonly<Record<string, SubmissionStatus>>
  /** Emails of the account that are reports (RFC 3464, RFC 8098) on it, oldest first. */
  readonly dsn: readonly number[]
  readonly mdn: readonly number[]
}
