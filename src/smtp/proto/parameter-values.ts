// The values of parameters that extensions add to MAIL and RCPT: RFC 3461 (RET, ENVID, NOTIFY, ORCPT) with RFC 6533 §3, RFC
// 4865 (HOLDFOR, HOLDUNTIL), RFC 2852 (BY), RFC 6710 (MT-PRIORITY), RFC 3865 (SOLICIT) and RFC 7293 (RRVS).
//
// Each function takes a value as it stood behind the equals sign, null where there was none, and gives undefined where the
// grammar does not know it. Text that will stand in a report (ENVID, ORCPT) has no control character in it.
import type { NotifyOn, RecipientOptions } from '../../mail/delivery-options.ts'
import { tryXtext } from './grammar.ts'
import type { Sender } from './questions.ts'
import { tryTimestamp } from './timestamp.ts'

/** RFC 3461 §4.3: `FULL` or `HDRS`, in any case. */
export function tryReturn(value: string | null): 'full' | 'headers' | undefined {
  switch (value?.toUpperCase()) {
    case 'FULL':
      return 'full'
    case 'HDRS':
      return 'headers'
    default:
      return undefined
  }
}

/** RFC 3461 §4.4: up to 100 characters of xtext, printable US-ASCII before the encoding. */
export function tryEnvelopeId(value: string | null): string | undefined {
  if (value === null || value.length > 100) return undefined
  const decoded = tryXtext(value)
  return decoded !== undefined && isPrintable(decoded) ? decoded : undefined
}

const notifyWords: ReadonlyMap<string, NotifyOn> = new Map([
  ['SUCCESS', 'success'],
  ['FAILURE', 'failure'],
  ['DELAY', 'delay'],
])

/** RFC 3461 §4.1: `NEVER`, which gives an empty list, or a list of the others; said twice counts once. */
export function tryNotify(value: string | null): readonly NotifyOn[] | undefined {
  if (value === null) return undefined
  const upper = value.toUpperCase()
  // RFC 3461 §4.1 (a): NEVER stands by itself.
  if (upper === 'NEVER') return []
  const wanted: NotifyOn[] = []
  for (const word of upper.split(',')) {
    const on = notifyWords.get(word)
    if (on === undefined) return undefined
    if (!wanted.includes(on)) wanted.push(on)
  }
  return wanted
}

/** RFC 3461 §4.2: `addr-type ";" xtext`, up to 500 characters with the keyword. The address comes back decoded. */
export function tryOriginalRecipient(value: string | null): string | undefined {
  if (value === null || value.length > 500 - 'ORCPT='.length) return undefined
  // RFC 5321 §4.1.2: Atom = 1*atext
  const match = /^([A-Za-z0-9!#$%&'*+/=?^_`{|}~-]+);(.+)$/.exec(value)
  if (match === null) return undefined
  const [type, encoded] = [(match[1] ?? '').toLowerCase(), match[2] ?? '']
  const address = type === 'utf-8' ? decodeUnitext(encoded) : tryXtext(encoded)
  if (address === undefined || !(type === 'utf-8' ? isText(address) : isPrintable(address))) return undefined
  return `${type};${address}`
}

/**
 * RFC 6533 §3: `utf-8-addr-xtext`, `utf-8-addr-unitext` or `utf-8-address`. A server that speaks SMTPUTF8 and DSN takes all
 * three; what has the type and not the form is kept without alteration.
 */
function decodeUnitext(encoded: string): string {
  if (!encoded.includes('\\')) return encoded
  if (!/^(?:[^\\+=]|\\x\{[0-9A-Fa-f]{2,6}\})+$/.test(encoded)) return encoded
  const decoded = encoded.replace(/\\x\{([0-9A-Fa-f]+)\}/g, (whole, hex: string) => {
    const point = Number.parseInt(hex, 16)
    return point > 0x10ffff ? whole : String.fromCodePoint(point)
  })
  return decoded.isWellFormed() ? decoded : encoded
}

/** RFC 7293 §3.1: `date-time [ ";" ( "C" / "R" ) ]` without a fraction of a second; reject is the default. */
export function tryRequireValidSince(
  value: string | null,
): RecipientOptions['requireValidSince'] | undefined {
  const match = /^([^;.]+)(?:;([CR]))?$/i.exec(value ?? '')
  const since = tryTimestamp(match?.[1] ?? '')
  if (match === null || since === undefined) return undefined
  return { since, onFailure: match[2]?.toUpperCase() === 'C' ? 'continue' : 'reject' }
}

/** RFC 4865 §3: `future-release-integer = %x31-39 *8DIGIT`, in seconds. */
export function tryHoldFor(value: string | null): Sender['hold'] | undefined {
  return value !== null && /^[1-9][0-9]{0,8}$/.test(value) ? { seconds: Number(value) } : undefined
}

/** RFC 4865 §3: a `date-time` "normalized to Universal Coordinated Time". */
export function tryHoldUntil(value: string | null): Sender['hold'] | undefined {
  if (value === null || !/(?:[Zz]|[+-]00:00)$/.test(value)) return undefined
  const until = tryTimestamp(value)
  return until === undefined ? undefined : { until }
}

/** RFC 2852 §4: `by-time ";" by-mode [ by-trace ]`; zero and negative times are for `N` alone. */
export function tryDeliverBy(value: string | null): Sender['by'] | undefined {
  const match = /^([+-]?[0-9]{1,9});([NR])(T?)$/i.exec(value ?? '')
  if (match === null) return undefined
  const [seconds, returns] = [Number(match[1]), match[2]?.toUpperCase() === 'R']
  if (returns && seconds <= 0) return undefined
  return { seconds, mode: returns ? 'return' : 'notify', trace: match[3] === '' ? 'not-asked' : 'asked' }
}

/** RFC 6710 §7: `priority-value = (["-"] NZDIGIT) / "0"`. */
export function tryPriority(value: string | null): number | undefined {
  return value !== null && /^(?:-?[1-9]|0)$/.test(value) ? Number(value) : undefined
}

/** RFC 3865 §2.2: `word 0*("," word)`, at most 1,000 characters. */
export function trySolicitation(value: string | null): readonly string[] | undefined {
  if (value === null || value.length > 1000) return undefined
  return /^[A-Za-z][A-Za-z0-9._:-]*(?:,[A-Za-z][A-Za-z0-9._:-]*)*$/.test(value) ? value.split(',') : undefined
}

/** RFC 3461 §4.2 and §4.4: "printable (graphic and white space) characters from the US-ASCII repertoire". */
function isPrintable(text: string): boolean {
  return /^[\x20-\x7e]*$/.test(text)
}

function isText(text: string): boolean {
  return !/[\x00-\x1f\x7f-\x9f\u2028\u2029]/.test(text)
}
