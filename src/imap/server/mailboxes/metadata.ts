// GETMETADATA and SETMETADATA (RFC 5464), and what LIST tells of annotations (RFC 9590).
//
// Some entries are computed: /private/specialuse of a mailbox of one's own is its special use (RFC 6154 §4), /shared/admin of the
// server is the postmaster (RFC 5464 §6.2.2), whom every mail domain has (RFC 5321 §4.5.1). Shared entries of the server belong to all
// accounts, and no account may set them.
import { Buffer } from 'node:buffer'
import { allows, findPlace, refusalOf } from '../access.ts'
import { encodeMetadata } from '../../proto/encode/mailbox-data.ts'
import { isOfOthers } from '../other-users.ts'
import { no, ok } from '../context.ts'
import { specialUseAttribute, trySpecialUse } from './special-use.ts'
import type { AnnotatedPlace, Annotation } from '../../../store/annotations.ts'
import type { CommandRun, Done, SessionContext } from '../context.ts'
import type { MetadataChange } from '../../proto/grammar/metadata.ts'
import type { Place } from '../access.ts'
import type { RequestOf } from '../../proto/commands/command.ts'

const specialUseEntry = '/private/specialuse'
const adminEntry = '/shared/admin'

type Depth = RequestOf<'GETMETADATA'>['depth']

/** What is annotated: a mailbox, or the server as this account has it. */
type Annotated = Place | null

/** RFC 5464 §4.2 */
export async function getMetadata(run: CommandRun, request: RequestOf<'GETMETADATA'>): Promise<Done> {
  const { session, output } = run
  const found = await annotatedPlace(session, request.mailbox)
  if ('refusal' in found) return found.refusal
  const { place } = found
  const { entries, depth, maxSize } = request
  const present = await read(session, place, entries, depth)
  const small = present.filter(({ value }) => maxSize === null || value.length <= maxSize)
  const told: [string, Uint8Array | null][] = small.map(({ name, value }) => [name, value])
  // An entry that is not there has no value: NIL (§3.2). With a depth it is only one of those that might be.
  if (depth === 0 || present.length === 0) {
    const there = new Set(present.map(({ name }) => name))
    for (const name of entries) if (!there.has(name)) told.push([name, null])
  }
  const name = place === null ? null : place.name
  if (told.length > 0) await output.text(encodeMetadata({ name, modes: session.modes }, told))
  await output.end()
  if (small.length === present.length) return ok('GETMETADATA completed')
  // §4.2.1: "the size of the biggest entry value requested by the client that exceeded the MAXSIZE limit"
  const biggest = Math.max(...present.map(({ value }) => value.length))
  return ok('GETMETADATA completed', { code: `METADATA LONGENTRIES ${biggest}` })
}

/** RFC 9590 §3: `metadata-resp` of one mailbox that was listed. Nothing where this session may not read it. */
export async function metadataResponse(
  run: CommandRun,
  place: Place,
  entries: readonly string[],
): Promise<string> {
  if (!mayAnnotate(place)) return ''
  const present = new Map(
    (await read(run.session, place, entries, 0)).map(({ name, value }) => [name, value]),
  )
  const told = entries.map((name): [string, Uint8Array | null] => [name, present.get(name) ?? null])
  return encodeMetadata({ name: place.name, modes: run.session.modes }, told)
}

/** RFC 5464 §3.3: "the "l" right and any one of the "r", "s", "w", "i", or "p" rights". */
function mayAnnotate(place: Place): boolean {
  return allows(place, 'l') && /[rswip]/.test(place.rights)
}

async function annotatedPlace(
  session: SessionContext,
  name: string | null,
): Promise<{ readonly place: Annotated } | { readonly refusal: Done }> {
  if (name === null) return { place: null }
  const place = await findPlace(session, name)
  return place !== undefined && mayAnnotate(place) ? { place } : { refusal: refusalOf(place) }
}

/** As the store names it. */
function annotatedAt(session: SessionContext, place: Annotated): AnnotatedPlace {
  const viewer = session.account.id
  if (place === null) return { account: viewer, mailbox: null, viewer }
  return { account: place.account, mailbox: place.mailbox.id, viewer }
}

async function read(
  session: SessionContext,
  place: Annotated,
  under: readonly string[],
  depth: Depth,
): Promise<Annotation[]> {
  const at = annotatedAt(session, place)
  const kept = await session.parts.store.annotations({ ...at, under, depth })
  const computed = computedEntries(session, place).filter(({ name }) =>
    under.some((top) => isUnder(name, top, depth)),
  )
  return [...kept, ...computed].sort((a, b) => (a.name < b.name ? -1 : 1))
}

function computedEntries({ account }: SessionContext, place: Annotated): Annotation[] {
  if (place === null) {
    const domain = account.address.slice(account.address.lastIndexOf('@') + 1)
    return [{ name: adminEntry, value: Buffer.from(`mailto:postmaster@${domain}`) }]
  }
  const { specialUse } = place.mailbox
  if (specialUse === null || isOfOthers(place.name)) return []
  return [{ name: specialUseEntry, value: Buffer.from(specialUseAttribute[specialUse]) }]
}

/** RFC 5464 §4.2.2 */
function isUnder(name: string, top: string, depth: Depth): boolean {
  if (name === top) return true
  if (depth === 0 || !name.startsWith(`${top}/`)) return false
  return depth === 'infinity' || !name.slice(top.length + 1).includes('/')
}

/** RFC 5464 §4.3: all or none. */
export async function setMetadata(run: CommandRun, request: RequestOf<'SETMETADATA'>): Promise<Done> {
  const { session } = run
  const { store, maxAnnotationSize } = session.parts
  const found = await annotatedPlace(session, request.mailbox)
  if ('refusal' in found) return found.refusal
  const { place } = found
  const { changes } = request
  if (changes.some(({ value }) => value !== null && value.length > maxAnnotationSize)) {
    return no(`METADATA MAXSIZE ${maxAnnotationSize}`, 'A value is too large')
  }
  if (place === null && changes.some(({ name }) => name.startsWith('/shared/'))) {
    return no('NOPERM', 'Shared entries of the server are not for its users to set')
  }
  const use = changes.find(({ name }) => name === specialUseEntry)
  if (place !== null && use !== undefined) return setSpecialUse(session, place, changes)
  const outcome = await store.setAnnotations({ ...annotatedAt(session, place), changes })
  if (outcome.ok) return ok('SETMETADATA completed')
  switch (outcome.reason) {
    case 'too-many':
      return no('METADATA TOOMANY', 'There are too many entries')
    case 'over-quota':
      return no('OVERQUOTA', 'The annotations would take too much room')
    case 'too-big':
      // Values were looked at above.
      return no('CANNOT', 'The name of an entry is too long')
    case 'no-such-mailbox':
      return refusalOf(undefined)
  }
}

/** RFC 6154 §4: validity is checked as it is by CREATE. A special use is set by itself, as it is no annotation of the store. */
async function setSpecialUse(
  session: SessionContext,
  place: Place,
  changes: readonly MetadataChange[],
): Promise<Done> {
  const [change] = changes
  if (change === undefined || changes.length > 1) return no('CANNOT', 'Set the special use by itself')
  if (isOfOthers(place.name)) return no('NOPERM', 'A special use is its owner’s')
  const asked = change.value === null ? '' : Buffer.from(change.value).toString('latin1').trim()
  const specialUse = asked === '' ? null : trySpecialUse(asked)
  if (specialUse === undefined || !place.mailbox.selectable) {
    return no('USEATTR', 'This special use cannot be given to that mailbox')
  }
  const { account, mailbox } = place
  const outcome = await session.parts.store.setSpecialUse({ account, mailbox: mailbox.id, specialUse })
  return outcome.ok ? ok('SETMETADATA completed') : refusalOf(undefined)
}
