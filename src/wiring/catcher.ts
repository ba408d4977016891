// The catcher of a server that has a `catcher` listener: the account that holds what is caught, the delivery that goes by it, and the
// watch around its SMTP service.
import { Buffer } from 'node:buffer'
import { lookup } from 'node:dns/promises'
import { readFileSync } from 'node:fs'
import type { Clock } from '../base/clock.ts'
import type { HttpMount } from '../base/http-mount.ts'
import type { Random } from '../base/random.ts'
import { Catcher } from '../catcher/catcher.ts'
import type { Submit } from '../catcher/mailpit/send.ts'
import { mailpitSummary } from '../catcher/mailpit/shapes.ts'
import { Thumbnailer } from '../catcher/pictures/thumbnailer.ts'
import type { Config } from '../config/schema.ts'
import { isPublicAddress } from '../net/public-address.ts'
import type { Arrival, ArrivalRecipient, Delivery } from '../delivery/delivery.ts'
import type { Directory } from '../directory/directory.ts'
import type { Events } from '../events/event.ts'
import { formatAddress, tryAddress } from '../mail/address.ts'
import { formatReturnPath } from '../mail/received.ts'
import type { Network } from '../net/network.ts'
import { trySocketPath } from '../net/socket-file.ts'
import type { Searcher } from '../search/search.ts'
import type { Account, StagedBlob } from '../store/model.ts'
import type { Spool } from '../store/spool.ts'
import type { Store } from '../store/store.ts'
import type { Backend } from './backend.ts'
import type { SiteParts } from './http.ts'
import { makeResolver } from './surroundings.ts'
import type { WayIn } from './way-in.ts'

export interface CatcherSurroundings {
  readonly config: Config
  readonly store: Store
  readonly directory: Directory
  readonly clock: Clock
  readonly random: Random
  readonly events: Events
  readonly network: Network
  /** Null where none is kept, and as long as there is none yet. */
  readonly searcher: () => Searcher | null
  /** See `CatcherParts`. */
  readonly spool: Spool | null
}

export interface OpenedCatcher {
  readonly catcher: Catcher
  /** Makes a delivery one that also files a copy for the catcher, in the same commit. */
  readonly around: (delivery: Delivery) => Delivery
}

/** Rejects with `StoreUnavailable`. */
export async function openCatcher(parts: CatcherSurroundings): Promise<OpenedCatcher> {
  const { config, store, directory, clock, random, events, network, searcher, spool } = parts
  const { hostname } = config
  const name = `${config.catcher.account}@${hostname}`
  const address = tryAddress(name, { utf8: true })
  const resolution = address === undefined ? undefined : await directory.resolve(address)
  const account = resolution?.type === 'local' ? resolution.recipients[0]?.account : undefined
  if (account === undefined) throw new Error(`${name} is no account that the catcher could have`)
  const mailbox = await store.findMailbox({ account: account.id, name: 'INBOX' })
  if (mailbox === undefined) throw new Error(`the account ${name} has no INBOX`)
  const catcher = await Catcher.open({
    ...{ config: config.catcher, hostname, store, account, mailbox, clock, random, events, spool },
    dialer: network,
    resolver: () => makeResolver({ config, clock, random, events }, network),
    lookUp: async (host) => (await lookup(host, { all: true })).map((found) => found.address),
    searcher,
    httpFetch: fetch,
    isPublicAddress,
    thumbnailer: new Thumbnailer(clock),
    shown: mailpitSummary,
  })
  return { catcher, around: (delivery) => catching(catcher, delivery) }
}

function catching(catcher: Catcher, delivery: Delivery): Delivery {
  const { account } = catcher.parts
  const own: ArrivalRecipient = { account: account.id, deliveredTo: account.address }
  return {
    async deliver(arrival) {
      const trace = ownTrace(arrival)
      const capture = catcher.capture({
        traceSize: Buffer.byteLength(trace),
        ...{ id: arrival.id ?? catcher.parts.random.id(), reversePath: pathOf(arrival) },
        ...{ recipients: namesOf(arrival), structure: arrival.structure, receivedAt: arrival.receivedAt },
        header: await headerOf(catcher.parts, arrival),
        connection: arrival.connection ?? null,
        username: usernameOf(catcher, arrival),
      })
      if (capture === null) return { ok: true, unknown: [] }
      try {
        const recipients = arrival.recipients.filter((one) => one.account !== account.id)
        const result = await delivery.deliver({
          ...arrival,
          recipients: [own, ...recipients],
          trace: (recipient) => (recipient === own ? trace : arrival.trace(recipient)),
        })
        const places = result.ok ? (result.places ?? []) : []
        const mine = places.find((place) => place.account === account.id)
        if (mine === undefined) capture.failed()
        else {
          capture.kept(
            [mine.account, mine.mailbox, mine.uid],
            places
              .filter((place) => place !== mine)
              .map((place) => [place.account, place.mailbox, place.uid]),
          )
        }
        return result
      } catch (error) {
        capture.failed()
        throw error
      }
    },
  }
}

/** No Delivered-To: what is caught was delivered to its recipients. */
function ownTrace({ reversePath, trace }: Arrival): string {
  return `${formatReturnPath(reversePath)}${trace(null)}`
}

function pathOf({ reversePath }: Arrival): string {
  return reversePath === null ? '' : formatAddress(reversePath)
}

function namesOf({ recipients }: Arrival): string[] {
  return [...new Set(recipients.map(({ named, deliveredTo }) => named ?? deliveredTo))]
}

function usernameOf(catcher: Catcher, { connection, account, sender }: Arrival): string {
  if (connection !== undefined) return catcher.watch.session(connection)?.username ?? ''
  return account == null ? '' : (sender ?? '')
}

async function headerOf(
  { config, store }: Catcher['parts'],
  { message, structure }: Arrival,
): Promise<string> {
  const end = Math.min(structure.root.bodyStart, config.limits.headerSize)
  return (await octetsOf(store, message.blob, end)).toString('latin1')
}

async function octetsOf(store: Store, blob: StagedBlob, end: number): Promise<Buffer> {
  if (blob.type === 'inline')
    return Buffer.from(blob.bytes.buffer, blob.bytes.byteOffset, Math.min(end, blob.size))
  const pieces: Uint8Array[] = []
  for await (const piece of store.blobs.readStaged(blob, { start: 0, end })) pieces.push(piece)
  return Buffer.concat(pieces)
}

/** The catcher's HTTP side: Mailpit's API and our own. */
export async function catcherMounts(
  { catcher, wayIn, config, store, clock, random }: Backend,
  open: SiteParts['open'],
): Promise<HttpMount<Account>[]> {
  if (catcher === null) return []
  const [{ createMailpitMount }, { createCatcherMount }, { compose }, { sendRequest }] = await Promise.all([
    import('../catcher/mailpit/mount.ts'),
    import('../catcher/api/mount.ts'),
    import('../http/compose.ts'),
    import('../http/schema.ts'),
  ])
  const submit: Submit = async (message) => {
    const { from, to, cc, replyTo, subject, text, html, headers, attachments } = message
    const request = sendRequest.safeParse({
      ...{ from, to, cc, subject, headers, text },
      ...(replyTo.length > 0 && { replyTo }),
      ...(html !== '' && { html }),
      attachments: attachments.map(({ cid, ...one }) => ({ ...one, ...(cid !== null && { cid }) })),
    })
    if (!request.success)
      return { ok: false, error: request.error.issues.map(({ message: why }) => why).join('; ') }
    const content = compose(request.data, {
      now: clock.now(),
      messageId: `${random.id()}@${config.hostname}`,
      boundary: random.id(),
    })
    return submitted(wayIn, { content, reversePath: from.address, ...message })
  }
  return [
    createMailpitMount({
      catcher,
      submit,
      maxMessageSize: config.maxMessageSize,
      version: programVersion(),
      database: store.description,
    }),
    createCatcherMount({
      catcher,
      maxMessageSize: config.maxMessageSize,
      listeners: () =>
        open().map(({ service, address, port }) => ({ service, port, path: trySocketPath(address) ?? null })),
      ingest: (message) => submitted(wayIn, message),
    }),
  ]
}

async function submitted(
  { submitter }: WayIn,
  message: {
    readonly content: AsyncIterable<Uint8Array> | Iterable<Uint8Array>
    readonly reversePath: string
    readonly recipients: readonly string[]
    readonly remoteAddress: string
  },
): Promise<{ readonly ok: true; readonly id: string } | { readonly ok: false; readonly error: string }> {
  const { content, remoteAddress } = message
  const recipients = message.recipients.flatMap((one) => {
    const address = tryAddress(one, { utf8: true })
    return address === undefined ? [] : [{ address }]
  })
  const result = await submitter.submit({
    ...{ recipients, content, origin: 'api', account: null },
    reversePath: tryAddress(message.reversePath, { utf8: true }) ?? null,
    came: { protocol: 'HTTP', remoteAddress },
  })
  return result.ok ? { ok: true, id: result.id } : { ok: false, error: result.reply?.text ?? result.reason }
}

/** The version in package.json. */
function programVersion(): string {
  const manifest: unknown = JSON.parse(readFileSync(new URL('../../package.json', import.meta.url), 'utf8'))
  return typeof manifest === 'object' && manifest !== null && 'version' in manifest
    ? String(manifest.version)
    : ''
}
