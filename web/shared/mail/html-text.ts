// HTML as plain text, for the plain part of what is sent; and plain text as HTML. Done on the browser's own inert documents.

const blocks =
  /^(?:address|article|blockquote|div|dl|dt|dd|fieldset|figure|footer|form|h[1-6]|header|hr|li|main|ol|p|pre|section|table|tr|ul)$/

function walk(node: Node, quote: number, out: string[]): void {
  if (node.nodeType === Node.TEXT_NODE) {
    out.push((node.nodeValue ?? '').replaceAll(/[ \t\r\n]+/g, ' '))
    return
  }
  if (!(node instanceof Element) || /^(?:style|script|head|title)$/.test(node.localName)) return
  const { localName } = node
  if (localName === 'br') out.push('\n')
  else if (localName === 'img') out.push(node.getAttribute('alt') ?? '')
  else if (localName === 'li') out.push('\n• ')
  else if (blocks.test(localName)) out.push('\n')
  if (localName === 'blockquote') {
    const inside: string[] = []
    for (const child of node.childNodes) walk(child, quote + 1, inside)
    const text = tidy(inside.join(''))
    out.push(`\n${text.replaceAll(/^/gm, '> ').replaceAll(/^> (?=>)/gm, '>')}\n`)
    return
  }
  for (const child of node.childNodes) walk(child, quote, out)
  const href = node.getAttribute('href') ?? ''
  if (
    localName === 'a' &&
    /^https?:/.test(href) &&
    !node.textContent.includes(href.replace(/^https?:\/\//, ''))
  )
    out.push(` <${href}>`)
  if (localName === 'td' || localName === 'th') out.push(' ')
  else if (blocks.test(localName)) out.push('\n')
}

function tidy(text: string): string {
  return text
    .replaceAll('\u00a0', ' ')
    .replaceAll(/[ \t]+\n/g, '\n')
    .replaceAll(/\n[ \t]+/g, '\n')
    .replaceAll(/\n{3,}/g, '\n\n')
    .trim()
}

export function htmlToText(html: string): string {
  const out: string[] = []
  // Styles are nothing to text, and this page's policy would complain of them.
  const plain = html.replaceAll(/\sstyle\s*=/gi, ' data-style=').replaceAll(/<style\b[\s\S]*?<\/style>/gi, '')
  walk(new DOMParser().parseFromString(plain, 'text/html').body, 0, out)
  return tidy(out.join(''))
}

export function escapeHtml(text: string): string {
  return text
    .replaceAll('&', '&amp;')
    .replaceAll('<', '&lt;')
    .replaceAll('>', '&gt;')
    .replaceAll('"', '&quot;')
}

export function textToHtml(text: string): string {
  return text
    .split('\n')
    .map((line) => `<div>${line === '' ? '<br>' : escapeHtml(line)}</div>`)
    .join('')
}

/**
 * The editor's HTML as it is sent or kept: pictures from elsewhere by their address, our own by Content-ID. It is the browser's own serialisation, so
 * attributes stand in double quotes; it is not parsed here, since this page's policy would complain of the styles in it.
 */
export function sendableFragment(html: string, contentIds: ReadonlyMap<string, string>): string {
  return html
    .replaceAll(/(<img\b[^>]*?) data-remote-src="([^"]*)"/g, '$1 src="$2"')
    .replaceAll(/(<img\b[^>]*?) src="(data:[^"]*)"/g, (whole, before: string, url: string) => {
      const cid = contentIds.get(url)
      return cid === undefined ? whole : `${before} src="cid:${cid}"`
    })
}

export function sendableHtml(html: string, contentIds: ReadonlyMap<string, string>): string {
  return `<!doctype html><html><body>${sendableFragment(html, contentIds)}</body></html>`
}
