// An export as mbox files (mboxrd): one for each mailbox, the state of each message in fields that mutt, Dovecot and Thunderbird
// read, and the manifest beside them.
import { mkdir } from 'node:fs/promises'
import { dirname, join } from 'node:path'
import { formatFromLine } from '../mail/mbox/from-line.ts'
import { MboxQuoter } from '../mail/mbox/quoter.ts'
import { formatStatusFields, type SystemFlag } from '../mail/mbox/status-fields.ts'
import { Flag } from '../store/model.ts'
import {
  emptyFolder,
  type ExportTarget,
  FileAppender,
  fileLevel,
  FileNames,
  hasPlainLineEnds,
  withoutCrs,
  type Written,
} from './export-target.ts'
import type { ExportedMailbox, ExportedMessage } from './exporter.ts'
import { manifestName } from './manifest.ts'

export async function openMboxTarget(folder: string): Promise<ExportTarget> {
  await emptyFolder(folder)
  return new MboxTarget(folder)
}

class MboxTarget implements ExportTarget {
  readonly format = 'mbox'
  readonly #folder: string
  readonly #names = new FileNames()
  readonly #manifest: FileAppender
  #box: FileAppender | null = null

  constructor(folder: string) {
    this.#folder = folder
    this.#manifest = new FileAppender(join(folder, manifestName))
  }

  async mailbox({ name }: ExportedMailbox): Promise<string> {
    await this.#box?.end()
    const file = `${this.#names.take(name.split('/').map(fileLevel).join('/'))}.mbox`
    const path = join(this.#folder, file)
    await mkdir(dirname(path), { recursive: true, mode: 0o700 })
    this.#box = new FileAppender(path)
    return file
  }

  async message(message: ExportedMessage, content: () => AsyncIterable<Uint8Array>): Promise<Written> {
    const box = this.#box
    if (box === null) throw new Error('a message without a mailbox')
    const octets = (await hasPlainLineEnds(content())) ? 'lf' : 'exact'
    const { fromLine, fields } = headOf(message)
    const quoter = new MboxQuoter()
    await box.write(fromLine + fields)
    let last = 10
    for await (const chunk of content()) {
      last = chunk.at(-1) ?? last
      await box.write(quoter.push(octets === 'lf' ? withoutCrs(chunk) : chunk))
    }
    await box.write(quoter.finish())
    await box.write(last === 10 ? '\n' : '\n\n')
    return { file: null, added: Buffer.byteLength(fields), octets }
  }

  manifest(line: string): Promise<void> {
    return this.#manifest.write(`${line}\n`)
  }

  async finish(): Promise<void> {
    await this.#box?.end()
    await this.#manifest.end()
  }

  abandon(): Promise<void> {
    return this.finish()
  }
}

const states: readonly (readonly [number, SystemFlag])[] = [
  [Flag.seen, 'seen'],
  [Flag.answered, 'answered'],
  [Flag.flagged, 'flagged'],
  [Flag.deleted, 'deleted'],
  [Flag.draft, 'draft'],
]

/** The From_ line, and the fields of the state; with LF. */
function headOf(message: ExportedMessage): { fromLine: string; fields: string } {
  const flags = new Set(states.filter(([bit]) => (message.flags & bit) !== 0).map(([, flag]) => flag))
  const keywords = message.keywords === '' ? [] : message.keywords.split(' ')
  const sender = /^Return-Path:[ \t]*<([^>\r\n]*)>/im.exec(message.prefix)?.[1] ?? ''
  return {
    fromLine: `${formatFromLine(sender, message.internalDate)}\n`,
    fields: formatStatusFields({ flags, keywords }).replaceAll('\r\n', '\n'),
  }
}
