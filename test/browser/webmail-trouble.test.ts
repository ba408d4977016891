// The webmail when something goes wrong beneath it: the session ends while somebody writes, the network goes, the server refuses.
import assert from 'node:assert/strict'
import { after, afterEach, before, describe, test } from 'node:test'
import type { Locator, Page } from 'playwright-core'
import {
  assertAccessible,
  assertQuiet,
  type House,
  letter,
  noChromium,
  openHouse,
  password,
  until,
} from './harness.ts'

describe('webmail, in trouble', { skip: noChromium }, () => {
  let house: House
  after(() => house.close())
  afterEach(() => house.closePages())
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
    await window.getByText('Saved', { exact: true }).waitFor()
    await window.getByText('You have been logged out').waitFor({ state: 'detached' })
    await window.getByRole('button', { name: 'Close and keep the draft' }).click()
    await page.getByRole('link', { name: 'Drafts' }).click()
    await row(page, 'Not to be lost.').waitFor()
  })

  test('who is logged out while writing logs in over the page, and it is saved', async () => {
    const { page } = await house.open('ann@mail.test')
    await inbox(page)
    await page.keyboard.press('c')
    const window = page.getByRole('dialog', { name: 'New message' })
    await window.waitFor()
    await page.keyboard.type('bob@mail.test,')
    await page.context().clearCookies()
    await page.getByPlaceholder('Subject').fill('Kept over a log-in')
    await window.getByText('You have been logged out').waitFor()
    await window.getByRole('button', { name: 'Log in' }).click()
    const question = page.getByRole('dialog', { name: 'You have been logged out' })
    await assertAccessible(page, 'log in again')
    await question.getByLabel('Your password').fill(password)
    await page.keyboard.press('Enter')
    await page.getByRole('status').filter({ hasText: 'Saved' }).waitFor()
    await page.getByRole('button', { name: 'Close and keep the draft' }).click()
    await page.getByRole('link', { name: 'Drafts' }).click()
    await row(page, 'Kept over a log-in').waitFor()
  })

  test('a browser that dies takes along no more than the last words', async () => {
    const { page, kill } = await house.openMortal('ann@mail.test')
    await inbox(page)
    await page.keyboard.press('c')
    await page.getByRole('dialog', { name: 'New message' }).waitFor()
    await page.getByPlaceholder('Subject').fill('Written in haste')
    const editor = page.frameLocator('.editor-frame').getByRole('textbox')
    await editor.click()
    const accountId = await house.accountId('ann@mail.test')
    const query = { accountId, filter: { subject: 'Written in haste', body: 'word' } }
    const isSaved = async (): Promise<boolean> => {
      const [found] = await house.jmap('ann@mail.test', [['Email/query', query, '0']])
      const ids = found?.[1]['ids']
      return Array.isArray(ids) && ids.length > 0
    }
    // Without a pause in which a change could settle.
    let saved = false
    const asking = until(page, 'a draft', async () => (saved = await isSaved()))
    while (!saved) await editor.pressSequentially('word ', { delay: 50 })
    await asking
    await kill()
    const again = await house.open('ann@mail.test')
    await inbox(again.page)
    await again.page.getByRole('link', { name: 'Drafts' }).click()
    await row(again.page, 'Written in haste').first().locator('.conversation-text').click()
    await again.page.getByRole('button', { name: 'Go on writing' }).first().click()
    await again.page.getByRole('dialog', { name: 'Draft' }).waitFor()
    await again.page.frameLocator('.editor-frame').getByText('word').first().waitFor()
    assert.equal(await again.page.getByPlaceholder('Subject').inputValue(), 'Written in haste')
    assertQuiet(again)
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

  test('what comes while every stream of changes is refused is shown all the same', async () => {
    const { page } = await house.open('ann@mail.test')
    let refusals = 0
    await page.route('**/jmap/eventsource**', (route) => {
      refusals++
      return route.fulfill({ status: 502, body: 'a proxy' })
    })
    await inbox(page)
    await until(page, 'a refusal', async () => Promise.resolve(refusals > 0))
    const message = letter({ from: 'e@elsewhere.test', subject: 'About epsilon', text: 'Here.' })
    await house.put('ann@mail.test', message)
    await row(page, 'About epsilon').waitFor()
    await until(page, 'a second try', async () => Promise.resolve(refusals > 1))
  })

  test('a machine that slept opens its stream anew, and shows what came meanwhile', async () => {
    const { page } = await house.open('ann@mail.test')
    await page.clock.install()
    // The first stream dies without a word, as a connection does whose other end is gone.
    await page.addInitScript(`{
      let streams = 0
      const Real = EventSource
      globalThis.EventSource = class extends Real {
        #dies = ++streams === 1
        addEventListener(name, listener) {
          super.addEventListener(name, (event) => {
            if (this.#dies && name !== 'open') globalThis.unheard = (globalThis.unheard ?? 0) + 1
            else listener(event)
          })
        }
      }
    }`)
    // Once the stream is open the page looks for itself, and then listens alone.
    const caughtUp = page.waitForResponse(
      (response) => response.request().postData()?.includes('Email/changes') === true,
    )
    await inbox(page)
    await caughtUp
    const message = letter({ from: 'z@elsewhere.test', subject: 'About zeta', text: 'Here.' })
    await house.put('ann@mail.test', message)
    await until(page, 'news that nobody hears', () => page.evaluate<boolean>('globalThis.unheard > 0'))
    assert.equal(await row(page, 'About zeta').count(), 0)
    await page.clock.fastForward('10:00')
    await row(page, 'About zeta').waitFor()
  })

  test('what a server refuses since too much is asked at once is asked again', async () => {
    const { page } = await house.open('ann@mail.test')
    let asked = 0
    await page.route('**/jmap/api', (route) =>
      asked++ < 2
        ? route.fulfill({ status: 429, json: { limit: 'maxConcurrentRequests' } })
        : route.continue(),
    )
    await inbox(page)
    assert.ok(asked > 2)
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
