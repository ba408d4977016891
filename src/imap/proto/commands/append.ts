// APPEND (RFC 3501 §6.3.11, with RFC 3502, 4469 and 6855) and REPLACE (RFC 8508). Their messages are never read into memory: the
// rows say what is announced, and the session streams the octets to the handler.
import { afterLogin, command, uidRequired, whileSelected } from './command.ts'
import { AppendReader } from '../grammar/append.ts'
import { parseMailbox } from '../grammar/mailbox.ts'
import { parseNumberSet } from '../grammar/sequence-set.ts'
import type { Cursor } from '../grammar/cursor.ts'
import type { Effect } from './command.ts'
import type { ImapLimits } from '../limits.ts'

type Append = Extract<Effect, { do: 'append' }>

/** `append = "APPEND" SP mailbox 1*append-message` */
export const append = command({
  name: 'APPEND',
  states: afterLogin,
  streams: true,
  syntax(cursor, limits): Append {
    cursor.sp()
    const mailbox = parseMailbox(cursor, limits)
    const reader = new AppendReader(limits)
    return { do: 'append', mailbox, replaces: null, reader, reading: reader.read(cursor, 'message') }
  },
  run: (effect) => effect,
})

/** RFC 8508 §4: `replace = "REPLACE" SP seq-number SP mailbox append-message`; behind UID it is a UID. */
export function replaceSyntax(cursor: Cursor, limits: ImapLimits, uid: boolean): Append {
  cursor.sp()
  const set = parseNumberSet(cursor)
  const [range] = set
  if (range === undefined || set.length > 1 || range[0] !== range[1])
    return cursor.fail('one number is expected')
  cursor.sp()
  const mailbox = parseMailbox(cursor, limits)
  const reader = new AppendReader(limits, { most: 1 })
  const replaces = { set, uid }
  return { do: 'append', mailbox, replaces, reader, reading: reader.read(cursor, 'message') }
}

export const replace = command({
  name: 'REPLACE',
  states: whileSelected,
  streams: true,
  syntax: (cursor, limits): Effect => replaceSyntax(cursor, limits, false),
  run: (effect, { modes }) => (modes.uidOnly ? uidRequired : effect),
})
