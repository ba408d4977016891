// GENURLAUTH, URLFETCH and RESETKEY (RFC 4467 §7, RFC 5524 §3).
import { encodeBody } from '../../proto/encode/body-structure.ts'
import { encodeString } from '../../proto/encode/strings.ts'
import { findPlace, placeFor } from '../access.ts'
import { accountOf, bad, no, ok } from '../context.ts'
import { LiteralBroken, withoutNul } from '../messages/message-bytes.ts'
import { openBinary } from '../messages/fetch-binary.ts'
import { sectionAt } from '../../../mail/mime/section.ts'
import { tryImapUrl } from '../../../mail/imap-url.ts'
import { UrlReader, urlKey, urlToken } from './url-reader.ts'
import type { CommandRun, Commands, Done } from '../context.ts'
import type { Part } from '../../../mail/mime/structure.ts'
import type { RequestOf } from '../../proto/commands/command.ts'
import type { UrlItem, UrlRequest } from '../../proto/requests/url.ts'
import type { UrlSource } from './url-reader.ts'

export const urlCommands: Commands<UrlRequest['name']> = {
  GENURLAUTH: generate,
  URLFETCH: fetchUrls,
  RESETKEY: resetKey,
}

/** RFC 4467 §7: an existing mailbox of the user in the URL, who is the one logged in, and a valid access identifier. */
async function generate(run: CommandRun, request: RequestOf<'GENURLAUTH'>): Promise<Done> {
  const urls: string[] = []
  for (const { url } of request.rumps) {
    const authorized = await authorize(run, url)
    if (typeof authorized !== 'string') return authorized
    urls.push(encodeString(authorized))
  }
  await run.output.text(`* GENURLAUTH ${urls.join(' ')}\r\n`)
  await run.output.end()
  return ok('GENURLAUTH completed')
}

async function authorize({ session }: CommandRun, text: string): Promise<string | Done> {
  const { account, parts } = session
  const url = tryImapUrl(text)
  if (url === undefined || url.server === null || url.mailbox === null)
    return bad('This is no URL of a message')
  if (url.authorization === null) return bad('The URL has no access identifier')
  if (url.authorization.token !== null) return bad('The URL has a token already')
  if (url.server.user === null) return bad('The URL does not say whose mailbox it is')
  const isOwn = url.server.user.toLowerCase() === account.address.toLowerCase()
  if (!isOwn || url.server.host !== parts.hostname.toLowerCase())
    return bad('The URL is not of your mailboxes')
  const place = await findPlace(session, url.mailbox)
  const key = place && (await urlKey(parts, account, place))
  if (key === undefined) return bad('There is no such mailbox')
  // RFC 4467 §5: nothing of the URL changes, and the mechanism and the token stand behind it.
  return `${text}:internal:${urlToken(url.authorization.rump, key)}`
}

async function fetchUrls(run: CommandRun, request: RequestOf<'URLFETCH'>): Promise<Done> {
  const { session, output } = run
  const { account, parts } = session
  // RFC 4467 §7 URLFETCH: not relative to what is selected.
  const reader = new UrlReader(parts, { account, selected: null, as: 'user' })
  await output.text('* URLFETCH')
  for (const { url, items } of request.urls) {
    await output.text(` ${encodeString(url)}`)
    const source = await reader.open(url)
    if (source === undefined) await output.text(' NIL')
    else await tell(run, source, items)
  }
  await output.text('\r\n')
  await output.end()
  return ok('URLFETCH completed')
}

async function tell(run: CommandRun, source: UrlSource, items: readonly UrlItem[]): Promise<void> {
  const { output } = run
  if (items.length === 0) {
    await output.text(' ')
    return tellOctets(run, asString(source))
  }
  const binary = items.includes('BINARY')
    ? await openBinary(source.message, ...binaryPart(source))
    : undefined
  // RFC 5524 §4: the structure first, as it is with the data decoded or not.
  if (items.includes('BODYPARTSTRUCTURE'))
    await output.text(` (BODYPARTSTRUCTURE ${structure(run, source, binary)})`)
  if (items.includes('BODY')) {
    await output.text(' (BODY ')
    await tellOctets(run, asString(source))
    await output.text(')')
  }
  if (!items.includes('BINARY')) return
  if (binary === undefined || binary.type === 'absent') {
    await output.text(' (BINARY NIL)')
    return
  }
  await output.text(` (BINARY ${binary.hasNul ? '~' : ''}`)
  await tellOctets(run, binary)
  await output.text(')')
}

function binaryPart({ item }: UrlSource): [readonly number[], { start: number; length: number } | null] {
  return [item.section.part, item.partial]
}

/** The part that the URL names, as BODYSTRUCTURE would show it; the message itself where it names no part. */
function structure(
  { session }: CommandRun,
  { message, item }: UrlSource,
  binary: Awaited<ReturnType<typeof openBinary>>,
): string {
  const part = sectionAt(message.structure, item.section.part)?.part ?? message.structure.root
  const decoded = binary !== undefined && binary.type !== 'absent'
  return encodeBody(decoded ? withoutEncoding(part, binary.size) : part, 'body', session.modes)
}

/** RFC 5524 §3.2: "this will show an identity encoding if BINARY is also requested". */
function withoutEncoding(part: Part, size: number): Part {
  return { ...part, encoding: 'binary', bodyEnd: part.bodyStart + size }
}

/** `nstring` of RFC 4467 §8, which has no NUL. */
function asString(source: UrlSource): Pick<UrlSource, 'size' | 'read'> {
  return {
    size: source.size,
    async *read() {
      for await (const chunk of source.read()) yield withoutNul(chunk)
    },
  }
}

async function tellOctets(
  { output }: CommandRun,
  source: { readonly size: number; read(): AsyncIterable<Uint8Array> },
): Promise<void> {
  await output.text(`{${source.size}}\r\n`)
  try {
    for await (const chunk of source.read()) {
      await output.bytes(chunk)
      if (output.gone) return
    }
  } catch (error) {
    throw new LiteralBroken('the octets of a literal could not be read', { cause: error })
  }
}

/** RFC 4467 §7: URLs that were made with the old keys are void. */
async function resetKey(run: CommandRun, { mailbox }: RequestOf<'RESETKEY'>): Promise<Done> {
  const { session } = run
  const { store } = session.parts
  const account = accountOf(run)
  if (mailbox === null) {
    await store.resetUrlKey({ account })
    return ok('All keys are removed')
  }
  const found = await placeFor(session, mailbox, 'l')
  if (found.place === null) return found.refusal
  if (found.place.account !== account) return no('NOPERM', 'Only the owner of a mailbox has keys for it')
  await store.resetUrlKey({ account, mailbox: found.place.mailbox.id })
  return ok('A new key is in force', { code: 'URLMECH INTERNAL' })
}
