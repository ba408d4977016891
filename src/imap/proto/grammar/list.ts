// LIST in its basic and its extended form (RFC 9051 §6.3.9, RFC 5258 §6), with the options of RFC 5819, 6154, 8440 and 9590.
//
// An option that is not known is refused (RFC 5258 §3); one that stands twice counts once. REMOTE is read and changes nothing, as no
// mailbox here is remote (RFC 9051 §6.3.9.1 lets a server do so); CHILDREN neither, as it is told always.
import { parseEntryList } from './metadata.ts'
import { parseStatusItems } from './status.ts'
import { tryDecodePattern } from './mailbox.ts'
import type { Cursor } from './cursor.ts'
import type { MetadataLimits } from './metadata.ts'
import type { StatusItem } from './status.ts'

/** Which names are listed. */
export interface ListSelection {
  readonly subscribed: boolean
  /** RFC 6154 §2 */
  readonly specialUse: boolean
  /** RFC 5258 §3.1: superiors of what is selected, too. */
  readonly recursiveMatch: boolean
}

/** What is told of them. */
export interface ListReturns {
  readonly subscribed: boolean
  /** RFC 5819; null: nothing. */
  readonly status: readonly StatusItem[] | null
  /** RFC 8440 */
  readonly myRights: boolean
  /** RFC 9590; null: nothing. */
  readonly metadata: readonly string[] | null
}

export interface ListArguments {
  /** RFC 5258 §3: any of the three forms that are not RFC 3501's. */
  readonly extended: boolean
  /** Decoded; those that no name can match are left out. */
  readonly reference: string
  readonly patterns: readonly string[]
  readonly selection: ListSelection
  readonly returns: ListReturns
}

export interface ListLimits extends MetadataLimits {
  readonly listPatterns: number
  readonly fetchItems: number
}

const noSelection: ListSelection = { subscribed: false, specialUse: false, recursiveMatch: false }
const noReturns: ListReturns = { subscribed: false, status: null, myRights: false, metadata: null }

/** `list = "LIST" [SP list-select-opts] SP mailbox SP mbox-or-pat [SP list-return-opts]` */
export function parseList(cursor: Cursor, limits: ListLimits): ListArguments {
  cursor.sp()
  let selection: ListSelection | null = null
  if (cursor.peek() === '(') {
    selection = parseSelection(cursor)
    cursor.sp()
  }
  const reference = tryDecodePattern(cursor.astring('a reference'), cursor.modes)
  cursor.sp()
  const many = cursor.peek() === '('
  const patterns = many
    ? parsePatterns(cursor, limits)
    : [tryDecodePattern(cursor.listMailbox(), cursor.modes)]
  const returns = cursor.take(' ') ? parseReturns(cursor, limits) : null
  return {
    extended: selection !== null || many || returns !== null,
    reference: reference ?? '',
    patterns: reference === undefined ? [] : patterns.filter((pattern) => pattern !== undefined),
    selection: selection ?? noSelection,
    returns: returns ?? noReturns,
  }
}

/** `patterns = "(" list-mailbox *(SP list-mailbox) ")"` */
function parsePatterns(cursor: Cursor, limits: ListLimits): (string | undefined)[] {
  const list = { most: limits.listPatterns, empty: false, what: 'patterns' }
  return cursor.list(list, () => tryDecodePattern(cursor.listMailbox(), cursor.modes))
}

/** `list-select-opts`: RECURSIVEMATCH only beside an option that it can modify. */
function parseSelection(cursor: Cursor): ListSelection {
  const named = new Set<string>()
  cursor.list({ most: 20, empty: true, what: 'options' }, () => {
    const name = cursor.keyword('an option')
    if (!['SUBSCRIBED', 'REMOTE', 'RECURSIVEMATCH', 'SPECIAL-USE'].includes(name))
      cursor.fail('unknown option')
    named.add(name)
  })
  const subscribed = named.has('SUBSCRIBED')
  const recursiveMatch = named.has('RECURSIVEMATCH')
  // RFC 5258 §3.1, §6: "MUST return BAD"; SPECIAL-USE is a list-select-independent-opt (RFC 6154 §6) like REMOTE.
  if (recursiveMatch && !subscribed) cursor.fail('RECURSIVEMATCH needs SUBSCRIBED')
  return { subscribed, specialUse: named.has('SPECIAL-USE'), recursiveMatch }
}

/** `list-return-opts = "RETURN" SP "(" [return-option *(SP return-option)] ")"` */
function parseReturns(cursor: Cursor, limits: ListLimits): ListReturns {
  if (cursor.keyword('RETURN') !== 'RETURN') cursor.fail('expected RETURN')
  cursor.sp()
  let returns = noReturns
  cursor.list({ most: 20, empty: true, what: 'options' }, () => {
    switch (cursor.keyword('an option')) {
      case 'SUBSCRIBED':
        returns = { ...returns, subscribed: true }
        return
      case 'MYRIGHTS':
        returns = { ...returns, myRights: true }
        return
      case 'STATUS':
        cursor.sp()
        returns = { ...returns, status: parseStatusItems(cursor, limits.fetchItems) }
        return
      case 'METADATA':
        cursor.sp()
        returns = { ...returns, metadata: parseEntryList(cursor, limits) }
        return
      case 'CHILDREN':
      case 'SPECIAL-USE':
        // Both are told always.
        return
      default:
        cursor.fail('unknown option')
    }
  })
  return returns
}
