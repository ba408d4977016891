// The catcher's page in Chromium, on a whole server: what is sent to it appears, is found, chosen, tagged, deleted, looked at from every side.
// Every page is watched: no error in the console, no request to elsewhere, nothing against its policy, nothing that axe-core finds.
//
// `PICTURES=docs/images node --test test/browser/catcher.test.ts` takes the pictures of the documentation anew.
import assert from 'node:assert/strict'
import { writeFileSync } from 'node:fs'
import { readFile } from 'node:fs/promises'
import { join } from 'node:path'
import { type TestContext, test } from 'node:test'
import { PhotonImage } from '@silvia-odwyer/photon-node'
import type { Browser, BrowserContextOptions, Page } from 'playwright-core'
import { type CatcherHouse, letter, openCatcherHouse } from '../support/catcher-house.ts'
import { until } from './harness.ts'
import { assertAccessible, openBrowser, openPage, phone, skip, type Watched } from './watched-page.ts'
import { mailOfADay, order, sendMail } from './sample-mail.ts'

interface Opened extends Watched {
  readonly house: CatcherHouse
}

type Settings = Parameters<typeof openCatcherHouse>[1]

interface Opening {
  readonly settings?: Settings
  readonly mail?: Parameters<typeof sendMail>[1]
  readonly path?: string
  readonly options?: BrowserContextOptions
}

/** A catcher that has that mail, and its page. */
async function open(context: TestContext, browser: Browser, opening: Opening = {}): Promise<Opened> {
  const house = await openCatcherHouse(context, opening.settings)
  await sendMail(house.smtpPort, opening.mail ?? [])
  const watched = await openPage(browser, `${house.url}${opening.path ?? '/'}`, opening.options)
  context.after(() => watched.page.context().close())
  return { house, ...watched }
}

const rows = (page: Page) => page.getByRole('list', { name: 'Caught messages' }).getByRole('listitem')
const subjects = (page: Page) => page.locator('.caught-subject')
const row = (page: Page, subject: string) => rows(page).filter({ hasText: subject })
const opened = (page: Page, subject: string) => page.getByRole('heading', { level: 1, name: subject })

async function shows(page: Page, count: number): Promise<void> {
  await page.locator('.list-tools', { hasText: count === 1 ? '1 message' : `${count} messages` }).waitFor()
}

/** A browser for all that one test is made of. */
function inBrowser(name: string, work: (context: TestContext, browser: Browser) => Promise<void>): void {
  test(name, { skip }, async (context) => work(context, await openBrowser(context)))
}

inBrowser('a message that a program sends is there without a reload', async (context, browser) => {
  const { page, house, assertClean } = await open(context, browser)
  await page.getByText('Nothing caught yet').waitFor()
  assert.match(await page.locator('main code').first().innerText(), new RegExp(`:${house.smtpPort}$`))
  await sendMail(house.smtpPort, [order])
  await row(page, 'Your order #2041').waitFor()
  await sendMail(house.smtpPort, [{ ...order, subject: 'Another one' }])
  await row(page, 'Another one').waitFor()
  assert.deepEqual(await subjects(page).allInnerTexts(), ['Another one', 'Your order #2041 is on its way'])
  assert.equal(await page.getByRole('img', { name: 'Live' }).count(), 1)
  // Read elsewhere is read here.
  await house.get('/api/v1/catcher/messages', {
    method: 'PATCH',
    headers: { 'content-type': 'application/json' },
    body: JSON.stringify({ read: true }),
  })
  await page.locator('.is-unread').waitFor({ state: 'detached' })
  assertClean()
})

inBrowser('plain text keeps its lines, and of many recipients some are named', async (context, browser) => {
  const to = Array.from({ length: 40 }, (_, number) => `Member ${number} <m${number}@club.example>`)
  const mail = { from: 'club@club.example', to, subject: 'To all', text: 'Dear members,\n\nwe meet.\n' }
  const { page, assertClean } = await open(context, browser, { mail: [mail] })
  await row(page, 'To all').getByRole('link').click()
  await opened(page, 'To all').waitFor()
  const lines = page.locator('.plain-text p')
  assert.match(await lines.innerText(), /^Dear members,\n\nwe meet\./)
  const people = page.locator('.message-head .facts')
  assert.equal(await people.getByText('Member 39').count(), 0)
  await people.getByRole('button', { name: 'and 32 more' }).click()
  await people.getByText('Member 39').waitFor()
  assertClean()
})

inBrowser(
  'what is searched for is found, by typing, by words of the help, and by the address',
  async (context, browser) => {
    const { page, assertClean, house } = await open(context, browser, { mail: mailOfADay })
    await shows(page, 7)
    const search = page.getByRole('searchbox', { name: 'Search caught mail' })
    await search.fill('to:zoe@example.net')
    await shows(page, 1)
    assert.equal(await row(page, 'Potwierdź').count(), 1)
    await page.getByRole('button', { name: 'What a search can say' }).click()
    await page.getByRole('button', { name: 'is:unread' }).click()
    assert.match(page.url(), /q=.*is%3Aunread/)
    await search.fill('no such words anywhere')
    await page.getByText('Nothing fits').waitFor()
    await page.goto(`${house.url}/?q=has%3Aattachment`)
    await shows(page, 2)
    await page.getByRole('navigation').getByRole('link', { name: 'Orders' }).click()
    await shows(page, 1)
    await page.goBack()
    await shows(page, 2)
    assertClean()
  },
)

inBrowser(
  'messages are chosen one by one and with shift, tagged, and deleted; all are deleted after a question',
  async (context, browser) => {
    const { page, assertClean, house } = await open(context, browser, { mail: mailOfADay })
    await shows(page, 7)
    const box = (index: number) => rows(page).nth(index).getByRole('checkbox')
    await rows(page)
      .nth(1)
      .getByRole('link')
      .click({ modifiers: ['Control'] })
    await rows(page)
      .nth(3)
      .getByRole('link')
      .click({ modifiers: ['Shift'] })
    await page.getByText('3 chosen').waitFor()
    assert.deepEqual(
      [
        await box(0).isChecked(),
        await box(1).isChecked(),
        await box(3).isChecked(),
        await box(4).isChecked(),
      ],
      [false, true, true, false],
    )
    await page.getByRole('button', { name: 'Tag', exact: true }).click()
    await page.getByRole('dialog').getByLabel('Name').fill('Looked at')
    await page.getByRole('button', { name: 'Add tag' }).click()
    await page
      .getByRole('navigation')
      .getByRole('link', { name: /Looked at/ })
      .waitFor()
    assert.equal(house.catcher.stats.total, 7)
    await page.getByRole('button', { name: 'Delete', exact: true }).click()
    const question = page.getByRole('dialog', { name: 'Delete 3 messages?' })
    await question.getByRole('button', { name: 'Cancel' }).click()
    assert.equal(house.catcher.stats.total, 7)
    await page.getByRole('button', { name: 'Delete', exact: true }).click()
    await question.getByRole('button', { name: 'Delete', exact: true }).click()
    await shows(page, 4)
    assert.equal(house.catcher.stats.total, 4)
    await page.getByRole('button', { name: 'Delete everything' }).click()
    await page.getByRole('dialog').getByRole('button', { name: 'Delete everything' }).click()
    await page.getByText('Nothing caught yet').waitFor()
    assert.equal(house.catcher.stats.total, 0)
    assertClean()
  },
)

inBrowser('everything is done by the keyboard alone', async (context, browser) => {
  const { page, assertClean, house } = await open(context, browser, { mail: mailOfADay })
  await shows(page, 7)
  const { keyboard } = page
  await keyboard.press('j')
  await opened(page, 'Re: Your candles').waitFor()
  await keyboard.press('k')
  await opened(page, 'Your order #2041').waitFor()
  await page.locator('.caught.is-unread').nth(4).waitFor()
  await keyboard.press('n')
  await opened(page, 'Autumn catalogue').waitFor()
  for (const [key, tab] of [
    ['2', 'Text'],
    ['3', 'HTML source'],
    ['4', 'Headers'],
    ['7', 'Session'],
    ['1', 'HTML'],
  ] as const) {
    await keyboard.press(key)
    await page.getByRole('tab', { name: tab, exact: true, selected: true }).waitFor()
  }
  await keyboard.press('x')
  await page.getByText('1 chosen').waitFor()
  await keyboard.press('Escape')
  await page.getByText('1 chosen').waitFor({ state: 'detached' })
  await keyboard.press('#')
  await shows(page, 6)
  await keyboard.press('u')
  await page.getByText('No message is open').waitFor()
  await keyboard.press('/')
  await keyboard.type('code')
  await shows(page, 1)
  await keyboard.press('Escape')
  await keyboard.press('?')
  const help = page.getByRole('dialog')
  for (const word of ['Next unread', 'Search', 'Choose'])
    await help.getByText(word, { exact: true }).waitFor()
  await keyboard.press('Escape')
  await help.waitFor({ state: 'detached' })
  await keyboard.press('g')
  await keyboard.press('r')
  await page.getByRole('heading', { name: 'Refused', exact: true }).waitFor()
  assert.equal(house.catcher.stats.total, 6)
  assertClean()
})

inBrowser('what is copied is copied without TLS too', async (context, browser) => {
  const { page, house, assertClean } = await open(context, browser)
  // As at `http://build-machine:8025`, which is no secure context.
  await page.addInitScript(`Object.defineProperty(navigator, 'clipboard', { value: undefined })`)
  await page.goto(`${house.url}/connect`)
  await page.getByRole('button', { name: 'Copy Environment' }).click()
  await page.getByText('Copied', { exact: true }).waitFor()
  const search = page.getByRole('searchbox', { name: 'Search caught mail' })
  await search.focus()
  await page.keyboard.press('Control+V')
  assert.match(await search.inputValue(), new RegExp(`SMTP_PORT=${house.smtpPort}`))
  assertClean()
})

inBrowser('a message that could not be read is read when somebody tries again', async (context, browser) => {
  const { page } = await open(context, browser, { mail: [order] })
  await page.route(/\/catcher\/messages\/\w+$/, (route) => route.fulfill({ status: 503, body: '{}' }))
  await row(page, 'Your order').getByRole('link').click()
  await page.getByText('The message could not be opened').waitFor()
  await page.unrouteAll()
  await page.getByRole('button', { name: 'Try again' }).click()
  await opened(page, 'Your order #2041 is on its way').waitFor()
})

inBrowser('a list that is older than what was read meanwhile leaves it read', async (context, browser) => {
  const { page, house, assertClean } = await open(context, browser, { mail: mailOfADay })
  await shows(page, 7)
  const asked = Promise.withResolvers<void>()
  const answered = Promise.withResolvers<void>()
  // It may ask more than once: when its stream opens, and when something came.
  await page.route('**/api/v1/catcher/messages?*', async (route) => {
    const response = await route.fetch()
    asked.resolve()
    await answered.promise
    await route.fulfill({ response })
  })
  await sendMail(house.smtpPort, [order])
  await asked.promise
  const read = page.waitForResponse((response) => response.request().method() === 'PATCH')
  await row(page, 'Re: Your candles').getByRole('link').click()
  await read
  answered.resolve()
  await shows(page, 8)
  assert.equal(await row(page, 'Re: Your candles').locator('.is-unread').count(), 0)
  assertClean()
})

inBrowser('a message is seen from every side', async (context, browser) => {
  const { page, house, assertClean } = await open(context, browser, { mail: [order] })
  const parts: number[] = []
  page.on('response', (response) => {
    if (/\/parts\/[\d.]+$/.test(response.url())) parts.push(response.status())
  })
  await row(page, 'Your order').getByRole('link').click()
  const panel = page.getByRole('tabpanel')
  const look = async (name: string | RegExp): Promise<void> => {
    await page.getByRole('tab', { name, exact: typeof name === 'string' }).click()
    await assertAccessible(page, String(name))
  }
  await look('HTML')
  const mail = page.frameLocator('iframe')
  await mail.getByText('Linen apron, sage').waitFor()
  // The image that the message brings itself.
  assert.ok(parts.includes(200))
  await page
    .getByRole('radio', { name: 'Phone' })
    .or(page.getByRole('button', { name: 'Phone' }))
    .first()
    .click()
  await page.locator('iframe[style*="375px"]').waitFor()
  await until(page, 'the width of a phone', async () => {
    return (await page.locator('iframe').boundingBox())?.width === 375
  })
  await look('Text')
  await panel.getByText('left our workshop this morning').waitFor()
  await look('HTML source')
  await panel.getByText('<!doctype html>').waitFor()
  await look('Headers')
  await panel.getByText('List-Unsubscribe-Post', { exact: true }).waitFor()
  await look('Source')
  await panel.getByText(/Content-Type: multipart\/mixed/i).waitFor()
  await look(/^Parts/)
  await panel.getByText('invoice-2041.pdf').first().waitFor()
  await panel.getByText('multipart/alternative').waitFor()
  await look('Session')
  await panel.getByText(/^EHLO \[?shop\.example/).waitFor()
  await panel.getByText('orders@larkspur.example').first().waitFor()
  await look('HTML check')
  await panel.getByText('border-radius').first().waitFor()
  await look('Authentication')
  await panel
    .getByText('One click unsubscribes, as RFC 8058 wants it.')
    .or(panel.getByText('no DKIM signature'))
    .first()
    .waitFor()
  await panel.getByLabel('Comes from').fill('192.0.2.1')
  await panel.getByLabel('DNS records').fill('larkspur.example. TXT "v=spf1 ip4:192.0.2.1 -all"')
  await panel.getByRole('button', { name: 'Judge it' }).click()
  await panel.getByText('SPF', { exact: true }).waitFor()
  await panel.locator('li', { hasText: 'SPF' }).getByText('pass').waitFor()
  await assertAccessible(page, 'authentication, judged')
  assert.equal(house.catcher.stats.total, 1)
  assertClean()
})

inBrowser('links are asked when somebody wants it, and never inside', async (context, browser) => {
  const { page, assertClean } = await open(context, browser, { mail: [order] })
  await row(page, 'Your order').getByRole('link').click()
  await page.getByRole('tab', { name: 'Links' }).click()
  const panel = page.getByRole('tabpanel')
  const start = panel.getByRole('button', { name: /check|ask|follow/i })
  if ((await start.count()) > 0) await start.first().click()
  await panel.getByText('leads to a private address, which is not asked').first().waitFor()
  await assertAccessible(page, 'Links')
  assertClean()
})

inBrowser(
  'a message is released where the configuration names a host, and not without',
  async (context, browser) => {
    const outside = await openCatcherHouse(context)
    const closed = await open(context, browser, { mail: [order] })
    await row(closed.page, 'Your order').getByRole('link').click()
    await closed.page.getByRole('button', { name: 'Release' }).click()
    await closed.page.getByText('Nothing leaves this catcher.').waitFor()
    await assertAccessible(closed.page, 'Release, closed')
    closed.assertClean()
    const settings = {
      catcher: { relay: { host: '127.0.0.1', port: outside.smtpPort, tls: 'none' } },
    } as const
    const { page, assertClean } = await open(context, browser, {
      mail: [order],
      settings: settings as Settings,
    })
    await row(page, 'Your order').getByRole('link').click()
    await page.getByRole('button', { name: 'Release' }).click()
    const dialog = page.getByRole('dialog')
    await dialog.getByLabel('Recipients').fill('real@example.org')
    await dialog.getByRole('button', { name: 'Release' }).click()
    await page.getByText('Released to 1 recipient').waitFor()
    assert.equal(outside.catcher.stats.total, 1)
    assertClean()
  },
)

inBrowser(
  'a rule of chaos made by the page strikes a client, and the refusal is shown',
  async (context, browser) => {
    const { page, house, assertClean } = await open(context, browser, { path: '/chaos' })
    await assertAccessible(page, 'Chaos')
    await page.getByLabel('Text').fill('Not today')
    await page.getByLabel('For recipients that match').fill('^ann@')
    await page.getByLabel('Only the first … times').fill('1')
    await page.getByRole('button', { name: 'Add', exact: true }).click()
    await page
      .getByText('451 Not today')
      .or(page.getByText(/451.*Not today/))
      .first()
      .waitFor()
    await assertAccessible(page, 'Chaos with a rule')
    await assert.rejects(sendMail(house.smtpPort, [{ ...order, bcc: [] }]), /451/)
    await sendMail(house.smtpPort, [order])
    await page
      .getByRole('navigation')
      .getByRole('link', { name: /Refused/ })
      .click()
    const refused = page.locator('details.refusal')
    await refused.getByText(/^451 .*Not today/).waitFor()
    await refused.locator('summary').click()
    await refused.getByText(/RCPT TO:<ann@example\.org>/).waitFor()
    await assertAccessible(page, 'Refused')
    await page.getByRole('button', { name: 'Forget them' }).click()
    await page.getByText('Nothing was refused').waitFor()
    await assertAccessible(page, 'Refused, empty')
    await page.getByRole('navigation').getByRole('link', { name: /Chaos/ }).click()
    await page.getByRole('button', { name: /^Remove rule/ }).click()
    await page.getByText('None: everything is taken.').waitFor()
    assertClean()
  },
)

inBrowser('on a phone the list and the message take turns', async (context, browser) => {
  const { page, assertClean } = await open(context, browser, {
    mail: mailOfADay,
    options: { viewport: phone, hasTouch: true, isMobile: true },
  })
  await shows(page, 7)
  await assertAccessible(page, 'phone, list')
  const wide = (): Promise<boolean> =>
    page.evaluate('document.documentElement.scrollWidth > document.documentElement.clientWidth')
  assert.equal(await wide(), false)
  await row(page, '493 817').getByRole('link').tap()
  await opened(page, '493 817 is your code').waitFor()
  assert.equal(await rows(page).first().isVisible(), false)
  assert.equal(await wide(), false)
  await assertAccessible(page, 'phone, message')
  await page.getByRole('button', { name: 'Back to the list' }).tap()
  await rows(page).first().waitFor()
  await page.getByRole('button', { name: 'Inboxes and tags' }).tap()
  await page
    .getByRole('navigation')
    .getByRole('link', { name: /Newsletter/ })
    .tap()
  await shows(page, 1)
  await page.getByRole('button', { name: 'Inboxes and tags' }).tap()
  await assertAccessible(page, 'phone, drawer')
  assertClean()
})

inBrowser('every page is for everybody', async (context, browser) => {
  const { page, faults, house } = await open(context, browser)
  await page.getByText('Nothing caught yet').waitFor()
  await assertAccessible(page, 'empty')
  await sendMail(house.smtpPort, mailOfADay)
  await shows(page, 7)
  await rows(page).nth(1).getByRole('checkbox').click()
  await assertAccessible(page, 'list with one chosen')
  await page.goto(`${house.url}/connect`)
  await page.getByRole('heading', { level: 1 }).waitFor()
  await assertAccessible(page, 'connect')
  await page.getByRole('button', { name: 'More' }).click()
  await assertAccessible(page, 'menu')
  await page.keyboard.press('Escape')
  await page.goto(`${house.url}/message/nosuchmessage`)
  await page.getByText('The message could not be opened').waitFor()
  await assertAccessible(page, 'no such message')
  // That a browser notes a 404 is no fault of the page.
  assert.deepEqual(
    faults.filter((fault) => !/404/.test(fault)),
    [],
  )
})

interface Scroller {
  scrollTop: number
  readonly scrollHeight: number
}

/** Runs in the page. */
const scroll = (box: Scroller, to: number): void => {
  box.scrollTop = box.scrollHeight * to
}

inBrowser('ten thousand messages scroll, and only those in sight exist', async (context, browser) => {
  const house = await openCatcherHouse(context, { catcher: { maxMessages: 0 } } as Settings)
  const client = await house.dial()
  await client.reply()
  await client.command('EHLO many.example')
  const count = 10_000
  const envelope = 'MAIL FROM:<a@x.example>\r\nRCPT TO:<b@x.example>\r\nDATA\r\n'
  client.send(envelope)
  for (let index = 0; index < count; index++) {
    for (let replies = 0; replies < 3; replies++) await client.reply()
    const text = letter(`Number ${index}`).replaceAll('\n', '\r\n')
    client.send(`${text}\r\n.\r\n${index + 1 < count ? envelope : ''}`)
    assert.match((await client.reply()) ?? '', /^250 /)
  }
  client.close()
  const { page, assertClean } = await openPage(browser, house.url)
  await page.locator('.list-tools', { hasText: '10k messages · 10k unread' }).waitFor()
  assert.ok((await page.locator('.caught').count()) < 60)
  const list = page.locator('.caught-list')
  await list.evaluate(scroll, 0.5)
  await page
    .getByText(/^Number (?:49|50)\d\d$/)
    .first()
    .waitFor()
  await list.evaluate(scroll, 1)
  await page.getByText('Number 0', { exact: true }).waitFor()
  assert.ok((await page.locator('.caught').count()) < 60)
  assert.ok(Number(await page.evaluate('document.querySelectorAll("*").length')) < 2500)
  assertClean()
})

const pictures = process.env['PICTURES']
if (pictures !== undefined) {
  inBrowser('pictures for the documentation', async (context, browser) => {
    const house = await openCatcherHouse(context, { profile: 'dev' } as Settings)
    await sendMail(house.smtpPort, mailOfADay)
    const take = async (name: string, options: BrowserContextOptions, path: string): Promise<void> => {
      const { page } = await openPage(browser, `${house.url}${path}`, { deviceScaleFactor: 1, ...options })
      await rows(page).first().waitFor({ state: 'attached' })
      await page.evaluate('document.fonts.ready')
      if (path.includes('message')) await page.getByRole('tab').first().waitFor()
      await page.waitForLoadState('networkidle').catch(() => undefined)
      const session = await page.context().newCDPSession(page)
      const { data } = await session.send('Page.captureScreenshot', { format: 'webp', quality: 85 })
      writeFileSync(join(pictures, `catcher-${name}.webp`), Buffer.from(data, 'base64'))
      await page.context().close()
    }
    const list = (await (await house.get('/api/v1/catcher/messages')).json()) as {
      messages: readonly { id: string }[]
    }
    const path = `/message/${list.messages[0]?.id}`
    await take('light', { viewport: { width: 1280, height: 800 } }, path)
    await take('dark', { viewport: { width: 1280, height: 800 }, colorScheme: 'dark' }, path)
    await take('phone', { viewport: phone, isMobile: true }, '/')
  })
}

inBrowser('the page stands below a path', async (context, browser) => {
  const settings: Settings = { catcher: { webRoot: '/dev/mail' } }
  const { page, house, assertClean } = await open(context, browser, { settings, path: '/dev/mail/' })
  await page.getByText('Nothing caught yet').waitFor()
  await sendMail(house.smtpPort, [order])
  await row(page, 'Your order #2041').click()
  await opened(page, 'Your order #2041 is on its way').waitFor()
  assert.match(page.url(), /\/dev\/mail\/message\/\w+$/)
  await page.frameLocator('iframe').first().locator('body').waitFor()
  await page.reload()
  await opened(page, 'Your order #2041 is on its way').waitFor()
  assert.equal(await page.evaluate('document.fonts.check(\'16px "Instrument Sans Variable"\')'), true)
  await page.getByRole('link', { name: 'Chaos' }).click()
  await page.getByRole('heading', { level: 1, name: 'Chaos' }).waitFor()
  assert.match(page.url(), /\/dev\/mail\/chaos$/)
  assertClean()
})

/** One pixel, #0000cc, as BMP. */
const bluePixel = 'Qk06AAAAAAAAADYAAAAoAAAAAQAAAAEAAAABABgAAAAAAAQAAAAAAAAAAAAAAAAAAAAAAAAAzAAAAA=='

const pictured = `From: Shop <app@shop.example>
To: Ann <ann@example.org>
Subject: Look: a picture!
MIME-Version: 1.0
Content-Type: multipart/related; boundary=b

--b
Content-Type: text/html; charset=utf-8

<!doctype html><html><head><style>body { margin: 0 } .tall { height: 1500px; background: #c00 }</style></head>
<body onload="alert(1)" @odd="1"><!-- a -- b --><div class=tall>Hello &amp; welcome</div>
<img src="cid:blue" width=200 height=100 style="display: block"><img src="https://elsewhere.test/pixel.png" width=1 height=1 style="display: block">
<script>alert(2)</script></body></html>
--b
Content-Type: image/bmp
Content-ID: <blue>
Content-Transfer-Encoding: base64

${bluePixel}
--b--
`

inBrowser(
  'a screenshot has the whole mail, its own pictures, and nothing of elsewhere',
  async (context, browser) => {
    const { page, house, faults } = await open(context, browser)
    const answered: string[] = []
    page.on('response', (response) => {
      if (response.url().startsWith('https:')) answered.push(response.url())
    })
    await house.send(pictured)
    await row(page, 'Look: a picture!').click()
    await page.getByRole('tab', { name: 'HTML', exact: true }).waitFor()
    await page.getByRole('button', { name: 'Phone' }).click()
    const [download] = await Promise.all([
      page.waitForEvent('download'),
      page.getByRole('button', { name: 'Screenshot' }).click(),
    ])
    assert.equal(download.suggestedFilename(), 'Look-a-picture.png')
    const png = await readFile(await download.path())
    const picture = PhotonImage.new_from_byteslice(png)
    // 1500 of text, 100 of its own picture, 1 of what stayed away.
    assert.deepEqual([picture.get_width(), picture.get_height()], [375, 1601])
    const rgba = picture.get_raw_pixels()
    const at = (x: number, y: number): string =>
      [...rgba.subarray((y * 375 + x) * 4, (y * 375 + x) * 4 + 3)].join()
    assert.deepEqual(
      [at(300, 5), at(300, 1490), at(100, 1550), at(300, 1550)],
      ['204,0,0', '204,0,0', '0,0,204', '255,255,255'],
    )
    // The text is there: not all of its line is red.
    assert.ok(Array.from({ length: 120 }, (_, x) => at(x, 10)).some((colour) => colour !== '204,0,0'))
    assert.equal(await page.locator('.screenshot-frame').count(), 0)
    // What the policy of the mail's own frames forbade; the browser tells of it before it looks at the policy.
    const forbidden =
      /^elsewhere: https:\/\/elsewhere\.test\/pixel\.png$|^console: Blocked script execution in '[^']+\/html\?screenshot=1'/
    assert.deepEqual(
      faults.filter((fault) => !forbidden.test(fault)),
      [],
    )
    assert.deepEqual(answered, [])
  },
)

/** Notes what the page would have the system show; the page is hidden as one in another tab is. */
const watchNotifications = `
  window.shownNotifications = []
  window.Notification = class {
    static permission = 'granted'
    static requestPermission = () => Promise.resolve('granted')
    constructor(title, { body }) { window.shownNotifications.push(title + ': ' + body) }
  }
  Object.defineProperty(document, 'visibilityState', { get: () => 'hidden' })
`

inBrowser('new mail is announced where somebody wants it, after a reload too', async (context, browser) => {
  const { page, house, assertClean } = await open(context, browser)
  await page.addInitScript(watchNotifications)
  await page.reload()
  const shown = (): Promise<string[]> => page.evaluate('window.shownNotifications')
  await sendMail(house.smtpPort, [{ ...order, subject: 'Before' }])
  await row(page, 'Before').waitFor()
  assert.deepEqual(await shown(), [])
  await page.getByRole('button', { name: 'More', exact: true }).first().click()
  await page.getByText('Tell me of new messages').click()
  await page.reload()
  await row(page, 'Before').waitFor()
  await page.getByRole('img', { name: 'Live' }).waitFor()
  await sendMail(house.smtpPort, [{ ...order, subject: 'After' }])
  await row(page, 'After').waitFor()
  assert.equal((await shown()).length, 1)
  assert.match((await shown())[0] ?? '', /^After: /)
  assertClean()
})
