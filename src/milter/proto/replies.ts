// What a milter answers (`SMFIR_…`): a verdict on the step, or, at the end of a message, changes to it before the verdict.
//
// A reply that this server did not offer to understand, one that is cut off, or a reply code of no known class is a
// `MilterProtocolError`. Texts are binary strings (`fields.ts`); nothing in them is believed yet.
import { readTexts, readUint32, text, uint32 } from './fields.ts'
import { encodeFrame, type Frame, MilterProtocolError } from './frames.ts'
import { encodeAgreement, type Negotiated, parseAgreement } from './negotiation.ts'

/** Ends a step. */
export type MilterVerdict =
  | { readonly type: 'continue' }
  /** No more of this kind: of a body, further chunks; of a header, further fields. */
  | { readonly type: 'skip' }
  | { readonly type: 'accept' }
  | { readonly type: 'reject' }
  | { readonly type: 'tempfail' }
  | { readonly type: 'discard' }
  /** 421, and the end of the session. */
  | { readonly type: 'shutdown' }
  /** As the client shall hear it. */
  | {
      readonly type: 'reply-code'
      readonly code: number
      readonly status: string | null
      readonly text: string
    }

/** Asked for at the end of a message. */
export type MilterChange =
  | { readonly type: 'add-header'; readonly name: string; readonly value: string }
  /** Before the field with this number, counted from 0. */
  | { readonly type: 'insert-header'; readonly index: number; readonly name: string; readonly value: string }
  /** The field of that name with this number, counted from 1; an empty value removes it. */
  | { readonly type: 'change-header'; readonly index: number; readonly name: string; readonly value: string }
  | { readonly type: 'add-recipient'; readonly address: string }
  | { readonly type: 'delete-recipient'; readonly address: string }
  | { readonly type: 'change-sender'; readonly address: string; readonly parameters: string }
  /** Pieces of the new body, in order. */
  | { readonly type: 'replace-body'; readonly bytes: Uint8Array }
  | { readonly type: 'quarantine'; readonly reason: string }

export type MilterReply =
  | MilterVerdict
  | MilterChange
  /** Still at work: the time-out begins anew. */
  | { readonly type: 'progress' }
  | { readonly type: 'negotiated'; readonly agreement: Negotiated }

/** Reads a milter's frame. Throws `MilterProtocolError`. */
export function parseReply({ letter, data }: Frame): MilterReply {
  const plain = plainReplies[letter]
  if (plain !== undefined) {
    if (data.length > 0) throw new MilterProtocolError(`more than a letter in reply ${letter}`)
    return { type: plain }
  }
  const read = readers[letter]
  if (read === undefined) throw new MilterProtocolError(`unknown reply ${JSON.stringify(letter)}`)
  return read(data)
}

const plainReplies: Readonly<Record<string, Exclude<MilterVerdict['type'], 'reply-code'> | 'progress'>> = {
  c: 'continue',
  s: 'skip',
  a: 'accept',
  r: 'reject',
  t: 'tempfail',
  d: 'discard',
  '4': 'shutdown',
  p: 'progress',
}

const readers: Readonly<Record<string, (data: Uint8Array) => MilterReply>> = {
  O: (data) => ({ type: 'negotiated', agreement: parseAgreement(data) }),
  y: readReplyCode,
  h: (data) => {
    const [name, value] = texts(data, 2)
    return { type: 'add-header', name, value }
  },
  i: (data) => ({ type: 'insert-header', index: readUint32(data, 0), ...field(data) }),
  m: (data) => ({ type: 'change-header', index: readUint32(data, 0), ...field(data) }),
  '+': (data) => ({ type: 'add-recipient', address: texts(data, 1)[0] }),
  '-': (data) => ({ type: 'delete-recipient', address: texts(data, 1)[0] }),
  e: (data) => {
    const [address = '', parameters = '', ...more] = readTexts(data)
    if (more.length > 0) throw new MilterProtocolError('a sender with too many parts')
    return { type: 'change-sender', address, parameters }
  },
  b: (data) => ({ type: 'replace-body', bytes: data }),
  q: (data) => ({ type: 'quarantine', reason: texts(data, 1)[0] }),
}

function field(data: Uint8Array): { name: string; value: string } {
  const [name, value] = texts(data.subarray(4), 2)
  return { name, value }
}

function texts(data: Uint8Array, wanted: 1 | 2): [string, string] {
  const [first = '', second = '', ...more] = readTexts(data)
  const found = data.length === 0 ? 0 : 1 + Number(data.indexOf(0) !== data.length - 1) + more.length
  if (found !== wanted) throw new MilterProtocolError(`${found} texts instead of ${wanted}`)
  return [first, second]
}

/** `550 5.7.1 No`, several lines with CRLF and the code on each (`smfi_setmlreply`); only 4yz and 5yz may be said. */
function readReplyCode(data: Uint8Array): MilterVerdict {
  const [whole] = texts(data, 1)
  const lines = whole.replace(/\r?\n$/, '').split(/\r?\n/)
  const codes = lines.map((line) => /^([45][0-9]{2})(?:[ -]|$)/.exec(line)?.[1])
  const [code] = codes
  if (code === undefined || codes.some((other) => other !== code)) {
    throw new MilterProtocolError('a reply without a code of class 4 or 5')
  }
  const statuses = lines.map(
    (line) => /^[45]\.[0-9]{1,3}\.[0-9]{1,3}(?= |$)/.exec(line.slice(4))?.[0] ?? null,
  )
  const status = statuses[0] ?? null
  if (status !== null && status[0] !== code[0]) {
    throw new MilterProtocolError(`status ${status} does not fit the code ${code}`)
  }
  const words = lines.map((line, index) => line.slice(4 + (statuses[index]?.length ?? 0)).trim())
  return { type: 'reply-code', code: Number(code), status, text: words.join(' ').trim() }
}

/** The frame of a reply: for tests, and for whoever plays the milter. */
export function encodeReply(reply: MilterReply): Uint8Array {
  switch (reply.type) {
    case 'negotiated':
      return encodeFrame('O', encodeAgreement(reply.agreement))
    case 'reply-code': {
      const status = reply.status === null ? '' : `${reply.status} `
      return encodeFrame('y', text(`${reply.code} ${status}${reply.text}`))
    }
    case 'add-header':
      return encodeFrame('h', join(text(reply.name), text(reply.value)))
    case 'insert-header':
      return encodeFrame('i', join(uint32(reply.index), text(reply.name), text(reply.value)))
    case 'change-header':
      return encodeFrame('m', join(uint32(reply.index), text(reply.name), text(reply.value)))
    case 'add-recipient':
      return encodeFrame('+', text(reply.address))
    case 'delete-recipient':
      return encodeFrame('-', text(reply.address))
    case 'change-sender':
      return encodeFrame(
        'e',
        join(text(reply.address), reply.parameters === '' ? none : text(reply.parameters)),
      )
    case 'replace-body':
      return encodeFrame('b', reply.bytes)
    case 'quarantine':
      return encodeFrame('q', text(reply.reason))
    default: {
      const [letter] = Object.entries(plainReplies).find(([, type]) => type === reply.type) ?? ['c']
      return encodeFrame(letter, none)
    }
  }
}

const none = new Uint8Array(0)

function join(...parts: readonly Uint8Array[]): Uint8Array {
  return Uint8Array.from(parts.flatMap((part) => [...part]))
}
