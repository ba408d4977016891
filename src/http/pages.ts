// The web pages, as their build left them in `dist-web/`: served from memory, each under a policy that lets it load nothing from elsewhere
// and run nothing that stands in its text.
//
// - `assets/` holds files whose names are hashes of their text: they are kept for ever. All else is asked for again each time, by its hash.
// - A page has all paths below its own; what looks like a file and is none is 404.
// - Files of `frame/` show mail in a sandbox without an origin. `…-remote.html` may load pictures from anywhere: a reader asked for them.
// - Text is sent compressed to whoever takes it: as `x.js.br` or `x.js.gz` beside `x.js` has it, else compressed here, once.
import { createHash } from 'node:crypto'
import { readdir, readFile, stat } from 'node:fs/promises'
import { join, sep } from 'node:path'
import { promisify } from 'node:util'
import { brotliCompress, constants, gzip as gzipCompress } from 'node:zlib'
import type { HttpEnvironment, HttpMount } from '../base/http-mount.ts'
import type { Account } from '../store/model.ts'
import { makeProblem, problemResponse } from './problem.ts'

export interface PagesOptions {
  /** Where the build is. */
  readonly folder: string
  /** What stands before all paths; absent or '' for nothing. */
  readonly root?: string
  /** What `/` is: the catcher's own page, or the way to the webmail. */
  readonly home: 'catcher' | 'webmail'
  /** Seconds for which browsers shall ask by TLS alone (RFC 6797); 0 does not say so. */
  readonly strictTransport: number
  /** Where to go from a connection on which no credentials are taken: the port for TLS; null: nowhere, the pages are shown there too. */
  readonly securePort: number | null
}

interface PageFile {
  readonly type: string
  readonly etag: string
  readonly body: Uint8Array<ArrayBuffer>
  /** Made when first asked for; null where it gains nothing. */
  readonly br: () => Promise<Uint8Array<ArrayBuffer> | null>
  readonly gzip: () => Promise<Uint8Array<ArrayBuffer> | null>
}

/** Where the pages of this program are, in a clone and in the package alike. */
export const builtPages = join(import.meta.dirname, '..', '..', 'dist-web')

const types: Readonly<Record<string, string>> = {
  html: 'text/html; charset=utf-8',
  js: 'text/javascript; charset=utf-8',
  css: 'text/css; charset=utf-8',
  json: 'application/json',
  map: 'application/json',
  webmanifest: 'application/manifest+json',
  svg: 'image/svg+xml',
  png: 'image/png',
  ico: 'image/x-icon',
  webp: 'image/webp',
  woff2: 'font/woff2',
  txt: 'text/plain; charset=utf-8',
}

/** First words of paths, and the page that has all below them. */
const pagePaths: Readonly<Record<string, string>> = {
  mail: 'webmail',
  admin: 'admin',
  login: 'account',
  setup: 'account',
  account: 'account',
}

const ownPolicy = [
  "default-src 'none'",
  "script-src 'self'",
  "style-src 'self'",
  "img-src 'self' data: blob:",
  "font-src 'self'",
  "media-src 'self' blob:",
  "connect-src 'self'",
  "worker-src 'self'",
  "manifest-src 'self'",
  "frame-src 'self' blob:",
  "base-uri 'none'",
  "form-action 'self'",
  "frame-ancestors 'none'",
].join('; ')

function framePolicy(images: string): string {
  return [
    "default-src 'none'",
    "script-src 'self'",
    "style-src 'self' 'unsafe-inline'",
    `img-src ${images}`,
    "font-src 'self' data:",
    "base-uri 'none'",
    "form-action 'none'",
    "frame-ancestors 'self'",
    'sandbox allow-scripts allow-popups allow-popups-to-escape-sandbox',
  ].join('; ')
}

const closedFrame = framePolicy("'self' data: blob:")
const remoteFrame = framePolicy("'self' data: blob: https: http:")

const pageHeaders = {
  'referrer-policy': 'no-referrer',
  'x-content-type-options': 'nosniff',
  'cross-origin-opener-policy': 'same-origin',
  'permissions-policy':
    'accelerometer=(), camera=(), display-capture=(), geolocation=(), gyroscope=(), microphone=(), payment=(), usb=()',
}

type Files = ReadonlyMap<string, PageFile>

/** Reads the files at the first request, and again when they were built anew. */
export function createPages(options: PagesOptions): HttpMount<Account> {
  let loaded: { readonly build: string; readonly files: Promise<Files> } | null = null
  const load = async (): Promise<Files> => {
    const build = await buildOf(options.folder)
    if (loaded?.build !== build) {
      const reading = { build, files: readPages(options.folder, options.root ?? '') }
      loaded = reading
      // What could not be read is read again at the next request.
      reading.files.catch(() => {
        if (loaded === reading) loaded = null
      })
    }
    return loaded.files
  }
  return {
    paths: ['/*'],
    async fetch(request, env) {
      if (request.method !== 'GET' && request.method !== 'HEAD') return wrongMethod()
      const { pathname } = new URL(request.url)
      if (!env.secure && options.securePort !== null)
        return redirect(secured(request, env, options.securePort))
      if (pathname === '/' && options.home === 'webmail') return redirect('/mail/')
      const files = await load()
      if (files.size === 0) return wantsPage(request) ? notBuilt() : nothingHere()
      const name = fileFor(pathname, { files, home: options.home })
      const file = name === null ? undefined : files.get(name)
      if (name?.endsWith('index.html') && file === undefined && wantsPage(request)) return notBuilt()
      if (name === null || file === undefined)
        return isPlace(pathname) && wantsPage(request) ? pageOfNothing(request, files) : nothingHere()
      const response = await answer(request, name, file)
      if (env.secure && options.strictTransport > 0) {
        response.headers.set('strict-transport-security', `max-age=${Math.floor(options.strictTransport)}`)
      }
      return response
    },
  }
}

function secured(request: Request, env: HttpEnvironment<Account>, port: number): string {
  const url = new URL(request.url)
  if (env.origin.startsWith('https:')) return `${env.origin}${url.pathname}${url.search}`
  return `https://${url.hostname}${port === 443 ? '' : `:${port}`}${url.pathname}${url.search}`
}

/** Another one after each build, which puts a whole folder in the place of the old one. */
async function buildOf(folder: string): Promise<string> {
  const found = await stat(folder).catch(() => null)
  return found === null ? '' : `${found.ino} ${found.mtimeMs}`
}

async function readPages(folder: string, root: string): Promise<Files> {
  const names = await readdir(folder, { recursive: true, withFileTypes: true }).catch((error: unknown) => {
    if (error instanceof Error && 'code' in error && error.code === 'ENOENT') return []
    throw error
  })
  const contents = new Map<string, Uint8Array<ArrayBuffer>>()
  for (const entry of names) {
    if (!entry.isFile() || entry.name.startsWith('.')) continue
    const path = join(entry.parentPath, entry.name)
    const name = path.slice(folder.length + 1).replaceAll(sep, '/')
    contents.set(name, new Uint8Array(await readFile(path)))
  }
  const files = new Map<string, PageFile>()
  for (const [name, built] of contents) {
    const body = root !== '' && name.endsWith('.html') ? rooted(built, root) : built
    const type = types[name.slice(name.lastIndexOf('.') + 1)]
    if (type === undefined) continue
    const etag = `"${createHash('sha256').update(body).digest('base64url').slice(0, 27)}"`
    const isText = body.length >= smallest && /^(?:text|application)\/|svg/.test(type)
    const made = (extension: string, compress: Compress): PageFile['br'] => {
      const there = body === built ? contents.get(`${name}.${extension}`) : undefined
      if (there !== undefined) return () => Promise.resolve(there)
      return isText ? once(() => compressed(body, compress)) : () => Promise.resolve(null)
    }
    files.set(name, { type, etag, body, br: made('br', brotli), gzip: made('gz', gzip) })
  }
  return files
}

/** A page that names its scripts and styles by where a browser finds them. */
function rooted(page: Uint8Array, root: string): Uint8Array<ArrayBuffer> {
  const text = new TextDecoder().decode(page).replaceAll(/ (src|href)="\/(?!\/)/g, ` $1="${root}/`)
  return new TextEncoder().encode(text)
}

type Compress = (body: Uint8Array<ArrayBuffer>) => Promise<Buffer>

/** Octets below which compression gains nothing worth having. */
const smallest = 1024
const brotli: Compress = (body) =>
  promisify(brotliCompress)(body, { params: { [constants.BROTLI_PARAM_QUALITY]: 9 } })
const gzip: Compress = (body) => promisify(gzipCompress)(body, { level: 9 })

async function compressed(
  body: Uint8Array<ArrayBuffer>,
  compress: Compress,
): Promise<Uint8Array<ArrayBuffer> | null> {
  const smaller = new Uint8Array(await compress(body))
  return smaller.length < body.length ? smaller : null
}

function once<T>(make: () => Promise<T>): () => Promise<T> {
  let made: Promise<T> | null = null
  return () => {
    made ??= make()
    return made
  }
}

/** The file that answers a path, or null. */
function fileFor(
  pathname: string,
  { files, home }: { files: Files; home: PagesOptions['home'] },
): string | null {
  const path = pathname.slice(1)
  // Pages have their own paths, whatever the build calls their files.
  if (path !== '' && !path.endsWith('/') && files.has(path) && !path.endsWith('index.html')) return path
  const framed = /^frame\/([a-z0-9-]+)$/.exec(path)?.[1]
  if (framed !== undefined) return `frame/${framed}.html`
  if (path.startsWith('api/') || path.startsWith('assets/') || /\.[a-z0-9]{1,11}$/.test(path)) return null
  const first = path.split('/')[0] ?? ''
  const page = pagePaths[first] ?? (home === 'catcher' ? 'catcher' : undefined)
  return page === undefined ? null : `${page}/index.html`
}

async function answer(request: Request, name: string, file: PageFile): Promise<Response> {
  const headers = new Headers({ ...pageHeaders, 'content-type': file.type, vary: 'accept-encoding' })
  const forEver = name.startsWith('assets/')
  headers.set('cache-control', forEver ? 'public, max-age=31536000, immutable' : 'no-cache')
  // A worker has the policy of its own script.
  const isFrame = name.startsWith('frame/')
  headers.set('content-security-policy', isFrame ? policyOfFrame(name) : ownPolicy)
  // Frames have no origin of their own, and their modules are asked for as from elsewhere.
  if (forEver) headers.set('access-control-allow-origin', '*')
  const { coding, body } = await encoded(file, request.headers.get('accept-encoding') ?? '')
  const etag = coding === null ? file.etag : `${file.etag.slice(0, -1)}-${coding}"`
  headers.set('etag', etag)
  // RFC 9110 §13.1.2: `If-None-Match`.
  const known = request.headers
    .get('if-none-match')
    ?.split(',')
    .map((one) => one.trim().replace(/^W\//, ''))
  if (known?.includes(etag) === true || known?.includes('*') === true)
    return new Response(null, { status: 304, headers })
  if (coding !== null) headers.set('content-encoding', coding)
  return new Response(body, { headers })
}

async function encoded(
  file: PageFile,
  accepted: string,
): Promise<{ readonly coding: 'br' | 'gzip' | null; readonly body: Uint8Array<ArrayBuffer> }> {
  for (const coding of ['br', 'gzip'] as const) {
    const body = takes(accepted, coding) ? await file[coding]() : null
    if (body !== null) return { coding, body }
  }
  return { coding: null, body: file.body }
}

function policyOfFrame(name: string): string {
  return name.endsWith('-remote.html') ? remoteFrame : closedFrame
}

/** RFC 9110 §12.5.3, without preferences but `q=0`. */
function takes(accepted: string, coding: string): boolean {
  return accepted.split(',').some((one) => {
    const [name = '', ...parameters] = one.split(';').map((part) => part.trim().toLowerCase())
    return name === coding && !parameters.some((parameter) => /^q=0(?:\.0*)?$/.test(parameter))
  })
}

function wantsPage(request: Request): boolean {
  return (request.headers.get('accept') ?? '').includes('text/html')
}

function redirect(location: string): Response {
  return new Response(null, { status: 302, headers: { location, 'cache-control': 'no-cache' } })
}

function wrongMethod(): Response {
  const problem = makeProblem(405, 'method-not-allowed', 'Here is only GET, HEAD.')
  return problemResponse({ ...problem, headers: { allow: 'GET, HEAD' } })
}

/** Whether somebody who looks around could have meant a page by it: no file, nothing for programs. */
function isPlace(pathname: string): boolean {
  return !/^\/(?:api|assets|frame|jmap|\.well-known)(?:\/|$)|\.[a-z0-9]{1,11}$/.test(pathname)
}

/** The page that says so to people. */
async function pageOfNothing(request: Request, files: Files): Promise<Response> {
  const name = 'account/index.html'
  const file = files.get(name)
  if (file === undefined) return nothingHere()
  const { body, headers } = await answer(request, name, file)
  return new Response(body, { status: 404, headers })
}

function nothingHere(): Response {
  return problemResponse(makeProblem(404, 'not-found', 'There is nothing here.'))
}

const notBuiltText = `<!doctype html>
<html lang="en">
<meta charset="utf-8">
<meta name="viewport" content="width=device-width">
<title>Posthorn</title>
<h1>The pages are not built</h1>
<p>Posthorn runs, and its API answers. Its pages are built from the folder <code>web</code>, once, by</p>
<pre>node scripts/build-web.ts</pre>
<p>and this address shows them as soon as they are there.</p>
</html>
`

function notBuilt(): Response {
  return new Response(notBuiltText, {
    status: 503,
    headers: {
      ...pageHeaders,
      'content-type': 'text/html; charset=utf-8',
      'cache-control': 'no-store',
      'content-security-policy': "default-src 'none'; frame-ancestors 'none'",
    },
  })
}
