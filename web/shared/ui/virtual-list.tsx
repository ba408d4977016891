// A list of any length of which only the rows in sight (and a few beside) exist. All rows are equally high, so a row's place is
// a product: 100,000 rows cost what 40 do. What a row is (option, article, log line) says `renderRow`.
import type { AriaRole, ComponentChildren, HTMLAttributes, JSX, Ref } from 'preact'
import { useEffect, useImperativeHandle, useLayoutEffect, useRef, useState } from 'preact/hooks'

/** What the list can be told to do. */
export interface VirtualListHandle {
  /** Scrolls no further than needed. */
  scrollTo(index: number, where?: 'nearest' | 'start'): void
  readonly element: HTMLElement | null
}

interface VirtualListProps extends Omit<HTMLAttributes<HTMLDivElement>, 'ref' | 'size' | 'class'> {
  readonly class?: string
  readonly count: number
  /** Pixels. */
  readonly rowHeight: number
  readonly renderRow: (index: number) => ComponentChildren
  /** A row keeps its DOM while its key is the same; null: nothing is there yet, and what lies behind the rows is seen. Default: its index. */
  readonly keyOf?: (index: number) => string | number | null
  /** Called when other rows come in sight; `last` is one past the last. */
  readonly onRange?: (first: number, last: number) => void
  readonly handle?: Ref<VirtualListHandle>
  /** Rows kept beside those in sight, on each side. */
  readonly overscan?: number
  readonly rowRole?: AriaRole
}

function useWindow(element: { current: HTMLDivElement | null }, rowHeight: number): [number, number] {
  const [seen, setSeen] = useState<[number, number]>([0, 20])
  useLayoutEffect(() => {
    const box = element.current
    if (box === null) return undefined
    let frame = 0
    const measure = (): void => {
      frame = 0
      const first = Math.max(0, Math.floor(box.scrollTop / rowHeight))
      const last = Math.ceil((box.scrollTop + box.clientHeight) / rowHeight)
      setSeen((old) => (old[0] === first && old[1] === last ? old : [first, last]))
    }
    const later = (): void => {
      frame ||= requestAnimationFrame(measure)
    }
    const sizes = new ResizeObserver(later)
    sizes.observe(box)
    box.addEventListener('scroll', later, { passive: true })
    measure()
    return () => {
      sizes.disconnect()
      box.removeEventListener('scroll', later)
      cancelAnimationFrame(frame)
    }
  }, [rowHeight])
  return seen
}

function scrollInto(box: HTMLElement, index: number, rowHeight: number, where: 'nearest' | 'start'): void {
  const top = index * rowHeight
  if (where === 'start' || top < box.scrollTop) box.scrollTop = top
  else if (top + rowHeight > box.scrollTop + box.clientHeight) {
    box.scrollTop = top + rowHeight - box.clientHeight
  }
}

export function VirtualList(props: VirtualListProps): JSX.Element {
  const {
    count,
    rowHeight,
    renderRow,
    keyOf,
    onRange,
    handle,
    overscan = 6,
    rowRole,
    class: more,
    ...rest
  } = props
  const box = useRef<HTMLDivElement>(null)
  const [from, to] = useWindow(box, rowHeight)
  const first = Math.max(0, Math.min(from - overscan, count))
  const last = Math.max(first, Math.min(to + overscan, count))
  useEffect(() => onRange?.(first, last), [first, last, onRange])
  useImperativeHandle(
    handle ?? null,
    () => ({
      scrollTo(index, where = 'nearest') {
        if (box.current !== null) scrollInto(box.current, index, rowHeight, where)
      },
      get element() {
        return box.current
      },
    }),
    [rowHeight],
  )
  const rows: JSX.Element[] = []
  for (let index = first; index < last; index++) {
    const key = keyOf === undefined ? index : keyOf(index)
    if (key === null) continue
    rows.push(
      <div
        key={key}
        class="virtual-row"
        role={rowRole ?? 'presentation'}
        style={{ insetBlockStart: `${index * rowHeight}px`, blockSize: `${rowHeight}px` }}
      >
        {renderRow(index)}
      </div>,
    )
  }
  return (
    <div ref={box} class={`virtual ${more ?? ''}`} {...rest}>
      <div class="virtual-space" role="presentation" style={{ height: `${count * rowHeight}px` }}>
        {rows}
      </div>
    </div>
  )
}
