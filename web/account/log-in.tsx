// Log-in: address and password, then a code where the account asks for one; or a passkey alone.
import type { JSX } from 'preact'
import { useEffect } from 'preact/hooks'
import { type Signal, useSignal } from '@preact/signals'
import type { SessionState } from '../../src/http/api/account.ts'
import { api, ApiError } from '../shared/api.ts'
import { forgetKept } from '../shared/kept.ts'
import { Button } from '../shared/ui/button.tsx'
import { TextField } from '../shared/ui/field.tsx'
import { Notice } from '../shared/ui/states.tsx'
import { Entrance, nextPath } from './entrance.tsx'
import { explain } from '../shared/explain.ts'
import { logInByPasskey, passkeysWork, wasCancelled } from '../shared/passkey.ts'

export function LogIn(): JSX.Element {
  const address = useSignal('')
  const password = useSignal('')
  const code = useSignal('')
  const step = useSignal<'password' | 'code'>('password')
  const problem = useSignal<string | null>(null)
  const busy = useSignal(false)
  /** Somebody changed his mind: nothing is wrong. */
  const cancelled = useSignal(false)
  const state = useSignal<SessionState | null>(null)
  useEffect(() => {
    api.get<SessionState>('/api/v1/session').then(
      (session) => {
        state.value = session
        if (session.state === 'open') location.replace(nextPath())
        else void forgetKept()
      },
      (error: unknown) => (problem.value = explain(error)),
    )
  }, [])
  const attempt = async (way: () => Promise<unknown>): Promise<void> => {
    busy.value = true
    problem.value = null
    try {
      await way()
      location.assign(nextPath())
    } catch (error) {
      busy.value = false
      if (error instanceof ApiError && error.code === 'code-required') step.value = 'code'
      else problem.value = explain(error)
      cancelled.value = wasCancelled(error)
    }
  }
  const byPassword = (): void => {
    const given = { address: address.value.trim(), password: password.value }
    void attempt(() =>
      api.post('/api/v1/session', step.value === 'code' ? { ...given, code: code.value.trim() } : given),
    )
  }
  const anonymous = state.value?.state === 'anonymous' ? state.value : null
  return (
    <Entrance
      title={step.value === 'code' ? 'One code more' : 'Your mail'}
      about={
        step.value === 'code'
          ? 'Open your authenticator app and copy its six digits, or use a recovery code.'
          : anonymous?.hostname
      }
      foot={
        anonymous?.setup === 'needed'
          ? 'This server has no account yet: open the link that it printed when it started.'
          : ''
      }
    >
      {problem.value === null ? null : (
        <Notice tone={cancelled.value ? 'info' : 'bad'}>{problem.value}</Notice>
      )}
      <Form
        step={step.value}
        fields={{ address, password, code }}
        busy={busy.value}
        open={anonymous?.access === 'open'}
        onSubmit={byPassword}
      />
      {step.value === 'code' ? (
        <Button tone="quiet" wide onClick={() => (step.value = 'password')}>
          Back
        </Button>
      ) : passkeysWork() ? (
        <>
          <p class="or faint small">or</p>
          <Button
            icon="key"
            size="large"
            wide
            disabled={busy.value}
            onClick={() => void attempt(logInByPasskey)}
          >
            Use a passkey
          </Button>
        </>
      ) : null}
    </Entrance>
  )
}

interface FormProps {
  readonly step: 'password' | 'code'
  readonly fields: Readonly<Record<'address' | 'password' | 'code', Signal<string>>>
  readonly busy: boolean
  /** A catcher: any password does. */
  readonly open: boolean
  readonly onSubmit: () => void
}

function Form({ step, fields: { address, password, code }, busy, open, onSubmit }: FormProps): JSX.Element {
  return (
    <form
      class="stack"
      onSubmit={(event) => {
        event.preventDefault()
        onSubmit()
      }}
    >
      {step === 'code' ? (
        <TextField
          key="code"
          label="Code"
          class="input-code"
          inputMode="numeric"
          autocomplete="one-time-code"
          autofocus
          required
          value={code.value}
          onInput={(value) => (code.value = value)}
        />
      ) : (
        <>
          <TextField
            key="address"
            label="Address"
            type="text"
            inputMode="email"
            autocomplete="username webauthn"
            autocapitalize="off"
            spellcheck={false}
            autofocus
            required
            value={address.value}
            onInput={(value) => (address.value = value)}
          />
          <TextField
            key="password"
            label="Password"
            type="password"
            autocomplete="current-password"
            required
            value={password.value}
            onInput={(value) => (password.value = value)}
            hint={open ? 'This is a catcher: any password opens any address.' : undefined}
          />
        </>
      )}
      <Button type="submit" tone="primary" size="large" wide busy={busy}>
        {step === 'code' ? 'Confirm' : 'Log in'}
      </Button>
    </form>
  )
}
