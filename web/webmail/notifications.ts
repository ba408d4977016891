// New mail in the inbox, said aloud to screen readers and, where the user wants it, by the system: from this page while it is open, or by
// push when it is not.
import { formatList, plural } from '../shared/format.ts'
import type { JmapClient } from '../shared/jmap/client.ts'
import { readSetting, writeSetting } from '../shared/settings.ts'
import { announce } from '../shared/ui/live.tsx'
import { toast, toastError } from '../shared/ui/toast.tsx'
import type { Webmail } from './store/webmail.ts'
import { pushWorks, renewPush, subscribePush, unsubscribePush } from './web-push.ts'

type Notify = 'no' | 'page' | 'push'

/** What the user wants and the browser allows. */
export function notifyChoice(): Notify {
  if (!('Notification' in window) || Notification.permission !== 'granted') return 'no'
  const kept = readSetting('notify', 'no')
  return kept === 'push' ? 'push' : kept === 'yes' ? 'page' : 'no'
}

const settings: Readonly<Record<Notify, string>> = { no: 'no', page: 'yes', push: 'push' }

/** Asks the browser where it has to, and says what came of it. */
export async function chooseNotify(client: JmapClient, wanted: Notify): Promise<void> {
  try {
    await choose(client, wanted)
  } catch (error) {
    toastError(error, 'Not switched on')
  }
}

async function choose(client: JmapClient, wanted: Notify): Promise<void> {
  const before = notifyChoice()
  if (wanted !== 'no' && !(await isAllowed())) {
    throw new Error(
      'The browser does not allow notifications here. Allow them beside the address, then try again.',
    )
  }
  if (wanted === 'push') await subscribePush(client)
  writeSetting('notify', settings[wanted])
  if (before === 'push' && wanted !== 'push') await unsubscribePush(client)
  toast(
    {
      no: 'New mail is no longer announced on this device',
      page: 'New mail is announced while this page is open',
      push: 'New mail is announced on this device',
    }[wanted],
  )
}

async function isAllowed(): Promise<boolean> {
  return 'Notification' in window && (await Notification.requestPermission()) === 'granted'
}

export function startNotifications(webmail: Webmail): () => void {
  const { store, client } = webmail
  // Without a network, or where the push service is gone, the next page tries again.
  if (notifyChoice() === 'push' && pushWorks(client)) void renewPush(client).catch(() => undefined)
  const openFromWorker = ({ data }: MessageEvent<{ type: string; path: string } | null>): void => {
    if (data?.type === 'open') webmail.router.go(data.path)
  }
  if ('serviceWorker' in navigator) navigator.serviceWorker.addEventListener('message', openFromWorker)
  const stop = store.onChange(({ created }) => {
    const inbox = store.byRole('inbox')?.id ?? ''
    const fresh = created
      .flatMap((id) => store.emails.get(id) ?? [])
      .filter(({ mailboxIds, keywords }) => mailboxIds[inbox] === true && keywords['$seen'] !== true)
    const [first] = fresh
    if (first === undefined) return
    const senders = [...new Set(fresh.map(({ from }) => from?.[0]?.name ?? from?.[0]?.email ?? 'somebody'))]
    announce(`${plural(fresh.length, 'new message')} from ${formatList(senders.slice(0, 3))}`)
    if (notifyChoice() !== 'page' || document.visibilityState === 'visible') return
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
  return () => {
    stop()
    if ('serviceWorker' in navigator) navigator.serviceWorker.removeEventListener('message', openFromWorker)
  }
}
