// JMAP of a server: made when a client first asks, or at the start where push subscriptions are kept, since those are told whether anybody
// is connected or not.
import type { Resolver } from '../base/resolver.ts'
import type { Config } from '../config/schema.ts'
import { pushKind } from '../directory/push-credentials.ts'
import { isPublicAddress } from '../net/public-address.ts'
import type { BlobAccess } from '../jmap/server/blob-access.ts'
import type { MailAccess } from '../jmap/server/mail-access.ts'
import type { JmapModule } from '../jmap/server/module.ts'
import type { Jmap, JmapMountParts } from '../jmap/server/mount.ts'
import { ingest } from '../store/ingest.ts'
import type { Backend } from './backend.ts'

export interface JmapParts {
  readonly backend: Backend
  /** By which push services are found. */
  readonly resolver: Resolver
}

export interface JmapHolder extends AsyncDisposable {
  /** The one of this server. */
  open(): Promise<Jmap>
  /** Takes up pushing where there is anybody to push to. Rejects where the store cannot serve. */
  resume(): Promise<void>
}

/** Where the Session is, for those who come by IMAP (RFC 9698 §4); `pages` as `pagesOrigin` has it. */
export function jmapUrlOf(pages: string | null): string | null {
  return pages === null ? null : `${pages}/jmap/session`
}

export function holdJmap(parts: JmapParts): JmapHolder {
  let made: Promise<Jmap> | null = null
  const closing = new AsyncDisposableStack()
  const open = (): Promise<Jmap> => {
    made ??= makeJmap(parts, closing)
    return made
  }
  return {
    open,
    async resume() {
      const accounts = await parts.backend.store.accountsWithObjects(pushKind)
      if (accounts.length > 0) await (await open()).startPushing()
    },
    [Symbol.asyncDispose]: async () => {
      // What is being made is closed when it is there.
      await made?.catch(() => undefined)
      await closing.disposeAsync()
    },
  }
}

async function makeJmap(parts: JmapParts, closing: AsyncDisposableStack): Promise<Jmap> {
  const { backend } = parts
  const { config, store, clock, random, events } = backend
  const [{ createJmap }, { MailAccess }, { createEmailSight }, modules, push] = await Promise.all([
    import('../jmap/server/mount.ts'),
    import('../jmap/server/mail-access.ts'),
    import('../jmap/server/email-sight.ts'),
    loadModules(backend),
    pushParts(parts),
  ])
  const access = new MailAccess({ store, memory: config.jmap.mailIndexMemory, now: () => clock.now() })
  closing.defer(() => access.close())
  return closing.use(
    createJmap({
      ...{ store, clock, random, events, config: config.jmap, push },
      authentication: { resolver: parts.resolver, hostname: config.hostname },
      sight: createEmailSight(access),
      modules: (blobs) => modules(access, blobs),
    }),
  )
}

/** What makes the modules of mail, submission and vacation responses. */
async function loadModules({
  config,
  store,
  clock,
  random,
  directory,
  wayIn,
  search,
}: Backend): Promise<(access: MailAccess, blobs: BlobAccess) => readonly JmapModule[]> {
  const [{ createMailModule }, { createSubmissionModule }, { createVacationModule }] = await Promise.all([
    import('../jmap/server/mail-module.ts'),
    import('../jmap/server/submission.ts'),
    import('../jmap/server/vacation.ts'),
  ])
  return (access, blobs) => [
    createMailModule({
      ...{ store, access, blobs, random, clock, hostname: config.hostname },
      searcher: search.searcher,
      // Mail is the same by IMAP and by JMAP, and so is what of it is looked at and taken.
      searched: { header: config.imap.headerText, text: config.imap.searchText },
      searchRounds: config.jmap.searchRounds,
      maxMessageSize: config.imap.appendSize,
      stage: () => ingest({ blobs: store.blobs, limits: config.mime }),
      limits: {
        maxAttachmentsSize: attachmentsSize(config),
        maxMailboxName: config.imap.mailboxName,
        maxMailboxDepth: config.imap.mailboxLevels,
        maxMailboxPath: config.imap.mailboxName,
      },
    }),
    createSubmissionModule({
      ...{ store, access, random, clock, directory, submitter: wayIn.submitter },
      ...{ config: config.submission, maxRecipients: config.smtp.maxRecipients },
      maxMessageSize: config.maxMessageSize,
      webhooks: config.webhooks.length > 0 ? 'on' : 'off',
    }),
    createVacationModule({ store, clock }),
  ]
}

async function pushParts({ backend, resolver }: JmapParts): Promise<JmapMountParts['push']> {
  const { config, clock, secret } = backend
  const { pushToLoopback } = config.jmap
  const [{ createPushRequest }, { vapidKeysOf }] = await Promise.all([
    import('../jmap/server/push-request.ts'),
    import('../jmap/server/vapid.ts'),
  ])
  return {
    request: createPushRequest({
      ...{ resolver, clock },
      isAllowed: (address) => pushToLoopback || isPublicAddress(address),
    }),
    vapid: vapidKeysOf(secret),
    subject: `mailto:postmaster@${config.hostname}`,
  }
}

/** No more than a message that may be sent holds in Base64: lines of 57 octets are 76 characters and a line end (RFC 2045 §6.8). */
function attachmentsSize({ jmap, maxMessageSize }: Config): number {
  const sent = maxMessageSize === 0 ? Number.POSITIVE_INFINITY : Math.floor((maxMessageSize * 57) / 78)
  return Math.min(jmap.maxSizeAttachmentsPerEmail, sent)
}
