// The full-text index: what there is of each account, and the indexing of what waits.
import type { JSX } from 'preact'
import { useSignal } from '@preact/signals'
import { formatNumber, formatSize, plural } from '../shared/format.ts'
import { Badge } from '../shared/ui/badge.tsx'
import { Button, IconButton } from '../shared/ui/button.tsx'
import { Menu } from '../shared/ui/menu.tsx'
import { type Column, Table } from '../shared/ui/table.tsx'
import { toast, toastError } from '../shared/ui/toast.tsx'
import { useAsked } from './asked.ts'
import { type AdminAnswer, ask } from './operations.ts'
import { Shown } from './shown.tsx'

type IndexRow = AdminAnswer<'search.list'>[number]

type Run = (address: string, options?: { rebuild: boolean }) => void

/** `busy`: the account whose index is being built. */
function indexColumns(busy: string | null, run: Run): Column<IndexRow>[] {
  return [
    {
      name: 'address',
      head: 'Account',
      sortBy: (one) => one.display,
      cell: (one) => one.display,
    },
    {
      name: 'messages',
      head: 'Messages',
      end: true,
      sortBy: (one) => one.messages,
      cell: (one) => formatNumber(one.messages),
    },
    {
      name: 'emails',
      head: 'Indexed',
      end: true,
      sortBy: (one) => one.emails,
      cell: (one) => formatNumber(one.emails),
    },
    {
      name: 'waiting',
      head: 'Waiting',
      end: true,
      sortBy: (one) => one.waiting,
      cell: (one) =>
        one.waiting === 0 ? (
          <span class="faint">none</span>
        ) : (
          <Badge tone="warn">{formatNumber(one.waiting)}</Badge>
        ),
    },
    {
      name: 'size',
      head: 'Size',
      end: true,
      sortBy: (one) => one.bytes,
      cell: (one) => (
        <span class="no-wrap">
          {formatSize(one.bytes)} <span class="faint small">{plural(one.segments, 'segment')}</span>
        </span>
      ),
    },
    {
      name: 'more',
      head: <span class="visually-hidden">Actions</span>,
      end: true,
      cell: (one) => (
        <Menu
          label={one.display}
          align="end"
          trigger={(attributes) => (
            <IconButton
              {...attributes}
              icon="more"
              size="small"
              busy={busy === one.address}
              label={`The index of ${one.display}`}
            />
          )}
          entries={[
            {
              label: 'Index what waits',
              icon: 'refresh',
              disabled: one.waiting === 0,
              run: () => run(one.address),
            },
            {
              label: 'Build it anew',
              icon: 'undo',
              run: () => run(one.address, { rebuild: true }),
            },
          ]}
        />
      ),
    },
  ]
}

export function SearchIndex(): JSX.Element {
  const index = useAsked('search.list', {}, { every: 10_000 })
  const busy = useSignal<string | null>(null)
  const run = async (address?: string, { rebuild = false } = {}): Promise<void> => {
    busy.value = address ?? ''
    try {
      const done = await ask('search.index', { rebuild, ...(address === undefined ? {} : { address }) })
      toast(`The index of ${plural(done.length, 'account')} is up to date`)
      await index.reload()
    } catch (error) {
      toastError(error, 'The index was not brought up to date')
    } finally {
      busy.value = null
    }
  }
  return (
    <section class="stack" aria-labelledby="search-index">
      <div class="card-head section-head">
        <h2 id="search-index" class="section-title">
          Search index
        </h2>
        <Button busy={busy.value === ''} onClick={() => void run()}>
          Index what waits
        </Button>
      </div>
      <p class="soft">
        Mail is found before it is in the index too, only slower. What waits goes in by itself, or here:
        posthorn index.
      </p>
      <Shown of={index} title="The index could not be read">
        {(rows) => (
          <Table
            label="The index by account"
            keyOf={({ address }) => address}
            sorted="-waiting"
            rows={rows}
            columns={indexColumns(busy.value, (address, options) => void run(address, options))}
            empty={<p class="soft">There is no account yet.</p>}
          />
        )}
      </Shown>
    </section>
  )
}
