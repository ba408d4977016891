// What a message takes from URLs (`href`, or a `path` that is one), fetched before it is written, since whoever lets users name an attachment
// lets them name a URL.
//
// Only http and https, to public addresses unless the program allows others; the address that is judged is the one that is connected to,
// and each redirect is judged anew. Number, the sum of sizes, time and redirects are bounded. What is not fetched here is refused by the
// writer.
import { Buffer } from 'node:buffer'
import { lookup } from 'node:dns/promises'
import { type IncomingMessage, request as httpRequest } from 'node:http'
import { request as httpsRequest } from 'node:https'
import type { DnsAnswer } from '../../base/resolver.ts'
import { guardedLookup, leadsInside } from '../../net/guarded-lookup.ts'
import { isPublicAddress } from '../../net/public-address.ts'
import { SmtpError } from './failure.ts'

/** Where content may come from. */
export interface RemoteAccess {
  readonly isAllowed: (address: string) => boolean
  /** Octets of all that one message takes from URLs. */
  readonly maxOctets: number
  /** Of one message: they are asked all at once. */
  readonly maxUrls: number
  /** For each. */
  readonly timeoutMilliseconds: number
}

/** What one message may take, and has taken. */
interface Fetching extends RemoteAccess {
  readonly taken: { octets: number; urls: number }
}

const maxRedirects = 5

export function remoteAccess({
  allowPrivateUrls = false,
}: {
  readonly allowPrivateUrls?: boolean
}): RemoteAccess {
  return {
    isAllowed: allowPrivateUrls ? () => true : isPublicAddress,
    maxOctets: 50 * 1024 * 1024,
    maxUrls: 100,
    timeoutMilliseconds: 30_000,
  }
}

type Fields = Readonly<Record<string, unknown>>

/** Values that are content themselves. */
const texts = ['text', 'html', 'watchHtml', 'amp', 'raw'] as const
/** Lists of parts, each with its content among other things. */
const lists = ['attachments', 'alternatives'] as const

/** The message with content where URLs were. Rejects with `SmtpError` (`EMESSAGE`). */
export async function withRemoteContent<T extends object>(mail: T, allowed: RemoteAccess): Promise<T> {
  const access: Fetching = { ...allowed, taken: { octets: 0, urls: 0 } }
  const given: Fields = Object.fromEntries(Object.entries(mail))
  const changed: Record<string, unknown> = {}
  for (const name of texts) {
    const url = urlOf(given[name])
    if (url !== null) changed[name] = await fetched(url, access)
  }
  const event = given['icalEvent']
  if (urlOf(event) !== null) changed['icalEvent'] = await withContent(event, access)
  for (const name of lists) {
    const parts = given[name]
    if (!Array.isArray(parts)) continue
    changed[name] = await Promise.all(parts.map((part: unknown) => withContent(part, access)))
  }
  return { ...mail, ...changed }
}

async function withContent(part: unknown, access: Fetching): Promise<unknown> {
  if (!isFields(part)) return part
  const raw = urlOf(part['raw'])
  if (raw !== null) return { ...part, raw: await fetched(raw, access) }
  const url = urlOf(part)
  if (url === null) return part
  const { href: _href, path: _path, httpHeaders: _headers, ...others } = part
  // As nodemailer names what it fetches.
  const named =
    others['filename'] === undefined
      ? { filename: url.place.split('/').pop()?.split('?')[0] || 'attachment' }
      : {}
  return { ...others, ...named, content: await fetched(url, access) }
}

interface Wanted {
  readonly place: string
  readonly headers: Readonly<Record<string, string>>
}

/** What of a value is to be fetched; null where it is none of this file's. */
function urlOf(value: unknown): Wanted | null {
  if (!isFields(value)) return null
  const { href, path, httpHeaders } = value
  const place = typeof href === 'string' && href !== '' ? href : path
  if (typeof place !== 'string' || /^data:/i.test(place)) return null
  if (place === path && !/^https?:\/\//i.test(place)) return null
  const headers = isFields(httpHeaders) ? Object.entries(httpHeaders) : []
  return { place, headers: Object.fromEntries(headers.map(([name, one]) => [name, String(one)])) }
}

function isFields(value: unknown): value is Fields {
  return typeof value === 'object' && value !== null && !(value instanceof Uint8Array)
}

async function fetched({ place, headers }: Wanted, access: Fetching): Promise<Buffer> {
  access.taken.urls++
  if (access.taken.urls > access.maxUrls)
    throw new SmtpError('EMESSAGE', `the message has more than ${access.maxUrls} URLs to fetch`)
  let url = parsed(place)
  let sent = headers
  const signal = AbortSignal.timeout(access.timeoutMilliseconds)
  for (let redirects = 0; ; redirects++) {
    const response = await ask(url, { headers: sent, access, signal })
    const { statusCode = 0 } = response
    const { location } = response.headers
    if (statusCode >= 200 && statusCode < 300) return bodyOf(response, url, access)
    response.destroy()
    if (statusCode < 300 || statusCode >= 400 || location === undefined || redirects === maxRedirects) {
      throw new SmtpError('EMESSAGE', `${shown(url)} answered ${statusCode}`)
    }
    const next = parsed(location, url)
    // What opens one host is not for another.
    if (next.origin !== url.origin) sent = {}
    url = next
  }
}

function parsed(place: string, base?: URL): URL {
  const url = URL.canParse(place, base) ? new URL(place, base) : null
  if (url === null || !/^https?:$/.test(url.protocol)) {
    throw new SmtpError(
      'EMESSAGE',
      `${JSON.stringify(url === null ? place : `${url.protocol}…`)} is no URL of http or https`,
    )
  }
  return url
}

/** Without what opens it (a password, what is signed behind `?`): errors come into logs. */
function shown({ origin, pathname }: URL): string {
  return `${origin}${pathname}`
}

interface Question {
  readonly headers: Readonly<Record<string, string>>
  readonly access: RemoteAccess
  readonly signal: AbortSignal
}

function ask(url: URL, { headers, access, signal }: Question): Promise<IncomingMessage> {
  const { isAllowed } = access
  const failed = (reason: string, cause?: unknown): SmtpError =>
    new SmtpError('EMESSAGE', `${shown(url)} cannot be fetched: ${reason}`, { cause })
  if (leadsInside(url, isAllowed)) return Promise.reject(failed('its address is not public'))
  return new Promise((resolve, reject) => {
    const send = url.protocol === 'https:' ? httpsRequest : httpRequest
    const asking = send(url, {
      // One connection each: none is kept that was judged for another URL.
      ...{ agent: false, headers: { ...headers, 'accept-encoding': 'identity' }, signal },
      lookup: guardedLookup({ resolver: systemResolver, isAllowed }),
    })
    asking.on('response', resolve)
    asking.on('error', (error) => reject(failed(error.message, error)))
    asking.end()
  })
}

async function bodyOf(response: IncomingMessage, url: URL, { maxOctets, taken }: Fetching): Promise<Buffer> {
  const chunks: Buffer[] = []
  try {
    for await (const chunk of response) {
      // A response without an encoding gives octets.
      const octets = chunk as Buffer
      taken.octets += octets.length
      // Together, as they will stand in one message.
      if (taken.octets > maxOctets) throw new Error(`the message would take more than ${maxOctets} octets`)
      chunks.push(octets)
    }
  } catch (error) {
    throw new SmtpError('EMESSAGE', `${shown(url)} cannot be fetched: ${String(error)}`, { cause: error })
  }
  return Buffer.concat(chunks)
}

const systemResolver = { a: addresses(4), aaaa: addresses(6) }

function addresses(family: 4 | 6) {
  return async (name: string): Promise<DnsAnswer<string>> => {
    try {
      const found = await lookup(name, { all: true, family })
      return { ok: true, records: found.map(({ address }) => address), authentic: false, ttl: 0 }
    } catch {
      return { ok: false, failure: 'nxdomain', authentic: false }
    }
  }
}
