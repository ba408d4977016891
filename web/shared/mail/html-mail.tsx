// An HTML mail in its frame. The frame (`web/frame/message.html`) is a sandboxed document without an origin: it can reach neither
// the page nor the session, and its policy lets it load nothing but, when `remote` is set, pictures. It is spoken to by messages:
// HTML goes in as it came and is cleaned there, where its styles may stand; its height and its keys come out.
import type { JSX } from 'preact'
import { useEffect, useLayoutEffect, useRef } from 'preact/hooks'
import { useSignal } from '@preact/signals'
import { isDark } from '../theme.ts'
import type { FrameMessage } from './frame-messages.ts'

interface HtmlMailProps {
  readonly html: string
  /** Pictures from elsewhere are loaded. */
  readonly remote: boolean
  /** Data URLs by Content-ID. */
  readonly inline?: Readonly<Record<string, string>>
  /** How many things from elsewhere were left out. */
  readonly onBlocked?: (count: number) => void
  /** A key pressed inside the frame. */
  readonly onKey?: (key: KeyboardEventInit & { key: string }) => void
  readonly title: string
  /** Fixed width in pixels, for previews of devices. */
  readonly width?: number
  /** Colours turned dark with the page. Default true: mail that brings no colours of its own only. */
  readonly adapt?: boolean
}

const nothing: Readonly<Record<string, string>> = {}

/** Whether a mail sets colours of its own: it is shown on white then. */
function hasColours(html: string): boolean {
  return /\bbgcolor\s*=|background(?:-color)?\s*:|\bcolor\s*[:=]|<img/i.test(html)
}

export function HtmlMail(props: HtmlMailProps): JSX.Element {
  const { html, remote, inline = nothing, onBlocked, onKey, title, width, adapt = true } = props
  const frame = useRef<HTMLIFrameElement>(null)
  const height = useSignal(120)
  const dark = adapt && isDark() && !hasColours(html)
  const card = isDark() && !dark
  const newest = useRef({ html, inline, remote, dark, card, onKey, onBlocked })
  newest.current = { html, inline, remote, dark, card, onKey, onBlocked }
  const send = (): void => {
    const { onKey: _key, onBlocked: _blocked, ...shown } = newest.current
    const message: FrameMessage = { type: 'show', ...shown }
    // Its origin is opaque: no other target fits, and what is sent is the mail itself.
    frame.current?.contentWindow?.postMessage(message, '*')
  }
  useEffect(send, [html, inline, remote, dark, card])
  // Before the frame can say a word.
  useLayoutEffect(() => {
    const listen = (event: MessageEvent<FrameMessage>): void => {
      if (event.source !== frame.current?.contentWindow) return
      const { data } = event
      if (data.type === 'ready') send()
      else if (data.type === 'height') height.value = Math.min(60_000, Math.max(24, Math.ceil(data.height)))
      else if (data.type === 'blocked') newest.current.onBlocked?.(data.count)
      else if (data.type === 'key') newest.current.onKey?.(data)
    }
    addEventListener('message', listen)
    return () => removeEventListener('message', listen)
  }, [])
  return (
    <iframe
      ref={frame}
      class="html-mail"
      key={remote ? 'remote' : 'closed'}
      src={remote ? '/frame/message-remote' : '/frame/message'}
      sandbox="allow-scripts allow-popups allow-popups-to-escape-sandbox"
      referrerpolicy="no-referrer"
      title={title}
      style={{ height: `${height.value}px`, width: width === undefined ? '100%' : `${width}px` }}
    />
  )
}
