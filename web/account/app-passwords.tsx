// A password for each mail program: with what it may do, and for how long.
import type { JSX } from 'preact'
import { useSignal } from '@preact/signals'
import type { AppPassword } from '../../src/http/api/account.ts'
import { api } from '../shared/api.ts'
import { formatDate, formatRelative } from '../shared/format.ts'
import { Badge } from '../shared/ui/badge.tsx'
import { AppPasswordMaker } from '../shared/ui/app-password.tsx'
import { IconButton } from '../shared/ui/button.tsx'
import { confirm } from '../shared/ui/dialog.tsx'
import { Icon } from '../shared/ui/icon.tsx'
import { Empty, Failed, Skeleton } from '../shared/ui/states.tsx'
import { toast } from '../shared/ui/toast.tsx'
import { useLoaded } from './load.ts'
import { explain } from '../shared/explain.ts'
import { withProof } from '../shared/ui/proof.tsx'
import { Heading, type OpenSession } from './heading.tsx'

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
        <AppPasswordMaker
          title="App password"
          scopes={session.scopes}
          make={async ({ label, scopes, expires: expiresAt }) => {
            const body = { label, scopes, expiresAt }
            const { password } = await withProof(() =>
              api.post<{ password: string }>('/api/v1/app-passwords', body),
            )
            return password
          }}
          onMade={reload}
          onClose={() => (making.value = false)}
        />
      ) : null}
    </>
  )
}
