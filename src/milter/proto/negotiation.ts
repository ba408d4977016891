// What a mail server and a milter agree on at the start: the version, what the milter may change, and which steps it wants to see.
//
// The server offers; the milter answers with what it takes of it. Names are those of libmilter (`SMFIF_…`, `SMFIP_…`) in camel case.
import { MilterProtocolError } from './frames.ts'
import { readTexts, readUint32, text, uint32 } from './fields.ts'

/** Changes that a milter may ask for (`SMFIF_…`). */
export const actionBits = {
  addHeaders: 0x01,
  changeBody: 0x02,
  addRecipients: 0x04,
  deleteRecipients: 0x08,
  changeHeaders: 0x10,
  quarantine: 0x20,
  changeSender: 0x40,
  addRecipientsWithParameters: 0x80,
  requestMacros: 0x100,
} as const

/** Steps that are left out, replies that are not sent, and other choices (`SMFIP_…`). */
export const stepBits = {
  noConnect: 0x01,
  noHelo: 0x02,
  noMail: 0x04,
  noRcpt: 0x08,
  noBody: 0x10,
  noHeaders: 0x20,
  noEndOfHeaders: 0x40,
  silentHeaders: 0x80,
  noUnknown: 0x100,
  noData: 0x200,
  skip: 0x400,
  refusedRecipients: 0x800,
  silentConnect: 0x1000,
  silentHelo: 0x2000,
  silentMail: 0x4000,
  silentRcpt: 0x8000,
  silentData: 0x1_0000,
  silentUnknown: 0x2_0000,
  silentEndOfHeaders: 0x4_0000,
  silentBody: 0x8_0000,
  leadingSpace: 0x10_0000,
} as const

/** The oldest and the newest version that is spoken. */
export const versions = { oldest: 2, newest: 6 } as const

/** What this server lets a milter do: all but recipients with ESMTP parameters, which it could not honour. */
export const offeredActions: number =
  actionBits.addHeaders |
  actionBits.changeBody |
  actionBits.addRecipients |
  actionBits.deleteRecipients |
  actionBits.changeHeaders |
  actionBits.quarantine |
  actionBits.changeSender |
  actionBits.requestMacros

/** What this server understands: all but being told of recipients that were refused, which are not shown to milters. */
export const offeredSteps: number =
  Object.values(stepBits).reduce((sum, bit) => sum | bit, 0) & ~stepBits.refusedRecipients

/** Stages for which a milter may choose its macros (`SMFIM_…`), by number. */
export const macroStages = [
  'connect',
  'helo',
  'mail',
  'rcpt',
  'data',
  'end-of-message',
  'end-of-headers',
] as const
export type MacroStage = (typeof macroStages)[number]

export interface Negotiated {
  readonly version: number
  readonly actions: number
  readonly steps: number
  /** The macros that it asked for; a stage that is missing gets all that are known. */
  readonly macros: ReadonlyMap<MacroStage, readonly string[]>
}

/** The data of the server's offer (`SMFIC_OPTNEG`). */
export function encodeOffer(): Uint8Array {
  return Uint8Array.from([...uint32(versions.newest), ...uint32(offeredActions), ...uint32(offeredSteps)])
}

/**
 * The milter's answer. What it takes beyond the offer is not granted: some milters always answer with all that they know, and are
 * content. Throws `MilterProtocolError` for an answer that is none.
 */
export function parseAgreement(data: Uint8Array): Negotiated {
  if (data.length < 12) throw new MilterProtocolError('a short negotiation')
  const version = readUint32(data, 0)
  if (version < versions.oldest || version > versions.newest) {
    throw new MilterProtocolError(`version ${version}`)
  }
  const actions = (readUint32(data, 4) & offeredActions) >>> 0
  const steps = (readUint32(data, 8) & offeredSteps) >>> 0
  return { version, actions, steps, macros: readMacros(data.subarray(12)) }
}

function readMacros(data: Uint8Array): Map<MacroStage, readonly string[]> {
  const macros = new Map<MacroStage, readonly string[]>()
  let at = 0
  while (at < data.length) {
    if (data.length - at < 5) throw new MilterProtocolError('a short list of macros')
    const stage = macroStages[readUint32(data, at)]
    const end = data.indexOf(0, at + 4)
    if (stage === undefined || end < 0) throw new MilterProtocolError('a list of macros for no stage')
    const [names = ''] = readTexts(data.subarray(at + 4, end + 1))
    macros.set(
      stage,
      names.split(/[\s,]+/).filter((name) => name !== ''),
    )
    at = end + 1
  }
  return macros
}

/** For tests and milters of our own: the answer as a milter sends it. */
export function encodeAgreement({ version, actions, steps, macros }: Negotiated): Uint8Array {
  const lists = [...macros].flatMap(([stage, names]) => [
    ...uint32(macroStages.indexOf(stage)),
    ...text(names.join(' ')),
  ])
  return Uint8Array.from([...uint32(version), ...uint32(actions), ...uint32(steps), ...lists])
}
