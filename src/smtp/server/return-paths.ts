// Addresses of ours that only bounces should come to: return paths that forwarding (SRS) and lists (VERP) wrote.
import type { Address } from '../../mail/address.ts'

/** Where mail to such an address goes: to the sender whom forwarding hid, or to a list's owner, about one member. */
export type ReturnPath =
  | { readonly type: 'forward'; readonly address: Address }
  | { readonly type: 'list-bounce'; readonly owner: string; readonly member: string }

export interface ReturnPaths {
  /** Undefined for every other address, and for one that is forged or too old. Asked at each RCPT: quick. */
  tryReturnPath(address: Address): ReturnPath | undefined
}
