// Who is logged in, and what concerns the page as a whole.
import type { JSX } from 'preact'
import { api } from '../shared/api.ts'
import { helpOpen } from '../shared/keys.ts'
import { setTheme, theme } from '../shared/theme.ts'
import { Stamp } from '../shared/ui/badge.tsx'
import { Menu } from '../shared/ui/menu.tsx'
import { toast } from '../shared/ui/toast.tsx'
import { useWebmail } from './context.ts'
import { askNotifications, notificationsAllowed } from './notifications.ts'

export function UserMenu(): JSX.Element {
  const { client } = useWebmail()
  const name = client.session.username
  const logOut = async (): Promise<void> => {
    await api.delete('/api/v1/session')
    location.assign('/login')
  }
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
        {
          label: 'Notifications',
          icon: 'bell',
          checked: notificationsAllowed(),
          run: () =>
            void askNotifications().then((allowed) =>
              toast(
                allowed ? 'New mail is announced on this device' : 'The browser does not allow notifications',
              ),
            ),
        },
        'rule',
        { title: 'Colours' },
        { label: 'As the system', checked: theme.value === 'system', run: () => setTheme('system') },
        { label: 'Light', icon: 'sun', checked: theme.value === 'light', run: () => setTheme('light') },
        { label: 'Dark', icon: 'moon', checked: theme.value === 'dark', run: () => setTheme('dark') },
        'rule',
        { label: 'Log out', icon: 'logout', run: () => void logOut() },
      ]}
    />
  )
}
