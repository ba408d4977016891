// Makes a password for one mail program: what it is for, what it opens, for how long; and shows it, once.
import type { JSX } from 'preact'
import { useSignal } from '@preact/signals'
import type { AppPassword } from '../../../src/http/api/account.ts'
import { explain } from '../explain.ts'
import { Button } from './button.tsx'
import { Dialog } from './dialog.tsx'
import { CheckBox, SelectField, TextField } from './field.tsx'
import { Notice } from './states.tsx'
import { copyText } from './copy.ts'

type Scope = AppPassword['scopes'][number]

const scopeWords: Readonly<Record<Scope, readonly [label: string, hint: string]>> = {
  mail: ['Read and change mail', 'IMAP, POP3, JMAP'],
  send: ['Send', 'submission, HTTP API, JMAP'],
  settings: ['Change settings', 'of the account, by JMAP'],
  admin: ['Run the server', 'administration by the HTTP API'],
}

type Life = 'ever' | 'month' | 'quarter' | 'year'
const days: Readonly<Record<Life, number | null>> = { ever: null, month: 30, quarter: 90, year: 365 }

export interface AppPasswordRequest {
  readonly label: string
  readonly scopes: readonly Scope[]
  /** An instant; null is never. */
  readonly expires: string | null
}

interface MakerProps {
  readonly title: string
  /** What the account may do itself: no password of it opens more. */
  readonly scopes: readonly Scope[]
  /** Resolves to the password; rejects with what is to be said. */
  readonly make: (request: AppPasswordRequest) => Promise<string>
  readonly onMade: () => void
  readonly onClose: () => void
}

export function AppPasswordMaker(props: MakerProps): JSX.Element {
  const made = useSignal<string | null>(null)
  if (made.value !== null) return <Made password={made.value} onClose={props.onClose} />
  return <Form {...props} onPassword={(password) => (made.value = password)} />
}

type FormProps = MakerProps & { readonly onPassword: (password: string) => void }

function Form({ title, scopes, make, onMade, onClose, onPassword }: FormProps): JSX.Element {
  const label = useSignal('')
  const chosen = useSignal<ReadonlySet<Scope>>(new Set<Scope>(['mail', 'send']))
  const life = useSignal<Life>('ever')
  const problem = useSignal<string | null>(null)
  const busy = useSignal(false)
  const submit = async (): Promise<void> => {
    const count = days[life.value]
    const expires = count === null ? null : new Date(Date.now() + count * 86_400_000).toISOString()
    busy.value = true
    problem.value = null
    try {
      const password = await make({ label: label.value.trim(), scopes: [...chosen.value], expires })
      onMade()
      onPassword(password)
    } catch (error) {
      problem.value = explain(error)
    } finally {
      busy.value = false
    }
  }
  return (
    <Dialog
      title={title}
      onClose={onClose}
      foot={
        <>
          <Button onClick={onClose}>Cancel</Button>
          <Button
            tone="primary"
            type="submit"
            form="app-password"
            busy={busy.value}
            disabled={label.value.trim() === '' || chosen.value.size === 0}
          >
            Make it
          </Button>
        </>
      }
    >
      <form
        id="app-password"
        class="stack"
        onSubmit={(event) => {
          event.preventDefault()
          void submit()
        }}
      >
        {problem.value === null ? null : <Notice tone="bad">{problem.value}</Notice>}
        <TextField
          label="What it is for"
          placeholder="Mail on the phone"
          autofocus
          value={label.value}
          onInput={(value) => (label.value = value)}
        />
        <fieldset class="stack stack-s">
          <legend class="label">It may</legend>
          {scopes.map((scope) => (
            <CheckBox
              key={scope}
              label={scopeWords[scope][0]}
              hint={scopeWords[scope][1]}
              checked={chosen.value.has(scope)}
              onChange={(on) => {
                const next = new Set(chosen.value)
                if (on) next.add(scope)
                else next.delete(scope)
                chosen.value = next
              }}
            />
          ))}
        </fieldset>
        <SelectField
          label="It holds"
          value={life.value}
          options={[
            { value: 'ever', label: 'Until it is revoked' },
            { value: 'month', label: '30 days' },
            { value: 'quarter', label: '90 days' },
            { value: 'year', label: 'A year' },
          ]}
          onChange={(value) => (life.value = value)}
        />
      </form>
    </Dialog>
  )
}

function Made({ password, onClose }: { password: string; onClose: () => void }): JSX.Element {
  const copy = (): void => void copyText(password, 'App password')
  return (
    <Dialog
      title="The app password"
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
      <Notice tone="warn">It is shown this once. Who has lost it makes another one.</Notice>
      <p class="shown-password mono">{password}</p>
    </Dialog>
  )
}
