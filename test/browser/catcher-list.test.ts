// The catcher's list in Chromium: what is found, chosen, tagged, deleted, by mouse and by keys, and how it keeps to what is known already.
import assert from 'node:assert/strict'
import { letter, openCatcherHouse } from '../support/catcher-house.ts'
import { inBrowser, open, opened, row, rows, shows, type Settings } from './catcher-page.ts'
import { mailOfADay, order, sendMail } from './sample-mail.ts'
import { until } from './harness.ts'
import { openPage } from './watched-page.ts'

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
  const reach = (to: number, text: RegExp): Promise<void> =>
    until(page, String(text), async () => {
      // A list that has only come to its length now is scrolled once more.
      await list.evaluate(scroll, to)
      return page.getByText(text).first().isVisible()
    })
  await reach(0.5, /^Number (?:49|50)\d\d$/)
  await reach(1, /^Number 0$/)
  assert.ok((await page.locator('.caught').count()) < 60)
  assert.ok(Number(await page.evaluate('document.querySelectorAll("*").length')) < 2500)
  assertClean()
})
