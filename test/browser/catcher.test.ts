// The catcher's page in Chromium, on a whole server: what is sent to it appears and is announced, chaos strikes, and the page is for everybody,
// on a phone and below a path too. Its list and its messages have tests of their own.
import assert from 'node:assert/strict'
import { inBrowser, open, opened, row, rows, shows, subjects, type Settings } from './catcher-page.ts'
import { mailOfADay, order, sendMail } from './sample-mail.ts'
import { assertAccessible, phone } from './watched-page.ts'

inBrowser('a message that a program sends is there without a reload', async (context, browser) => {
  const { page, house, assertClean } = await open(context, browser)
  await page.getByText('Nothing caught yet').waitFor()
  assert.match(await page.locator('main code').first().innerText(), new RegExp(`:${house.smtpPort}$`))
  await sendMail(house.smtpPort, [order])
  await row(page, 'Your order #2041').waitFor()
  await sendMail(house.smtpPort, [{ ...order, subject: 'Another one' }])
  await row(page, 'Another one').waitFor()
  assert.deepEqual(await subjects(page).allInnerTexts(), ['Another one', 'Your order #2041 is on its way'])
  await page.getByRole('img', { name: 'Live' }).waitFor()
  // Read elsewhere is read here.
  await house.get('/api/v1/catcher/messages', {
    method: 'PATCH',
    headers: { 'content-type': 'application/json' },
    body: JSON.stringify({ read: true }),
  })
  await page.locator('.is-unread').waitFor({ state: 'detached' })
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
