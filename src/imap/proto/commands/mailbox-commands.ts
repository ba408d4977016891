// Commands that open, make, remove and list mailboxes (RFC 9051 §6.3), in the forms of both revisions.
import { afterLogin, command, request, uidRequired } from './command.ts'
import { noArguments } from './session-commands.ts'
import { parseList } from '../grammar/list.ts'
import { parseMailbox, parseWrittenName, tryDecodePattern } from '../grammar/mailbox.ts'
import { parseSelectParameters } from '../grammar/select.ts'
import { parseStatusItems } from '../grammar/status.ts'
import { parseUses } from '../grammar/special-use.ts'
import type { CommandRow, Effect, ImapRequest } from './command.ts'
import type { Cursor } from '../grammar/cursor.ts'
import type { ImapLimits } from '../limits.ts'
import type { Modes } from '../modes.ts'
import type { StatusItem } from '../grammar/status.ts'
import type { WrittenName } from '../grammar/mailbox.ts'

function spMailbox(cursor: Cursor, limits: ImapLimits): string {
  cursor.sp()
  return parseMailbox(cursor, limits)
}

function spWrittenName(cursor: Cursor, limits: ImapLimits): WrittenName {
  cursor.sp()
  return parseWrittenName(cursor, limits)
}

/** A request that is CONDSTORE-enabling where `enabling` says so (RFC 7162 §3.1). */
function requestIn(modes: Modes, value: ImapRequest, enabling: boolean): Effect {
  if (!enabling || modes.condstore) return request(value)
  return { do: 'request', request: value, modes: { ...modes, condstore: true } }
}

/** `select = "SELECT" SP mailbox [select-params]` (RFC 4466 §2.1) */
function opening(name: 'SELECT' | 'EXAMINE'): CommandRow {
  return command({
    name,
    states: afterLogin,
    syntax: (cursor, limits) => ({ ...spWrittenName(cursor, limits), ...parseSelectParameters(cursor) }),
    run(args, { modes }): Effect {
      // RFC 7162 §3.2.5: "MUST respond with a tagged BAD response if … the client hasn't issued ENABLE QRESYNC".
      if (args.resync !== null && !modes.qresync) {
        return { do: 'answer', status: 'BAD', text: 'QRESYNC is not enabled' }
      }
      // What it knows of the numbers of messages is not for a session without numbers.
      if (modes.uidOnly && args.resync !== null && args.resync.match !== null) return uidRequired
      return requestIn(modes, { name, ...args }, args.condstore)
    },
  })
}

/** RFC 3501 §6.3.1, RFC 9051 §6.3.2 */
export const select = opening('SELECT')
/** RFC 3501 §6.3.2, RFC 9051 §6.3.3 */
export const examine = opening('EXAMINE')

/** RFC 9051 §6.3.4; `create = "CREATE" SP mailbox [create-params]` (RFC 4466 §2.2, RFC 6154 §3) */
export const create = command({
  name: 'CREATE',
  states: afterLogin,
  syntax: (cursor, limits) => ({ ...spWrittenName(cursor, limits), uses: parseUses(cursor) }),
  run: (args) => request({ name: 'CREATE', ...args }),
})

/** RFC 9051 §6.3.5. The command's name is a reserved word of the language. */
export const deleteMailbox = command({
  name: 'DELETE',
  states: afterLogin,
  syntax: spWrittenName,
  run: (args) => request({ name: 'DELETE', ...args }),
})

/** RFC 9051 §6.3.6: `rename = "RENAME" SP mailbox SP mailbox` */
export const rename = command({
  name: 'RENAME',
  states: afterLogin,
  syntax: (cursor, limits) => ({ from: spWrittenName(cursor, limits), to: spWrittenName(cursor, limits) }),
  run: ({ from, to }) => request({ name: 'RENAME', from, to }),
})

function subscribing(name: 'SUBSCRIBE' | 'UNSUBSCRIBE'): CommandRow {
  return command({
    name,
    states: afterLogin,
    syntax: spMailbox,
    run: (mailbox) => request({ name, mailbox }),
  })
}

/** RFC 9051 §6.3.7 */
export const subscribe = subscribing('SUBSCRIBE')
/** RFC 9051 §6.3.8 */
export const unsubscribe = subscribing('UNSUBSCRIBE')

/** RFC 9051 §6.3.9 */
export const list = command({
  name: 'LIST',
  states: afterLogin,
  syntax: parseList,
  run: (args, { modes }) =>
    requestIn(modes, { name: 'LIST', ...args }, asksModSeq(args.returns.status ?? [])),
})

/** `"XLIST" SP mailbox SP list-mailbox`: what RFC 6154 was before it had a name; old clients know it alone. */
export const xlist = command({
  name: 'XLIST',
  states: afterLogin,
  syntax(cursor, limits) {
    const args = parseList(cursor, limits)
    return args.extended ? cursor.fail('XLIST has no options') : args
  },
  run: (args) => request({ name: 'XLIST', ...args }),
})

/** RFC 3501 §6.3.9: `lsub = "LSUB" SP mailbox SP list-mailbox` */
export const lsub = command({
  name: 'LSUB',
  states: afterLogin,
  syntax(cursor) {
    cursor.sp()
    const reference = tryDecodePattern(cursor.astring('a reference'), cursor.modes)
    cursor.sp()
    const pattern = tryDecodePattern(cursor.listMailbox(), cursor.modes)
    const readable = reference !== undefined && pattern !== undefined
    return readable ? { reference, pattern } : { reference: '', pattern: null }
  },
  run: (args) => request({ name: 'LSUB', ...args }),
})

/** RFC 2342 §5, RFC 9051 §6.3.10 */
export const namespace = command({
  name: 'NAMESPACE',
  states: afterLogin,
  syntax: noArguments,
  run: () => request({ name: 'NAMESPACE' }),
})

/** RFC 9051 §6.3.11: `status = "STATUS" SP mailbox SP "(" status-att *(SP status-att) ")"` */
export const status = command({
  name: 'STATUS',
  states: afterLogin,
  syntax(cursor, limits) {
    const mailbox = spMailbox(cursor, limits)
    cursor.sp()
    return { mailbox, items: parseStatusItems(cursor, limits.fetchItems) }
  },
  run: ({ mailbox, items }, { modes }) =>
    requestIn(modes, { name: 'STATUS', mailbox, items }, asksModSeq(items)),
})

/** RFC 7162 §3.1: "a STATUS command with the HIGHESTMODSEQ data item" enables. */
function asksModSeq(items: readonly StatusItem[]): boolean {
  return items.includes('HIGHESTMODSEQ')
}

/** Those of this file, for the table. */
export const mailboxRows: readonly CommandRow[] = [
  ...[select, examine, create, deleteMailbox, rename, subscribe, unsubscribe],
  ...[list, xlist, lsub, namespace, status],
]
