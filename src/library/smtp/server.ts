// An SMTP server as a building block, with the options that users of `smtp-server` know, over the core that Posthorn itself listens with:
// pipelining, CHUNKING, BINARYMIME, SMTPUTF8, line ends as RFC 5321 §2.3.8 wants them, and limits on everything.
//
//   const server = new SmtpServer({ onData: async (stream) => { for await (const chunk of stream) … } })
//   const { port } = await server.listen(0, '127.0.0.1')
import { EventEmitter } from 'node:events'
import { hostname } from 'node:os'
import type { AddressInfo } from 'node:net'
import type { Peer } from '../../base/core.ts'
import { RealRandom } from '../../base/real-random.ts'
import { smtpSection } from '../../config/sections/smtp.ts'
import { authSection } from '../../config/sections/auth.ts'
import { ConnectionCount } from '../../net/connection-limits.ts'
import { listen, type Listener } from '../../net/listener.ts'
import { RealClock } from '../../net/real-clock.ts'
import { SocketNetwork } from '../../net/socket-network.ts'
import { createSelfSignedIdentity } from '../../net/tls-identity.ts'
import { SmtpCore } from '../../smtp/proto/core.ts'
import { noOffers } from '../../smtp/proto/offers.ts'
import type { SmtpAnswer, SmtpQuestion } from '../../smtp/proto/questions.ts'
import { replies } from '../../smtp/proto/reply.ts'
import type { SmtpSettings } from '../../smtp/proto/session.ts'
import { inNetworks, parseIpNetworks } from '../../base/ip-network.ts'
import { netSection } from '../../config/sections/net.ts'
import type { ProxyTrust } from '../../net/proxied.ts'
import { LibraryHandler } from './handler.ts'
import { ProgramIdentity, type SmtpServerCertificates } from './identity.ts'
import { type Tell, telling } from './logger.ts'
import { checkServerOptions, isDisabled, type Peers, type SmtpServerOptions } from './options.ts'

const usualSize = 50 * 1024 * 1024
const usualClients = 1_000
const usualSocketTimeout = 300_000
const usualCloseTimeout = 30_000

/** Emits `error` for what concerns no single command: a handshake that failed, a connection that broke, a function that threw in `onClose`. */
export class SmtpServer
  extends EventEmitter<{ error: [Error]; listening: []; close: [] }>
  implements AsyncDisposable
{
  readonly options: SmtpServerOptions
  #listener: Listener<SmtpQuestion, SmtpAnswer> | null = null
  readonly #clock = new RealClock()
  readonly #random = new RealRandom()
  readonly #identity: ProgramIdentity
  readonly #tell: Tell

  /** Throws a TypeError for options that there are not, for networks that are none, and where a key cannot be used. */
  constructor(options: SmtpServerOptions = {}) {
    super()
    checkServerOptions(options)
    this.options = options
    this.#tell = telling(options.logger)
    const { name = hostname(), useProxy, useXClient, useXForward } = options
    const parts = { folder: null, clientAuthorities: null, clock: this.#clock, random: this.#random }
    this.#identity = new ProgramIdentity(options, createSelfSignedIdentity({ hostname: name, ...parts }))
    for (const peers of [useProxy, useXClient, useXForward]) networksOf(peers)
  }

  /** Rejects with the system's error (`EADDRINUSE`). Port 0 is one of the system's choice; the default host is every address. */
  async listen(
    port: number = 0,
    hostOrCallback: string | (() => void) = '::',
    callback?: () => void,
  ): Promise<AddressInfo> {
    const host = typeof hostOrCallback === 'string' ? hostOrCallback : '::'
    const done = typeof hostOrCallback === 'string' ? callback : hostOrCallback
    if (this.#listener !== null) throw new Error('the server listens already')
    const { secure = false, hideSTARTTLS = false } = this.options
    const clock = this.#clock
    const random = this.#random
    const name = this.options.name ?? hostname()
    const startTls = !secure && !hideSTARTTLS && !isDisabled(this.options, 'STARTTLS')
    const settings = settingsOf(this.options, { name, random, startTls })
    this.#listener = await listen<SmtpQuestion, SmtpAnswer>({
      network: new SocketNetwork(clock),
      points: [{ address: host, port }],
      tls: secure ? 'implicit' : startTls ? 'on-request' : 'none',
      identity: secure || startTls ? this.#identity : null,
      proxies: proxyTrust(this.options.useProxy),
      clock,
      events: this.#events(),
      connections: new ConnectionCount(connectionLimits(this.options.maxClients ?? usualClients)),
      service: {
        makeCore: ({ remoteAddress }) => new SmtpCore(settings(remoteAddress)),
        makeHandler: (_sink, peer) =>
          new LibraryHandler({ options: this.options, name, random, clock, tell: this.#tell }, peer),
      },
      farewell: () => replies.tooManyConnections.wire,
      stopMilliseconds: this.options.closeTimeout ?? usualCloseTimeout,
    })
    this.#tell('info', { ...this.address() }, 'listening')
    this.emit('listening')
    done?.()
    return this.address()
  }

  /** Handshakes from now on use these; what is not given stays. Throws, and changes nothing, where a key cannot be used. */
  updateSecureContext(certificates: SmtpServerCertificates): void {
    this.#identity.update(certificates)
  }

  /** Where it listens, with the real port. */
  address(): AddressInfo {
    const [point] = this.#listener?.points ?? []
    if (point === undefined) throw new Error('the server does not listen')
    return { ...point, family: point.address.includes(':') ? 'IPv6' : 'IPv4' }
  }

  /** Open connections. */
  get connections(): number {
    return this.#listener?.sessions ?? 0
  }

  /** No new connections; those that are open end where no reply is cut, at the latest after `closeTimeout`. */
  async close(callback?: () => void): Promise<void> {
    const listener = this.#listener
    this.#listener = null
    await listener?.stop(this.options.closeTimeout ?? usualCloseTimeout)
    this.emit('close')
    callback?.()
  }

  [Symbol.asyncDispose](): Promise<void> {
    return this.close()
  }

  #events() {
    const tell = (cause: unknown): void => {
      this.#tell('error', { reason: cause instanceof Error ? cause.message : String(cause) }, 'failed')
      // Without a listener an `error` event would end the process: nobody's session may.
      if (this.listenerCount('error') > 0)
        this.emit('error', cause instanceof Error ? cause : new Error(String(cause)))
    }
    return {
      opened: () => {},
      refused: (peer: Peer) => this.#tell('info', { ...peer }, 'refused: too many connections'),
      acceptFailed: tell,
      handlerFailed: (_peer: unknown, _question: unknown, error: unknown) => tell(error),
      handshakeFailed: (_peer: unknown, error: Error) => tell(error),
      broke: (_peer: unknown, error: unknown) => tell(error),
      finished: () => {},
    }
  }
}

function connectionLimits(total: number) {
  return { total, perAddress: total, perPrefix: total }
}

interface Own {
  readonly name: string
  readonly random: RealRandom
}

/** Of a session with a peer of that address: some may speak for others. */
function settingsOf(
  options: SmtpServerOptions,
  own: Own & { readonly startTls: boolean },
): (remoteAddress: string) => SmtpSettings {
  const base = commonSettings(options, own)
  const xclient = networksOf(options.useXClient)
  const xforward = networksOf(options.useXForward)
  return (remoteAddress) => ({
    ...base,
    offers: {
      ...base.offers,
      xclient: !isDisabled(options, 'XCLIENT') && inNetworks(xclient, remoteAddress),
      xforward: !isDisabled(options, 'XFORWARD') && inNetworks(xforward, remoteAddress),
    },
  })
}

function networksOf(peers: Peers | undefined) {
  return parseIpNetworks(
    peers === true ? ['0.0.0.0/0', '::/0'] : peers === undefined || peers === false ? [] : peers,
  )
}

function proxyTrust(peers: Peers | undefined): ProxyTrust | null {
  const from = networksOf(peers)
  const { proxyTimeout, proxyHeaderLimit } = netSection.parse({})
  return from.length === 0
    ? null
    : { from, timeoutMilliseconds: proxyTimeout, longestHeader: proxyHeaderLimit }
}

/** Options that leave an extension out of the EHLO response, and which. */
const hiding = {
  hidePIPELINING: ['PIPELINING'],
  hide8BITMIME: ['8BITMIME'],
  hideSMTPUTF8: ['SMTPUTF8'],
  hideENHANCEDSTATUSCODES: ['ENHANCEDSTATUSCODES'],
  hideSize: ['SIZE'],
  hideCHUNKING: ['CHUNKING', 'BINARYMIME'],
} as const satisfies Partial<Record<keyof SmtpServerOptions, readonly string[]>>

function hiddenBy(options: SmtpServerOptions): ReadonlySet<string> {
  const given = Object.entries(hiding).filter(([name]) => options[name as keyof typeof hiding] === true)
  return new Set(given.flatMap(([, keywords]) => keywords))
}

function commonSettings(options: SmtpServerOptions, own: Own & { readonly startTls: boolean }): SmtpSettings {
  const {
    authMethods,
    authOptional = false,
    allowInsecureAuth = false,
    lmtp = false,
    socketTimeout,
  } = options
  const onAuth = isDisabled(options, 'AUTH') ? undefined : options.onAuth
  const auth = authSection.parse({})
  const silence = socketTimeout ?? usualSocketTimeout
  return {
    hostName: own.name,
    startTls: own.startTls,
    dialect: lmtp ? 'lmtp' : 'smtp',
    offers: { ...noOffers, dsn: options.dsn === true, requireTls: options.requireTLS === true },
    hidden: hiddenBy(options),
    limits: {
      ...smtpSection.parse({}),
      maxMessageSize: options.size ?? usualSize,
      maxAuthLineSize: auth.maxResponseBytes,
      maxAuthFailures: auth.maxFailuresPerConnection,
      commandTimeout: silence,
      dataTimeout: silence,
    },
    admission: { tls: false, authentication: onAuth !== undefined && !authOptional },
    sasl:
      onAuth === undefined
        ? null
        : {
            ...{ scram: false, cramMd5: false, tokens: true, certificates: false },
            clearTextAllowed: allowInsecureAuth,
            random: own.random,
            serverSecret: own.random.bytes(16),
            scramIterations: auth.scramIterations,
            ...(authMethods !== undefined && {
              only: new Set(authMethods.map((name) => name.toUpperCase())),
            }),
          },
    tarpit: null,
  }
}
