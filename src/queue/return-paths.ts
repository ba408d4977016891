// Addresses of ours that only exist as return paths: SRS leads a bounce back to the sender of forwarded mail, VERP says which
// member of a list it is about. Anything else, forged or too old, is none of them, and an ordinary recipient or unknown.
import type { Clock } from '../base/clock.ts'
import { type Address, formatAddress } from '../mail/address.ts'
import { type ReturnPathKey, trySrsReverse } from '../mail/srs.ts'
import { tryVerpReverse } from '../mail/verp.ts'

export type ReturnPath =
  /** Belongs to this address, at another host or here. */
  | { readonly type: 'forward'; readonly address: Address }
  /** Goes to the owner of the list, and is about the member. */
  | { readonly type: 'list-bounce'; readonly owner: string; readonly member: string }

export interface ReturnPaths {
  /** Undefined for every other address. */
  tryReturnPath(address: Address): ReturnPath | undefined
}

export function createReturnPaths(options: {
  clock: Clock
  key: ReturnPathKey
  /** Milliseconds. */
  srsMaxAge: number
  separator: string
}): ReturnPaths {
  const { clock, key, srsMaxAge, separator } = options
  return {
    tryReturnPath(address) {
      const sender = trySrsReverse(address, { now: clock.now(), maxAge: srsMaxAge, key })
      if (sender !== undefined) return { type: 'forward', address: sender }
      const bounce = tryVerpReverse(address, { key, separator })
      if (bounce === undefined) return undefined
      const { owner, member } = bounce
      return { type: 'list-bounce', owner: formatAddress(owner), member: formatAddress(member) }
    },
  }
}
