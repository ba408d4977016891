// How an account is protected: second factors, app passwords, and its sessions of the pages.
import type { JSX } from 'preact'
import { useSignal } from '@preact/signals'
import { formatDate, formatRelative, formatShortDate, plural } from '../shared/format.ts'
import { AppPasswordMaker } from '../shared/ui/app-password.tsx'
import { Badge } from '../shared/ui/badge.tsx'
import { Button, IconButton } from '../shared/ui/button.tsx'
import { confirm } from '../shared/ui/dialog.tsx'
import { Table } from '../shared/ui/table.tsx'
import { toast, toastError } from '../shared/ui/toast.tsx'
import { useAsked } from './asked.ts'
import { Fact } from './head.tsx'
import { type Account, ask } from './operations.ts'
import { Shown } from './shown.tsx'

/** Asks, does it, and says when it came to nothing. Whether it was done. */
async function sure(question: Parameters<typeof confirm>[0], work: () => Promise<unknown>): Promise<boolean> {
  if (!(await confirm(question))) return false
  try {
    await work()
    return true
  } catch (error) {
    toastError(error)
    return false
  }
}

function ago(instant: string | null): JSX.Element | string {
  if (instant === null) return 'never'
  const time = Date.parse(instant)
  return <time title={formatDate(time)}>{formatRelative(time)}</time>
}

export function Factors({ address }: { address: string }): JSX.Element {
  const protection = useAsked('account.protection', { address })
  const removeTotp = async (): Promise<void> => {
    const question = {
      title: 'Ask for no codes any more?',
      text: `${address} is opened by its password alone then. For when the phone with the app is lost.`,
      confirm: 'Remove the authenticator app',
      danger: true,
    }
    if (await sure(question, () => ask('account.totp.remove', { address }))) await protection.reload()
  }
  const removePasskey = async (id: number, label: string): Promise<void> => {
    const question = {
      title: `Remove the passkey ${label}?`,
      text: 'It opens the account no more. With the last one, the password opens it again.',
      confirm: 'Remove',
      danger: true,
    }
    if (await sure(question, () => ask('account.passkey.remove', { address, id }))) await protection.reload()
  }
  return (
    <section class="card">
      <div class="card-head">
        <h2 class="card-title">How it is protected</h2>
      </div>
      <Shown of={protection} title="That could not be read">
        {({ totp, totpSince, recoveryCodes, password, passkeys }) => (
          <dl class="facts">
            <Fact label="Password">
              {password === 'allowed' ? (
                'opens the account'
              ) : (
                <Badge tone="good">refused: passkeys only</Badge>
              )}
            </Fact>
            <Fact label="Authenticator app">
              {totp === 'off' ? (
                'none'
              ) : (
                <span class="row row-wrap">
                  <Badge tone="good" icon="check">
                    on
                  </Badge>
                  since {totpSince === null ? '?' : formatShortDate(Date.parse(totpSince))},{' '}
                  {plural(recoveryCodes, 'recovery code')} left
                  <Button size="small" onClick={() => void removeTotp()}>
                    Remove
                  </Button>
                </span>
              )}
            </Fact>
            <Fact label="Passkeys">
              {passkeys.length === 0 ? (
                'none'
              ) : (
                <ul class="plain-list">
                  {passkeys.map(({ id, label, used }) => (
                    <li key={id} class="row">
                      {label} <span class="faint small">used {ago(used)}</span>
                      <IconButton
                        icon="trash"
                        size="small"
                        label={`Remove the passkey ${label}`}
                        onClick={() => void removePasskey(id, label)}
                      />
                    </li>
                  ))}
                </ul>
              )}
            </Fact>
          </dl>
        )}
      </Shown>
    </section>
  )
}

const allScopes = ['mail', 'send', 'settings', 'admin'] as const

export function AppPasswords({ account }: { account: Account }): JSX.Element {
  const { address } = account
  const list = useAsked('account.app-password.list', { address })
  const adding = useSignal(false)
  const remove = async (id: number, label: string): Promise<void> => {
    const question = {
      title: `Revoke ${label}?`,
      text: 'Whatever uses it is shut out at its next log-in.',
      confirm: 'Revoke',
      danger: true,
    }
    if (await sure(question, () => ask('account.app-password.remove', { address, id }))) await list.reload()
  }
  return (
    <section class="stack stack-s">
      <div class="card-head">
        <h2 class="card-title">App passwords</h2>
        <Button size="small" icon="plus" onClick={() => (adding.value = true)}>
          Make one
        </Button>
      </div>
      <Shown of={list} title="The app passwords could not be read">
        {(all) => (
          <Table
            label="App passwords"
            keyOf={({ id }) => id}
            rows={all}
            empty={<p class="soft">None. They are for programs, which cannot ask for a second factor.</p>}
            columns={[
              { name: 'label', head: 'For', cell: ({ label }) => <strong>{label}</strong> },
              {
                name: 'scopes',
                head: 'Opens',
                cell: ({ scopes: opened }) => (
                  <span class="row">
                    {opened.map((scope) => (
                      <Badge key={scope} tone={scope === 'admin' ? 'horn' : 'plain'}>
                        {scope}
                      </Badge>
                    ))}
                  </span>
                ),
              },
              {
                name: 'used',
                minor: true,
                head: 'Last used',
                cell: ({ used, usedBy }) => (
                  <>
                    {ago(used)} <span class="faint small">{usedBy}</span>
                  </>
                ),
              },
              {
                name: 'expires',
                head: 'Ends',
                cell: ({ expires }) => (expires === null ? 'never' : formatShortDate(Date.parse(expires))),
              },
              {
                name: 'more',
                head: <span class="visually-hidden">Actions</span>,
                end: true,
                cell: ({ id, label }) => (
                  <IconButton
                    icon="trash"
                    size="small"
                    label={`Revoke ${label}`}
                    onClick={() => void remove(id, label)}
                  />
                ),
              },
            ]}
          />
        )}
      </Shown>
      {adding.value ? (
        <AppPasswordMaker
          title={`App password for ${account.display}`}
          scopes={account.role === 'admin' ? allScopes : allScopes.filter((scope) => scope !== 'admin')}
          make={async ({ label, scopes, expires }) =>
            (await ask('account.app-password.add', { address, label, scopes, expires })).password
          }
          onMade={() => void list.reload()}
          onClose={() => (adding.value = false)}
        />
      ) : null}
    </section>
  )
}

/** A browser's own words, cut down to what a person knows it by. */
export function browserIn(userAgent: string): string {
  const browser = /(Firefox|Edg|OPR|Chrome|Safari|curl)\/(\d+)/.exec(
    userAgent.replace(/HeadlessChrome/, 'Chrome'),
  )
  const system = /(Windows|Mac OS X|Android|iPhone|iPad|Linux|CrOS)/.exec(userAgent)?.[1]
  const names: Readonly<Record<string, string>> = { Edg: 'Edge', OPR: 'Opera' }
  if (browser === null) return userAgent.slice(0, 60) || 'unknown'
  const name = names[browser[1] ?? ''] ?? browser[1]
  return system === undefined ? `${name} ${browser[2]}` : `${name} on ${system.replace('Mac OS X', 'macOS')}`
}

export function WebSessions({ account }: { account: Account }): JSX.Element {
  const { address, display } = account
  const list = useAsked('account.sessions.list', { address })
  const end = async (id?: number): Promise<void> => {
    try {
      const { ended } = await ask('account.sessions.end', { address, ...(id === undefined ? {} : { id }) })
      toast(`${plural(ended, 'session')} ended`)
      await list.reload()
    } catch (error) {
      toastError(error)
    }
  }
  const endAll = async (): Promise<void> => {
    const question = {
      title: `End all sessions of ${display}?`,
      text: 'Every browser is asked to log in again.',
      confirm: 'End all',
    }
    if (await confirm(question)) await end()
  }
  return (
    <section class="stack stack-s">
      <div class="card-head">
        <h2 class="card-title">Sessions of the pages</h2>
        {(list.value?.length ?? 0) > 0 ? (
          <Button size="small" onClick={() => void endAll()}>
            End all
          </Button>
        ) : null}
      </div>
      <Shown of={list} title="The sessions could not be read">
        {(all) => (
          <Table
            label="Sessions of the pages"
            keyOf={({ id }) => id}
            rows={all}
            empty={<p class="soft">Nobody is logged in to the pages.</p>}
            columns={[
              {
                name: 'browser',
                head: 'Browser',
                cell: ({ userAgent }) => <span title={userAgent}>{browserIn(userAgent)}</span>,
              },
              { name: 'from', head: 'From', cell: ({ remoteAddress }) => <code>{remoteAddress}</code> },
              { name: 'method', minor: true, head: 'By', cell: ({ method }) => method },
              { name: 'seen', head: 'Last used', cell: ({ seen }) => ago(seen) },
              {
                name: 'created',
                minor: true,
                head: 'Since',
                cell: ({ created }) => formatShortDate(Date.parse(created)),
              },
              {
                name: 'more',
                head: <span class="visually-hidden">Actions</span>,
                end: true,
                cell: ({ id }) => (
                  <Button size="small" onClick={() => void end(id)}>
                    End
                  </Button>
                ),
              },
            ]}
          />
        )}
      </Shown>
    </section>
  )
}
