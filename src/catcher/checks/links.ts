// Whether the links of a message lead somewhere. Whoever writes a message chooses what is asked here, so a link is followed only to public
// addresses (unless the configuration allows others), one step at a time, each step judged anew; the connection goes to the very address
// that was judged, so that no name can lead elsewhere in between. Nothing of an answer is read but its status.
import { Parser } from 'htmlparser2'
import * as http from 'node:http'
import * as https from 'node:https'
import type { Clock } from '../../base/clock.ts'
import { tryIpOctets } from '../../base/ip-address.ts'
import type { CatcherConfig } from '../../config/sections/catcher.ts'
import { errorText } from '../../events/error-text.ts'
import { textLinks } from '../../mail/text-links.ts'

export interface LinkResult {
  readonly url: string
  readonly ok: boolean
  /** 0 where there was no answer. */
  readonly statusCode: number
  /** `OK`, `Moved Permanently`, or why there is none. */
  readonly status: string
  /** Where redirects led to in the end; the URL itself where there were none. */
  readonly finalUrl: string
}

export interface LinkCheckOptions {
  readonly config: CatcherConfig['links']
  readonly clock: Clock
  readonly lookUp: (host: string) => Promise<readonly string[]>
  readonly isPublic: (address: string) => boolean
  readonly redirects: 'follow' | 'tell'
  readonly signal: AbortSignal
}

/** Links of the text that are looked at: what is longer is no URL that somebody wrote. */
const longestUrl = 2_000

/** http and https links, images and style sheets of the HTML, and links in the text; each once, in order. */
export function linksOf(html: string, text: string): string[] {
  const found = new Set<string>()
  const add = (link: string | undefined): void => {
    const url = link?.trim() ?? ''
    if (/^https?:\/\//i.test(url) && url.length <= longestUrl && URL.canParse(url)) found.add(url)
  }
  const parser = new Parser(
    {
      onopentag(name, attributes) {
        if (name === 'a' || name === 'area' || name === 'link') add(attributes['href'])
        if (name === 'img' || name === 'source') add(attributes['src'])
        add(attributes['background'])
      },
    },
    { decodeEntities: true },
  )
  parser.write(html)
  parser.end()
  for (const link of textLinks(text)) add(link)
  return [...found]
}

export async function checkLinks(links: readonly string[], options: LinkCheckOptions): Promise<LinkResult[]> {
  const asked = links.slice(0, options.config.most)
  const results: LinkResult[] = []
  const pace = new HostPace(options)
  let next = 0
  const work = async (): Promise<void> => {
    for (let at = next++; at < asked.length; at = next++) {
      const url = asked[at] ?? ''
      results[at] = options.signal.aborted
        ? failure(url, 'cancelled')
        : await checkLink(url, { ...options, pace })
    }
  }
  await Promise.all(Array.from({ length: Math.min(options.config.atOnce, asked.length) }, work))
  return results
}

async function checkLink(
  url: string,
  options: LinkCheckOptions & { readonly pace: HostPace },
): Promise<LinkResult> {
  let current = url
  for (let hops = 0; ; hops++) {
    const answer = await ask(current, options)
    if (typeof answer === 'string') return { ...failure(url, answer), finalUrl: current }
    const { statusCode, location } = answer
    const redirected = statusCode >= 300 && statusCode < 400 && location !== null
    if (!redirected || options.redirects === 'tell') {
      const status = http.STATUS_CODES[statusCode] ?? ''
      return { url, ok: statusCode < 400, statusCode, status, finalUrl: current }
    }
    if (hops >= options.config.redirects) return { ...failure(url, 'too many redirects'), finalUrl: current }
    if (!URL.canParse(location, current))
      return { ...failure(url, 'redirected to no URL'), finalUrl: current }
    current = new URL(location, current).href
  }
}

function failure(url: string, status: string): LinkResult {
  return { url, ok: false, statusCode: 0, status, finalUrl: url }
}

interface Answer {
  readonly statusCode: number
  readonly location: string | null
}

/** HEAD; and GET where the host does not care for HEAD. */
async function ask(
  url: string,
  options: LinkCheckOptions & { readonly pace: HostPace },
): Promise<Answer | string> {
  const parsed = new URL(url)
  if (parsed.protocol !== 'http:' && parsed.protocol !== 'https:') return 'neither http nor https'
  if (parsed.username !== '' || parsed.password !== '') return 'URLs with credentials are not followed'
  const address = await judged(parsed.hostname, options)
  if (address.problem !== null) return address.problem
  for (const method of ['HEAD', 'GET'] as const) {
    await options.pace.turn(parsed.host)
    const answer = await request(parsed, { method, address: address.ip, ...options })
    if (typeof answer === 'string' || method === 'GET') return answer
    if (answer.statusCode < 400 || answer.statusCode === 404 || answer.statusCode === 410) return answer
  }
  return 'no answer'
}

/** The address to connect to, of those that the name has; all of them must be allowed. */
async function judged(
  hostname: string,
  options: LinkCheckOptions,
): Promise<{ readonly ip: string; readonly problem: null } | { readonly problem: string }> {
  const { config, lookUp, isPublic } = options
  const bare = hostname.replace(/^\[(.*)\]$/, '$1')
  try {
    const addresses = tryIpOctets(bare) === undefined ? await inTime(lookUp(bare), options) : [bare]
    const [first] = addresses
    if (first === undefined) return { problem: 'the name has no address' }
    if (config.private === 'refused' && !addresses.every((one) => isPublic(one))) {
      return { problem: 'leads to a private address, which is not asked' }
    }
    return { ip: first, problem: null }
  } catch (error) {
    return { problem: errorText(error) }
  }
}

/** The system's resolver takes as long as it likes. */
async function inTime<T>(work: Promise<T>, { clock, config }: LinkCheckOptions): Promise<T> {
  const late = Promise.withResolvers<never>()
  const timer = clock.after(config.timeout, () => late.reject(new Error('the name was not found in time')))
  try {
    return await Promise.race([work, late.promise])
  } finally {
    timer.cancel()
  }
}

function request(
  url: URL,
  options: LinkCheckOptions & { readonly method: 'HEAD' | 'GET'; readonly address: string },
): Promise<Answer | string> {
  const { method, address, config, clock, signal } = options
  return new Promise((resolve) => {
    const over = new AbortController()
    const timer = clock.after(config.timeout, () => finish('timed out'))
    const cancelled = (): void => finish('cancelled')
    const finish = (answer: Answer | string): void => {
      timer.cancel()
      signal.removeEventListener('abort', cancelled)
      resolve(answer)
      over.abort()
    }
    signal.addEventListener('abort', cancelled, { once: true })
    const make = url.protocol === 'https:' ? https.request : http.request
    const asking = make(
      url,
      {
        ...{ method, agent: false, signal: over.signal },
        headers: { 'user-agent': 'Posthorn-Catcher', accept: '*/*' },
        // The address that was judged, and no other.
        lookup: (_host, wanted, done) => {
          const family = address.includes(':') ? 6 : 4
          if (typeof wanted === 'object' && wanted.all === true) done(null, [{ address, family }])
          else done(null, address, family)
        },
      },
      (response) => {
        const { statusCode = 0, headers } = response
        response.destroy()
        finish({ statusCode, location: headers.location ?? null })
      },
    )
    asking.on('error', (error) => finish(errorText(error)))
    asking.end()
  })
}

/** Keeps a little time between two requests to one host. */
class HostPace {
  readonly #options: LinkCheckOptions
  readonly #next = new Map<string, number>()

  constructor(options: LinkCheckOptions) {
    this.#options = options
  }

  async turn(host: string): Promise<void> {
    const { clock, config, signal } = this.#options
    const now = clock.monotonic()
    const at = Math.max(now, this.#next.get(host) ?? now)
    this.#next.set(host, at + config.perHost)
    if (at > now) await clock.sleep(at - now, signal).catch(() => undefined)
  }
}
