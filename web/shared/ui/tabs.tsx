// Tabs (WAI-ARIA tabs pattern): one stop for the Tab key, arrows between them.
import type { ComponentChildren, JSX, TargetedKeyboardEvent } from 'preact'
import { useEffect, useId, useRef } from 'preact/hooks'

const steps: Readonly<Record<string, number>> = { ArrowRight: 1, ArrowLeft: -1 }

interface TabsProps<T extends string> {
  readonly label: string
  readonly value: T
  readonly onChange: (value: T) => void
  readonly tabs: readonly {
    readonly value: T
    readonly label: ComponentChildren
    readonly hidden?: boolean
  }[]
  /** What the chosen tab shows. */
  readonly children?: ComponentChildren
}

export function Tabs<T extends string>({
  label,
  value,
  onChange,
  tabs,
  children,
}: TabsProps<T>): JSX.Element {
  const id = useId()
  const shown = tabs.filter(({ hidden }) => hidden !== true)
  const onKeyDown = (event: TargetedKeyboardEvent<HTMLElement>): void => {
    const step = steps[event.key]
    if (step === undefined) return
    event.preventDefault()
    event.stopPropagation()
    const at = shown.findIndex((tab) => tab.value === value)
    const next = shown[(at + step + shown.length) % shown.length]
    if (next === undefined) return
    onChange(next.value)
    document.getElementById(`${id}-${next.value}`)?.focus()
  }
  const list = useRef<HTMLDivElement>(null)
  // A tab that is chosen by a key may be out of sight.
  useEffect(() => {
    const [all, one] = [list.current, document.getElementById(`${id}-${value}`)]
    if (all === null || one === null) return
    const [room, tab] = [all.getBoundingClientRect(), one.getBoundingClientRect()]
    all.scrollLeft += tab.left - room.left - (room.width - tab.width) / 2
  }, [value])
  return (
    <>
      <div ref={list} class="tabs" role="tablist" aria-label={label} onKeyDown={onKeyDown}>
        {shown.map((tab) => (
          <button
            key={tab.value}
            id={`${id}-${tab.value}`}
            type="button"
            role="tab"
            class="tab"
            aria-selected={tab.value === value}
            aria-controls={`${id}-panel`}
            tabIndex={tab.value === value ? 0 : -1}
            onClick={() => onChange(tab.value)}
          >
            {tab.label}
          </button>
        ))}
      </div>
      {children === undefined ? null : (
        <div
          role="tabpanel"
          id={`${id}-panel`}
          aria-labelledby={`${id}-${value}`}
          tabIndex={0}
          class="tab-panel"
        >
          {children}
        </div>
      )}
    </>
  )
}
