// Opens a session with the first host that can be used: host by host in order, the addresses of each raced (RFC 8305), TLS as
// its policy asks, logged in where a route says so. What a host did wrong is kept, so that the record can say why none was left.
//
// - Trouble with a host (no connection, a greeting of 4yz or 5yz, TLS, log-in) is trouble with that host alone: the next one
//   is tried (RFC 5321 §5.1). Only when all of them are used up, the destination has failed; those that `maxTries` kept us from are
//   the first ones of the next pass but one (tried-hosts.ts), and until then nobody has failed for good.
// - Where TLS is wished but not demanded, a failed handshake is followed by one more connection to the same address in the
//   clear (RFC 7435 §3), and the record says so. A host that refuses STARTTLS is spoken to in the clear at once.
import type { ClientTls, Connection } from '../base/connection.ts'
import { errorText } from '../events/error-text.ts'
import { fellBack, hostFailed, policyFailed, tokenFailed } from '../events/relay.ts'
import type { ClientIdentity, OpenResult, SmtpClient } from '../smtp/client/client.ts'
import { openSmtpClient } from '../smtp/client/session.ts'
import type { TlsState } from '../base/core.ts'
import { Secret } from '../base/secret.ts'
import { endingWords, noFacts, stageName, statusOf, type HostFacts, type Trouble } from './attempt.ts'
import type { RelayContext, RelayObserver } from './context.ts'
import { type DialFailure, race } from './happy-eyeballs.ts'
import type { Way } from './routes.ts'
import { findTargets, type Target } from './targets.ts'
import { observedVerification, type HostPolicy, type Unusable } from './tls-policy.ts'

/** A session that may be used, and what is known of it. */
export interface LiveSession {
  readonly client: SmtpClient
  readonly facts: HostFacts
}

export type Connected =
  | { readonly type: 'open'; readonly live: LiveSession }
  | { readonly type: 'exhausted'; readonly trouble: Trouble }

export interface ConnectorOptions {
  readonly way: Way
  readonly context: RelayContext
  readonly signal: AbortSignal
  readonly observer?: RelayObserver | undefined
}

/** Goes through the hosts of one way once. */
export class Connector {
  readonly #options: ConnectorOptions
  #targets: Target[] | null = null
  /** Addresses of the first target that were used up. */
  #used = new Set<string>()
  #tries = 0
  /** Hosts that were tried, and the best one. */
  readonly #tried = new Set<string>()
  #best: string | undefined
  readonly #troubles: Trouble[] = []

  constructor(options: ConnectorOptions) {
    this.#options = options
  }

  /** The next host that can be used; after `exhausted` always that again. */
  async next(): Promise<Connected> {
    const { way, context, signal } = this.#options
    if (this.#targets === null) {
      const found = await findTargets(way, context)
      if (found.type === 'none') return { type: 'exhausted', trouble: found.trouble }
      this.#best = found.targets[0]?.host
      this.#targets = context.triedHosts.order(way.destination.key, found.targets)
    }
    for (;;) {
      const target = this.#targets[0]
      if (target === undefined || this.#tries >= context.config.maxTries || signal.aborted) break
      const addresses = target.addresses.filter((address) => !this.#used.has(address))
      if (addresses.length === 0) {
        this.#targets.shift()
        this.#used.clear()
        continue
      }
      this.#tries++
      this.#tried.add(target.host)
      const opened = await this.#try(target, addresses)
      if (opened.type === 'open') {
        if (target.host === this.#best) context.triedHosts.forget(way.destination.key)
        return opened
      }
      this.note(opened.trouble)
      // What DNS or a policy says of a host holds for all its addresses.
      if (opened.scope === 'host') this.#dropTarget()
    }
    if (!signal.aborted) this.#remember()
    return { type: 'exhausted', trouble: this.#verdict() }
  }

  /** See `SessionSource.passOver`. */
  passOver(trouble: Trouble): Trouble | null {
    this.note(trouble)
    this.#targets = (this.#targets ?? []).filter(({ host }) => host !== trouble.facts.host)
    this.#used.clear()
    const more = this.#targets.length > 0 && this.#tries < this.#options.context.config.maxTries
    if (more) return null
    this.#remember()
    return this.#verdict()
  }

  #remember(): void {
    const { way, context } = this.#options
    const left = this.#untried()
    if (left.length === 0) context.triedHosts.forget(way.destination.key)
    else context.triedHosts.cutShort(way.destination.key, { tried: this.#tried, left })
  }

  /** Hosts that this pass did not get to. */
  #untried(): Target[] {
    return (this.#targets ?? []).filter(({ host }) => !this.#tried.has(host))
  }

  /** A session broke in the middle of things: its host counts as troubled too. */
  note(trouble: Trouble): void {
    const { way, context } = this.#options
    this.#troubles.push(trouble)
    context.events.emit(hostFailed, {
      destination: way.destination.key,
      host: trouble.facts.host ?? '',
      address: trouble.facts.address,
      stage: trouble.stage,
      policy: trouble.facts.policy,
      problem: trouble.reply,
    })
    this.#say('note', trouble.reply)
  }

  #dropTarget(): void {
    this.#targets?.shift()
    this.#used.clear()
  }

  /** The destination failed for good only where every host said so. */
  #verdict(): Trouble {
    const last = this.#troubles.findLast(({ outcome }) => outcome === 'deferred') ?? this.#troubles.at(-1)
    if (last !== undefined && this.#untried().length > 0) return { ...last, outcome: 'deferred' }
    return (
      last ?? {
        facts: noFacts,
        stage: 'connect',
        reply: '451 4.4.1 No host was tried',
        status: '4.4.1',
        outcome: 'deferred',
      }
    )
  }

  async #try(target: Target, addresses: readonly string[]): Promise<Opened> {
    const policy = await target.policy()
    if ('type' in policy) return this.#unusable(target, policy)
    const { context, way, signal } = this.#options
    const { sourceAddresses } = way.route
    this.#say('note', `connecting to ${target.host} (${addresses.join(', ')}) port ${target.port}`)
    const won = await race({
      dialer: context.dialer,
      clock: context.clock,
      addresses,
      port: target.port,
      timeoutMilliseconds: way.route.timeouts.connect,
      localAddress: (remote) => sourceAddresses.find((local) => local.includes(':') === remote.includes(':')),
      signal,
    })
    const facts = { ...noFacts, host: target.host, policy: policy.name }
    if (!won.ok) {
      const failure = won.failures.at(-1)
      const why = won.failures.map(dialWords).join('; ')
      return closed({
        facts: { ...facts, address: failure?.address ?? null },
        stage: 'connect',
        reply: `no connection to ${target.host}: ${why === '' ? 'given up' : why}`,
        status: '4.4.1',
        outcome: 'deferred',
      })
    }
    this.#used.add(won.address)
    const attempt = { target, policy, facts: { ...facts, address: won.address } }
    const opened = await this.#greet({ ...attempt, connection: won.connection })
    if (opened.type !== 'fall-back') return opened
    return this.#inTheClear(attempt, opened)
  }

  #unusable(target: Target, unusable: Unusable): Opened {
    const { problem, status, outcome, stage, policy } = unusable
    const facts = { ...noFacts, host: target.host, policy }
    if (stage === 'tls') this.#policyFailed(target.host, { policy, problem, obeyed: true })
    return { type: 'closed', scope: 'host', trouble: { facts, stage, reply: problem, status, outcome } }
  }

  /** The same address again, without TLS. */
  async #inTheClear(attempt: Attempting, { trouble }: FallBack): Promise<Opened> {
    const { context, way, signal } = this.#options
    const { address } = attempt.facts
    context.events.emit(fellBack, {
      destination: way.destination.key,
      host: attempt.target.host,
      problem: trouble.reply,
    })
    this.#say('note', `${trouble.reply}; once more in the clear`)
    try {
      const connection = await context.dialer.dial({
        address: address ?? '',
        port: attempt.target.port,
        timeoutMilliseconds: way.route.timeouts.connect,
        signal,
        ...localAddressFor(way.route.sourceAddresses, address ?? ''),
      })
      const opened = await this.#greet({
        ...attempt,
        connection,
        policy: { ...attempt.policy, tls: 'never' },
      })
      return opened.type === 'fall-back' ? closed(opened.trouble) : opened
    } catch (error) {
      const reply = `no connection to ${attempt.target.host}: ${dialWords({ address: address ?? '', error })}`
      return closed({ ...trouble, stage: 'connect', reply, status: '4.4.1' })
    }
  }

  /** Greeting, EHLO, TLS, log-in; all of it is broken off by the signal, since nothing was said of any mail yet. */
  async #greet(attempt: Attempting & { readonly connection: Connection }): Promise<Opened | FallBack> {
    const { signal } = this.#options
    const breakOff = (): void => attempt.connection.destroy()
    if (signal.aborted) breakOff()
    signal.addEventListener('abort', breakOff, { once: true })
    try {
      return await this.#introduce(attempt)
    } finally {
      signal.removeEventListener('abort', breakOff)
    }
  }

  async #introduce(attempt: Attempting & { readonly connection: Connection }): Promise<Opened | FallBack> {
    const { connection, target, policy } = attempt
    const { context, way, observer } = this.#options
    if (policy.tls === 'implicit') {
      const failed = await this.#implicitTls(attempt)
      if (failed !== null) return failed
    }
    const opened: OpenResult = await openSmtpClient(connection, {
      dialect: target.dialect,
      heloName: way.route.heloName,
      clock: context.clock,
      timeouts: way.route.timeouts,
      except: 'except' in way.route.config ? way.route.config.except.map((word) => word.toUpperCase()) : [],
      ...(observer === undefined ? {} : { onDialogue: observer }),
    })
    if (opened.type === 'refused') {
      const { reply, stage } = opened
      // RFC 7504 §3: 521 means that this host never takes mail; any other refusal may be of the moment.
      const never = reply.code === 521 || reply.code === 556
      return closed({
        facts: attempt.facts,
        stage: stageName(stage),
        reply: reply.verbatim,
        status: statusOf(reply),
        outcome: never ? 'failed' : 'deferred',
      })
    }
    if (opened.type === 'ended') {
      const { ending } = opened
      return closed({
        facts: attempt.facts,
        stage: stageName(ending.stage),
        ...endingWords(ending),
        outcome: 'deferred',
      })
    }
    return this.#secure(attempt, opened.session)
  }

  async #implicitTls(attempt: Attempting & { readonly connection: Connection }): Promise<Opened | null> {
    const { connection, target, policy, facts } = attempt
    const { context, way } = this.#options
    const timer = context.clock.after(way.route.timeouts.startTls, () =>
      connection.destroy(new Error('timed out')),
    )
    try {
      await connection.startClientTls(await this.#clientTls(target, policy))
      return null
    } catch (error) {
      connection.destroy()
      const reply = `the TLS handshake failed: ${errorText(error)}`
      return closed({ facts, stage: 'tls', reply, status: '4.7.5', outcome: 'deferred' })
    } finally {
      timer.cancel()
    }
  }

  /** STARTTLS as far as the policy asks and the host can. */
  async #secure(attempt: Attempting, client: SmtpClient): Promise<Opened | FallBack> {
    const { target, policy } = attempt
    if (policy.tls === 'never' || client.tls !== null) return this.#judge(attempt, client)
    const demanded = policy.tls === 'demanded'
    const trouble = (reply: string, status: string): Trouble => ({
      facts: attempt.facts,
      stage: 'tls',
      reply,
      status,
      outcome: policy.requireTls ? 'failed' : 'deferred',
    })
    if (!client.capabilities.startTls) {
      if (!demanded) return this.#judge(attempt, client)
      await client.quit()
      const problem = `${target.host} offers no STARTTLS, and ${policy.name} demands it`
      this.#policyFailed(target.host, { policy: policy.name, problem: 'no-starttls', obeyed: true })
      return closed(trouble(problem, policy.requireTls ? '5.7.10' : '4.7.4'))
    }
    let request: ClientTls
    try {
      request = await this.#clientTls(target, policy)
    } catch (error) {
      client.close()
      return closed({ ...trouble(errorText(error), '4.3.5'), stage: 'ours', outcome: 'deferred' })
    }
    const started = await client.startTls(request)
    if (started.type === 'done') return this.#judge(attempt, client)
    const words =
      started.type === 'refused'
        ? { reply: started.reply.verbatim, status: statusOf(started.reply) }
        : endingWords(started.ending)
    if (demanded) {
      client.close()
      this.#policyFailed(target.host, { policy: policy.name, problem: 'no-tls', obeyed: true })
      // A handshake may fail for the moment: REQUIRETLS waits for the next attempt too.
      return closed({ ...trouble(words.reply, words.status), outcome: 'deferred' })
    }
    if (started.type === 'refused' && started.stage === 'tls' && client.ending === null)
      return this.#judge(attempt, client)
    client.close()
    return { type: 'fall-back', trouble: { ...trouble(words.reply, words.status), outcome: 'deferred' } }
  }

  /** Holds what was shown against the policy, then logs in. */
  async #judge(attempt: Attempting, client: SmtpClient): Promise<Opened> {
    const { target, policy } = attempt
    const tls = client.tls
    const judgement = tls === null || policy.judge === null ? null : policy.judge(tls.peerCertificate)
    if (judgement !== null && !judgement.ok) {
      await client.quit()
      this.#policyFailed(target.host, { policy: policy.name, problem: judgement.problem, obeyed: true })
      return closed({
        facts: { ...attempt.facts, tls: describe(tls), verification: judgement.problem },
        stage: 'tls',
        reply: `the certificate of ${target.host} does not meet ${policy.name}: ${judgement.problem}`,
        status: policy.requireTls ? '5.7.10' : '4.7.5',
        outcome: policy.requireTls ? 'failed' : 'deferred',
      })
    }
    this.#watch(target, { policy, tls })
    const verification = judgement?.verification ?? (tls === null ? null : observedVerification(policy, tls))
    const facts = { ...attempt.facts, tls: describe(tls), verification }
    // RFC 8689 §4.2.1 (5): the capability is to be seen after the handshake.
    if (policy.requireTls && !(tls !== null && client.capabilities.requireTls)) {
      await client.quit()
      return closed({
        facts,
        stage: 'tls',
        reply: `${target.host} does not support REQUIRETLS, which the sender asks for`,
        status: '5.7.30',
        outcome: 'failed',
      })
    }
    const refusal = await this.#logIn(target, { client, facts })
    return refusal ?? { type: 'open', live: { client, facts } }
  }

  /** RFC 8461 §5: a policy under test is held against the host, and what fails is told. */
  #watch(target: Target, { policy, tls }: { policy: HostPolicy; tls: TlsState | null }): void {
    if (policy.watched === null) return
    const judged = policy.watched.judge(tls?.peerCertificate ?? null)
    if (!judged.ok)
      this.#policyFailed(target.host, { policy: policy.watched.name, problem: judged.problem, obeyed: false })
  }

  async #logIn(target: Target, { client, facts }: LiveSession): Promise<Opened | null> {
    const { fixed } = target
    const authentication = fixed?.authentication
    if (fixed === null || authentication === undefined) return null
    const { context, way } = this.#options
    const trouble = (reply: string, status: string): Opened =>
      closed({ facts, stage: 'auth', reply, status, outcome: 'deferred' })
    const identity = await this.#identity(target)
    if (typeof identity === 'string') {
      await client.quit()
      context.events.emit(tokenFailed, { route: way.route.name, problem: identity })
      return trouble(identity, '4.7.0')
    }
    const result = await client.authenticate({
      identity,
      random: context.random,
      // Whoever configures a route without TLS has decided that (a host on this machine); any other path is closed to passwords.
      inTheClear: fixed.tls === 'none' ? 'allowed' : 'refused',
      ...(authentication.mechanisms === undefined ? {} : { mechanisms: authentication.mechanisms }),
    })
    switch (result.type) {
      case 'done':
        return null
      case 'refused':
        if (authentication.token !== undefined) context.tokens.forget(authentication.token)
        await client.quit()
        return trouble(result.reply.verbatim, statusOf(result.reply))
      case 'no-mechanism':
        await client.quit()
        return trouble(
          `${target.host} offers no mechanism that may be used (${result.offered.join(' ')})`,
          '4.7.0',
        )
      case 'not-authentic':
        return trouble(`${target.host} did not prove who it is: ${result.problem}`, '4.7.0')
      case 'ended':
        return trouble(endingWords(result.ending).reply, endingWords(result.ending).status)
    }
  }

  /** Who we are there, or why that cannot be said. */
  async #identity({ fixed, host, port }: Target): Promise<ClientIdentity | string> {
    const { context } = this.#options
    const { username = '', passwordFile, token } = fixed?.authentication ?? {}
    if (token !== undefined) {
      const got = await context.tokens.token(token)
      return got.ok
        ? { type: 'token', username, token: got.token, host, port }
        : `no access token: ${got.problem}`
    }
    try {
      const text = await context.readFile(passwordFile ?? '')
      return { type: 'password', username, password: new Secret(text.replace(/\r?\n$/, '')) }
    } catch (error) {
      return `the password cannot be read: ${errorText(error)}`
    }
  }

  async #clientTls({ fixed }: Target, policy: HostPolicy): Promise<ClientTls> {
    const { readFile } = this.#options.context
    const { authoritiesFile, certificateFile, keyFile } = fixed ?? {}
    const authorities =
      authoritiesFile === undefined ? {} : { authorities: [await readFile(authoritiesFile)] }
    const identity =
      certificateFile === undefined || keyFile === undefined
        ? {}
        : { identity: { certificate: await readFile(certificateFile), key: await readFile(keyFile) } }
    return { serverName: policy.serverName, ...authorities, ...identity }
  }

  #policyFailed(host: string, failure: { policy: string; problem: string; obeyed: boolean }): void {
    const { way, context } = this.#options
    context.events.emit(policyFailed, { destination: way.destination.key, host, ...failure })
  }

  #say(direction: 'note', text: string): void {
    this.#options.observer?.({ direction, text: text.replaceAll('\n', ' ') })
  }
}

interface Attempting {
  readonly target: Target
  readonly policy: HostPolicy
  readonly facts: HostFacts
}

type Opened =
  | { readonly type: 'open'; readonly live: LiveSession }
  | { readonly type: 'closed'; readonly scope: 'address' | 'host'; readonly trouble: Trouble }

interface FallBack {
  readonly type: 'fall-back'
  readonly trouble: Trouble
}

function closed(trouble: Trouble): Opened {
  // Addresses that did not even connect were all tried in one race.
  return { type: 'closed', scope: trouble.stage === 'connect' ? 'host' : 'address', trouble }
}

/** For people: the sender reads it in his report. */
function dialWords({ address, error }: DialFailure): string {
  const code = error instanceof Error && 'code' in error ? String(error.code) : ''
  return `${address} ${dialTroubles[code] ?? `failed (${errorText(error)})`}`
}

const dialTroubles: Readonly<Record<string, string>> = {
  ECONNREFUSED: 'refuses connections',
  ECONNRESET: 'breaks connections off',
  ETIMEDOUT: 'does not answer',
  EHOSTUNREACH: 'cannot be reached (no route to the host)',
  ENETUNREACH: 'cannot be reached (no route to its network)',
  EADDRNOTAVAIL: 'cannot be connected to from the address that is to be used',
}

function describe(tls: TlsState | null): string | null {
  return tls === null ? null : `${tls.version} ${tls.cipher}`
}

function localAddressFor(sources: readonly string[], remote: string): { localAddress?: string } {
  const local = sources.find((address) => address.includes(':') === remote.includes(':'))
  return local === undefined ? {} : { localAddress: local }
}
