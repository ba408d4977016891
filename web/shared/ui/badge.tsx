// Badges, chips, and the stamps that stand for people.
import type { ComponentChildren, JSX } from 'preact'
import { Icon, type IconName } from './icon.tsx'

export type BadgeTone = 'plain' | 'good' | 'bad' | 'warn' | 'horn' | 'link' | 'plum' | 'teal'

interface BadgeProps {
  readonly tone?: BadgeTone
  readonly icon?: IconName
  readonly title?: string
  readonly children: ComponentChildren
}

export function Badge({ tone = 'plain', icon, title, children }: BadgeProps): JSX.Element {
  return (
    <span class={`badge ${tone === 'plain' ? '' : `badge-${tone}`}`} data-tip={title}>
      {icon === undefined ? null : <Icon name={icon} />}
      {children}
    </span>
  )
}

interface ChipProps {
  readonly children: ComponentChildren
  readonly bad?: boolean
  readonly onRemove?: () => void
  readonly removeLabel?: string
}

export function Chip({ children, bad = false, onRemove, removeLabel = 'Remove' }: ChipProps): JSX.Element {
  return (
    <span class={`chip ${bad ? 'chip-bad' : ''}`}>
      <span class="cut">{children}</span>
      {onRemove === undefined ? null : (
        <button type="button" aria-label={removeLabel} onClick={onRemove}>
          <Icon name="close" />
        </button>
      )}
    </span>
  )
}

/** A number from a text, the same each time: which of the six colours somebody has. */
export function hueOf(text: string): number {
  let sum = 7
  for (let index = 0; index < text.length; index++) sum = (sum * 31 + text.charCodeAt(index)) >>> 0
  return sum % 6
}

const labelTones: readonly BadgeTone[] = ['link', 'plum', 'teal', 'horn', 'good']

/** The colour of a tag or label: the same each time, and no warning. */
export function labelTone(label: string): BadgeTone {
  return labelTones[hueOf(label.toLowerCase()) % labelTones.length] ?? 'link'
}

function initialsOf(name: string): string {
  const words = name
    .replace(/@.*/, '')
    .split(/[\s._-]+/)
    .filter((word) => /\p{L}|\p{N}/u.test(word))
  const letters = [words[0], words.length > 1 ? words.at(-1) : undefined].map(
    (word) => [...(word ?? '')][0] ?? '',
  )
  return letters.join('').toUpperCase() || '?'
}

/** A person's stamp. Says nothing to screen readers: the name stands beside it. */
export function Stamp({
  name,
  email,
  size = 36,
}: {
  name: string
  email: string
  size?: number
}): JSX.Element {
  return (
    <span
      class={`stamp stamp-${hueOf(email.toLowerCase())}`}
      style={{ '--stamp-size': `${size}px` }}
      aria-hidden="true"
    >
      {initialsOf(name === '' ? email : name)}
    </span>
  )
}
