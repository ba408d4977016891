// Inside the frame of the editor: Squire, which keeps a quoted newsletter as it is, in a document without an origin whose styles may
// stand in the text, as those of mail do. The page sends what is to be written on, and hears every change.
import './editor.css'
import DOMPurify from 'dompurify'
import Squire from 'squire-rte'
import type { EditorCommand, EditorMessage, Quote } from '../shared/mail/frame-messages.ts'
import { cleanForEditor } from '../shared/mail/sanitize.ts'

function tell(message: EditorMessage): void {
  // The page is not named: it is whoever holds the frame, and `frame-ancestors` lets only our own pages do so.
  parent.postMessage(message, '*')
}

function clean(html: string): DocumentFragment {
  const fragment = DOMPurify.sanitize(html, {
    RETURN_DOM_FRAGMENT: true,
    FORBID_TAGS: [
      'style',
      'form',
      'input',
      'button',
      'textarea',
      'select',
      'iframe',
      'object',
      'embed',
      'svg',
      'math',
      'meta',
      'link',
      'base',
    ],
    ADD_TAGS: ['center', 'font'],
    ADD_ATTR: ['target', 'bgcolor', 'data-remote-src'],
    ALLOW_DATA_ATTR: true,
  })
  // Nothing is loaded here: pictures from elsewhere keep their address by another name.
  for (const image of fragment.querySelectorAll('img[src]')) {
    const url = image.getAttribute('src') ?? ''
    if (url.startsWith('data:')) continue
    image.setAttribute('data-remote-src', url)
    image.removeAttribute('src')
  }
  return document.importNode(fragment, true)
}

const root = document.createElement('div')
root.className = 'editor'
document.body.append(root)

const editor = new Squire(root, {
  blockTag: 'DIV',
  sanitizeToDOMFragment: clean,
  undo: { documentSizeThreshold: 1_000_000, undoLimit: 100 },
})
// No field until there is something to write on: what was typed before would be written over.
root.contentEditable = 'false'
function openField(): void {
  root.contentEditable = 'true'
  root.setAttribute('role', 'textbox')
  root.setAttribute('aria-multiline', 'true')
  root.setAttribute('aria-label', 'Message')
}

const reportHeight = (): void => tell({ type: 'height', height: root.scrollHeight + 24 })

const commands: Readonly<Record<EditorCommand, () => unknown>> = {
  bold: () => (editor.hasFormat('B') ? editor.removeBold() : editor.bold()),
  italic: () => (editor.hasFormat('I') ? editor.removeItalic() : editor.italic()),
  underline: () => (editor.hasFormat('U') ? editor.removeUnderline() : editor.underline()),
  'bullet-list': () => (editor.hasFormat('UL') ? editor.removeList() : editor.makeUnorderedList()),
  'number-list': () => (editor.hasFormat('OL') ? editor.removeList() : editor.makeOrderedList()),
  quote: () => editor.increaseQuoteLevel(),
  unquote: () => editor.decreaseQuoteLevel(),
  clear: () => editor.removeAllFormatting(),
  undo: () => editor.undo(),
  redo: () => editor.redo(),
}

function quoted(quote: Quote | null): string {
  if (quote === null) return ''
  const html = cleanForEditor(quote.html, quote.inline)
  return quote.cited ? `<blockquote type="cite">${html}</blockquote>` : html
}

function setSignature(html: string): void {
  const old = root.querySelector('.posthorn-signature')
  const fresh = clean(html)
  if (old === null) return
  old.replaceChildren(fresh)
  tell({ type: 'changed', html: editor.getHTML() })
}

function receive(message: EditorMessage): void {
  switch (message.type) {
    case 'open':
      document.documentElement.classList.toggle('dark', message.dark)
      openField()
      editor.setHTML(message.html + quoted(message.quote))
      tell({ type: 'opened', html: editor.getHTML() })
      editor.moveCursorToStart()
      if (message.focus) editor.focus()
      reportHeight()
      break
    case 'command':
      commands[message.command]()
      editor.focus()
      break
    case 'link':
      if (message.url === '') editor.removeLink()
      else editor.makeLink(message.url, {})
      editor.focus()
      break
    case 'image':
      editor.insertImage(message.url, { style: 'max-width:100%' })
      break
    case 'signature':
      setSignature(message.html)
      break
    case 'focus':
      editor.focus()
      break
    case 'flush':
      tell({ type: 'flushed', html: editor.getHTML() })
      break
    default:
      break
  }
}

addEventListener('message', (event: MessageEvent<EditorMessage>) => {
  if (event.source === parent) receive(event.data)
})
editor.addEventListener('input', () => {
  tell({ type: 'changed', html: editor.getHTML() })
  reportHeight()
})
editor.addEventListener('pathChange', () => {
  const list = editor.hasFormat('UL') ? 'ul' : editor.hasFormat('OL') ? 'ol' : null
  tell({
    type: 'format',
    format: {
      bold: editor.hasFormat('B'),
      italic: editor.hasFormat('I'),
      underline: editor.hasFormat('U'),
      link: editor.hasFormat('A'),
      quote: editor.hasFormat('BLOCKQUOTE'),
      list,
    },
  })
})
for (const [key, command] of [
  ['Enter', 'Enter'],
  ['Escape', 'Escape'],
] as const) {
  addEventListener(
    'keydown',
    (event) => {
      const { ctrlKey, metaKey, shiftKey } = event
      if (event.key !== key || (key === 'Enter' && !ctrlKey && !metaKey)) return
      event.preventDefault()
      event.stopPropagation()
      tell({ type: 'key', key: command, ctrlKey, metaKey, shiftKey })
    },
    { capture: true },
  )
}
/** Files are the page's to upload: a picture comes back as `image`. */
function takeFiles(event: Event, files: readonly File[]): void {
  if (files.length === 0) return
  event.preventDefault()
  event.stopPropagation()
  tell({ type: 'files', files })
}
root.addEventListener(
  'paste',
  (event) => {
    const data = event.clipboardData
    if (data?.types.includes('text/html') !== true) takeFiles(event, [...(data?.files ?? [])])
  },
  { capture: true },
)
document.addEventListener('dragover', (event) => event.preventDefault())
document.addEventListener('drop', (event) => takeFiles(event, [...(event.dataTransfer?.files ?? [])]), {
  capture: true,
})
tell({ type: 'ready' })
