// Tags: what they may be called, and which a message gets by itself.
import { splitSubaddress, tryAddress } from '../mail/address.ts'
import type { CaughtAddress } from './message.ts'

/** Of one message, and characters of one tag. */
const mostTags = 50
const longestTag = 100

/** Letters, digits, space and `-_.@`, single spaces inside; '' where nothing is left. */
export function cleanTag(text: string): string {
  return text
    .replaceAll(/[^\p{L}\p{N}\-_.@ ]/gu, ' ')
    .replaceAll(/\s+/g, ' ')
    .trim()
    .slice(0, longestTag)
    .trim()
}

/** Each once whatever its case, in order of the alphabet. */
export function tagList(tags: readonly string[]): string[] {
  if (tags.length === 0) return []
  const byKey = new Map<string, string>()
  for (const tag of tags) {
    const cleaned = cleanTag(tag)
    const key = cleaned.toLowerCase()
    if (cleaned !== '' && !byKey.has(key) && byKey.size < mostTags) byKey.set(key, cleaned)
  }
  return [...byKey.values()].toSorted((one, other) =>
    one.toLowerCase().localeCompare(other.toLowerCase(), 'en'),
  )
}

export function titleCase(tag: string): string {
  return tag.replaceAll(
    /(^|\s)(\p{L})/gu,
    (_, before: string, letter: string) => before + letter.toUpperCase(),
  )
}

/** `ann+welcome@example.org` has `welcome`; several plus signs give several. */
export function plusTags(addresses: readonly CaughtAddress[]): string[] {
  return addresses.flatMap(({ address }) => detailOf(address).split('+'))
}

/** What stands behind the first plus sign of the local part; '' where there is none. */
export function detailOf(text: string): string {
  if (!text.includes('+')) return ''
  const address = tryAddress(text, { utf8: true })
  return address === undefined ? '' : (splitSubaddress(address.localPart, '+').detail ?? '')
}
