// Takes the pictures of the documentation anew:
//
//   node test/browser/pictures/run.ts [folder] [--seconds 240] [--webmail-alone]
//
// The folder is docs/images where none is named; the seconds are those for which the admin page's server has traffic before it is looked at.
import { writeFileSync } from 'node:fs'
import { join } from 'node:path'
import type { TestContext } from 'node:test'
import { parseArgs } from 'node:util'
import type { Page } from 'playwright-core'
import { openCatcherHouse } from '../../support/catcher-house.ts'
import { dark, openHouse, type PageOptions, password, phone, type House } from '../harness.ts'
import { mailOfADay, sendMail } from '../sample-mail.ts'
import { anna, fillMailbox } from './mailbox.ts'
import { openBusyHouse, operator, storied } from './traffic.ts'

const { values, positionals } = parseArgs({
  allowPositionals: true,
  options: {
    seconds: { type: 'string', default: '240' },
    'webmail-alone': { type: 'boolean', default: false },
  },
})
const folder = positionals[0] ?? join(import.meta.dirname, '../../../docs/images')

/** WebP of what is in sight, once nothing moves any more. */
async function take(page: Page, name: string): Promise<void> {
  await page.evaluate('document.fonts.ready')
  await page.waitForLoadState('networkidle').catch(() => undefined)
  await page.mouse.move(0, 0)
  await page.evaluate('Promise.allSettled(document.getAnimations().map(({ finished }) => finished))')
  const session = await page.context().newCDPSession(page)
  const { data } = await session.send('Page.captureScreenshot', { format: 'webp', quality: 85 })
  const picture = Buffer.from(data, 'base64')
  writeFileSync(join(folder, `${name}.webp`), picture)
  process.stdout.write(`${name}.webp ${picture.length}\n`)
  await page.context().close()
}

/** Room for what is read beside what is written. */
const wide = { viewport: { width: 1440, height: 900 } }

async function takeWebmail(): Promise<void> {
  const house = await openHouse()
  try {
    await fillMailbox(house, password)
    const open = async (options: PageOptions): Promise<Page> => {
      const { page } = await house.open(anna, options)
      await page.goto('/mail/')
      await page.locator('.conversation-text').first().waitFor()
      return page
    }
    const writing = await open(wide)
    await writing.getByText('Autumn list').click()
    await writing.frameLocator('.html-mail').getByText('Dear Anna').waitFor()
    await writing.keyboard.press('c')
    await writing.getByRole('dialog', { name: 'New message' }).waitFor()
    await writing.keyboard.type('Priya Raman <priya@raman.test>,')
    await writing.getByPlaceholder('Subject').fill('Vienna')
    const editor = writing.frameLocator('.editor-frame').getByRole('textbox')
    await editor.click()
    await editor.pressSequentially('Yes please, book it before Friday. I bring the sandwiches.')
    await writing.getByText('Saved', { exact: true }).waitFor()
    await take(writing, 'webmail-writing')
    const reading = await open({ ...wide, ...dark })
    await reading.getByText('Rehearsal').first().click()
    await reading.locator('.message', { hasText: 'letter D is the hard one' }).last().waitFor()
    await take(reading, 'webmail-dark')
    await take(await open(phone), 'webmail-phone')
  } finally {
    await house.close()
  }
}

async function takeAdmin(house: House): Promise<void> {
  const open = async (path: string, options: PageOptions = {}): Promise<Page> => {
    const { page } = await house.open(operator, options)
    await page.goto(`/admin/${path}`)
    await page.locator('h1').waitFor()
    await page.locator('.skeleton').first().waitFor({ state: 'detached' })
    return page
  }
  const overview = await open('')
  await overview
    .getByRole('link', { name: /Recipient refused/ })
    .first()
    .waitFor()
  await take(overview, 'admin-overview')
  const trace = await open(`trace?text=${encodeURIComponent(storied)}`)
  await trace.getByText('Accepted from a log-in').waitFor()
  await take(trace, 'admin-trace')
  const small = await open('queue', { ...phone, ...dark })
  await small.locator('.queued').first().waitFor()
  await take(small, 'admin-phone')
}

async function takeCatcher(context: TestContext, house: House): Promise<void> {
  const caught = await openCatcherHouse(context, { profile: 'dev' })
  await sendMail(caught.smtpPort, mailOfADay)
  const list = await caught.get('/api/v1/catcher/messages')
  const { messages } = (await list.json()) as { messages: readonly { id: string }[] }
  const open = async (path: string, options: PageOptions = {}): Promise<Page> => {
    const { page } = await house.open(null, options)
    await page.goto(`${caught.url}${path}`)
    await page.locator('.caught').first().waitFor({ state: 'attached' })
    return page
  }
  const message = `/message/${messages[0]?.id}`
  for (const [name, options] of [
    ['catcher-light', {}],
    ['catcher-dark', dark],
  ] as const) {
    const page = await open(message, options)
    await page.frameLocator('iframe').getByText('Linen apron, sage').waitFor()
    await take(page, name)
  }
  await take(await open('/', phone), 'catcher-phone')
}

const endings: (() => unknown)[] = []
// Of a test's context the houses want its end alone.
const context = { after: (end: () => unknown) => void endings.push(end) } as unknown as TestContext
try {
  await takeWebmail()
  if (!values['webmail-alone']) {
    const busy = await openBusyHouse(context, Number(values.seconds))
    endings.push(() => busy.close())
    await takeAdmin(busy)
    await takeCatcher(context, busy)
  }
} finally {
  for (const end of endings.toReversed()) await end()
}
