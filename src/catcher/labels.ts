// What a message is sorted by: its inbox, and the tags that it gets by itself.
//
// Fields are looked for in the header as it came, by patterns that are made once: a header is read for each message.
import type { CatcherConfig } from '../config/sections/catcher.ts'
import type { Described } from './message.ts'
import { defaultInbox } from './shelf.ts'
import { detailOf, plusTags, tagList, titleCase } from './tags.ts'

/** What says where a message belongs. */
export interface Labelled {
  /** The header's octets as a binary string; '' where it has not come yet. */
  readonly header: string
  /** As the client named them. */
  readonly recipients: readonly string[]
  /** '' for nobody. */
  readonly username: string
}

/** Characters of an inbox's name. */
const longestInbox = 100

export class Labels {
  readonly #config: Pick<CatcherConfig, 'inbox' | 'tags'>
  readonly #inboxField: RegExp | null
  readonly #tagsField: RegExp | null

  constructor(config: Pick<CatcherConfig, 'inbox' | 'tags'>) {
    this.#config = config
    this.#inboxField = config.inbox.header === '' ? null : fieldPattern(config.inbox.header)
    this.#tagsField = config.tags.header ? fieldPattern('X-Tags') : null
  }

  inboxOf({ header, recipients, username }: Labelled): string {
    const { inbox } = this.#config
    const named = cleanInbox(valueOf(header, this.#inboxField))
    if (named !== '') return named
    const user = inbox.username ? cleanInbox(username) : ''
    if (user !== '') return user
    const detail = inbox.detail ? cleanInbox(detailOf(recipients[0] ?? '')) : ''
    return detail === '' ? defaultInbox : detail
  }

  tagsOf(
    { header, recipients }: Pick<Labelled, 'header' | 'recipients'>,
    { to, cc }: Pick<Described, 'to' | 'cc'>,
  ): string[] {
    const { tags, inbox } = this.#config
    const named = valueOf(header, this.#tagsField)
    const own = named === '' ? [] : named.split(',')
    if (tags.plusAddress && !inbox.detail) {
      own.push(...plusTags([...to, ...cc, ...recipients.map((address) => ({ name: '', address }))]))
    }
    return tagList(tags.titleCase ? own.map(titleCase) : own)
  }
}

/** Finds the first field of that name. */
function fieldPattern(name: string): RegExp {
  return new RegExp(`^${name.replaceAll(/[^A-Za-z0-9-]/g, '')}[ \\t]*:((?:[^\\r\\n]|\\r?\\n[ \\t])*)`, 'im')
}

/** Its value, unfolded; '' where there is none. */
function valueOf(header: string, field: RegExp | null): string {
  if (header === '' || field === null) return ''
  const value = field.exec(header)?.[1] ?? ''
  return value.replaceAll(/\r?\n(?=[ \t])/g, '').trim()
}

/** A short name without control characters. */
function cleanInbox(name: string): string {
  if (name === '') return ''
  return name
    .replaceAll(/[\p{Cc}\s]+/gu, ' ')
    .trim()
    .slice(0, longestInbox)
}
