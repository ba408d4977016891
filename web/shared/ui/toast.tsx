// Short messages at the foot of the window, read out politely, with one thing to do: mostly to undo.
import type { JSX } from 'preact'
import { signal } from '@preact/signals'
import { Button, IconButton } from './button.tsx'

export interface ToastOptions {
  readonly tone?: 'plain' | 'bad'
  readonly action?: { readonly label: string; readonly run: () => void }
  /** Milliseconds it stays; 0: until it is closed. With an action 8 s, else 4 s. */
  readonly stay?: number
  /** A new one with the same key takes the old one's place. */
  readonly key?: string
}

interface Toast extends ToastOptions {
  readonly id: number
  readonly text: string
}

const toasts = signal<readonly Toast[]>([])
let lastId = 0

/** Shows it, and returns what takes it away. */
export function toast(text: string, options: ToastOptions = {}): () => void {
  const id = ++lastId
  const others = toasts.value.filter(({ key }) => key === undefined || key !== options.key)
  toasts.value = [...others.slice(-2), { ...options, id, text }]
  const remove = (): void => {
    toasts.value = toasts.value.filter((shown) => shown.id !== id)
  }
  const stay = options.stay ?? (options.action === undefined ? 4000 : 8000)
  if (stay > 0) setTimeout(remove, stay)
  return remove
}

/** What went wrong, in the server's words where it had some. */
export function toastError(error: unknown, doing = 'That did not work'): void {
  const reason = error instanceof Error ? error.message : String(error)
  toast(`${doing}: ${reason}`, { tone: 'bad', stay: 8000 })
}

/** Runs the newest action that is shown: what `z` does. */
export function runNewestAction(): boolean {
  const newest = toasts.value.findLast(({ action }) => action !== undefined)
  if (newest === undefined) return false
  toasts.value = toasts.value.filter(({ id }) => id !== newest.id)
  newest.action?.run()
  return true
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
