// Who are you still? The password, with a code where the account asks for one, or a passkey.
import type { JSX } from 'preact'
import { useSignal } from '@preact/signals'
import { api, ApiError } from '../shared/api.ts'
import { Button } from '../shared/ui/button.tsx'
import { Dialog } from '../shared/ui/dialog.tsx'
import { TextField } from '../shared/ui/field.tsx'
import { reasonOf } from './operations.ts'
import { proofAsked } from './proof.ts'

const codeProblems = ['code-required', 'bad-code']

async function byPasskey(): Promise<void> {
  const { options } = await api.post<{ options: PublicKeyCredentialRequestOptionsJSON }>(
    '/api/v1/session/passkey/options',
  )
  const publicKey = PublicKeyCredential.parseRequestOptionsFromJSON(options)
  const credential = await navigator.credentials.get({ publicKey })
  if (!(credential instanceof PublicKeyCredential)) throw new Error('No passkey was given.')
  await api.post('/api/v1/session/passkey', { response: credential.toJSON() })
}

function hasPasskeys(): boolean {
  return typeof PublicKeyCredential !== 'undefined' && 'parseRequestOptionsFromJSON' in PublicKeyCredential
}

export function ProofDialog(): JSX.Element | null {
  return proofAsked.value === null ? null : <OpenDialog answer={proofAsked.value.answer} />
}

function OpenDialog({ answer }: { answer: (shown: boolean) => void }): JSX.Element {
  const password = useSignal('')
  const code = useSignal('')
  const wantsCode = useSignal(false)
  const problem = useSignal<string | undefined>(undefined)
  const busy = useSignal(false)
  const run = async (show: () => Promise<unknown>): Promise<void> => {
    busy.value = true
    problem.value = undefined
    try {
      await show()
      answer(true)
    } catch (error) {
      if (error instanceof ApiError && codeProblems.includes(error.code)) wantsCode.value = true
      problem.value =
        error instanceof ApiError && error.code === 'code-required' ? undefined : reasonOf(error)
    } finally {
      busy.value = false
    }
  }
  const byPassword = (): Promise<unknown> =>
    api.post('/api/v1/session/proof', {
      password: password.value,
      ...(code.value === '' ? {} : { code: code.value }),
    })
  return (
    <Dialog
      title="Show again that it is you"
      onClose={() => answer(false)}
      foot={
        <>
          {hasPasskeys() ? (
            <Button icon="key" onClick={() => void run(byPasskey)}>
              Use a passkey
            </Button>
          ) : null}
          <span class="grow" />
          <Button onClick={() => answer(false)}>Cancel</Button>
          <Button tone="primary" busy={busy.value} type="submit" form="proof">
            Go on
          </Button>
        </>
      }
    >
      <form
        id="proof"
        class="stack"
        onSubmit={(event) => {
          event.preventDefault()
          void run(byPassword)
        }}
      >
        <p class="soft">
          Your log-in is some time ago, and this decides who may get in. Nothing is changed before you have
          shown it.
        </p>
        <TextField
          label="Your password"
          type="password"
          autocomplete="current-password"
          autofocus
          required
          value={password.value}
          onInput={(value) => (password.value = value)}
          problem={wantsCode.value ? undefined : problem.value}
        />
        {wantsCode.value ? (
          <TextField
            label="Code of your authenticator app"
            class="input-code"
            inputmode="numeric"
            autocomplete="one-time-code"
            value={code.value}
            onInput={(value) => (code.value = value)}
            problem={problem.value}
          />
        ) : null}
      </form>
    </Dialog>
  )
}
