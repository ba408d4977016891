// URLs for whoever submits (RFC 4468 §3.3): "submit+" ones of others, and plain ones of the account's own mailboxes.
import { UrlReader } from './url-reader.ts'
import type { Account } from '../../../store/model.ts'
import type { UrlParts } from './parts.ts'
import type { UrlSource } from './url-reader.ts'

export function createUrlSources(parts: UrlParts): {
  open(request: { account: Account; url: string }): Promise<UrlSource | undefined>
} {
  return {
    open: ({ account, url }) => new UrlReader(parts, { account, selected: null, as: 'submission' }).open(url),
  }
}
