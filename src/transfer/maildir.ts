// Maildir and Maildir++ as they lie in a container: which files are messages of which folder, and what their names say.
//
// `FOLDER/cur/UNIQUE:2,FLAGS` and `FOLDER/new/UNIQUE`; Maildir++ has subfolders as `.Name.Sub` beside `cur`, others nest
// folders. `;2,` and `!2,` stand for `:2,` where file systems have no colon. Small letters are keywords by the numbers of
// Dovecot's file `dovecot-keywords`. `tmp` holds nothing that was delivered.
import { Flag } from '../store/model.ts'
import type { Entry } from './container.ts'
import { decodeLevel, mailboxName } from './folder-names.ts'

export interface MaildirFolder {
  readonly name: string
  /** Path of the folder that has `cur`; '' is the root. */
  readonly path: string
  readonly messages: Entry[]
  keywords: readonly (string | undefined)[]
}

const messagePath = /^(?:(.*)\/)?(?:cur|new)\/([^/]+)$/

/** Folders with their messages, and the entries that are in none. */
export function maildirFolders(entries: readonly Entry[]): { folders: MaildirFolder[]; others: Entry[] } {
  const folders = new Map<string, MaildirFolder>()
  const others: Entry[] = []
  for (const entry of entries) {
    const match = messagePath.exec(entry.path)
    if (match === null || match[2]?.startsWith('.') === true) others.push(entry)
    else {
      const path = match[1] ?? ''
      let folder = folders.get(path)
      if (folder === undefined) {
        folder = { name: folderName(path), path, messages: [], keywords: [] }
        folders.set(path, folder)
      }
      folder.messages.push(entry)
    }
  }
  for (const folder of folders.values()) folder.messages.sort(byArrival)
  return { folders: [...folders.values()].toSorted((a, b) => (a.name < b.name ? -1 : 1)), others }
}

/** Names begin with the second of the delivery. */
function byArrival(a: Entry, b: Entry): number {
  const [one, other] = [uniquePart(a.path), uniquePart(b.path)]
  const seconds = Number.parseInt(one, 10) - Number.parseInt(other, 10)
  if (Number.isFinite(seconds) && seconds !== 0) return seconds
  return one < other ? -1 : 1
}

function folderName(path: string): string {
  const levels = path
    .split('/')
    .flatMap((part) => (part.startsWith('.') ? part.slice(1).split('.') : [part]))
    .map(decodeLevel)
  return mailboxName(levels)
}

/** The part of the name that stays the same while flags change. */
export function uniquePart(path: string): string {
  const name = path.slice(path.lastIndexOf('/') + 1)
  return name.replace(/[:;!]2,[A-Za-z]*$/, '')
}

const letters: Readonly<Record<string, number>> = {
  S: Flag.seen,
  R: Flag.answered,
  F: Flag.flagged,
  T: Flag.deleted,
  D: Flag.draft,
}

export function maildirState(
  path: string,
  names: readonly (string | undefined)[],
): { flags: number; keywords: string[] } {
  const info = /[:;!]2,([A-Za-z]*)$/.exec(path)?.[1] ?? ''
  let flags = 0
  const keywords: string[] = []
  for (const letter of info) {
    flags |= letters[letter] ?? 0
    if (letter === 'P') keywords.push('$Forwarded')
    const name = letter >= 'a' ? names[letter.charCodeAt(0) - 97] : undefined
    if (name !== undefined) keywords.push(name)
  }
  return { flags, keywords }
}

/** Dovecot's file: a number and a name on each line. */
export function parseDovecotKeywords(text: string): (string | undefined)[] {
  const names: (string | undefined)[] = []
  for (const line of text.split('\n', 100)) {
    const match = /^(\d{1,2}) (\S+)\s*$/.exec(line)
    if (match !== null) names[Number(match[1])] = match[2]
  }
  return names
}
