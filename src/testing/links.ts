// The links of an HTML text.
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
