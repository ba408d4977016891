// Settings of one's account, a page each: identities, vacation, how the account is protected, where it is open.
import type { JSX } from 'preact'
import { useEffect, useMemo } from 'preact/hooks'
import { useSignal } from '@preact/signals'
import type { SessionState } from '../../src/http/api/account.ts'
import { api } from '../shared/api.ts'
import { JmapClient } from '../shared/jmap/client.ts'
import { logOut } from '../shared/log-out.ts'
import { startRouter } from '../shared/router.ts'
import { readSetting, writeSetting } from '../shared/settings.ts'
import { setTheme, theme } from '../shared/theme.ts'
import { IconButton } from '../shared/ui/button.tsx'
import { Segments } from '../shared/ui/field.tsx'
import { Icon, type IconName } from '../shared/ui/icon.tsx'
import { Brand } from '../shared/ui/logo.tsx'
import { goOnAfterLogIn, logInAgain, ProofHost } from '../shared/ui/proof.tsx'
import { SkipLink } from '../shared/ui/skip-link.tsx'
import { Empty, Failed, Loading } from '../shared/ui/states.tsx'
import type { OpenSession } from './heading.tsx'
import { AppPasswords } from './app-passwords.tsx'
import { Identities } from './identities.tsx'
import { Security } from './security.tsx'
import { Sessions } from './sessions.tsx'
import { Vacation } from './vacation.tsx'

const pages: readonly { readonly path: string; readonly label: string; readonly icon: IconName }[] = [
  { path: '', label: 'Writing as', icon: 'draft' },
  { path: 'vacation', label: 'Vacation', icon: 'sun' },
  { path: 'security', label: 'Security', icon: 'shield' },
  { path: 'app-passwords', label: 'App passwords', icon: 'key' },
  { path: 'sessions', label: 'Sessions', icon: 'desktop' },
  { path: 'look', label: 'Look', icon: 'eye' },
]

function toLogin(): void {
  location.assign(`/login?next=${encodeURIComponent(location.pathname)}`)
}

export function Settings(): JSX.Element {
  const session = useSignal<OpenSession | null>(null)
  const client = useSignal<JmapClient | null>(null)
  const error = useSignal<string | null>(null)
  const load = async (): Promise<void> => {
    const state = await api.get<SessionState>('/api/v1/session')
    if (state.state === 'anonymous') toLogin()
    else {
      goOnAfterLogIn(state.account.address)
      client.value ??= await JmapClient.open(logInAgain)
      session.value = state
    }
  }
  useEffect(() => {
    load().catch(
      (failure: unknown) => (error.value = failure instanceof Error ? failure.message : String(failure)),
    )
  }, [])
  if (error.value !== null) return <Failed title="Your settings could not be opened" reason={error.value} />
  if (session.value === null || client.value === null) return <Loading />
  return <Frame session={session.value} client={client.value} />
}

function Frame({ session, client }: { session: OpenSession; client: JmapClient }): JSX.Element {
  const router = useMemo(() => startRouter('/account/'), [])
  const open = useSignal(false)
  const current = router.location.value.segments[0] ?? ''
  return (
    <div class="shell">
      <SkipLink to="settings">Skip to the settings</SkipLink>
      <header class="shell-bar">
        <IconButton class="only-phone" icon="menu" label="Pages" onClick={() => (open.value = true)} />
        <span class="account-brand">
          <Brand href="/mail/" />
        </span>
        <span class="end faint small only-desktop">{session.account.display}</span>
        {session.account.role === 'admin' ? (
          <a class="btn btn-quiet only-desktop" href="/admin/">
            Administration
          </a>
        ) : null}
        <a class="btn account-mail" href="/mail/">
          <Icon name="mail" /> Mail
        </a>
      </header>
      {open.value ? <div class="shell-shade" onClick={() => (open.value = false)} /> : null}
      <nav class={`shell-side ${open.value ? 'is-open' : ''}`} aria-label="Settings">
        <div class="nav">
          {pages.map(({ path, label, icon }) => (
            <a
              key={path}
              class="nav-item"
              href={router.href(path)}
              aria-current={path === current ? 'page' : undefined}
              onClick={() => (open.value = false)}
            >
              <Icon name={icon} /> {label}
            </a>
          ))}
          <button type="button" class="nav-item" onClick={() => void logOut()}>
            <Icon name="logout" /> Log out
          </button>
        </div>
      </nav>
      <main class="shell-main shell-main-scroll" id="settings" tabIndex={-1}>
        <div class="page settings-page">
          <Page path={current} session={session} client={client} />
        </div>
      </main>
      <ProofHost />
    </div>
  )
}

function Page({
  path,
  session,
  client,
}: {
  path: string
  session: OpenSession
  client: JmapClient
}): JSX.Element {
  switch (path) {
    case 'vacation':
      return <Vacation client={client} />
    case 'security':
      return <Security session={session} />
    case 'app-passwords':
      return <AppPasswords session={session} />
    case 'sessions':
      return <Sessions />
    case 'look':
      return <Look />
    case '':
      return <Identities client={client} />
    default:
      return (
        <Empty title="There is nothing here" picture="search">
          <h1 class="visually-hidden">No such page</h1>
          <p>The settings have no page of that name.</p>
        </Empty>
      )
  }
}

function Look(): JSX.Element {
  const undoTime = useSignal(readSetting('undo-seconds', '10'))
  return (
    <>
      <h1 class="title">Look</h1>
      <section class="card stack">
        <h2>Colours</h2>
        <Segments
          label="Colours"
          value={theme.value}
          options={[
            { value: 'system', label: 'As the system' },
            { value: 'light', label: 'Light' },
            { value: 'dark', label: 'Dark' },
          ]}
          onChange={setTheme}
        />
        <p class="faint small">For this browser alone.</p>
      </section>
      <section class="card stack">
        <h2>Taking back what was sent</h2>
        <Segments
          label="Seconds"
          value={undoTime.value}
          options={['0', '5', '10', '20', '30', '60'].map((value) => ({
            value,
            label: value === '0' ? 'Never' : `${value} s`,
          }))}
          onChange={(value) => {
            writeSetting('undo-seconds', value)
            undoTime.value = value
          }}
        />
        <p class="faint small">A message goes out after that time. For this browser alone.</p>
      </section>
    </>
  )
}
