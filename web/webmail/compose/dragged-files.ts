// Files that somebody drags over the page: where they may be dropped is shown as long as they are there, and dropped elsewhere they do not
// take the place of the page, as browsers would have it.
import { signal, type ReadonlySignal } from '@preact/signals'

const over = signal(false)

/** Whether files are dragged over the page now. */
export const filesOver: ReadonlySignal<boolean> = over

/** Milliseconds without a word from the browser, which tells of what is over the page several times a second. */
const goneAfter = 2000

/** Called once a page; resolves to what ends it. */
export function watchDraggedFiles(): () => void {
  let timer: ReturnType<typeof setTimeout> | undefined
  const end = (): void => {
    clearTimeout(timer)
    over.value = false
  }
  const onOver = (event: DragEvent): void => {
    if (event.dataTransfer?.types.includes('Files') !== true) return
    // Whoever takes them has said so already.
    if (!event.defaultPrevented) event.dataTransfer.dropEffect = 'none'
    event.preventDefault()
    over.value = true
    clearTimeout(timer)
    timer = setTimeout(end, goneAfter)
  }
  const onLeave = (event: DragEvent): void => {
    // To nowhere: out of the window, or somebody thought better of it.
    if (event.relatedTarget === null) end()
  }
  const onDrop = (event: DragEvent): void => {
    if (event.dataTransfer?.types.includes('Files') === true) event.preventDefault()
    end()
  }
  const watched = { dragenter: onOver, dragover: onOver, dragleave: onLeave, drop: onDrop } as const
  for (const [name, listener] of Object.entries(watched)) {
    // Of these names they are drag events.
    addEventListener(name, listener as EventListener)
  }
  return () => {
    end()
    for (const [name, listener] of Object.entries(watched))
      removeEventListener(name, listener as EventListener)
  }
}
