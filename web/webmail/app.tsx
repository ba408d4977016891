// The frame of the page: bar, folders, list, what is read, what is written.
import type { JSX } from 'preact'
import { useEffect } from 'preact/hooks'
import { useSignalEffect } from '@preact/signals'
import { IconButton } from '../shared/ui/button.tsx'
import { Brand } from '../shared/ui/logo.tsx'
import { ProofHost } from '../shared/ui/proof.tsx'
import { SkipLink } from '../shared/ui/skip-link.tsx'
import { Split } from '../shared/ui/split.tsx'
import { ComposeDock } from './compose/compose-dock.tsx'
import { useWebmail } from './context.ts'
import { ConversationPane } from './list/conversation-pane.tsx'
import { startNotifications } from './notifications.ts'
import { ThreadPane } from './reading/thread-pane.tsx'
import { SearchBox } from './search-box.tsx'
import { Shortcuts } from './shortcuts.tsx'
import { Sidebar } from './sidebar.tsx'
import { UserMenu } from './user-menu.tsx'

export function App(): JSX.Element {
  const webmail = useWebmail()
  useSignalEffect(() => webmail.follow(webmail.place.value))
  useSignalEffect(() => {
    const inbox = webmail.store.byRole('inbox')
    const unread = inbox?.unreadEmails ?? 0
    document.title = unread > 0 ? `(${unread}) Mail` : 'Mail'
  })
  useEffect(() => {
    void webmail.contacts.load(webmail.store.byRole('sent')?.id)
    return startNotifications(webmail)
  }, [webmail])
  const reading = webmail.threadId.value !== null
  return (
    <div class={`shell webmail ${reading ? 'is-reading' : ''}`}>
      {reading ? <SkipLink to="thread">Skip to the message</SkipLink> : null}
      <SkipLink to="conversations">Skip to the messages</SkipLink>
      <header class="shell-bar">
        <IconButton
          class="only-phone"
          icon="menu"
          label="Folders"
          aria-expanded={webmail.sideOpen.value}
          onClick={() => (webmail.sideOpen.value = true)}
        />
        <span class="only-desktop webmail-brand">
          <Brand href="/mail/" />
        </span>
        <SearchBox />
        <UserMenu />
      </header>
      {webmail.sideOpen.value ? (
        <div class="shell-shade" onClick={() => (webmail.sideOpen.value = false)} />
      ) : null}
      <Sidebar />
      <main class="shell-main">
        {webmail.client.online.value ? null : (
          <p class="offline-note" role="status">
            Offline: what was read lately is still here.
          </p>
        )}
        <Split
          name="mail"
          initial={400}
          min={300}
          max={640}
          first={<ConversationPane />}
          second={<ThreadPane />}
        />
      </main>
      <ComposeDock />
      <Shortcuts />
      <ProofHost />
    </div>
  )
}
