// Who changes who may get in shows again who he is, where the session is not fresh: by password, with a code where the account asks for
// one, or by passkey. What he asked for is asked again then.
import type { JSX } from 'preact'
import { signal, useSignal } from '@preact/signals'
import { api, ApiError } from '../api.ts'
import { explain } from '../explain.ts'
import { logInByPasskey, passkeysWork, wasCancelled } from '../passkey.ts'
import { Button } from './button.tsx'
import { Dialog } from './dialog.tsx'
import { TextField } from './field.tsx'

/** Open while it is set. */
const asked = signal<{ readonly answer: (proven: boolean) => void } | null>(null)

/** Resolves to whether it was shown. One dialog serves all that wait. */
function askProof(): Promise<boolean> {
  const before = asked.peek()
  return new Promise((resolve) => {
    asked.value = {
      answer(proven) {
        asked.value = null
        before?.answer(proven)
        resolve(proven)
      },
    }
  })
}

/** Does it; where the server wants a proof, asks for one and does it again. Rejects where there was none. */
export async function withProof<T>(action: () => Promise<T>): Promise<T> {
  try {
    return await action()
  } catch (error) {
    if (!(error instanceof ApiError) || error.code !== 'proof-required') throw error
    if (!(await askProof())) throw new Error('It was not shown who you are, so nothing was changed.')
    return action()
  }
}

/** Where it is asked: once a page. */
export function ProofHost(): JSX.Element | null {
  const question = asked.value
  return question === null ? null : <Ask answer={question.answer} />
}

function Ask({ answer }: { answer: (proven: boolean) => void }): JSX.Element {
  const password = useSignal('')
  const code = useSignal('')
  const wantsCode = useSignal(false)
  const problem = useSignal<string | undefined>(undefined)
  const busy = useSignal(false)
  const attempt = async (way: () => Promise<unknown>): Promise<void> => {
    busy.value = true
    problem.value = undefined
    try {
      await way()
      answer(true)
    } catch (error) {
      const refused = error instanceof ApiError ? error.code : ''
      if (refused === 'code-required' || refused === 'bad-code') wantsCode.value = true
      if (refused === 'bad-credentials') problem.value = 'That password is wrong.'
      else if (refused !== 'code-required' && !wasCancelled(error)) problem.value = explain(error)
    } finally {
      busy.value = false
    }
  }
  const byPassword = (): Promise<unknown> =>
    api.post('/api/v1/session/proof', {
      password: password.value,
      ...(wantsCode.value && { code: code.value.trim() }),
    })
  return (
    <Dialog
      title="Show again that it is you"
      onClose={() => answer(false)}
      foot={
        <>
          {passkeysWork() ? (
            <Button icon="key" onClick={() => void attempt(logInByPasskey)}>
              Use a passkey
            </Button>
          ) : null}
          <span class="grow" />
          <Button onClick={() => answer(false)}>Cancel</Button>
          <Button tone="primary" busy={busy.value} type="submit" form="proof">
            Confirm
          </Button>
        </>
      }
    >
      <form
        id="proof"
        class="stack"
        onSubmit={(event) => {
          event.preventDefault()
          void attempt(byPassword)
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
            inputMode="numeric"
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
