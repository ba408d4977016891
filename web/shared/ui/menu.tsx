// Menus on the Popover API: on top of everything, closed by Escape or a click elsewhere. A menu is walked with the
// arrow keys, Home, End and first letters (WAI-ARIA menu button pattern).
import type { JSX } from 'preact'
import { useEffect, useId, useRef, useState } from 'preact/hooks'
import { Icon, type IconName } from './icon.tsx'

/** Puts an open popover below its anchor, or above where there is more room, inside the window. */
export function placePopover(popover: HTMLElement, anchor: Element, align: 'start' | 'end' = 'start'): void {
  const at = anchor.getBoundingClientRect()
  const { offsetWidth: width, offsetHeight: height } = popover
  const below = window.innerHeight - at.bottom
  const top = below >= height + 8 || below >= at.top ? at.bottom + 4 : at.top - height - 4
  const left = align === 'start' ? at.left : at.right - width
  popover.style.top = `${Math.max(8, Math.min(top, window.innerHeight - height - 8))}px`
  popover.style.left = `${Math.max(8, Math.min(left, window.innerWidth - width - 8))}px`
}

export type MenuEntry =
  | {
      readonly label: string
      readonly icon?: IconName
      readonly run: () => void
      readonly shortcut?: string
      readonly danger?: boolean
      readonly disabled?: boolean
      /** Present: an entry that is on or off. */
      readonly checked?: boolean
    }
  | { readonly title: string }
  | 'rule'

interface MenuProps {
  /** The control that opens it, with what it must carry. */
  readonly trigger: (attributes: {
    id: string
    onClick: (event: Event) => void
    'aria-haspopup': 'menu'
    'aria-expanded': boolean
    'aria-controls': string
  }) => JSX.Element
  readonly label: string
  readonly entries: readonly MenuEntry[] | (() => readonly MenuEntry[])
  readonly align?: 'start' | 'end'
}

function moveFocus(menu: HTMLElement, event: KeyboardEvent): void {
  const items = [...menu.querySelectorAll<HTMLElement>('.menu-item:not([disabled])')]
  const at = items.indexOf(document.activeElement as HTMLElement)
  let next = -1
  if (event.key === 'ArrowDown') next = (at + 1) % items.length
  else if (event.key === 'ArrowUp') next = (at - 1 + items.length) % items.length
  else if (event.key === 'Home') next = 0
  else if (event.key === 'End') next = items.length - 1
  else if (event.key.length === 1 && !event.ctrlKey && !event.metaKey) {
    const letter = event.key.toLowerCase()
    const order = [...items.slice(at + 1), ...items.slice(0, at + 1)]
    const found = order.find((item) => item.textContent.trim().toLowerCase().startsWith(letter))
    next = found === undefined ? -1 : items.indexOf(found)
  }
  event.stopPropagation()
  if (next < 0) return
  event.preventDefault()
  items[next]?.focus()
}

export function Menu({ trigger, label, entries, align = 'start' }: MenuProps): JSX.Element {
  const id = useId()
  const ref = useRef<HTMLDivElement>(null)
  const [open, setOpen] = useState(false)
  const [anchor, setAnchor] = useState<HTMLElement | null>(null)
  useEffect(() => {
    const menu = ref.current
    if (!open || menu === null || anchor === null) return
    menu.showPopover()
    placePopover(menu, anchor, align)
    menu.querySelector<HTMLElement>('.menu-item:not([disabled])')?.focus()
  }, [open, anchor, align])
  const list = open ? (typeof entries === 'function' ? entries() : entries) : []
  return (
    <>
      {trigger({
        id: `${id}-trigger`,
        onClick: (event) => {
          event.stopPropagation()
          setAnchor(event.currentTarget as HTMLElement)
          setOpen(!open)
        },
        'aria-haspopup': 'menu',
        'aria-expanded': open,
        'aria-controls': id,
      })}
      <div
        ref={ref}
        id={id}
        popover="auto"
        class="popover"
        role="menu"
        aria-label={label}
        onKeyDown={(event) => {
          if (event.key === 'Tab') ref.current?.hidePopover()
          else if (event.key !== 'Escape' && ref.current !== null) moveFocus(ref.current, event)
          else event.stopPropagation()
        }}
        onToggle={(event) => {
          if (event.newState === 'open') return
          setOpen(false)
          if (
            ref.current?.contains(document.activeElement) === true ||
            document.activeElement === document.body
          )
            anchor?.focus()
        }}
        onClick={(event) => event.stopPropagation()}
      >
        {list.map((entry, index) => (
          <Entry key={index} entry={entry} close={() => ref.current?.hidePopover()} />
        ))}
      </div>
    </>
  )
}

function Entry({ entry, close }: { entry: MenuEntry; close: () => void }): JSX.Element {
  if (entry === 'rule') return <div class="menu-rule" role="separator" />
  if ('title' in entry) return <div class="menu-title">{entry.title}</div>
  const { label, icon, run, shortcut, danger, disabled, checked } = entry
  return (
    <button
      type="button"
      class={`menu-item ${danger === true ? 'is-bad' : ''}`}
      role={checked === undefined ? 'menuitem' : 'menuitemcheckbox'}
      aria-checked={checked}
      disabled={disabled === true}
      tabIndex={-1}
      onClick={() => {
        close()
        run()
      }}
    >
      {checked === undefined ? null : <Icon name="check" class="menu-tick" />}
      {icon === undefined ? null : <Icon name={icon} />}
      <span class="cut">{label}</span>
      {shortcut === undefined ? null : <span class="menu-end">{shortcut}</span>}
    </button>
  )
}
