// What the HTML of a message uses: elements with their attributes, style sheets and inline styles, images by format.
import { Parser } from 'htmlparser2'
import { type CssFacts, emptyCssFacts, readInlineStyle, readSheet } from './css-facts.ts'

export interface HtmlFacts {
  /** Elements by name. */
  readonly elements: Map<string, number>
  /** Elements that have the attribute, by its name. */
  readonly attributes: Map<string, number>
  /** `input type=text`, `button type=submit`, and other things that are neither element nor attribute. */
  readonly others: Map<string, number>
  readonly css: CssFacts
  comments: number
  /** All elements of the body. */
  nodes: number
}

const headElements = new Set(['html', 'head', 'meta', 'title'])

/** Elements that are counted: a message of millions of them says no more. */
const mostElements = 200_000

export function readHtml(html: string): HtmlFacts {
  const facts: HtmlFacts = {
    ...{ elements: new Map(), attributes: new Map(), others: new Map() },
    ...{ css: emptyCssFacts(), comments: 0, nodes: 0 },
  }
  let sheet: string | null = null
  let elements = 0
  const parser = new Parser(
    {
      onopentag(name, attributes) {
        if (++elements > mostElements) return
        count(facts.elements, name)
        if (!headElements.has(name)) facts.nodes++
        for (const attribute of Object.keys(attributes)) count(facts.attributes, attribute.toLowerCase())
        readElement(name, attributes, facts)
        if (name === 'style') sheet = ''
      },
      ontext(text) {
        if (sheet !== null) sheet += text
      },
      onclosetag(name) {
        if (name !== 'style' || sheet === null) return
        readSheet(sheet, facts.css)
        sheet = null
      },
      oncomment() {
        facts.comments++
      },
      onprocessinginstruction(name) {
        if (name.toLowerCase() === '!doctype') count(facts.others, 'doctype')
      },
    },
    { decodeEntities: true },
  )
  parser.write(html)
  parser.end()
  return facts
}

function readElement(name: string, attributes: Record<string, string>, { others, css }: HtmlFacts): void {
  if (attributes['style'] !== undefined) readInlineStyle(attributes['style'], css)
  const href = attributes['href'] ?? ''
  switch (name) {
    case 'a':
      if (href.startsWith('#') && href.length > 1) count(others, 'anchor')
      if (/^mailto:/i.test(href)) count(others, 'mailto')
      break
    case 'input':
      count(others, `input ${(attributes['type'] ?? 'text').toLowerCase()}`)
      break
    case 'button':
      count(others, `button ${(attributes['type'] ?? 'submit').toLowerCase()}`)
      break
    case 'img':
      countImage(others, attributes['src'] ?? '')
      break
    case 'meta':
      if ((attributes['name'] ?? '').toLowerCase() === 'color-scheme') count(others, 'meta color-scheme')
      break
    default:
  }
  if (attributes['background'] !== undefined) countImage(others, attributes['background'])
}

function countImage(others: Map<string, number>, source: string): void {
  const data = /^data:image\/([a-z0-9.+-]+)[;,]/i.exec(source)?.[1]?.toLowerCase()
  if (data !== undefined) count(others, 'image base64')
  const extension = /\.([a-z0-9]{2,5})(?:[?#]|$)/i.exec(source)?.[1]?.toLowerCase()
  const format = data?.replace('+xml', '') ?? extension
  if (format !== undefined)
    count(others, `image ${format === 'jpeg' ? 'jpg' : format === 'tif' ? 'tiff' : format}`)
}

function count(counts: Map<string, number>, name: string): void {
  counts.set(name, (counts.get(name) ?? 0) + 1)
}
