// Requests of the session itself.
import type { Named } from './named.ts'

/** RFC 2971 §3.3: names in lower case; binary strings. */
export type IdField = readonly [name: string, value: string | null]

export type SessionRequest =
  /** ENABLE: of CONDSTORE while a mailbox is selected, which must be told of. */
  Named<'NOOP' | 'CHECK' | 'ENABLE', object> | Named<'ID', { readonly fields: readonly IdField[] }>
