// Links that stand in plain text, as people write them into sentences and mark them up (RFC 3986 appendix C).

/** Characters of one; what is longer is no link that somebody wrote. */
const longestLink = 2_000

/** http, https and mailto links, each once, in order. */
export function textLinks(text: string): string[] {
  const found = new Set<string>()
  for (const [link] of text.matchAll(/\b(?:https?:\/\/|mailto:)[^\s<>"'`\\]+/gi)) {
    if (link.length <= longestLink) found.add(trimmed(link))
  }
  return [...found]
}

const openers: Readonly<Record<string, string>> = { ')': '(', ']': '[', '}': '{' }

/** What ends a sentence is not the link's; a closing bracket is where it closes one of the link's own. */
function trimmed(link: string): string {
  const counts = new Map<string, number>()
  for (const character of link) counts.set(character, (counts.get(character) ?? 0) + 1)
  const count = (character: string): number => counts.get(character) ?? 0
  let end = link.length
  for (; end > 0; end--) {
    const last = link.charAt(end - 1)
    const opener = openers[last]
    const isSentences = opener === undefined ? '.,;:!?'.includes(last) : count(last) > count(opener)
    if (!isSentences) break
    counts.set(last, count(last) - 1)
  }
  return link.slice(0, end)
}
