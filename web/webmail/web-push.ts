// Notifications while no page is open: the browser's push service wakes the worker (`worker/sw.ts`) with what the server sends it (RFC 8620
// §7.2, RFC 8291). The server's subscription belongs to this log-in and ends with it.
import { checkSet, JmapError, type JmapClient } from '../shared/jmap/client.ts'
import type { GetResponse, Id, SetResponse } from '../shared/jmap/types.ts'
import { readSetting, writeSetting } from '../shared/settings.ts'

interface Subscription {
  readonly id: Id
  readonly deviceClientId: string
}

// They are no account's: RFC 8620 §7.2.1 knows no `accountId`.
const ofNobody = { accountId: undefined }

function serverKey(client: JmapClient): string | null {
  const key = client.session.capabilities['urn:ietf:params:jmap:webpush-vapid']?.['applicationServerKey']
  return typeof key === 'string' ? key : null
}

export function pushWorks(client: JmapClient): boolean {
  return 'serviceWorker' in navigator && 'PushManager' in window && serverKey(client) !== null
}

function deviceId(): string {
  const known = readSetting('device', '')
  if (known !== '') return known
  const made = crypto.randomUUID()
  writeSetting('device', made)
  return made
}

async function ownSubscriptions(client: JmapClient): Promise<Id[]> {
  const { list } = await client.call<GetResponse<Subscription>>('PushSubscription/get', {
    ...ofNobody,
    ids: null,
  })
  return list.filter(({ deviceClientId }) => deviceClientId === deviceId()).map(({ id }) => id)
}

/** Why the browser did not, and what to do. */
function reasonOf(error: unknown): Error {
  const name = error instanceof DOMException ? error.name : ''
  if (name === 'NotAllowedError') {
    return new Error(
      'The browser does not allow notifications here. Allow them beside the address, then try again.',
    )
  }
  if (name === 'AbortError' || name === 'NotSupportedError') {
    return new Error(
      'The browser reaches no push service. Allow push messages in its settings, or leave this page open to hear of mail.',
    )
  }
  return error instanceof Error ? error : new Error(String(error))
}

async function subscribeBrowser(key: string): Promise<PushSubscription> {
  const { pushManager } = await navigator.serviceWorker.ready
  const options = { userVisibleOnly: true, applicationServerKey: key }
  try {
    return await pushManager.subscribe(options)
  } catch (error) {
    if (!(error instanceof DOMException && error.name === 'InvalidStateError')) throw reasonOf(error)
    // The server has another key than when the browser subscribed.
    await (await pushManager.getSubscription())?.unsubscribe()
    return pushManager.subscribe(options).catch((again: unknown) => Promise.reject(reasonOf(again)))
  }
}

/** Throws what to do where it cannot be had. */
export async function subscribePush(client: JmapClient): Promise<void> {
  const key = serverKey(client)
  if (key === null) throw new Error('This server does not push.')
  const { endpoint, keys } = (await subscribeBrowser(key)).toJSON()
  const { p256dh, auth } = keys ?? {}
  if (endpoint === undefined || p256dh === undefined || auth === undefined) {
    throw new Error('The browser gave no keys to push with. Update it, then try again.')
  }
  const done = await client.call<SetResponse>('PushSubscription/set', {
    ...ofNobody,
    destroy: await ownSubscriptions(client),
    create: {
      own: { deviceClientId: deviceId(), url: endpoint, keys: { p256dh, auth }, types: ['EmailDelivery'] },
    },
  })
  try {
    checkSet(done)
  } catch (error) {
    await unsubscribeBrowser()
    throw error instanceof JmapError && error.type === 'overQuota'
      ? new Error('Too many devices hear of your mail. End a session you no longer use, then try again.')
      : error
  }
}

async function unsubscribeBrowser(): Promise<void> {
  const registration = await navigator.serviceWorker.getRegistration('/mail/')
  await (await registration?.pushManager.getSubscription())?.unsubscribe()
}

export async function unsubscribePush(client: JmapClient): Promise<void> {
  await unsubscribeBrowser()
  const destroy = await ownSubscriptions(client)
  if (destroy.length > 0) await client.call<SetResponse>('PushSubscription/set', { ...ofNobody, destroy })
}

/** After another log-in, or when the browser has dropped its own: what the user wanted is set up again. */
export async function renewPush(client: JmapClient): Promise<void> {
  const { pushManager } = await navigator.serviceWorker.ready
  const kept = await pushManager.getSubscription()
  if (kept === null || (await ownSubscriptions(client)).length === 0) await subscribePush(client)
}
