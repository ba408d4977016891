// Push subscriptions (RFC 8620 §7.2) are tied to the credentials that made them: "Should these credentials expire or be revoked, the push
// subscription MUST be destroyed". They are objects of the account whose JSON names the credential:
//
//   session 12        a session of the pages, until it ends
//   app-password 12   an app password, until it is revoked or over
//   password, token   the account's own; those of the password go when it is changed
import type { HttpCaller } from '../base/http-mount.ts'
import type { AccountId, ObjectId } from '../store/model.ts'
import type { ObjectStore } from '../store/objects.ts'
import type { DirectoryStore } from '../store/store.ts'

/** The kind of these objects. */
export const pushKind = 'push'

/** What stands for the credentials of a caller. */
export function credentialOf({ via, sessionId, appPasswordId }: HttpCaller): string {
  if (sessionId !== null) return `session ${sessionId}`
  return appPasswordId === null ? via : `app-password ${appPasswordId}`
}

/** Whether they still open the account. */
export async function credentialHolds(
  store: ObjectStore & Pick<DirectoryStore, 'getAccount'>,
  {
    account,
    credential,
    now,
  }: { readonly account: AccountId; readonly credential: string; readonly now: number },
): Promise<boolean> {
  if ((await store.getAccount(account))?.state !== 'active') return false
  const [, kept, id] = /^(session|app-password) (\d{1,15})$/.exec(credential) ?? []
  if (id === undefined) return true
  const kind = kept === 'session' ? 'web-session' : 'app-password'
  const found = await store.getObjects({ account, kind, ids: [Number(id) as ObjectId], now })
  return found.length > 0
}

/** Those that the account's own password made go with it. */
export async function endPushesOfPassword(
  store: ObjectStore,
  { account, now }: { readonly account: AccountId; readonly now: number },
): Promise<void> {
  for (const { id, value } of await store.listObjects({ account, kind: pushKind, now })) {
    // Written by `jmap/server/push-subscription.ts`.
    const { credential } = JSON.parse(value) as { readonly credential: string }
    // One that is gone by now needs no more.
    if (credential === 'password') await store.changeObjects({ account, kind: pushKind, destroy: [id], now })
  }
}
