// What a client has switched on for its session (RFC 5161), and what that means to the grammar and to every response.
//
// One value of the core, changed only by ENABLE and by the commands that RFC 7162 §3.1 calls CONDSTORE-enabling; each question to
// the handler carries it. Nothing is ever switched off but by UNAUTHENTICATE (RFC 8437 §4.1).

export interface Modes {
  /** RFC 9051 §6.3.1: IMAP4rev2 responses: ESEARCH for SEARCH, no \Recent, mailbox names in UTF-8. */
  readonly rev2: boolean
  /** RFC 9755 §3: UTF-8 in quoted strings and mailbox names, both ways. */
  readonly utf8: boolean
  /** RFC 7162 §3.1: MODSEQ in every untagged FETCH, HIGHESTMODSEQ told. */
  readonly condstore: boolean
  /** RFC 7162 §3.2: VANISHED in place of EXPUNGE. Comes with `condstore`. */
  readonly qresync: boolean
  /** RFC 9586 §3: sequence numbers are neither sent nor taken. */
  readonly uidOnly: boolean
  /** RFC 5464 §4.4: changes of annotations are told. */
  readonly metadata: boolean
}

/** A session that has enabled nothing. */
export const noModes: Modes = {
  rev2: false,
  utf8: false,
  condstore: false,
  qresync: false,
  uidOnly: false,
  metadata: false,
}

/** Capability → what enabling it changes. */
const rows: readonly (readonly [capability: string, change: Partial<Modes>])[] = [
  // RFC 9051 §6.3.1
  ['IMAP4rev2', { rev2: true }],
  // RFC 9755 §3
  ['UTF8=ACCEPT', { utf8: true }],
  ['CONDSTORE', { condstore: true }],
  // RFC 7162 §3.2.3: "ENABLE QRESYNC" is a CONDSTORE enabling command.
  ['QRESYNC', { condstore: true, qresync: true }],
  ['UIDONLY', { uidOnly: true }],
  // RFC 5464 §4.4: "activated by the ENABLE command for this extension"
  ['METADATA', { metadata: true }],
]
const enabling = new Map(rows.map(([name, change]) => [name.toUpperCase(), { name, change }]))

/** RFC 5161 §3.1, §3.2: the modes after ENABLE, and the names that were switched on now; unknown ones are passed over. */
export function enableModes(
  modes: Modes,
  names: readonly string[],
): { readonly modes: Modes; readonly enabled: readonly string[] } {
  let now = modes
  const enabled = new Set<string>()
  for (const asked of names) {
    const row = enabling.get(asked.toUpperCase())
    if (row === undefined) continue
    if (JSON.stringify({ ...modes, ...row.change }) !== JSON.stringify(modes)) enabled.add(row.name)
    now = { ...now, ...row.change }
  }
  return { modes: now, enabled: [...enabled] }
}

/** Whether quoted strings may have UTF-8 in them (RFC 9051 §4.3, RFC 9755 §3). */
export function takesUtf8(modes: Modes): boolean {
  return modes.rev2 || modes.utf8
}

/** Whether mailbox names are UTF-8 and not modified UTF-7 (RFC 9051 §5.1, RFC 9755 §3). */
export function namesInUtf8(modes: Modes): boolean {
  return modes.rev2 || modes.utf8
}
