// Commands about URLs of messages: GENURLAUTH, URLFETCH, RESETKEY (RFC 4467 §9, RFC 5524 §5).
import { afterLogin, command, request } from './command.ts'
import { parseMailbox } from '../grammar/mailbox.ts'
import type { CommandRow } from './command.ts'
import type { Cursor } from '../grammar/cursor.ts'
import type { ImapLimits } from '../limits.ts'
import type { UrlItem } from '../requests/url.ts'

/** One thing behind a space, and more of them up to the limit. */
function several<Item>(cursor: Cursor, limits: ImapLimits, read: () => Item): Item[] {
  const items: Item[] = []
  do {
    if (items.length >= limits.urls) cursor.fail(`more than ${limits.urls} URLs`)
    cursor.sp()
    items.push(read())
  } while (!cursor.done)
  return items
}

/** `genurlauth = "GENURLAUTH" 1*(SP url-rump SP mechanism)` */
const generate = command({
  name: 'GENURLAUTH',
  states: afterLogin,
  syntax: (cursor, limits) =>
    several(cursor, limits, () => {
      const url = cursor.astring('a URL')
      cursor.sp()
      return { url, mechanism: parseMechanism(cursor) }
    }),
  run: (rumps) => request({ name: 'GENURLAUTH', rumps }),
})

/** `mechanism = "INTERNAL" / 1*(ALPHA / DIGIT / "-" / ".")`; INTERNAL is the only one here. */
function parseMechanism(cursor: Cursor): string {
  const mechanism = cursor.atom('a mechanism').toUpperCase()
  return mechanism === 'INTERNAL' ? mechanism : cursor.fail('the only mechanism is INTERNAL')
}

const urlItems: ReadonlyMap<string, UrlItem> = new Map(
  (['BODY', 'BINARY', 'BODYPARTSTRUCTURE'] as const).map((item) => [item, item]),
)

/** `url-fetch-arg = astring / "(" astring *(SP url-fetch-param) ")"` */
function parseUrlFetch(cursor: Cursor): { url: string; items: UrlItem[] } {
  if (!cursor.take('(')) return { url: cursor.astring('a URL'), items: [] }
  const url = cursor.astring('a URL')
  const items: UrlItem[] = []
  while (!cursor.take(')')) {
    cursor.sp()
    const item = urlItems.get(cursor.keyword('a parameter')) ?? cursor.fail('unknown parameter')
    // RFC 5524 §3.1: none twice, and not both.
    const clash = item === 'BODY' ? 'BINARY' : item === 'BINARY' ? 'BODY' : null
    if (items.some((other) => other === item || other === clash))
      cursor.fail(`${item} does not go with the others`)
    items.push(item)
  }
  return { url, items }
}

const fetchUrls = command({
  name: 'URLFETCH',
  states: afterLogin,
  syntax: (cursor, limits) => several(cursor, limits, () => parseUrlFetch(cursor)),
  run: (urls) => request({ name: 'URLFETCH', urls }),
})

/** `resetkey = "RESETKEY" [SP mailbox *(SP mechanism)]` */
const resetKey = command({
  name: 'RESETKEY',
  states: afterLogin,
  syntax(cursor, limits) {
    if (cursor.done) return null
    cursor.sp()
    const mailbox = parseMailbox(cursor, limits)
    while (!cursor.done) {
      cursor.sp()
      parseMechanism(cursor)
    }
    return mailbox
  },
  run: (mailbox) => request({ name: 'RESETKEY', mailbox }),
})

export const urlRows: readonly CommandRow[] = [generate, fetchUrls, resetKey]
