// A picture of the HTML part, made in the browser and nowhere else: the mail is laid out once in a frame that runs nothing, to see how
// high it is, and then drawn from an SVG image, which neither runs nor fetches anything whatever it holds. Pictures that came with the
// mail are put into it; those from elsewhere stay out, since nothing is asked for outside.
import { withLaidOut } from './laid-out.ts'
import { apiPath } from './state.ts'

/** Pixels: browsers make no larger canvas, and nobody looks at one. */
const mostWidth = 4096
const mostHeight = 16_384
/** Parts of the mail that are put into the picture. */
const mostParts = 200

export interface Screenshot {
  readonly picture: Blob
  /** Whether the mail is longer than the picture. */
  readonly cut: boolean
}

/** PNG of the mail as it is laid out at that width. Rejects with an Error for people. */
export async function takeScreenshot(id: string, { width }: { width: number }): Promise<Screenshot> {
  const { size, body } = await laidOut(
    apiPath(`/messages/${id}/html?screenshot=1`),
    Math.min(width, mostWidth),
  )
  const image = await load(svgOf(await withParts(body, id), size))
  const canvas = document.createElement('canvas')
  canvas.width = size.width
  canvas.height = size.height
  const context = canvas.getContext('2d')
  if (context === null) throw new Error('This browser draws no pictures.')
  context.fillStyle = 'white'
  context.fillRect(0, 0, size.width, size.height)
  context.drawImage(image, 0, 0)
  const picture = await new Promise<Blob | null>((resolve) => canvas.toBlob(resolve, 'image/png'))
  if (picture === null) throw new Error('This browser could not draw it.')
  return { picture, cut: size.cut }
}

interface Size {
  readonly width: number
  readonly height: number
  readonly cut: boolean
}

/** Its size at that width, and the mail as XML. */
function laidOut(path: string, width: number): Promise<{ readonly size: Size; readonly body: string }> {
  return withLaidOut(path, width, (mail) => {
    const { scrollWidth, scrollHeight } = mail.documentElement
    const size = {
      width: Math.min(Math.max(width, scrollWidth), mostWidth),
      height: Math.min(scrollHeight, mostHeight),
      cut: scrollHeight > mostHeight || scrollWidth > mostWidth,
    }
    return { size, body: xmlOf(mail) }
  })
}

/** The mail's own pictures in the place of their addresses. */
async function withParts(html: string, id: string): Promise<string> {
  const found = new Set(
    [...html.matchAll(/\/[^\s"'<>()]*\/parts\/[\d.]+/g)]
      .map(([path]) => path)
      .filter((path) => path.startsWith(apiPath(`/messages/${id}/parts/`))),
  )
  const parts = await Promise.all(
    [...found].slice(0, mostParts).map(async (path) => [path, await dataUrl(path)] as const),
  )
  // The longest first: part 1.10 begins as part 1.1 does.
  return parts
    .toSorted(([one], [other]) => other.length - one.length)
    .reduce((text, [path, data]) => text.replaceAll(path, data), html)
}

async function dataUrl(path: string): Promise<string> {
  const response = await fetch(path)
  if (!response.ok) return 'data:,'
  const blob = await response.blob()
  return new Promise((resolve) => {
    const reader = new FileReader()
    reader.addEventListener('loadend', () =>
      resolve(typeof reader.result === 'string' ? reader.result : 'data:,'),
    )
    reader.readAsDataURL(blob)
  })
}

function svgOf(body: string, { width, height }: Size): string {
  return `<svg xmlns="http://www.w3.org/2000/svg" width="${width}" height="${height}"><foreignObject width="100%" height="100%">${body}</foreignObject></svg>`
}

/** Of a document that is not needed any more. */
function xmlOf(mail: Document): string {
  // They mean nothing in a picture, and comments may be none in XML.
  for (const element of mail.querySelectorAll('script, link, meta, base, title, noscript')) element.remove()
  const walker = mail.createTreeWalker(mail, NodeFilter.SHOW_COMMENT)
  const comments: Node[] = []
  for (let node = walker.nextNode(); node !== null; node = walker.nextNode()) comments.push(node)
  for (const comment of comments) comment.parentNode?.removeChild(comment)
  for (const element of mail.querySelectorAll('*')) keepXmlNames(element)
  return new XMLSerializer().serializeToString(mail.documentElement).replaceAll(notInXml, '')
}

/** HTML takes names of attributes that XML has none of; and nothing is to happen in a picture. */
function keepXmlNames(element: Element): void {
  for (const { name } of [...element.attributes])
    if (!/^[A-Za-z_][\w.-]*$/.test(name) || /^(?:xmlns$|on)/i.test(name)) element.removeAttribute(name)
}

/** XML 1.0 §2.2: characters that no document may have. */
// oxlint-disable-next-line no-control-regex -- XML has none of them
const notInXml = /[\0-\x08\v\f\x0e-\x1f\ufffe\uffff]/g

async function load(svg: string): Promise<HTMLImageElement> {
  const image = new Image()
  // From a blob: URL browsers would draw it too, and then refuse to give the picture away.
  image.src = `data:image/svg+xml;charset=utf-8,${encodeURIComponent(svg.toWellFormed())}`
  try {
    await image.decode()
  } catch {
    throw new Error('This browser could not draw it.')
  }
  return image
}

/** Gives a file to whoever looks. */
export function download(file: Blob, name: string): void {
  const url = URL.createObjectURL(file)
  const link = document.createElement('a')
  link.href = url
  link.download = name
  link.click()
  // The browser reads it after this turn.
  setTimeout(() => URL.revokeObjectURL(url), 60_000)
}
