// What ETRN, TURN and ATRN need of the queue: to start it for a domain, and to send it over a connection that the other side
// opened. Who may do that is decided by the server (turn.ts), from its configuration; this is how it is done.
import type { Connection } from '../../base/connection.ts'

export interface RemoteQueue {
  /**
   * RFC 1985 §5.1: has what waits for the node tried now, by other connections. `pending` is the number of messages, or null
   * where nobody counted. `unable`: the queue does not work at this moment.
   */
  flush(request: {
    /** In A-labels, lower case; for `queue` the name of a route. */
    readonly node: string
    readonly form: 'domain' | 'subdomains' | 'queue'
  }): Promise<
    | { readonly type: 'none' }
    | { readonly type: 'started'; readonly pending: number | null }
    | { readonly type: 'unable' }
  >
  /** How many messages wait for these domains; at least 1 where it is not known exactly. */
  pending(domains: readonly string[]): Promise<number>
  /**
   * RFC 821 §3.8, RFC 2645 §5.3: sends what waits for the domains to the peer, who is the server now and greets first. The
   * connection is destroyed when the promise settles; it never rejects for trouble of the peer's.
   */
  relayOver(connection: Connection, request: RelayOver): Promise<void>
}

export interface RelayOver {
  readonly domains: readonly string[]
  /** For the log and the attempts: who takes the mail, and how he proved it. */
  readonly by: { readonly type: 'certificate' | 'account'; readonly name: string }
}
