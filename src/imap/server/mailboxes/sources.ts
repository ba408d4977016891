// The mailboxes that a filter means (RFC 5465 §6, RFC 7377 §2.2), for whoever searches or watches them.
import { allows, findPlace, listPlaces, superiors } from '../access.ts'
import { isOfOthers } from '../other-users.ts'
import type { MailboxFilter } from '../../proto/grammar/mailbox-filter.ts'
import type { Place, Viewer } from '../access.ts'
import type { SessionContext } from '../context.ts'

/**
 * Selectable mailboxes that these filters mean and that may be read, each once, in order of name. RFC 7377 §2.2: what is not explicitly
 * named must be visible (`l`), and what may not be read is ignored. `selected` and `selected-delayed` mean nothing here: see
 * `selectedPlace`.
 */
export async function mailboxesFor(viewer: Viewer, filters: readonly MailboxFilter[]): Promise<Place[]> {
  const all = filters.some(({ type }) => type !== 'mailboxes')
    ? await listPlaces(viewer, { others: filters.some(reachesOthers) })
    : []
  const found = new Map<string, Place>()
  for (const filter of filters) {
    for (const place of await placesOf(viewer, filter, all)) {
      if (place.mailbox.selectable && allows(place, 'r')) found.set(place.name, place)
    }
  }
  return [...found.values()]
}

function reachesOthers({ type }: MailboxFilter): boolean {
  return type === 'subscribed' || type === 'subtree' || type === 'subtree-one'
}

async function placesOf(viewer: Viewer, filter: MailboxFilter, all: readonly Place[]): Promise<Place[]> {
  switch (filter.type) {
    case 'selected':
    case 'selected-delayed':
      return []
    case 'inboxes':
    // RFC 5465 §6.3: where it cannot easily be said what mail is delivered to, "equivalent to personal".
    case 'personal':
      return all.filter(({ name }) => !isOfOthers(name))
    case 'subscribed': {
      const names = new Set(await viewer.parts.store.subscriptions(viewer.account.id))
      return all.filter(({ name }) => names.has(name))
    }
    case 'subtree':
      return all.filter(({ name }) => [name, ...superiors(name)].some((each) => filter.names.includes(each)))
    case 'subtree-one':
      return all.filter(({ name }) =>
        [name, superiors(name).at(-1)].some((each) => isNamed(filter.names, each)),
      )
    case 'mailboxes':
      return (await Promise.all(filter.names.map((name) => findPlace(viewer, name)))).filter(
        (place) => place !== undefined,
      )
  }
}

function isNamed(names: readonly string[], name: string | undefined): boolean {
  return name !== undefined && names.includes(name)
}

/** The selected mailbox as a place under the name that it has now; undefined where none is selected, or it is gone. */
export async function selectedPlace(session: SessionContext): Promise<Place | undefined> {
  const { selected } = session
  if (selected === null) return undefined
  const others = selected.account !== session.account.id
  return (await listPlaces(session, { others })).find(
    ({ account, mailbox }) => account === selected.account && mailbox.id === selected.mailbox,
  )
}
