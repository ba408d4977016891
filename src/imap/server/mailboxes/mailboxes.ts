// Commands on mailboxes (RFC 3501 §6.3): opening, listing, making, renaming, subscribing, asking for their state.
import { allSystemFlags } from '../../proto/encode/flags.ts'
import { encodeList, encodeMailbox } from '../../proto/encode/responses.ts'
import { canonicalInbox, delimiter, matchesPattern } from '../../proto/grammar/mailbox.ts'
import * as imapEvents from '../../../events/imap.ts'
import { accountOf, no, ok } from '../context.ts'
import { findPlace } from '../access.ts'
import { Pace } from '../pace.ts'
import { openSelected } from '../messages/selected.ts'
import type { CommandRun, Done, SessionContext } from '../context.ts'
import type { Place } from '../access.ts'
import type { Mailbox, SpecialUse, Uid } from '../../../store/model.ts'
import type { RequestOf } from '../../proto/commands/command.ts'
import type { StatusItem } from '../../proto/requests/mailbox.ts'
import type { Selected } from '../messages/selected.ts'

const noSuchMailbox = no('NONEXISTENT', 'There is no such mailbox')

/** RFC 3501 §6.3.1, §6.3.2: whatever was selected before is not any more, also where this fails. */
export async function select(run: CommandRun, request: RequestOf<'SELECT' | 'EXAMINE'>): Promise<Done> {
  const { session, output } = run
  const { store, events } = session.parts
  const readOnly = request.name === 'EXAMINE'
  const wasSelected = session.selected !== null
  session.selected?.close()
  session.selected = null
  const found = await findPlace(session, request.mailbox)
  const opened =
    found === undefined || !found.mailbox.selectable ? undefined : await open(session, found, readOnly)
  if (opened === undefined) {
    const refusal =
      found === undefined ? noSuchMailbox : no('NONEXISTENT', 'This name only holds other mailboxes')
    return wasSelected ? { ...refusal, state: { name: 'authenticated' } } : refusal
  }
  const { selected, mailbox } = opened
  session.selected = selected
  const recent = await countRecent(selected, opened)
  const access = readOnly ? 'read-only' : 'read-write'
  await output.text(selectResponses(mailbox, { recent, readOnly }))
  await output.end()
  events.emit(imapEvents.mailboxOpened, {
    account: session.account.address,
    messages: mailbox.messages,
    access,
  })
  return ok(`${request.name} completed`, {
    code: access.toUpperCase(),
    state: { name: 'selected', readOnly },
  })
}

function open(session: SessionContext, place: Place, readOnly: boolean): ReturnType<typeof openSelected> {
  const { account, mailbox, rights } = place
  const { onChange, parts } = session
  return openSelected({ store: parts.store, account, mailbox: mailbox.id, rights, readOnly, onChange })
}

function selectResponses(mailbox: Mailbox, facts: { recent: number; readOnly: boolean }): string {
  const { messages, unseen, uidNext, uidValidity } = mailbox
  // RFC 3501 §7.1: \* says that clients may make keywords; with EXAMINE nothing can be changed.
  const permanent = facts.readOnly ? '' : `${allSystemFlags} \\*`
  const lines = [
    `FLAGS (${allSystemFlags})`,
    `OK [PERMANENTFLAGS (${permanent})] Flags that are kept`,
    `${messages} EXISTS`,
    `${facts.recent} RECENT`,
    // RFC 3501 §6.3.1 lets UNSEEN be left out; it is told where no message must be looked at.
    ...(messages > 0 && unseen === messages ? ['OK [UNSEEN 1] First unseen'] : []),
    `OK [UIDVALIDITY ${uidValidity}] UIDs are valid`,
    `OK [UIDNEXT ${uidNext}] Predicted next UID`,
  ]
  return lines.map((line) => `* ${line}\r\n`).join('')
}

/** How many are \Recent here; the view is loaded only where it cannot be known otherwise. */
async function countRecent(
  selected: Selected,
  opened: { mailbox: Mailbox; recentFrom: Uid },
): Promise<number> {
  const { mailbox, recentFrom } = opened
  if (recentFrom >= mailbox.uidNext || mailbox.messages === 0) return 0
  if (recentFrom === 1) return mailbox.messages
  return (await selected.load()).recent
}

/** RFC 3501 §6.3.3 */
export async function create(run: CommandRun, request: RequestOf<'CREATE'>): Promise<Done> {
  const { store, clock } = run.session.parts
  const name = request.mailbox
  if (name === 'INBOX') return no('ALREADYEXISTS', 'INBOX is always there')
  const outcome = await store.createMailbox({ account: accountOf(run), name, now: clock.now() })
  if (outcome.ok) return ok('CREATE completed')
  if (outcome.reason === 'too-many-mailboxes') return no('LIMIT', 'There are too many mailboxes')
  return no('ALREADYEXISTS', 'The mailbox exists already')
}

/** RFC 3501 §6.3.4 */
export async function remove(run: CommandRun, request: RequestOf<'DELETE'>): Promise<Done> {
  const { store } = run.session.parts
  const account = accountOf(run)
  const found = await store.findMailbox({ account, name: request.mailbox })
  if (found === undefined) return noSuchMailbox
  const outcome = await store.removeMailbox({ account, mailbox: found.id })
  if (outcome.ok) return ok('DELETE completed')
  if (outcome.reason === 'is-inbox') return no('CANNOT', 'INBOX cannot be deleted')
  if (outcome.reason === 'has-children') return no('HASCHILDREN', 'The mailbox holds others')
  return noSuchMailbox
}

/** RFC 3501 §6.3.5 */
export async function rename(run: CommandRun, request: RequestOf<'RENAME'>): Promise<Done> {
  const { store, clock } = run.session.parts
  const account = accountOf(run)
  const found = await store.findMailbox({ account, name: request.from })
  if (found === undefined) return noSuchMailbox
  const outcome = await store.renameMailbox({
    account,
    mailbox: found.id,
    name: request.to,
    now: clock.now(),
  })
  if (outcome.ok) return ok('RENAME completed')
  if (outcome.reason === 'exists') return no('ALREADYEXISTS', 'The new name exists already')
  if (outcome.reason === 'into-itself') return no('CANNOT', 'A mailbox cannot become its own inferior')
  return noSuchMailbox
}

/** RFC 3501 §6.3.6, §6.3.7. A name may be subscribed before its mailbox is there (RFC 2180 has no word against it). */
export async function subscribe(
  run: CommandRun,
  request: RequestOf<'SUBSCRIBE' | 'UNSUBSCRIBE'>,
): Promise<Done> {
  const { store } = run.session.parts
  const account = accountOf(run)
  const { name, mailbox } = request
  const subscribed = name === 'SUBSCRIBE'
  if (subscribed && (await store.findMailbox({ account, name: mailbox })) === undefined) return noSuchMailbox
  await store.setSubscription({ account, name: mailbox, subscribed })
  return ok(`${name} completed`)
}

/** RFC 2342 §5: one personal namespace, nobody else's, nothing shared. */
export async function namespace({ output }: CommandRun): Promise<Done> {
  await output.text('* NAMESPACE (("" "/")) NIL NIL\r\n')
  await output.end()
  return ok('NAMESPACE completed')
}

const specialUseAttribute: Record<SpecialUse, string> = {
  all: '\\All',
  archive: '\\Archive',
  drafts: '\\Drafts',
  flagged: '\\Flagged',
  important: '\\Important',
  junk: '\\Junk',
  sent: '\\Sent',
  trash: '\\Trash',
}

/** RFC 3501 §6.3.8, with the attributes of RFC 3348 §3 and RFC 6154 §2. */
export async function list(run: CommandRun, request: RequestOf<'LIST'>): Promise<Done> {
  const { output } = run
  const { reference, pattern } = request
  if (pattern === '') {
    // "An empty mailbox name argument is a special request to return the hierarchy delimiter and the root name".
    await output.text(encodeList('LIST', ['\\Noselect'], { name: '', modes: run.session.modes }))
  } else {
    const mailboxes = await run.session.parts.store.listMailboxes(accountOf(run))
    const parents = new Set(mailboxes.flatMap(({ name }) => superiors(name)))
    const wanted = canonicalInbox(reference + pattern)
    const pace = new Pace()
    for (const mailbox of inOrder(mailboxes)) {
      const others = pace.spend(mailbox.name.length * wanted.length)
      if (others !== undefined) await others
      if (!matchesPattern(mailbox.name, wanted)) continue
      const attributes = [parents.has(mailbox.name) ? '\\HasChildren' : '\\HasNoChildren']
      if (!mailbox.selectable) attributes.unshift('\\Noselect')
      if (mailbox.specialUse !== null) attributes.push(specialUseAttribute[mailbox.specialUse])
      await output.text(encodeList('LIST', attributes, { name: mailbox.name, modes: run.session.modes }))
    }
  }
  await output.end()
  return ok('LIST completed')
}

/** RFC 3501 §6.3.9: with `%`, a name that only has subscribed inferiors is told as \Noselect. */
export async function lsub(run: CommandRun, request: RequestOf<'LSUB'>): Promise<Done> {
  const { output } = run
  const { store } = run.session.parts
  const account = accountOf(run)
  const pattern = canonicalInbox(request.reference + request.pattern)
  if (request.pattern === '')
    await output.text(encodeList('LSUB', ['\\Noselect'], { name: '', modes: run.session.modes }))
  const names = new Set(await store.subscriptions(account))
  const selectable = new Set(
    (await store.listMailboxes(account)).filter((each) => each.selectable).map(({ name }) => name),
  )
  const told = new Map([...names].map((name) => [name, selectable.has(name) ? [] : ['\\Noselect']]))
  for (const name of [...names].flatMap(superiors)) if (!told.has(name)) told.set(name, ['\\Noselect'])
  const pace = new Pace()
  for (const name of [...told.keys()].sort()) {
    const others = pace.spend(name.length * pattern.length)
    if (others !== undefined) await others
    const implied = !names.has(name)
    if (implied && !pattern.endsWith('%')) continue
    if (matchesPattern(name, pattern))
      await output.text(encodeList('LSUB', told.get(name) ?? [], { name, modes: run.session.modes }))
  }
  await output.end()
  return ok('LSUB completed')
}

/** All names above a name. */
function superiors(name: string): string[] {
  const names: string[] = []
  for (let at = name.indexOf(delimiter); at !== -1; at = name.indexOf(delimiter, at + 1))
    names.push(name.slice(0, at))
  return names
}

function inOrder(mailboxes: readonly Mailbox[]): Mailbox[] {
  const key = ({ name }: Mailbox): string => (name === 'INBOX' ? '' : name)
  return mailboxes.toSorted((a, b) => (key(a) < key(b) ? -1 : 1))
}

/** RFC 3501 §6.3.10 */
export async function status(run: CommandRun, request: RequestOf<'STATUS'>): Promise<Done> {
  const { output } = run
  const found = await run.session.parts.store.findMailbox({ account: accountOf(run), name: request.mailbox })
  if (found === undefined) return noSuchMailbox
  if (!found.selectable) return no('NONEXISTENT', 'This name only holds other mailboxes')
  const values: string[] = []
  for (const item of request.items) values.push(`${item} ${await statusValue(run, found, item)}`)
  await output.text(`* STATUS ${encodeMailbox(found.name, run.session.modes)} (${values.join(' ')})\r\n`)
  await output.end()
  return ok('STATUS completed')
}

async function statusValue(run: CommandRun, mailbox: Mailbox, item: StatusItem): Promise<number> {
  switch (item) {
    case 'MESSAGES':
      return mailbox.messages
    case 'UIDNEXT':
      return mailbox.uidNext
    case 'UIDVALIDITY':
      return mailbox.uidValidity
    case 'UNSEEN':
      return mailbox.unseen
    case 'RECENT':
      return statusRecent(run, mailbox)
  }
}

async function statusRecent(run: CommandRun, mailbox: Mailbox): Promise<number> {
  const { recentFrom, uidNext, messages, id } = mailbox
  if (recentFrom >= uidNext) return 0
  if (recentFrom <= 1) return messages
  let count = 0
  const { store } = run.session.parts
  const uids = [[recentFrom, uidNext - 1]] as const
  for await (const batch of store.messages({ account: accountOf(run), mailbox: id, uids }))
    count += batch.length
  return count
}
