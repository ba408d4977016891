// Copies text, and says so. Over HTTP without TLS, where a catcher in somebody's network is reached, browsers have no clipboard for pages;
// the old way by a selection works there too.
import { toast } from './toast.tsx'

/** Where something is selected, it must stand in the dialog that is open: all else is out of reach then. */
function copyBySelection(text: string): boolean {
  const field = document.createElement('textarea')
  const before = document.activeElement
  field.value = text
  field.readOnly = true
  field.className = 'visually-hidden'
  const room = before?.closest('dialog') ?? document.body
  room.append(field)
  field.select()
  // Deprecated, and the one way there is without a secure context.
  const done = document.execCommand('copy')
  field.remove()
  if (before instanceof HTMLElement) before.focus()
  return done
}

/** `what`: the beginning of what is said, as in “Password copied”. */
export async function copyText(text: string, what?: string): Promise<void> {
  let done = false
  try {
    await navigator.clipboard.writeText(text)
    done = true
  } catch {
    // Refused, or no clipboard at all.
    done = copyBySelection(text)
  }
  if (done) toast(what === undefined ? 'Copied' : `${what} copied`)
  else toast('This browser does not let the page copy: mark it and copy it by hand', { tone: 'bad' })
}
