// An export as Maildir++ with Dovecot's names: INBOX at the root, other mailboxes as `.Name.Sub` beside `cur`; flags in the
// file names, keywords by `dovecot-keywords`, internal dates as times of the files, `subscriptions`, and the manifest.
import { mkdir, rename, utimes, writeFile } from 'node:fs/promises'
import { join } from 'node:path'
import { encodeModifiedUtf7 } from '../imap/proto/grammar/mailbox.ts'
import { Flag } from '../store/model.ts'
import {
  emptyFolder,
  type ExportTarget,
  FileAppender,
  FileNames,
  hasPlainLineEnds,
  withoutCrs,
  type Written,
} from './export-target.ts'
import type { ExportedMailbox, ExportedMessage } from './exporter.ts'
import { manifestName } from './manifest.ts'

export async function openMaildirTarget(folder: string): Promise<ExportTarget> {
  await emptyFolder(folder)
  return new MaildirTarget(folder)
}

/** Keywords that have a letter: a to z. */
const mostKeywords = 26

class MaildirTarget implements ExportTarget {
  readonly format = 'maildir'
  readonly #folder: string
  readonly #names = new FileNames()
  readonly #manifest: FileAppender
  readonly #subscribed: string[] = []
  #path = ''
  #keywords: string[] = []
  #isBegun = false

  constructor(folder: string) {
    this.#folder = folder
    this.#manifest = new FileAppender(join(folder, manifestName))
  }

  async mailbox({ name, subscribed }: ExportedMailbox): Promise<null> {
    await this.#writeKeywords()
    this.#path = this.#names.take(maildirName(name))
    for (const part of ['tmp', 'new', 'cur']) {
      await mkdir(join(this.#folder, this.#path, part), { recursive: true, mode: 0o700 })
    }
    if (this.#path !== '') await writeFile(join(this.#folder, this.#path, 'maildirfolder'), '')
    if (subscribed) this.#subscribed.push(this.#path === '' ? 'INBOX' : this.#path.slice(1))
    this.#isBegun = true
    return null
  }

  async message(message: ExportedMessage, content: () => AsyncIterable<Uint8Array>): Promise<Written> {
    const octets = (await hasPlainLineEnds(content())) ? 'lf' : 'exact'
    const unique = `${Math.floor(message.internalDate / 1000)}.U${message.uid}E${message.email}.posthorn,W=${message.size}`
    const temporary = join(this.#folder, this.#path, 'tmp', unique)
    const file = new FileAppender(temporary)
    for await (const chunk of content()) await file.write(octets === 'lf' ? withoutCrs(chunk) : chunk)
    await file.end()
    await utimes(temporary, message.internalDate / 1000, message.internalDate / 1000)
    const name = `cur/${unique}:2,${this.#letters(message)}`
    await rename(temporary, join(this.#folder, this.#path, name))
    return { file: this.#path === '' ? name : `${this.#path}/${name}`, added: 0, octets }
  }

  #letters({ flags, keywords }: ExportedMessage): string {
    const system = letters.filter(([bit]) => (flags & bit) !== 0).map(([, letter]) => letter)
    for (const keyword of keywords === '' ? [] : keywords.split(' ')) {
      let number = this.#keywords.indexOf(keyword)
      // Those beyond the alphabet are in the manifest alone.
      if (number < 0 && this.#keywords.length < mostKeywords) number = this.#keywords.push(keyword) - 1
      if (number >= 0) system.push(String.fromCharCode(97 + number))
    }
    return system.toSorted().join('')
  }

  async #writeKeywords(): Promise<void> {
    if (!this.#isBegun || this.#keywords.length === 0) return
    const text = this.#keywords.map((keyword, number) => `${number} ${keyword}\n`).join('')
    await writeFile(join(this.#folder, this.#path, 'dovecot-keywords'), text)
    this.#keywords = []
  }

  manifest(line: string): Promise<void> {
    return this.#manifest.write(`${line}\n`)
  }

  async finish(): Promise<void> {
    await this.#writeKeywords()
    const list = this.#subscribed.map((name) => `${name}\n`).join('')
    await writeFile(join(this.#folder, 'subscriptions'), list)
    await this.#manifest.end()
  }

  abandon(): Promise<void> {
    return this.finish()
  }
}

const letters: readonly (readonly [number, string])[] = [
  [Flag.draft, 'D'],
  [Flag.flagged, 'F'],
  [Flag.answered, 'R'],
  [Flag.seen, 'S'],
  [Flag.deleted, 'T'],
]

/** `.Archive.2020`: a dot parts levels, so that none can have one. */
function maildirName(name: string): string {
  if (name === 'INBOX') return ''
  const levels = name.split('/').map((level) => encodeModifiedUtf7(level.replaceAll('.', '_')))
  return `.${levels.join('.')}`
}
