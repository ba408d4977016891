// The page as a whole: who may see it, the bar, the side, and what is shown beside them.
import type { JSX } from 'preact'
import { useEffect } from 'preact/hooks'
import { useSignal } from '@preact/signals'
import { helpOpen, useShortcuts } from '../shared/keys.ts'
import { logOut } from '../shared/log-out.ts'
import { setTheme, theme } from '../shared/theme.ts'
import { Badge, Stamp } from '../shared/ui/badge.tsx'
import { Button, IconButton } from '../shared/ui/button.tsx'
import { Icon, type IconName } from '../shared/ui/icon.tsx'
import { Brand } from '../shared/ui/logo.tsx'
import { Menu } from '../shared/ui/menu.tsx'
import { SkipLink } from '../shared/ui/skip-link.tsx'
import { Empty, Failed, Loading, Notice } from '../shared/ui/states.tsx'
import { AccountPage } from './account.tsx'
import { AccountsPage } from './accounts.tsx'
import { AliasesPage } from './aliases.tsx'
import { ConfigPage } from './config.tsx'
import { DomainsPage } from './domains.tsx'
import { HealthPage } from './health.tsx'
import { LogPage } from './log.tsx'
import { OverviewPage } from './overview.tsx'
import { loggedOut, logInAgain, ProofHost } from '../shared/ui/proof.tsx'
import { QueuePage } from './queue.tsx'
import { QueuedPage } from './queued.tsx'
import { SessionsPage } from './sessions.tsx'
import { gate, lost, openGate, opened, overview, readOverview, router, section } from './state.ts'
import { SuppressionsPage } from './suppressions.tsx'
import { TracePage } from './trace.tsx'

interface Place {
  readonly path: string
  readonly label: string
  readonly icon: IconName
  readonly keys: string
  readonly render: () => JSX.Element
}

const groups: readonly { readonly title: string; readonly places: readonly Place[] }[] = [
  {
    title: '',
    places: [{ path: '', label: 'Overview', icon: 'chart', keys: 'g o', render: () => <OverviewPage /> }],
  },
  {
    title: 'Mail',
    places: [
      {
        path: 'queue',
        label: 'Queue',
        icon: 'queue',
        keys: 'g q',
        render: () =>
          opened.value === null ? <QueuePage /> : <QueuedPage key={opened.value} name={opened.value} />,
      },
      { path: 'trace', label: 'Message trace', icon: 'search', keys: 'g t', render: () => <TracePage /> },
      {
        path: 'suppressions',
        label: 'Suppressions',
        icon: 'spam',
        keys: 'g u',
        render: () => <SuppressionsPage />,
      },
    ],
  },
  {
    title: 'Addresses',
    places: [
      { path: 'domains', label: 'Domains', icon: 'globe', keys: 'g d', render: () => <DomainsPage /> },
      {
        path: 'accounts',
        label: 'Accounts',
        icon: 'users',
        keys: 'g a',
        render: () =>
          opened.value === null ? (
            <AccountsPage />
          ) : (
            <AccountPage key={opened.value} address={opened.value} />
          ),
      },
      {
        path: 'aliases',
        label: 'Aliases and lists',
        icon: 'forward',
        keys: 'g i',
        render: () => <AliasesPage />,
      },
    ],
  },
  {
    title: 'Server',
    places: [
      {
        path: 'sessions',
        label: 'Sessions and bans',
        icon: 'shield',
        keys: 'g s',
        render: () => <SessionsPage />,
      },
      { path: 'log', label: 'Log', icon: 'terminal', keys: 'g l', render: () => <LogPage /> },
      { path: 'config', label: 'Configuration', icon: 'settings', keys: 'g c', render: () => <ConfigPage /> },
      { path: 'health', label: 'Health', icon: 'bolt', keys: 'g h', render: () => <HealthPage /> },
    ],
  },
]

const places = groups.flatMap(({ places: all }) => all)

function Live(): JSX.Element {
  const state = lost.value !== null ? 'lost' : overview.value === null ? 'connecting' : 'live'
  const words = { connecting: 'Asking the server', live: 'Live', lost: 'The server does not answer' }[state]
  return (
    <span class={`live live-${state}`} role="img" aria-label={words} data-tip={words}>
      <span />
    </span>
  )
}

function UserMenu({ address, display }: { address: string; display: string }): JSX.Element {
  return (
    <Menu
      label="Account"
      align="end"
      trigger={(attributes) => (
        <button type="button" class="user-button" aria-label={`Account ${display}`} {...attributes}>
          <Stamp name={display} email={address} size={34} />
        </button>
      )}
      entries={() => [
        { title: display },
        { label: 'Mail', icon: 'mail', run: () => location.assign('/mail/') },
        { label: 'Settings', icon: 'settings', run: () => location.assign('/account/') },
        { label: 'HTTP API', icon: 'code', run: () => window.open('/api/', '_blank', 'noopener') },
        { label: 'Keys', icon: 'help', shortcut: '?', run: () => (helpOpen.value = true) },
        'rule',
        { title: 'Colours' },
        { label: 'As the system', checked: theme.value === 'system', run: () => setTheme('system') },
        { label: 'Light', checked: theme.value === 'light', run: () => setTheme('light') },
        { label: 'Dark', checked: theme.value === 'dark', run: () => setTheme('dark') },
        'rule',
        { label: 'Log out', icon: 'logout', run: () => void logOut() },
      ]}
    />
  )
}

function Bar({ openSide, account }: { openSide: () => void; account: { address: string; display: string } }) {
  return (
    <header class="shell-bar">
      <IconButton icon="menu" label="Pages" class="only-phone" onClick={openSide} />
      <Brand href="/admin/" />
      <span class="only-desktop">
        <Badge>administration</Badge>
      </span>
      <span class="grow" />
      <span class="bar-host cut soft small only-desktop">{overview.value?.hostname}</span>
      <Live />
      <UserMenu {...account} />
    </header>
  )
}

function countOf(path: string): number {
  const now = overview.value
  if (now === null) return 0
  return path === 'queue' ? now.queue.messages : 0
}

function Side({ open, close }: { open: boolean; close: () => void }): JSX.Element {
  useShortcuts(
    'Go to',
    places.map(({ keys, label, path }) => ({ keys, label, run: () => router.go(path) })),
  )
  return (
    <>
      {open ? <div class="shell-shade" onClick={close} /> : null}
      <nav class={`shell-side ${open ? 'is-open' : ''}`} aria-label="Pages" onClick={close}>
        {groups.map(({ title, places: shown }) => (
          <div key={title}>
            {title === '' ? null : <h2 class="nav-title">{title}</h2>}
            <div class="nav">
              {shown.map(({ path, label, icon }) => (
                <a
                  key={path}
                  class="nav-item"
                  href={router.href(path)}
                  aria-current={section.value === path ? 'page' : undefined}
                >
                  <Icon name={icon} />
                  <span class="cut">{label}</span>
                  {countOf(path) > 0 ? <span class="count">{countOf(path)}</span> : null}
                </a>
              ))}
            </div>
          </div>
        ))}
      </nav>
    </>
  )
}

/** Why what is shown may be old. */
function Trouble(): JSX.Element | null {
  if (loggedOut.value) {
    const again = async (): Promise<void> => {
      if (await logInAgain()) void readOverview()
    }
    return (
      <div class="lost">
        <Notice
          tone="warn"
          actions={
            <Button size="small" onClick={() => void again()}>
              Log in
            </Button>
          }
        >
          You have been logged out, so what you see may be old.
        </Notice>
      </div>
    )
  }
  if (lost.value === null) return null
  return (
    <div class="lost">
      <Notice tone="bad">The server does not answer: {lost.value} What you see may be old.</Notice>
    </div>
  )
}

function Inside({ account }: { account: { address: string; display: string } }): JSX.Element {
  const side = useSignal(false)
  const place = places.find(({ path }) => path === section.value)
  useEffect(() => {
    document.title = `${place?.label ?? 'Administration'} · Posthorn`
  }, [place])
  return (
    <div class="shell">
      <SkipLink to="main">To the page</SkipLink>
      <Bar openSide={() => (side.value = true)} account={account} />
      <Side open={side.value} close={() => (side.value = false)} />
      <main id="main" class="shell-main shell-main-scroll" tabIndex={-1}>
        <Trouble />
        {place === undefined ? (
          <Empty title="There is nothing here" picture="search">
            <h1 class="visually-hidden">No such page</h1>
            <Button onClick={() => router.go('')}>To the overview</Button>
          </Empty>
        ) : (
          place.render()
        )}
      </main>
      <ProofHost />
    </div>
  )
}

/** Somebody who may not: said plainly, with the ways that are open. */
function Outsider({ display }: { display: string }): JSX.Element {
  return (
    <main class="gate">
      <Brand href="/mail/" />
      <h1 class="visually-hidden">Administration</h1>
      <Empty title="This page is for admins">
        <p>
          You are logged in as {display}, which is an account of a user. An admin can change that: on this
          page, or with <code>posthorn account set {display} --role admin</code>.
        </p>
        <div class="row">
          <Button icon="mail" onClick={() => location.assign('/mail/')}>
            To your mail
          </Button>
          <Button icon="logout" onClick={() => void logOut()}>
            Log in as somebody else
          </Button>
        </div>
      </Empty>
    </main>
  )
}

export function AdminPage(): JSX.Element {
  const now = gate.value
  switch (now.state) {
    case 'asking':
      return (
        <main class="gate">
          <Loading label="Asking who you are…" />
        </main>
      )
    case 'failed':
      return (
        <main class="gate">
          <Failed title="The page could not be opened" reason={now.reason} retry={() => void openGate()} />
        </main>
      )
    case 'catcher':
      return (
        <main class="gate">
          <Brand href="/" />
          <h1 class="visually-hidden">Administration</h1>
          <Empty title="A catcher has nothing to administer">
            <p>
              Every address exists in it, and any password opens it. What it has caught is on its own page.
            </p>
            <Button icon="inbox" onClick={() => location.assign('/')}>
              To what was caught
            </Button>
          </Empty>
        </main>
      )
    case 'outsider':
      return <Outsider display={now.session.account.display} />
    case 'admin':
      return <Inside account={now.session.account} />
  }
}
