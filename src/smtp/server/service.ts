// Puts an SMTP listener together: the core's settings from role and configuration, a handler for each connection.
import type { Checkpoint } from '../../base/checkpoint.ts'
import type { Clock } from '../../base/clock.ts'
import type { Random } from '../../base/random.ts'
import type { Resolver } from '../../base/resolver.ts'
import type { AuthConfig } from '../../config/sections/auth.ts'
import type { SmtpConfig } from '../../config/sections/smtp.ts'
import type { Delivery } from '../../delivery/delivery.ts'
import type { Directory } from '../../directory/directory.ts'
import type { Events } from '../../events/event.ts'
import type { MimeLimits } from '../../mail/mime/limits.ts'
import type { ConnectionRefusal } from '../../net/connection-limits.ts'
import type { Service } from '../../net/pump.ts'
import type { Store } from '../../store/store.ts'
import { ingest } from '../../store/ingest.ts'
import { SmtpCore } from '../proto/core.ts'
import { noOffers } from '../proto/offers.ts'
import type { SmtpAnswer, SmtpQuestion } from '../proto/questions.ts'
import { replies } from '../proto/reply.ts'
import type { SmtpSettings } from '../proto/session.ts'
import { SmtpHandler, type HandlerParts } from './handler.ts'
import type { SmtpRole } from './role.ts'

export interface SmtpServiceOptions {
  readonly role: SmtpRole
  readonly hostname: string
  /** True where STARTTLS is offered. */
  readonly startTls: boolean
  /** Messages in the making; everything else goes by directory and delivery. */
  readonly store: Pick<Store, 'blobs'>
  readonly directory: Directory
  readonly delivery: Delivery
  readonly events: Events
  readonly clock: Clock
  readonly random: Random
  readonly config: SmtpConfig
  /** Octets; 0 is no limit. */
  readonly maxMessageSize: number
  readonly auth: AuthConfig
  /** For the client's name in Received; null: not looked up. */
  readonly resolver: Resolver | null
  /** For the MIME walk; its defaults where absent. */
  readonly mime?: MimeLimits
  readonly checkpoint?: Checkpoint | undefined
}

/** What a listener needs: sessions, and the words for a connection that is one too many. */
export interface SmtpService {
  readonly service: Service<SmtpQuestion, SmtpAnswer>
  readonly farewell: (refusal: ConnectionRefusal) => string
}

export function createSmtpService(options: SmtpServiceOptions): SmtpService {
  const settings = makeSettings(options)
  const { role, hostname, store, directory, delivery, events, clock, random, resolver, mime, checkpoint } =
    options
  const parts: HandlerParts = {
    ...{ role, hostName: hostname, directory, delivery, events, clock, random, resolver },
    checkpoint,
    stage: () => ingest({ blobs: store.blobs, ...(mime === undefined ? {} : { limits: mime }) }),
  }
  return {
    service: {
      makeCore: () => new SmtpCore(settings),
      makeHandler: (_sink, peer) => new SmtpHandler(parts, peer),
    },
    farewell: () => replies.tooManyConnections.wire,
  }
}

function makeSettings(options: SmtpServiceOptions): SmtpSettings {
  const { role, hostname, startTls, config, maxMessageSize, auth, directory, random } = options
  const submission = role === 'submission'
  return {
    hostName: hostname,
    startTls,
    dialect: 'smtp',
    offers: noOffers,
    tarpit: null,
    limits: {
      ...config,
      maxMessageSize,
      maxAuthLineSize: auth.maxResponseBytes,
      maxAuthFailures: auth.maxFailuresPerConnection,
    },
    // RFC 6409 §4.3, RFC 8314 §3.3: no submission without log-in, none in clear text unless the operator allows it.
    admission: { tls: submission && !auth.allowClearText, authentication: submission },
    sasl:
      role === 'mx'
        ? null
        : { ...directory.sasl, clearTextAllowed: role === 'catcher' || auth.allowClearText, random },
  }
}
