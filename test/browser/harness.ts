// The pages in a real browser: a server in this process on a free port of `localhost` (which browsers trust as they trust TLS), Debian's
// Chromium, and people with a page each.
//
// Every page is watched: an error, a dialog, a violation of the Content-Security-Policy, or a request to anywhere else fails the test
// that holds it. Without Chromium the tests skip themselves and say so; POSTHORN_CHROMIUM names another one. POSTHORN_SLOW_PAGES=6 makes
// the pages' processor six times slower: every test must hold then.
import assert from 'node:assert/strict'
import { existsSync, readFileSync } from 'node:fs'
import { createRequire } from 'node:module'
import {
  type Browser,
  type BrowserContextOptions,
  chromium,
  type LaunchOptions,
  type Page,
} from 'playwright-core'
import { buildIfStale } from '../../scripts/build-web.ts'
import type { ConfigInput } from '../../src/config/schema.ts'
import { resolveConfig } from '../../src/config/layers.ts'
import { type Posthorn, startPosthorn } from '../../src/main.ts'

const slowness = Number(process.env['POSTHORN_SLOW_PAGES'] ?? 1)
const candidates = ['/usr/bin/chromium', '/usr/bin/chromium-browser', '/usr/bin/google-chrome']

function findChromium(): string | undefined {
  const named = process.env['POSTHORN_CHROMIUM']
  return named ?? candidates.find((path) => existsSync(path))
}

/** For `test(name, { skip: noChromium }, …)`: false, or why not. */
export const noChromium: string | false =
  findChromium() === undefined
    ? 'no Chromium here: apt-get install chromium, or set POSTHORN_CHROMIUM'
    : false

/** The only password there is. */
export const password = 'four words do well'
export const people = ['ann@mail.test', 'bob@mail.test'] as const

export interface House {
  readonly posthorn: Posthorn
  /** `http://localhost:port`. */
  readonly origin: string
  readonly browser: Browser
  /** A page of its own context, logged in as that person; null: as nobody. */
  open(person: string | null, options?: PageOptions): Promise<WatchedPage>
  /** All that were opened: each hears of what the others do, and asks for it. */
  closePages(): Promise<void>
  /** The same in a browser of its own, which can be killed as a crash kills it. */
  openMortal(person: string, options?: PageOptions): Promise<WatchedPage & { kill(): Promise<void> }>
  /** Puts a message as it stands into a mailbox of that role; the Email's id. */
  put(person: string, message: string, options?: PutOptions): Promise<string>
  close(): Promise<void>
  jmap(person: string, calls: readonly unknown[]): Promise<[string, Record<string, unknown>, string][]>
  /** The JMAP account of that person. */
  accountId(person: string): Promise<string>
}

interface PutOptions {
  readonly role?: string
  readonly keywords?: readonly string[]
  /** Default: now. */
  readonly receivedAt?: Date
}

export interface PageOptions extends BrowserContextOptions {
  /** Seconds for which what is sent can be taken back: default as long as any test may take; 0 where another page waits for it. */
  readonly undoSeconds?: number
}

export interface WatchedPage {
  readonly page: Page
  /** What went wrong so far. */
  readonly troubles: string[]
}

export const phone: BrowserContextOptions = {
  viewport: { width: 390, height: 844 },
  hasTouch: true,
  isMobile: true,
}
export const dark: BrowserContextOptions = { colorScheme: 'dark' }

async function startServer(settings: ConfigInput): Promise<Posthorn> {
  const listen = (service: 'smtp' | 'http') =>
    ({ service, address: '127.0.0.1', port: 0, tls: 'none' }) as const
  const auth = { allowClearText: true, argon2Memory: 8, argon2Passes: 1 }
  const own: ConfigInput = {
    profile: 'test',
    hostname: 'mail.test',
    auth,
    listeners: [listen('smtp'), listen('http')],
  }
  return startPosthorn(resolveConfig([{ name: 'test', settings: { ...own, ...settings } }]))
}

/** One for each test file. Whoever opens it closes it. */
export async function openHouse(settings: ConfigInput = {}): Promise<House> {
  await buildIfStale()
  const posthorn = await startServer(settings)
  const { operations } = posthorn.backend
  await operations.run('domain.add', { name: 'mail.test' })
  for (const address of people) await operations.run('account.add', { address, password })
  const browser = await chromium.launch(launchOptions())
  const port = posthorn.listeners.find(({ service }) => service === 'http')?.port ?? 0
  const origin = `http://localhost:${port}`
  const jmap: House['jmap'] = (person, calls) => askJmap(origin, person, calls)
  return {
    ...{ posthorn, origin, browser, jmap },
    async close() {
      await browser.close()
      await posthorn.stop()
    },
    accountId: (person) => accountOf(origin, person),
    put: (person, message, options) => putMessage({ origin, person, message }, options),
    open: (person, options) => openPage({ browser, origin, person }, options),
    async closePages() {
      for (const context of browser.contexts()) await context.close()
    },
    openMortal: (person, options) => openMortal({ origin, person }, options),
  }
}

function launchOptions(): LaunchOptions {
  // As root, in containers, Chromium has no sandbox of its own.
  return { executablePath: findChromium() ?? '', args: ['--no-sandbox', '--disable-dev-shm-usage'] }
}

async function openMortal({ origin, person }: { origin: string; person: string }, options?: PageOptions) {
  const server = await chromium.launchServer(launchOptions())
  const browser = await chromium.connect(server.wsEndpoint())
  const watched = await openPage({ browser, origin, person }, options)
  return { ...watched, kill: () => server.kill() }
}

function basic(person: string): Record<string, string> {
  return { authorization: `Basic ${Buffer.from(`${person}:${password}`).toString('base64')}` }
}

async function askJmap(origin: string, person: string, methodCalls: readonly unknown[]) {
  const using = ['core', 'mail', 'submission', 'vacationresponse'].map(
    (name) => `urn:ietf:params:jmap:${name}`,
  )
  const response = await fetch(`${origin}/jmap/api`, {
    method: 'POST',
    headers: { ...basic(person), 'content-type': 'application/json' },
    body: JSON.stringify({ using, methodCalls }),
  })
  assert.equal(response.status, 200, await response.clone().text())
  const { methodResponses } = (await response.json()) as {
    methodResponses: [string, Record<string, unknown>, string][]
  }
  return methodResponses
}

async function accountOf(origin: string, person: string): Promise<string> {
  const response = await fetch(`${origin}/jmap/session`, { headers: basic(person) })
  const { primaryAccounts } = (await response.json()) as { primaryAccounts: Record<string, string> }
  return primaryAccounts['urn:ietf:params:jmap:mail'] ?? ''
}

const nothing: [string, Record<string, unknown>] = ['', {}]

async function putMessage(
  { origin, person, message }: { origin: string; person: string; message: string },
  { role = 'inbox', keywords = [], receivedAt }: PutOptions = {},
): Promise<string> {
  const accountId = await accountOf(origin, person)
  const [[, mailboxes] = nothing] = await askJmap(origin, person, [
    ['Mailbox/get', { accountId, ids: null }, '0'],
  ])
  const list = mailboxes['list'] as { id: string; role: string | null }[]
  const mailbox = list.find((one) => one.role === role)?.id ?? ''
  const uploaded = await fetch(`${origin}/jmap/upload/${accountId}`, {
    method: 'POST',
    headers: { ...basic(person), 'content-type': 'message/rfc822' },
    body: message.replaceAll(/\r?\n/g, '\r\n'),
  })
  const { blobId } = (await uploaded.json()) as { blobId: string }
  const email = {
    blobId,
    mailboxIds: { [mailbox]: true },
    keywords: Object.fromEntries(keywords.map((key) => [key, true])),
    ...(receivedAt !== undefined && { receivedAt: receivedAt.toISOString() }),
  }
  const [[, imported] = nothing] = await askJmap(origin, person, [
    ['Email/import', { accountId, emails: { it: email } }, '0'],
  ])
  const created = imported['created'] as { it: { id: string } } | null
  assert.ok(created !== null, JSON.stringify(imported))
  return created.it.id
}

/** Where pages may go: the server's own origin and what they make themselves. */
function isInside(url: string, origin: string): boolean {
  return url.startsWith(`${origin}/`) || /^(?:data|blob|about):/.test(url)
}

async function openPage(
  { browser, origin, person }: { browser: Browser; origin: string; person: string | null },
  { undoSeconds = 60, ...options }: PageOptions = {},
): Promise<WatchedPage> {
  const localStorage = [{ name: 'posthorn-undo-seconds', value: String(undoSeconds) }]
  const context = await browser.newContext({
    storageState: { cookies: [], origins: [{ origin, localStorage }] },
    ...{ baseURL: origin, viewport: { width: 1280, height: 800 }, locale: 'en-GB', reducedMotion: 'reduce' },
    // What a worker keeps would hide what the server says.
    serviceWorkers: 'block',
    ...options,
  })
  const troubles: string[] = []
  context.on('request', (request) => {
    if (!isInside(request.url(), origin)) troubles.push(`asked for ${request.url()}`)
  })
  context.on('console', (message) => {
    if (message.type() === 'error') troubles.push(`console: ${message.text()}`)
  })
  context.on('weberror', (error) => troubles.push(`threw: ${error.error().stack ?? error.error().message}`))
  const page = await context.newPage()
  // Only who waits in vain waits so long.
  page.setDefaultTimeout(60_000)
  if (slowness > 1) {
    const tools = await context.newCDPSession(page)
    await tools.send('Emulation.setCPUThrottlingRate', { rate: slowness })
  }
  page.on('dialog', (dialog) => {
    troubles.push(`dialog: ${dialog.message()}`)
    void dialog.dismiss()
  })
  if (person !== null) {
    const response = await context.request.post('/api/v1/session', {
      data: { address: person, password },
      headers: { origin },
    })
    assert.equal(response.status(), 200, await response.text())
  }
  return { page, troubles }
}

const axeSource = readFileSync(createRequire(import.meta.url).resolve('axe-core/axe.min.js'), 'utf8')

interface AxeResult {
  readonly violations: readonly {
    readonly id: string
    readonly help: string
    readonly nodes: readonly { readonly html: string }[]
  }[]
}

/** No violation of WCAG 2.2 A and AA, and of axe's best practices, in the page as it stands. Frames of mail are somebody else's words. */
export async function assertAccessible(page: Page, about: string): Promise<void> {
  await page.evaluate(axeSource)
  // The text runs in the page, whose types are not those of this program.
  const { violations } = (await page.evaluate(
    `axe.run(document, { iframes: false, resultTypes: ['violations'], rules: { region: { enabled: false } } })`,
  )) as AxeResult
  const found = violations.map(
    ({ id, help, nodes }) =>
      `${id}: ${help}\n    ${nodes.map(({ html }) => html.slice(0, 200)).join('\n    ')}`,
  )
  assert.deepEqual(found, [], `axe, ${about}`)
}

/** Waits until it holds, for as long as a page may take. */
export async function until(page: Page, about: string, holds: () => Promise<boolean>): Promise<void> {
  const end = performance.now() + 60_000
  while (performance.now() < end) {
    if (await holds()) return
    await page.waitForTimeout(50)
  }
  assert.fail(`it never came: ${about}`)
}

/** Nothing went wrong on these pages. */
export function assertQuiet(...pages: readonly WatchedPage[]): void {
  assert.deepEqual(
    pages.flatMap(({ troubles }) => troubles),
    [],
  )
}

/** A message of one text part. */
export function letter(fields: {
  from: string
  to?: string
  subject: string
  text: string
  more?: string
}): string {
  const { from, to = 'ann@mail.test', subject, text, more = '' } = fields
  return `From: ${from}\nTo: ${to}\nSubject: ${subject}\nMessage-ID: <${subject.replaceAll(/\W+/g, '-')}.${from.length}@elsewhere.test>\n${more}Content-Type: text/plain; charset=utf-8\n\n${text}\n`
}
