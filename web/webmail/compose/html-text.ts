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
  walk(new DOMParser().parseFromString(html, 'text/html').body, 0, out)
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

/** What the editor must not load is kept by another name, and given back when it is sent. */
export function holdRemote(html: string): string {
  const { body } = new DOMParser().parseFromString(html, 'text/html')
  for (const image of body.querySelectorAll('[src]')) {
    const url = image.getAttribute('src') ?? ''
    if (url.startsWith('data:')) continue
    image.setAttribute('data-remote-src', url)
    image.removeAttribute('src')
  }
  for (const element of body.querySelectorAll<HTMLElement>('[style*="url("]'))
    element.style.backgroundImage = ''
  for (const element of body.querySelectorAll('[background]')) element.removeAttribute('background')
  return body.innerHTML
}

/** The editor's HTML as it is sent: pictures from elsewhere by their address, our own by Content-ID. */
export function sendableHtml(html: string, contentIds: ReadonlyMap<string, string>): string {
  const { body } = new DOMParser().parseFromString(html, 'text/html')
  for (const image of body.querySelectorAll('[data-remote-src]')) {
    image.setAttribute('src', image.getAttribute('data-remote-src') ?? '')
    image.removeAttribute('data-remote-src')
  }
  for (const image of body.querySelectorAll('img[src^="data:"]')) {
    const cid = contentIds.get(image.getAttribute('src') ?? '')
    if (cid !== undefined) image.setAttribute('src', `cid:${cid}`)
  }
  return `<!doctype html><html><body>${body.innerHTML}</body></html>`
}
