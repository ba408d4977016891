// Who is logged in, and what concerns the page as a whole.
import type { JSX } from 'preact'
import { helpOpen } from '../shared/keys.ts'
import { logOut } from '../shared/log-out.ts'
import { setTheme, theme } from '../shared/theme.ts'
import { Stamp } from '../shared/ui/badge.tsx'
import { Menu, type MenuEntry } from '../shared/ui/menu.tsx'
import type { JmapClient } from '../shared/jmap/client.ts'
import { useWebmail } from './context.ts'
import { chooseNotify, notifyChoice } from './notifications.ts'
import { pushWorks } from './web-push.ts'

function notifyEntries(client: JmapClient): MenuEntry[] {
  const chosen = notifyChoice()
  const choices = [
    { label: 'Never', wanted: 'no' },
    { label: 'While this page is open', wanted: 'page' },
    ...(pushWorks(client) ? ([{ label: 'Always', wanted: 'push' }] as const) : []),
  ] as const
  return choices.map(({ wanted, ...entry }) => ({
    ...entry,
    checked: chosen === wanted,
    run: () => void chooseNotify(client, wanted),
  }))
}

export function UserMenu(): JSX.Element {
  const { client } = useWebmail()
  const name = client.session.username
  return (
    <Menu
      label="Account"
      align="end"
      trigger={(attributes) => (
        <button type="button" class="user-button" aria-label={`Account ${name}`} {...attributes}>
          <Stamp name={name} email={name} size={34} />
        </button>
      )}
      entries={() => [
        { title: name },
        { label: 'Settings', icon: 'settings', run: () => location.assign('/account/') },
        { label: 'Keys', icon: 'help', shortcut: '?', run: () => (helpOpen.value = true) },
        'rule',
        { title: 'Announce new mail' },
        ...notifyEntries(client),
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
