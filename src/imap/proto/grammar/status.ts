// Items of STATUS (RFC 9051 §6.3.11) and of the STATUS return option of LIST (RFC 5819 §4).
import type { Cursor } from './cursor.ts'

/** What may be asked, and in which RFC it stands. */
const items = {
  MESSAGES: true,
  // RFC 3501 §6.3.10
  RECENT: true,
  UIDNEXT: true,
  UIDVALIDITY: true,
  UNSEEN: true,
  DELETED: true,
  SIZE: true,
  // RFC 9208 §4.1.4
  'DELETED-STORAGE': true,
  // RFC 7162 §3.1.7
  HIGHESTMODSEQ: true,
  // RFC 8474 §4.3
  MAILBOXID: true,
  // RFC 7889 §3.1
  APPENDLIMIT: true,
} as const

export type StatusItem = keyof typeof items

/** `"(" status-att *(SP status-att) ")"`, each item once. */
export function parseStatusItems(cursor: Cursor, most: number): StatusItem[] {
  const named = cursor.list({ most, empty: false, what: 'status items' }, () => {
    const name = cursor.keyword('a status item')
    return isItem(name) ? name : cursor.fail('unknown status item')
  })
  return [...new Set(named)]
}

function isItem(name: string): name is StatusItem {
  return Object.hasOwn(items, name)
}
