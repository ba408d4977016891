// SearchSnippet/get (RFC 8621 §5.1).
import { bodyPieces } from '../../mail/search-text/texts.ts'
import { displayText } from '../../mail/encoded-word.ts'
import { partText } from '../../mail/mime/part-text.ts'
import { tryObjectId } from '../../mail/object-id.ts'
import { htmlText } from '../../mail/search-text/html-text.ts'
import type { SearchWord } from '../../mail/search-text/word-places.ts'
import type { EmailId } from '../../store/model.ts'
import { mail } from '../proto/capabilities.ts'
import { emailCondition, shownTexts } from '../proto/email-filter.ts'
import { MethodError } from '../proto/errors.ts'
import type { JsonObject } from '../proto/json.ts'
import { anything, idOrReference, listOf, nullable, record } from '../proto/shape.ts'
import { markedPart, markedText } from '../proto/snippet.ts'
import { accountId } from '../proto/standard.ts'
import { storedSource, type EmailSource } from './emails/email-source.ts'
import type { Searching } from './emails/email-results.ts'
import { accountMethod, type Method } from './module.ts'
import { filterReader, tooComplex } from './query-methods.ts'

const snippetArguments = record({
  accountId,
  filter: nullable(anything),
  emailIds: listOf(idOrReference),
})

const readFilter = filterReader(emailCondition)

export function searchSnippetGet({ access, limits }: Searching): Method {
  return accountMethod({
    name: 'SearchSnippet/get',
    capability: mail,
    access: 'read',
    shape: snippetArguments,
    async run(call, { filter: given, emailIds }) {
      const filter = readFilter(given)
      if (filter instanceof MethodError) return filter
      const tooMuch = tooComplex(call, { filter, sort: [] })
      if (tooMuch !== null) return tooMuch
      if (emailIds.length > call.limits.maxObjectsInGet) return new MethodError('requestTooLarge')
      const rights = await access.rights(call.place)
      const { account } = rights
      const view = await access.view(rights)
      const words = shownTexts(filter)
      const emails = new Map<EmailId, string>()
      const notFound: string[] = []
      for (const text of new Set(emailIds)) {
        const id = call.createdIds.resolve(text) ?? text
        const email = tryObjectId('email', account, id)
        // Numbers of emails that are there.
        if (email === undefined || view.find(email) === -1) notFound.push(text)
        else emails.set(email as EmailId, id)
      }
      const list = new Map<string, JsonObject>()
      const request = { account, emails: [...emails.keys()], data: words.body.length > 0 }
      for await (const texts of access.store.emailTexts(request)) {
        for (const text of texts) {
          const emailId = emails.get(text.email) ?? ''
          const source = storedSource(access.store.blobs, account, text)
          const subject = displayText(source.structure.envelope.subject ?? '')
          const preview = words.body.length === 0 ? null : await previewOf(source, words.body, limits.text)
          list.set(emailId, { emailId, subject: markedText(subject, words.subject), preview })
        }
      }
      return {
        arguments: {
          accountId: call.place.id,
          list: Array.from(emails.values(), (id) => list.get(id)).filter((one) => one !== undefined),
          notFound: notFound.length === 0 ? null : notFound,
        },
      }
    },
  })
}

/** Of the first text part in which a word is found. */
async function previewOf(
  source: EmailSource,
  words: readonly SearchWord[],
  most: number,
): Promise<string | null> {
  let left = most
  for (const { what, start, end, part } of bodyPieces(source.structure.root)) {
    if (what !== 'text' || left <= 0) continue
    const octets = await source.read(start, Math.min(end, start + left))
    left -= octets.length
    const text = partText(part, octets)
    const preview = markedPart(part.subtype === 'html' ? htmlText(text) : text, words)
    if (preview !== null) return preview
  }
  return null
}
