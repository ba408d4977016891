// HTML that somebody sent, cleaned before it goes into its frame: no scripts, forms, frames, or anything that runs; no address to load
// from but those allowed. It runs inside the frames without an origin, where a mail's styles may stand; their policy says the same once more.
import DOMPurify, { type Config } from 'dompurify'

export interface CleanOptions {
  /** Data URLs of parts of the message by Content-ID. */
  readonly inline: Readonly<Record<string, string>>
  /** Whether pictures and fonts may come from elsewhere. */
  readonly remote: boolean
}

export interface CleanHtml {
  readonly html: string
  /** How many things from elsewhere were left out. */
  readonly blocked: number
}

const purify = DOMPurify(window)

/**
 * What old HTML is laid out with. DOMPurify holds the value of every attribute that it is not told to be safe against
 * `ALLOWED_URI_REGEXP`, so that without this list a width, an alignment or a direction would be dropped as a bad address.
 */
const plainAttributes = [
  ...['abbr', 'align', 'axis', 'bgcolor', 'border', 'bordercolor', 'cellpadding', 'cellspacing', 'char'],
  ...['charoff', 'clear', 'color', 'colspan', 'compact', 'coords', 'datetime', 'dir', 'face', 'frame'],
  ...['headers', 'height', 'hidden', 'hspace', 'lang', 'media', 'noshade', 'nowrap', 'open', 'rel'],
  ...['reversed', 'rowspan', 'rules', 'scope', 'shape', 'size', 'span', 'start', 'target', 'type'],
  ...['valign', 'vspace', 'width'],
]

const settings: Config = {
  WHOLE_DOCUMENT: true,
  FORBID_TAGS: [
    'form',
    'input',
    'button',
    'select',
    'textarea',
    'option',
    'iframe',
    'frame',
    'frameset',
    'object',
    'embed',
    'applet',
    'link',
    'meta',
    'base',
    'audio',
    'video',
    'source',
    'track',
    'dialog',
    'template',
    'slot',
    'svg',
    'math',
    'portal',
    'noscript',
  ],
  FORBID_ATTR: [
    'ping',
    'srcset',
    'autofocus',
    'contenteditable',
    'popover',
    'popovertarget',
    'is',
    'slot',
    'name',
    'nonce',
    'formaction',
  ],
  ADD_TAGS: ['center', 'font'],
  ADD_ATTR: ['target', 'bgcolor', 'background', 'align', 'valign', 'cellpadding', 'cellspacing', 'border'],
  ADD_URI_SAFE_ATTR: plainAttributes,
  ALLOW_DATA_ATTR: false,
  ALLOW_ARIA_ATTR: true,
  SANITIZE_NAMED_PROPS: true,
  ALLOWED_URI_REGEXP: /^(?:https?:|mailto:|tel:|cid:|data:image\/(?:png|gif|jpe?g|webp|avif|bmp);|#)/i,
  RETURN_DOM: true,
}

const remoteUrl = /^\s*(?:https?:)?\/\//i

/** What a `url(…)` in CSS may become. */
function cleanCss(css: string, options: CleanOptions, count: { blocked: number }): string {
  // CSS escapes could hide a `url(`: a sheet that has them in odd places loses them first.
  const plain = css
    .replaceAll(/\/\*[\s\S]*?(?:\*\/|$)/g, '')
    .replaceAll(/\\(?:([0-9a-f]{1,6})\s?|(.))/gi, (_, hex: string | undefined, other: string | undefined) => {
      const code = hex === undefined ? 0 : Number.parseInt(hex, 16)
      return hex === undefined ? (other ?? '') : code > 31 && code < 127 ? String.fromCodePoint(code) : ''
    })
    .replaceAll(/@import[^;]*(?:;|$)/gi, '')
    .replaceAll(/(?:-moz-binding|behavior)\s*:[^;}]*/gi, '')
    .replaceAll(/expression\s*\(/gi, '(')
    .replaceAll(/position\s*:\s*(?:fixed|sticky)/gi, 'position:absolute')
    .replaceAll(/(?:-webkit-)?image-set\s*\([^;}]*/gi, 'none')
    .replaceAll(/<\/?style/gi, '')
  return plain.replaceAll(/url\(\s*(['"]?)([^'")]*)\1\s*\)?/gi, (_, _quote: string, url: string) => {
    const resolved = resolveUrl(url, options, count)
    return resolved === undefined ? 'none' : `url("${resolved.replaceAll(/["\\\n]/g, encodeURIComponent)}")`
  })
}

function resolveUrl(url: string, options: CleanOptions, count: { blocked: number }): string | undefined {
  const trimmed = url.trim()
  if (/^cid:/i.test(trimmed)) return options.inline[decode(trimmed.slice(4)).replaceAll(/[<>]/g, '')]
  if (/^data:image\/(?:png|gif|jpe?g|webp|avif|bmp);/i.test(trimmed)) return trimmed
  if (!remoteUrl.test(trimmed)) return undefined
  if (options.remote) return trimmed.startsWith('//') ? `https:${trimmed}` : trimmed
  count.blocked++
  return undefined
}

function decode(text: string): string {
  try {
    return decodeURIComponent(text)
  } catch {
    // Not percent-encoded: the Content-ID as it stands.
    return text
  }
}

function cleanElement(element: Element, options: CleanOptions, count: { blocked: number }): void {
  const style = element.getAttribute('style')
  if (style !== null) element.setAttribute('style', cleanCss(style, options, count))
  for (const name of ['src', 'background', 'poster'] as const) {
    const url = element.getAttribute(name)
    if (url === null) continue
    const resolved = resolveUrl(url, options, count)
    if (resolved === undefined) element.removeAttribute(name)
    else element.setAttribute(name, resolved)
  }
  const href = element.getAttribute('href')
  if (href === null) return
  if (element.localName !== 'a' && element.localName !== 'area') element.removeAttribute('href')
  else if (/^(?:https?:|mailto:|tel:)/i.test(href.trim())) {
    element.setAttribute('target', '_blank')
    element.setAttribute('rel', 'noopener noreferrer nofollow')
  } else if (!href.startsWith('#')) element.removeAttribute('href')
}

/** The body with the styles of its head, as text for the frame. */
export function cleanHtml(html: string, options: CleanOptions): CleanHtml {
  const count = { blocked: 0 }
  const root = purify.sanitize(html, settings) as unknown as HTMLElement
  for (const sheet of root.querySelectorAll('style')) {
    sheet.textContent = cleanCss(sheet.textContent, options, count)
    for (const attribute of [...sheet.attributes])
      if (attribute.name !== 'media') sheet.removeAttribute(attribute.name)
  }
  for (const element of root.querySelectorAll('*')) cleanElement(element, options, count)
  const body = root.querySelector('body')
  if (body !== null) cleanElement(body, options, count)
  const sheets = [...root.querySelectorAll('head style')].map(({ outerHTML }) => outerHTML).join('')
  const holder = document.implementation.createHTMLDocument('').createElement('div')
  holder.className = 'mail-body'
  for (const name of ['style', 'bgcolor', 'dir', 'lang']) {
    const value = body?.getAttribute(name) ?? null
    if (value !== null) holder.setAttribute(name, value)
  }
  if (holder.hasAttribute('bgcolor')) holder.style.backgroundColor = holder.getAttribute('bgcolor') ?? ''
  holder.append(...(body?.childNodes ?? []))
  return { html: sheets + holder.outerHTML, blocked: count.blocked }
}

/** For the editor: sheets are left out, since they would style what is written above, and pictures from elsewhere keep their address by another name. */
export function cleanForEditor(html: string, inline: Readonly<Record<string, string>>): string {
  const { html: clean } = cleanHtml(html, { inline, remote: true })
  const { body } = new DOMParser().parseFromString(clean, 'text/html')
  for (const sheet of body.querySelectorAll('style')) sheet.remove()
  for (const image of body.querySelectorAll('[src]')) {
    const url = image.getAttribute('src') ?? ''
    if (url.startsWith('data:')) continue
    image.setAttribute('data-remote-src', url)
    image.removeAttribute('src')
  }
  for (const element of body.querySelectorAll('[background]')) element.removeAttribute('background')
  for (const element of body.querySelectorAll('[style]')) {
    const style = element.getAttribute('style') ?? ''
    element.setAttribute('style', style.replaceAll(/url\("(?!data:)[^"]*"\)/g, 'none'))
  }
  return (body.querySelector('.mail-body') ?? body).innerHTML
}
