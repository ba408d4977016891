// The three levels of errors (RFC 8620 §3.6): of a whole request, of a method call, and of one record in a /set. They are values: what
// refuses returns one, and who asked passes it on.
import type { JsonObject } from './json.ts'

const problemPrefix = 'urn:ietf:params:jmap:error:'

export type LimitName =
  | 'maxSizeUpload'
  | 'maxConcurrentUpload'
  | 'maxSizeRequest'
  | 'maxConcurrentRequests'
  | 'maxCallsInRequest'

/** RFC 8620 §3.6.1, as the problem details of RFC 7807. */
export interface RequestProblem {
  readonly type: string
  readonly status: number
  readonly detail: string
  readonly limit?: LimitName
}

export function requestProblem(
  kind: 'unknownCapability' | 'notJSON' | 'notRequest',
  detail: string,
): RequestProblem {
  return { type: `${problemPrefix}${kind}`, status: 400, detail }
}

/** RFC 8620 §3.6.1: "A "limit" property MUST also be present". */
export function limitProblem(limit: LimitName, detail: string, status = 400): RequestProblem {
  return { type: `${problemPrefix}limit`, limit, status, detail }
}

/** RFC 8620 §3.6.2, and those that §5.1 to §5.6 add for their methods; other specifications add their own. */
export type MethodErrorType =
  | 'serverUnavailable'
  | 'serverFail'
  | 'serverPartialFail'
  | 'unknownMethod'
  | 'invalidArguments'
  | 'invalidResultReference'
  | 'forbidden'
  | 'accountNotFound'
  | 'accountNotSupportedByMethod'
  | 'accountReadOnly'
  | 'requestTooLarge'
  | 'cannotCalculateChanges'
  | 'stateMismatch'
  | 'fromAccountNotFound'
  | 'fromAccountNotSupportedByMethod'
  | 'anchorNotFound'
  | 'unsupportedSort'
  | 'unsupportedFilter'
  | 'tooManyChanges'
  /** RFC 9404 §4.3. */
  | 'unknownDataType'

/** What a method gives that refuses the whole call. */
export class MethodError {
  readonly type: MethodErrorType
  readonly description: string | null
  /** Further members of the error response. */
  readonly more: JsonObject

  constructor(type: MethodErrorType, description: string | null = null, more: JsonObject = {}) {
    this.type = type
    this.description = description
    this.more = more
  }

  /** The arguments of the `error` response. */
  toArguments(): JsonObject {
    const { type, description, more } = this
    return { type, ...(description === null ? {} : { description }), ...more }
  }
}

/** RFC 8620 §5.3 and §5.4; RFC 8621 adds those behind the gap. */
export type SetErrorType =
  | 'forbidden'
  | 'overQuota'
  | 'tooLarge'
  | 'rateLimit'
  | 'notFound'
  | 'invalidPatch'
  | 'willDestroy'
  | 'invalidProperties'
  | 'singleton'
  | 'alreadyExists'
  | 'mailboxHasChild'
  | 'mailboxHasEmail'
  | 'blobNotFound'
  | 'tooManyKeywords'
  | 'tooManyMailboxes'
  | 'invalidEmail'
  | 'tooManyRecipients'
  | 'noRecipients'
  | 'invalidRecipients'
  | 'forbiddenMailFrom'
  | 'forbiddenFrom'
  | 'forbiddenToSend'
  | 'cannotUnsend'

/** Why one record of a /set, /copy or /import was not made, changed or removed. */
export class SetError {
  readonly type: SetErrorType
  readonly description: string | null
  /** Further members: `properties`, `existingId`, `notFound`, `maxRecipients` … */
  readonly more: JsonObject

  constructor(type: SetErrorType, description: string | null = null, more: JsonObject = {}) {
    this.type = type
    this.description = description
    this.more = more
  }

  toJson(): JsonObject {
    const { type, description, more } = this
    return { type, ...(description === null ? {} : { description }), ...more }
  }
}

/** RFC 8620 §5.3: with all the properties that were wrong. */
export function invalidProperties(
  properties: readonly string[],
  description: string | null = null,
): SetError {
  return new SetError('invalidProperties', description, { properties })
}

/** Of properties that are the server's, or nobody's. */
export function unsettable(names: readonly string[]): SetError | null {
  return names.length === 0 ? null : invalidProperties(names, `${names.join(', ')}: cannot be set`)
}

/** What several checks of one record refuse, in one error: "*all* the properties that were invalid" (RFC 8620 §5.3). */
export function refusalOf(results: readonly unknown[]): SetError | null {
  const errors = results.filter((one) => one instanceof SetError)
  const [first] = errors
  const other = errors.find(({ type }) => type !== 'invalidProperties')
  if (first === undefined || other !== undefined || errors.length === 1) return other ?? first ?? null
  const properties = errors.flatMap(({ more }) => {
    const names = more['properties']
    return Array.isArray(names) ? names.filter((name) => typeof name === 'string') : []
  })
  const descriptions = errors.flatMap(({ description }) => description ?? [])
  return invalidProperties(
    [...new Set(properties)],
    descriptions.length === 0 ? null : descriptions.join('; '),
  )
}
