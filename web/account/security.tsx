// What opens the account: password, authenticator app, passkeys.
import type { JSX } from 'preact'
import { useSignal } from '@preact/signals'
import type { LoginPolicy, Passkey } from '../../src/http/api/account.ts'
import { api } from '../shared/api.ts'
import { formatDate, formatRelative } from '../shared/format.ts'
import { Badge } from '../shared/ui/badge.tsx'
import { Button, IconButton } from '../shared/ui/button.tsx'
import { confirm, Dialog } from '../shared/ui/dialog.tsx'
import { Switch, TextField } from '../shared/ui/field.tsx'
import { Icon } from '../shared/ui/icon.tsx'
import { Notice } from '../shared/ui/states.tsx'
import { toast } from '../shared/ui/toast.tsx'
import { useLoaded } from './load.ts'
import { explain } from '../shared/explain.ts'
import { makePasskey, passkeysWork } from '../shared/passkey.ts'
import { withProof } from '../shared/ui/proof.tsx'
import { Heading, type OpenSession } from './heading.tsx'
import { TotpCard } from './totp.tsx'

export function Security({ session }: { session: OpenSession }): JSX.Element {
  return (
    <>
      <Heading title="Security" about="What opens your account." />
      <PasswordCard session={session} />
      <TotpCard />
      <PasskeysCard />
    </>
  )
}

function PasswordCard({ session }: { session: OpenSession }): JSX.Element {
  const changing = useSignal(false)
  const current = useSignal('')
  const fresh = useSignal('')
  const problem = useSignal<string | undefined>(undefined)
  const busy = useSignal(false)
  const save = async (): Promise<void> => {
    problem.value = undefined
    busy.value = true
    try {
      await withProof(() => api.put('/api/v1/password', { current: current.value, password: fresh.value }))
      changing.value = false
      current.value = ''
      fresh.value = ''
      toast('Password changed. All other sessions have ended.')
    } catch (error) {
      problem.value = explain(error)
    } finally {
      busy.value = false
    }
  }
  return (
    <section class="card">
      <div class="card-head">
        <h2>Password</h2>
        <Button onClick={() => (changing.value = true)}>Change</Button>
      </div>
      <p class="soft">Opens the pages, and mail programs that have no password of their own.</p>
      {changing.value ? (
        <Dialog
          title="Change the password"
          onClose={() => (changing.value = false)}
          foot={
            <>
              <Button onClick={() => (changing.value = false)}>Cancel</Button>
              <Button tone="primary" busy={busy.value} onClick={() => void save()}>
                Change
              </Button>
            </>
          }
        >
          <form
            class="stack"
            onSubmit={(event) => {
              event.preventDefault()
              void save()
            }}
          >
            <input type="text" autocomplete="username" value={session.account.address} hidden readOnly />
            <TextField
              label="The one you have"
              type="password"
              autocomplete="current-password"
              autofocus
              value={current.value}
              onInput={(value) => (current.value = value)}
            />
            <TextField
              label="The new one"
              type="password"
              autocomplete="new-password"
              value={fresh.value}
              onInput={(value) => (fresh.value = value)}
              problem={problem.value}
              hint="Long is better than odd: four words do well."
            />
            <button type="submit" hidden />
          </form>
        </Dialog>
      ) : null}
    </section>
  )
}

function PasskeysCard(): JSX.Element {
  const { value, reload } = useLoaded(() => api.get<{ passkeys: Passkey[] }>('/api/v1/passkeys'))
  const policy = useLoaded(() => api.get<LoginPolicy>('/api/v1/login-policy'))
  const keys = value?.passkeys ?? []
  const naming = useSignal(false)
  const setPolicy = async (password: LoginPolicy['password']): Promise<void> => {
    try {
      await withProof(() => api.put('/api/v1/login-policy', { password }))
    } catch (error) {
      toast(explain(error), { tone: 'bad' })
    }
    policy.reload()
  }
  const remove = async (key: Passkey): Promise<void> => {
    const sure = await confirm({
      title: `Remove “${key.label}”?`,
      text: 'It no longer opens your account.',
      confirm: 'Remove',
      danger: true,
    })
    if (!sure) return
    try {
      await withProof(() => api.delete(`/api/v1/passkeys/${key.id}`))
      reload()
    } catch (error) {
      toast(explain(error), { tone: 'bad' })
    }
  }
  return (
    <section class="card stack">
      <div class="card-head">
        <h2>Passkeys</h2>
        {passkeysWork() ? (
          <Button icon="plus" onClick={() => (naming.value = true)}>
            Add
          </Button>
        ) : null}
      </div>
      <p class="soft">
        A key in your device or on a stick. Nothing to remember, and nothing to be tricked out of.
      </p>
      {passkeysWork() ? null : (
        <p class="small faint">
          {isSecureContext
            ? 'This browser cannot make passkeys.'
            : 'Passkeys are made on pages that come over TLS alone, which this one does not.'}
        </p>
      )}
      {keys.length === 0 ? null : (
        <ul role="list" class="entries">
          {keys.map((key) => (
            <li key={key.id} class="entry">
              <Icon name="key" />
              <span class="grow">
                <strong>{key.label}</strong> {key.synced ? <Badge>on all your devices</Badge> : null}
                <span class="faint small entry-about">
                  made {formatDate(Date.parse(key.createdAt))}
                  {key.usedAt === null ? '' : `, used ${formatRelative(Date.parse(key.usedAt))}`}
                </span>
              </span>
              <IconButton icon="trash" label={`Remove ${key.label}`} onClick={() => void remove(key)} />
            </li>
          ))}
        </ul>
      )}
      {keys.length === 0 ? null : (
        <Switch
          label="Only passkeys open these pages"
          hint="The password no longer does. Mail programs use app passwords."
          checked={policy.value?.password === 'refused'}
          onChange={(checked) => void setPolicy(checked ? 'refused' : 'allowed')}
        />
      )}
      {naming.value ? (
        <NamePasskey
          onClose={() => (naming.value = false)}
          onMade={() => {
            naming.value = false
            reload()
          }}
        />
      ) : null}
    </section>
  )
}

function NamePasskey({ onClose, onMade }: { onClose: () => void; onMade: () => void }): JSX.Element {
  const label = useSignal('')
  const problem = useSignal<string | undefined>(undefined)
  const busy = useSignal(false)
  const make = async (): Promise<void> => {
    busy.value = true
    problem.value = undefined
    try {
      await withProof(() => makePasskey(label.value.trim() || 'Passkey'))
      toast('Passkey added')
      onMade()
    } catch (error) {
      problem.value = explain(error)
    } finally {
      busy.value = false
    }
  }
  return (
    <Dialog
      title="Add a passkey"
      onClose={onClose}
      foot={
        <>
          <Button onClick={onClose}>Cancel</Button>
          <Button tone="primary" icon="key" type="submit" form="passkey" busy={busy.value}>
            Go on
          </Button>
        </>
      }
    >
      <form
        id="passkey"
        class="stack"
        onSubmit={(event) => {
          event.preventDefault()
          void make()
        }}
      >
        {problem.value === undefined ? null : <Notice tone="bad">{problem.value}</Notice>}
        <TextField
          label="Name"
          value={label.value}
          onInput={(value) => (label.value = value)}
          placeholder="Laptop"
          autofocus
          hint="To tell it from others. Your browser asks next where to keep the key."
        />
      </form>
    </Dialog>
  )
}
