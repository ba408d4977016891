// What goes between two accounts: the owner of one works in a mailbox of the other that is shared with him. Mail that comes there is mail of
// its own, with other ids, and what one account is told of is nothing to the other.
import assert from 'node:assert/strict'
import { textAt } from '../../support/jmap-house.ts'
import type { JsonObject } from '../../../src/jmap/proto/json.ts'
import {
  type Action,
  allTrue,
  idsOf,
  madeIn,
  type Making,
  pickMessages,
  quoted,
  selectable,
  someKeywords,
  someMailboxes,
} from './making.ts'
import { flagOf, keywordsOf, type Email, type Place, type SharedModel } from './shared-model.ts'
import { holdMessages } from './views.ts'

/** Copies of these messages, as many emails as they are of. */
function arrive(
  to: SharedModel,
  mailbox: Place['mailbox'],
  from: SharedModel,
  places: readonly Place[],
): void {
  const copies = new Map<Email, Email>()
  for (const { email, flags } of places) {
    const copy = copies.get(email) ?? to.emailLike(email, from)
    copies.set(email, copy)
    to.put(copy, mailbox, flags)
  }
}

const go =
  (command: 'COPY' | 'MOVE'): Action =>
  async (making) => {
    const picked = await pickMessages(making)
    if (picked === null) return
    const { scene, who } = making
    await scene.imap(who, `UID ${command} ${picked.uids} ${quoted(scene.farInbox)}`)
    arrive(scene.far, scene.farInbox, scene.model, picked.places)
    if (command === 'MOVE') scene.model.remove((place) => picked.places.includes(place))
  }

const comeBack =
  (command: 'COPY' | 'MOVE'): Action =>
  async (making) => {
    const { scene, dice, who } = making
    const all = scene.far.in(scene.farInbox)
    if (all.length === 0) return
    const session = scene.sessions[who % scene.sessions.length]
    assert.ok(session)
    await holdMessages(session, scene.far, scene.farInbox)
    const some = dice.some(all)
    const places = (some.length === 0 ? [dice.pick(all)] : some).toSorted((a, b) => a.uid - b.uid)
    const to = dice.pick(selectable(making))
    await scene.imap(who, `SELECT ${quoted(scene.farInbox)}`)
    const uids = places.map(({ uid }) => uid).join()
    await scene.imap(who, `UID ${command} ${uids} ${quoted(to)}`)
    arrive(scene.model, to, scene.far, places)
    if (command === 'MOVE') scene.far.remove((place) => places.includes(place))
  }

interface Copying {
  readonly from: SharedModel
  readonly to: SharedModel
  readonly fromAccountId: string
  readonly accountId: string
  readonly mailboxes: readonly Place['mailbox'][]
}

/** Email/copy, with the original destroyed or not. */
async function copyEmail({ scene, dice }: Making, copying: Copying): Promise<void> {
  const { from, to, fromAccountId, accountId, mailboxes } = copying
  const shown = from.shown()
  if (shown.length === 0) return
  const { email } = dice.pick(shown)
  assert.ok(email.id, 'an id that is known')
  const words = dice.oneIn(2) ? someKeywords(dice) : null
  const onSuccessDestroyOriginal = dice.oneIn(2)
  const one = {
    ...{ id: email.id, mailboxIds: idsOf(mailboxes) },
    ...(words === null ? {} : { keywords: allTrue(words) }),
  }
  const [told, destroyed] = await scene.copy({
    ...{ fromAccountId, accountId, create: { k: one }, onSuccessDestroyOriginal },
  })
  assert.ok(told)
  const made: JsonObject = madeIn(told, 'k')
  const flags = (words ?? keywordsOf(from.shownPlaces(email))).map(flagOf)
  const copy = to.emailLike(email, from)
  copy.id = textAt(made, 'id')
  if (copy.thread.id === '') copy.thread.id = textAt(made, 'threadId')
  assert.equal(made['threadId'], copy.thread.id, 'the thread of a copy')
  for (const mailbox of mailboxes) to.put(copy, mailbox, flags)
  if (!onSuccessDestroyOriginal) return assert.equal(destroyed, undefined)
  assert.deepEqual([destroyed?.['accountId'], destroyed?.['destroyed']], [fromAccountId, [email.id]])
  from.remove((place) => place.email === email)
}

const copyHere: Action = (making) => {
  const { scene } = making
  return copyEmail(making, {
    ...{ from: scene.far, to: scene.model, mailboxes: someMailboxes(making) },
    ...{ fromAccountId: `A${scene.guest.id}`, accountId: `A${scene.owner.id}` },
  })
}

const copyThere: Action = (making) => {
  const { scene } = making
  return copyEmail(making, {
    ...{ from: scene.model, to: scene.far, mailboxes: [scene.farInbox] },
    ...{ fromAccountId: `A${scene.owner.id}`, accountId: `A${scene.guest.id}` },
  })
}

const deliverFar: Action = ({ scene, dice }) => scene.deliverFar(scene.letter(dice))

export const acrossActions = {
  ...{ copyEmail: copyHere, copyThere, deliverFar },
  ...{ copyFar: go('COPY'), moveFar: go('MOVE'), copyBack: comeBack('COPY'), moveBack: comeBack('MOVE') },
} satisfies Record<string, Action>
