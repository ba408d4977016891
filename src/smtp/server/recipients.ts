// RCPT: does this address have a mailbox here? Refused here is refused inside the session, so that nothing bounces later.
//
// This server relays for nobody (RFC 5321 §7.1 and §3.6.2): an address that is not ours is refused, and so is every way of
// hiding one in a local part (`user%far@here`, `far!user@here`, `"user@far"@here`), which some hosts would unpack. A source
// route is ignored (RFC 5321 appendix C), so that only its last mailbox counts.
import type { Directory, Recipient as DirectoryRecipient, Resolution } from '../../directory/directory.ts'
import type { Address } from '../../mail/address.ts'
import { replies, type Reply } from '../proto/reply.ts'
import type { SmtpRole } from './role.ts'

/** Mailboxes, or the refusal and its name for the log. */
export type RecipientVerdict =
  | { readonly ok: true; readonly recipients: readonly DirectoryRecipient[] }
  | { readonly ok: false; readonly reply: Reply; readonly reason: string }

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
}

/** Rejects with `StoreUnavailable` when the store cannot answer. */
export async function judgeRecipient(
  directory: Directory,
  request: RecipientRequest,
): Promise<RecipientVerdict> {
  const { role, address, size } = request
  if (role !== 'catcher' && address !== null && hidesRoute(address)) {
    return { ok: false, reply: replies.relayDenied, reason: 'disguised-relay' }
  }
  const resolution = await (address === null ? directory.resolvePostmaster() : directory.resolve(address))
  if (resolution.type !== 'local') return refuse(resolution, role)
  return size === null
    ? { ok: true, recipients: resolution.recipients }
    : withRoom(resolution.recipients, size)
}

/** A declared size is held against every quota: refused only where nobody could take it. */
function withRoom(recipients: readonly DirectoryRecipient[], size: number): RecipientVerdict {
  let reply: Reply = replies.tooBigForMailbox
  for (const { account } of recipients) {
    const { quota, used } = account
    if (quota.bytes === null || used.bytes + size <= quota.bytes) return { ok: true, recipients }
    // RFC 1870 §6.1 (2): 452 where there may be room another time.
    if (size <= quota.bytes) reply = replies.mailboxFull
  }
  return { ok: false, reply, reason: 'over-quota' }
}

function refuse(resolution: Exclude<Resolution, { type: 'local' }>, role: SmtpRole): RecipientVerdict {
  return { ok: false, reply: replyFor(resolution.type, role), reason: resolution.type }
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
    case 'remote-target':
      return replies.aliasElsewhere
  }
}
