// What is shown instead of content: nothing here, something went wrong, on its way.
import type { ComponentChildren, JSX } from 'preact'
import { Button } from './button.tsx'
import { Icon, type IconName } from './icon.tsx'

type Picture = 'letter' | 'search' | 'done' | 'broken'

/** Small drawings in the lines of the icons. */
function Drawing({ of }: { of: Picture }): JSX.Element {
  return (
    <svg
      class="picture"
      viewBox="0 0 120 84"
      fill="none"
      stroke="currentColor"
      stroke-width="2"
      aria-hidden="true"
    >
      <path d="M8 76h104" stroke-linecap="round" opacity="0.5" />
      {of === 'search' ? (
        <g stroke-linecap="round">
          <path d="M28 30h40M28 42h26M28 54h32" opacity="0.5" />
          <circle cx="76" cy="42" r="18" fill="var(--horn-soft)" />
          <path d="m89 55 14 14" stroke-width="4" />
        </g>
      ) : (
        <g stroke-linejoin="round" stroke-linecap="round">
          <path d="M26 22h68v46H26z" fill="var(--raised)" />
          {of === 'broken' ? <path d="m54 22 10 14-10 12 8 20" /> : <path d="m26 24 34 24 34-24" />}
          {of === 'done' ? (
            <>
              <circle cx="92" cy="22" r="13" fill="var(--horn)" stroke="none" />
              <path d="m86 22 5 5 8-9" stroke="var(--ink-on-horn)" stroke-width="3" />
            </>
          ) : null}
        </g>
      )}
    </svg>
  )
}

interface EmptyProps {
  readonly title: string
  readonly picture?: Picture
  readonly children?: ComponentChildren
}

export function Empty({ title, picture = 'letter', children }: EmptyProps): JSX.Element {
  return (
    <div class="state">
      <Drawing of={picture} />
      <h2>{title}</h2>
      {children}
    </div>
  )
}

export function Failed(props: { title: string; reason: string; retry?: () => void }): JSX.Element {
  return (
    <div class="state" role="alert">
      <Drawing of="broken" />
      <h2>{props.title}</h2>
      <p>{props.reason}</p>
      {props.retry === undefined ? null : (
        <Button icon="refresh" onClick={props.retry}>
          Try again
        </Button>
      )}
    </div>
  )
}

/** Bars in place of text, where the shape of what comes is known. */
export function Skeleton({ lines = 3, label = 'Loading' }: { lines?: number; label?: string }): JSX.Element {
  return (
    <div class="stack stack-s" role="status" aria-label={label}>
      {Array.from({ length: lines }, (_, index) => (
        <div key={index} class="skeleton" style={{ height: '14px', width: `${92 - ((index * 23) % 40)}%` }} />
      ))}
    </div>
  )
}

export function Loading({ label = 'Loading…' }: { label?: string }): JSX.Element {
  return (
    <div class="state" role="status">
      <span class="spinner" />
      <p>{label}</p>
    </div>
  )
}

interface NoticeProps {
  readonly tone?: 'info' | 'warn' | 'bad' | 'good'
  readonly icon?: IconName
  readonly children: ComponentChildren
  readonly actions?: ComponentChildren
}

const noticeIcons: Record<'info' | 'warn' | 'bad' | 'good', IconName> = {
  info: 'info',
  warn: 'warn',
  bad: 'warn',
  good: 'check',
}

/** A line above what it is about. */
export function Notice({ tone = 'info', icon, children, actions }: NoticeProps): JSX.Element {
  return (
    <div class={`notice notice-${tone}`} role={tone === 'bad' ? 'alert' : undefined}>
      <Icon name={icon ?? noticeIcons[tone]} />
      <div class="notice-text">{children}</div>
      {actions}
    </div>
  )
}
