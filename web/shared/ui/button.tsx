// Buttons. `Button` shows a word, `IconButton` only an icon: its `label` is its name and, with the key, its tooltip.
import type { ButtonHTMLAttributes, ComponentChildren, JSX, Ref } from 'preact'
import { Icon, type IconName } from './icon.tsx'

type Tone = 'plain' | 'primary' | 'quiet' | 'danger'
type Size = 'small' | 'medium' | 'large'

interface Shared extends Omit<
  ButtonHTMLAttributes<HTMLButtonElement>,
  'size' | 'label' | 'icon' | 'ref' | 'class'
> {
  readonly class?: string
  readonly tone?: Tone
  readonly size?: Size
  readonly buttonRef?: Ref<HTMLButtonElement>
  /** Busy: a spinner, and no second click. */
  readonly busy?: boolean
}

function classes(tone: Tone, size: Size, more: string): string {
  return `btn ${tone === 'plain' ? '' : `btn-${tone}`} ${size === 'medium' ? '' : `btn-${size}`} ${more}`
}

export interface ButtonProps extends Shared {
  readonly icon?: IconName
  readonly wide?: boolean
  readonly children?: ComponentChildren
}

export function Button(props: ButtonProps): JSX.Element {
  const {
    tone = 'plain',
    size = 'medium',
    icon,
    wide = false,
    busy = false,
    buttonRef,
    class: more,
    children,
    ...rest
  } = props
  return (
    <button
      type="button"
      {...rest}
      ref={buttonRef ?? null}
      disabled={busy || rest.disabled === true}
      aria-busy={busy}
      class={classes(tone, size, `${wide ? 'btn-wide' : ''} ${more ?? ''}`)}
    >
      {busy ? <span class="spinner" /> : icon === undefined ? null : <Icon name={icon} />}
      {children}
    </button>
  )
}

export interface IconButtonProps extends Shared {
  readonly icon: IconName
  readonly label: string
  readonly filled?: boolean
  /** The key that does the same, for the tooltip. */
  readonly shortcut?: string
}

export function IconButton(props: IconButtonProps): JSX.Element {
  const {
    tone = 'quiet',
    size = 'medium',
    icon,
    label,
    filled = false,
    shortcut,
    busy = false,
    buttonRef,
    class: more,
    ...rest
  } = props
  return (
    <button
      type="button"
      {...rest}
      ref={buttonRef ?? null}
      disabled={busy || rest.disabled === true}
      aria-label={label}
      data-tip={label}
      data-tip-key={shortcut}
      class={classes(tone, size, `btn-icon ${more ?? ''}`)}
    >
      {busy ? <span class="spinner" /> : <Icon name={icon} filled={filled} />}
    </button>
  )
}
