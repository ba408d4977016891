// Labels: keywords (RFC 8621 §4.1.1) that are neither flags of the standards nor marks of programs. The server has no list of them, so
// those that were seen on mail, or made here, are kept in this browser.
import { signal, type Signal } from '@preact/signals'
import { readSetting, writeSetting } from '../../shared/settings.ts'
import type { Email } from '../../shared/jmap/types.ts'

/** Flags, and what programs leave behind. */
const hidden = /^(?:\$|\\|(?:non|not)?junk$|redirected$|forwarded$)/i
/** Offered before anybody has made one. */
const usual: readonly string[] = ['$important', 'work', 'personal', 'later']
/** Octets of a keyword. */
const longest = 100
/** Nobody looks through more of them. */
const most = 100

export function isLabel(keyword: string): boolean {
  return keyword === '$important' || !hidden.test(keyword)
}

/** As people read it. */
export function labelName(keyword: string): string {
  return keyword === '$important' ? 'important' : keyword
}

/** Each once, of a conversation. */
export function labelsOf(emails: readonly Pick<Email, 'keywords'>[]): string[] {
  return [...new Set(emails.flatMap(({ keywords }) => Object.keys(keywords).filter(isLabel)))]
}

/** The keyword for what somebody typed; null where nothing of it can stand in one (RFC 8621 §4.1.1: ASCII without a few marks). */
export function tryKeyword(name: string): string | null {
  const keyword = name
    .normalize('NFKD')
    .toLowerCase()
    .trim()
    .replaceAll(/\s+/g, '-')
    .replaceAll(/[^!-~]|[(){\]%*"\\]/g, '')
    .slice(0, longest)
  return keyword === '' || !isLabel(keyword) ? null : keyword
}

export class Labels {
  /** Those that were seen, in the order of the alphabet. */
  readonly seen: Signal<readonly string[]>
  readonly #setting: string

  constructor(accountId: string) {
    this.#setting = `labels-${accountId}`
    const kept = readSetting(this.#setting, '').split(' ')
    this.seen = signal(kept.filter((keyword) => keyword !== '' && isLabel(keyword)))
  }

  /** What can be given: those that were seen, and the usual ones. */
  get offered(): string[] {
    return [...new Set([...usual, ...this.seen.value])]
  }

  learn(keywords: readonly string[]): void {
    const known = this.seen.peek()
    const fresh = keywords.filter((keyword) => isLabel(keyword) && !known.includes(keyword))
    if (fresh.length > 0 && known.length < most) this.#keep([...known, ...new Set(fresh)])
  }

  forget(keyword: string): void {
    this.#keep(this.seen.peek().filter((one) => one !== keyword))
  }

  #keep(keywords: readonly string[]): void {
    this.seen.value = [...keywords].sort((one, other) => labelName(one).localeCompare(labelName(other)))
    writeSetting(this.#setting, this.seen.value.join(' '))
  }
}
