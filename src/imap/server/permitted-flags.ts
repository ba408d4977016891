// Which flags a session may set in a mailbox: `s` is for \Seen, `t` for \Deleted, `w` for all others (RFC 4314 §4).
import { systemFlag } from '../proto/grammar/flags.ts'
import { allows } from './access.ts'
import type { Place } from './access.ts'

export interface PermittedFlags {
  /** Bits of `systemFlag`. */
  readonly flags: number
  readonly keywords: boolean
}

export function permittedFlags(place: Pick<Place, 'rights'>): PermittedFlags {
  const { seen, deleted, answered, flagged, draft } = systemFlag
  const others = allows(place, 'w')
  const flags =
    (allows(place, 's') ? seen : 0) |
    (allows(place, 't') ? deleted : 0) |
    (others ? answered | flagged | draft : 0)
  return { flags, keywords: others }
}
