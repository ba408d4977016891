// A password for each mail program: with what it may do, and for how long.
import type { JSX } from 'preact'
import { useSignal } from '@preact/signals'
import type { AppPassword } from '../../src/http/api/account.ts'
import { api } from '../shared/api.ts'
import { formatDate, formatRelative } from '../shared/format.ts'
import { Badge } from '../shared/ui/badge.tsx'
import { Button, IconButton } from '../shared/ui/button.tsx'
import { confirm, Dialog } from '../shared/ui/dialog.tsx'
import { CheckBox, SelectField, TextField } from '../shared/ui/field.tsx'
import { Icon } from '../shared/ui/icon.tsx'
import { Empty, Failed, Notice, Skeleton } from '../shared/ui/states.tsx'
import { toast } from '../shared/ui/toast.tsx'
import { useLoaded } from './load.ts'
import { explain } from './log-in.tsx'
import { ProofHost, withProof } from './proof.tsx'
import { Heading, type OpenSession } from './heading.tsx'

type Scope = AppPassword['scopes'][number]
const scopeWords: Readonly<Record<Scope, string>> = {
  mail: 'Read and change mail',
  send: 'Send',
  settings: 'Change settings',
  admin: 'Run the server',
}

export function AppPasswords({ session }: { session: OpenSession }): JSX.Element {
  const { value, error, reload } = useLoaded(() =>
    api.get<{ appPasswords: AppPassword[] }>('/api/v1/app-passwords'),
  )
  const making = useSignal(false)
  const revoke = async (one: AppPassword): Promise<void> => {
    const sure = await confirm({
      title: `Revoke “${one.label}”?`,
      text: 'The program that uses it is shut out at once.',
      confirm: 'Revoke',
      danger: true,
    })
    if (!sure) return
    try {
      await api.delete(`/api/v1/app-passwords/${one.id}`)
      reload()
    } catch (failure) {
      toast(explain(failure), { tone: 'bad' })
    }
  }
  const list = value?.appPasswords ?? []
  return (
    <>
      <Heading
        title="App passwords"
        about="One for each mail program, so that a lost phone costs one password and not all."
        action={{ label: 'Make one', run: () => (making.value = true) }}
      />
      {error !== null ? <Failed title="They could not be loaded" reason={error} retry={reload} /> : null}
      {value === null && error === null ? <Skeleton /> : null}
      {value !== null && list.length === 0 ? (
        <Empty title="None yet">
          <p>Make one for the mail program on your phone, and give it that instead of your password.</p>
        </Empty>
      ) : null}
      {list.length === 0 ? null : (
        <ul role="list" class="card entries">
          {list.map((one) => (
            <li key={one.id} class="entry">
              <Icon name="key" />
              <span class="grow">
                <strong>{one.label}</strong>{' '}
                {one.scopes.map((scope) => (
                  <Badge key={scope}>{scope}</Badge>
                ))}
                <span class="faint small entry-about">
                  {one.usedAt === null
                    ? 'never used'
                    : `used ${formatRelative(Date.parse(one.usedAt))} by ${one.usedBy ?? '?'}`}
                  {one.expiresAt === null ? '' : `, until ${formatDate(Date.parse(one.expiresAt))}`}
                </span>
              </span>
              <IconButton icon="trash" label={`Revoke ${one.label}`} onClick={() => void revoke(one)} />
            </li>
          ))}
        </ul>
      )}
      {making.value ? (
        <Make session={session} onClose={() => (making.value = false)} onMade={reload} />
      ) : null}
      <ProofHost />
    </>
  )
}

type Life = 'ever' | 'month' | 'quarter' | 'year'
const days: Readonly<Record<Life, number | null>> = { ever: null, month: 30, quarter: 90, year: 365 }

function Make({
  session,
  onClose,
  onMade,
}: {
  session: OpenSession
  onClose: () => void
  onMade: () => void
}): JSX.Element {
  const label = useSignal('')
  const scopes = useSignal<ReadonlySet<Scope>>(new Set<Scope>(['mail', 'send']))
  const life = useSignal<Life>('ever')
  const problem = useSignal<string | undefined>(undefined)
  const made = useSignal<string | null>(null)
  const make = async (): Promise<void> => {
    const count = days[life.value]
    const expiresAt = count === null ? null : new Date(Date.now() + count * 86_400_000).toISOString()
    try {
      const body = { label: label.value.trim(), scopes: [...scopes.value], expiresAt }
      made.value = (
        await withProof(() => api.post<{ password: string }>('/api/v1/app-passwords', body))
      ).password
      onMade()
    } catch (error) {
      problem.value = explain(error)
    }
  }
  if (made.value !== null) return <Shown password={made.value} onClose={onClose} />
  return (
    <Dialog
      title="App password"
      onClose={onClose}
      foot={
        <Button
          tone="primary"
          disabled={label.value.trim() === '' || scopes.value.size === 0}
          onClick={() => void make()}
        >
          Make it
        </Button>
      }
    >
      <TextField
        label="What for"
        placeholder="Mail on my phone"
        autofocus
        value={label.value}
        onInput={(value) => (label.value = value)}
        problem={problem.value}
      />
      <fieldset class="stack stack-s">
        <legend class="label">It may</legend>
        {session.scopes.map((scope) => (
          <CheckBox
            key={scope}
            label={scopeWords[scope]}
            checked={scopes.value.has(scope)}
            onChange={(checked) => {
              const next = new Set(scopes.value)
              if (checked) next.add(scope)
              else next.delete(scope)
              scopes.value = next
            }}
          />
        ))}
      </fieldset>
      <SelectField
        label="It holds"
        value={life.value}
        options={[
          { value: 'ever', label: 'Until I revoke it' },
          { value: 'month', label: '30 days' },
          { value: 'quarter', label: '90 days' },
          { value: 'year', label: 'A year' },
        ]}
        onChange={(value) => (life.value = value)}
      />
    </Dialog>
  )
}

function Shown({ password, onClose }: { password: string; onClose: () => void }): JSX.Element {
  const copy = (): void => {
    navigator.clipboard.writeText(password).then(
      () => toast('Copied'),
      () => toast('The browser does not allow copying', { tone: 'bad' }),
    )
  }
  return (
    <Dialog
      title="Your app password"
      onClose={onClose}
      foot={
        <>
          <Button icon="copy" onClick={copy}>
            Copy
          </Button>
          <Button tone="primary" onClick={onClose}>
            Done
          </Button>
        </>
      }
    >
      <Notice tone="warn">It is shown this once.</Notice>
      <p class="shown-password mono">{password}</p>
    </Dialog>
  )
}
