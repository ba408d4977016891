// The catcher's page for tests: a house with mail in it, its page, and where things are in it. Every page is watched: no error in the console,
// no request to elsewhere, nothing against its policy, nothing that axe-core finds.
import { type TestContext, test } from 'node:test'
import type { Browser, BrowserContextOptions, Locator, Page } from 'playwright-core'
import { type CatcherHouse, openCatcherHouse } from '../support/catcher-house.ts'
import { sendMail } from './sample-mail.ts'
import { openBrowser, openPage, skip, type Watched } from './watched-page.ts'

export interface Opened extends Watched {
  readonly house: CatcherHouse
}

export type Settings = Parameters<typeof openCatcherHouse>[1]

interface Opening {
  readonly settings?: Settings
  readonly mail?: Parameters<typeof sendMail>[1]
  readonly path?: string
  readonly options?: BrowserContextOptions
}

/** A catcher that has that mail, and its page. */
export async function open(context: TestContext, browser: Browser, opening: Opening = {}): Promise<Opened> {
  const house = await openCatcherHouse(context, opening.settings)
  await sendMail(house.smtpPort, opening.mail ?? [])
  const watched = await openPage(browser, `${house.url}${opening.path ?? '/'}`, opening.options)
  context.after(() => watched.page.context().close())
  return { house, ...watched }
}

export const rows = (page: Page): Locator =>
  page.getByRole('list', { name: 'Caught messages' }).getByRole('listitem')
export const subjects = (page: Page): Locator => page.locator('.caught-subject')
export const row = (page: Page, subject: string): Locator => rows(page).filter({ hasText: subject })
export const opened = (page: Page, subject: string): Locator =>
  page.getByRole('heading', { level: 1, name: subject })

export async function shows(page: Page, count: number): Promise<void> {
  await page.locator('.list-tools', { hasText: count === 1 ? '1 message' : `${count} messages` }).waitFor()
}

/** A browser for all that one test is made of. */
export function inBrowser(
  name: string,
  work: (context: TestContext, browser: Browser) => Promise<void>,
): void {
  test(name, { skip }, async (context) => work(context, await openBrowser(context)))
}
