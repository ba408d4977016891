// The first thing that the Tab key finds: past bar and side, to what the page is about.
import type { JSX } from 'preact'

interface SkipLinkProps {
  /** The id of what can have the focus (`tabIndex={-1}`). */
  readonly to: string
  readonly children: string
}

export function SkipLink({ to, children }: SkipLinkProps): JSX.Element {
  return (
    <a
      class="skip-link"
      href={`#${to}`}
      onClick={(event) => {
        // The router takes links of the page for places.
        event.preventDefault()
        document.getElementById(to)?.focus()
      }}
    >
      {children}
    </a>
  )
}
