// What a server said, as a value: the reply to one command (RFC 5321 §4.2), made by `reply-parser.ts`.
//
// Decisions hang on `code` and `enhanced` alone; the text is for people. It holds no control characters, so that it may be
// shown on a terminal, stand in a log, and travel in a report.

/** The reply to one command. */
export interface ServerReply {
  readonly type: 'reply'
  /** 200 to 599. */
  readonly code: number
  /** RFC 2034 §4, RFC 3463 §2: `class.subject.detail`, where the reply begins with one that agrees with the code; else null. */
  readonly enhanced: string | null
  /** The texts of its lines, without codes and without the enhanced status code. */
  readonly texts: readonly string[]
  /** All of it as it came, lines joined by LF, control characters replaced. */
  readonly verbatim: string
}

/** 2yz. */
export function isPositive(reply: ServerReply): boolean {
  return reply.code < 300
}

/** 3yz: the server waits for the rest. */
export function isIntermediate(reply: ServerReply): boolean {
  return reply.code >= 300 && reply.code < 400
}

/** 4yz or 5yz. */
export function isRefusal(reply: ServerReply): boolean {
  return reply.code >= 400
}
