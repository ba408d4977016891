// Mail in files as a source: whatever of Maildirs, mbox files and .eml files a container holds, told apart by what they are and
// not by what somebody called them. Files that are no mail are left and listed.
import { isFromLine, fromLineTime } from '../mail/mbox/from-line.ts'
import type { MboxOptions } from '../mail/mbox/splitter.ts'
import { tryKeyword } from '../mail/mbox/status-fields.ts'
import { type Container, type Entry, peek } from './container.ts'
import { decodeLevel, guessSpecialUse, mailboxName } from './folder-names.ts'
import {
  type MaildirFolder,
  maildirFolders,
  maildirState,
  parseDovecotKeywords,
  uniquePart,
} from './maildir.ts'
import { mboxMessages } from './mbox-messages.ts'
import type { Source, SourceFolder, SourceMessage } from './source.ts'

export interface FileSourceOptions {
  readonly quoting: NonNullable<MboxOptions['quoting']>
  /** What files are taken for, where they don't say; default `auto`. */
  readonly format: 'auto' | 'mbox' | 'maildir' | 'eml'
  /** For a single .eml file and one that came over standard input. */
  readonly single?: boolean
}

/** Files that are beside mail and never mail themselves. */
const besideMail =
  /(?:^|\/)(?:\.[^/]*|[^/]*\.(?:msf|dat|json|jsonl|html?|log|sqlite|db|plist|index[^/]*|cache)|dovecot[^/]*|subscriptions|maildir[^/]*|courier[^/]*)$/i

export function fileSource(container: Container, options: FileSourceOptions): Source {
  const ignored: string[] = []
  return {
    identity: container.identity,
    label: container.identity,
    ignored,
    async folders() {
      ignored.length = 0
      const { folders, others } = maildirFolders(await container.entries())
      const found = new Map<string, SourceFolder[]>()
      const add = (folder: SourceFolder): void => {
        found.set(folder.name, [...(found.get(folder.name) ?? []), folder])
      }
      for (const folder of folders) add(await maildirSource(folder, others))
      const emls = new Map<string, Entry[]>()
      for (const entry of others) {
        const kind = await kindOf(entry, options)
        if (kind === 'mbox') add(mboxSource(entry, options))
        else if (kind === 'eml') {
          const name = options.single === true ? 'INBOX' : folderOf(entry)
          emls.set(name, [...(emls.get(name) ?? []), entry])
        } else if (!besideMail.test(entry.path)) ignored.push(entry.path)
      }
      for (const [name, entries] of emls) add(emlSource(name, entries))
      return [...found].flatMap(([, same]) => same).toSorted((a, b) => order(a.name) - order(b.name))
    },
    [Symbol.asyncDispose]: () => container[Symbol.asyncDispose](),
  }
}

const order = (name: string): number => (name === 'INBOX' ? 0 : 1)

async function kindOf(
  entry: Entry,
  { format, single }: FileSourceOptions,
): Promise<'mbox' | 'eml' | undefined> {
  if (entry.kind !== undefined) return entry.kind
  if (entry.path.toLowerCase().endsWith('.eml')) return 'eml'
  if (format === 'maildir') return undefined
  if (format === 'eml') return single === true ? 'eml' : undefined
  if (entry.size === 0) return /\.mbox$|\/mbox$/i.test(entry.path) ? 'mbox' : undefined
  if (besideMail.test(entry.path) && single !== true) return undefined
  const start = await peek(entry, 1_000).catch(() => '')
  const [line = ''] = start.split(/\r?\n/, 1)
  if (isFromLine(line) || (format === 'mbox' && line.startsWith('From '))) return 'mbox'
  return single === true && /^[\x21-\x39\x3b-\x7e]+[ \t]*:/.test(start) ? 'eml' : undefined
}

function folderOf(entry: Entry): string {
  return mailboxName(entry.path.split('/').slice(0, -1).map(decodeLevel))
}

/** `Sent.mbox`, Thunderbird's `Archive.sbd/2020`, Apple Mail's `Name.mbox/mbox`. */
function mboxName(entry: Entry): string {
  const levels = entry.path.replace(/\.(?:gz|zst)$/i, '').split('/')
  if (levels.length > 1 && levels.at(-1) === 'mbox') levels.pop()
  return mailboxName(levels.map((level) => decodeLevel(level.replace(/\.(?:mbox|mbx|sbd)$/i, ''))))
}

function plain(name: string): Pick<SourceFolder, 'name' | 'specialUse' | 'goesBy' | 'subscribed'> {
  return { name, specialUse: guessSpecialUse(name), goesBy: 'special-use', subscribed: true }
}

/** What all messages in files have in common. */
export const fromFile = {
  key: null,
  octets: 'text',
  identity: null,
  isCopy: false,
} as const satisfies Partial<SourceMessage>

function mboxSource(entry: Entry, { quoting }: FileSourceOptions): SourceFolder {
  return {
    ...plain(mboxName(entry)),
    messages: null,
    bytes: entry.size,
    async *read() {
      for await (const message of mboxMessages(entry.open(), { quoting })) {
        yield {
          ...fromFile,
          name: `${entry.path}, message ${message.number} (octet ${message.offset})`,
          flags: 0,
          keywords: [],
          internalDate: fromLineTime(message.fromLine) ?? null,
          fallbackDate: entry.time,
          header: 'file',
          open: () => message.content,
        }
      }
    },
  }
}

function emlSource(name: string, entries: readonly Entry[]): SourceFolder {
  return {
    ...plain(name),
    messages: entries.length,
    bytes: sizeOf(entries),
    // oxlint-disable-next-line require-await -- the contract is asynchronous
    async *read() {
      for (const entry of entries) {
        yield {
          ...fromFile,
          name: entry.path,
          flags: 0,
          keywords: [],
          internalDate: null,
          fallbackDate: entry.time,
          header: 'message',
          open: () => entry.open(),
        }
      }
    },
  }
}

async function maildirSource(folder: MaildirFolder, others: readonly Entry[]): Promise<SourceFolder> {
  const path = folder.path === '' ? 'dovecot-keywords' : `${folder.path}/dovecot-keywords`
  const list = others.find((entry) => entry.path === path)
  const names = list === undefined ? [] : parseDovecotKeywords(await peek(list, 16_384))
  return {
    ...plain(folder.name),
    messages: folder.messages.length,
    bytes: sizeOf(folder.messages),
    // oxlint-disable-next-line require-await -- the contract is asynchronous
    async *read() {
      for (const entry of folder.messages) {
        const { flags, keywords } = maildirState(entry.path, names)
        yield {
          ...fromFile,
          name: `${folder.name}: ${uniquePart(entry.path)}`,
          flags,
          keywords: keywords.map(tryKeyword).filter((keyword) => keyword !== undefined),
          internalDate: entry.time,
          fallbackDate: null,
          header: 'message',
          open: () => entry.open(),
        }
      }
    },
  }
}

function sizeOf(entries: readonly Entry[]): number {
  return entries.reduce((sum, { size }) => sum + size, 0)
}
