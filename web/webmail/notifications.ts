// New mail in the inbox, said aloud to screen readers and, where the user wants it, by the system.
import { formatList, plural } from '../shared/format.ts'
import { readSetting, writeSetting } from '../shared/settings.ts'
import { announce } from '../shared/ui/live.tsx'
import type { Webmail } from './store/webmail.ts'

export function notificationsAllowed(): boolean {
  return (
    'Notification' in window && Notification.permission === 'granted' && readSetting('notify', 'no') === 'yes'
  )
}

/** Switches them on or off; asks the browser where it has to. Resolves to whether they are on. */
export async function askNotifications(): Promise<boolean> {
  if (notificationsAllowed()) {
    writeSetting('notify', 'no')
    return false
  }
  if (!('Notification' in window)) return false
  const allowed = (await Notification.requestPermission()) === 'granted'
  writeSetting('notify', allowed ? 'yes' : 'no')
  return allowed
}

export function startNotifications(webmail: Webmail): () => void {
  const { store } = webmail
  return store.onChange((created) => {
    const inbox = store.byRole('inbox')?.id ?? ''
    const fresh = created
      .flatMap((id) => store.emails.get(id) ?? [])
      .filter(({ mailboxIds, keywords }) => mailboxIds[inbox] === true && keywords['$seen'] !== true)
    const [first] = fresh
    if (first === undefined) return
    const senders = [...new Set(fresh.map(({ from }) => from?.[0]?.name ?? from?.[0]?.email ?? 'somebody'))]
    announce(`${plural(fresh.length, 'new message')} from ${formatList(senders.slice(0, 3))}`)
    if (!notificationsAllowed() || document.visibilityState === 'visible') return
    const notification = new Notification(formatList(senders.slice(0, 3)), {
      body: fresh.length === 1 ? (first.subject ?? '') : plural(fresh.length, 'new message'),
      icon: '/icon.svg',
      tag: 'posthorn-mail',
    })
    notification.addEventListener('click', () => {
      focus()
      webmail.goTo({ kind: 'mailbox', mailboxId: inbox })
      webmail.open(first.threadId)
      notification.close()
    })
  })
}
