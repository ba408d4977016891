// Short messages at the foot of the window, read out politely, with one thing to do: mostly to undo.
import type { JSX } from 'preact'
import { signal } from '@preact/signals'
import { Button, IconButton } from './button.tsx'

export interface ToastOptions {
  readonly tone?: 'plain' | 'bad'
  readonly action?: { readonly label: string; readonly run: () => void }
  /** Milliseconds it stays; 0: until it is closed. With an action 8 s, else 4 s. */
  readonly stay?: number
  /** A new one with the same key takes the old one's place. The action of `undo` can be had by its key afterwards, unless it `expires` or what was done failed. */
  readonly key?: string
  readonly expires?: boolean
}

interface Toast extends ToastOptions {
  readonly id: number
  readonly text: string
}

const toasts = signal<readonly Toast[]>([])
let lastId = 0
/** What `z` takes back: still there when its toast has gone. */
let undo: (() => void) | null = null

/** Shows it, and returns what takes it away. */
export function toast(text: string, options: ToastOptions = {}): () => void {
  const id = ++lastId
  const others = toasts.value.filter(({ key }) => key === undefined || key !== options.key)
  toasts.value = [...others.slice(-2), { ...options, id, text }]
  const run = options.action?.run
  if (options.key === 'undo' && (run !== undefined || options.tone === 'bad')) undo = run ?? null
  const remove = (): void => {
    toasts.value = toasts.value.filter((shown) => shown.id !== id)
    if (options.expires === true && undo === run) undo = null
  }
  const stay = options.stay ?? (options.action === undefined ? 4000 : 8000)
  if (stay > 0) setTimeout(remove, stay)
  return remove
}

/** What went wrong, in the server's words where it had some. */
export function toastError(error: unknown, doing = 'That did not work', key?: string): void {
  const reason = error instanceof Error ? error.message : String(error)
  toast(`${doing}: ${reason}`, { tone: 'bad', stay: 8000, ...(key === undefined ? {} : { key }) })
}

/** Undoes what was done last: what `z` does. */
export function undoLast(): void {
  const run = undo
  if (run === null) return
  undo = null
  toasts.value = toasts.value.filter(({ action }) => action?.run !== run)
  run()
}

/** Where toasts appear: once a page. */
export function Toaster(): JSX.Element {
  return (
    <div class="toaster no-print" role="status" aria-live="polite">
      {toasts.value.map(({ id, text, tone, action }) => {
        const remove = (): void => {
          toasts.value = toasts.value.filter((shown) => shown.id !== id)
        }
        return (
          <div key={id} class={`toast ${tone === 'bad' ? 'toast-bad' : ''}`}>
            <span>{text}</span>
            {action === undefined ? null : (
              <Button
                tone="quiet"
                size="small"
                onClick={() => {
                  remove()
                  if (undo === action.run) undo = null
                  action.run()
                }}
              >
                {action.label}
              </Button>
            )}
            <IconButton size="small" icon="close" label="Dismiss" onClick={remove} />
          </div>
        )
      })}
    </div>
  )
}
