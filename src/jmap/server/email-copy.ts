// Email/copy (RFC 8621 §4.7): an Email of one account again in another one, with the same octets. Two copies of one Email are two Emails.
import { mail } from '../proto/capabilities.ts'
import { utcDate } from '../proto/date.ts'
import { invalidProperties, SetError } from '../proto/errors.ts'
import { memberOf, type JsonObject } from '../proto/json.ts'
import { Wrong } from '../proto/shape.ts'
import { Faults } from './email-body.ts'
import { additionError, describeAdded, readKeywords } from './email-create.ts'
import { rightsToSet, type StoredKeywords, tryStoredKeywords } from './email-keywords.ts'
import type { MailRights } from './mail-access.ts'
import {
  type MailWriteParts,
  noteCreated,
  readMailboxIds,
  refusalToEnter,
  tryEmailNumber,
} from './mail-writing.ts'
import type { AccountCall, AccountPlace, Method } from './module.ts'
import { copyMethod } from './copy-method.ts'
import { writing } from './state-guard.ts'
import type { EmailId } from '../../store/model.ts'

export function emailCopyMethod(parts: MailWriteParts): Method {
  return copyMethod({
    type: 'Email',
    capability: mail,
    extra: {},
    state: (place) => parts.states.email(place),
    async apply(call, { from, create }, done) {
      const source = await parts.access.rights(from)
      const target = await parts.access.rights(call.place)
      for (const [creationId, object] of create) {
        const original = await findOriginal(parts, { from, rights: source, object })
        const made =
          original === undefined
            ? new SetError('notFound')
            : await copyOne(parts, call, { object, original, from, rights: target })
        if (made instanceof SetError) done.notCreated.set(creationId, made)
        else {
          noteCreated(call, creationId, made)
          done.created.set(creationId, made)
        }
      }
    },
  })
}

interface Original {
  readonly email: EmailId
  readonly keywords: StoredKeywords
}

async function findOriginal(
  { access }: MailWriteParts,
  where: { readonly from: AccountPlace; readonly rights: MailRights; readonly object: JsonObject },
): Promise<Original | undefined> {
  const id = memberOf(where.object, 'id')
  const email = typeof id === 'string' ? tryEmailNumber(where.from, id) : undefined
  if (email === undefined) return undefined
  const view = await access.view(where.rights)
  const slot = view.find(email)
  if (slot === -1) return undefined
  return { email, keywords: tryStoredKeywords(view.keywordsOf(slot)) ?? { flags: 0, keywords: [] } }
}

/** RFC 8621 §4.7: "only the "mailboxIds", "keywords", and "receivedAt" properties may be set during the copy". */
const properties = new Set(['id', 'mailboxIds', 'keywords', 'receivedAt'])

async function copyOne(
  parts: MailWriteParts,
  call: AccountCall,
  copying: {
    readonly object: JsonObject
    readonly original: Original
    readonly from: AccountPlace
    readonly rights: MailRights
  },
): Promise<JsonObject | SetError> {
  const { object, original, from, rights } = copying
  const faults = new Faults()
  for (const name of Object.keys(object)) if (!properties.has(name)) faults.add(name)
  // The original's are of the other account.
  const mailboxes = readMailboxIds(call, memberOf(object, 'mailboxIds'))
  if (mailboxes instanceof SetError) faults.add('mailboxIds', mailboxes.description ?? 'is wrong')
  const keywords = Object.hasOwn(object, 'keywords') ? readKeywords(object, faults) : original.keywords
  const given = memberOf(object, 'receivedAt')
  const receivedAt = given === undefined ? null : utcDate(given)
  if (receivedAt instanceof Wrong) faults.add('receivedAt', receivedAt.description)
  if (faults.properties.length > 0 || mailboxes instanceof SetError || receivedAt instanceof Wrong) {
    return invalidProperties(faults.properties, faults.description)
  }
  const refusal = refusalToEnter(rights, mailboxes, rightsToSet(keywords))
  if (refusal !== null) return refusal
  const added = await writing(call, parts.store).addEmail({
    account: call.place.account.id,
    source: { type: 'email', account: from.account.id, email: original.email },
    ...{ mailboxes: [...mailboxes], flags: keywords.flags, keywords: keywords.keywords.join(' ') },
    ...{ receivedAt, now: call.now() },
  })
  return added.ok ? describeAdded(call.place, added) : additionError(added.reason)
}
