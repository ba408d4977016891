// The webmail as people use it: live mail between two accounts, answers, search, undo, keys alone, a phone.
import assert from 'node:assert/strict'
import { before, describe, test, after, afterEach } from 'node:test'
import type { Page } from 'playwright-core'
import {
  assertAccessible,
  assertQuiet,
  dark,
  type House,
  letter,
  noChromium,
  openHouse,
  phone,
  until,
} from './harness.ts'

describe('webmail', { skip: noChromium }, () => {
  let house: House
  after(() => house.close())
  afterEach(() => house.closePages())
  before(async () => {
    house = await openHouse()
    for (const [index, word] of ['alpha', 'beta', 'gamma'].entries()) {
      const message = letter({
        from: `Writer ${word} <${word}@elsewhere.test>`,
        subject: `About ${word}`,
        text: `The ${word} text.\n\n> quoted\n> words`,
      })
      await house.put('ann@mail.test', message, { keywords: index === 0 ? [] : ['$seen'] })
    }
  })

  const row = (page: Page, text: string) => page.locator('.conversation', { hasText: text })
  const rows = (page: Page, count: number): Promise<void> =>
    until(page, `${count} rows`, async () => (await page.locator('.conversation-text').count()) === count)
  const inbox = async (page: Page): Promise<void> => {
    await page.goto('/mail/')
    await page.locator('.conversation-text').first().waitFor()
  }

  test('the first Tab leads past the folders; what is opened has the focus, and gives it back', async () => {
    const ann = await house.open('ann@mail.test')
    const { page } = ann
    const focused = (selector: string): Promise<boolean> =>
      page.evaluate(`document.activeElement.matches(${JSON.stringify(selector)})`)
    await inbox(page)
    await page.keyboard.press('Tab')
    await page.keyboard.press('Enter')
    assert.ok(await focused('#conversations'))
    await page.keyboard.press('o')
    await until(page, 'the focus in the message', () => focused('#thread'))
    await page.keyboard.press('Escape')
    await until(page, 'the focus in the list', () => focused('.conversation.is-cursor .conversation-text'))
    await page.goto('/account/look')
    await page.getByRole('heading', { name: 'Look', level: 1 }).waitFor()
    await page.keyboard.press('Tab')
    await page.keyboard.press('Enter')
    assert.ok(await focused('#settings'))
    assertQuiet(ann)
  })

  test('what one sends appears in the other’s list without a reload, and the answer in the conversation', async () => {
    const ann = await house.open('ann@mail.test', { undoSeconds: 0 })
    const bob = await house.open('bob@mail.test', { undoSeconds: 0 })
    await inbox(ann.page)
    await bob.page.goto('/mail/')
    await bob.page.getByText('All done').waitFor()
    await ann.page.keyboard.press('c')
    await ann.page.getByRole('dialog', { name: 'New message' }).waitFor()
    await ann.page.keyboard.type('bob@mail.test')
    await ann.page.keyboard.press('Enter')
    await ann.page.getByPlaceholder('Subject').fill('Soup today')
    const editor = ann.page.frameLocator('.editor-frame').getByRole('textbox')
    await editor.click()
    await editor.pressSequentially('Lentils, they say.')
    await ann.page.getByRole('button', { name: 'Send', exact: true }).click()
    await ann.page.getByText('Sent', { exact: true }).last().waitFor()
    await row(bob.page, 'Soup today').waitFor()
    await row(bob.page, 'Soup today').locator('.conversation-text').click()
    await bob.page.frameLocator('.html-mail').getByText('Lentils, they say.').waitFor()
    await bob.page.keyboard.press('r')
    const answer = bob.page.frameLocator('.editor-frame').getByRole('textbox')
    await answer.getByText('Lentils').waitFor()
    await answer.pressSequentially('I come at one.')
    await bob.page.keyboard.press('Control+Enter')
    await row(ann.page, 'Soup today').waitFor()
    await row(ann.page, 'Soup today').locator('.conversation-text').click()
    await ann.page.frameLocator('.html-mail >> nth=-1').getByText('I come at one.').waitFor()
    assert.equal(await ann.page.locator('.message').count(), 2)
    assertQuiet(ann, bob)
  })

  test('search knows its language, says what it understood, and finds', async () => {
    const ann = await house.open('ann@mail.test')
    await inbox(ann.page)
    await ann.page.keyboard.press('/')
    await ann.page.keyboard.type('from:beta subject:"About beta"')
    await ann.page.locator('.search-help .chip').nth(1).waitFor()
    await ann.page.keyboard.press('Enter')
    await ann.page.getByRole('heading', { name: 'Found' }).waitFor()
    await row(ann.page, 'About').first().waitFor()
    assert.equal(await ann.page.locator('.conversation-text').count(), 1)
    await ann.page.getByLabel('Search mail').fill('from:beta -subject:beta')
    await ann.page.keyboard.press('Enter')
    await ann.page.getByText('Nothing found').waitFor()
    assertQuiet(ann)
  })

  test('deleting is undone by one key, by keyboard alone', async () => {
    const ann = await house.open('ann@mail.test')
    await inbox(ann.page)
    await ann.page.keyboard.press('j')
    const subjects = await ann.page.locator('.conversation-subject').allInnerTexts()
    await ann.page.keyboard.press('#')
    await ann.page.getByText('moved to').waitFor()
    await rows(ann.page, subjects.length - 1)
    await ann.page.keyboard.press('z')
    await rows(ann.page, subjects.length)
    assert.deepEqual(await ann.page.locator('.conversation-subject').allInnerTexts(), subjects)
    await ann.page.keyboard.press('o')
    await ann.page.locator('.thread-title').waitFor()
    await ann.page.keyboard.press('s')
    await ann.page.locator('.is-starred').first().waitFor()
    await ann.page.keyboard.press('Escape')
    await ann.page.keyboard.press('g')
    await ann.page.keyboard.press('s')
    await ann.page.getByRole('heading', { name: 'Starred' }).waitFor()
    await ann.page.keyboard.press('?')
    await ann.page.getByRole('dialog', { name: 'Keys' }).waitFor()
    await ann.page.keyboard.press('Escape')
    assertQuiet(ann)
  })

  test('what is chosen with shift is one move, into a folder made here', async () => {
    const ann = await house.open('ann@mail.test')
    await inbox(ann.page)
    await ann.page.getByRole('button', { name: 'New folder' }).click()
    await ann.page.getByLabel('Name').fill('Kept')
    await ann.page.getByRole('button', { name: 'Make', exact: true }).click()
    const folder = ann.page.getByRole('navigation').getByRole('link', { name: 'Kept' })
    await folder.waitFor()
    const before_ = await ann.page.locator('.conversation-text').count()
    const ticks = ann.page.locator('.conversation .checkbox')
    await ticks.nth(0).click({ force: true })
    await ticks.nth(1).click({ force: true, modifiers: ['Shift'] })
    await ann.page.getByText('2 chosen').waitFor()
    await ann.page.keyboard.press('v')
    await ann.page.getByRole('menuitem', { name: 'Kept' }).click()
    await rows(ann.page, before_ - 2)
    await folder.click()
    await rows(ann.page, 2)
    await ann.page.keyboard.press('z')
    await ann.page.getByText('Nothing here').waitFor()
    assertQuiet(ann)
  })

  test('a draft is kept while it is written, and gone on with', async () => {
    const ann = await house.open('ann@mail.test')
    await inbox(ann.page)
    await ann.page.keyboard.press('c')
    await ann.page.getByPlaceholder('Subject').fill('Half a thought')
    await ann.page.getByText('Saved', { exact: true }).waitFor()
    await ann.page.getByRole('button', { name: 'Close and keep the draft' }).click()
    await ann.page.keyboard.press('g')
    await ann.page.keyboard.press('d')
    await row(ann.page, 'Half a thought').locator('.conversation-text').click()
    await ann.page.getByRole('button', { name: 'Go on writing' }).click()
    await ann.page.getByRole('button', { name: 'Throw the draft away' }).click()
    // Others' drafts may be there too.
    await row(ann.page, 'Half a thought').waitFor({ state: 'detached' })
    assertQuiet(ann)
  })

  test('what was sent is taken back within seconds, and is a draft again', async () => {
    const ann = await house.open('ann@mail.test')
    await inbox(ann.page)
    await ann.page.keyboard.press('c')
    await ann.page.getByRole('dialog', { name: 'New message' }).waitFor()
    await ann.page.keyboard.type('bob@mail.test,')
    await ann.page.getByPlaceholder('Subject').fill('Too early')
    await ann.page.keyboard.press('Control+Enter')
    await ann.page.getByText('Sent', { exact: true }).last().waitFor()
    await ann.page.getByRole('button', { name: 'Undo' }).click()
    await ann.page.getByText('Taken back').waitFor()
    await ann.page.getByRole('dialog', { name: 'Draft' }).waitFor()
    await ann.page.getByRole('button', { name: 'Close and keep the draft' }).click()
    await ann.page.keyboard.press('g')
    await ann.page.keyboard.press('d')
    await row(ann.page, 'Too early').waitFor()
    assertQuiet(ann)
  })

  test('on a phone one thing fills the screen, and back leads back', async () => {
    const ann = await house.open('ann@mail.test', phone)
    await inbox(ann.page)
    await row(ann.page, 'About alpha').locator('.conversation-text').click()
    await ann.page.locator('.thread-title').waitFor()
    assert.equal(await ann.page.locator('.list-pane').isVisible(), false)
    await ann.page.goBack()
    await ann.page.locator('.list-pane').waitFor()
    await ann.page.getByRole('button', { name: 'Folders' }).click()
    await ann.page.getByRole('link', { name: 'Sent' }).click()
    await ann.page.getByRole('heading', { name: 'Sent' }).waitFor()
    const wider = await ann.page.evaluate('document.documentElement.scrollWidth > innerWidth')
    assert.equal(wider, false, 'nothing is wider than the screen')
    assertQuiet(ann)
  })

  for (const [name, options] of [
    ['light', {}],
    ['dark', dark],
    ['phone', phone],
  ] as const) {
    test(`everything of it is accessible: ${name}`, async () => {
      const ann = await house.open('ann@mail.test', options)
      await inbox(ann.page)
      await assertAccessible(ann.page, 'list')
      await row(ann.page, 'About').first().locator('.conversation-text').click()
      await ann.page.locator('.plain-text, .html-mail').first().waitFor()
      await assertAccessible(ann.page, 'conversation')
      await ann.page.getByRole('button', { name: 'Reply', exact: true }).click()
      await ann.page.locator('.compose').waitFor()
      await assertAccessible(ann.page, 'writing')
      assertQuiet(ann)
    })
  }
})
