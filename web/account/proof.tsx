// Who changes how an account is protected shows again who he is, where the session is not fresh: by password, code or passkey.
import type { JSX } from 'preact'
import { signal, useSignal } from '@preact/signals'
import { api, ApiError } from '../shared/api.ts'
import { Button } from '../shared/ui/button.tsx'
import { Dialog } from '../shared/ui/dialog.tsx'
import { TextField } from '../shared/ui/field.tsx'
import { explain } from './log-in.tsx'
import { logInByPasskey, passkeysWork, wasCancelled } from './passkey.ts'

const asked = signal<{ readonly answer: (proven: boolean) => void } | null>(null)

/** Does it; where the server wants a proof, asks for one and does it again. Rejects with the refusal where there was none. */
export async function withProof<T>(action: () => Promise<T>): Promise<T> {
  try {
    return await action()
  } catch (error) {
    if (!(error instanceof ApiError) || error.code !== 'proof-required') throw error
    const proven = await new Promise<boolean>((resolve) => {
      asked.value = {
        answer(yes) {
          asked.value = null
          resolve(yes)
        },
      }
    })
    if (!proven) throw error
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
  const needsCode = useSignal(false)
  const problem = useSignal<string | undefined>(undefined)
  const attempt = async (way: () => Promise<unknown>): Promise<void> => {
    problem.value = undefined
    try {
      await way()
      answer(true)
    } catch (error) {
      if (error instanceof ApiError && error.code === 'code-required') needsCode.value = true
      else if (!wasCancelled(error)) problem.value = explain(error)
    }
  }
  const byPassword = (): void => {
    const given = { password: password.value, ...(needsCode.value && { code: code.value.trim() }) }
    void attempt(() => api.post('/api/v1/session/proof', given))
  }
  return (
    <Dialog
      title="Is it you?"
      onClose={() => answer(false)}
      foot={
        <>
          {passkeysWork() ? (
            <Button icon="key" onClick={() => void attempt(logInByPasskey)}>
              Use a passkey
            </Button>
          ) : null}
          <Button tone="primary" onClick={byPassword}>
            Confirm
          </Button>
        </>
      }
    >
      <form
        class="stack"
        onSubmit={(event) => {
          event.preventDefault()
          byPassword()
        }}
      >
        <p class="soft">This changes who can open your account.</p>
        <TextField
          label="Password"
          type="password"
          autocomplete="current-password"
          autofocus
          value={password.value}
          onInput={(value) => (password.value = value)}
          problem={problem.value}
        />
        {needsCode.value ? (
          <TextField
            label="Code of your app"
            inputMode="numeric"
            autocomplete="one-time-code"
            value={code.value}
            onInput={(value) => (code.value = value)}
          />
        ) : null}
        <button type="submit" hidden />
      </form>
    </Dialog>
  )
}
