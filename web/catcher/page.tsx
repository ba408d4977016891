// The page as a whole: bar, side, and what is shown beside them. On a phone the list and the message take turns.
import type { JSX } from 'preact'
import { useRef } from 'preact/hooks'
import { useSignal } from '@preact/signals'
import { helpOpen, useShortcuts } from '../shared/keys.ts'
import { setTheme, theme } from '../shared/theme.ts'
import { Badge } from '../shared/ui/badge.tsx'
import { IconButton } from '../shared/ui/button.tsx'
import { Icon, type IconName } from '../shared/ui/icon.tsx'
import { Brand } from '../shared/ui/logo.tsx'
import { Menu } from '../shared/ui/menu.tsx'
import { Split } from '../shared/ui/split.tsx'
import { SkipLink } from '../shared/ui/skip-link.tsx'
import { ChaosPage } from './chaos.tsx'
import { ConnectPage } from './connect.tsx'
import { MessageList } from './list.tsx'
import { MessageView } from './message.tsx'
import { RefusalsPage } from './refusals.tsx'
import { SearchField } from './search-field.tsx'
import {
  inbox,
  inboxes,
  live,
  notifying,
  openId,
  place,
  query,
  refusals,
  root,
  router,
  section,
  status,
  tags,
  unread,
  wantNotifications,
} from './state.ts'

function Live(): JSX.Element {
  const words = { connecting: 'Connecting', live: 'Live', lost: 'Connection lost; trying again' }[live.value]
  return (
    <span class={`live live-${live.value}`} role="img" aria-label={words} data-tip={words}>
      <span />
    </span>
  )
}

function Bar({ openSide }: { openSide: () => void }): JSX.Element {
  const search = useRef<HTMLInputElement>(null)
  useShortcuts('Page', [
    { keys: '/', label: 'Search', run: () => search.current?.focus() },
    { keys: 'g i', label: 'All messages', run: () => router.go('') },
    { keys: 'g r', label: 'Refused', run: () => router.go('refused') },
    { keys: 'g c', label: 'Chaos', run: () => router.go('chaos') },
  ])
  return (
    <header class="shell-bar">
      <IconButton icon="menu" label="Inboxes and tags" class="only-phone" onClick={openSide} />
      <span class="only-desktop">
        <Brand href={root} />
      </span>
      {status.value?.label ? <Badge tone="horn">{status.value.label}</Badge> : null}
      <SearchField inputRef={search} />
      <Live />
      <Menu
        label="Page"
        align="end"
        trigger={(attributes) => <IconButton {...attributes} icon="more" label="More" />}
        entries={() => [
          { title: 'Appearance' },
          { label: 'As the system', checked: theme.value === 'system', run: () => setTheme('system') },
          { label: 'Light', checked: theme.value === 'light', run: () => setTheme('light') },
          { label: 'Dark', checked: theme.value === 'dark', run: () => setTheme('dark') },
          'rule',
          {
            label: 'Tell me of new messages',
            checked: notifying.value,
            run: () => void wantNotifications(!notifying.value),
          },
          { label: 'Keys', icon: 'help', shortcut: '?', run: () => (helpOpen.value = true) },
        ]}
      />
    </header>
  )
}

interface LinkProps {
  readonly to: string
  readonly icon: IconName
  readonly label: string
  readonly count?: number
  readonly current: boolean
}

function NavLink({ to, icon, label, count = 0, current }: LinkProps): JSX.Element {
  return (
    <a class="nav-item" href={root + to} aria-current={current ? 'page' : undefined}>
      <Icon name={icon} />
      <span class="cut">{label}</span>
      {count > 0 ? <span class="count">{count}</span> : null}
    </a>
  )
}

function Side({ open, close }: { open: boolean; close: () => void }): JSX.Element {
  const messages = section.value === 'messages'
  const all = messages && inbox.value === '' && query.value === ''
  return (
    <>
      {open ? <div class="shell-shade" onClick={close} /> : null}
      <nav class={`shell-side ${open ? 'is-open' : ''}`} aria-label="Inboxes, tags and tools" onClick={close}>
        <div class="nav">
          <NavLink
            to=""
            icon="inbox"
            label="All messages"
            count={status.value?.unread ?? unread.value}
            current={all}
          />
          {inboxes.value.length > 1
            ? inboxes.value.map(({ name, unread: waiting }) => (
                <NavLink
                  key={name}
                  to={place('', { inbox: name, q: '' })}
                  icon="folder"
                  label={name}
                  count={waiting}
                  current={messages && inbox.value === name}
                />
              ))
            : null}
        </div>
        {tags.value.length > 0 ? <h2 class="nav-title">Tags</h2> : null}
        <div class="nav">
          {tags.value.map(({ name, messages: count }) => {
            const search = `tag:"${name}"`
            return (
              <NavLink
                key={name}
                to={place('', { q: search })}
                icon="tag"
                label={name}
                count={count}
                current={messages && query.value === search}
              />
            )
          })}
        </div>
        <h2 class="nav-title">Tools</h2>
        <div class="nav">
          <NavLink
            to="refused"
            icon="spam"
            label="Refused"
            count={refusals.value.length}
            current={section.value === 'refused'}
          />
          <NavLink to="chaos" icon="bolt" label="Chaos" current={section.value === 'chaos'} />
          <NavLink to="connect" icon="terminal" label="Connect" current={section.value === 'connect'} />
          <a class="nav-item" href={`${root}api/`} target="_blank" rel="noopener">
            <Icon name="code" />
            <span class="cut">HTTP API</span>
          </a>
        </div>
      </nav>
    </>
  )
}

function Main(): JSX.Element {
  switch (section.value) {
    case 'refused':
      return <RefusalsPage />
    case 'chaos':
      return <ChaosPage />
    case 'connect':
      return <ConnectPage />
    default:
      return (
        <Split
          name="catcher"
          class={openId.value === null ? 'shows-list' : 'shows-message'}
          initial={400}
          first={<MessageList />}
          second={<MessageView />}
        />
      )
  }
}

export function CatcherPage(): JSX.Element {
  const side = useSignal(false)
  const scrolls = section.value !== 'messages'
  return (
    <div class="shell">
      <SkipLink to="main">To the messages</SkipLink>
      <Bar openSide={() => (side.value = true)} />
      <Side open={side.value} close={() => (side.value = false)} />
      <main id="main" class={`shell-main ${scrolls ? 'shell-main-scroll' : ''}`} tabIndex={-1}>
        <Main />
      </main>
    </div>
  )
}
