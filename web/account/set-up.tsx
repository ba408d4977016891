// The first start: a one-time link leads here, and makes the first domain and the first account, an admin. The token is in the
// fragment, which browsers send to nobody.
import type { JSX } from 'preact'
import { useEffect } from 'preact/hooks'
import { type Signal, useSignal } from '@preact/signals'
import { api, ApiError } from '../shared/api.ts'
import { Button } from '../shared/ui/button.tsx'
import { TextField } from '../shared/ui/field.tsx'
import { Loading, Notice } from '../shared/ui/states.tsx'
import { Entrance } from './entrance.tsx'
import { explain } from '../shared/explain.ts'

export function SetUp(): JSX.Element {
  const token = location.hash.slice(1)
  const state = useSignal<'checking' | 'open' | 'closed'>('checking')
  const domain = useSignal('')
  const local = useSignal('')
  const password = useSignal('')
  const problem = useSignal<{ code: string; text: string } | null>(null)
  const busy = useSignal(false)
  useEffect(() => {
    api.post<{ setup: string; hostname: string }>('/api/v1/setup/check', { token }).then(
      ({ hostname }) => {
        state.value = 'open'
        domain.value = hostname.replace(/^(?:mail|mx\d*|smtp)\./, '')
      },
      () => (state.value = 'closed'),
    )
  }, [])
  const finish = async (): Promise<void> => {
    busy.value = true
    problem.value = null
    try {
      const address = `${local.value.trim()}@${domain.value.trim()}`
      await api.post('/api/v1/setup', {
        token,
        domain: domain.value.trim(),
        address,
        password: password.value,
      })
      location.assign('/admin/')
    } catch (error) {
      busy.value = false
      problem.value = { code: error instanceof ApiError ? error.code : '', text: explain(error) }
    }
  }
  if (state.value === 'checking') return <Loading label="Looking at the link…" />
  if (state.value === 'closed') {
    return (
      <Entrance
        title="This link does not hold"
        about="It was used, has expired, or there is an account already."
      >
        <p>Start the server again for a new link, or log in.</p>
        <a class="btn btn-primary btn-large" href="/login">
          Log in
        </a>
      </Entrance>
    )
  }
  return (
    <Entrance
      title="Set up your mail"
      about="A domain that this server takes mail for, and the account that runs it."
    >
      {problem.value === null ? null : <Notice tone="bad">{problem.value.text}</Notice>}
      <Form fields={{ domain, local, password }} busy={busy.value} onSubmit={() => void finish()} />
    </Entrance>
  )
}

interface FormProps {
  readonly fields: Readonly<Record<'domain' | 'local' | 'password', Signal<string>>>
  readonly busy: boolean
  readonly onSubmit: () => void
}

function Form({ fields: { domain, local, password }, busy, onSubmit }: FormProps): JSX.Element {
  return (
    <form
      class="stack"
      onSubmit={(event) => {
        event.preventDefault()
        onSubmit()
      }}
    >
      <TextField
        label="Domain"
        value={domain.value}
        onInput={(value) => (domain.value = value)}
        required
        spellcheck={false}
        autocapitalize="off"
        hint="What stands behind the @ of your addresses. You can add more later."
      />
      <TextField
        label="Your address"
        value={local.value}
        onInput={(value) => (local.value = value.replace(/@.*/, ''))}
        required
        autofocus
        spellcheck={false}
        autocapitalize="off"
        autocomplete="username"
        hint={`${local.value === '' ? 'you' : local.value}@${domain.value}`}
      />
      <TextField
        label="Password"
        type="password"
        autocomplete="new-password"
        value={password.value}
        onInput={(value) => (password.value = value)}
        required
        minLength={8}
        hint="Long is better than odd: four words do well."
      />
      <Button type="submit" tone="primary" size="large" wide busy={busy}>
        Begin
      </Button>
    </form>
  )
}
