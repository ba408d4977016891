// The capability URIs (RFC 8620 §9.4) of the specifications that are spoken here.

export const core = 'urn:ietf:params:jmap:core'
/** RFC 8621 §1.3.1. */
export const mail = 'urn:ietf:params:jmap:mail'
/** RFC 8621 §1.3.2. */
export const submission = 'urn:ietf:params:jmap:submission'
/** RFC 8621 §1.3.3. */
export const vacationResponse = 'urn:ietf:params:jmap:vacationresponse'
/** RFC 8887 §3. */
export const webSocket = 'urn:ietf:params:jmap:websocket'
/** RFC 9404 §3.1. */
export const blob = 'urn:ietf:params:jmap:blob'
/** RFC 9425 §2.1. */
export const quota = 'urn:ietf:params:jmap:quota'

/** RFC 9749 §3. */
export const webPushVapid = 'urn:ietf:params:jmap:webpush-vapid'

/** RFC 8620 §2 `collationAlgorithms`: what `sort` may name for strings (RFC 5051, RFC 4790 §9). */
export const collations = ['i;unicode-casemap', 'i;ascii-casemap', 'i;octet'] as const
export type Collation = (typeof collations)[number]
