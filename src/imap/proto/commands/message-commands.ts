// Commands on the messages of the selected mailbox (RFC 3501 §6.4), each also behind UID where it may be.
import { command, request, uidRequired, whileSelected } from './command.ts'
import { noArguments } from './session-commands.ts'
import { replaceSyntax } from './append.ts'
import { parseFetchItems } from '../grammar/fetch.ts'
import { parseFetchModifiers, parseStoreModifiers } from '../grammar/fetch-modifiers.ts'
import { parseFlags } from '../grammar/flags.ts'
import { parseMailbox } from '../grammar/mailbox.ts'
import { parseSequenceSet } from '../grammar/sequence-set.ts'
import { searchesByModSeq, searchesByNumber, searchSyntaxes } from './search-commands.ts'
import type { CommandRow, Effect, ImapRequest } from './command.ts'
import type { Cursor } from '../grammar/cursor.ts'
import type { ImapLimits } from '../limits.ts'
import type { Modes } from '../modes.ts'

/** Reads the arguments of a command that may stand behind UID. */
type NumberedSyntax = (cursor: Cursor, limits: ImapLimits, uid: boolean) => ImapRequest

/** `copy = "COPY" SP sequence-set SP mailbox`; `move` alike (RFC 6851 §4.1) */
function copying(name: 'COPY' | 'MOVE'): NumberedSyntax {
  return (cursor, limits, uid) => {
    cursor.sp()
    const set = parseSequenceSet(cursor)
    cursor.sp()
    const mailbox = parseMailbox(cursor, limits)
    return name === 'COPY' ? { name, uid, set, mailbox } : { name, uid, set, mailbox }
  }
}

/** `fetch = "FETCH" SP sequence-set SP ("ALL" / "FULL" / "FAST" / fetch-att / "(" fetch-att *(SP fetch-att) ")") [fetch-modifiers]` */
const fetchSyntax: NumberedSyntax = (cursor, limits, uid) => {
  cursor.sp()
  const set = parseSequenceSet(cursor)
  cursor.sp()
  const items = parseFetchItems(cursor, limits)
  return { name: 'FETCH', uid, set, items, ...parseFetchModifiers(cursor, { uid }) }
}

/** `store = "STORE" SP sequence-set [store-modifiers] SP store-att-flags`; `store-att-flags = (["+" / "-"] "FLAGS" [".SILENT"]) SP …` */
const storeSyntax: NumberedSyntax = (cursor, limits, uid) => {
  cursor.sp()
  const set = parseSequenceSet(cursor)
  cursor.sp()
  const unchangedSince = parseStoreModifiers(cursor)
  const mode = cursor.take('+') ? 'add' : cursor.take('-') ? 'remove' : 'replace'
  const name = cursor.word()
  if (name !== 'FLAGS' && name !== 'FLAGS.SILENT') cursor.fail('expected FLAGS or FLAGS.SILENT')
  cursor.sp()
  const change = parseFlags(cursor, limits.flags)
  return { name: 'STORE', uid, set, mode, silent: name === 'FLAGS.SILENT', change, unchangedSince }
}

/** RFC 4315 §2.1: `uid-expunge = "UID" SP "EXPUNGE" SP sequence-set` */
const uidExpungeSyntax: NumberedSyntax = (cursor) => {
  cursor.sp()
  return { name: 'EXPUNGE', set: parseSequenceSet(cursor) }
}

const numbered: ReadonlyMap<string, NumberedSyntax> = new Map<string, NumberedSyntax>([
  ['COPY', copying('COPY')],
  ['FETCH', fetchSyntax],
  ['MOVE', copying('MOVE')],
  ...searchSyntaxes,
  ['STORE', storeSyntax],
])

/** What may stand behind UID. */
const afterUid: ReadonlyMap<string, NumberedSyntax> = new Map([...numbered, ['EXPUNGE', uidExpungeSyntax]])

/** RFC 3501 §6.4.4 to §6.4.7 and RFC 6851 §3.1: the commands that count by sequence number. */
export const bySequenceNumber: readonly CommandRow[] = [...numbered].map(([name, syntax]) =>
  command({
    name,
    states: whileSelected,
    syntax: (cursor, limits) => syntax(cursor, limits, false),
    run: (value, context) => (context.modes.uidOnly ? uidRequired : begin(value, context.modes)),
  }),
)

/** The effect of a request; some enable CONDSTORE (RFC 7162 §3.1, "CONDSTORE enabling commands"). */
function begin(value: ImapRequest, modes: Modes): Effect {
  if (modes.uidOnly && searchesByNumber(value)) return uidRequired
  const enables =
    searchesByModSeq(value) ||
    (value.name === 'FETCH' &&
      (value.changedSince !== null || value.items.some(({ name }) => name === 'MODSEQ'))) ||
    (value.name === 'STORE' && value.unchangedSince !== null)
  if (!enables || modes.condstore) return request(value)
  return { do: 'request', request: value, modes: { ...modes, condstore: true } }
}

/** RFC 3501 §6.4.8: `uid = "UID" SP (copy / fetch / search / store)` */
export const uid = command({
  name: 'UID',
  states: whileSelected,
  streams: true,
  syntax(cursor, limits): Effect {
    cursor.sp()
    const name = cursor.keyword('a command')
    if (name === 'REPLACE') return replaceSyntax(cursor, limits, true)
    const syntax = afterUid.get(name)
    if (syntax === undefined) return cursor.fail('unknown command after UID')
    const effect = request(syntax(cursor, limits, true))
    cursor.end()
    return effect
  },
  run: (effect, context) => (effect.do === 'request' ? begin(effect.request, context.modes) : effect),
})

/** RFC 3501 §6.4.3 */
export const expunge = command({
  name: 'EXPUNGE',
  states: whileSelected,
  syntax: noArguments,
  run: () => request({ name: 'EXPUNGE', set: null }),
})

function bare(name: 'CHECK' | 'CLOSE' | 'UNSELECT'): CommandRow {
  return command({ name, states: whileSelected, syntax: noArguments, run: () => request({ name }) })
}

/** RFC 3501 §6.4.1 */
export const check = bare('CHECK')
/** RFC 3501 §6.4.2 */
export const close = bare('CLOSE')
/** RFC 3691 §2 */
export const unselect = bare('UNSELECT')
