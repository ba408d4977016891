// VRFY and EXPN (RFC 5321 §3.5): the truth for those who logged in, and for everybody where the operator wants that; others hear
// 252 (RFC 5321 §7.3).
//
// The argument is an address, a local part alone, or a name; whatever could be read as several mailboxes is answered 553 with all of
// them, and a list is expanded to its members as it stands, one level.
import { formatAddress, tryAddress, type Address } from '../../mail/address.ts'
import { goOn, type SmtpAnswer, type SmtpClient } from '../proto/questions.ts'
import { makeReply, replies } from '../proto/reply.ts'
import { refuse, type SessionContext } from './context.ts'

export interface Inquiry {
  readonly client: SmtpClient
  /** The argument, unparsed. */
  readonly text: string
  /** RFC 6531 §3.7.4.2: the client can read UTF-8. */
  readonly utf8: boolean
}

/** Rejects with `StoreUnavailable`. */
export async function verify(context: SessionContext, inquiry: Inquiry): Promise<SmtpAnswer> {
  if (!mayAsk(context, inquiry)) return goOn
  const { directory } = context.parts
  const meant = await findAddress(context, inquiry)
  if ('answer' in meant) return meant.answer
  const { address } = meant
  const resolution = await directory.resolve(address)
  switch (resolution.type) {
    // RFC 5321 §3.5.3: 252 where it cannot be told, as of an address elsewhere.
    case 'not-local':
      return goOn
    case 'unknown-user':
      return refuse(replies.noSuchUser)
    case 'disabled':
      return refuse(replies.mailboxDisabled)
    case 'local': {
      const { recipients, remote } = resolution
      const [target] = remote
      // RFC 5321 §3.5.1: 251 and the path where mail is forwarded.
      if (recipients.length === 0 && remote.length === 1 && target !== undefined) {
        const path = formatAddress(target.address)
        return readable([path], inquiry) ? refuse(replies.forwarding(path)) : goOn
      }
      return told([formatAddress(address)], inquiry)
    }
    default:
      // It is known; what is wrong with it concerns a message, not the question.
      return told([formatAddress(address)], inquiry)
  }
}

/** RFC 5321 §3.5.2: the members of a list or an alias; an account is its own member. */
export async function expand(context: SessionContext, inquiry: Inquiry): Promise<SmtpAnswer> {
  if (!mayAsk(context, inquiry)) return goOn
  const { directory } = context.parts
  const meant = await findAddress(context, inquiry)
  if ('answer' in meant) return meant.answer
  const members = await directory.members(meant.address)
  if (members !== undefined) return told(members, inquiry)
  const resolution = await directory.resolve(meant.address)
  if (resolution.type === 'not-local') return goOn
  if (resolution.type !== 'local') return refuse(replies.noSuchUser)
  return told([formatAddress(meant.address)], inquiry)
}

function mayAsk({ parts }: SessionContext, { client }: Inquiry): boolean {
  if (parts.role === 'submission') return client.username !== null
  return parts.role === 'mx' && parts.smtp.verify
}

/** The one address that the argument means, or the answer where it means none or several. */
async function findAddress(
  { parts }: SessionContext,
  inquiry: Inquiry,
): Promise<{ readonly address: Address } | { readonly answer: SmtpAnswer }> {
  // RFC 5321 §3.5.1: a mailbox, perhaps in brackets and behind a name.
  const text = inquiry.text.replace(/^.*<(.*)>$/, '$1').trim()
  const address = tryAddress(text, { utf8: true })
  if (address !== undefined) return { address }
  if (text.includes('@')) return { answer: refuse(replies.badForwardPath) }
  const candidates = await parts.directory.candidates(text)
  const [only] = candidates
  if (only === undefined) return { answer: refuse(replies.noSuchUser) }
  const found = candidates.length === 1 ? tryAddress(only, { utf8: true }) : undefined
  if (found !== undefined) return { address: found }
  // RFC 5321 §3.5.1: 553 and the possibilities where a name is ambiguous.
  const shown = candidates.slice(0, mostShown)
  return { answer: readable(shown, inquiry) ? refuse(replies.ambiguous(shown)) : goOn }
}

/** Candidates and members that one reply lists. */
const mostShown = 100

/** RFC 6531 §3.7.4.2: UTF-8 is replied to those alone who can read it; others hear 252. */
function readable(addresses: readonly string[], { utf8 }: Inquiry): boolean {
  return utf8 || !addresses.some((address) => /[^\x20-\x7e]/.test(address))
}

function told(addresses: readonly string[], inquiry: Inquiry): SmtpAnswer {
  if (!readable(addresses, inquiry)) return goOn
  // RFC 5321 §3.5.2: a list may have no members at all.
  if (addresses.length === 0) return refuse(makeReply(250, '2.1.5', 'The list has no members'))
  return refuse(replies.verified(addresses.slice(0, mostShown)))
}
