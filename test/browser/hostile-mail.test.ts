// Mail that attacks its reader: each file of test/corpora/hostile-html is shown as a mail, eight in a conversation. Nothing of it may run,
// nothing may be fetched, and the page stays where it is. What happens when the reader asks for pictures: they are fetched, and nothing else is.
import assert from 'node:assert/strict'
import { readdirSync, readFileSync } from 'node:fs'
import { join } from 'node:path'
import { after, before, describe, test } from 'node:test'
import type { Frame, Page } from 'playwright-core'
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

const together = 8
const groups = Array.from({ length: Math.ceil(vectors.length / together) }, (_, number) => ({
  name: `Attack ${number + 1}`,
  vectors: vectors.slice(number * together, (number + 1) * together),
}))

/** Those of one subject answer the same message, so that they are one conversation. */
function hostile(name: string, html: string, subject: string): string {
  const root = `<${subject.replaceAll(' ', '-')}@evil.test>`
  const fields = `From: Mallory ${name} <mallory@evil.test>\nTo: ann@mail.test\nSubject: ${subject}\nMessage-ID: <${name.replaceAll(' ', '-')}@evil.test>\nReferences: ${root}\nMIME-Version: 1.0`
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
    for (const group of groups) {
      for (const name of group.vectors) {
        const html = readFileSync(join(folder, `${name}.html`), 'utf8')
        await house.put('ann@mail.test', hostile(name, html, group.name))
      }
    }
    // All rows of the list are there.
    ann = await house.open('ann@mail.test', { viewport: { width: 1280, height: 1600 } })
    // In every frame, before anything of it runs.
    await ann.page.addInitScript(
      `addEventListener('message', (event) => { if (event.data === 'pwned') window.pwned = 1 })`,
    )
    await ann.page.goto('/mail/')
    await ann.page.locator('.conversation-text').first().waitFor()
  })

  /** The frame in which it is shown, once it is. */
  const frameOf = async (page: Page, name: string): Promise<Frame> => {
    const message = page.getByRole('article', { name: `Message from Mallory ${name}`, exact: true })
    await message.frameLocator('.html-mail').locator('.mail-body').waitFor({ state: 'attached' })
    const frame = await (await message.locator('.html-mail').elementHandle())?.contentFrame()
    assert.ok(frame != null, name)
    return frame
  }

  for (const group of groups) {
    test(group.name, async (context) => {
      const { page, troubles } = ann
      troubles.length = 0
      const row = page.locator('.conversation', { has: page.getByText(group.name, { exact: true }) })
      await row.locator('.conversation-text').click()
      await page.locator('.thread-title', { hasText: group.name }).waitFor()
      for (const name of group.vectors) {
        await context.test(name, async () =>
          assert.deepEqual(await (await frameOf(page, name)).evaluate(remains), []),
        )
      }
      assert.equal(
        page.frames().filter((one) => one.url().includes('/frame/message')).length,
        group.vectors.length,
      )
      for (const one of page.frames()) assert.equal(await one.evaluate('window.pwned'), undefined, one.url())
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
    await house.put('ann@mail.test', hostile('with a picture', html, 'Look at this'))
    await reader.page.goto('/mail/')
    await reader.page
      .locator('.conversation', { hasText: 'Look at this' })
      .locator('.conversation-text')
      .click()
    await reader.page.getByText('Pictures from elsewhere are not loaded').waitFor()
    assert.deepEqual(asked, [])
    await reader.page.getByRole('button', { name: 'Show them' }).click()
    await until(reader.page, 'the picture', () => Promise.resolve(asked.length > 0))
    assert.deepEqual(asked, ['http://evil.test/seen.gif'])
  })
})
