// Tells screen readers what happened elsewhere on the page: new mail, so many chosen, saved.
import type { JSX } from 'preact'
import { signal } from '@preact/signals'

const said = signal('')

/** Politely; the same words twice are read twice. */
export function announce(text: string): void {
  said.value = said.peek() === text ? `${text}\u00a0` : text
}

/** Where it is said: once a page. */
export function LiveRegion(): JSX.Element {
  return (
    <div class="visually-hidden" role="status" aria-live="polite">
      {said.value}
    </div>
  )
}
