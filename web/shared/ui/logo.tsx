// The post horn: one coil of brass tube, its bell to the right, its mouthpiece to the left.
import type { JSX } from 'preact'

export function Horn(): JSX.Element {
  return (
    <svg viewBox="0 0 32 32" aria-hidden="true" fill="none">
      <g stroke="var(--horn)" stroke-width="3.4" stroke-linecap="round">
        <path d="M4.5 9.5h13a7.3 7.3 0 1 1-7.3 7.3c0-2.4 1.1-4.5 2.9-5.9" />
        <path d="M17.5 9.5c3.8 0 6.7-1.2 9-4.2" />
      </g>
      <path
        d="M26.3 3.2c2.3 2.6 3.3 6.8 2.2 11.2-1.8-2.7-4.7-4.2-8.5-4.7 2.8-1.2 4.9-3.3 6.3-6.5z"
        fill="var(--horn)"
      />
      <path d="M3 7.2v4.6" stroke="var(--ink)" stroke-width="2.6" stroke-linecap="round" />
      <path
        d="M13.6 22.6a7.3 7.3 0 0 0 3.9 1.5"
        stroke="var(--ink)"
        stroke-width="1.5"
        stroke-linecap="round"
      />
    </svg>
  )
}

/** Horn and name. Links home where `href` is given. */
export function Brand({ href, name = 'Posthorn' }: { href?: string; name?: string }): JSX.Element {
  const inside = (
    <>
      <Horn />
      <span>{name}</span>
    </>
  )
  return href === undefined ? (
    <span class="brand">{inside}</span>
  ) : (
    <a class="brand" href={href}>
      {inside}
    </a>
  )
}
