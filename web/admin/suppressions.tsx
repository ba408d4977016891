// The suppression list: addresses to which nothing is sent any more; mail to them fails at once, with a report.
import type { JSX } from 'preact'
import { useSignal } from '@preact/signals'
import { formatDate, formatRelative, formatShortDate } from '../shared/format.ts'
import { useShortcuts } from '../shared/keys.ts'
import { Button } from '../shared/ui/button.tsx'
import { SelectField, TextField } from '../shared/ui/field.tsx'
import { Empty } from '../shared/ui/states.tsx'
import { Table } from '../shared/ui/table.tsx'
import { toast, toastError } from '../shared/ui/toast.tsx'
import { useAsked } from './asked.ts'
import { FormDialog } from './form-dialog.tsx'
import { Count, FilterField, PageHead } from './head.tsx'
import { type AdminAnswer, ask } from './operations.ts'
import { Shown } from './shown.tsx'

const day = 86_400_000
const ends = [
  { value: 'for ever', days: null },
  { value: 'for a day', days: 1 },
  { value: 'for a week', days: 7 },
  { value: 'for 30 days', days: 30 },
] as const
type End = (typeof ends)[number]['value']

function AddSuppression({ onClose, onAdded }: { onClose: () => void; onAdded: () => void }): JSX.Element {
  const address = useSignal('')
  const reason = useSignal('')
  const end = useSignal<End>('for ever')
  return (
    <FormDialog
      title="Suppress an address"
      action="Suppress"
      disabled={address.value.trim() === ''}
      onClose={onClose}
      onSubmit={async () => {
        const days = ends.find(({ value }) => value === end.value)?.days ?? null
        await ask('suppression.add', {
          address: address.value.trim(),
          ...(reason.value.trim() === '' ? {} : { reason: reason.value.trim() }),
          until: days === null ? null : Date.now() + days * day,
        })
        onAdded()
      }}
    >
      <TextField
        label="Address"
        placeholder="gone@example.org"
        autofocus
        autocapitalize="off"
        spellcheck={false}
        value={address.value}
        onInput={(value) => (address.value = value)}
      />
      <TextField
        label="Why"
        placeholder="by an operator"
        value={reason.value}
        onInput={(value) => (reason.value = value)}
      />
      <SelectField
        label="How long"
        value={end.value}
        options={ends.map(({ value }) => ({ value, label: value }))}
        onChange={(value) => (end.value = value)}
      />
    </FormDialog>
  )
}

interface SuppressionTableProps {
  readonly rows: AdminAnswer<'suppression.list'>
  readonly remove: (address: string) => void
}

function SuppressionTable({ rows, remove }: SuppressionTableProps): JSX.Element {
  return (
    <Table
      label="Suppressed addresses"
      keyOf={({ address }) => address}
      sorted="-since"
      rows={rows}
      empty={<Empty title="No address fits" picture="search" />}
      columns={[
        {
          name: 'address',
          head: 'Address',
          sortBy: ({ address }) => address,
          cell: ({ address }) => <strong>{address}</strong>,
        },
        { name: 'reason', head: 'Why', cell: ({ reason }) => reason },
        {
          name: 'since',
          minor: true,
          head: 'Since',
          sortBy: ({ since }) => since,
          cell: ({ since }) => (
            <time title={formatDate(Date.parse(since))}>{formatShortDate(Date.parse(since))}</time>
          ),
        },
        {
          name: 'until',
          head: 'Ends',
          cell: ({ until }) => (until === null ? 'never' : formatRelative(Date.parse(until))),
        },
        {
          name: 'more',
          head: <span class="visually-hidden">Actions</span>,
          end: true,
          cell: ({ address }) => (
            <Button size="small" onClick={() => remove(address)}>
              Remove
            </Button>
          ),
        },
      ]}
    />
  )
}

export function SuppressionsPage(): JSX.Element {
  const list = useAsked('suppression.list')
  const adding = useSignal(false)
  const filter = useSignal('')
  const wanted = filter.value.trim().toLowerCase()
  useShortcuts('Page', [{ keys: 'n', label: 'Suppress an address', run: () => (adding.value = true) }])
  const remove = async (address: string): Promise<void> => {
    try {
      await ask('suppression.remove', { address })
      toast(`Mail to ${address} is sent again`)
      await list.reload()
    } catch (error) {
      toastError(error)
    }
  }
  return (
    <div class="page">
      <PageHead
        title="Suppressions"
        beside={<Count of={list.value?.length} />}
        lead="Nothing is sent to these addresses; mail to them fails at once, with a report to the sender. Members of lists to whom mail failed again and again come here by themselves (queue.bounces)."
      >
        <Button tone="primary" icon="plus" onClick={() => (adding.value = true)}>
          Suppress an address
        </Button>
      </PageHead>
      <Shown of={list} title="The suppression list could not be read">
        {(all) =>
          all.length === 0 ? (
            <Empty title="No address is suppressed" picture="done" />
          ) : (
            <>
              <FilterField
                label="Find an address"
                value={filter.value}
                onInput={(text) => (filter.value = text)}
              />
              <SuppressionTable
                rows={all.filter(({ address, reason }) =>
                  `${address} ${reason}`.toLowerCase().includes(wanted),
                )}
                remove={(address) => void remove(address)}
              />
            </>
          )
        }
      </Shown>
      {adding.value ? (
        <AddSuppression
          onClose={() => (adding.value = false)}
          onAdded={() => {
            adding.value = false
            void list.reload()
          }}
        />
      ) : null}
    </div>
  )
}
