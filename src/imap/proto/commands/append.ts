// APPEND (RFC 3501 §6.3.11). Its last argument is never read into memory: the row says what is announced, and the session
// streams the octets to the handler.
import { afterLogin, command } from './command.ts'
import { parseDateTime } from '../grammar/date.ts'
import { parseFlagList } from '../grammar/flags.ts'
import { parseMailbox } from '../grammar/mailbox.ts'
import type { FlagSet } from '../grammar/flags.ts'

const none: FlagSet = { flags: 0, keywords: [] }

/** `append = "APPEND" SP mailbox [SP flag-list] [SP date-time] SP literal` */
export const append = command({
  name: 'APPEND',
  states: afterLogin,
  syntax(cursor, limits) {
    cursor.sp()
    const mailbox = parseMailbox(cursor, limits)
    cursor.sp()
    let flags = none
    if (cursor.peek() === '(') {
      flags = parseFlagList(cursor, limits.flags)
      cursor.sp()
    }
    let date: number | null = null
    if (cursor.peek() === '"') {
      date = parseDateTime(cursor)
      cursor.sp()
    }
    if (!cursor.atPendingLiteral()) cursor.fail('expected the message as a literal')
    return { mailbox, flags, date }
  },
  run: (args) => ({ do: 'append', ...args }),
})
