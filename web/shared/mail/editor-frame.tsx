// The rich text editor in its frame (`web/frame/editor.html`): loaded only when somebody writes. The toolbar is the page's.
import type { JSX } from 'preact'
import { useEffect, useLayoutEffect, useRef } from 'preact/hooks'
import { useSignal } from '@preact/signals'
import { isDark } from '../theme.ts'
import type { EditorCommand, EditorFormat, EditorMessage, FrameKey, Quote } from './frame-messages.ts'
import { Button, IconButton } from '../ui/button.tsx'
import { Dialog } from '../ui/dialog.tsx'
import { TextField } from '../ui/field.tsx'
import type { IconName } from '../ui/icon.tsx'

/** What the page may want of an editor that is shown. */
export interface EditorHandle {
  send(message: EditorMessage): void
  /** Resolves when `onChange` has heard all that was written until now: the frame may be of another process, whose words come later. */
  flush(): Promise<void>
}

/** Milliseconds after which a frame that does not answer is not waited for. */
const flushTime = 3000

interface EditorFrameProps {
  readonly title?: string
  readonly html: string
  readonly quote: Quote | null
  /** Hears the text as it is when the quote is in its place. */
  readonly onOpened: (html: string) => void
  readonly focus: boolean
  readonly onChange: (html: string) => void
  readonly onKey: (key: FrameKey) => void
  readonly onFiles: (files: readonly File[]) => void
  /** Set for as long as the editor is shown. */
  readonly handle: { current: EditorHandle | null }
}

const noFormat: EditorFormat = {
  bold: false,
  italic: false,
  underline: false,
  link: false,
  list: null,
  quote: false,
}

export function EditorFrame(props: EditorFrameProps): JSX.Element {
  const frame = useRef<HTMLIFrameElement>(null)
  const newest = useRef(props)
  newest.current = props
  const format = useSignal(noFormat)
  const send = (message: EditorMessage): void => {
    // Its origin is opaque: no other target fits.
    frame.current?.contentWindow?.postMessage(message, '*')
  }
  // Before the frame can say a word: what it said unheard, that it is ready, it would not say again.
  useLayoutEffect(() => {
    let opened = false
    let flushed = Promise.withResolvers<void>()
    const hear = (html: string): void => {
      // What stands there before it was opened is not the text.
      if (opened && html !== newest.current.html) newest.current.onChange(html)
    }
    const { handle } = newest.current
    handle.current = {
      send,
      flush() {
        if (!opened) return Promise.resolve()
        flushed = Promise.withResolvers()
        send({ type: 'flush' })
        setTimeout(flushed.resolve, flushTime)
        return flushed.promise
      },
    }
    const listen = (event: MessageEvent<EditorMessage>): void => {
      if (event.source !== frame.current?.contentWindow) return
      const { data } = event
      if (data.type === 'ready') {
        const { html, quote } = newest.current
        // Whoever writes in a field already, since the frame came late, goes on there.
        const focus = newest.current.focus && !(document.activeElement instanceof HTMLInputElement)
        send({ type: 'open', html, quote, dark: isDark(), focus })
      } else if (data.type === 'opened') {
        opened = true
        newest.current.onOpened(data.html)
      } else if (data.type === 'changed') hear(data.html)
      else if (data.type === 'flushed') {
        hear(data.html)
        flushed.resolve()
      } else if (data.type === 'format') format.value = data.format
      else if (data.type === 'files') newest.current.onFiles(data.files)
      else if (data.type === 'key') newest.current.onKey(data)
    }
    addEventListener('message', listen)
    return () => {
      removeEventListener('message', listen)
      handle.current = null
    }
  }, [])
  return (
    <>
      <iframe
        ref={frame}
        class="editor-frame"
        src="/frame/editor"
        title={props.title ?? 'Text of the message'}
        sandbox="allow-scripts"
        referrerpolicy="no-referrer"
      />
      <Toolbar format={format.value} send={send} />
    </>
  )
}

function Toolbar({
  format,
  send,
}: {
  format: EditorFormat
  send: (message: EditorMessage) => void
}): JSX.Element {
  const tool = (icon: IconName, label: string, command: EditorCommand, on: boolean): JSX.Element => (
    <IconButton
      size="small"
      icon={icon}
      label={label}
      aria-pressed={on}
      onMouseDown={(event) => event.preventDefault()}
      onClick={() => send({ type: 'command', command })}
    />
  )
  const asking = useSignal(false)
  return (
    <div class="editor-tools" role="toolbar" aria-label="Format">
      {tool('bold', 'Bold', 'bold', format.bold)}
      {tool('italic', 'Italic', 'italic', format.italic)}
      {tool('underline', 'Underlined', 'underline', format.underline)}
      {tool('list-bullet', 'List', 'bullet-list', format.list === 'ul')}
      {tool('list-number', 'Numbered list', 'number-list', format.list === 'ol')}
      {tool('quote', 'Quote', format.quote ? 'unquote' : 'quote', format.quote)}
      <IconButton
        size="small"
        icon="link"
        label="Link"
        aria-pressed={format.link}
        onClick={() => (format.link ? send({ type: 'link', url: '' }) : (asking.value = true))}
      />
      {tool('clear-format', 'No format', 'clear', false)}
      {asking.value ? (
        <AskLink
          onClose={() => (asking.value = false)}
          onChoose={(url) => {
            asking.value = false
            send({ type: 'link', url })
          }}
        />
      ) : null}
    </div>
  )
}

/** `example.org` means `https://example.org`, `ann@example.org` a letter to her; null: nothing that mail may link to. */
function urlOf(text: string): string | null {
  const given = text.trim()
  const url = /^[^\s:/@]+@[^\s:/@]+$/.test(given)
    ? `mailto:${given}`
    : /^[a-z][a-z\d+.-]*:/i.test(given) && !/^[^/]*:\d+(?:\/|$)/.test(given)
      ? given
      : `https://${given}`
  return given !== '' && /^(?:https?:\/\/[^/\s]|mailto:.)/i.test(url) && URL.canParse(url) ? url : null
}

function AskLink({
  onClose,
  onChoose,
}: {
  onClose: () => void
  onChoose: (url: string) => void
}): JSX.Element {
  const text = useSignal('')
  const url = urlOf(text.value)
  const input = useRef<HTMLInputElement>(null)
  useEffect(() => input.current?.focus(), [])
  const choose = (): void => {
    if (url !== null) onChoose(url)
  }
  return (
    <Dialog
      title="Link"
      onClose={onClose}
      foot={
        <Button tone="primary" disabled={url === null} onClick={choose}>
          Set link
        </Button>
      }
    >
      <TextField
        label="Where it leads"
        type="text"
        inputMode="url"
        autocomplete="off"
        inputRef={input}
        value={text.value}
        onInput={(value) => (text.value = value)}
        hint={url ?? 'An address of the web or of somebody: example.org, ann@example.org.'}
        onKeyDown={(event) => {
          if (event.key !== 'Enter') return
          event.preventDefault()
          event.stopPropagation()
          choose()
        }}
      />
    </Dialog>
  )
}
