// The objects of JMAP (RFC 8620, RFC 8621) that the pages read and write, as they are on the wire.

export type Id = string

export interface JmapSession {
  readonly username: string
  readonly apiUrl: string
  readonly downloadUrl: string
  readonly uploadUrl: string
  readonly eventSourceUrl: string
  readonly state: string
  readonly capabilities: Readonly<Record<string, Readonly<Record<string, unknown>>>>
  readonly primaryAccounts: Readonly<Record<string, Id>>
  readonly accounts: Readonly<
    Record<
      Id,
      {
        readonly name: string
        readonly accountCapabilities: Readonly<Record<string, Readonly<Record<string, unknown>>>>
      }
    >
  >
}

/** RFC 8621 §2 */
export interface Mailbox {
  readonly id: Id
  readonly name: string
  readonly parentId: Id | null
  readonly role: string | null
  readonly sortOrder: number
  readonly totalEmails: number
  readonly unreadEmails: number
  readonly totalThreads: number
  readonly unreadThreads: number
  readonly myRights: Readonly<Record<string, boolean>>
  readonly isSubscribed: boolean
}

/** RFC 8621 §4.1.2.3 */
export interface EmailAddress {
  readonly name: string | null
  readonly email: string
}

/** RFC 8621 §4.1.4 */
export interface BodyPart {
  readonly partId: string | null
  readonly blobId: Id | null
  readonly size: number
  readonly name: string | null
  readonly type: string
  readonly charset: string | null
  readonly disposition: string | null
  readonly cid: string | null
}

export interface EmailHeader {
  readonly name: string
  readonly value: string
}

/** RFC 8621 §4: what lists show. */
export interface Email {
  readonly id: Id
  readonly blobId: Id
  readonly threadId: Id
  readonly mailboxIds: Readonly<Record<Id, boolean>>
  readonly keywords: Readonly<Record<string, boolean>>
  readonly size: number
  readonly receivedAt: string
  readonly from: readonly EmailAddress[] | null
  readonly to: readonly EmailAddress[] | null
  readonly subject: string | null
  readonly hasAttachment: boolean
  readonly preview: string
}

/** What reading wants besides. */
export interface FullEmail extends Email {
  readonly sender: readonly EmailAddress[] | null
  readonly cc: readonly EmailAddress[] | null
  readonly bcc: readonly EmailAddress[] | null
  readonly replyTo: readonly EmailAddress[] | null
  readonly sentAt: string | null
  readonly messageId: readonly string[] | null
  readonly inReplyTo: readonly string[] | null
  readonly references: readonly string[] | null
  readonly headers: readonly EmailHeader[]
  readonly textBody: readonly BodyPart[]
  readonly htmlBody: readonly BodyPart[]
  readonly attachments: readonly BodyPart[]
  readonly bodyValues: Readonly<Record<string, { readonly value: string; readonly isTruncated: boolean }>>
}

/** RFC 8621 §6 */
export interface Identity {
  readonly id: Id
  readonly name: string
  readonly email: string
  readonly replyTo: readonly EmailAddress[] | null
  readonly bcc: readonly EmailAddress[] | null
  readonly textSignature: string
  readonly htmlSignature: string
  readonly mayDelete: boolean
}

/** RFC 8621 §8 */
export interface VacationResponse {
  readonly id: 'singleton'
  readonly isEnabled: boolean
  readonly fromDate: string | null
  readonly toDate: string | null
  readonly subject: string | null
  readonly textBody: string | null
  readonly htmlBody: string | null
}

/** RFC 8620 §5.3 */
export interface SetError {
  readonly type: string
  readonly description?: string
  readonly properties?: readonly string[]
}

export interface GetResponse<T> {
  readonly state: string
  readonly list: readonly T[]
  readonly notFound: readonly Id[]
}

export interface ChangesResponse {
  readonly oldState: string
  readonly newState: string
  readonly hasMoreChanges: boolean
  readonly created: readonly Id[]
  readonly updated: readonly Id[]
  readonly destroyed: readonly Id[]
}

export interface QueryResponse {
  readonly queryState: string
  readonly ids: readonly Id[]
  readonly position: number
  readonly total?: number
}

export interface SetResponse {
  readonly newState: string
  readonly created: Readonly<
    Record<string, { readonly id: Id; readonly blobId?: Id; readonly threadId?: Id }>
  > | null
  readonly updated: Readonly<Record<Id, unknown>> | null
  readonly destroyed: readonly Id[] | null
  readonly notCreated: Readonly<Record<string, SetError>> | null
  readonly notUpdated: Readonly<Record<Id, SetError>> | null
  readonly notDestroyed: Readonly<Record<Id, SetError>> | null
}

export interface SearchSnippet {
  readonly emailId: Id
  /** HTML with `<mark>` alone in it (RFC 8621 §5). */
  readonly subject: string | null
  readonly preview: string | null
}

/** RFC 8620 §7.1 */
export interface StateChange {
  readonly '@type': 'StateChange'
  readonly changed: Readonly<Record<Id, Readonly<Record<string, string>>>>
}

/** RFC 8620 §5.5, RFC 8621 §4.4.1 */
export type Filter =
  | { readonly operator: 'AND' | 'OR' | 'NOT'; readonly conditions: readonly Filter[] }
  | Readonly<Record<string, string | number | boolean | readonly string[]>>
