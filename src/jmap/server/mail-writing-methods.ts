// The methods that change mail: of the capability `urn:ietf:params:jmap:mail` those that do not only read.
import type { Clock } from '../../base/clock.ts'
import { emailCopyMethod } from './email-copy.ts'
import { emailImportMethod } from './email-import.ts'
import { emailSetMethod } from './email-set.ts'
import type { MailAccess } from './mail-access.ts'
import { formatPoint } from './mail-index/point.ts'
import type { MailStates, MailWriteParts } from './mail-writing.ts'
import { mailboxSetMethod } from './mailbox-set.ts'
import { mailboxesNow, mailboxState } from './mailboxes/mailbox-methods.ts'
import type { Method } from './module.ts'

export function mailWritingMethods(parts: MailWriteParts): readonly Method[] {
  return [mailboxSetMethod(parts), emailSetMethod(parts), emailCopyMethod(parts), emailImportMethod(parts)]
}

/** As Email/get and Mailbox/get tell them. */
export function mailStates(access: MailAccess, clock: Pick<Clock, 'now'>): MailStates {
  return {
    async email(place) {
      const rights = await access.rights(place)
      const view = await access.view(rights)
      return formatPoint({ modSeq: view.last.email, id: null }, rights.fingerprint)
    },
    mailbox: async (place) => mailboxState(await mailboxesNow(access, { place, now: () => clock.now() })),
  }
}
