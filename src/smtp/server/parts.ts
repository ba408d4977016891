// What all sessions of a listener share.
import type { Checkpoint } from '../../base/checkpoint.ts'
import type { Clock } from '../../base/clock.ts'
import type { IpNetwork } from '../../base/ip-network.ts'
import type { Random } from '../../base/random.ts'
import type { Resolver } from '../../base/resolver.ts'
import type { SmtpConfig } from '../../config/sections/smtp.ts'
import type { SubmissionConfig } from '../../config/sections/submission.ts'
import type { Delivery } from '../../delivery/delivery.ts'
import type { Terminals } from '../../delivery/terminals.ts'
import type { Directory } from '../../directory/directory.ts'
import type { Events } from '../../events/event.ts'
import type { Policy } from '../../hooks/policy.ts'
import type { ConnectionCount } from '../../net/connection-limits.ts'
import type { Ingest } from '../../store/ingest.ts'
import type { ReturnPaths } from '../../queue/return-paths.ts'
import type { QueueStore } from '../../store/queue.ts'
import type { Account } from '../../store/model.ts'
import type { BlobStore } from '../../store/store.ts'
import type { RemoteQueue } from './remote-queue.ts'
import type { SmtpRole } from './role.ts'

/** What IMAP URLs name (RFC 4468 §3.3). */
export interface UrlSources {
  /** For who submits; undefined where there is nothing, or nothing that this account may read. */
  open(request: {
    account: Account
    url: string
  }): Promise<{ readonly size: number; read(): AsyncIterable<Uint8Array> } | undefined>
}

export interface HandlerParts {
  readonly role: SmtpRole
  readonly hostName: string
  readonly directory: Directory
  readonly delivery: Delivery
  /** Opens a place for a message's bytes. */
  readonly stage: () => Ingest
  readonly readStaged: BlobStore['readStaged']
  readonly events: Events
  readonly clock: Clock
  readonly random: Random
  /** Null where clients' names are not looked up. */
  readonly resolver: Resolver | null
  readonly smtp: SmtpConfig
  readonly submission: SubmissionConfig
  /** Where clients are counted for whom a listed peer speaks (XCLIENT); null: nowhere. */
  readonly connections: Pick<ConnectionCount, 'enterBehind' | 'leaveBehind'> | null
  /** Whom the greeting does not wait for. */
  readonly exempt: readonly IpNetwork[]
  /** Null: nobody is asked. */
  readonly policy: Policy | null
  /** Null: there are no terminals. */
  readonly terminals: Terminals | null
  /** False where nothing is relayed: an address elsewhere is refused at RCPT. */
  readonly relays: boolean
  /** Domains of others whose mail is taken from anybody (`relay.domains`). */
  readonly takesFor: (domain: string) => boolean
  readonly returnPaths: ReturnPaths | null
  /** Octets; 0 is no limit. */
  readonly maxMessageSize: number
  /** Null: BURL is not offered. */
  readonly urls: UrlSources | null
  /** Null: ETRN, TURN and ATRN are not offered. */
  readonly remoteQueue: RemoteQueue | null
  /** Null: nothing is counted. */
  readonly chargeRate: QueueStore['chargeRate'] | null
  readonly checkpoint?: Checkpoint | undefined
}
