// An export of ours as a source: its manifest says what the files alone cannot, so that what comes back is the same.
import type { Container, Entry } from './container.ts'
import { fromFile } from './file-source.ts'
import { uniquePart } from './maildir.ts'
import { flagBits, manifestName, type ManifestLine, tryManifestLine } from './manifest.ts'
import { type MboxMessage, mboxMessages } from './mbox-messages.ts'
import { type Source, type SourceFolder, type SourceMessage, SourceUnreadable } from './source.ts'

type MailboxLine = Extract<ManifestLine, { type: 'mailbox' }>
type MessageLine = Extract<ManifestLine, { type: 'message' }>

async function manifestOf(container: Container): Promise<Entry | undefined> {
  return (await container.entries()).find(({ path }) => path === manifestName)
}

export async function isExport(container: Container): Promise<boolean> {
  const manifest = await manifestOf(container)
  if (manifest === undefined) return false
  for await (const line of linesOf(manifest)) return line.type === 'posthorn-export' && line.version === 1
  return false
}

export async function exportSource(container: Container): Promise<Source> {
  const manifest = await manifestOf(container)
  if (manifest === undefined) throw new SourceUnreadable(`${container.identity} has no ${manifestName}.`)
  const files = new Map<string, Entry>()
  for (const entry of await container.entries()) {
    files.set(entry.path, entry)
    // Somebody may have used the Maildir meanwhile: a message that moved from `new` to `cur` is the same.
    const match = /^(.*\/)?(?:cur|new)\/[^/]+$/.exec(entry.path)
    if (match !== null) files.set(`${match[1] ?? ''}*/${uniquePart(entry.path)}`, entry)
  }
  return {
    identity: container.identity,
    label: container.identity,
    ignored: [],
    async folders() {
      const folders: SourceFolder[] = []
      for await (const line of linesOf(manifest)) {
        if (line.type === 'mailbox') folders.push(folderOf(line, manifest, files))
      }
      return folders
    },
    [Symbol.asyncDispose]: () => container[Symbol.asyncDispose](),
  }
}

function folderOf(mailbox: MailboxLine, manifest: Entry, files: ReadonlyMap<string, Entry>): SourceFolder {
  const { name, specialUse, subscribed, messages, bytes } = mailbox
  return {
    ...{ name, specialUse, subscribed, messages, bytes },
    goesBy: 'name',
    read: () => readMailbox(mailbox, manifest, files),
  }
}

async function* readMailbox(
  mailbox: MailboxLine,
  manifest: Entry,
  files: ReadonlyMap<string, Entry>,
): AsyncGenerator<SourceMessage> {
  const box = mailbox.file === null ? undefined : files.get(mailbox.file)
  const inBox = box === undefined ? null : mboxMessages(box.open(), { quoting: 'mboxrd' })
  try {
    for await (const line of messageLines(mailbox.name, manifest)) {
      const next = await inBox?.next()
      const content = next === undefined || next.done === true ? undefined : next.value
      yield messageOf(line, { mailbox, content, files })
    }
  } finally {
    await inBox?.return(undefined)
  }
}

function messageOf(
  line: MessageLine,
  from: { mailbox: MailboxLine; content: MboxMessage | undefined; files: ReadonlyMap<string, Entry> },
): SourceMessage {
  const date = Date.parse(line.date)
  const { flags } = flagBits(line.flags)
  return {
    ...fromFile,
    name: line.file ?? `${from.mailbox.name}, UID ${line.uid}`,
    flags,
    keywords: line.keywords,
    internalDate: Number.isFinite(date) ? date : null,
    fallbackDate: null,
    header: 'message',
    octets: 'exact',
    open: () => contentOf(line, from),
  }
}

async function* contentOf(
  line: MessageLine,
  from: { content: MboxMessage | undefined; files: ReadonlyMap<string, Entry> },
): AsyncGenerator<Uint8Array> {
  const entry = line.file === null ? undefined : fileOf(line.file, from.files)
  const stream = from.content?.content ?? entry?.open()
  if (stream === undefined) throw new Error('it is not among the files of the export')
  let skip = line.added
  let left = line.size
  for await (const chunk of stream) {
    const bytes = Buffer.from(chunk.buffer, chunk.byteOffset, chunk.byteLength)
    const own = bytes.subarray(Math.min(skip, bytes.length))
    skip -= bytes.length - own.length
    const whole = line.octets === 'lf' ? withCrs(own) : own
    // What the file has behind it is the file's: the line end that an mbox puts behind a message without one.
    const piece = whole.subarray(0, Math.max(0, left))
    left -= piece.length
    if (piece.length > 0) yield piece
  }
  if (left > 0) throw new Error(`the file has ${left} octets less of it than the manifest says`)
}

/** A CR before each LF; a message with other line ends than CRLF is kept as `exact`. */
function withCrs(bytes: Buffer): Buffer {
  if (bytes.indexOf(10) < 0) return bytes
  const out = Buffer.allocUnsafe(bytes.length * 2)
  let to = 0
  for (const octet of bytes) {
    if (octet === 10) out[to++] = 13
    out[to++] = octet
  }
  return out.subarray(0, to)
}

function fileOf(path: string, files: ReadonlyMap<string, Entry>): Entry | undefined {
  const match = /^(.*\/)?(?:cur|new)\/[^/]+$/.exec(path)
  return files.get(path) ?? (match === null ? undefined : files.get(`${match[1] ?? ''}*/${uniquePart(path)}`))
}

async function* messageLines(mailbox: string, manifest: Entry): AsyncGenerator<MessageLine> {
  let isOurs = false
  for await (const line of linesOf(manifest)) {
    if (line.type === 'mailbox') isOurs = line.name === mailbox
    else if (line.type === 'message' && isOurs) yield line
  }
}

async function* linesOf(manifest: Entry): AsyncGenerator<ManifestLine> {
  const decoder = new TextDecoder()
  let rest = ''
  for await (const chunk of manifest.open()) {
    const lines = (rest + decoder.decode(chunk, { stream: true })).split('\n')
    rest = lines.pop() ?? ''
    for (const text of lines) {
      const line = tryManifestLine(text)
      if (line !== undefined) yield line
    }
  }
  const last = tryManifestLine(rest)
  if (last !== undefined) yield last
}
