// Requests of the session itself.
import type { Named } from './named.ts'
import type { NotifySet } from '../grammar/notify.ts'

/** RFC 2971 §3.3: names in lower case; binary strings. */
export type IdField = readonly [name: string, value: string | null]

export type SessionRequest =
  /** ENABLE: something was enabled, which may have to be told of. */
  | Named<'NOOP' | 'CHECK' | 'ENABLE', object>
  | Named<'ID', { readonly fields: readonly IdField[] }>
  /** Null: NOTIFY NONE. */
  | Named<'NOTIFY', { readonly wanted: NotifySet | null }>
