// State strings of mail types (RFC 8620 §5.1): the modseq of the last change, for shared accounts with a fingerprint of what is shared, and
// between two pages of /changes with the id up to which the changes of that modseq were told.
//
// A state with another fingerprint cannot be calculated from: what was visible under other rights is not kept.

/** Everything up to `modSeq` is known; with `id`, of that modseq itself only what has ids up to it. */
export interface Point {
  readonly modSeq: number
  readonly id: number | null
}

export function formatPoint({ modSeq, id }: Point, fingerprint: string): string {
  return `${modSeq}${id === null ? '' : `.${id}`}${fingerprint === '' ? '' : `-${fingerprint}`}`
}

/** Undefined: no state that was given, or one under other rights. `newest`: the account's modseq. */
export function tryPoint(
  text: string,
  { fingerprint, newest }: { fingerprint: string; newest: number },
): Point | undefined {
  const [, modSeq = '', id, mark = ''] =
    /^(\d{1,16})(?:\.(\d{1,16}))?(?:-([0-9a-z]{1,16}))?$/.exec(text) ?? []
  if (modSeq === '' || mark !== fingerprint || Number(modSeq) > newest) return undefined
  return { modSeq: Number(modSeq), id: id === undefined ? null : Number(id) }
}

/** Up to which modseq the changes of the object with that id are known. */
export function knownOf({ modSeq, id }: Point, object: number): number {
  return id === null || object <= id ? modSeq : modSeq - 1
}

/** Below which nothing is of interest. */
export function baseOf({ modSeq, id }: Point): number {
  return id === null ? modSeq : modSeq - 1
}

/** Something that became another between a point and now. `at`: where a page must reach for it to be told. */
export interface Event {
  readonly id: number
  readonly at: number
  readonly what: 'created' | 'updated' | 'destroyed'
}

export interface Page {
  readonly created: readonly number[]
  readonly updated: readonly number[]
  readonly destroyed: readonly number[]
  /** Null: everything is told. */
  readonly next: Point | null
}

/** The first of the events, oldest first, so that each page leads to a state that was (RFC 8620 §5.2). */
export function pageOf(events: readonly Event[], most: number): Page {
  const inOrder = events.toSorted((a, b) => a.at - b.at || a.id - b.id)
  const told = inOrder.slice(0, most)
  const last = told.at(-1)
  const following = inOrder[told.length]
  const ids = (what: Event['what']): number[] =>
    told.flatMap((event) => (event.what === what ? [event.id] : []))
  const next =
    following === undefined || last === undefined
      ? null
      : { modSeq: last.at, id: following.at === last.at ? last.id : null }
  return { created: ids('created'), updated: ids('updated'), destroyed: ids('destroyed'), next }
}

/** A short word that differs where the text does: FNV-1a, twice. */
export function fingerprintOf(text: string): string {
  let [one, two] = [0x811c9dc5, 0x1000193]
  for (let at = 0; at < text.length; at++) {
    one = Math.imul(one ^ text.charCodeAt(at), 0x01000193)
    two = Math.imul(two ^ text.charCodeAt(at), 0x85ebca6b)
  }
  return `${(one >>> 0).toString(36)}${(two >>> 0).toString(36)}`.slice(0, 16)
}
