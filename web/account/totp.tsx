// Codes of an authenticator app: set up by a QR code drawn here, confirmed by a first code, with recovery codes for when it is lost.
import type { JSX } from 'preact'
import { useSignal } from '@preact/signals'
import { api } from '../shared/api.ts'
import { formatDate, plural } from '../shared/format.ts'
import { Badge } from '../shared/ui/badge.tsx'
import { Button } from '../shared/ui/button.tsx'
import { confirm, Dialog } from '../shared/ui/dialog.tsx'
import { TextField } from '../shared/ui/field.tsx'
import { QrCode } from '../shared/ui/qr-code.tsx'
import { Notice } from '../shared/ui/states.tsx'
import { copyText } from '../shared/ui/copy.ts'
import { toast } from '../shared/ui/toast.tsx'
import { useLoaded } from './load.ts'
import { explain } from '../shared/explain.ts'
import { withProof } from '../shared/ui/proof.tsx'

interface TotpState {
  readonly state: 'off' | 'on'
  readonly since: string | null
  readonly recoveryCodes: number
}

interface Enrolment {
  readonly secret: string
  readonly url: string
}

export function TotpCard(): JSX.Element {
  const { value, reload } = useLoaded(() => api.get<TotpState>('/api/v1/totp'))
  const enrolment = useSignal<Enrolment | null>(null)
  const codes = useSignal<readonly string[] | null>(null)
  const attempt = async (action: () => Promise<void>): Promise<void> => {
    try {
      await withProof(action)
    } catch (error) {
      toast(explain(error), { tone: 'bad' })
    }
  }
  const begin = (): Promise<void> =>
    attempt(async () => {
      enrolment.value = await api.post<Enrolment>('/api/v1/totp')
    })
  const renew = (): Promise<void> =>
    attempt(async () => {
      const { recoveryCodes } = await api.post<{ recoveryCodes: string[] }>('/api/v1/totp/recovery-codes')
      codes.value = recoveryCodes
      reload()
    })
  const remove = async (): Promise<void> => {
    const sure = await confirm({
      title: 'Ask for codes no more?',
      text: 'The password alone then opens your account.',
      confirm: 'Switch off',
      danger: true,
    })
    if (!sure) return
    await attempt(() => api.delete('/api/v1/totp'))
    reload()
  }
  const on = value?.state === 'on'
  return (
    <section class="card stack">
      <div class="card-head">
        <h2>Authenticator app {on ? <Badge tone="good">on</Badge> : null}</h2>
        {on ? (
          <Button onClick={() => void remove()}>Switch off</Button>
        ) : (
          <Button onClick={() => void begin()}>Set up</Button>
        )}
      </div>
      <p class="soft">
        With the password, a code of an app on your phone. Whoever learns the password still stays outside.
      </p>
      {on ? (
        <p class="row row-wrap">
          <span class="small">
            Since {formatDate(Date.parse(value.since ?? ''))}. {plural(value.recoveryCodes, 'recovery code')}{' '}
            left.
          </span>
          <Button size="small" onClick={() => void renew()}>
            New recovery codes
          </Button>
        </p>
      ) : null}
      {enrolment.value === null ? null : (
        <Enrol
          enrolment={enrolment.value}
          onClose={() => (enrolment.value = null)}
          onDone={(made) => {
            enrolment.value = null
            codes.value = made
            reload()
          }}
        />
      )}
      {codes.value === null ? null : (
        <RecoveryCodes codes={codes.value} onClose={() => (codes.value = null)} />
      )}
    </section>
  )
}

interface EnrolProps {
  readonly enrolment: Enrolment
  readonly onClose: () => void
  readonly onDone: (codes: readonly string[]) => void
}

function Enrol({ enrolment, onClose, onDone }: EnrolProps): JSX.Element {
  const code = useSignal('')
  const problem = useSignal<string | undefined>(undefined)
  const finish = async (): Promise<void> => {
    try {
      const { recoveryCodes } = await withProof(() =>
        api.post<{ recoveryCodes: string[] }>('/api/v1/totp/confirm', { code: code.value.trim() }),
      )
      onDone(recoveryCodes)
    } catch (error) {
      problem.value = explain(error)
    }
  }
  return (
    <Dialog
      title="Set up an app"
      onClose={onClose}
      foot={
        <>
          <Button onClick={onClose}>Cancel</Button>
          <Button tone="primary" onClick={() => void finish()}>
            Confirm
          </Button>
        </>
      }
    >
      <p>Scan this with your authenticator app:</p>
      <div class="qr-room">
        <QrCode text={enrolment.url} label="QR code for the authenticator app" />
      </div>
      <p class="small soft">
        Or type <code class="secret">{enrolment.secret.replaceAll(/(.{4})/g, '$1 ').trim()}</code>
      </p>
      <form
        onSubmit={(event) => {
          event.preventDefault()
          void finish()
        }}
      >
        <TextField
          label="Its six digits"
          class="input-code"
          inputMode="numeric"
          autocomplete="one-time-code"
          value={code.value}
          onInput={(value) => (code.value = value)}
          problem={problem.value}
        />
      </form>
    </Dialog>
  )
}

function RecoveryCodes({ codes, onClose }: { codes: readonly string[]; onClose: () => void }): JSX.Element {
  const copy = (): void => void copyText(codes.join('\n'), 'Recovery codes')
  return (
    <Dialog
      title="Recovery codes"
      onClose={onClose}
      foot={
        <>
          <Button icon="copy" onClick={copy}>
            Copy
          </Button>
          <Button tone="primary" onClick={onClose}>
            I have kept them
          </Button>
        </>
      }
    >
      <Notice tone="warn">
        They are shown this once. Each opens your account one time, when the app is lost.
      </Notice>
      <ul role="list" class="recovery-codes mono">
        {codes.map((code) => (
          <li key={code}>{code}</li>
        ))}
      </ul>
    </Dialog>
  )
}
