// Commands about what goes with a mailbox: access (RFC 4314), annotations (RFC 5464), quota (RFC 9208).
import { afterLogin, command, request } from './command.ts'
import { parseGetMetadata, parseMetadataChanges } from '../grammar/metadata.ts'
import { parseMailbox, parseMailboxOrNone } from '../grammar/mailbox.ts'
import { parseQuotaLimits } from '../grammar/quota.ts'
import { parseRightsChange } from '../grammar/rights.ts'
import { tryUtf8 } from '../grammar/cursor.ts'
import { tryPrepare } from '../../../sasl/prepare.ts'
import type { CommandRow } from './command.ts'
import type { Cursor } from '../grammar/cursor.ts'
import type { ImapLimits } from '../limits.ts'

function spMailbox(cursor: Cursor, limits: ImapLimits): string {
  cursor.sp()
  return parseMailbox(cursor, limits)
}

/**
 * `identifier = astring`, UTF-8. RFC 4314 §3: one that SASLprep refuses, or leaves nothing of, makes the command BAD; a leading dash is
 * not part of the name (§2).
 */
function spIdentifier(cursor: Cursor): string {
  cursor.sp()
  const text = tryUtf8(cursor.astring('an identifier'))
  const dash = text?.startsWith('-') === true ? '-' : ''
  const prepared = text === undefined ? undefined : tryPrepare(text.slice(dash.length))
  if (prepared === undefined || prepared === '') return cursor.fail('this is not an identifier')
  return dash + prepared
}

/** `getacl = "GETACL" SP mailbox`, `myrights = "MYRIGHTS" SP mailbox` */
function ofMailbox(name: 'GETACL' | 'MYRIGHTS' | 'GETQUOTAROOT'): CommandRow {
  return command({
    name,
    states: afterLogin,
    syntax: spMailbox,
    run: (mailbox) => request({ name, mailbox }),
  })
}

/** `deleteacl = "DELETEACL" SP mailbox SP identifier`, `listrights` alike */
function ofIdentifier(name: 'DELETEACL' | 'LISTRIGHTS'): CommandRow {
  return command({
    name,
    states: afterLogin,
    syntax: (cursor, limits) => ({ mailbox: spMailbox(cursor, limits), identifier: spIdentifier(cursor) }),
    run: (args) => request({ name, ...args }),
  })
}

/** RFC 4314 §3.1: `setacl = "SETACL" SP mailbox SP identifier SP mod-rights` */
const setAcl = command({
  name: 'SETACL',
  states: afterLogin,
  syntax(cursor, limits) {
    const mailbox = spMailbox(cursor, limits)
    const identifier = spIdentifier(cursor)
    cursor.sp()
    return { mailbox, identifier, change: parseRightsChange(cursor) }
  },
  run: (args) => request({ name: 'SETACL', ...args }),
})

/** RFC 5464 §4.2 */
const getMetadata = command({
  name: 'GETMETADATA',
  states: afterLogin,
  syntax: parseGetMetadata,
  run: (args) => request({ name: 'GETMETADATA', ...args }),
})

/** RFC 5464 §4.3: `setmetadata = "SETMETADATA" SP mailbox SP entry-values` */
const setMetadata = command({
  name: 'SETMETADATA',
  states: afterLogin,
  syntax(cursor, limits) {
    cursor.sp()
    const mailbox = parseMailboxOrNone(cursor, limits)
    cursor.sp()
    return { mailbox, changes: parseMetadataChanges(cursor, limits) }
  },
  run: (args) => request({ name: 'SETMETADATA', ...args }),
})

/** RFC 9208 §4.1.1: `getquota = "GETQUOTA" SP quota-root-name` */
const getQuota = command({
  name: 'GETQUOTA',
  states: afterLogin,
  syntax: spRoot,
  run: (root) => request({ name: 'GETQUOTA', root }),
})

/** RFC 9208 §4.1.3: `setquota = "SETQUOTA" SP quota-root-name SP setquota-list` */
const setQuota = command({
  name: 'SETQUOTA',
  states: afterLogin,
  syntax(cursor) {
    const root = spRoot(cursor)
    cursor.sp()
    return { root, limits: parseQuotaLimits(cursor) }
  },
  run: (args) => request({ name: 'SETQUOTA', ...args }),
})

function spRoot(cursor: Cursor): string {
  cursor.sp()
  const root = tryUtf8(cursor.astring('a quota root'))
  return root ?? cursor.fail('expected a quota root')
}

/** Those of this file, for the table. */
export const sharingRows: readonly CommandRow[] = [
  ...[
    ofMailbox('GETACL'),
    ofMailbox('MYRIGHTS'),
    setAcl,
    ofIdentifier('DELETEACL'),
    ofIdentifier('LISTRIGHTS'),
  ],
  ...[getMetadata, setMetadata],
  ...[getQuota, ofMailbox('GETQUOTAROOT'), setQuota],
]
