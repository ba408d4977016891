// What pages begin with, and the field that narrows what they show.
import type { ComponentChildren, JSX, Ref } from 'preact'
import { useRef } from 'preact/hooks'
import { useShortcuts } from '../shared/keys.ts'
import { Icon } from '../shared/ui/icon.tsx'

interface PageHeadProps {
  readonly title: string
  /** What stands behind the title: a count, a state. */
  readonly beside?: ComponentChildren
  readonly lead?: ComponentChildren
  /** Buttons. */
  readonly children?: ComponentChildren
}

export function PageHead({ title, beside, lead, children }: PageHeadProps): JSX.Element {
  return (
    <header class="page-head">
      <div class="page-head-line">
        <h1 class="title">{title}</h1>
        {beside}
        <span class="grow" />
        {children}
      </div>
      {lead === undefined ? null : <p class="soft">{lead}</p>}
    </header>
  )
}

interface FilterFieldProps {
  readonly label: string
  readonly value: string
  readonly onInput: (value: string) => void
  readonly onEnter?: () => void
  readonly inputRef?: Ref<HTMLInputElement>
}

/** Narrows as one types; `/` goes to it. */
export function FilterField({ label, value, onInput, onEnter }: FilterFieldProps): JSX.Element {
  const input = useRef<HTMLInputElement>(null)
  useShortcuts('Page', [{ keys: '/', label, run: () => input.current?.focus() }])
  return (
    <div class="with-icon filter-field">
      <Icon name="search" />
      <input
        ref={input}
        class="input"
        type="search"
        placeholder={label}
        aria-label={label}
        value={value}
        onInput={(event) => onInput(event.currentTarget.value)}
        onKeyDown={(event) => {
          if (event.key === 'Enter') onEnter?.()
          if (event.key === 'Escape' && value === '') input.current?.blur()
        }}
      />
    </div>
  )
}

/** A number that matters, with what it counts. */
export function Fact({ label, children }: { label: string; children: ComponentChildren }): JSX.Element {
  return (
    <>
      <dt>{label}</dt>
      <dd>{children}</dd>
    </>
  )
}

/** How many there are, beside a title. */
export function Count({ of }: { of: number | undefined }): JSX.Element | null {
  return of === undefined ? null : <span class="count-beside num">{of}</span>
}
