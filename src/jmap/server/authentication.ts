// Who vouches for a message: SPF, DKIM, DMARC and ARC as they are when a reader asks, for our own pages.
//
// Only what this server wrote itself says where a message came from: the trace fields that are kept beside the message, never fields that
// came with it. A message that was filed, imported or submitted here was taken from nobody whose word could be checked.
import { Buffer } from 'node:buffer'
import { verifyMessage } from '../../auth/verify-message.ts'
import type { Resolver } from '../../base/resolver.ts'
import { tryObjectId } from '../../mail/object-id.ts'
import { tryReceivedFrom } from '../../mail/received.ts'
import type { EmailText } from '../../store/emails.ts'
import type { EmailId } from '../../store/model.ts'
import type { Store } from '../../store/store.ts'
import type { EmailSight } from './blob-access.ts'
import type { AccountPlace } from './module.ts'

/** By which it is checked. */
export interface AuthenticationBasis {
  readonly resolver: Resolver
  /** RFC 8601 §2.5: the name under which it is said. */
  readonly hostname: string
}

export interface AuthenticationParts extends AuthenticationBasis {
  readonly store: Pick<Store, 'emailTexts' | 'blobs'>
  readonly sight: EmailSight
  /** Octets of a message that is looked at. */
  readonly maxSize: number
}

/** RFC 8601 §2.7: `spf`, `dkim` (one for each signature), `dmarc`, `arc`. */
export interface AuthenticationResult {
  readonly method: 'spf' | 'dkim' | 'dmarc' | 'arc'
  readonly result: string
  /** The domain that it is about; '' where there is none. */
  readonly domain: string
  /** Why, in words; '' where there is nothing to say. */
  readonly reason: string
}

export type Authentication =
  | {
      readonly checked: true
      readonly results: readonly AuthenticationResult[]
      /** From where it came: what the client called itself, and its IP address. */
      readonly helo: string
      readonly address: string
    }
  | {
      readonly checked: false
      /** It was filed here; written by somebody who logged in; handed on by a server of ours; or is too large. */
      readonly reason: 'not-received' | 'submitted' | 'handed-on' | 'too-large'
    }

/** Undefined: there is no such email, or none that he may see. Rejects where the store cannot serve. */
export async function judgeAuthentication(
  parts: AuthenticationParts,
  place: AccountPlace,
  emailId: string,
): Promise<Authentication | undefined> {
  const account = place.account.id
  // A number of the store's; one that is nobody's finds nothing.
  const email = tryObjectId('email', account, emailId) as EmailId | undefined
  if (email === undefined || (await parts.sight.find(place, email)) === undefined) return undefined
  for await (const [text] of parts.store.emailTexts({ account, emails: [email] })) {
    return text === undefined ? undefined : judge(parts, text)
  }
  return undefined
}

async function judge(parts: AuthenticationParts, { prefix, blob, size }: EmailText): Promise<Authentication> {
  const from = tryReceivedFrom(prefix)
  if (from === undefined) return { checked: false, reason: 'not-received' }
  const { helo, address, protocol } = from
  // RFC 3848 §1: the last letters tell of TLS and of a log-in.
  if (protocol.endsWith('A')) return { checked: false, reason: 'submitted' }
  if (!/^(?:E?SMTP|UTF8SMTP)S?$/.test(protocol)) return { checked: false, reason: 'handed-on' }
  if (size > parts.maxSize) return { checked: false, reason: 'too-large' }
  const chunks: Uint8Array[] = []
  for await (const chunk of parts.store.blobs.read(blob)) chunks.push(chunk)
  const { spf, dkim, dmarc, arc } = await verifyMessage({
    message: Buffer.concat(chunks),
    reversePath: /^Return-Path: <([^\r\n]*)>\r\n/m.exec(prefix)?.[1] ?? '',
    ...{ helo, address, resolver: parts.resolver, hostname: parts.hostname },
  })
  const none = { result: 'none', domain: '', reason: '' }
  const results: AuthenticationResult[] = [
    { ...said(spf), method: 'spf' },
    ...(dkim.length === 0 ? [none] : dkim.map(said)).map((one) => ({ ...one, method: 'dkim' as const })),
    { ...said(dmarc), method: 'dmarc' },
    ...(arc.instances === 0 ? [] : [{ ...said({ ...arc, domain: '' }), method: 'arc' as const }]),
  ]
  return { checked: true, results, helo, address }
}

function said({
  result,
  domain,
  reason,
}: Omit<AuthenticationResult, 'method'>): Omit<AuthenticationResult, 'method'> {
  return { result, domain, reason }
}
