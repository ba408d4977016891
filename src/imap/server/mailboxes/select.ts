// SELECT and EXAMINE (RFC 9051 §6.3.2, §6.3.3, RFC 3501 §6.3.1), with what RFC 4314, 7162 and 8474 add to their answers.
import * as imapEvents from '../../../events/imap.ts'
import { allSystemFlags } from '../../proto/encode/flags.ts'
import { encodeListing } from '../../proto/encode/mailbox-data.ts'
import { encodeObjectId } from '../../../mail/object-id.ts'
import { no, ok } from '../context.ts'
import { openSelected } from '../messages/selected.ts'
import { permanentFlags } from '../permanent-flags.ts'
import { placeFor } from '../access.ts'
import { afterSelect } from './after-select.ts'
import { systemFlag } from '../../proto/grammar/flags.ts'
import { listAttributes } from './list.ts'
import type { CommandRun, Done, SessionContext } from '../context.ts'
import type { Mailbox } from '../../../store/model.ts'
import type { Place } from '../access.ts'
import type { RequestOf } from '../../proto/commands/command.ts'
import type { Selected } from '../messages/selected.ts'

type Selecting = RequestOf<'SELECT' | 'EXAMINE'>

/** RFC 9051 §6.3.2: whatever was selected before is not any more, also where this fails. */
export async function select(run: CommandRun, request: Selecting): Promise<Done> {
  const { session, output } = run
  const { events } = session.parts
  const wasSelected = session.selected !== null
  if (wasSelected) {
    session.selected?.close()
    session.selected = null
    // RFC 7162 §3.2.11, RFC 9051 §7.1: what was said before is about the old mailbox.
    await output.text('* OK [CLOSED] The previous mailbox is closed\r\n')
  }
  const refuse = async (refusal: Done): Promise<Done> => {
    await output.end()
    return wasSelected ? { ...refusal, state: { name: 'authenticated' } } : refusal
  }
  const found = await placeFor(session, request.mailbox, 'r')
  if (found.place === null) return refuse(found.refusal)
  const { place } = found
  // RFC 4314 §5.2: read-only where none of "i", "e" and the rights to shared flags is granted; all our flags are shared.
  const readOnly = request.name === 'EXAMINE' || !/[iestw]/.test(place.rights)
  const opened = place.mailbox.selectable ? await open(session, place, readOnly) : undefined
  if (opened === undefined) return refuse(no('NONEXISTENT', 'This name only holds other mailboxes'))
  const { selected, mailbox } = opened
  session.selected = selected
  // They may have changed before there was someone to hear it.
  if (place.account !== session.account.id) selected.doubtRights()
  await output.text(await selectResponses(run, { ...opened, place, request }))
  // RFC 7162 §3.2.5: first as if no parameter was there.
  await afterSelect(run, selected, { mailbox, resync: request.resync })
  await output.end()
  const access = readOnly ? 'read-only' : 'read-write'
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
  const { onChange, onRest, parts } = session
  const { store, clock, config } = parts
  const modes = () => session.modes
  return openSelected({
    ...{ store, account, mailbox: mailbox.id, rights, readOnly, modes, onChange },
    ...{ clock, restAfter: config.restAfter, onRest },
  })
}

interface Opened {
  readonly selected: Selected
  readonly mailbox: Mailbox
  readonly place: Place
  readonly request: Selecting
}

async function selectResponses(run: CommandRun, opened: Opened): Promise<string> {
  const { mailbox, place, request, selected } = opened
  const { modes, parts } = run.session
  const { messages, uidNext, uidValidity, modSeq } = mailbox
  const keywords = await parts.store.keywordsIn({ account: place.account, mailbox: mailbox.id })
  const flags = selected.keywords.news(keywords.join(' ')) || `* FLAGS (${allSystemFlags})\r\n`
  const lines = [
    `OK [PERMANENTFLAGS (${permanentFlags(selected)})] Flags that are kept`,
    `${messages} EXISTS`,
    // RFC 9051 Appendix E: IMAP4rev2 has neither RECENT nor UNSEEN here.
    ...(modes.rev2 ? [] : [`${await selected.countRecent()} RECENT`]),
    // RFC 9586 §3: nor has UIDONLY, which takes no sequence numbers.
    ...(modes.rev2 || modes.uidOnly ? [] : await firstUnseen(opened)),
    `OK [UIDVALIDITY ${uidValidity}] UIDs are valid`,
    `OK [UIDNEXT ${uidNext}] Predicted next UID`,
    // RFC 7162 §3.1.2.1
    `OK [HIGHESTMODSEQ ${modSeq}] Highest mod-sequence`,
    // RFC 8474 §4.2
    `OK [MAILBOXID (${encodeObjectId('mailbox', place.account, mailbox.id)})] Its identifier`,
  ].map((line) => `* ${line}\r\n`)
  return flags + lines.join('') + (modes.rev2 ? await ownListing(run, place, request) : '')
}

/** RFC 9051 §6.3.2: "The server MUST return a LIST response with the mailbox name", and OLDNAME where it was written otherwise. */
async function ownListing(run: CommandRun, place: Place, { supplied }: Selecting): Promise<string> {
  const { modes } = run.session
  const attributes = await listAttributes(run.session, place)
  const oldName = supplied === null ? {} : { oldName: supplied }
  return encodeListing('LIST', attributes, { name: place.name, modes, ...oldName })
}

/** Messages of a mailbox in which the first unseen one is looked for. */
const fewEnough = 1_000

/** RFC 3501 §6.3.1: UNSEEN. Left out, as it lets a server do where it would cost a look at the flags of many messages. */
async function firstUnseen({ selected, mailbox }: Opened): Promise<string[]> {
  const { messages, unseen } = mailbox
  if (unseen === 0) return []
  if (unseen === messages) return ['OK [UNSEEN 1] First unseen']
  if (messages > fewEnough && !selected.view.loaded) return []
  const view = await selected.load()
  for (let index = 0; index < view.length; index++) {
    if ((view.flags(index) & systemFlag.seen) === 0) return [`OK [UNSEEN ${index + 1}] First unseen`]
  }
  return []
}
