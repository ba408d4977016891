// APPEND: a message that streams into the store while its structure is walked, and is named by a row at the end.
import * as imapEvents from '../../../events/imap.ts'
import { ingest } from '../../../store/ingest.ts'
import { no, ok } from '../context.ts'
import type { Done, SessionContext } from '../context.ts'
import type { Ingest } from '../../../store/ingest.ts'
import type { FlagSet } from '../../proto/grammar/flags.ts'
import type { ImapAnswer, ImapQuestion } from '../../proto/commands/command.ts'
import type { MailboxId } from '../../../store/model.ts'

type Opening = Extract<ImapQuestion, { type: 'append' }>

const tryCreate = no('TRYCREATE', 'There is no such mailbox')
const overQuota = no('OVERQUOTA', 'The mailbox is full')

const refusals = {
  'over-quota': overQuota,
  'no-such-mailbox': tryCreate,
  'not-there': no('EXPUNGEISSUED', 'The message to be replaced is gone'),
  'too-many-keywords': no('LIMIT', 'Too many keywords'),
} as const

/** A message on its way in. `discard` unless `finish` was called. */
export class Appending {
  readonly #session: SessionContext
  readonly #mailbox: MailboxId
  readonly #ingest: Ingest
  readonly #flags: FlagSet
  readonly #date: number

  constructor(session: SessionContext, mailbox: MailboxId, opening: Opening) {
    const { store, mime, clock } = session.parts
    this.#session = session
    this.#mailbox = mailbox
    this.#ingest = ingest({ blobs: store.blobs, limits: mime })
    this.#flags = opening.flags
    this.#date = opening.date ?? clock.now()
  }

  write(bytes: Uint8Array): void | Promise<void> {
    return this.#ingest.write(bytes)
  }

  /** Commits; the answer carries APPENDUID (RFC 4315 §3). */
  async finish(): Promise<Done> {
    const { parts, account } = this.#session
    const now = parts.clock.now()
    const { message } = await this.#ingest.finish()
    const { flags, keywords } = this.#flags
    const outcome = await parts.store.append({
      account: account.id,
      mailbox: this.#mailbox,
      now,
      messages: [
        {
          message,
          flags,
          keywords: keywords.toSorted().join(' '),
          internalDate: this.#date,
        },
      ],
    })
    if (!outcome.ok) {
      await this.#ingest.discard()
      parts.events.emit(imapEvents.appendRefused, { account: account.address, reason: outcome.reason })
      return refusals[outcome.reason]
    }
    parts.events.emit(imapEvents.messageAppended, { account: account.address, octets: this.#ingest.size })
    return ok('APPEND completed', { code: `APPENDUID ${outcome.uidValidity} ${outcome.uids[0] ?? 0}` })
  }

  discard(): Promise<void> {
    return this.#ingest.discard()
  }
}

/** Refuses before the octets come what would be refused after them. */
export async function openAppend(
  session: SessionContext,
  opening: Opening,
): Promise<{ appending: Appending } | { refusal: ImapAnswer }> {
  const { store, events } = session.parts
  const account = session.account.id
  const refuse = (refusal: Done, reason: string): { refusal: Done } => {
    events.emit(imapEvents.appendRefused, { account: session.account.address, reason })
    return { refusal }
  }
  const found = await store.findMailbox({ account, name: opening.mailbox })
  // RFC 3501 §6.3.11: TRYCREATE only where a CREATE would help.
  if (found === undefined) return refuse(tryCreate, 'no-such-mailbox')
  if (!found.selectable) return refuse(tryCreate, 'no-such-mailbox')
  const now = await store.getAccount(account)
  if (now !== undefined && isFull(now, opening.size)) return refuse(overQuota, 'over-quota')
  return { appending: new Appending(session, found.id, opening) }
}

function isFull(account: SessionContext['account'], size: number): boolean {
  const { quota, used } = account
  if (quota.bytes !== null && used.bytes + size > quota.bytes) return true
  return quota.messages !== null && used.messages + 1 > quota.messages
}
