// What the HTTP side stands on.
import type { Clock } from '../base/clock.ts'
import type { Random } from '../base/random.ts'
import type { HttpConfig, WebhookConfig } from '../config/sections/http.ts'
import type { WebConfig } from '../config/sections/web.ts'
import type { SubmissionConfig } from '../config/sections/submission.ts'
import type { MessageOptions, RecipientOptions } from '../mail/delivery-options.ts'
import type { FilterReply, Submitter } from '../delivery/submitter.ts'
import type { Terminals } from '../delivery/terminals.ts'
import type { Events } from '../events/event.ts'
import type { Store } from '../store/store.ts'
import type { Address } from '../mail/address.ts'
import type { Account } from '../store/model.ts'
import type { Directory } from '../directory/directory.ts'
import type { Administration } from '../directory/administration.ts'
import type { Logins } from '../directory/logins.ts'
import type { OpenConnections } from '../directory/open-connections.ts'
import type { Setup } from '../directory/setup.ts'
import type { AdminOperation } from './admin-routes.ts'
import type { SendResponse } from './schema.ts'

/** A message for end-to-end delivery: nothing of it is kept (`POST /api/v1/messages?mode=direct`). */
export interface DirectMessage {
  readonly id: string
  readonly account: Account
  readonly reversePath: Address | null
  readonly recipients: readonly { readonly address: Address; readonly options: RecipientOptions }[]
  readonly content: AsyncIterable<Uint8Array>
  readonly options: MessageOptions
  readonly remoteAddress: string
  /** The client has gone away. */
  readonly signal: AbortSignal
}

/** The outcome of each recipient; or why nothing was sent at all. */
export type SendDirect = (
  message: DirectMessage,
) => Promise<SendResponse['recipients'] | FilterReply | 'too-big' | 'header-too-big'>

export interface HttpParts {
  readonly directory: Pick<Directory, 'sasl' | 'authenticate' | 'authenticateToken' | 'logIn'>
  /** Whether credentials may come in the clear. */
  readonly clearText: 'allowed' | 'refused'
  /** `open`: a catcher, which everybody may read. */
  readonly access: 'open' | 'accounts'
  /** Origins whose pages may change things as ours may, `*` for every one: of a catcher alone. Absent: none. */
  readonly pageOrigins?: readonly string[]
  /** Of what else is reached by HTTP, OpenAPI documents by their paths: for the page at `/api/`. Absent: nothing. */
  readonly documents?: Readonly<Record<string, Readonly<Record<string, unknown>>>>
  /** A path without a slash at its end, below which all is served; absent or '' for `/`. */
  readonly root?: string
  readonly logins: Logins
  /** What admins may have done, by name. */
  readonly operations: readonly AdminOperation[]
  /** The counters, in Prometheus' text format. */
  readonly metrics: () => Promise<string>
  readonly administration: Administration
  readonly connections: Pick<OpenConnections, 'end'>
  /** Of a server that had no account when it started. */
  readonly setup: Setup | null
  readonly web: WebConfig
  readonly store: Pick<
    Store,
    'findQueued' | 'queueEntry' | 'changeQueued' | 'chargeRate' | 'hookEvents' | 'oldestAccount'
  >
  readonly submitter: Pick<Submitter, 'submit' | 'owns'>
  /** Null: this Posthorn does not deliver directly. */
  readonly direct: SendDirect | null
  readonly terminals: Terminals
  readonly events: Events
  readonly clock: Clock
  readonly random: Random
  readonly config: HttpConfig
  readonly webhooks: readonly WebhookConfig[]
  readonly submission: SubmissionConfig
  readonly hostname: string
  /** Octets; 0 is no limit. */
  readonly maxMessageSize: number
}
