// ESEARCH (RFC 7377): one search in several mailboxes. Each mailbox that has matches is told in an ESEARCH response of its own, by UIDs;
// mailboxes without matches, and those that may not be read, are not told of at all.
//
// Mailboxes are searched one after the other, each as it is at that moment; nothing is selected by it.
import { answerLimited } from '../messages/message-limit.ts'
import { badCharset } from './search.ts'
import { bad, no, ok } from '../context.ts'
import { encodeMailbox } from '../../proto/encode/responses.ts'
import { mailboxesFor, selectedPlace } from '../mailboxes/sources.ts'
import { runSearch } from './run-search.ts'
import { savedResult, tellESearch, tellsAnything } from './results.ts'
import { View } from '../messages/view.ts'
import type { CommandRun, Done } from '../context.ts'
import type { Place } from '../access.ts'
import type { RequestOf } from '../../proto/commands/command.ts'
import type { Results } from './results.ts'
import type { Searched } from './ready-search.ts'

export async function multiSearch(run: CommandRun, request: RequestOf<'ESEARCH'>): Promise<Done> {
  const { session } = run
  const sources = request.sources ?? [{ type: 'selected' as const }]
  const wantsSelected = sources.some(({ type }) => type === 'selected')
  if (wantsSelected && session.selected === null) return bad('No mailbox is selected')
  const places = await mailboxesFor(session, sources)
  const selected = wantsSelected ? await selectedPlace(session) : undefined
  // RFC 7377 §2.2: duplicates may be removed.
  if (selected !== undefined && !places.some((place) => isSame(place, selected))) places.unshift(selected)
  const most = session.parts.config.searchMailboxes
  // RFC 7377 §2.4
  if (places.length > most) return no('LIMIT', `More than ${most} mailboxes at once`)
  if (request.returns.save && session.selected !== null) session.selected.saved = []
  let lowest: number | null = null
  for (const place of places) {
    const told = await searchPlace(run, place, request)
    if (told === undefined) return badCharset
    lowest = told.lowest ?? lowest
    if (run.output.gone) break
  }
  session.parts.facts.trim()
  return answerLimited(run, ok('ESEARCH completed'), lowest)
}

function isSame(one: Place, other: Place): boolean {
  return one.account === other.account && one.mailbox.id === other.mailbox.id
}

async function searchPlace(
  run: CommandRun,
  place: Place,
  request: RequestOf<'ESEARCH'>,
): Promise<{ lowest: number | null } | undefined> {
  const { returns, program } = request
  const { selected, modes } = run.session
  const isSelected = selected?.account === place.account && selected.mailbox === place.mailbox.id
  const searched = isSelected && selected !== null ? selected : await openForSearch(run, place)
  if (isSelected && selected !== null) await selected.load()
  const found = await runSearch(run, searched, program)
  if (found === undefined) return undefined
  const results: Results = { found, order: found.matches, uid: true, modSeq: program.uses.modSeq }
  // RFC 7377 §2.1: "An ESEARCH response MUST NOT be returned for mailboxes that contain no matching messages."
  if (found.matches.length > 0 && tellsAnything(returns)) {
    const name = encodeMailbox(place.name, modes)
    const correlators = ` MAILBOX ${name} UIDVALIDITY ${place.mailbox.uidValidity}`
    await tellESearch(run, results, { returns, correlators })
  }
  if (returns.save && isSelected && selected !== null) selected.saved = savedResult(results, returns)
  return { lowest: found.lowest }
}

/** A view for the time of one search. Nothing is \Recent in it, and `$` is empty. */
async function openForSearch({ session }: CommandRun, { account, mailbox }: Place): Promise<Searched> {
  const view = new View(mailbox.uidNext)
  view.load(await session.parts.store.loadView({ account, mailbox: mailbox.id }))
  return { account, mailbox: mailbox.id, view, saved: [] }
}
