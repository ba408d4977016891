// Puts an SMTP listener together: the core's settings from role, configuration and peer, a handler for each connection.
import type { Checkpoint } from '../../base/checkpoint.ts'
import type { Clock } from '../../base/clock.ts'
import type { Peer } from '../../base/core.ts'
import { inNetworks, parseIpNetworks, type IpNetwork } from '../../base/ip-network.ts'
import type { Random } from '../../base/random.ts'
import type { Resolver } from '../../base/resolver.ts'
import type { AuthConfig } from '../../config/sections/auth.ts'
import type { SmtpConfig } from '../../config/sections/smtp.ts'
import type { SubmissionConfig } from '../../config/sections/submission.ts'
import type { Delivery } from '../../delivery/delivery.ts'
import type { Terminals } from '../../delivery/terminals.ts'
import type { Directory } from '../../directory/directory.ts'
import type { Events } from '../../events/event.ts'
import type { Policy } from '../../hooks/policy.ts'
import type { MimeLimits } from '../../mail/mime/limits.ts'
import type { ConnectionCount, ConnectionRefusal } from '../../net/connection-limits.ts'
import type { Service } from '../../net/pump.ts'
import { ingest } from '../../store/ingest.ts'
import type { ReturnPaths } from '../../queue/return-paths.ts'
import type { QueueStore } from '../../store/queue.ts'
import type { Store } from '../../store/store.ts'
import { SmtpCore } from '../proto/core.ts'
import { noOffers, type SmtpOffers } from '../proto/offers.ts'
import type { SmtpAnswer, SmtpQuestion } from '../proto/questions.ts'
import { replies } from '../proto/reply.ts'
import type { SmtpSettings } from '../proto/session.ts'
import { SmtpHandler } from './handler.ts'
import type { HandlerParts, UrlSources } from './parts.ts'
import type { RemoteQueue } from './remote-queue.ts'
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
  readonly submission: SubmissionConfig
  /** Octets; 0 is no limit. */
  readonly maxMessageSize: number
  readonly auth: AuthConfig
  /** For the client's name in Received; null: not looked up. */
  readonly resolver: Resolver | null
  /** For the MIME walk; its defaults where absent. */
  readonly mime?: MimeLimits
  /** Hooks, milters and HTTP hooks; absent: nobody is asked. */
  readonly policy?: Policy | null
  /** Absent: SEND, SOML and SAML are not offered. */
  readonly terminals?: Terminals | null
  /** False where nothing is relayed; default true. What cannot be relayed is refused at RCPT. */
  readonly relays?: boolean
  /** Domains of others whose mail is taken from anybody, as one of their MX hosts; absent: none. */
  readonly takesFor?: (domain: string) => boolean
  /** Return paths that forwarding and lists wrote; absent: there are none. */
  readonly returnPaths?: ReturnPaths | null
  /** Absent: ETRN, TURN and ATRN are not offered. */
  readonly remoteQueue?: RemoteQueue | null
  readonly urls?: UrlSources | null
  /** `store.chargeRate`; absent: hourly limits do not hold. */
  readonly chargeRate?: QueueStore['chargeRate'] | null
  /** The listener's; absent: clients behind XCLIENT are not counted. */
  readonly connections?: ConnectionCount | null
  /** See `SmtpSettings.consults`. */
  readonly consults?: SmtpSettings['consults'] | undefined
  readonly checkpoint?: Checkpoint | undefined
}

/** What a listener needs: sessions, and the words for a connection that is one too many. */
export interface SmtpService {
  readonly service: Service<SmtpQuestion, SmtpAnswer>
  readonly farewell: (refusal: ConnectionRefusal) => string
}

/** Networks of the configuration, read once. */
interface Networks {
  readonly exempt: readonly IpNetwork[]
  readonly xclient: readonly IpNetwork[]
  readonly xforward: readonly IpNetwork[]
}

export function createSmtpService(options: SmtpServiceOptions): SmtpService {
  const { config, store, mime } = options
  const networks: Networks = {
    exempt: parseIpNetworks(config.exemptNetworks),
    xclient: parseIpNetworks(config.xclientFrom),
    xforward: parseIpNetworks(config.xforwardFrom),
  }
  const { role, directory, delivery, events, clock, random, resolver, submission, checkpoint } = options
  const parts: HandlerParts = {
    ...{ role, directory, delivery, events, clock, random, resolver, submission, checkpoint },
    hostName: options.hostname,
    smtp: config,
    exempt: networks.exempt,
    connections: options.connections ?? null,
    stage: () => ingest({ blobs: store.blobs, ...(mime === undefined ? {} : { limits: mime }) }),
    readStaged: (blob, range) => store.blobs.readStaged(blob, range),
    policy: options.policy ?? null,
    terminals: options.terminals ?? null,
    relays: options.relays ?? true,
    takesFor: options.takesFor ?? (() => false),
    returnPaths: options.returnPaths ?? null,
    remoteQueue: options.remoteQueue ?? null,
    urls: options.urls ?? null,
    maxMessageSize: options.maxMessageSize,
    chargeRate: options.chargeRate ?? null,
  }
  const settingsFor = makeSettings(options, networks)
  return {
    service: {
      makeCore: (peer) => new SmtpCore(settingsFor(peer)),
      makeHandler: (sink, peer) => new SmtpHandler(parts, { sink, peer }),
    },
    farewell: () => replies.tooManyConnections.wire,
  }
}

/** Settings by peer; one object for all peers that are alike. */
function makeSettings(options: SmtpServiceOptions, networks: Networks): (peer: Peer) => SmtpSettings {
  const common = commonSettings(options)
  const { tarpit } = options.config
  // RFC 5321 §4.5.4.1 has senders wait long; a host of ours that errs is better told at once.
  const slowed = options.role === 'mx' || options.role === 'submission'
  const slow: SmtpSettings = { ...common, tarpit: slowed && tarpit.afterErrors > 0 ? tarpit : null }
  const baseFor = (address: string): SmtpSettings => (inNetworks(networks.exempt, address) ? common : slow)
  const tarpitFor = (address: string): SmtpSettings['tarpit'] => baseFor(address).tarpit
  return ({ remoteAddress }) => {
    const xclient = inNetworks(networks.xclient, remoteAddress)
    const xforward = inNetworks(networks.xforward, remoteAddress)
    const base = baseFor(remoteAddress)
    if (!xclient && !xforward) return base
    return { ...base, offers: { ...base.offers, xclient, xforward }, tarpitFor }
  }
}

function commonSettings(options: SmtpServiceOptions): SmtpSettings {
  const { role, hostname, startTls, config, maxMessageSize, auth, directory, random } = options
  const loggedIn = role === 'submission' || role === 'odmr'
  return {
    hostName: hostname,
    startTls,
    dialect: role === 'lmtp' ? 'lmtp' : 'smtp',
    offers: makeOffers(options),
    limits: {
      ...config,
      maxMessageSize,
      maxAuthLineSize: auth.maxResponseBytes,
      maxAuthFailures: auth.maxFailuresPerConnection,
    },
    // RFC 6409 §4.3, RFC 8314 §3.3: no submission without log-in, none in clear text unless the operator allows it.
    admission: { tls: loggedIn && !auth.allowClearText, authentication: loggedIn },
    sasl:
      loggedIn || role === 'catcher'
        ? { ...directory.sasl, clearTextAllowed: role === 'catcher' || auth.allowClearText, random }
        : null,
    tarpit: null,
    ...(options.consults && { consults: options.consults }),
  }
}

/** What is offered beyond the core; a catcher keeps everything and relays nothing, so it promises nothing. */
function makeOffers({
  role,
  config,
  submission,
  clock,
  terminals,
  remoteQueue,
  urls,
  hostname,
}: SmtpServiceOptions): SmtpOffers {
  const queue = remoteQueue ?? null
  // RFC 2645 §5.1: EHLO, AUTH and ATRN.
  if (role === 'odmr') return { ...noOffers, atrn: queue !== null }
  if (role === 'catcher') return noOffers
  const submits = role === 'submission'
  return {
    ...noOffers,
    dsn: true,
    requireTls: true,
    // RFC 4865 §4.2 (2): on no port but submission's.
    futureRelease:
      submits && submission.maxHold > 0
        ? { maxInterval: Math.floor(submission.maxHold / 1000), clock }
        : null,
    deliverBy: { minimum: Math.ceil(config.minDeliverBy / 1000) },
    priority: { profile: '' },
    noSoliciting: { keywords: submits ? [] : config.refuseSolicitation },
    requireValidSince: true,
    // RFC 4468 §3.1: on no port but submission's.
    burl: submits && urls != null ? hostname : null,
    expand: submits || (role === 'mx' && config.verify),
    terminals: terminals != null && (submits || (role === 'mx' && config.send)),
    turn: queue !== null && role === 'mx' && config.turn.length > 0,
    etrn: queue !== null && role !== 'lmtp' && config.etrn.length > 0,
  }
}
