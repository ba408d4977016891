// Data items of FETCH that need a message's structure or octets.
//
// A response is made without waiting wherever the octets are at hand, as those of small messages are; a literal's count is known before
// its first octet. A blob that ends early throws, and the session ends: nothing that was said behind it would be understood.
import { decodeStructure } from '../../../mail/mime/codec.ts'
import { encodeKeptBody } from '../../proto/encode/body-structure.ts'
import { encodeFetchStart, encodeFlagsItem } from '../../proto/encode/fetch-data.ts'
import { encodeItemName } from '../../proto/encode/responses.ts'
import { encodeKeptEnvelope } from '../../proto/encode/envelope.ts'
import { encodeObjectId } from '../../../mail/object-id.ts'
import { encodeUnicode } from '../../proto/encode/strings.ts'
import { keywordNews } from './fetching.ts'
import { LiteralBroken, MessageBytes, sizeOf, withoutNul } from './message-bytes.ts'
import { openBinary } from './fetch-binary.ts'
import { rowItem } from './fetch-row.ts'
import { headerRange, sectionPieces } from './fetch-section.ts'
import type { Binary } from './fetch-binary.ts'
import type { FetchItem } from '../../proto/grammar/fetch.ts'
import type { Fetching } from './fetching.ts'
import type { MessageText, Uid } from '../../../store/model.ts'
import type { Output } from '../output.ts'
import type { Piece } from './message-bytes.ts'

type SectionItem = Extract<FetchItem, { name: 'SECTION' }>

/** An item that the view and the kept structure tell. */
export function structureItem(
  item: FetchItem,
  of: { fetching: Fetching; index: number; uid: Uid; structure: string },
): string {
  const { fetching, index, uid, structure } = of
  const { modes } = fetching.run.session
  switch (item.name) {
    case 'UID':
      return `UID ${uid}`
    case 'FLAGS':
      return flagsOf(fetching, index)
    case 'ENVELOPE':
      return `ENVELOPE ${encodeKeptEnvelope(structure, modes)}`
    case 'BODY':
      return `BODY ${encodeKeptBody(structure, 'body', modes)}`
    case 'BODYSTRUCTURE':
      return `BODYSTRUCTURE ${encodeKeptBody(structure, 'bodystructure', modes)}`
    case 'PREVIEW':
      // RFC 8970 §3: made when the message came, so LAZY has nothing to wait for; "" where there is nothing to show.
      return `PREVIEW ${encodeUnicode(decodeStructure(structure).preview, modes)}`
    default:
      throw new Error(`${item.name} at ${index} needs more than a structure`)
  }
}

/** `* n FETCH (…)` of a message with its text. */
export function tellText(fetching: Fetching, index: number, message: MessageText): void | Promise<void> {
  const { run, items } = fetching
  const bytes = new MessageBytes(run.session.parts.store.blobs, message)
  const binary = items.some(({ name }) => name === 'BINARY' || name === 'BINARY.SIZE')
  if (binary || bytes.whole === undefined || items.length > mostAtOnce)
    return tellSlowly(fetching, index, { message, bytes })
  const { output } = run
  void output.text(startOf(fetching, index, message))
  for (const [at, item] of items.entries()) {
    if (at > 0) void output.text(' ')
    if (item.name !== 'SECTION') void output.text(otherItem(item, { fetching, index, message }))
    else {
      const range = headerRange(bytes, item.section, run.session.parts.config.headerText)
      const header = range === undefined ? nothing : bytes.whole.subarray(range.start, range.end)
      const pieces = sectionPieces(bytes, item, header)
      void output.text(literalStart(item, pieces))
      for (const piece of pieces ?? []) void output.bytes(withoutNul(bytes.now(piece)))
    }
  }
  // What was written before this was small, as the octets are: one wait for all of it keeps the peer's pace.
  return output.text(endOf(fetching, index, message))
}

const nothing = new Uint8Array(0)
/** Items that are written without waiting for the peer in between: each is a small message at most. */
const mostAtOnce = 10

/** The same where octets must be waited for. */
async function tellSlowly(
  fetching: Fetching,
  index: number,
  { message, bytes }: { message: MessageText; bytes: MessageBytes },
): Promise<void> {
  const { run, items } = fetching
  const { output } = run
  const opened = await openBinaries(items, bytes)
  if (opened === undefined) {
    fetching.undecodable = true
    return
  }
  await output.text(startOf(fetching, index, message))
  for (const [at, item] of items.entries()) {
    if (at > 0) await output.text(' ')
    const binary = opened.get(item)
    if (item.name === 'SECTION') await tellSection(fetching, bytes, item)
    else if (binary !== undefined) await tellBinary(output, binary, item)
    else await output.text(otherItem(item, { fetching, index, message }))
  }
  await output.text(endOf(fetching, index, message))
}

/** Parts with their transfer encoding undone; undefined where that of one is not known. */
async function openBinaries(
  items: readonly FetchItem[],
  bytes: MessageBytes,
): Promise<ReadonlyMap<FetchItem, Binary> | undefined> {
  const opened = new Map<FetchItem, Binary>()
  for (const item of items) {
    if (item.name !== 'BINARY' && item.name !== 'BINARY.SIZE') continue
    const binary = await openBinary(bytes, item.part, item.name === 'BINARY' ? item.partial : null)
    if (binary === undefined) return undefined
    opened.set(item, binary)
  }
  return opened
}

function startOf(fetching: Fetching, index: number, { uid }: MessageText): string {
  const start = encodeFetchStart({ number: index + 1, uid }, fetching.run.session.modes)
  return `${keywordNews(fetching, uid)}${start}`
}

/** What is told because this command set \Seen; RFC 7162 §3.2.4: with UID and MODSEQ, once CONDSTORE is enabled. */
function endOf(fetching: Fetching, index: number, message: MessageText): string {
  const { items, seen, run } = fetching
  if (!seen.has(message.uid)) return ')\r\n'
  const { condstore, uidOnly } = run.session.modes
  const missing: FetchItem['name'][] = ['FLAGS']
  if (condstore) missing.push('MODSEQ')
  if (condstore && !uidOnly) missing.push('UID')
  const told = new Set(items.map(({ name }) => name))
  const more = missing.filter((name) => !told.has(name))
  const values = more.map((name) =>
    name === 'FLAGS'
      ? flagsOf(fetching, index)
      : rowItem({ name } as FetchItem, { fetching, index, message }),
  )
  return `${values.map((value) => ` ${value}`).join('')})\r\n`
}

function flagsOf({ view, run }: Fetching, index: number): string {
  return encodeFlagsItem(view.flags(index), view.keywords(view.uid(index)), run.session.modes)
}

function otherItem(item: FetchItem, of: { fetching: Fetching; index: number; message: MessageText }): string {
  const { fetching, index, message } = of
  switch (item.name) {
    case 'ENVELOPE':
    case 'BODY':
    case 'BODYSTRUCTURE':
    case 'PREVIEW':
      return structureItem(item, { fetching, index, uid: message.uid, structure: message.structure })
    case 'THREADID':
      // RFC 8474 §7: `"THREADID" SP ( "(" objectid ")" / nil )`
      return `THREADID (${encodeObjectId('thread', fetching.selected.account, message.thread)})`
    default:
      return rowItem(item, of)
  }
}

function literalStart(item: SectionItem, pieces: readonly Piece[] | undefined): string {
  const name = encodeItemName(item)
  return pieces === undefined ? `${name} NIL` : `${name} {${sizeOf(pieces)}}\r\n`
}

async function tellSection(fetching: Fetching, bytes: MessageBytes, item: SectionItem): Promise<void> {
  const { output } = fetching.run
  const range = headerRange(bytes, item.section, fetching.run.session.parts.config.headerText)
  const header = range === undefined ? nothing : await bytes.collect(range, range.end - range.start)
  const pieces = sectionPieces(bytes, item, header)
  await output.text(literalStart(item, pieces))
  await tellOctets(output, readAll(bytes, pieces ?? []))
}

async function* readAll(bytes: MessageBytes, pieces: readonly Piece[]): AsyncGenerator<Uint8Array> {
  for (const piece of pieces) for await (const chunk of bytes.read(piece)) yield withoutNul(chunk)
}

/** The octets of a literal that was announced. */
async function tellOctets(output: Output, octets: AsyncIterable<Uint8Array>): Promise<void> {
  try {
    for await (const chunk of octets) {
      await output.bytes(chunk)
      if (output.gone) return
    }
  } catch (error) {
    throw new LiteralBroken('the octets of a literal could not be read', { cause: error })
  }
}

/** RFC 3516 §4.3: a literal8 where there is a NUL in it, else a string. */
async function tellBinary(output: Output, binary: Binary, item: FetchItem): Promise<void> {
  if (item.name === 'BINARY.SIZE') {
    await output.text(`BINARY.SIZE[${item.part.join('.')}] ${binary.type === 'absent' ? 0 : binary.size}`)
    return
  }
  if (item.name !== 'BINARY') throw new Error(`${item.name} is not BINARY`)
  const name = encodeItemName(item)
  if (binary.type === 'absent') {
    await output.text(`${name} NIL`)
    return
  }
  await output.text(`${name} ${binary.hasNul ? '~' : ''}{${binary.size}}\r\n`)
  await tellOctets(output, binary.read())
}
