// What the PostgreSQL engine does at once and how long it waits. Times are milliseconds.

export interface PostgresLimits {
  /** Connections that serve operations; one more listens for changes. */
  readonly poolConnections: number
  /** How long an operation waits for a connection before the store is unavailable to it. */
  readonly connectTimeout: number
  /** A connection that nobody used for this long is closed. */
  readonly idleTimeout: number
  /** A statement that takes longer is cancelled by the server. */
  readonly statementTimeout: number
  /** A transaction that stands still for so long, its node being gone, is ended by the server. */
  readonly idleInTransactionTimeout: number
  /** How often an operation is tried that lost against another, or whose connection broke. */
  readonly attempts: number
  /** Statements that each connection keeps prepared. */
  readonly preparedStatements: number
  /** Pauses before the listening connection is tried again: the first, doubled up to the longest. */
  readonly firstReconnectPause: number
  readonly longestReconnectPause: number
  readonly heartbeat: number
  /** The longest that a writer waits for its own change to come back to this node's subscribers. */
  readonly longestTellingWait: number
}

export const defaultPostgresLimits: PostgresLimits = {
  poolConnections: 10,
  connectTimeout: 5_000,
  idleTimeout: 60_000,
  statementTimeout: 60_000,
  idleInTransactionTimeout: 60_000,
  attempts: 6,
  preparedStatements: 300,
  firstReconnectPause: 100,
  longestReconnectPause: 10_000,
  heartbeat: 30_000,
  longestTellingWait: 2_000,
}
