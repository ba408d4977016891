// One account: what it may, what it holds, and how it is protected.
import type { JSX } from 'preact'
import { useSignal } from '@preact/signals'
import { formatDate, formatNumber, formatSize } from '../shared/format.ts'
import { useShortcuts } from '../shared/keys.ts'
import { Chip, Stamp } from '../shared/ui/badge.tsx'
import { Button, IconButton } from '../shared/ui/button.tsx'
import { confirm } from '../shared/ui/dialog.tsx'
import { TextField } from '../shared/ui/field.tsx'
import { Menu } from '../shared/ui/menu.tsx'
import { Empty, Notice } from '../shared/ui/states.tsx'
import { toast, toastError } from '../shared/ui/toast.tsx'
import { AccountBadges, Usage } from './accounts.tsx'
import { useAsked } from './asked.ts'
import { FormDialog } from './form-dialog.tsx'
import { Fact } from './head.tsx'
import { type Account, ask } from './operations.ts'
import { PasswordField } from './password-field.tsx'
import { AppPasswords, Factors, WebSessions } from './protection.tsx'
import { Shown } from './shown.tsx'
import { gate, router } from './state.ts'
import { quotaInWords, tryAmount, trySize, writeSize } from './sizes.ts'

interface PartProps {
  readonly account: Account
  readonly reload: () => Promise<void>
}

type Open = 'password' | 'quota' | 'hide' | 'remove' | null

function SetPassword({ account, onClose }: { account: Account; onClose: () => void }): JSX.Element {
  const password = useSignal('')
  return (
    <FormDialog
      title={`Password of ${account.display}`}
      action="Set it"
      disabled={password.value === ''}
      onClose={onClose}
      onSubmit={async () => {
        await ask('account.password', { address: account.address, password: password.value })
        toast(`${account.display} has a new password; its sessions of the pages are over`)
        onClose()
      }}
    >
      <PasswordField
        label="New password"
        value={password.value}
        onInput={(value) => (password.value = value)}
      />
    </FormDialog>
  )
}

function SetQuota({ account, reload, onClose }: PartProps & { onClose: () => void }): JSX.Element {
  const bytes = useSignal(writeSize(account.quotaBytes))
  const messages = useSignal(account.quotaMessages === null ? '' : String(account.quotaMessages))
  const mailboxes = useSignal(account.quotaMailboxes === null ? '' : String(account.quotaMailboxes))
  const annotations = useSignal(writeSize(account.quotaAnnotations))
  const quota = {
    bytes: trySize(bytes.value),
    messages: tryAmount(messages.value),
    mailboxes: tryAmount(mailboxes.value),
    annotations: trySize(annotations.value),
  }
  const problem = (value: number | null | undefined, what: string): string | undefined =>
    value === undefined ? what : undefined
  return (
    <FormDialog
      title={`Quota of ${account.display}`}
      action="Set it"
      disabled={Object.values(quota).includes(undefined)}
      onClose={onClose}
      onSubmit={async () => {
        await ask('account.set', { address: account.address, quota })
        await reload()
        onClose()
      }}
    >
      <p class="soft">Empty is no limit.</p>
      <TextField
        label="Room for mail"
        placeholder="2 GB"
        value={bytes.value}
        onInput={(value) => (bytes.value = value)}
        problem={problem(quota.bytes, 'Write a size such as 2 GB.')}
      />
      <TextField
        label="Messages"
        inputmode="numeric"
        value={messages.value}
        onInput={(value) => (messages.value = value)}
        problem={problem(quota.messages, 'Write a number.')}
      />
      <TextField
        label="Mailboxes"
        inputmode="numeric"
        value={mailboxes.value}
        onInput={(value) => (mailboxes.value = value)}
        problem={problem(quota.mailboxes, 'Write a number.')}
      />
      <TextField
        label="Room for annotations"
        placeholder="1 MB"
        value={annotations.value}
        onInput={(value) => (annotations.value = value)}
        problem={problem(quota.annotations, 'Write a size such as 1 MB.')}
      />
    </FormDialog>
  )
}

function HideCapability({ account, reload, onClose }: PartProps & { onClose: () => void }): JSX.Element {
  const name = useSignal('')
  return (
    <FormDialog
      title="Hide a capability"
      action="Hide it"
      disabled={name.value.trim() === ''}
      onClose={onClose}
      onSubmit={async () => {
        await ask('account.set', { address: account.address, hide: [name.value.trim().toUpperCase()] })
        await reload()
        onClose()
      }}
    >
      <TextField
        label="IMAP capability"
        hint="One that a client of this account breaks on. It is shown no more from the next log-in."
        placeholder="QRESYNC"
        autofocus
        autocapitalize="characters"
        spellcheck={false}
        class="mono"
        value={name.value}
        onInput={(value) => (name.value = value)}
      />
    </FormDialog>
  )
}

function RemoveAccount({ account, onClose }: { account: Account; onClose: () => void }): JSX.Element {
  const typed = useSignal('')
  return (
    <FormDialog
      title={`Remove ${account.display}?`}
      action="Remove it"
      danger
      disabled={typed.value.trim() !== account.display}
      onClose={onClose}
      onSubmit={async () => {
        await ask('account.remove', { address: account.address })
        toast(`${account.display} is removed`)
        router.go('accounts')
      }}
    >
      <p>
        Its {formatNumber(account.messages)} messages ({formatSize(account.bytes)}) go with it, and mail to it
        is refused. This cannot be undone.
      </p>
      <TextField
        label={`Type ${account.display} to be sure`}
        autocomplete="off"
        autocapitalize="off"
        spellcheck={false}
        autofocus
        value={typed.value}
        onInput={(value) => (typed.value = value)}
      />
    </FormDialog>
  )
}

function limit(value: number | null, show: (value: number) => string): string {
  return value === null ? 'no limit' : show(value)
}

function Facts({ account, reload, open }: PartProps & { open: (what: Open) => void }): JSX.Element {
  const { address, quotaMessages, quotaMailboxes, quotaAnnotations, hiddenCapabilities, messages } = account
  const show = async (name: string): Promise<void> => {
    try {
      await ask('account.set', { address, show: [name] })
      await reload()
    } catch (error) {
      toastError(error)
    }
  }
  return (
    <section class="card">
      <div class="card-head">
        <h2 class="card-title">What it holds</h2>
        <Button size="small" onClick={() => open('quota')}>
          Change the quota
        </Button>
      </div>
      <dl class="facts">
        <Fact label="Room">
          <Usage account={account} />
        </Fact>
        <Fact label="Messages">
          {formatNumber(messages)} <span class="faint">of {limit(quotaMessages, formatNumber)}</span>
        </Fact>
        <Fact label="Mailboxes">{limit(quotaMailboxes, (value) => `at most ${formatNumber(value)}`)}</Fact>
        <Fact label="Annotations">
          {limit(quotaAnnotations, (value) => `at most ${quotaInWords(value)}`)}
        </Fact>
        <Fact label="Added">{formatDate(Date.parse(account.created))}</Fact>
        <Fact label="Hidden">
          <span class="row row-wrap">
            {hiddenCapabilities.map((name) => (
              <Chip key={name} onRemove={() => void show(name)} removeLabel={`Show ${name} again`}>
                {name}
              </Chip>
            ))}
            {hiddenCapabilities.length === 0 ? 'no IMAP capability' : null}
            <Button size="small" icon="plus" onClick={() => open('hide')}>
              Hide one
            </Button>
          </span>
        </Fact>
      </dl>
    </section>
  )
}

function Head({ account, reload, open }: PartProps & { open: (what: Open) => void }): JSX.Element {
  const { address, display, role, state } = account
  const own = gate.value.state === 'admin' && gate.value.session.account.address === address
  const change = async (
    question: Parameters<typeof confirm>[0],
    work: () => Promise<unknown>,
  ): Promise<void> => {
    if (!(await confirm(question))) return
    try {
      await work()
      await reload()
    } catch (error) {
      toastError(error)
    }
  }
  const other = role === 'admin' ? 'user' : 'admin'
  const setRole = (): Promise<void> =>
    change(
      {
        title: other === 'admin' ? `Make ${display} an admin?` : `Make ${display} a user?`,
        text:
          other === 'admin' ? 'Admins may do all that this page does.' : 'These pages are closed to it then.',
        confirm: other === 'admin' ? 'Make an admin' : 'Make a user',
        danger: own && other === 'user',
      },
      () => ask('account.set', { address, role: other }),
    )
  const setState = (): Promise<void> =>
    state === 'disabled'
      ? ask('account.state', { address, state: 'active' }).then(reload, (error: unknown) => toastError(error))
      : change(
          {
            title: `Disable ${display}?`,
            text: 'Nobody can log in to it. Mail to it is still taken, and nothing of it is lost.',
            confirm: 'Disable',
            danger: true,
          },
          () => ask('account.state', { address, state: 'disabled' }),
        )
  return (
    <header class="row row-wrap account-head">
      <IconButton icon="arrow-left" label="Back to the accounts" onClick={() => router.go('accounts')} />
      <Stamp name="" email={address} size={44} />
      <div class="grow">
        <h1 class="title cut">{display}</h1>
        {display === address ? null : <p class="faint small mono">{address}</p>}
      </div>
      <AccountBadges account={account} />
      <Button icon="key" onClick={() => open('password')}>
        Set the password
      </Button>
      <Menu
        label={display}
        align="end"
        trigger={(attributes) => <IconButton {...attributes} icon="more" tone="plain" label="More" />}
        entries={() => [
          {
            label: `Trace its mail`,
            icon: 'search',
            run: () => router.go(`trace?${new URLSearchParams({ text: address })}`),
          },
          {
            label: 'Its mail in the queue',
            icon: 'queue',
            run: () => router.go(`queue?${new URLSearchParams({ sender: address })}`),
          },
          'rule',
          {
            label: other === 'admin' ? 'Make an admin' : 'Make a user',
            icon: 'shield',
            run: () => void setRole(),
          },
          {
            label: state === 'disabled' ? 'Enable' : 'Disable',
            icon: state === 'disabled' ? 'play' : 'pause',
            run: () => void setState(),
          },
          'rule',
          { label: 'Remove…', icon: 'trash', danger: true, run: () => open('remove') },
        ]}
      />
    </header>
  )
}

export function AccountPage({ address }: { address: string }): JSX.Element {
  const accounts = useAsked('account.list')
  const dialog = useSignal<Open>(null)
  const open = (what: Open): void => {
    dialog.value = what
  }
  const close = (): void => open(null)
  useShortcuts('Page', [{ keys: 'u', label: 'Back to the accounts', run: () => router.go('accounts') }])
  return (
    <div class="page">
      <Shown of={accounts} title="The account could not be read">
        {(all) => {
          const account = all.find((one) => one.address === address)
          if (account === undefined) {
            return (
              <Empty title={`There is no account ${address}`} picture="search">
                <Button onClick={() => router.go('accounts')}>To the accounts</Button>
              </Empty>
            )
          }
          const part = { account, reload: accounts.reload }
          return (
            <>
              <Head {...part} open={open} />
              {account.state === 'disabled' ? (
                <Notice tone="warn">
                  It is disabled: nobody can log in to it. Mail to it is still taken.
                </Notice>
              ) : null}
              <div class="columns">
                <Facts {...part} open={open} />
                <Factors address={address} />
              </div>
              <AppPasswords account={account} />
              <WebSessions account={account} />
              {dialog.value === 'password' ? <SetPassword account={account} onClose={close} /> : null}
              {dialog.value === 'quota' ? <SetQuota {...part} onClose={close} /> : null}
              {dialog.value === 'hide' ? <HideCapability {...part} onClose={close} /> : null}
              {dialog.value === 'remove' ? <RemoveAccount account={account} onClose={close} /> : null}
            </>
          )
        }}
      </Shown>
    </div>
  )
}
