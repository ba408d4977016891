// A live IMAP server as a source: its folders with flags, keywords, internal dates and special uses. A message is known by UIDVALIDITY
// and UID, so that what is here already is not fetched again. Folders are only looked at (EXAMINE, BODY.PEEK[]): nothing changes there.
//
// Gmail shows one message in the folder of each of its labels. There each is fetched once: its further labels become places of
// the same email here, `All Mail` only brings what has no other label, and `Starred` and `Important` are views that are left.
import { ImapClient, type ImapClientOptions, ImapRefusal } from '../imap/client/client.ts'
import { ImapConnectionLost } from '../imap/client/reader.ts'
import { listOf, pairsOf, textOf, tryQuoted, type Value, wordsOf } from '../imap/client/values.ts'
import { encodeModifiedUtf7 } from '../imap/proto/grammar/mailbox.ts'
import { tryDate } from '../mail/date.ts'
import { tryKeyword } from '../mail/mbox/status-fields.ts'
import type { SpecialUse } from '../store/model.ts'
import { decodeLevel, guessSpecialUse, mailboxName } from './folder-names.ts'
import { flagBits } from './manifest.ts'
import {
  type Source,
  type SourceFolder,
  type SourceMessage,
  SourceUnreadable,
  type Wanted,
} from './source.ts'

export interface ImapSourceOptions extends Omit<ImapClientOptions, 'silence'> {
  /** Only this one and what is below it; null is all. */
  readonly mailbox: string | null
}

/** Milliseconds without an octet. */
const silence = 120_000
/** UIDs whose flags and dates are asked for at once. */
const factsAtOnce = 2_000

interface Folder {
  /** As the server writes it. */
  readonly wire: string
  readonly name: string
  readonly specialUse: SpecialUse | null
  readonly messages: number | null
  readonly subscribed: boolean
}

interface Facts {
  readonly uid: number
  readonly flags: readonly string[]
  readonly internalDate: number | null
  readonly size: number
  readonly gmail: string | null
}

export async function openImapSource(options: ImapSourceOptions): Promise<Source> {
  const client = await connected(options)
  const seen: Seen = { everywhere: new Set(), given: new Set() }
  return {
    // Without the port and the way of connecting: the same account is the same source.
    identity: `imap://${options.authorizeAs ?? options.user}@${options.host.toLowerCase()}`,
    label: options.host,
    ignored: [],
    folders: () =>
      asUnreadable(options, async () => {
        const folders = await listFolders(client, options.mailbox)
        return folders.map((folder) => sourceFolder({ client, options, seen }, folder))
      }),
    [Symbol.asyncDispose]: () => client[Symbol.asyncDispose](),
  }
}

/** Of Gmail's messages, by X-GM-MSGID. */
interface Seen {
  /** In a folder other than All Mail. */
  readonly everywhere: Set<string>
  readonly given: Set<string>
}

function connected(options: ImapSourceOptions): Promise<ImapClient> {
  return asUnreadable(options, () => ImapClient.open({ ...options, silence }))
}

async function asUnreadable<T>({ host, port, user }: ImapSourceOptions, work: () => Promise<T>): Promise<T> {
  try {
    return await work()
  } catch (error) {
    if (error instanceof SourceUnreadable) throw error
    if (error instanceof ImapRefusal) {
      throw new SourceUnreadable(`${host} refused ${user}: ${printable(error.message)}`)
    }
    const reason = error instanceof Error ? error.message : String(error)
    throw new SourceUnreadable(`${host} port ${port}: ${printable(reason)}`)
  }
}

function printable(text: string): string {
  return text.replace(/[\u0000-\u001f\u007f-\u009f]/g, '?').slice(0, 300)
}

async function listFolders(client: ImapClient, only: string | null): Promise<Folder[]> {
  const subscribed = new Set<string>()
  await client.command('LSUB "" "*"', ({ name, values }) => {
    if (name === 'LSUB') subscribed.add(textOf(values[2]) ?? '')
  })
  const listed: { wire: string; delimiter: string | null; attributes: string[] }[] = []
  // RFC 6154 §2: some servers tell special uses only when they are asked for.
  const special = client.has('SPECIAL-USE') && client.has('LIST-EXTENDED') ? ' RETURN (SPECIAL-USE)' : ''
  await client.command(`LIST "" "*"${special}`, ({ name, values }) => {
    const wire = textOf(values[2])
    if (name !== 'LIST' || wire === undefined) return
    const attributes = wordsOf(values[0]).map((word) => word.toLowerCase())
    listed.push({ wire, delimiter: textOf(values[1]) ?? null, attributes })
  })
  const prefix = await personalPrefix(client)
  const folders: Folder[] = []
  for (const { wire, delimiter, attributes } of listed) {
    if (attributes.includes('\\noselect') || attributes.includes('\\nonexistent')) continue
    const name = nameHere(wire, { delimiter, prefix })
    if (only !== null && !within(name, only)) continue
    const use = useOf(attributes) ?? (attributes.includes('\\inbox') ? null : guessSpecialUse(name))
    if (client.has('X-GM-EXT-1') && (use === 'flagged' || use === 'important')) continue
    const messages = await countOf(client, wire)
    folders.push({
      wire,
      name,
      specialUse: use,
      messages,
      subscribed: subscribed.size === 0 || subscribed.has(wire),
    })
  }
  // All Mail after all others: then it is known what they have.
  return folders.toSorted((a, b) => rank(a) - rank(b))
}

const rank = ({ name, specialUse }: Folder): number => (specialUse === 'all' ? 2 : name === 'INBOX' ? 0 : 1)

const within = (name: string, only: string): boolean =>
  name.toLowerCase() === only.toLowerCase() || name.toLowerCase().startsWith(`${only.toLowerCase()}/`)

/** RFC 2342 §5: what stands before the names of one's own folders, `INBOX.` for example. */
async function personalPrefix(client: ImapClient): Promise<string> {
  if (!client.has('NAMESPACE')) return ''
  let prefix = ''
  await client.command('NAMESPACE', ({ name, values }) => {
    if (name === 'NAMESPACE') prefix = textOf(listOf(listOf(values[0])[0])[0]) ?? ''
  })
  return prefix
}

function nameHere(wire: string, { delimiter, prefix }: { delimiter: string | null; prefix: string }): string {
  if (wire.toUpperCase() === 'INBOX') return 'INBOX'
  const own =
    prefix !== '' && wire.startsWith(prefix) && wire.length > prefix.length ? wire.slice(prefix.length) : wire
  const levels = delimiter === null ? [own] : own.split(delimiter)
  // Gmail's own folders stand under a name that says nothing.
  if (levels.length > 1 && /^\[(?:Gmail|Google Mail)\]$/i.test(levels[0] ?? '')) levels.shift()
  return mailboxName(levels.map((level) => decodeLevel(utf8(level))))
}

/** Names of a server that sends UTF-8. */
function utf8(binary: string): string {
  return /[\x80-\xff]/.test(binary) ? Buffer.from(binary, 'latin1').toString('utf8') : binary
}

const uses: Readonly<Record<string, SpecialUse>> = {
  '\\archive': 'archive',
  '\\drafts': 'drafts',
  '\\junk': 'junk',
  '\\spam': 'junk',
  '\\sent': 'sent',
  '\\trash': 'trash',
  '\\flagged': 'flagged',
  '\\starred': 'flagged',
  '\\important': 'important',
  '\\all': 'all',
  '\\allmail': 'all',
}

/** RFC 6154 §2, and the words of XLIST. */
function useOf(attributes: readonly string[]): SpecialUse | null {
  for (const attribute of attributes) {
    const use = uses[attribute]
    if (use !== undefined) return use
  }
  return null
}

async function countOf(client: ImapClient, wire: string): Promise<number | null> {
  let count: number | null = null
  try {
    await client.command(`STATUS ${quoted(wire)} (MESSAGES)`, ({ name, values }) => {
      if (name === 'STATUS') count = Number(textOf(pairsOf(listOf(values[1])).get('MESSAGES')) ?? 0)
    })
  } catch (error) {
    // A folder that the server lists and does not open is told when it is read.
    if (!(error instanceof ImapRefusal)) throw error
  }
  return count
}

function quoted(wire: string): string {
  return tryQuoted(wire) ?? tryQuoted(encodeModifiedUtf7(utf8(wire))) ?? '""'
}

interface Reading {
  readonly client: ImapClient
  readonly options: ImapSourceOptions
  readonly seen: Seen
}

function sourceFolder(reading: Reading, folder: Folder): SourceFolder {
  const { name, specialUse, subscribed, messages } = folder
  const isGmailAll = specialUse === 'all' && reading.client.has('X-GM-EXT-1')
  return {
    name: isGmailAll ? 'Archive' : name,
    specialUse: isGmailAll ? 'archive' : specialUse,
    ...{ goesBy: 'special-use', subscribed, messages, bytes: null },
    read: (wanted) => readFolder(reading, { folder, isGmailAll, wanted }),
  }
}

async function* readFolder(
  reading: Reading,
  { folder, isGmailAll, wanted }: { folder: Folder; isGmailAll: boolean; wanted: Wanted },
): AsyncGenerator<SourceMessage> {
  const { client, options, seen } = reading
  const { uidValidity, uidNext } = await asUnreadable(options, () => examine(client, folder.wire))
  for (let first = 1; first < uidNext; first += factsAtOnce) {
    const last = Math.min(first + factsAtOnce - 1, uidNext - 1)
    const facts = await asUnreadable(options, () => factsOf(client, first, last))
    const fetched: Facts[] = []
    for (const one of facts) {
      const { gmail } = one
      if (gmail !== null && !isGmailAll) seen.everywhere.add(gmail)
      if (wanted.known.has(`${uidValidity}/${one.uid}`)) wanted.skipped('known')
      else if (wanted.since !== null && (one.internalDate ?? Infinity) < wanted.since) wanted.skipped('older')
      else if (isGmailAll && gmail !== null && seen.everywhere.has(gmail)) wanted.skipped('elsewhere')
      else if (gmail !== null && seen.given.has(gmail))
        yield messageOf(folder, { uidValidity, one, body: null })
      else fetched.push(one)
    }
    yield* fetchBodies({ reading, folder, uidValidity }, fetched)
  }
}

async function* fetchBodies(
  from: { reading: Reading; folder: Folder; uidValidity: number },
  facts: readonly Facts[],
): AsyncGenerator<SourceMessage> {
  const { reading, folder, uidValidity } = from
  const byUid = new Map(facts.map((one) => [one.uid, one]))
  const bodies = reading.client.bodies(byUid.keys())
  for (;;) {
    const next = await asUnreadable(reading.options, () => bodies.next())
    if (next.done === true) return
    const one = byUid.get(next.value.uid)
    if (one === undefined) continue
    if (one.gmail !== null) reading.seen.given.add(one.gmail)
    yield messageOf(folder, { uidValidity, one, body: brokenAsUnreadable(reading, next.value.content) })
  }
}

/** A connection that is lost within a message ends the import, and not this message alone. */
async function* brokenAsUnreadable(
  { options }: Reading,
  content: AsyncIterable<Uint8Array>,
): AsyncGenerator<Uint8Array> {
  try {
    yield* content
  } catch (error) {
    if (!(error instanceof ImapConnectionLost)) throw error
    await asUnreadable(options, () => Promise.reject(error))
  }
}

function messageOf(
  folder: Folder,
  of: { uidValidity: number; one: Facts; body: AsyncIterable<Uint8Array> | null },
): SourceMessage {
  const { uidValidity, one, body } = of
  const state = flagBits(one.flags)
  return {
    name: `${folder.name}, UID ${one.uid}`,
    key: `${uidValidity}/${one.uid}`,
    flags: state.flags,
    keywords: state.keywords.map(tryKeyword).filter((keyword) => keyword !== undefined),
    internalDate: one.internalDate,
    fallbackDate: null,
    header: 'message',
    octets: 'text',
    identity: one.gmail,
    isCopy: body === null,
    open: () => body ?? nothing(),
  }
}

async function* nothing(): AsyncGenerator<Uint8Array> {}

async function examine(client: ImapClient, wire: string): Promise<{ uidValidity: number; uidNext: number }> {
  let [uidValidity, uidNext, exists] = [0, 0, 0]
  await client.command(`EXAMINE ${quoted(wire)}`, ({ name, number, text }) => {
    if (name === 'EXISTS') exists = number ?? 0
    uidValidity = Number(/\[UIDVALIDITY (\d+)\]/i.exec(text)?.[1] ?? uidValidity)
    uidNext = Number(/\[UIDNEXT (\d+)\]/i.exec(text)?.[1] ?? uidNext)
  })
  if (exists === 0) return { uidValidity, uidNext: 0 }
  return { uidValidity, uidNext: uidNext > 0 ? uidNext : await lastUid(client) }
}

/** RFC 3501 §7.1: a server may leave UIDNEXT out. One more than the last. */
async function lastUid(client: ImapClient): Promise<number> {
  let last = 0
  await client.command('UID FETCH * (UID)', ({ name, values }) => {
    if (name === 'FETCH') last = Number(textOf(pairsOf(listOf(values[0])).get('UID')) ?? 0)
  })
  return last + 1
}

async function factsOf(client: ImapClient, first: number, last: number): Promise<Facts[]> {
  const facts = new Map<number, Facts>()
  const more = client.has('X-GM-EXT-1') ? ' X-GM-MSGID' : ''
  await client.command(
    `UID FETCH ${first}:${last} (UID FLAGS INTERNALDATE RFC822.SIZE${more})`,
    ({ name, values }) => {
      const one = name === 'FETCH' ? tryFacts(pairsOf(listOf(values[0]))) : undefined
      // A message whose flags changed meanwhile may be told twice, the second time without the rest.
      if (
        one !== undefined &&
        one.uid >= first &&
        one.uid <= last &&
        (one.internalDate !== null || !facts.has(one.uid))
      )
        facts.set(one.uid, one)
    },
  )
  return [...facts.values()].toSorted((a, b) => a.uid - b.uid)
}

function tryFacts(pairs: ReadonlyMap<string, Value>): Facts | undefined {
  const uid = Number(textOf(pairs.get('UID')) ?? 0)
  if (uid === 0) return undefined
  return {
    uid,
    flags: wordsOf(pairs.get('FLAGS')),
    internalDate: tryDate(textOf(pairs.get('INTERNALDATE')) ?? '')?.time ?? null,
    size: Number(textOf(pairs.get('RFC822.SIZE')) ?? 0),
    gmail: textOf(pairs.get('X-GM-MSGID')) ?? null,
  }
}
