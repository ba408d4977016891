// The structural limits of an IMAP session. The configuration (`src/config/sections/imap.ts`) has a default and an
// explanation for each; the core takes them as an argument and never reads a configuration itself.

/** All sizes in octets, all times in milliseconds. */
export interface ImapLimits {
  /** One line without its CRLF. RFC 2683 §3.2.1.5 wants 8,000 accepted; before log-in that is all there is. */
  readonly lineBeforeLogin: number
  readonly line: number
  /** One literal that is an argument (not a message). */
  readonly literalBeforeLogin: number
  readonly literal: number
  /** All lines and literals of one command together. */
  readonly commandBeforeLogin: number
  readonly command: number
  /** A refused `{n+}` literal is read and dropped up to this size; beyond it the session ends (RFC 7888 §4). */
  readonly drain: number
  /** Octets that a client may send ahead while a command is at work. */
  readonly pipelined: number
  /** The message of an APPEND. */
  readonly messageSize: number
  /** Messages of one APPEND (RFC 3502), and parts of one CATENATE (RFC 4469). */
  readonly appendMessages: number
  readonly catenateParts: number
  /** URLs of one GENURLAUTH or URLFETCH (RFC 4467). */
  readonly urls: number
  /** Parentheses, NOT and OR inside each other in SEARCH. */
  readonly searchDepth: number
  /** Keys of one SEARCH. */
  readonly searchKeys: number
  /** Data items of one FETCH or STATUS. */
  readonly fetchItems: number
  /** Messages that one command works on, and that one COPY or APPEND saves (RFC 9738); 0 is no limit. */
  readonly messageLimit: number
  readonly saveLimit: number
  /** Field names of one HEADER.FIELDS. */
  readonly headerFields: number
  /** Depth of a section part (`1.2.3…`). */
  readonly sectionDepth: number
  /** Flags of one STORE or APPEND. */
  readonly flags: number
  /** Field-value pairs of ID (RFC 2971 §3.3). */
  readonly idPairs: number
  /** Octets of a mailbox name, and its levels. */
  readonly mailboxName: number
  readonly mailboxLevels: number
  /** Patterns of one LIST (RFC 5258 §3). */
  readonly listPatterns: number
  /** Mailboxes that one filter of NOTIFY or ESEARCH names. */
  readonly filterMailboxes: number
  /** Octets of the value of an annotation. */
  readonly annotationSize: number
  /** Event groups of one NOTIFY. */
  readonly notifyGroups: number
  /** Entries of one GETMETADATA or SETMETADATA. */
  readonly metadataEntries: number
  /** BAD answers before the session ends. */
  readonly badCommandsBeforeLogin: number
  readonly badCommands: number
  /** Refused log-ins before the session ends; 0 is no limit. */
  readonly loginFailures: number
  /** Silence before log-in. */
  readonly loginTimeout: number
  /** From the greeting to the log-in, whatever is sent meanwhile. */
  readonly loginDeadline: number
  /** Silence after log-in: at least 30 minutes (RFC 3501 §5.4), in IDLE too (RFC 2177 §3). */
  readonly timeout: number
}
