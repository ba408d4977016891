// Small charts over time: lines with a light area below, a grid of round numbers, and the values under the pointer. The same
// numbers are there as a table for those who do not see them.
import type { JSX, TargetedPointerEvent } from 'preact'
import { useEffect, useRef } from 'preact/hooks'
import { useSignal } from '@preact/signals'
import { formatNumber, formatTime } from '../format.ts'

export interface Series {
  readonly label: string
  /** As many as there are times. */
  readonly values: readonly number[]
  /** 1 to 5, of the palette. */
  readonly colour?: 1 | 2 | 3 | 4 | 5
}

interface ChartProps {
  readonly label: string
  /** Milliseconds since the epoch, ascending. */
  readonly times: readonly number[]
  readonly series: readonly Series[]
  /** Pixels. */
  readonly height?: number
  readonly format?: (value: number) => string
  /** One thin line without grid and legend, for a table or a tile. */
  readonly spark?: boolean
}

/** The smallest of 1, 2, 2.5, 5 × 10ⁿ that is no less. */
export function roundUp(value: number): number {
  if (value <= 0) return 1
  const power = 10 ** Math.floor(Math.log10(value))
  const step = [1, 2, 2.5, 5, 10].find((factor) => factor * power >= value) ?? 10
  return step * power
}

function pathOf(
  values: readonly number[],
  x: (index: number) => number,
  y: (value: number) => number,
): string {
  return values
    .map((value, index) => `${index === 0 ? 'M' : 'L'}${x(index).toFixed(1)} ${y(value).toFixed(1)}`)
    .join('')
}

function useWidth(): [{ current: SVGSVGElement | null }, number] {
  const ref = useRef<SVGSVGElement>(null)
  const width = useSignal(600)
  useEffect(() => {
    const element = ref.current
    if (element === null) return undefined
    const sizes = new ResizeObserver(([entry]) => {
      if (entry !== undefined && entry.contentRect.width > 0) width.value = entry.contentRect.width
    })
    sizes.observe(element)
    return () => sizes.disconnect()
  }, [])
  return [ref, width.value]
}

export function Chart(props: ChartProps): JSX.Element {
  const { label, times, series, spark = false, format = formatNumber } = props
  const height = props.height ?? (spark ? 36 : 180)
  const [ref, width] = useWidth()
  const at = useSignal<number | null>(null)
  const edge = spark ? { left: 1, right: 1, top: 3, bottom: 3 } : { left: 40, right: 4, top: 8, bottom: 20 }
  const top = roundUp(Math.max(1, ...series.flatMap(({ values }) => values)))
  const inner = Math.max(1, width - edge.left - edge.right)
  const x = (index: number): number => edge.left + (inner * index) / Math.max(1, times.length - 1)
  const y = (value: number): number =>
    height - edge.bottom - ((height - edge.top - edge.bottom) * value) / top
  const point = (event: TargetedPointerEvent<SVGSVGElement>): void => {
    const offset = event.clientX - event.currentTarget.getBoundingClientRect().left - edge.left
    const index = Math.round((offset / inner) * (times.length - 1))
    at.value = index >= 0 && index < times.length ? index : null
  }
  return (
    <figure class="stack stack-s">
      <svg
        ref={ref}
        class="chart"
        height={height}
        role="img"
        aria-label={`${label}: ${series.map((one) => `${one.label} ${format(one.values.at(-1) ?? 0)}`).join(', ')}`}
        onPointerMove={spark ? undefined : point}
        onPointerLeave={() => (at.value = null)}
      >
        {spark ? null : (
          <Grid times={times} top={top} x={x} y={y} width={width} edge={edge} format={format} />
        )}
        {series.map((one, index) => {
          const line = pathOf(one.values, x, y)
          const colour = `series-${one.colour ?? (index % 5) + 1}`
          return (
            <g key={one.label} class={colour}>
              <path
                class="chart-area"
                d={
                  one.values.length === 0
                    ? ''
                    : `${line}L${x(one.values.length - 1)} ${y(0)}L${x(0)} ${y(0)}Z`
                }
              />
              <path class="chart-line" d={line} />
            </g>
          )
        })}
        {at.value === null ? null : (
          <line class="chart-cursor" x1={x(at.value)} x2={x(at.value)} y1={edge.top} y2={y(0)} />
        )}
      </svg>
      {spark ? null : <Legend times={times} series={series} at={at.value} format={format} />}
    </figure>
  )
}

interface GridProps {
  readonly times: readonly number[]
  readonly top: number
  readonly x: (index: number) => number
  readonly y: (value: number) => number
  readonly width: number
  readonly edge: { readonly left: number; readonly right: number; readonly bottom: number }
  readonly format: (value: number) => string
}

function Grid({ times, top, x, y, width, edge, format }: GridProps): JSX.Element {
  const marks = [0, Math.floor((times.length - 1) / 2), times.length - 1].filter(
    (index, place, all) => index >= 0 && all.indexOf(index) === place,
  )
  return (
    <g aria-hidden="true">
      {(top % 2 === 0 || top >= 25 ? [0, top / 2, top] : [0, top]).map((value) => (
        <g key={value}>
          <line class="chart-grid" x1={edge.left} x2={width - edge.right} y1={y(value)} y2={y(value)} />
          <text class="chart-label" x={edge.left - 8} y={y(value) + 4} text-anchor="end">
            {format(value)}
          </text>
        </g>
      ))}
      {marks.map((index, place) => (
        <text
          key={index}
          class="chart-label"
          x={x(index)}
          y={y(0) + 16}
          text-anchor={place === 0 ? 'start' : place === marks.length - 1 ? 'end' : 'middle'}
        >
          {formatTime(times[index] ?? 0)}
        </text>
      ))}
    </g>
  )
}

interface LegendProps {
  readonly times: readonly number[]
  readonly series: readonly Series[]
  readonly at: number | null
  readonly format: (value: number) => string
}

function Legend({ times, series, at, format }: LegendProps): JSX.Element {
  return (
    <figcaption class="legend num">
      {series.map((one, index) => (
        <span key={one.label} class={`legend-item series-${one.colour ?? (index % 5) + 1}`}>
          {one.label} <strong>{format((at === null ? one.values.at(-1) : one.values[at]) ?? 0)}</strong>
        </span>
      ))}
      {at === null ? null : <span class="faint">{formatTime(times[at] ?? 0)}</span>}
    </figcaption>
  )
}
