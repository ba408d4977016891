// Commands on mailboxes as such (RFC 3501 §6.3): SELECT, EXAMINE, CREATE, DELETE, RENAME, SUBSCRIBE, UNSUBSCRIBE, LIST, LSUB,
// NAMESPACE, STATUS.
import { afterLogin, command, request } from './command.ts'
import { noArguments } from './session-commands.ts'
import { decodePattern, parseMailbox } from '../grammar/mailbox.ts'
import type { CommandRow } from './command.ts'
import type { StatusItem } from '../requests/mailbox.ts'
import type { Cursor } from '../grammar/cursor.ts'
import type { ImapLimits } from '../limits.ts'

function spMailbox(cursor: Cursor, limits: ImapLimits): string {
  cursor.sp()
  return parseMailbox(cursor, limits)
}

/** `select = "SELECT" SP mailbox` and all that look like it. */
function onMailbox(
  name: 'SELECT' | 'EXAMINE' | 'CREATE' | 'DELETE' | 'SUBSCRIBE' | 'UNSUBSCRIBE',
): CommandRow {
  return command({
    name,
    states: afterLogin,
    syntax: spMailbox,
    run: (mailbox) => request({ name, mailbox }),
  })
}

/** RFC 3501 §6.3.1 */
export const select = onMailbox('SELECT')
/** RFC 3501 §6.3.2 */
export const examine = onMailbox('EXAMINE')
/** RFC 3501 §6.3.3 */
export const create = onMailbox('CREATE')
/** RFC 3501 §6.3.4. The command's name is a reserved word of the language. */
export const deleteMailbox = onMailbox('DELETE')
/** RFC 3501 §6.3.6 */
export const subscribe = onMailbox('SUBSCRIBE')
/** RFC 3501 §6.3.7 */
export const unsubscribe = onMailbox('UNSUBSCRIBE')

/** RFC 3501 §6.3.5: `rename = "RENAME" SP mailbox SP mailbox` */
export const rename = command({
  name: 'RENAME',
  states: afterLogin,
  syntax: (cursor, limits) => ({ from: spMailbox(cursor, limits), to: spMailbox(cursor, limits) }),
  run: ({ from, to }) => request({ name: 'RENAME', from, to }),
})

/** `list = "LIST" SP mailbox SP list-mailbox` */
function listing(name: 'LIST' | 'LSUB'): CommandRow {
  return command({
    name,
    states: afterLogin,
    syntax(cursor) {
      cursor.sp()
      const reference = decodePattern(cursor.astring('a reference'), cursor.modes)
      cursor.sp()
      return { reference, pattern: decodePattern(cursor.listMailbox(), cursor.modes) }
    },
    run: ({ reference, pattern }) => request({ name, reference, pattern }),
  })
}

/** RFC 3501 §6.3.8, with the special-use attributes of RFC 6154 §2 */
export const list = listing('LIST')
/** RFC 3501 §6.3.9 */
export const lsub = listing('LSUB')

/** RFC 2342 §5 */
export const namespace = command({
  name: 'NAMESPACE',
  states: afterLogin,
  syntax: noArguments,
  run: () => request({ name: 'NAMESPACE' }),
})

const statusItems: ReadonlyMap<string, StatusItem> = new Map(
  (['MESSAGES', 'RECENT', 'UIDNEXT', 'UIDVALIDITY', 'UNSEEN'] as const).map((item) => [item, item]),
)

/** RFC 3501 §6.3.10: `status = "STATUS" SP mailbox SP "(" status-att *(SP status-att) ")"` */
export const status = command({
  name: 'STATUS',
  states: afterLogin,
  syntax(cursor, limits) {
    const mailbox = spMailbox(cursor, limits)
    cursor.sp()
    const items = cursor.list({ most: limits.fetchItems, empty: false, what: 'status items' }, () => {
      return statusItems.get(cursor.keyword('a status item')) ?? cursor.fail('unknown status item')
    })
    return { mailbox, items: [...new Set(items)] }
  },
  run: ({ mailbox, items }) => request({ name: 'STATUS', mailbox, items }),
})
