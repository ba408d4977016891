// Parameters of MAIL and RCPT as rows: the extension that brings one, and how its value is read. What no extension in force
// brings is refused with 555 (RFC 5321 §4.1.1.11), a value outside the grammar with 501.
import { type Parameters } from '../grammar.ts'
import { replies, type Reply } from '../reply.ts'
import type { Session } from '../session.ts'

/** What the parameters of a command say, while it is put together. */
export type Draft<Asked> = { -readonly [Key in keyof Asked]: Asked[Key] }

export interface ParameterRow<Asked> {
  /** Whether this session may use it now. */
  readonly offered: (session: Session) => boolean
  /**
   * Takes the value (null where there was none) into the draft. A reply refuses it; `bad-value` stands for the usual one.
   */
  readonly read: (value: string | null, draft: Draft<Asked>, session: Session) => Reply | 'bad-value' | null
}

/** By keyword, in capitals. */
export type ParameterTable<Asked> = ReadonlyMap<string, ParameterRow<Asked>>

/** Always there. */
export const always = (): boolean => true

/** A row that takes a parsed value into one field; `undefined` from `parse` is a bad value. */
export function field<Asked, Key extends keyof Asked>(
  key: Key,
  offered: ParameterRow<Asked>['offered'],
  parse: (value: string | null) => Asked[Key] | undefined,
): ParameterRow<Asked> {
  return {
    offered,
    read: (value, draft) => {
      const parsed = parse(value)
      if (parsed === undefined) return 'bad-value'
      draft[key] = parsed
      return null
    },
  }
}

/** The keywords that this session may use now. */
export function offeredParameters<Asked>(table: ParameterTable<Asked>, session: Session): string[] {
  return [...table].filter(([, { offered }]) => offered(session)).map(([keyword]) => keyword)
}

/** Fills the draft from the parameters; the first refusal, or null. */
export function readParameters<Asked>(
  table: ParameterTable<Asked>,
  parameters: Parameters,
  into: { readonly draft: Draft<Asked>; readonly session: Session },
): Reply | null {
  const { draft, session } = into
  for (const [keyword, value] of parameters) {
    const row = table.get(keyword)
    if (row === undefined || !row.offered(session)) return replies.unknownParameter(keyword)
    const refusal = row.read(value, draft, session)
    if (refusal === 'bad-value') return replies.badParameter(keyword)
    if (refusal !== null) return refusal
  }
  return null
}
