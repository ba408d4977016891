// LIST in all its forms (RFC 9051 §6.3.9, RFC 5258), LSUB (RFC 3501 §6.3.9) and XLIST.
//
// A name is told once, with everything that holds of it. What the session may not look up (RFC 4314 §4, "l") is not there: neither
// listed nor counted as a child; its superiors may be told as levels of hierarchy, where a pattern ends in `%`.
import { allows, inOrder, listPlaces, superiors } from '../access.ts'
import { canonicalInbox, matchesPattern } from '../../proto/grammar/mailbox.ts'
import { encodeListing, encodeMyRights } from '../../proto/encode/mailbox-data.ts'
import { isOfOthers } from '../other-users.ts'
import { metadataResponse } from './metadata.ts'
import { ok } from '../context.ts'
import { Pace } from '../pace.ts'
import { specialUseAttribute, xlistAttribute } from './special-use.ts'
import { statusResponse } from './status.ts'
import type { CommandRun, Done, SessionContext } from '../context.ts'
import type { ListArguments } from '../../proto/grammar/list.ts'
import type { ListExtras } from '../../proto/encode/mailbox-data.ts'
import type { Place } from '../access.ts'
import type { RequestOf } from '../../proto/commands/command.ts'

/** Everything that a listing is made from. */
interface Catalogue {
  readonly places: ReadonlyMap<string, Place>
  /** Names that have a visible one below them. */
  readonly parents: ReadonlySet<string>
  readonly subscribed: ReadonlySet<string>
}

/** RFC 9051 §6.3.9 */
export async function list(run: CommandRun, request: RequestOf<'LIST' | 'XLIST'>): Promise<Done> {
  const { output, session } = run
  const { patterns, extended, reference } = request
  if (!extended && patterns[0] === '') {
    // "an empty mailbox name argument is a special request to return the hierarchy delimiter and the root name"
    await output.text(encodeListing(request.name, ['\\Noselect'], { name: '', modes: session.modes }))
  } else {
    // RFC 5258 §3: in the extended syntax an empty pattern is ignored.
    const wanted = patterns
      .filter((pattern) => pattern !== '')
      .map((pattern) => canonicalInbox(reference + pattern))
    // STATUS of the selected mailbox is not to be ahead of what the client was told (RFC 9051 §6.3.11).
    if (request.returns.status !== null) await session.selected?.tell(output, { expunges: 'tell' })
    const { subscribed } = request.selection
    const catalogue = await load(session, wanted, subscribed || request.returns.subscribed)
    for await (const line of listing(catalogue, request, wanted)) await tell(run, line, request)
  }
  await output.end()
  return ok(`${request.name} completed`)
}

async function load(
  session: SessionContext,
  patterns: readonly string[],
  subscribed: boolean,
): Promise<Catalogue> {
  const others = patterns.some((pattern) => mayMatchOthers(pattern))
  const places = await listPlaces(session, { others })
  const names = subscribed ? await session.parts.store.subscriptions(session.account.id) : []
  return {
    places: new Map(places.map((place) => [place.name, place])),
    parents: new Set(places.flatMap(({ name }) => superiors(name))),
    subscribed: new Set(names),
  }
}

/** Whether a pattern can match a name of another user's mailbox: what stands before its first wildcard decides. */
function mayMatchOthers(pattern: string): boolean {
  const wildcard = pattern.search(/[*%]/)
  if (wildcard === -1) return isOfOthers(pattern)
  const fixed = pattern.slice(0, wildcard)
  return isOfOthers(fixed) || isOfOthers(`${fixed}${'Other Users/'.slice(fixed.length)}`)
}

/** One name to tell. */
interface Line {
  readonly name: string
  /** Null: there is no such mailbox. */
  readonly place: Place | null
  readonly attributes: readonly string[]
  readonly extras: ListExtras
  /** It meets the selection itself, and is not only told for what is below it. */
  readonly selected: boolean
}

/** RFC 5258 §3.3: what is told, in order. */
async function* listing(
  catalogue: Catalogue,
  args: ListArguments & { readonly name: 'LIST' | 'XLIST' },
  patterns: readonly string[],
): AsyncGenerator<Line> {
  const { selection } = args
  const pace = new Pace()
  const steps = patterns.reduce((sum, pattern) => sum + pattern.length, 1)
  const matches = (name: string): boolean => patterns.some((pattern) => matchesPattern(name, pattern))
  const levelsAsked = patterns.filter((pattern) => pattern.endsWith('%'))
  const meets = (name: string): boolean => meetsSelection(catalogue, selection, name)
  const chosen = [...catalogue.places.keys(), ...catalogue.subscribed].filter(meets)
  const below = selection.recursiveMatch ? await belowOf(chosen, matches, { pace, steps }) : new Map()
  const restricted = selection.subscribed || selection.specialUse
  const names = new Set([...chosen, ...below.keys(), ...(restricted ? [] : catalogue.parents)])
  for (const name of inOrder(names)) {
    const others = pace.spend(name.length * steps)
    if (others !== undefined) await others
    const info = below.get(name)
    const childInfo = selectionNames(selection)
    const extras = info === undefined ? {} : { childInfo }
    const place = catalogue.places.get(name) ?? null
    const selected = meets(name)
    // §3.5: a name that is not selected itself is told only where what is selected below it is not.
    const implied = info === 'unlisted'
    // RFC 9051 §6.3.9: "If the "%" wildcard is the last character …, matching levels of hierarchy are also returned".
    const level = !restricted && levelsAsked.some((pattern) => matchesPattern(name, pattern))
    if (!selected && !implied && !level) continue
    if (!matches(name)) continue
    const attributes = attributesOf(catalogue, name, args)
    yield { name, place, attributes, extras, selected: selected && place !== null }
  }
}

function meetsSelection(
  { places, subscribed }: Catalogue,
  selection: ListArguments['selection'],
  name: string,
): boolean {
  if (selection.subscribed && !subscribed.has(name)) return false
  const place = places.get(name)
  if (selection.specialUse) return place !== undefined && useOf(place) !== null
  // RFC 9051 §6.3.9.1: subscribed names that do not exist are listed too.
  return selection.subscribed || place !== undefined
}

/** The selection options as CHILDINFO names them. */
function selectionNames({ subscribed, specialUse }: ListArguments['selection']): string[] {
  return [...(subscribed ? ['SUBSCRIBED'] : []), ...(specialUse ? ['SPECIAL-USE'] : [])]
}

/** Names above the chosen ones, and whether one of those below is not listed by itself. */
async function belowOf(
  chosen: readonly string[],
  matches: (name: string) => boolean,
  work: { pace: Pace; steps: number },
): Promise<Map<string, 'listed' | 'unlisted'>> {
  const below = new Map<string, 'listed' | 'unlisted'>()
  for (const name of chosen) {
    const others = work.pace.spend(name.length * work.steps)
    if (others !== undefined) await others
    const listed = matches(name)
    for (const superior of superiors(name)) {
      if (!listed || !below.has(superior)) below.set(superior, listed ? 'listed' : 'unlisted')
    }
  }
  return below
}

/** RFC 9051 §7.3.1. */
function attributesOf(
  catalogue: Catalogue,
  name: string,
  args: ListArguments & { readonly name: 'LIST' | 'XLIST' },
): string[] {
  const place = catalogue.places.get(name)
  const attributes = baseAttributes(place, catalogue.parents.has(name), args.extended)
  const use = place === undefined ? null : useOf(place)
  if (use !== null) attributes.push(args.name === 'LIST' ? specialUseAttribute[use] : xlistAttribute[use])
  if (args.name === 'XLIST' && name === 'INBOX') attributes.push('\\Inbox')
  if (catalogue.subscribed.has(name)) attributes.push('\\Subscribed')
  return attributes
}

/** \NonExistent implies \Noselect, and only a client of RFC 5258 knows it. Of the two one stands in a response (RFC 9051 §9). */
function baseAttributes(place: Place | undefined, parent: boolean, extended: boolean): string[] {
  const children = parent ? '\\HasChildren' : '\\HasNoChildren'
  if (place === undefined) return [extended ? '\\NonExistent' : '\\Noselect', children]
  // RFC 5819 §2: without "r" it cannot be selected.
  return place.mailbox.selectable && allows(place, 'r') ? [children] : ['\\Noselect', children]
}

/** RFC 9051 §7.3.1: "Special-use attributes are likely to be user specific", so those of others are not told. */
function useOf({ mailbox, name }: Place): Place['mailbox']['specialUse'] {
  return isOfOthers(name) ? null : mailbox.specialUse
}

async function tell(run: CommandRun, line: Line, args: RequestOf<'LIST' | 'XLIST'>): Promise<void> {
  const { output, session } = run
  const { modes } = session
  const { name, place } = line
  const { status, myRights, metadata } = args.returns
  await output.text(encodeListing(args.name, line.attributes, { name, modes, ...line.extras }))
  // RFC 5819 §3, RFC 8440 §4, RFC 9590 §3: not of a name that is told for its inferiors alone.
  if (!line.selected || place === null) return
  if (myRights) await output.text(encodeMyRights({ name, modes }, place.rights))
  if (status !== null && place.mailbox.selectable && allows(place, 'r')) {
    await output.text(await statusResponse(run, place, status))
  }
  if (metadata !== null) await output.text(await metadataResponse(run, place, metadata))
}

/** The attributes of one mailbox, as LIST would tell them. */
export async function listAttributes(session: SessionContext, place: Place): Promise<string[]> {
  return wholeAttributes(await load(session, [place.name], true), place.name)
}

/** What LIST would tell, asked once for any number of names. */
export interface Listing {
  readonly places: ReadonlyMap<string, Place>
  readonly subscribed: ReadonlySet<string>
  /** With \NonExistent of a name that is not there. */
  attributes(name: string): string[]
}

export async function loadListing(session: SessionContext, options: { others: boolean }): Promise<Listing> {
  const catalogue = await load(session, options.others ? ['*'] : ['INBOX'], true)
  const { places, subscribed } = catalogue
  return { places, subscribed, attributes: (name) => wholeAttributes(catalogue, name) }
}

function wholeAttributes(catalogue: Catalogue, name: string): string[] {
  return attributesOf(catalogue, name, {
    ...{ name: 'LIST', extended: true, reference: '', patterns: [name] },
    selection: { subscribed: false, specialUse: false, recursiveMatch: false },
    returns: { subscribed: true, status: null, myRights: false, metadata: null },
  })
}

/** RFC 3501 §6.3.9: with `%`, a name that only has subscribed inferiors is told as \Noselect. */
export async function lsub(run: CommandRun, request: RequestOf<'LSUB'>): Promise<Done> {
  const { output, session } = run
  const { modes } = session
  if (request.pattern !== null) {
    const pattern = canonicalInbox(request.reference + request.pattern)
    if (request.pattern === '') await output.text(encodeListing('LSUB', ['\\Noselect'], { name: '', modes }))
    const { subscribed, places } = await load(session, ['*'], true)
    const implied = pattern.endsWith('%') ? [...subscribed].flatMap(superiors) : []
    const pace = new Pace()
    for (const name of inOrder(new Set([...subscribed, ...implied]))) {
      const others = pace.spend(name.length * pattern.length)
      if (others !== undefined) await others
      if (!matchesPattern(name, pattern)) continue
      const place = places.get(name)
      const opens = place !== undefined && place.mailbox.selectable && allows(place, 'r')
      const attributes = subscribed.has(name) && opens ? [] : ['\\Noselect']
      await output.text(encodeListing('LSUB', attributes, { name, modes }))
    }
  }
  await output.end()
  return ok('LSUB completed')
}
