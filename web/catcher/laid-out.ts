// A mail laid out at a width, to see how high it is there: in a frame out of sight that runs nothing, whose document this page may look
// into. What is shown stands in a frame without an origin, of which nobody knows how high its mail is.

/** Pixels: fits on A4 and Letter with the margins of browsers. */
export const paperWidth = 680

/** Lays the mail out, and hands its document over while it stands. Rejects with an Error for people. */
export async function withLaidOut<T>(path: string, width: number, look: (mail: Document) => T): Promise<T> {
  const host = document.createElement('div')
  const frame = document.createElement('iframe')
  frame.sandbox.value = 'allow-same-origin'
  frame.tabIndex = -1
  frame.ariaHidden = 'true'
  // One pixel high, so that what it holds says how high it is.
  Object.assign(frame.style, { position: 'fixed', insetInlineStart: '-10000px', insetBlockStart: '0' })
  Object.assign(frame.style, { width: `${width}px`, height: '1px', border: '0', visibility: 'hidden' })
  const loaded = new Promise((resolve) => frame.addEventListener('load', resolve, { once: true }))
  frame.src = path
  // It is no part of the page.
  host.attachShadow({ mode: 'closed' }).append(frame)
  document.body.append(host)
  try {
    await loaded
    const mail = frame.contentDocument
    if (mail === null) throw new Error('The mail could not be laid out.')
    return look(mail)
  } finally {
    host.remove()
  }
}

/** Pixels that the mail takes on paper. */
export interface PaperSize {
  readonly width: number
  readonly height: number
}

/** Of the mail as it is at that width; wider where it does not fit: browsers print what is wide smaller. */
export async function measureForPaper(path: string, width: number): Promise<PaperSize> {
  const wanted = await withLaidOut(path, width, sizeOf)
  return wanted.width <= width ? wanted : withLaidOut(path, wanted.width, sizeOf)
}

function sizeOf({ documentElement: { scrollWidth, scrollHeight } }: Document): PaperSize {
  return { width: scrollWidth, height: scrollHeight }
}
