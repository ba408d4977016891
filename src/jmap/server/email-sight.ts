// Where an email is, for those who have its blobId: as the mail of its account is seen by who asks.
import { encodeObjectId } from '../../mail/object-id.ts'
import type { EmailSight } from './blob-access.ts'
import type { MailAccess } from './mail-access.ts'

export function createEmailSight(access: MailAccess): EmailSight {
  return {
    async find(place, email) {
      const view = await access.view(await access.rights(place))
      const slot = view.find(email)
      if (slot === -1) return undefined
      const { index } = view
      const account = place.account.id
      const thread = index.threads.array[index.threadOf.array[slot] ?? 0] ?? 0
      return {
        threadId: encodeObjectId('thread', account, thread),
        mailboxIds: view
          .mailboxesOf(slot)
          .map((number) => encodeObjectId('mailbox', account, index.mailboxes[number] ?? 0)),
      }
    },
  }
}
