// How often a message uses a feature that caniemail.com has a page about. Most are named by what they are (`css-font-size`, `html-abbr`);
// the tables hold the others.
import type { CssFacts } from './css-facts.ts'
import type { HtmlFacts } from './html-facts.ts'

type Uses = (facts: HtmlFacts) => number

const element =
  (...names: string[]): Uses =>
  ({ elements }) =>
    names.reduce((sum, name) => sum + (elements.get(name) ?? 0), 0)

const attribute =
  (...names: string[]): Uses =>
  ({ attributes }) =>
    names.reduce((sum, name) => sum + (attributes.get(name) ?? 0), 0)

const other =
  (name: string): Uses =>
  ({ others }) =>
    others.get(name) ?? 0

const declared =
  (test: (property: string, value: string) => boolean): Uses =>
  ({ css }) =>
    css.declarations.filter(([property, value]) => test(property, value)).length

const property = (pattern: RegExp): Uses => declared((name) => pattern.test(name))
const value = (pattern: RegExp): Uses => declared((_, text) => pattern.test(text))

const atRule =
  (pattern: RegExp): Uses =>
  ({ css }) =>
    css.atRules.filter((rule) => pattern.test(rule)).length

const selector =
  (pattern: RegExp): Uses =>
  ({ css }) =>
    css.selectors.filter((text) => pattern.test(withoutStrings(text))).length

function withoutStrings(text: string): string {
  return text.replaceAll(/"[^"]*"|'[^']*'/g, '""')
}

/** Side of a box in the logical order of text. */
const side = '(?:block|inline)'

const special: Readonly<Record<string, Uses>> = {
  'css-accent-color': property(/^accent-color$/),
  'css-at-font-face': atRule(/^@font-face/),
  'css-at-import': atRule(/^@import/),
  'css-at-keyframes': atRule(/^@(?:-webkit-)?keyframes/),
  'css-at-media-device-pixel-ratio': atRule(/^@media.*device-pixel-ratio/),
  'css-at-media-hover': atRule(/^@media.*\((?:any-)?hover/),
  'css-at-media-orientation': atRule(/^@media.*orientation/),
  'css-at-media-prefers-color-scheme': atRule(/^@media.*prefers-color-scheme/),
  'css-at-media-prefers-reduced-motion': atRule(/^@media.*prefers-reduced-motion/),
  'css-at-media': atRule(/^@media/),
  'css-at-supports': atRule(/^@supports/),
  'css-block-inline-size': property(/^(?:block|inline)-size$/),
  'css-border': property(/^border(?:-(?:top|right|bottom|left))?(?:-(?:width|style|color))?$/),
  'css-border-inline-block': property(new RegExp(`^border-${side}$`)),
  'css-border-inline-block-individual': property(
    new RegExp(`^border-${side}-(?:color|style|width|start|end)$`),
  ),
  'css-border-inline-block-longhand': property(
    new RegExp(`^border-${side}-(?:start|end)-(?:color|style|width)$`),
  ),
  'css-border-radius': property(/^border(?:-(?:top|bottom)-(?:left|right))?-radius$/),
  'css-border-radius-logical': property(/^border-(?:start|end)-(?:start|end)-radius$/),
  'css-column-layout-properties': property(
    /^column(?:s|-(?:count|fill|gap|rule|rule-color|rule-style|rule-width|span|width))$/,
  ),
  'css-comments': ({ css }) => css.comments,
  'css-conic-gradient': value(/conic-gradient\(/),
  'css-display-flex': declared((name, text) => name === 'display' && /^(?:inline-)?flex/.test(text)),
  'css-display-grid': declared((name, text) => name === 'display' && /^(?:inline-)?grid/.test(text)),
  'css-display-none': declared((name, text) => name === 'display' && text.startsWith('none')),
  'css-flex-direction': property(/^flex-(?:direction|flow)$/),
  'css-flex-wrap': property(/^flex-(?:wrap|flow)$/),
  'css-function-clamp': value(/\bclamp\(/),
  'css-function-light-dark': value(/\blight-dark\(/),
  'css-function-max': value(/(?:^|[\s,(])max\(/),
  'css-function-min': value(/(?:^|[\s,(])min\(/),
  'css-gap': property(/^(?:row-|column-|grid-)?gap$/),
  'css-grid-template': property(/^grid-template(?:-(?:areas|columns|rows))?$/),
  'css-important': value(/!\s?important/),
  'css-inert-attribute': attribute('inert'),
  'css-inset': property(/^inset(?:-(?:block|inline)(?:-(?:start|end))?)?$/),
  'css-intrinsic-size': value(/\b(?:fit|min|max)-content\b/),
  'css-left-right-top-bottom': property(/^(?:left|right|top|bottom)$/),
  'css-linear-gradient': value(/linear-gradient\(/),
  'css-margin': property(/^margin(?:-(?:top|right|bottom|left))?$/),
  'css-margin-block-start-end': property(/^margin-block-(?:start|end)$/),
  'css-margin-inline-block': property(/^margin-(?:inline|block)$/),
  'css-margin-inline-start-end': property(/^margin-inline-(?:start|end)$/),
  'css-modern-color': value(/\b(?:ok)?l(?:ch|ab)\(/),
  'css-nesting': ({ css }) => css.nested,
  'css-overflow': property(/^overflow(?:-(?:x|y|block|inline))?$/),
  'css-padding': property(/^padding(?:-(?:top|right|bottom|left))?$/),
  'css-padding-block-start-end': property(/^padding-block-(?:start|end)$/),
  'css-padding-inline-block': property(/^padding-(?:inline|block)$/),
  'css-padding-inline-start-end': property(/^padding-inline-(?:start|end)$/),
  'css-radial-gradient': value(/radial-gradient\(/),
  'css-rgb': value(/\brgb\(/),
  'css-rgba': value(/\brgba\(/),
  'css-scroll-snap': property(/^scroll-(?:snap|margin|padding)/),
  'css-sytem-ui': value(/\b(?:system-ui|ui-(?:serif|sans-serif|rounded|monospace))\b/),
  'css-unit-calc': value(/\bcalc\(/),
  'css-unit-initial': value(/(?:^|\s)initial\b/),
  'css-unit-percent': value(/\d%/),
  'css-variables': declared((name, text) => name.startsWith('--') || /\bvar\(/.test(text)),
  'css-selector-adjacent-sibling': selector(/\S\s?\+\s?\S/),
  'css-selector-attribute': selector(/\[/),
  'css-selector-chaining': selector(/[.#][\w-]+[.#:[]/),
  'css-selector-child': selector(/>/),
  'css-selector-class': selector(/\.[a-z_-]/),
  'css-selector-descendant': selector(/[\w\])*]\s+[\w.#[*:]/),
  'css-selector-general-sibling': selector(/~(?!=)/),
  'css-selector-grouping': selector(/,/),
  'css-selector-id': selector(/#[a-z_-]/),
  'css-selector-type': selector(/(?:^|[\s,>+~])[a-z]/),
  'css-selector-universal': selector(/\*(?!=)/),
  'html-anchor-links': other('anchor'),
  'html-button-reset': other('button reset'),
  'html-button-submit': other('button submit'),
  'html-comments': ({ comments }) => comments,
  'html-doctype': other('doctype'),
  'html-h1-h6': element('h1', 'h2', 'h3', 'h4', 'h5', 'h6'),
  'html-image-maps': (facts) => element('map')(facts) + attribute('usemap')(facts),
  'html-lists': element('ul', 'ol', 'dl'),
  'html-loading-attribute': attribute('loading'),
  'html-mailto-links': other('mailto'),
  'html-meta-color-scheme': other('meta color-scheme'),
  'html-object': element('object', 'embed'),
  'html-semantics': element(
    ...['article', 'aside', 'details', 'figcaption', 'figure', 'footer', 'header', 'main'],
    ...['mark', 'nav', 'section', 'summary', 'time'],
  ),
  'html-srcset': attribute('srcset', 'sizes'),
  'image-mp4': ({ others }) => others.get('image mp4') ?? 0,
}

const htmlAttributes: ReadonlySet<string> = new Set([
  ...['align', 'background', 'cellpadding', 'cellspacing', 'dir', 'height', 'hidden', 'lang', 'popover'],
  ...['required', 'role', 'target', 'valign', 'width'],
])

/** Undefined for what cannot be told from a message's text. */
export function usesOf(
  { slug, category }: { readonly slug: string; readonly category: 'html' | 'css' | 'image' },
  facts: HtmlFacts,
): number | undefined {
  const uses = Object.hasOwn(special, slug) ? special[slug] : undefined
  if (uses !== undefined) return uses(facts)
  const name = slug.slice(slug.indexOf('-') + 1)
  switch (category) {
    case 'image':
      return name === 'hdr' ? undefined : other(`image ${name}`)(facts)
    case 'html':
      return htmlUses(name, facts)
    case 'css':
      return cssUses(name, facts.css)
  }
}

function htmlUses(name: string, facts: HtmlFacts): number {
  const input = /^input-(.+)$/.exec(name)?.[1]
  if (input !== undefined) return other(`input ${input}`)(facts)
  return name.startsWith('aria-') || htmlAttributes.has(name) ? attribute(name)(facts) : element(name)(facts)
}

function cssUses(name: string, { declarations, selectors }: CssFacts): number {
  const pseudo = /^pseudo-(?:class|element)-(.+)$/.exec(name)?.[1]
  if (pseudo !== undefined) {
    const pattern = new RegExp(`:{1,2}${pseudo}(?![\\w-])`)
    return selectors.filter((text) => pattern.test(withoutStrings(text))).length
  }
  const unit = /^unit-(.+)$/.exec(name)?.[1]
  if (unit !== undefined) {
    const pattern = new RegExp(`\\d${unit}\\b`)
    return declarations.filter(([, text]) => pattern.test(text)).length
  }
  return declarations.filter(([property]) => property === name || property === `-webkit-${name}`).length
}
