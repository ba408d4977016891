// Flags that come with a new message, as far as the rights in its mailbox go (RFC 4314 §4: others are dropped silently).
import { Flag } from '../../../store/model.ts'
import { allows } from '../access.ts'
import type { FlagSet } from '../../proto/grammar/flags.ts'
import type { Place } from '../access.ts'

export function allowedFlags({ flags, keywords }: FlagSet, place: Place): FlagSet {
  const others = ~(Flag.seen | Flag.deleted)
  let allowed = 0
  if (allows(place, 's')) allowed |= Flag.seen
  if (allows(place, 't')) allowed |= Flag.deleted
  if (allows(place, 'w')) allowed |= others
  return { flags: flags & allowed, keywords: allows(place, 'w') ? keywords : [] }
}
