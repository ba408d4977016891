// Commands of every state, and those that carry the session itself: CAPABILITY, NOOP, LOGOUT, ID, ENABLE, IDLE.
import { afterLogin, anyState, command, request } from './command.ts'
import { encodeString } from '../encode/strings.ts'
import type { IdField } from '../requests/session.ts'
import type { Cursor } from '../grammar/cursor.ts'
import type { ImapLimits } from '../limits.ts'

/** RFC 3501 §6.1.1 */
export const capability = command({
  name: 'CAPABILITY',
  states: anyState,
  syntax: noArguments,
  run: (_, context) => ({
    do: 'answer',
    untagged: `* CAPABILITY ${context.capabilities()}\r\n`,
    status: 'OK',
    text: 'That is all',
  }),
})

/** RFC 3501 §6.1.2: after log-in it is the moment to tell what changed. */
export const noop = command({
  name: 'NOOP',
  states: anyState,
  syntax: noArguments,
  run: (_, context) =>
    context.state === 'not-authenticated'
      ? { do: 'answer', status: 'OK', text: 'Nothing done' }
      : request({ name: 'NOOP' }),
})

/** RFC 3501 §6.1.3 */
export const logout = command({
  name: 'LOGOUT',
  states: anyState,
  syntax: noArguments,
  run: () => ({ do: 'log-out' }),
})

/** RFC 2971 §3.1: `id = "ID" SP id_params_list`; `id_params_list = "(" #(string SPACE nstring) ")" / nil` */
export const id = command({
  name: 'ID',
  states: anyState,
  syntax(cursor, limits) {
    cursor.sp()
    if (cursor.peek() !== '(') {
      if (cursor.keyword('a list or NIL') !== 'NIL') cursor.fail('expected a list or NIL')
      return []
    }
    return parseIdFields(cursor, limits)
  },
  run: (fields) => request({ name: 'ID', fields }),
})

function parseIdFields(cursor: Cursor, limits: ImapLimits): IdField[] {
  const list = { most: limits.idPairs, empty: true, what: 'field-value pairs' }
  return cursor.list(list, () => {
    const name = cursor.string().toLowerCase()
    // RFC 2971 §3.3: "Strings are not allowed to be longer than 30 octets" as names, 1024 as values.
    if (name.length > 30) cursor.fail('a field name is longer than 30 octets')
    cursor.sp()
    const value = cursor.nstring()
    if (value !== null && value.length > 1024) cursor.fail('a value is longer than 1024 octets')
    return [name, value] as const
  })
}

/** RFC 5161 §3.1: `enable = "ENABLE" 1*(SP capability)` */
export const enable = command({
  name: 'ENABLE',
  states: ['authenticated', 'selected'],
  syntax(cursor) {
    const names: string[] = []
    do {
      cursor.sp()
      names.push(cursor.atom('a capability'))
    } while (!cursor.done)
    return names
  },
  run: (names) => ({ do: 'enable', names }),
})

/** RFC 4978 §3: `compress = "COMPRESS" SP algorithm`, `algorithm = "DEFLATE"` */
export const compress = command({
  name: 'COMPRESS',
  states: afterLogin,
  syntax(cursor) {
    cursor.sp()
    if (cursor.keyword('an algorithm') !== 'DEFLATE') cursor.fail('the only algorithm is DEFLATE')
    return null
  },
  run: (_, context) =>
    context.compressed
      ? { do: 'answer', status: 'BAD', code: 'COMPRESSIONACTIVE', text: 'Compression is active already' }
      : { do: 'compress' },
})

/** RFC 8437 §3 */
export const unauthenticate = command({
  name: 'UNAUTHENTICATE',
  states: afterLogin,
  syntax: noArguments,
  run: () => ({ do: 'unauthenticate' }),
})

/** RFC 9698 §4: `command-auth =/ "GETJMAPACCESS"` */
export const getJmapAccess = command({
  name: 'GETJMAPACCESS',
  states: afterLogin,
  syntax: noArguments,
  run: (_, { jmapUrl }) =>
    jmapUrl === null
      ? { do: 'answer', status: 'NO', text: 'There is no JMAP here' }
      : {
          do: 'answer',
          untagged: `* JMAPACCESS ${encodeString(jmapUrl)}\r\n`,
          status: 'OK',
          text: 'GETJMAPACCESS completed',
        },
})

/** RFC 2177 §3; allowed without a selected mailbox. */
export const idle = command({
  name: 'IDLE',
  states: afterLogin,
  syntax: noArguments,
  run: () => ({ do: 'idle' }),
})

/** A command without arguments ends right after its name. */
export function noArguments(): null {
  return null
}
