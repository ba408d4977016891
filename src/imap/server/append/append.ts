// APPEND and REPLACE: messages that stream into the store while their structure is walked, and are named by rows, all in one
// commit, at the end (RFC 3502: all or none).
import * as imapEvents from '../../../events/imap.ts'
import { formatNumbers } from '../../proto/grammar/sequence-set.ts'
import { ingest } from '../../../store/ingest.ts'
import { allows, findTarget } from '../access.ts'
import { permittedFlags } from '../permitted-flags.ts'
import { bad, no, ok } from '../context.ts'
import { selectedPlace } from '../mailboxes/sources.ts'
import { tooMany } from '../messages/message-limit.ts'
import { tryIndexes } from '../messages/numbers.ts'
import { UrlReader } from '../urls/url-reader.ts'
import type { AppendStep } from '../../proto/grammar/append.ts'
import type { Done, SessionContext } from '../context.ts'
import type { FlagSet } from '../../proto/grammar/flags.ts'
import type { ImapQuestion } from '../../proto/commands/command.ts'
import type { Ingest } from '../../../store/ingest.ts'
import type { MailboxId, StagedMessage, Uid } from '../../../store/model.ts'
import type { Target } from '../access.ts'

type Opening = Extract<ImapQuestion, { type: 'append' }>
type Stretch = Pick<Opening, 'steps' | 'octets' | 'unasked'>

/** A literal, or what a URL names. */
interface Announced {
  readonly size: number
  readonly unasked: boolean
}

/** Octets up to which a message is taken before the quota is looked at, where it comes without being asked for. */
const small = 65_536

type Replaced = { readonly mailbox: MailboxId; readonly uid: Uid }

const tryCreate = no('TRYCREATE', 'There is no such mailbox')
const overQuota = no('OVERQUOTA', 'The mailbox is full')
const tooBig = no('TOOBIG', 'The message is too big')
const replacedIsGone = no('EXPUNGEISSUED', 'The message to be replaced is gone')

const refusals = {
  'over-quota': overQuota,
  'no-such-mailbox': tryCreate,
  'not-there': replacedIsGone,
  'too-many-keywords': no('LIMIT', 'Too many keywords'),
} as const

interface Appended {
  readonly message: StagedMessage
  readonly flags: number
  readonly keywords: string
  readonly internalDate: number
}

/** Messages on their way in. `discard` unless the step `end` was done. */
export class Appending {
  readonly #session: SessionContext
  readonly #command: 'APPEND' | 'REPLACE'
  readonly #place: Target
  readonly #replaces: Replaced | null
  readonly #messages: Appended[] = []
  readonly #ingests: Ingest[] = []
  #ingest: Ingest | null = null
  #flags: FlagSet = { flags: 0, keywords: [] }
  #date: number | null = null
  /** Octets of all messages so far. */
  #size = 0

  constructor(session: SessionContext, place: Target, replaces: Replaced | null) {
    this.#session = session
    this.#command = replaces === null ? 'APPEND' : 'REPLACE'
    this.#place = place
    this.#replaces = replaces
  }

  /** What a stretch of the command says; null: octets may come. */
  async take({ steps, octets, unasked }: Stretch): Promise<Done | null> {
    for (const step of steps) {
      const refusal = await this.#step(step, { size: octets ?? 0, unasked })
      if (refusal !== null) return refusal
    }
    return null
  }

  async #step(step: AppendStep, octets: Announced): Promise<Done | null> {
    switch (step.step) {
      case 'message': {
        const refusal = tooMany(this.#session.parts, this.#ingests.length + 1)
        if (refusal !== undefined) return refusal
        this.#begin(step.flags, step.date)
        return null
      }
      case 'octets':
        return this.#announced(octets)
      case 'url':
        return this.#fromUrl(step.url)
      case 'message-end':
        return this.#endMessage()
      case 'end':
        return this.#commit()
    }
  }

  #begin(flags: FlagSet, date: number | null): void {
    const { store, mime } = this.#session.parts
    this.#ingest = ingest({ blobs: store.blobs, limits: mime })
    this.#ingests.push(this.#ingest)
    // RFC 4314 §4: others are dropped silently.
    const permitted = permittedFlags(this.#place)
    this.#flags = { flags: flags.flags & permitted.flags, keywords: permitted.keywords ? flags.keywords : [] }
    this.#date = date
  }

  /** Refuses before the octets come what would be refused after them. */
  async #announced({ size: octets, unasked }: Announced): Promise<Done | null> {
    const { store, config, maxMessageSize } = this.#session.parts
    const size = this.#size + octets
    if (octets + this.#open().size > maxMessageSize) return tooBig
    if (this.#ingests.length > 1 && size > config.appendSize) return tooBig
    // The commit asks too; a small message that comes anyway need not be refused before.
    if (unasked && size <= small) return null
    const owner = await store.getAccount(this.#place.account)
    const most = owner?.quota
    if (owner === undefined || most === undefined) return tryCreate
    if (most.bytes !== null && owner.used.bytes + size > most.bytes) return this.#refuse('over-quota')
    const count = owner.used.messages + this.#ingests.length
    return most.messages !== null && count > most.messages ? this.#refuse('over-quota') : null
  }

  #open(): Ingest {
    if (this.#ingest === null) throw new Error('octets of no message')
    return this.#ingest
  }

  /** Octets of the literal. */
  write(bytes: Uint8Array): void | Promise<void> {
    this.#size += bytes.length
    return this.#open().write(bytes)
  }

  /** RFC 4469 §3: the octets that a URL names. */
  async #fromUrl(url: string): Promise<Done | null> {
    const { parts, account, selected } = this.#session
    const reader = new UrlReader(parts, {
      account,
      as: 'user',
      // RFC 5092 §7.2: what a URL without a mailbox is relative to.
      selected: selected === null ? null : ((await selectedPlace(this.#session)) ?? null),
    })
    const source = await reader.open(url)
    // RFC 4469 §4.1
    if (source === undefined)
      return no(`BADURL ${JSON.stringify(url)}`, 'The URL names nothing that can be read')
    const refusal = await this.#announced({ size: source.size, unasked: false })
    if (refusal !== null) return refusal
    for await (const chunk of source.read()) await this.write(chunk)
    return null
  }

  async #endMessage(): Promise<null> {
    const { message } = await this.#open().finish()
    const { flags, keywords } = this.#flags
    const internalDate = this.#date ?? this.#session.parts.clock.now()
    this.#messages.push({ message, flags, keywords: keywords.toSorted().join(' '), internalDate })
    return null
  }

  /** The answer carries APPENDUID (RFC 4315 §3; RFC 3502 has several). */
  async #commit(): Promise<Done> {
    const { parts } = this.#session
    const { account, mailbox } = this.#place
    const outcome = await parts.store.append({
      ...{ account, mailbox: mailbox.id, messages: this.#messages, now: parts.clock.now() },
      ...(this.#replaces === null ? {} : { replaces: this.#replaces }),
    })
    if (!outcome.ok) {
      await this.discard()
      return this.#refuse(outcome.reason)
    }
    this.#session.watch?.arrived({ account, mailbox: mailbox.id, ...outcome })
    const address = this.#session.account.address
    for (const { size } of this.#ingests) {
      parts.events.emit(imapEvents.messageAppended, { account: address, octets: size })
    }
    // RFC 4315 §3: the UIDs may only be told to those who may read the mailbox.
    const { uidValidity, uids } = outcome
    const code = allows(this.#place, 'r') ? `APPENDUID ${uidValidity} ${formatNumbers(uids)}` : undefined
    if (this.#command === 'APPEND') return ok('APPEND completed', { code })
    // RFC 8508 §3.3: the code comes untagged, before the old message is told as expunged.
    const wait = code && this.#session.sink.write(`* OK [${code}] Replacement message ready\r\n`)
    if (wait !== undefined) await wait
    return ok('REPLACE completed')
  }

  #refuse(reason: keyof typeof refusals): Done {
    const { parts, account } = this.#session
    parts.events.emit(imapEvents.appendRefused, { account: account.address, reason })
    return refusals[reason]
  }

  async discard(): Promise<void> {
    for (const each of this.#ingests) await each.discard()
  }
}

/** The mailbox and, for REPLACE, the message that will go. */
export async function openAppend(
  session: SessionContext,
  opening: Opening,
): Promise<{ appending: Appending } | { refusal: Done }> {
  const { events } = session.parts
  const refuse = (refusal: Done, reason: string): { refusal: Done } => {
    events.emit(imapEvents.appendRefused, { account: session.account.address, reason })
    return { refusal }
  }
  const found = await findTarget(session, opening.mailbox)
  // RFC 3501 §6.3.11: TRYCREATE only where a CREATE would help.
  if (found === undefined || !found.mailbox.selectable) return refuse(tryCreate, 'no-such-mailbox')
  if (!allows(found, 'i')) {
    // RFC 4314 §6: who may not look must not learn that it is there.
    const refusal = allows(found, 'l') ? no('NOPERM', 'Messages may not be put there') : tryCreate
    return refuse(refusal, 'no-permission')
  }
  const replaced = await findReplaced(session, opening)
  if (replaced !== null && 'type' in replaced) return refuse(replaced, 'not-there')
  return { appending: new Appending(session, found, replaced) }
}

/** RFC 8508 §3.1: a message of the selected mailbox. */
async function findReplaced(session: SessionContext, { replaces }: Opening): Promise<Replaced | Done | null> {
  if (replaces === null) return null
  const { selected } = session
  if (selected === null) return bad('No mailbox is selected')
  if (selected.readOnly) return no('READ-ONLY', 'The mailbox was opened with EXAMINE')
  // RFC 8508 §3.5: as STORE of \Deleted and EXPUNGE would need.
  if (!allows(selected, 't') || !allows(selected, 'e'))
    return no('NOPERM', 'Messages may not be removed here')
  const view = await selected.load()
  const indexes = tryIndexes(selected, replaces.set, replaces.uid)
  const [range] = indexes ?? []
  if (indexes === undefined) return bad('There is no message with that number')
  if (range === undefined) return no('NONEXISTENT', 'There is no such message')
  const uid = view.uid(range[0])
  if (view.isGone(uid)) return replacedIsGone
  // UIDs of a view came from the store.
  return { mailbox: selected.mailbox, uid: uid as Uid }
}
