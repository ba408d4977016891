// RCPT: where does this address lead? Refused here is refused inside the session, so that nothing bounces later.
//
// - Relaying is for those who logged in (RFC 5321 §7.1, §3.6.2): from all others an address that is not ours is refused, and so
//   is every way of hiding one in a local part (`user%far@here`, `far!user@here`, `"user@far"@here`), which some hosts would
//   unpack. A source route is ignored (RFC 5321 appendix C), so that only its last mailbox counts.
// - What an address of ours leads to elsewhere (aliases, lists, a return path that forwarding wrote) is taken from anybody: our
//   own people set that up.
import type { RemoteRecipient } from '../../delivery/delivery.ts'
import type { Directory, Recipient as DirectoryRecipient, Resolution } from '../../directory/directory.ts'
import { formatAddress, tryAddress, type Address } from '../../mail/address.ts'
import type { RecipientOptions } from '../../mail/delivery-options.ts'
import type { ReturnPaths } from '../../queue/return-paths.ts'
import { replies, type Reply } from '../proto/reply.ts'
import type { SmtpRole } from './role.ts'
import { changedHands } from './valid-since.ts'

/** Mailboxes here and addresses elsewhere, or the refusal and its name for the log. */
export type RecipientVerdict =
  | {
      readonly ok: true
      readonly recipients: readonly DirectoryRecipient[]
      readonly remote: readonly RemoteRecipient[]
      /** Set for the return path of a list's member: what comes to it is about him. */
      readonly bounce?: { readonly owner: string; readonly member: string }
    }
  | Refused

type Refused = { readonly ok: false; readonly reply: Reply; readonly reason: string }

/** True where a local part looks like a route to somewhere else (RFC 5321 §3.6.2; RFC 1123 §5.2.16). */
export function hidesRoute(address: Address): boolean {
  return /[%!@]/.test(address.localPart)
}

export interface RecipientRequest {
  readonly role: SmtpRole
  /** Null for `<postmaster>`. */
  readonly address: Address | null
  /** RFC 1870 §6.1: what MAIL declared, or null. */
  readonly size: number | null
  /** `anywhere` for those who logged in. `nothing`: this host relays for nobody, and forwards nothing. */
  readonly relay: 'anywhere' | 'ours' | 'nothing'
  /** Domains of others whose mail is taken from anybody, since this host is one of their MX hosts. */
  readonly takesFor?: (domain: string) => boolean
  readonly returnPaths?: ReturnPaths | null
  readonly requireValidSince?: RecipientOptions['requireValidSince']
}

/** Rejects with `StoreUnavailable` when the store cannot answer. */
export async function judgeRecipient(
  directory: Directory,
  request: RecipientRequest,
): Promise<RecipientVerdict> {
  const { role, address, size, relay } = request
  if (address === null) return settle(await directory.resolvePostmaster(), request)
  const bounced = request.returnPaths?.tryReturnPath(address)
  if (bounced !== undefined) {
    const target = bounced.type === 'forward' ? bounced.address : tryAddress(bounced.owner, { utf8: true })
    if (target === undefined) return { ok: false, reply: replies.noSuchUser, reason: 'unknown-user' }
    const resolution = await directory.resolve(target)
    // It was ours, so we wrote where it leads.
    const verdict =
      resolution.type === 'not-local' && relay !== 'nothing'
        ? elsewhere(target, formatAddress(address))
        : settle(resolution, { role, size, relay })
    return verdict.ok && bounced.type === 'list-bounce' ? { ...verdict, bounce: bounced } : verdict
  }
  const hidden = role !== 'catcher' && hidesRoute(address)
  if (hidden && relay !== 'anywhere')
    return { ok: false, reply: replies.relayDenied, reason: 'disguised-relay' }
  const resolution = await directory.resolve(address)
  if (resolution.type === 'not-local' && mayGo(address, request)) return elsewhere(address, null)
  if (hidden) return { ok: false, reply: replies.relayDenied, reason: 'disguised-relay' }
  return settle(resolution, request)
}

function mayGo({ domain }: Address, { relay, takesFor }: RecipientRequest): boolean {
  return relay === 'anywhere' || (relay === 'ours' && domain !== null && takesFor?.(domain) === true)
}

function elsewhere(address: Address, via: string | null): RecipientVerdict {
  return { ok: true, recipients: [], remote: [{ address, via, list: null }] }
}

function settle(
  resolution: Resolution,
  request: Omit<RecipientRequest, 'address' | 'returnPaths'> & { readonly address?: Address | null },
): RecipientVerdict {
  if (resolution.type !== 'local') {
    return { ok: false, reply: replyFor(resolution.type, request.role), reason: resolution.type }
  }
  const { recipients, remote } = resolution
  const { address, size, relay, requireValidSince } = request
  // Refused whole: half of an alias would lose mail.
  if (remote.length > 0 && relay === 'nothing') {
    return { ok: false, reply: replies.aliasElsewhere, reason: 'remote-target' }
  }
  // RFC 7293 §5.1 (2): 550 where the address has not had its owner since then.
  if (requireValidSince != null && address != null) {
    const { since } = requireValidSince
    if (changedHands({ address, since }, recipients)) {
      return { ok: false, reply: replies.ownerChanged, reason: 'owner-changed' }
    }
  }
  if (size !== null && remote.length === 0) return withRoom(recipients, size)
  return { ok: true, recipients, remote }
}

/** A declared size is held against every quota: refused only where nobody could take it. */
function withRoom(recipients: readonly DirectoryRecipient[], size: number): RecipientVerdict {
  let reply: Reply = replies.tooBigForMailbox
  for (const { account } of recipients) {
    const { quota, used } = account
    if (quota.bytes === null || used.bytes + size <= quota.bytes) return { ok: true, recipients, remote: [] }
    // RFC 1870 §6.1 (2): 452 where there may be room another time.
    if (size <= quota.bytes) reply = replies.mailboxFull
  }
  return { ok: false, reply, reason: 'over-quota' }
}

function replyFor(type: Exclude<Resolution['type'], 'local'>, role: SmtpRole): Reply {
  switch (type) {
    case 'not-local':
      return role === 'submission' ? replies.noRelay : replies.relayDenied
    case 'unknown-user':
      return replies.noSuchUser
    case 'disabled':
      return replies.mailboxDisabled
    case 'over-quota':
      return replies.mailboxFull
    case 'loop':
      return replies.aliasLoop
    case 'too-many':
      return replies.aliasTooWide
  }
}
