// XCLIENT and XFORWARD, as Postfix documents them: a listed peer says for whom it speaks. After XCLIENT the client is somebody else to
// every check, limit and trace field; after XFORWARD only the log knows where the next message came from.
//
// The core has checked that the peer is listed and that the values are what they should be. What it does not know
// (`[UNAVAILABLE]`) replaces what was known all the same.
import * as smtpEvents from '../../events/smtp.ts'
import { tryAddress } from '../../mail/address.ts'
import { goOn, type SmtpAnswer } from '../proto/questions.ts'
import { replies } from '../proto/reply.ts'
import { lookUpName } from './arriving.ts'
import { refuse, type Forwarded, type SessionContext } from './context.ts'

type AttributeMap = ReadonlyMap<string, string | null>

/** Makes the session that of another client. Rejects with `StoreUnavailable` where the log-in cannot be looked up. */
export async function speakFor(context: SessionContext, attributes: AttributeMap): Promise<SmtpAnswer> {
  const { peer, parts } = context
  const username = attributes.get('LOGIN') ?? null
  // Before anything is changed: a log-in that is nobody's refuses the whole command.
  const account = username === null ? null : await findAccount(context, username)
  if (account === undefined) return refuse(replies.authFailed)
  // Postfix: the session goes back to where a connection begins, and to what is decided there.
  const address = attributes.get('ADDR')
  if (address !== undefined && !context.admit(address)) return refuse(replies.tooManyConnections)
  const proxy = peer.remoteAddress
  const name = attributes.get('NAME')
  context.speakFor(
    {
      remoteAddress: valueOf(attributes, 'ADDR', peer.remoteAddress),
      remotePort: Number(valueOf(attributes, 'PORT', String(peer.remotePort))),
      localAddress: valueOf(attributes, 'DESTADDR', peer.localAddress),
      localPort: Number(valueOf(attributes, 'DESTPORT', String(peer.localPort))),
    },
    name ?? null,
  )
  context.login.account = account
  // A name that the peer did not give is looked up, as it would be for a connection.
  if (!attributes.has('NAME') && parts.resolver !== null) void lookUpName(context)
  context.emit(smtpEvents.spokenFor, { ...context.who(), proxy, username: username ?? '' })
  return goOn
}

/** What is told adds to what was told before, until the next message is over. */
export function forwardedBy(before: Forwarded | null, attributes: AttributeMap): Forwarded {
  const pick = (key: string, old: string | null | undefined): string | null =>
    attributes.has(key) ? (attributes.get(key) ?? null) : (old ?? null)
  return {
    address: pick('ADDR', before?.address),
    name: pick('NAME', before?.name),
    helo: pick('HELO', before?.helo),
  }
}

/** What was said; 'unknown' and 0 stand for what the peer does not know itself. */
function valueOf(
  attributes: AttributeMap,
  key: 'ADDR' | 'PORT' | 'DESTADDR' | 'DESTPORT',
  now: string,
): string {
  if (!attributes.has(key)) return now
  return attributes.get(key) ?? (key.endsWith('ADDR') ? 'unknown' : '0')
}

async function findAccount({ parts }: SessionContext, username: string) {
  const address = tryAddress(username, { utf8: true })
  if (address === undefined) return undefined
  const resolution = await parts.directory.resolve(address)
  if (resolution.type !== 'local') return undefined
  return resolution.recipients.find(({ account }) => account.state === 'active')?.account
}
