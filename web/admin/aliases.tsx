// Addresses that lead to others: aliases, catch-alls of a domain, and lists with an owner, whose reports go to him.
import type { JSX } from 'preact'
import { useSignal } from '@preact/signals'
import { plural } from '../shared/format.ts'
import { useShortcuts } from '../shared/keys.ts'
import { Badge } from '../shared/ui/badge.tsx'
import { Button, IconButton } from '../shared/ui/button.tsx'
import { confirm } from '../shared/ui/dialog.tsx'
import { Segments, TextArea, TextField } from '../shared/ui/field.tsx'
import { Empty } from '../shared/ui/states.tsx'
import { Table } from '../shared/ui/table.tsx'
import { toast, toastError } from '../shared/ui/toast.tsx'
import { useAsked } from './asked.ts'
import { FormDialog } from './form-dialog.tsx'
import { Count, FilterField, PageHead } from './head.tsx'
import { type Alias, ask } from './operations.ts'
import { Shown } from './shown.tsx'
import { router } from './state.ts'

interface EditAliasProps {
  /** null: a new one. */
  readonly alias: Alias | null
  readonly onClose: () => void
  readonly onDone: () => void
}

function EditAlias({ alias, onClose, onDone }: EditAliasProps): JSX.Element {
  const address = useSignal(alias?.display ?? '')
  const targets = useSignal(alias?.targets.join('\n') ?? '')
  const kind = useSignal<'alias' | 'list'>(alias?.owner == null ? 'alias' : 'list')
  const owner = useSignal(alias?.owner ?? '')
  const wanted = targets.value.split(/[\s,]+/).filter((text) => text !== '')
  const isList = kind.value === 'list'
  return (
    <FormDialog
      title={alias === null ? 'Add an alias or a list' : alias.display}
      action={alias === null ? 'Add' : 'Keep'}
      disabled={address.value.trim() === '' || wanted.length === 0 || (isList && owner.value.trim() === '')}
      onClose={onClose}
      onSubmit={async () => {
        const set = await ask('alias.set', {
          address: address.value.trim(),
          targets: wanted,
          owner: isList ? owner.value.trim() : null,
        })
        toast(`${set.display} leads to ${plural(wanted.length, 'address', 'addresses')}`)
        onDone()
      }}
    >
      <Segments
        label="What it is"
        value={kind.value}
        onChange={(value) => (kind.value = value)}
        options={[
          { value: 'alias', label: 'Alias' },
          { value: 'list', label: 'List' },
        ]}
      />
      <TextField
        label="Address"
        hint="@example.org takes all that no other address of the domain takes."
        placeholder="info@example.org"
        disabled={alias !== null}
        autocapitalize="off"
        spellcheck={false}
        value={address.value}
        onInput={(value) => (address.value = value)}
      />
      <TextArea
        label={isList ? 'Members' : 'Leads to'}
        hint="One address a line. They may be here or elsewhere."
        spellcheck={false}
        autocapitalize="off"
        value={targets.value}
        onInput={(value) => (targets.value = value)}
      />
      {isList ? (
        <TextField
          label="Owner"
          hint="The list is the sender of what goes to its members, so reports go to its owner."
          autocapitalize="off"
          spellcheck={false}
          value={owner.value}
          onInput={(value) => (owner.value = value)}
        />
      ) : null}
    </FormDialog>
  )
}

function AliasTable({
  rows,
  edit,
  remove,
}: {
  rows: readonly Alias[]
  edit: (alias: Alias) => void
  remove: (alias: Alias) => void
}): JSX.Element {
  return (
    <Table
      label="Aliases and lists"
      keyOf={({ address }) => address}
      sorted="address"
      rows={rows}
      empty={<Empty title="Nothing fits" picture="search" />}
      columns={[
        {
          name: 'address',
          head: 'Address',
          sortBy: ({ display }) => display,
          cell: ({ display, address, owner }) => (
            <span class="row">
              <strong>{display}</strong>
              {owner === null ? null : <Badge tone="link">list</Badge>}
              {address.startsWith('@') ? <Badge tone="plum">all others</Badge> : null}
            </span>
          ),
        },
        {
          name: 'targets',
          head: 'Leads to',
          cell: ({ targets }) => (
            <span title={targets.join('\n')}>
              {targets.slice(0, 3).join(', ')}
              {targets.length > 3 ? <span class="faint"> and {targets.length - 3} more</span> : null}
            </span>
          ),
        },
        { name: 'owner', minor: true, head: 'Owner', cell: ({ owner }) => owner ?? '' },
        {
          name: 'more',
          head: <span class="visually-hidden">Actions</span>,
          end: true,
          cell: (alias) => (
            <span class="row row-end">
              <IconButton
                icon="draft"
                size="small"
                label={`Change ${alias.display}`}
                onClick={() => edit(alias)}
              />
              <IconButton
                icon="trash"
                size="small"
                label={`Remove ${alias.display}`}
                onClick={() => remove(alias)}
              />
            </span>
          ),
        },
      ]}
    />
  )
}

export function AliasesPage(): JSX.Element {
  const aliases = useAsked('alias.list')
  const editing = useSignal<{ readonly alias: Alias | null } | null>(null)
  const filter = router.location.value.query.get('q') ?? ''
  const wanted = filter.trim().toLowerCase()
  const add = (): void => {
    editing.value = { alias: null }
  }
  useShortcuts('Page', [{ keys: 'n', label: 'Add an alias or a list', run: add }])
  const remove = async ({ address, display }: Alias): Promise<void> => {
    const question = {
      title: `Remove ${display}?`,
      text: 'Mail to it is refused from then on. Where it led stays as it is.',
      confirm: 'Remove',
      danger: true,
    }
    if (!(await confirm(question))) return
    try {
      await ask('alias.remove', { address })
      toast(`${display} is removed`)
      await aliases.reload()
    } catch (error) {
      toastError(error)
    }
  }
  return (
    <div class="page">
      <PageHead title="Aliases and lists" beside={<Count of={aliases.value?.length} />}>
        <Button tone="primary" icon="plus" onClick={add}>
          Add one
        </Button>
      </PageHead>
      <FilterField
        label="Find by address or target"
        value={filter}
        onInput={(text) =>
          router.go(text === '' ? 'aliases' : `aliases?${new URLSearchParams({ q: text })}`, {
            replace: true,
          })
        }
      />
      <Shown of={aliases} title="The aliases could not be read">
        {(all) =>
          all.length === 0 ? (
            <Empty title="No alias yet">
              <p>An alias lets one address lead to others; a list does it under the name of its owner.</p>
              <Button icon="plus" onClick={add}>
                Add one
              </Button>
            </Empty>
          ) : (
            <AliasTable
              rows={all.filter(({ display, targets }) =>
                [display, ...targets].some((text) => text.toLowerCase().includes(wanted)),
              )}
              edit={(alias) => (editing.value = { alias })}
              remove={(alias) => void remove(alias)}
            />
          )
        }
      </Shown>
      {editing.value === null ? null : (
        <EditAlias
          alias={editing.value.alias}
          onClose={() => (editing.value = null)}
          onDone={() => {
            editing.value = null
            void aliases.reload()
          }}
        />
      )}
    </div>
  )
}
