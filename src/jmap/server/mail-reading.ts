// The methods that read mail (RFC 8621 §2 to §5), and the types whose changes they tell.
import type { Searcher } from '../../search/search.ts'
import type { Change } from '../../store/model.ts'
import { mail } from '../proto/capabilities.ts'
import type { BlobAccess } from './blob-access.ts'
import { emailGet, emailParse, type EmailReading } from './emails/email-get.ts'
import { emailQuery, emailQueryChanges } from './emails/email-query.ts'
import type { Searching } from './emails/email-results.ts'
import { PartSizes } from './emails/part-sizes.ts'
import type { TextLimits } from './emails/text-search.ts'
import type { MailAccess } from './mail-access.ts'
import { emailChanges, threadChanges } from './mail-changes.ts'
import { concernsMailboxes } from './mail-index/mail-indexes.ts'
import { formatPoint } from './mail-index/point.ts'
import { mailboxChanges, mailboxGet, mailboxesNow, mailboxState } from './mailboxes/mailbox-methods.ts'
import { mailboxQuery, mailboxQueryChanges } from './mailboxes/mailbox-query.ts'
import type { AccountPlace, Method, PushedType } from './module.ts'
import { searchSnippetGet } from './search-snippet.ts'
import { threadGet } from './threads.ts'

export interface MailReadingParts {
  readonly access: MailAccess
  readonly blobs: BlobAccess
  /** Null: every text is searched by reading. */
  readonly searcher: Searcher | null
  /** Of one message, when it is searched by reading. */
  readonly limits: TextLimits
  /** As `Searching.rounds`. */
  readonly rounds: number
  readonly now: () => number
}

export function mailReading(parts: MailReadingParts): {
  readonly methods: readonly Method[]
  readonly types: readonly PushedType[]
  /** Among the methods; those that write ask them what a client may repeat. */
  readonly gets: { readonly emailGet: Method; readonly mailboxGet: Method }
} {
  const { access, blobs, now } = parts
  const reading: EmailReading = { access, blobs, sizes: new PartSizes() }
  const searching: Searching = parts
  const gets = { emailGet: emailGet(reading), mailboxGet: mailboxGet(access) }
  return {
    gets,
    methods: [
      ...[gets.mailboxGet, mailboxChanges(access), mailboxQuery(access), mailboxQueryChanges(access)],
      ...[threadGet(access), threadChanges(access)],
      ...[gets.emailGet, emailParse(reading), emailChanges(access)],
      ...[emailQuery(searching), emailQueryChanges(searching), searchSnippetGet(searching)],
    ],
    types: mailTypes(access, now),
  }
}

/** RFC 8621 §1.5. */
function mailTypes(access: MailAccess, now: () => number): PushedType[] {
  const ofMail = (name: string, what: 'email' | 'thread' | 'delivery'): PushedType => ({
    ...{ name, capability: mail, touchedBy: isOfMail },
    state: async (place) => {
      const rights = await access.rights(place)
      const view = await access.view(rights)
      return formatPoint({ modSeq: view.last[what], id: null }, rights.fingerprint)
    },
  })
  return [
    ofMail('Email', 'email'),
    ofMail('Thread', 'thread'),
    ofMail('EmailDelivery', 'delivery'),
    {
      ...{ name: 'Mailbox', capability: mail },
      touchedBy: (change) => isOfMail(change) || concernsMailboxes(change),
      state: async (place: AccountPlace) => mailboxState(await mailboxesNow(access, { place, now })),
    },
  ]
}

function isOfMail({ type }: Change): boolean {
  switch (type) {
    case 'message-added':
    case 'flags-changed':
    case 'messages-expunged':
    case 'mailbox-removed':
    case 'rights-changed':
      return true
    default:
      return false
  }
}
