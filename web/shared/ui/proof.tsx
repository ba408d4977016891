// Who changes who may get in shows again who he is, where the session is not fresh; and whose session has ended logs in again where he
// stands, so that nothing he wrote is lost: by password, with a code where the account asks for one, or by passkey. What he asked for is
// asked again then.
import type { JSX } from 'preact'
import { useEffect } from 'preact/hooks'
import { signal, useSignal } from '@preact/signals'
import type { SessionState } from '../../../src/http/api/account.ts'
import { api, ApiError, keepSession } from '../api.ts'
import { explain } from '../explain.ts'
import { logInByPasskey, passkeysWork } from '../passkey.ts'
import { Button } from './button.tsx'
import { Dialog } from './dialog.tsx'
import { TextField } from './field.tsx'

interface Question {
  /** `log-in`: there is no session any more. */
  readonly kind: 'proof' | 'log-in'
  readonly answer: (proven: boolean) => void
}

/** Open while it is set. */
const asked = signal<Question | null>(null)
/** Whose page this is: nobody else may go on with it. */
let owner: string | null = null
/** There is no session: what asks the server by itself rests. */
export const loggedOut = signal(false)
/** How often somebody did not want to log in. */
let declined = 0

/** From here on who is logged out logs in over the page, and it goes on; called once, when it is known whose page it is. */
export function goOnAfterLogIn(address: string): void {
  owner = address
  keepSession({
    mark: () => declined,
    logIn: (mark) => (mark === declined ? logInAgain() : Promise.resolve(false)),
  })
}

/** Resolves to whether it was shown. One dialog serves all that wait; without a session a proof is of no use. */
function ask(kind: Question['kind']): Promise<boolean> {
  const before = asked.peek()
  return new Promise((resolve) => {
    asked.value = {
      kind: before?.kind === 'log-in' ? 'log-in' : kind,
      answer(proven) {
        asked.value = null
        before?.answer(proven)
        resolve(proven)
      },
    }
  })
}

/** Asks to log in again, in a dialog over the page. Resolves to whether the session is open again. */
export async function logInAgain(): Promise<boolean> {
  loggedOut.value = true
  const done = await ask('log-in')
  if (done) loggedOut.value = false
  else declined++
  return done
}

/** Does it; where the server wants a proof, asks for one and does it again. Rejects where there was none. */
export async function withProof<T>(action: () => Promise<T>): Promise<T> {
  try {
    return await action()
  } catch (error) {
    if (!(error instanceof ApiError) || error.code !== 'proof-required') throw error
    if (!(await ask('proof'))) throw new Error('It was not shown who you are, so nothing was changed.')
    return action()
  }
}

/** Where it is asked: once a page. */
export function ProofHost(): JSX.Element | null {
  const question = asked.value
  return question === null ? null : <Ask key={question.kind} {...question} />
}

/** Somebody else's session must not go on with what this page shows. */
async function checkOwner(): Promise<boolean> {
  const session = await api.get<SessionState>('/api/v1/session')
  if (session.state === 'anonymous') return false
  if (owner !== null && session.account.address !== owner) location.reload()
  return true
}

/** Who logs in in another tab comes back to a page that goes on. */
function useOtherTabs(active: boolean, found: () => void): void {
  useEffect(() => {
    if (!active) return undefined
    const look = (): void => {
      if (document.visibilityState === 'visible')
        void checkOwner().then(
          (open) => open && found(),
          () => undefined,
        )
    }
    document.addEventListener('visibilitychange', look)
    addEventListener('focus', look)
    return () => {
      document.removeEventListener('visibilitychange', look)
      removeEventListener('focus', look)
    }
  }, [active])
}

function Ask({ kind, answer }: Question): JSX.Element {
  const password = useSignal('')
  const code = useSignal('')
  const wantsCode = useSignal(false)
  const problem = useSignal<string | undefined>(undefined)
  const busy = useSignal(false)
  useOtherTabs(kind === 'log-in', () => answer(true))
  const attempt = async (way: () => Promise<unknown>): Promise<void> => {
    busy.value = true
    problem.value = undefined
    try {
      await way()
      if (kind === 'log-in') await checkOwner()
      answer(true)
    } catch (error) {
      const refused = error instanceof ApiError ? error.code : ''
      if (refused === 'code-required' || refused === 'bad-code') wantsCode.value = true
      if (refused === 'bad-credentials') problem.value = 'That password is wrong.'
      else if (refused !== 'code-required') problem.value = explain(error)
    } finally {
      busy.value = false
    }
  }
  const byPassword = (): Promise<unknown> => {
    const shown = { password: password.value, ...(wantsCode.value && { code: code.value.trim() }) }
    return kind === 'proof'
      ? api.post('/api/v1/session/proof', shown)
      : api.post('/api/v1/session', { address: owner, ...shown })
  }
  return (
    <Dialog
      title={kind === 'proof' ? 'Show again that it is you' : 'You have been logged out'}
      onClose={() => answer(false)}
      foot={
        <>
          {passkeysWork() ? (
            <Button icon="key" disabled={busy.value} onClick={() => void attempt(logInByPasskey)}>
              Use a passkey
            </Button>
          ) : null}
          <span class="grow" />
          <Button onClick={() => answer(false)}>Cancel</Button>
          <Button tone="primary" busy={busy.value} type="submit" form="proof">
            {kind === 'proof' ? 'Confirm' : 'Log in'}
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
          {kind === 'proof'
            ? 'Your log-in is some time ago, and this decides who may get in. Nothing is changed before you have shown it.'
            : 'Your session has ended. Log in again to go on where you are; what you have written is still here.'}
        </p>
        {kind === 'proof' ? null : <Whose />}
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

function Whose(): JSX.Element {
  return (
    <p>
      {owner} <a href="/login">Somebody else?</a>
      {/* So that password managers know whose password it is. */}
      <input type="text" autocomplete="username" value={owner ?? ''} hidden readOnly />
    </p>
  )
}
