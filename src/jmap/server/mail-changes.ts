// Email/changes (RFC 8621 §4.3) and Thread/changes (§3.2), and what queries want to know of the past.
import { encodeObjectId, type ObjectKind } from '../../mail/object-id.ts'
import { mail } from '../proto/capabilities.ts'
import { MethodError } from '../proto/errors.ts'
import type { MailAccess, MailRights } from './mail-access.ts'
import { departedBy, emailEvents, threadEvents, type Departed } from './mail-index/history.ts'
import type { MailView } from './mail-index/mail-view.ts'
import { baseOf, formatPoint, pageOf, tryPoint, type Event, type Point } from './mail-index/point.ts'
import type { AccountCall, Method } from './module.ts'
import { changesMethod, type Changes } from './standard-methods.ts'

/** The past since a state that was given. */
export interface Past {
  readonly view: MailView
  readonly point: Point
  readonly departed: Departed
  readonly events: readonly Event[]
}

/** Undefined: the state is none of ours, or too old. */
export async function pastSince(
  access: MailAccess,
  rights: MailRights,
  { state, what }: { state: string; what: 'email' | 'thread' },
): Promise<Past | undefined> {
  const { fingerprint } = rights
  const now = await access.view(rights)
  const point = tryPoint(state, { fingerprint, newest: now.index.modSeq })
  if (point === undefined) return undefined
  const found = await access.viewSince(rights, Math.max(0, baseOf(point)))
  if (found === undefined) {
    // What is forgotten was no change of this where nothing has changed since: emails that moved are in the same threads.
    const view = await access.view(rights)
    const isNewest = point.id === null && point.modSeq >= view.last[what]
    return isNewest ? { view, point, departed: new Map(), events: [] } : undefined
  }
  const { view, departures } = found
  const departed = departedBy(view, departures)
  const events =
    what === 'email'
      ? emailEvents(view, departed, point)
      : threadEvents(view, departures, { departed, point })
  return { view, point, departed, events }
}

export function emailChanges(access: MailAccess): Method {
  return changesOf(access, { type: 'Email', what: 'email' })
}

export function threadChanges(access: MailAccess): Method {
  return changesOf(access, { type: 'Thread', what: 'thread' })
}

function changesOf(access: MailAccess, { type, what }: { type: string; what: 'email' | 'thread' }): Method {
  return changesMethod({
    type,
    capability: mail,
    async load(call, { sinceState, maxChanges }) {
      const rights = await access.rights(call.place)
      const past = await pastSince(access, rights, { state: sinceState, what })
      if (past === undefined) return new MethodError('cannotCalculateChanges')
      const newest = { modSeq: past.view.last[what], id: null }
      return told(call, {
        ...{ events: past.events, most: maxChanges, kind: what, newest },
        fingerprint: rights.fingerprint,
      })
    },
  })
}

/** A page of events as the answer of /changes. */
export function told(
  call: AccountCall,
  page: {
    readonly events: readonly Event[]
    readonly most: number
    readonly kind: ObjectKind
    readonly newest: Point
    readonly fingerprint: string
  },
): Changes {
  const { created, updated, destroyed, next } = pageOf(page.events, page.most)
  const account = call.place.account.id
  const idsOf = (list: readonly number[]): string[] =>
    list.map((id) => encodeObjectId(page.kind, account, id))
  return {
    ...{ created: idsOf(created), updated: idsOf(updated), destroyed: idsOf(destroyed) },
    newState: formatPoint(next ?? page.newest, page.fingerprint),
    hasMoreChanges: next !== null,
  }
}
