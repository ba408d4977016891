// Thread/get (RFC 8621 §3.1).
import { encodeObjectId, tryObjectId } from '../../mail/object-id.ts'
import { mail } from '../proto/capabilities.ts'
import { MethodError } from '../proto/errors.ts'
import type { JsonObject } from '../proto/json.ts'
import type { MailAccess } from './mail-access.ts'
import type { MailView } from './mail-index/mail-view.ts'
import { formatPoint } from './mail-index/point.ts'
import type { Method } from './module.ts'
import { getMethod } from './standard-methods.ts'

export function threadGet(access: MailAccess): Method {
  return getMethod({
    ...{ type: 'Thread', capability: mail, properties: ['id', 'emailIds'], extra: {} },
    async load(call, { ids }) {
      const rights = await access.rights(call.place)
      const view = await access.view(rights)
      const state = formatPoint({ modSeq: view.last.thread, id: null }, rights.fingerprint)
      const { account } = rights
      const list: JsonObject[] = []
      if (ids !== null) {
        for (const text of ids) {
          const thread = tryObjectId('thread', account, text)
          const slot = thread === undefined ? -1 : view.index.threadSlotOf(thread)
          const object = slot === -1 ? undefined : threadObject(view, { account, slot })
          if (object !== undefined) list.push(object)
        }
        return { state, list }
      }
      const { maxObjectsInGet } = call.limits
      for (let slot = 0; slot < view.index.threads.length; slot++) {
        const object = threadObject(view, { account, slot })
        if (object === undefined) continue
        if (list.length === maxObjectsInGet) return new MethodError('requestTooLarge')
        list.push(object)
      }
      return { state, list }
    },
  })
}

/** Undefined where no email of it is there. */
function threadObject(
  view: MailView,
  { account, slot }: { account: number; slot: number },
): JsonObject | undefined {
  const { index } = view
  const emails = view.emailsOfThread(slot)
  if (emails.length === 0) return undefined
  return {
    id: encodeObjectId('thread', account, index.threads.array[slot] ?? 0),
    emailIds: emails.map((email) => encodeObjectId('email', account, index.emails.array[email] ?? 0)),
  }
}
