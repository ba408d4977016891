// Mail that waits here for another host and is asked for: ETRN (RFC 1985) has the queue try again, TURN (RFC 821 §3.8) and ATRN (RFC
// 2645) take the mail over this very connection, roles changed.
//
// Who may take mail is in the configuration: by TURN whoever shows a valid certificate with the name that is written beside the domain
// (RFC 6125 §6.4, without wildcards: a name that is compared with a list is exact), by ATRN an account that the domains are
// written to. A start of the queue gives nobody anything but mail that goes to the domain's own hosts.
import { parseIpNetworks, inNetworks } from '../../base/ip-network.ts'
import type { Connection } from '../../base/connection.ts'
import * as smtpEvents from '../../events/smtp.ts'
import type { SmtpAnswer, SmtpClient } from '../proto/questions.ts'
import { replies, type Reply } from '../proto/reply.ts'
import { refuse, type SessionContext } from './context.ts'
import type { RelayOver, RemoteQueue } from './remote-queue.ts'

interface EtrnRequest {
  readonly node: string
  readonly form: 'domain' | 'subdomains' | 'queue'
}

export class Turning {
  readonly #context: SessionContext
  /** What was granted: the connection's next use. */
  #granted: RelayOver | null = null

  constructor(context: SessionContext) {
    this.#context = context
  }

  /** RFC 1985 §5.1. Rejects where the queue does. */
  async etrn({ node, form }: EtrnRequest): Promise<SmtpAnswer> {
    const { parts, peer } = this.#context
    const shown = form === 'subdomains' ? `@${node}` : form === 'queue' ? `#${node}` : node
    if (parts.remoteQueue === null) return refuse(replies.notImplemented)
    const entry = parts.smtp.etrn.find(({ domain }) => serves(domain, { node, form }))
    if (entry === undefined)
      return this.#answer('ETRN', shown, replies.nodeNotAllowed(shown, 'not served here'))
    if (entry.networks.length > 0 && !inNetworks(parseIpNetworks(entry.networks), peer.remoteAddress)) {
      return this.#answer('ETRN', shown, replies.nodeNotAllowed(shown, 'not for you'))
    }
    const started = await parts.remoteQueue.flush({ node, form })
    switch (started.type) {
      case 'none':
        return this.#answer('ETRN', shown, replies.queueEmpty(shown))
      case 'unable':
        return this.#answer('ETRN', shown, replies.queueUnable(shown))
      case 'started': {
        const { pending } = started
        return this.#answer(
          'ETRN',
          shown,
          pending === null ? replies.queueNotEmpty(shown) : replies.queuePending(shown, pending),
        )
      }
    }
  }

  /** RFC 821 §3.8: 250, or 502 for whoever has not shown who he is. */
  async turn(client: SmtpClient): Promise<SmtpAnswer> {
    const { parts } = this.#context
    const certificate = client.tls?.peerCertificate ?? null
    const names = certificate?.problem === null ? certificate.dnsNames : []
    const granted = parts.smtp.turn.filter(({ certificateName }) => names.includes(certificateName))
    const [first] = granted
    if (parts.remoteQueue === null || first === undefined)
      return this.#answer('TURN', '', replies.turnRefused)
    const domains = granted.map(({ domain }) => domain)
    return this.#grant(parts.remoteQueue, {
      verb: 'TURN',
      domains,
      by: { type: 'certificate', name: first.certificateName },
    })
  }

  /** RFC 2645 §5.2.1: 250, 450 where a domain is not his, 453 where nothing waits. */
  async atrn(domains: readonly string[]): Promise<SmtpAnswer> {
    const { parts, login } = this.#context
    const { account } = login
    if (account === null) return refuse(replies.authFirst)
    const own = new Set(
      parts.smtp.odmr
        .filter((one) => one.account.toLowerCase() === account.address)
        .flatMap((one) => one.domains),
    )
    // RFC 2645 §5.2.1: "the provider MUST NOT send mail for any domains" where one is not his.
    const refused = own.size === 0 || domains.some((domain) => !own.has(domain))
    if (parts.remoteQueue === null || refused) {
      return this.#answer('ATRN', domains.join(','), replies.atrnRefused)
    }
    return this.#grant(parts.remoteQueue, {
      verb: 'ATRN',
      // RFC 2645 §5.2.1: without domains, all of them.
      domains: domains.length === 0 ? [...own] : domains,
      by: { type: 'account', name: account.address },
    })
  }

  /** The core handed the connection over, after a 250 of `turn` or `atrn`. */
  async takeOver(connection: Connection): Promise<void> {
    const { remoteQueue } = this.#context.parts
    const granted = this.#granted
    if (remoteQueue === null || granted === null) throw new Error('a connection that nobody granted')
    await remoteQueue.relayOver(connection, granted)
  }

  async #grant(
    queue: RemoteQueue,
    { verb, domains, by }: RelayOver & { verb: 'TURN' | 'ATRN' },
  ): Promise<SmtpAnswer> {
    const node = domains.join(',')
    // RFC 2645 §5.2.1: 453 where nothing waits. TURN has no such reply: its peer hears QUIT instead.
    if (verb === 'ATRN' && (await queue.pending(domains)) === 0) {
      return this.#answer(verb, node, replies.atrnNoMail)
    }
    this.#granted = { domains, by }
    return this.#answer(verb, node, replies.turning)
  }

  #answer(verb: string, node: string, reply: Reply): SmtpAnswer {
    this.#context.emit(smtpEvents.queueAsked, {
      ...this.#context.who(),
      ...{ verb, node: node.slice(0, 255), outcome: String(reply.code) },
    })
    return refuse(reply)
  }
}

/** Whether an entry of the configuration speaks of this node. */
function serves(domain: string, { node, form }: EtrnRequest): boolean {
  // RFC 1985 §5.3: `@` releases all below the name, so the entry must be at the name or above it.
  if (form === 'subdomains') return node === domain || node.endsWith(`.${domain}`)
  return node.toLowerCase() === domain
}
