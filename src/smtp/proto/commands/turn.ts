// TURN (RFC 821 §3.8) and ATRN (RFC 2645): after a 250 the two ends change roles, and this one begins to send. The core's part
// ends there: the connection goes to the handler. ETRN (RFC 1985) asks for the same mail by another connection.
//
// Whoever speaks before the 250 that he waits for is no longer in step with us: nothing is handed over then.
import { tryDomain } from '../../../mail/domain.ts'
import { replies, type Reply } from '../reply.ts'
import { ask, handedOverMode, refusalIn, type Session, type Step } from '../session.ts'
import type { Command } from './command.ts'

/** RFC 821 §3.8: "either host may refuse", with 502. */
export const turn: Command = {
  name: 'TURN',
  states: ['ready'],
  syntax: 'TURN',
  help: 'Changes the roles of client and server.',
  needs: 'admission',
  absent: ({ settings }) => (settings.offers.turn ? null : replies.notImplemented),
  run: (session, argument) => {
    if (argument !== '') return replies.noArgument('TURN')
    return handOver(session, { type: 'turn', client: session.client })
  },
}

export const atrn: Command = {
  name: 'ATRN',
  states: ['ready'],
  syntax: 'ATRN [domain,domain]',
  help: 'Changes the roles, to fetch the mail of these domains, or of all that are yours.',
  needs: 'tls',
  absent: ({ settings }) => (settings.offers.atrn ? null : replies.notImplemented),
  run: (session, argument) => {
    // RFC 2645 §5.2.1: "The ATRN command MUST be rejected if the session has not been authenticated", with 530.
    if (session.client.username === null) return replies.authFirst
    const domains = argument === '' ? [] : tryDomains(argument)
    if (domains === undefined) return replies.syntax(atrn.syntax)
    return handOver(session, { type: 'atrn', client: session.client, domains })
  },
}

export const etrn: Command = {
  name: 'ETRN',
  // RFC 1985 §5: at any time "once a session is established, as long as there is not a transaction occuring".
  states: ['ready'],
  syntax: 'ETRN domain, ETRN @domain or ETRN #queue',
  help: 'Starts the queue of a domain, of a domain and all below it, or of that name.',
  needs: 'admission',
  absent: ({ settings }) => (settings.offers.etrn ? null : replies.notImplemented),
  run: runEtrn,
}

function handOver(
  session: Session,
  question: Parameters<typeof ask>[0] & { readonly type: 'turn' | 'atrn' },
): Step {
  if (session.inputWaiting()) return replies.tooEager
  return ask(question, (reply) => {
    if (refusalIn(reply) !== null) return reply
    if (session.inputWaiting()) return replies.tooEager
    session.mode = handedOverMode
    return reply ?? replies.turning
  })
}

/** RFC 2645 §5.2.1: `domain *("," domain)`, each of two labels at least; in A-labels, said twice counts once. */
function tryDomains(argument: string): readonly string[] | undefined {
  const domains = new Set<string>()
  for (const text of argument.split(',')) {
    const domain = tryFullDomain(text)
    if (domain === undefined) return undefined
    domains.add(domain)
  }
  return [...domains]
}

function tryFullDomain(text: string): string | undefined {
  const domain = tryDomain(text)
  return domain?.includes('.') === true ? domain : undefined
}

function runEtrn(session: Session, argument: string): Step {
  // RFC 1985 §7: 500 where there is no node, 501 where it is none.
  if (argument === '') return replies.etrnWithoutNode
  const prefix = argument[0]
  const { client } = session
  const answerWith = (reply: Reply | null, node: string): Reply => reply ?? replies.queueStarted(node)
  if (prefix === '#') {
    const node = argument.slice(1)
    // RFC 1985 §5.3: the queue's name is "entirely a local matter".
    if (!/^[!-~]{1,64}$/.test(node)) return replies.syntax(etrn.syntax)
    return ask({ type: 'etrn', client, node, form: 'queue' }, (reply) => answerWith(reply, argument))
  }
  const node = tryFullDomain(prefix === '@' ? argument.slice(1) : argument)
  if (node === undefined) return replies.syntax(etrn.syntax)
  const form = prefix === '@' ? 'subdomains' : 'domain'
  return ask({ type: 'etrn', client, node, form }, (reply) => answerWith(reply, argument))
}
