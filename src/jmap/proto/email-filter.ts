// FilterCondition of Email/query (RFC 8621 §4.4.1), and the texts that its strings ask for.
import { fold } from '../../mail/search-text/fold.ts'
import type { SearchWord } from '../../mail/search-text/word-places.ts'
import { utcDate } from './date.ts'
import { boolean, id, listOf, optional, record, string, unsignedInt, where, type ShapeOf } from './shape.ts'
import type { Filter } from './standard.ts'

/** RFC 8621 §4.1.1: 1 to 255 printable characters of ASCII, without `( ) { ] % * " \`. */
export function isKeyword(text: string): boolean {
  return /^[!#$&'+-[^-z|}~]{1,255}$/.test(text)
}

const keyword = where(string, (text) => (isKeyword(text) ? null : 'a keyword is wanted'))

/** RFC 8621 §4.4.1. */
export const emailCondition = record({
  inMailbox: optional(id),
  inMailboxOtherThan: optional(listOf(id)),
  before: optional(utcDate),
  after: optional(utcDate),
  minSize: optional(unsignedInt),
  maxSize: optional(unsignedInt),
  allInThreadHaveKeyword: optional(keyword),
  someInThreadHaveKeyword: optional(keyword),
  noneInThreadHaveKeyword: optional(keyword),
  hasKeyword: optional(keyword),
  notKeyword: optional(keyword),
  hasAttachment: optional(boolean),
  text: optional(string),
  from: optional(string),
  to: optional(string),
  cc: optional(string),
  bcc: optional(string),
  subject: optional(string),
  body: optional(string),
  header: optional(
    where(listOf(string), (list) =>
      list.length === 1 || list.length === 2 ? null : 'the name of a field, and at most one text, are wanted',
    ),
  ),
})
export type EmailCondition = ShapeOf<typeof emailCondition>
export type EmailFilter = Filter<EmailCondition>

/** RFC 8621 §4.4.2. */
export const emailSortProperties = [
  ...['receivedAt', 'size', 'from', 'to', 'subject', 'sentAt'],
  ...['hasKeyword', 'allInThreadHaveKeyword', 'someInThreadHaveKeyword'],
]

export const textMembers = ['text', 'from', 'to', 'cc', 'bcc', 'subject', 'body'] as const
export type TextMember = (typeof textMembers)[number]

/** Words of one search text at most; more are one phrase with the last. */
const mostTokens = 50

/** Characters of a text whose place among the words is looked at: a longer one that repeats itself would be compared at each of its places. */
const longestWord = 200

/**
 * RFC 8621 §4.4.1: phrases in quotes, "that exact word or sequence of words", and other words between white space, which may be the
 * beginnings of longer ones; all must be there. Folded. In a phrase a backslash stands before quotes and backslashes; a quote without its
 * match is a character like any other. The local part of an address may be in quotes, which envelopes are kept without.
 */
export function searchTokens(text: string): SearchWord[] {
  const tokens: SearchWord[] = []
  const form = /"((?:[^"\\]|\\.)*)"(?![^\s@])|'((?:[^'\\]|\\.)*)'(?!\S)|\S+/gsu
  for (const [whole, double, single] of text.matchAll(form)) {
    const phrase = double ?? single
    const token = fold(phrase === undefined ? whole : phrase.replace(/\\(['"\\])/g, '$1')).trim()
    const place = phrase === undefined ? 'start' : 'whole'
    if (token !== '') tokens.push({ text: token, at: token.length > longestWord ? 'anywhere' : place })
    if (tokens.length === mostTokens) break
  }
  return tokens
}

/** Texts that a match has, for showing where: not those that it must not have. */
export function shownTexts(filter: EmailFilter | null): { subject: SearchWord[]; body: SearchWord[] } {
  const [subject, body]: [SearchWord[], SearchWord[]] = [[], []]
  const walk = (part: EmailFilter): void => {
    if (part.operator === null) {
      const { condition } = part
      subject.push(...searchTokens(condition.text ?? ''), ...searchTokens(condition.subject ?? ''))
      body.push(...searchTokens(condition.text ?? ''), ...searchTokens(condition.body ?? ''))
    } else if (part.operator !== 'NOT') for (const each of part.conditions) walk(each)
  }
  if (filter !== null) walk(filter)
  return { subject: subject.slice(0, mostTokens), body: body.slice(0, mostTokens) }
}
