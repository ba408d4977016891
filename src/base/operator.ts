// Who orders something of a running server, for the log and for traces: an account by HTTP, or whoever may open the data folder.

export interface Operator {
  /** The address of an account, or the name of a user of this machine. */
  readonly name: string
  /** How he showed who he is: `session`, `password`, `app-password 3`, `token`; `command-line` for a user of this machine. */
  readonly via: string
  /** Null on this machine. */
  readonly remoteAddress: string | null
}

/** The program that Posthorn runs in. */
export const embeddingProgram: Operator = { name: 'program', via: 'program', remoteAddress: null }
