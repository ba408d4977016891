// Accounts: found by a part of their address, added one by one or many at once.
import type { JSX } from 'preact'
import { useSignal } from '@preact/signals'
import { formatDate, formatNumber, formatShortDate, formatSize, plural } from '../shared/format.ts'
import { useShortcuts } from '../shared/keys.ts'
import { Badge, Stamp } from '../shared/ui/badge.tsx'
import { Button } from '../shared/ui/button.tsx'
import { SelectField, TextArea, TextField } from '../shared/ui/field.tsx'
import { Empty, Notice } from '../shared/ui/states.tsx'
import { Table } from '../shared/ui/table.tsx'
import { toast } from '../shared/ui/toast.tsx'
import { useAsked } from './asked.ts'
import { FormDialog } from './form-dialog.tsx'
import { Count, FilterField, PageHead } from './head.tsx'
import { type Account, type AdminAnswer, ask, type Domain } from './operations.ts'
import { PasswordField } from './password-field.tsx'
import { Shown } from './shown.tsx'
import { pathOf, router } from './state.ts'
import { quotaInWords, trySize } from './sizes.ts'

/** Rows of the table at first; more are shown when asked for. */
const rowsAtFirst = 200

export function Usage({ account }: { account: Account }): JSX.Element {
  const { bytes, quotaBytes } = account
  if (quotaBytes === null) return <span class="num">{formatSize(bytes)}</span>
  const part = quotaBytes === 0 ? 1 : Math.min(1, bytes / quotaBytes)
  return (
    <span class="usage">
      <span class="num">
        {formatSize(bytes)} <span class="faint">of {quotaInWords(quotaBytes)}</span>
      </span>
      <progress
        class={`progress ${part > 0.9 ? 'progress-bad' : ''}`}
        max={1}
        value={part}
        aria-label={`${Math.round(part * 100)} % of the quota`}
      />
    </span>
  )
}

export function AccountBadges({ account }: { account: Account }): JSX.Element {
  const { role, state, hiddenCapabilities } = account
  return (
    <span class="row row-wrap">
      {role === 'admin' ? (
        <Badge tone="horn" icon="shield">
          admin
        </Badge>
      ) : null}
      {state === 'disabled' ? <Badge tone="bad">disabled</Badge> : null}
      {hiddenCapabilities.length > 0 ? (
        <Badge title={`Hidden: ${hiddenCapabilities.join(', ')}`}>{hiddenCapabilities.length} hidden</Badge>
      ) : null}
    </span>
  )
}

interface AddAccountProps {
  readonly domains: readonly Domain[]
  readonly onClose: () => void
  readonly onAdded: (account: Account) => void
}

function AddAccount({ domains, onClose, onAdded }: AddAccountProps): JSX.Element {
  const name = useSignal('')
  const chosen = useSignal<string | null>(null)
  // The domains may come after the dialog was opened; most accounts are in the one that has most.
  const usual = domains.toSorted((left, right) => right.accounts - left.accounts)[0]
  const domain = chosen.value ?? usual?.display ?? ''
  const password = useSignal('')
  const quota = useSignal('')
  const role = useSignal<Account['role']>('user')
  const bytes = trySize(quota.value)
  return (
    <FormDialog
      title="Add an account"
      action="Add"
      disabled={name.value.trim() === '' || password.value === '' || bytes === undefined}
      onClose={onClose}
      onSubmit={async () => {
        const address = name.value.includes('@') ? name.value.trim() : `${name.value.trim()}@${domain}`
        const added = await ask('account.add', {
          ...{ address, password: password.value, role: role.value },
          ...(bytes === null ? {} : { quota: { bytes, messages: null } }),
        })
        toast(`${added.display} is there`)
        onAdded(added)
      }}
    >
      {domains.length === 0 ? (
        <Notice tone="warn">
          There is no domain yet. <a href={router.href('domains?add')}>Add one first.</a>
        </Notice>
      ) : null}
      <div class="address-row">
        <TextField
          label="Name"
          placeholder="ann"
          autofocus
          autocapitalize="off"
          autocomplete="off"
          spellcheck={false}
          value={name.value}
          onInput={(value) => (name.value = value)}
        />
        <SelectField
          label="Domain"
          value={domain}
          disabled={name.value.includes('@')}
          options={domains.map(({ display }) => ({ value: display, label: `@${display}` }))}
          onChange={(value) => (chosen.value = value)}
        />
      </div>
      <PasswordField label="Password" value={password.value} onInput={(value) => (password.value = value)} />
      <TextField
        label="Quota"
        hint="For example 2 GB. Empty: what directory.quotaBytes of the configuration says."
        value={quota.value}
        onInput={(value) => (quota.value = value)}
        problem={bytes === undefined ? 'Write a size such as 2 GB.' : undefined}
      />
      <SelectField
        label="Role"
        value={role.value}
        hint="Admins run the server by these pages."
        options={[
          { value: 'user', label: 'user' },
          { value: 'admin', label: 'admin' },
        ]}
        onChange={(value) => (role.value = value)}
      />
    </FormDialog>
  )
}

function ImportAccounts({ onClose, onDone }: { onClose: () => void; onDone: () => void }): JSX.Element {
  const lines = useSignal('')
  const result = useSignal<AdminAnswer<'account.import'> | null>(null)
  const done = result.value
  return (
    <FormDialog
      title="Import accounts"
      action={done === null ? 'Import' : 'Import again'}
      disabled={lines.value.trim() === ''}
      onClose={onClose}
      onSubmit={async () => {
        result.value = await ask('account.import', { lines: lines.value.split('\n') })
        onDone()
      }}
    >
      {done === null ? null : (
        <Notice tone={done.problems.length === 0 ? 'good' : 'warn'}>
          {plural(done.added, 'account')} added.
          {done.problems.length === 0 ? null : (
            <ul class="plain-list small">
              {done.problems.map(({ line, message }) => (
                <li key={line}>
                  Line {line}: {message}
                </li>
              ))}
            </ul>
          )}
        </Notice>
      )}
      <TextArea
        label="One account a line"
        class="mono"
        hint="An address, a space or a comma, then its password or an argon2id hash: as `posthorn account import` takes it."
        placeholder={'ann@example.org correct horse battery staple'}
        spellcheck={false}
        value={lines.value}
        onInput={(value) => (lines.value = value)}
      />
    </FormDialog>
  )
}

function Rows({ accounts }: { accounts: readonly Account[] }): JSX.Element {
  const most = useSignal(rowsAtFirst)
  return (
    <>
      <Table
        label="Accounts"
        keyOf={({ id }) => id}
        sorted="address"
        rows={accounts.slice(0, most.value)}
        onRow={({ address }) => router.go(pathOf('accounts', address))}
        empty={<Empty title="No account fits" picture="search" />}
        columns={[
          {
            name: 'address',
            head: 'Address',
            sortBy: ({ display }) => display,
            cell: (account) => (
              <span class="row">
                <Stamp name="" email={account.address} size={28} />
                <a class="row-link" href={router.href(pathOf('accounts', account.address))}>
                  {account.display}
                </a>
                <AccountBadges account={account} />
              </span>
            ),
          },
          {
            name: 'messages',
            head: 'Messages',
            end: true,
            sortBy: ({ messages }) => messages,
            cell: ({ messages }) => formatNumber(messages),
          },
          {
            name: 'size',
            minor: true,
            head: 'Size',
            sortBy: ({ bytes }) => bytes,
            cell: (account) => <Usage account={account} />,
          },
          {
            name: 'created',
            minor: true,
            head: 'Added',
            sortBy: ({ created }) => created,
            cell: ({ created }) => (
              <time class="no-wrap" title={formatDate(Date.parse(created))}>
                {formatShortDate(Date.parse(created))}
              </time>
            ),
          },
        ]}
      />
      {accounts.length > most.value ? (
        <Button onClick={() => (most.value += rowsAtFirst * 5)}>
          Show more: {plural(accounts.length - most.value, 'account')} left
        </Button>
      ) : null}
    </>
  )
}

export function AccountsPage(): JSX.Element {
  const accounts = useAsked('account.list')
  const domains = useAsked('domain.list')
  const adding = useSignal(false)
  const importing = useSignal(false)
  const filter = router.location.value.query.get('q') ?? ''
  const wanted = filter.trim().toLowerCase()
  useShortcuts('Page', [{ keys: 'n', label: 'Add an account', run: () => (adding.value = true) }])
  const found = (all: readonly Account[]): Account[] =>
    all.filter(
      ({ address, display, role, state }) =>
        address.includes(wanted) ||
        display.toLowerCase().includes(wanted) ||
        wanted === role ||
        wanted === state,
    )
  return (
    <div class="page">
      <PageHead title="Accounts" beside={<Count of={accounts.value?.length} />}>
        <Button icon="upload" onClick={() => (importing.value = true)}>
          Import
        </Button>
        <Button tone="primary" icon="plus" onClick={() => (adding.value = true)}>
          Add an account
        </Button>
      </PageHead>
      <FilterField
        label="Find by address, role or state"
        value={filter}
        onInput={(text) =>
          router.go(text === '' ? 'accounts' : `accounts?${new URLSearchParams({ q: text })}`, {
            replace: true,
          })
        }
      />
      <Shown of={accounts} title="The accounts could not be read">
        {(all) => (all.length === 0 ? <Empty title="No account yet" /> : <Rows accounts={found(all)} />)}
      </Shown>
      {adding.value ? (
        <AddAccount
          domains={domains.value ?? []}
          onClose={() => (adding.value = false)}
          onAdded={({ address }) => {
            adding.value = false
            router.go(pathOf('accounts', address))
          }}
        />
      ) : null}
      {importing.value ? (
        <ImportAccounts onClose={() => (importing.value = false)} onDone={() => void accounts.reload()} />
      ) : null}
    </div>
  )
}
