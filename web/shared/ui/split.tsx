// Two panes beside one another. The bar between is dragged, or moved with the arrow keys, and stays where it was put.
import type { ComponentChildren, JSX } from 'preact'
import { useSignal } from '@preact/signals'
import { readSetting, writeSetting } from '../settings.ts'

const steps: Readonly<Record<string, number>> = { ArrowLeft: -24, ArrowRight: 24 }

interface SplitProps {
  /** Under this name the width is remembered. */
  readonly name: string
  readonly first: ComponentChildren
  readonly second: ComponentChildren
  readonly initial?: number
  readonly min?: number
  readonly max?: number
  readonly class?: string
}

export function Split(props: SplitProps): JSX.Element {
  const { name, first, second, initial = 420, min = 280, max = 720, class: more = '' } = props
  const width = useSignal(Number(readSetting(`split-${name}`, String(initial))) || initial)
  const set = (value: number): void => {
    width.value = Math.round(Math.max(min, Math.min(max, value)))
    writeSetting(`split-${name}`, String(width.value))
  }
  return (
    <div class={`split ${more}`} style={{ '--split': `${width.value}px` }}>
      {first}
      <div
        class="split-bar no-print"
        role="separator"
        aria-orientation="vertical"
        aria-label="Width of the left pane"
        aria-valuenow={width.value}
        aria-valuemin={min}
        aria-valuemax={max}
        tabIndex={0}
        onPointerDown={(event) => {
          event.currentTarget.setPointerCapture(event.pointerId)
        }}
        onPointerMove={(event) => {
          if (!event.currentTarget.hasPointerCapture(event.pointerId)) return
          set(event.clientX - (event.currentTarget.parentElement?.getBoundingClientRect().left ?? 0))
        }}
        onKeyDown={(event) => {
          const step = steps[event.key]
          if (step === undefined) return
          event.preventDefault()
          set(width.value + step)
        }}
        onDblClick={() => set(initial)}
      />
      {second}
    </div>
  )
}
