// A page of any server in Debian's Chromium, watched: an error in the console, an exception, a request to anywhere but its own server, or a
// violation of its policy fails the test that holds it. What mail provokes inside its own sandboxed frame is that mail's doing, and is told
// apart by the frame's address. `harness.ts` has a house with people; this is for servers that a test opened itself.
import assert from 'node:assert/strict'
import { existsSync, readFileSync } from 'node:fs'
import { createRequire } from 'node:module'
import type { TestContext } from 'node:test'
import { type Browser, type BrowserContextOptions, chromium, type Page } from 'playwright-core'
import { buildIfStale } from '../../scripts/build-web.ts'

const executablePath =
  [process.env['POSTHORN_CHROMIUM'] ?? '', '/usr/bin/chromium'].find((path) => existsSync(path)) ?? ''

/** Why nothing can be tested in a browser here, or false: for the option `skip` of a test. */
export const skip: string | false = executablePath === '' ? 'NO BROWSER TESTED: there is no Chromium' : false
if (skip !== false) process.stderr.write(`${skip}\n`)

/** A browser that ends with the test. `args`: of Chromium's command line. */
export async function openBrowser(context: TestContext, args: readonly string[] = []): Promise<Browser> {
  await buildIfStale()
  const browser = await chromium.launch({
    executablePath,
    // As root, in containers, Chromium has no sandbox of its own.
    args: ['--no-sandbox', '--disable-dev-shm-usage', ...args],
  })
  context.after(() => browser.close())
  return browser
}

/** Milliseconds for what a page does: a busy machine is slow, and a test that fails may take its time. */
const patience = 60_000

export const desktop = { width: 1280, height: 800 } as const
export const phone = { width: 390, height: 844 } as const

/** Parts of addresses whose document is mail that somebody sent, raw. */
const mailFrames = /\/(?:messages\/[^/]+\/html|view\/)/

/** A page and all that went wrong in it. */
export interface Watched {
  readonly page: Page
  /** One line for each thing. */
  readonly faults: string[]
  /** Fails with all that went wrong so far. */
  assertClean(): void
}

/** Opens a page of its own context, so that no two share cookies or storage. */
export async function openPage(
  browser: Browser,
  url: string,
  options: BrowserContextOptions = {},
): Promise<Watched> {
  const opened = await browser.newContext({
    viewport: desktop,
    locale: 'en-GB',
    timezoneId: 'UTC',
    reducedMotion: 'reduce',
    ...options,
  })
  const page = await opened.newPage()
  page.setDefaultTimeout(patience)
  const faults = watch(page, new URL(url).origin)
  await page.goto(url)
  return { page, faults, assertClean: () => assert.deepEqual(faults, [], 'the page had faults') }
}

/** Notes what goes wrong in a page from now on. */
export function watch(page: Page, origin: string): string[] {
  const faults: string[] = []
  page.on('console', (message) => {
    if (message.type() !== 'error' && !/Content Security Policy/i.test(message.text())) return
    if (mailFrames.test(message.location().url)) return
    faults.push(`console: ${message.text()} (${message.location().url})`)
  })
  page.on('pageerror', (error) => faults.push(`exception: ${error.message}`))
  page.on('request', (request) => {
    const url = new URL(request.url())
    if (url.origin === origin || ['data:', 'blob:', 'about:'].includes(url.protocol)) return
    faults.push(`elsewhere: ${request.url()}`)
  })
  return faults
}

const axeSource = readFileSync(createRequire(import.meta.url).resolve('axe-core/axe.min.js'), 'utf8')

interface AxeViolation {
  readonly id: string
  readonly help: string
  readonly nodes: readonly { readonly target: readonly string[]; readonly failureSummary: string }[]
}

/** What axe-core finds wrong with the page as it stands, a line each; mail in its frame is its sender's. */
async function axe(page: Page): Promise<string[]> {
  // Colours on their way are no colours yet.
  await page.evaluate('Promise.allSettled(document.getAnimations().map(({ finished }) => finished))')
  await page.evaluate(axeSource)
  // The text runs in the page, whose types are not those of this program.
  const violations: AxeViolation[] = await page.evaluate(
    `axe.run(document, { iframes: false, resultTypes: ['violations'] }).then(({ violations }) => violations.map(
      ({ id, help, nodes }) => ({ id, help, nodes: nodes.map(({ target, failureSummary }) => ({ target, failureSummary })) })))`,
  )
  return violations.flatMap(({ id, help, nodes }) =>
    nodes
      .slice(0, 5)
      .map(({ target, failureSummary }) => `${id}: ${help}: ${target.join(' ')}: ${failureSummary}`),
  )
}

/** Fails where axe-core finds anything, in the light and in the dark. */
export async function assertAccessible(page: Page, place: string): Promise<void> {
  for (const colorScheme of ['light', 'dark'] as const) {
    await page.emulateMedia({ colorScheme, reducedMotion: 'reduce' })
    assert.deepEqual(await axe(page), [], `${place}, ${colorScheme}`)
  }
  await page.emulateMedia({ colorScheme: 'light', reducedMotion: 'reduce' })
}
