// A table that sorts by its heads and can be scrolled sideways where it is too wide.
import type { ComponentChildren, JSX } from 'preact'
import { useSignal } from '@preact/signals'
import { Icon } from './icon.tsx'

export interface Column<Row> {
  readonly name: string
  readonly head: ComponentChildren
  readonly cell: (row: Row) => ComponentChildren
  /** Present: the table can be sorted by it. */
  readonly sortBy?: (row: Row) => string | number
  readonly end?: boolean
  /** Left out on a phone, where there is no room for it. */
  readonly minor?: boolean
}

interface TableProps<Row> {
  readonly label: string
  readonly columns: readonly Column<Row>[]
  readonly rows: readonly Row[]
  readonly keyOf: (row: Row) => string | number
  /** The column it is sorted by at first; with a minus before it, downwards. */
  readonly sorted?: string
  readonly onRow?: (row: Row) => void
  /** Shown where there are no rows. */
  readonly empty?: ComponentChildren
}

function compare(a: string | number, b: string | number): number {
  return typeof a === 'number' && typeof b === 'number'
    ? a - b
    : String(a).localeCompare(String(b), undefined, { numeric: true })
}

function classOf({ end, minor }: Pick<Column<never>, 'end' | 'minor'>, atEnd: string): string {
  return [end === true ? atEnd : '', minor === true ? 'minor' : ''].filter((one) => one !== '').join(' ')
}

export function Table<Row>(props: TableProps<Row>): JSX.Element {
  const { label, columns, rows, keyOf, sorted = '', onRow, empty } = props
  const order = useSignal(sorted)
  const down = order.value.startsWith('-')
  const by = columns.find(({ name }) => name === order.value.replace(/^-/, ''))?.sortBy
  const shown = by === undefined ? rows : [...rows].sort((a, b) => compare(by(a), by(b)) * (down ? -1 : 1))
  if (rows.length === 0 && empty !== undefined) return <>{empty}</>
  return (
    <div class="table-room" tabIndex={0} role="region" aria-label={label}>
      <table class="table">
        <thead>
          <tr>
            {columns.map((column) => {
              const chosen = order.value.replace(/^-/, '') === column.name
              return (
                <th
                  key={column.name}
                  scope="col"
                  class={classOf(column, 'end')}
                  aria-sort={chosen && by !== undefined ? (down ? 'descending' : 'ascending') : undefined}
                >
                  {column.sortBy === undefined ? (
                    column.head
                  ) : (
                    <button
                      type="button"
                      onClick={() => (order.value = chosen && !down ? `-${column.name}` : column.name)}
                    >
                      {column.head}
                      {chosen ? <Icon name={down ? 'chevron-down' : 'chevron-up'} /> : null}
                    </button>
                  )}
                </th>
              )
            })}
          </tr>
        </thead>
        <tbody>
          {shown.map((row) => (
            <tr key={keyOf(row)} onClick={onRow === undefined ? undefined : () => onRow(row)}>
              {columns.map((column) => (
                <td key={column.name} class={classOf(column, 'end num')}>
                  {column.cell(row)}
                </td>
              ))}
            </tr>
          ))}
        </tbody>
      </table>
    </div>
  )
}
