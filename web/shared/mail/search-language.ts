// The language of the search box, and what it means in JMAP: words and "quoted phrases", `from:`, `to:`, `cc:`, `bcc:`, `subject:`,
// `body:`, `in:`, `label:`, `is:`, `has:`, `before:`, `after:`, `larger:`, `smaller:`, each with `-` before it to mean the opposite,
// and `OR` between. What is not understood is marked and searched for as text.
import type { Filter } from '../jmap/types.ts'

export interface Term {
  /** As it was written. */
  readonly source: string
  /** null: text. */
  readonly field: string | null
  readonly value: string
  readonly negated: boolean
  /** It names a field, but not one of ours, or a value that it does not take. */
  readonly wrong: boolean
}

/** What `in:` looks names up in. */
export interface MailboxName {
  readonly id: string
  readonly name: string
  readonly role: string | null
}

const texts = ['from', 'to', 'cc', 'bcc', 'subject', 'body'] as const

/** Terms in their order; `OR` stands as a term of that field. */
export function parseSearch(text: string): Term[] {
  const terms: Term[] = []
  for (const match of text.matchAll(/(-)?(?:([a-z]+):)?(?:"([^"]*)"?|(\S+))/gi)) {
    const [source, minus, field, quoted, bare] = match
    const value = quoted ?? bare ?? ''
    if (value === '' && field === undefined) continue
    if (source === 'OR') terms.push({ source, field: 'or', value: '', negated: false, wrong: false })
    else terms.push(readTerm({ source, field: field?.toLowerCase() ?? null, value, negated: minus === '-' }))
  }
  return terms
}

function readTerm(term: Omit<Term, 'wrong'>): Term {
  const { field, value, source } = term
  if (field === null) return { ...term, wrong: false }
  // `http://…` and `Re:` are text.
  const known = [
    ...texts,
    'in',
    'label',
    'is',
    'has',
    'before',
    'after',
    'since',
    'larger',
    'smaller',
    'filename',
  ]
  if (!known.includes(field))
    return { ...term, field: null, value: source.replace(/^-/, '').replaceAll('"', ''), wrong: false }
  return {
    ...term,
    wrong: conditionOf({ ...term, wrong: false }, []) === null && field !== 'in' && value !== '',
  }
}

const states: Readonly<Record<string, Filter>> = {
  unread: { notKeyword: '$seen' },
  read: { hasKeyword: '$seen' },
  starred: { hasKeyword: '$flagged' },
  flagged: { hasKeyword: '$flagged' },
  unstarred: { notKeyword: '$flagged' },
  answered: { hasKeyword: '$answered' },
  forwarded: { hasKeyword: '$forwarded' },
  draft: { hasKeyword: '$draft' },
}

/** Octets of `3M`, `500k`, `2000`. */
export function parseSize(text: string): number | undefined {
  const match = /^(\d+(?:\.\d+)?)\s*([kmg])?b?$/i.exec(text)
  if (match === null) return undefined
  const factor = { k: 1e3, m: 1e6, g: 1e9 }[(match[2] ?? '').toLowerCase()] ?? 1
  return Math.round(Number(match[1]) * factor)
}

/** The beginning of a day as JMAP's UTCDate: `2026-11-22`, `today`, `yesterday`, `7d`. */
export function parseDay(text: string, now: number = Date.now()): string | undefined {
  const today = new Date(now)
  today.setHours(0, 0, 0, 0)
  const ago = /^(\d{1,4})([dwmy])$/.exec(text)
  if (text === 'yesterday') today.setDate(today.getDate() - 1)
  else if (ago !== null) {
    const count = Number(ago[1])
    const days = { d: 1, w: 7, m: 30, y: 365 }[ago[2] ?? 'd'] ?? 1
    today.setDate(today.getDate() - count * days)
  } else if (text !== 'today') {
    const match = /^(\d{4})-(\d{1,2})(?:-(\d{1,2}))?$/.exec(text)
    if (match === null) return undefined
    today.setFullYear(Number(match[1]), Number(match[2]) - 1, Number(match[3] ?? 1))
  }
  return `${today.toISOString().slice(0, 19)}Z`
}

function mailboxOf(name: string, mailboxes: readonly MailboxName[]): string | undefined {
  const wanted = name.toLowerCase()
  const aliases: Readonly<Record<string, string>> = { spam: 'junk', bin: 'trash' }
  return (
    mailboxes.find(({ role }) => role === (aliases[wanted] ?? wanted))?.id ??
    mailboxes.find((one) => one.name.toLowerCase() === wanted)?.id
  )
}

/** null: not understood. */
function conditionOf({ field, value }: Term, mailboxes: readonly MailboxName[]): Filter | null {
  const found = texts.find((one) => one === field)
  if (found !== undefined) return { [found]: value }
  switch (field) {
    case null:
      return { text: value }
    case 'is':
      return states[value.toLowerCase()] ?? null
    case 'has':
      return /^attachments?$/i.test(value) ? { hasAttachment: true } : null
    case 'label':
      return { hasKeyword: value.toLowerCase() }
    case 'filename':
      return { text: value }
    case 'in': {
      const id = mailboxOf(value, mailboxes)
      return id === undefined ? null : { inMailbox: id }
    }
    case 'before':
    case 'after':
    case 'since': {
      const day = parseDay(value)
      return day === undefined ? null : { [field === 'before' ? 'before' : 'after']: day }
    }
    case 'larger':
    case 'smaller': {
      const size = parseSize(value)
      return size === undefined ? null : { [field === 'larger' ? 'minSize' : 'maxSize']: size }
    }
    default:
      return null
  }
}

/** All terms at once, or the groups between `OR`. */
export function toFilter(terms: readonly Term[], mailboxes: readonly MailboxName[]): Filter {
  const groups: Filter[][] = [[]]
  for (const term of terms) {
    if (term.field === 'or') groups.push([])
    else {
      const condition = conditionOf(term, mailboxes) ?? { text: term.source.replace(/^-/, '') }
      groups.at(-1)?.push(term.negated ? { operator: 'NOT', conditions: [condition] } : condition)
    }
  }
  const all = groups.filter((group) => group.length > 0).map(andOf)
  return all.length === 1 ? (all[0] ?? {}) : { operator: 'OR', conditions: all }
}

function andOf(conditions: readonly Filter[]): Filter {
  return conditions.length === 1 ? (conditions[0] ?? {}) : { operator: 'AND', conditions }
}
