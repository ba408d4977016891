// Inside the frame of an HTML mail: no origin, no session, nothing to load but, perhaps, pictures. It shows the HTML that the page
// sends, cleaned, and tells its height and the keys pressed here.
import './message.css'
import type { FrameMessage } from '../shared/mail/frame-messages.ts'
import { cleanHtml } from '../shared/mail/sanitize.ts'

function tell(message: FrameMessage): void {
  // The page is not named: it is whoever holds the frame, and `frame-ancestors` lets only our own pages do so.
  parent.postMessage(message, '*')
}

function measure(): void {
  const body = document.body.getBoundingClientRect()
  tell({ type: 'height', height: Math.max(body.height, document.body.scrollHeight) })
}

/** A newsletter wider than the window is made smaller rather than cut. */
function fit(): void {
  const holder = document.querySelector<HTMLElement>('.mail-body')
  if (holder === null) return
  holder.style.zoom = ''
  const room = document.documentElement.clientWidth
  if (holder.scrollWidth > room + 4 && room > 0)
    holder.style.zoom = String(Math.max(0.45, room / holder.scrollWidth))
}

/** A picture that is given both sizes and has no room for its width would be squeezed. */
function keepProportions(image: HTMLImageElement): void {
  const width = Number(image.getAttribute('width'))
  if (width > 0 && image.hasAttribute('height') && image.clientWidth < width - 1) image.style.height = 'auto'
}

function foldQuotes(): void {
  for (const quote of document.querySelectorAll<HTMLElement>('blockquote, .gmail_quote')) {
    if (
      quote.parentElement?.closest('blockquote, .gmail_quote, details') != null ||
      quote.textContent.length < 400
    )
      continue
    const fold = document.createElement('details')
    const summary = document.createElement('summary')
    summary.textContent = '···'
    summary.setAttribute('aria-label', 'Quoted text')
    fold.className = 'posthorn-fold'
    quote.replaceWith(fold)
    fold.append(summary, quote)
    fold.addEventListener('toggle', measure)
  }
}

addEventListener('message', (event: MessageEvent<FrameMessage>) => {
  if (event.source !== parent || event.data.type !== 'show') return
  document.documentElement.classList.toggle('dark', event.data.dark)
  document.documentElement.classList.toggle('card', event.data.card)
  const { html, blocked } = cleanHtml(event.data.html, event.data)
  document.body.innerHTML = html
  tell({ type: 'blocked', count: blocked })
  foldQuotes()
  fit()
  measure()
  for (const image of document.images) {
    image.addEventListener('load', () => {
      keepProportions(image)
      measure()
    })
  }
})
addEventListener('keydown', ({ key, ctrlKey, metaKey, shiftKey, altKey }) => {
  if (!altKey) tell({ type: 'key', key, ctrlKey, metaKey, shiftKey })
})
new ResizeObserver(measure).observe(document.body)
addEventListener('resize', fit)
tell({ type: 'ready' })
