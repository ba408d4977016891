// CREATE, DELETE, RENAME, SUBSCRIBE, UNSUBSCRIBE, NAMESPACE (RFC 9051 §6.3.4 to §6.3.8, §6.3.10).
//
// RFC 9051 §6.3.6: RENAME leaves subscriptions as they are. A special use goes with its mailbox, under whatever name.
import { allows, findPlace, noSuchMailbox, placeFor, placeForNew } from '../access.ts'
import { encodeListing } from '../../proto/encode/mailbox-data.ts'
import { encodeObjectId } from '../../../mail/object-id.ts'
import { no, ok } from '../context.ts'
import { otherUsersPrefix } from '../other-users.ts'
import { trySpecialUse } from './special-use.ts'
import type { CommandRun, Done } from '../context.ts'
import type { RequestOf } from '../../proto/commands/command.ts'
import type { SpecialUse } from '../../../store/model.ts'

const exists = no('ALREADYEXISTS', 'The mailbox exists already')
const tooMany = no('LIMIT', 'There are too many mailboxes')
/** RFC 9208 §4.3.1, §5.3 */
const overQuota = no('OVERQUOTA', 'The account may have no more mailboxes')
/** RFC 6154 §3: no mailbox is made where its special use cannot be given. */
const noSuchUse = no('USEATTR', 'This special use cannot be given to that mailbox')

/** RFC 9051 §6.3.4 */
export async function create(run: CommandRun, request: RequestOf<'CREATE'>): Promise<Done> {
  const { session } = run
  const { store, clock } = session.parts
  const { mailbox: name, supplied, uses } = request
  if (name === 'INBOX') return no('ALREADYEXISTS', 'INBOX is always there')
  const target = await placeForNew(session, name)
  if (target.where === null) return target.refusal
  const { where } = target
  const wanted = uses.map((use) => trySpecialUse(use))
  const [specialUse] = wanted
  // One use for a mailbox, and RFC 9051 §7.3.1: a special use is its owner's, not that of who shares the mailbox.
  if (wanted.length > 1 || (wanted.length === 1 && specialUse === undefined)) return noSuchUse
  if (specialUse !== undefined && where.account !== session.account.id) return noSuchUse
  const outcome = await store.createMailbox({
    ...{ ...where, now: clock.now() },
    ...useOf(specialUse),
  })
  if (!outcome.ok) {
    if (outcome.reason === 'too-many-mailboxes') return tooMany
    if (outcome.reason === 'over-quota') return overQuota
    return outcome.reason === 'special-use-taken' ? noSuchUse : exists
  }
  await tellOldName(run, { name, supplied, attributes: [] })
  // RFC 8474 §4.1
  return ok('CREATE completed', {
    code: `MAILBOXID (${encodeObjectId('mailbox', where.account, outcome.mailbox.id)})`,
  })
}

function useOf(specialUse: SpecialUse | undefined): { specialUse?: SpecialUse } {
  return specialUse === undefined ? {} : { specialUse }
}

/** RFC 9051 §6.3.9.7: to a client that knows of it, the name that a mailbox has and the one that was written. */
async function tellOldName(
  run: CommandRun,
  of: { name: string; supplied: string | null; attributes: readonly string[] },
): Promise<void> {
  const { modes } = run.session
  if (of.supplied === null || !modes.rev2) return
  await run.output.text(encodeListing('LIST', of.attributes, { name: of.name, modes, oldName: of.supplied }))
  await run.output.end()
}

/** RFC 9051 §6.3.5 */
export async function remove(run: CommandRun, request: RequestOf<'DELETE'>): Promise<Done> {
  const { session } = run
  // RFC 4314 §4: "x" right on the mailbox.
  const found = await placeFor(session, request.mailbox, 'x')
  if (found.place === null) return found.refusal
  const { account, mailbox } = found.place
  const outcome = await session.parts.store.removeMailbox({ account, mailbox: mailbox.id })
  if (outcome.ok) {
    await tellOldName(run, {
      name: request.mailbox,
      supplied: request.supplied,
      attributes: ['\\NonExistent'],
    })
    return ok('DELETE completed')
  }
  if (outcome.reason === 'is-inbox') return no('CANNOT', 'INBOX cannot be deleted')
  if (outcome.reason === 'has-children') return no('HASCHILDREN', 'The mailbox holds others')
  return noSuchMailbox
}

/** RFC 9051 §6.3.6 */
export async function rename(run: CommandRun, request: RequestOf<'RENAME'>): Promise<Done> {
  const { session } = run
  const { store, clock } = session.parts
  const { from, to } = request
  // RFC 4314 §4: "x" on the mailbox, "k" for the new parent.
  const found = await placeFor(session, from.mailbox, 'x')
  if (found.place === null) return found.refusal
  const { account, mailbox } = found.place
  const target = await placeForNew(session, to.mailbox)
  if (target.where === null) return target.refusal
  if (target.where.account !== account) return no('CANNOT', 'A mailbox stays with its owner')
  if (mailbox.name === 'INBOX' && account !== session.account.id) {
    return no('CANNOT', 'The INBOX of another user cannot be renamed')
  }
  const outcome = await store.renameMailbox({
    ...{ account, mailbox: mailbox.id, name: target.where.name, now: clock.now() },
  })
  if (!outcome.ok) {
    if (outcome.reason === 'exists') return no('ALREADYEXISTS', 'The new name exists already')
    if (outcome.reason === 'into-itself') return no('CANNOT', 'A mailbox cannot become its own inferior')
    if (outcome.reason === 'too-many-mailboxes') return tooMany
    return outcome.reason === 'over-quota' ? overQuota : noSuchMailbox
  }
  // "with the OLDNAME value being the supplied existing mailbox name and the name parameter being the normalized new" one
  const supplied = from.supplied ?? (to.supplied === null ? null : from.mailbox)
  await tellOldName(run, { name: to.mailbox, supplied, attributes: [] })
  return ok('RENAME completed')
}

/** RFC 9051 §6.3.7, §6.3.8. RFC 4314 §4: SUBSCRIBE needs "l", as it looks whether there is a mailbox, UNSUBSCRIBE nothing. */
export async function subscribe(
  run: CommandRun,
  request: RequestOf<'SUBSCRIBE' | 'UNSUBSCRIBE'>,
): Promise<Done> {
  const { session } = run
  const { name, mailbox } = request
  const subscribed = name === 'SUBSCRIBE'
  if (subscribed) {
    const place = await findPlace(session, mailbox)
    if (place === undefined || !allows(place, 'l')) return noSuchMailbox
  }
  await session.parts.store.setSubscription({ account: session.account.id, name: mailbox, subscribed })
  return ok(`${name} completed`)
}

/** RFC 2342 §5: one's own mailboxes, those of others, and none that is nobody's. */
export async function namespace({ output }: CommandRun): Promise<Done> {
  await output.text(`* NAMESPACE (("" "/")) (("${otherUsersPrefix}" "/")) NIL\r\n`)
  await output.end()
  return ok('NAMESPACE completed')
}
