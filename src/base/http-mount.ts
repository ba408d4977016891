// What a part of Posthorn that is reached by HTTP looks like to the listener that carries it: requests in, responses out, by the web's own
// types. The listener does connections, TLS, limits and who asks; a mount does the rest. JMAP, the catcher and the pages are mounts.
//
// Credentials are judged at one place: a mount asks `env.authenticate` and never reads `Authorization` or cookies itself.

/** Who asks. `account` is whatever the directory's accounts are; `Account` of `store/model.ts` in a running server. */
export interface HttpCaller<Account = unknown> {
  readonly account: Account
  /** How he showed who he is. */
  readonly via: 'password' | 'app-password' | 'token' | 'session'
  /** What he may do: all of them with a password or a session, those of its making with an app password. */
  readonly scopes: ReadonlySet<HttpScope>
  /** Of a session of the pages, else null. */
  readonly sessionId: string | null
  /** Of an app password, else null. */
  readonly appPasswordId: number | null
}

export type HttpScope = 'mail' | 'send' | 'settings' | 'admin'

export interface HttpEnvironment<Account = unknown> {
  readonly remoteAddress: string
  /** Whether the client speaks TLS, to us or to a trusted proxy. */
  readonly secure: boolean
  /** `https://host[:port]`, as the client named us: what URLs that we tell him begin with. */
  readonly origin: string
  /** What stands before every path of ours in the client's eyes: `/mail`; absent or '' for nothing. Requests come without it. */
  readonly root?: string
  /** Aborts when the server is to end. */
  readonly stopping: AbortSignal
  /**
   * The caller, or the response that refuses him (401, 403, 429, 503 with problem details). A request by session that changes
   * something is refused unless it comes from our own pages.
   */
  authenticate(
    request: Request,
  ): Promise<
    | { readonly ok: true; readonly caller: HttpCaller<Account> }
    | { readonly ok: false; readonly response: Response }
  >
}

/** One WebSocket (RFC 6455), open. Messages come whole and bounded. */
export interface WebSocketPeer {
  send(text: string): void
  /** Octets that wait to be sent: whoever has much to tell waits until it falls. */
  readonly buffered: number
  close(code: number, reason: string): void
}

export interface WebSocketHandler {
  /** RFC 6455 §1.9: the subprotocol agreed upon, or null. */
  readonly protocol: string | null
  /** Octets of one message. */
  readonly maxMessageSize: number
  opened(peer: WebSocketPeer): void
  /** Text frames as text. Binary ones close the socket with 1003 before this. No further one is read before a promise has settled. */
  message(text: string): void | Promise<void>
  /** Once; also where the handshake came to nothing, without `opened` before. */
  closed(): void
}

export interface HttpMount<Account = unknown> {
  /**
   * Paths, or what begins with them where they end in `/*`: `/jmap/*`, `/.well-known/jmap`. With a method before it, that one alone
   * (`GET /api/v1/messages`; HEAD comes with it). Of several that fit, the longest has the request; one with a method before one without.
   */
  readonly paths: readonly string[]
  /** Rejects for surprises alone: the listener answers 500 and logs. */
  fetch(request: Request, env: HttpEnvironment<Account>): Promise<Response>
  /** For a request to upgrade, whose mount is chosen as for a GET; a Response refuses it. Absent: no WebSockets here. */
  upgrade?(request: Request, env: HttpEnvironment<Account>): Promise<Response | WebSocketHandler>
}
