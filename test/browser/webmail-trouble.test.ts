// The webmail when something goes wrong beneath it: the session ends while somebody writes, the network goes, the server refuses.
import assert from 'node:assert/strict'
import { after, before, describe, test } from 'node:test'
import type { Locator, Page } from 'playwright-core'
import { assertQuiet, type House, letter, noChromium, openHouse, password, until } from './harness.ts'

describe('webmail, in trouble', { skip: noChromium }, () => {
  let house: House
  after(() => house.close())
  before(async () => {
    house = await openHouse()
    for (const word of ['alpha', 'beta', 'gamma', 'delta']) {
      const message = letter({
        from: `${word}@elsewhere.test`,
        subject: `About ${word}`,
        text: `The ${word} text.`,
      })
      await house.put('ann@mail.test', message, { keywords: ['$seen'] })
    }
  })

  const row = (page: Page, text: string): Locator => page.locator('.conversation', { hasText: text })
  const title = (page: Page, name: string): Locator =>
    page.getByRole('heading', { level: 1, name, exact: true })
  const inbox = async (page: Page): Promise<void> => {
    await page.goto('/mail/')
    await row(page, 'About beta').waitFor()
  }

  test('who is logged out while writing loses nothing, and goes on after logging in elsewhere', async () => {
    const { page } = await house.open('ann@mail.test')
    await inbox(page)
    await page.keyboard.press('c')
    const window = page.getByRole('dialog', { name: 'New message' })
    await window.waitFor()
    await page.keyboard.type('bob@mail.test,')
    const editor = page.frameLocator('.editor-frame').getByRole('textbox')
    await editor.click()
    await page.context().clearCookies()
    await editor.pressSequentially('Not to be lost.')
    await window.getByText('You have been logged out').waitFor()
    assert.match(page.url(), /\/mail\//, 'the page stays where it is')
    assert.equal((await editor.innerText()).trim(), 'Not to be lost.')
    const answer = await page.context().request.post('/api/v1/session', {
      data: { address: 'ann@mail.test', password },
      headers: { origin: house.origin },
    })
    assert.equal(answer.status(), 200)
    await window.getByText('Saved').waitFor()
    await window.getByText('You have been logged out').waitFor({ state: 'detached' })
    await window.getByRole('button', { name: 'Close and keep the draft' }).click()
    await page.getByRole('link', { name: 'Drafts' }).click()
    await row(page, 'Not to be lost.').waitFor()
  })

  test('what could not be done is as it was, and nothing offers to undo it', async () => {
    const { page } = await house.open('ann@mail.test')
    await inbox(page)
    await page.context().setOffline(true)
    await page.getByText('Offline:').waitFor()
    await row(page, 'About gamma').locator('.conversation-text').click()
    await page.getByText('The message could not be loaded').waitFor()
    await page.keyboard.press('e')
    await page.getByText('That did not work').waitFor()
    assert.equal(await page.getByRole('button', { name: 'Undo' }).count(), 0)
    await page.context().setOffline(false)
    await row(page, 'About gamma').waitFor()
    await row(page, 'About gamma').locator('.conversation-text').click()
    await page.locator('.message', { hasText: 'The gamma text.' }).waitFor()
  })

  test('a message that could not be loaded comes by itself with the network', async () => {
    const { page } = await house.open('ann@mail.test')
    await inbox(page)
    await page.context().setOffline(true)
    await page.getByText('Offline:').waitFor()
    await row(page, 'About delta').locator('.conversation-text').click()
    await page.getByText('The message could not be loaded').waitFor()
    await page.context().setOffline(false)
    await page.locator('.message', { hasText: 'The delta text.' }).waitFor()
  })

  test('a stream of changes that was refused is asked for again', async () => {
    const { page } = await house.open('ann@mail.test')
    let refusals = 0
    await page.route('**/jmap/eventsource**', (route) =>
      refusals++ === 0 ? route.fulfill({ status: 502, body: 'a proxy' }) : route.continue(),
    )
    await inbox(page)
    await until(page, 'a second try', async () => Promise.resolve(refusals > 1))
    await house.put(
      'ann@mail.test',
      letter({ from: 'e@elsewhere.test', subject: 'About epsilon', text: 'Here.' }),
    )
    await row(page, 'About epsilon').waitFor()
  })

  test('what is archived by its key gives way to the next', async () => {
    const ann = await house.open('ann@mail.test')
    const { page } = ann
    await inbox(page)
    const [first, second] = await page.locator('.conversation-subject').allInnerTexts()
    assert.ok(first !== undefined && second !== undefined)
    await row(page, first.trim()).locator('.conversation-text').click()
    await title(page, first.trim()).waitFor()
    await page.keyboard.press('e')
    await title(page, second.trim()).waitFor()
    await page.keyboard.press('z')
    await row(page, first.trim()).waitFor()
    assertQuiet(ann)
  })
})
