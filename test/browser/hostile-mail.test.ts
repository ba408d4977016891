// Mail that attacks its reader: each file of test/corpora/hostile-html is shown as a mail. Nothing of it may run, nothing may be fetched,
// and the page stays where it is. What happens when the reader asks for pictures: they are fetched, and nothing else is.
import assert from 'node:assert/strict'
import { readdirSync, readFileSync } from 'node:fs'
import { join } from 'node:path'
import { after, before, describe, test } from 'node:test'
import { type House, noChromium, openHouse, until, type WatchedPage } from './harness.ts'

const folder = join(import.meta.dirname, '../corpora/hostile-html')
const vectors = readdirSync(folder)
  .filter((file) => file.endsWith('.html'))
  .map((file) => file.replace('.html', ''))

/** Runs in the frame: elements that should not be there, attributes that run something, addresses to load from. */
const remains = `[...document.body.querySelectorAll('*')].flatMap((element) => [
  ...(/^(script|iframe|frame|object|embed|form|input|button|meta|link|base|svg|math|video|audio|template)$/.test(element.localName) ? [element.outerHTML] : []),
  ...[...element.attributes]
    .filter(({ name, value }) => /^on/.test(name) || (/^(src|srcset|background|poster|href|action|formaction|ping)$/.test(name) && /javascript:|vbscript:|^data:text/i.test(value)) ||
      (/^(src|srcset|background|poster|ping|style)$/.test(name) && /evil[.]test/.test(value)))
    .map(({ name, value }) => name + '=' + value),
  ...(element.localName === 'style' && /evil[.]test/.test(element.textContent) ? [element.textContent] : []),
])`

function hostile(name: string, html: string): string {
  const fields = `From: Mallory <mallory@evil.test>\nTo: ann@mail.test\nSubject: Vector ${name}\nMessage-ID: <${name}@evil.test>\nMIME-Version: 1.0`
  const body = Buffer.from(`${html}<p>after the attack</p>`)
    .toString('base64')
    .replaceAll(/(.{76})/g, '$1\n')
  return `${fields}\nContent-Type: text/html; charset=utf-8\nContent-Transfer-Encoding: base64\n\n${body}\n`
}

describe('hostile mail', { skip: noChromium }, () => {
  let house: House
  let ann: WatchedPage
  after(() => house.close())
  before(async () => {
    house = await openHouse()
    for (const name of vectors) {
      await house.put('ann@mail.test', hostile(name, readFileSync(join(folder, `${name}.html`), 'utf8')))
    }
    ann = await house.open('ann@mail.test')
    // In every frame, before anything of it runs.
    await ann.page.addInitScript(
      `addEventListener('message', (event) => { if (event.data === 'pwned') window.pwned = 1 })`,
    )
    await ann.page.goto('/mail/')
    await ann.page.locator('.conversation-text').first().waitFor()
  })

  for (const name of vectors) {
    test(name, async () => {
      const { page, troubles } = ann
      troubles.length = 0
      await page.getByLabel('Search mail').fill(`subject:"Vector ${name}"`)
      await page.keyboard.press('Enter')
      const row = page.locator('.conversation', { has: page.getByText(`Vector ${name}`, { exact: true }) })
      await row.locator('.conversation-text').click()
      const frame = page.frameLocator('.html-mail')
      await frame.locator('body').waitFor({ state: 'attached' })
      await until(page, 'the mail is shown', async () => (await frame.locator('.mail-body').count()) === 1)
      for (const one of page.frames()) assert.equal(await one.evaluate('window.pwned'), undefined, one.url())
      const inside = page.frames().find((one) => one.url().includes('/frame/message'))
      assert.deepEqual(await inside?.evaluate(remains), [])
      assert.match(page.url(), new RegExp(`^${house.origin}/mail/`))
      // What is being cleaned is parsed where nothing runs; Chromium writes down that the policy would not have let it run either. That none
      // of it is left was seen above.
      const others = troubles.filter(
        (one) =>
          !/Executing inline event handler violates|Setting the document's base URI|Loading media from .*has been blocked/.test(
            one,
          ),
      )
      assert.deepEqual(others, [])
    })
  }

  test('pictures come when they are asked for, and nothing else', async () => {
    const reader = await house.open('ann@mail.test')
    const asked: string[] = []
    await reader.page.context().route('http://evil.test/**', (route) => {
      asked.push(route.request().url())
      return route.fulfill({ contentType: 'image/gif', body: Buffer.from('R0lGODlhAQABAAAAACw=', 'base64') })
    })
    const html =
      '<img src="http://evil.test/seen.gif"><script src="http://evil.test/x.js"></script><link rel="stylesheet" href="http://evil.test/x.css">'
    await house.put('ann@mail.test', hostile('with a picture', html))
    await reader.page.goto('/mail/')
    await reader.page
      .locator('.conversation', { hasText: 'with a picture' })
      .locator('.conversation-text')
      .click()
    await reader.page.getByText('Pictures from elsewhere are not loaded').waitFor()
    assert.deepEqual(asked, [])
    await reader.page.getByRole('button', { name: 'Show them' }).click()
    await until(reader.page, 'the picture', () => Promise.resolve(asked.length > 0))
    assert.deepEqual(asked, ['http://evil.test/seen.gif'])
  })
})
