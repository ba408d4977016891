// Requests about URLs of messages (RFC 4467, RFC 5524).
import type { Named } from './named.ts'

/** What is wanted of one URL; none: its octets, as plain as RFC 4467 has it. */
export type UrlItem = 'BODY' | 'BINARY' | 'BODYPARTSTRUCTURE'

/** URLs are binary strings, as they stood. */
export type UrlRequest =
  | Named<'GENURLAUTH', { readonly rumps: readonly { readonly url: string; readonly mechanism: string }[] }>
  | Named<
      'URLFETCH',
      { readonly urls: readonly { readonly url: string; readonly items: readonly UrlItem[] }[] }
    >
  /** Null: all keys of the account. */
  | Named<'RESETKEY', { readonly mailbox: string | null }>
