// The links of a message.
import { Parser } from 'htmlparser2'

const places: Readonly<Record<string, string>> = { a: 'href', area: 'href', form: 'action' }

/** Where an HTML text leads when something in it is clicked, each once, in order; entities decoded. */
export function htmlLinks(html: string): string[] {
  const found = new Set<string>()
  const parser = new Parser({
    onopentag(name, attributes) {
      const place = places[name]
      const link = place === undefined ? undefined : attributes[place]?.trim()
      if (link !== undefined && link !== '' && !link.startsWith('#')) found.add(link)
    },
  })
  parser.end(html)
  return [...found]
}

/** Web and mail addresses that stand in a text, each once, in order. */
export function textLinks(text: string): string[] {
  const found = text.match(/\b(?:https?:\/\/|mailto:)[^\s<>"']+/g) ?? []
  // What ends a sentence is not the link's; a bracket is where one was opened in it.
  return [...new Set(found.map((link) => trimmed(link)))]
}

function trimmed(link: string): string {
  const bare = link.replace(/[.,;:!?]+$/, '')
  return bare.endsWith(')') && !bare.includes('(') ? trimmed(bare.slice(0, -1)) : bare
}
