// Writing and sorting in the webmail: files, pictures, links, sending later, dragging to a folder; and the first account of a new server.
import assert from 'node:assert/strict'
import { mkdtemp, rm, writeFile } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { after, afterEach, before, describe, test } from 'node:test'
import type { Locator, Page } from 'playwright-core'
import { startPosthorn } from '../../src/main.ts'
import { resolveConfig } from '../../src/config/layers.ts'
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

/** A PNG of one pixel. */
const pixel =
  'iVBORw0KGgoAAAANSUhEUgAAAAEAAAABCAYAAAAfFcSJAAAADUlEQVR42mNk+M9QDwADhgGAWjR9awAAAABJRU5ErkJggg=='

function inFrame(page: Page, path: string, text: string): Promise<unknown> {
  const frame = page.frames().find((one) => new URL(one.url()).pathname.startsWith(path))
  assert.ok(frame !== undefined, path)
  return frame.evaluate(text)
}

describe('webmail, writing', { skip: noChromium }, () => {
  let house: House
  after(() => house.close())
  afterEach(() => house.closePages())
  before(async () => {
    house = await openHouse()
    await house.put(
      'ann@mail.test',
      letter({ from: 'Dan <dan@elsewhere.test>', subject: 'To be filed', text: 'Paper.' }),
      { keywords: ['$seen'] },
    )
  })

  const row = (page: Page, text: string): Locator => page.locator('.conversation', { hasText: text })
  const write = async (page: Page, subject: string): Promise<Locator> => {
    await page.goto('/mail/')
    await page.getByRole('heading', { name: 'Inbox' }).waitFor()
    await page.keyboard.press('c')
    await page.getByRole('dialog', { name: 'New message' }).waitFor()
    await page.keyboard.type('bob@mail.test,')
    await page.getByPlaceholder('Subject').fill(subject)
    const editor = page.frameLocator('.editor-frame').getByRole('textbox')
    await editor.click()
    return editor
  }
  const send = async (page: Page): Promise<void> => {
    await page.getByRole('button', { name: 'Send', exact: true }).click()
    await page.locator('.toaster').getByText('Sent', { exact: true }).waitFor()
  }

  test('a file that was chosen and a picture that was pasted arrive', async () => {
    const ann = await house.open('ann@mail.test', { undoSeconds: 0 })
    const editor = await write(ann.page, 'With files')
    await editor.pressSequentially('Look: ')
    await ann.page.getByLabel('Files to add').setInputFiles({
      name: 'list.txt',
      mimeType: 'text/plain',
      buffer: Buffer.from('lentils\nonions\n'),
    })
    await ann.page.locator('.compose-files', { hasText: 'list.txt' }).waitFor()
    await inFrame(
      ann.page,
      '/frame/editor',
      `{
        const octets = Uint8Array.from(atob('${pixel}'), (one) => one.charCodeAt(0))
        const clipboardData = new DataTransfer()
        clipboardData.items.add(new File([octets], 'dot.png', { type: 'image/png' }))
        const paste = new ClipboardEvent('paste', { clipboardData, bubbles: true, cancelable: true })
        document.querySelector('[role=textbox]').dispatchEvent(paste)
      }`,
    )
    await editor.locator('img').waitFor()
    await send(ann.page)
    const bob = await house.open('bob@mail.test')
    await bob.page.goto('/mail/')
    await row(bob.page, 'With files').locator('.conversation-text').click()
    await bob.page.frameLocator('.html-mail').locator('img').waitFor()
    const width = "document.querySelector('img').naturalWidth"
    await until(bob.page, 'the picture', async () => (await inFrame(bob.page, '/frame/message', width)) === 1)
    const files = bob.page.locator('.message .attachment-list')
    await files.getByText('list.txt').waitFor()
    assert.equal(await files.getByText('dot.png').count(), 0, 'a picture in the text is no file beside it')
    assertQuiet(ann, bob)
  })

  test('files that are dragged over the page are dropped into the message, and nowhere else', async () => {
    const ann = await house.open('ann@mail.test')
    const { page } = ann
    await write(page, 'By mouse')
    const folder = await mkdtemp(join(tmpdir(), 'posthorn-dragged-'))
    const files = [join(folder, 'list.txt'), join(folder, 'dot.png')]
    await writeFile(files[0] ?? '', 'lentils\n')
    await writeFile(files[1] ?? '', Buffer.from(pixel, 'base64'))
    const devtools = await page.context().newCDPSession(page)
    const drag = async (type: 'dragEnter' | 'dragOver' | 'drop', x: number, y: number): Promise<void> => {
      const items = [{ mimeType: 'text/plain', data: files.join('\n') }]
      const data = { items, files, dragOperationsMask: 1 }
      await devtools.send('Input.dispatchDragEvent', { type, x, y, data })
    }
    const hint = page.getByText('Drop them here to add them')
    /** As long as they are over the page, browsers say so again and again. */
    const hold = async (x: number, y: number): Promise<void> => {
      await drag('dragEnter', x, y)
      await until(page, 'where to drop them', async () => {
        await drag('dragOver', x, y)
        return hint.isVisible()
      })
    }
    // Beside it the page stays what it is.
    await hold(300, 300)
    await drag('drop', 300, 300)
    await hint.waitFor({ state: 'detached' })
    assert.equal(await page.locator('.compose-files').count(), 0)
    const at = await page.locator('.editor-frame').boundingBox()
    assert.ok(at !== null)
    // They come from outside, over the page, to the frame of the editor.
    await hold(300, 300)
    await drag('dragOver', at.x + 50, at.y + 50)
    await drag('drop', at.x + 50, at.y + 50)
    await page.locator('.compose-files', { hasText: 'list.txt' }).waitFor()
    await page.frameLocator('.editor-frame').locator('img').waitFor()
    assert.match(page.url(), /\/mail\//)
    await hint.waitFor({ state: 'detached' })
    await rm(folder, { recursive: true })
    assertQuiet(ann)
  })

  for (const [action, keyword] of [
    ['Reply', '$answered'],
    ['Forward', '$forwarded'],
  ] as const) {
    test(`a draft that was taken up again marks what it answers when it is sent: ${action}`, async () => {
      const subject = `Begun today: ${action.toLowerCase()}`
      const message = letter({ from: 'Bob <bob@mail.test>', subject, text: 'Any news?' })
      const original = await house.put('ann@mail.test', message, { keywords: ['$seen'] })
      const ann = await house.open('ann@mail.test', { undoSeconds: 0 })
      const { page } = ann
      await page.goto('/mail/')
      await row(page, subject).locator('.conversation-text').click()
      await page.getByRole('button', { name: action, exact: true }).click()
      const editor = page.frameLocator('.editor-frame').getByRole('textbox')
      // Where a message is passed on, the first thing asked for is to whom.
      if (action === 'Forward') await page.getByRole('combobox', { name: 'To' }).fill('bob@mail.test,')
      await editor.click()
      await editor.pressSequentially('Tomorrow.')
      await editor.getByText('Tomorrow.').waitFor()
      await page.getByRole('button', { name: 'Close and keep the draft' }).click()
      await page.getByText('Draft kept').waitFor()
      // Anew: nothing is remembered but what the draft says.
      await page.goto('/mail/')
      await page.getByRole('link', { name: 'Drafts' }).click()
      await row(page, subject).locator('.conversation-text').click()
      await page.getByRole('button', { name: 'Go on writing' }).click()
      for (const text of ['Tomorrow.', 'Any news?'])
        await page.frameLocator('.editor-frame').getByText(text).waitFor()
      await send(page)
      const accountId = await house.accountId('ann@mail.test')
      await until(page, 'the mark', async () => {
        const get = { accountId, ids: [original], properties: ['keywords'] }
        const [answer] = await house.jmap('ann@mail.test', [['Email/get', get, '0']])
        const [email] = (answer?.[1]['list'] ?? []) as { keywords: Record<string, boolean> }[]
        return email?.keywords[keyword] === true
      })
      assertQuiet(ann)
    })
  }

  test('who writes in a field before the editor has come goes on there', async () => {
    const message = letter({ from: 'Cid <cid@elsewhere.test>', subject: 'A late editor', text: 'Any news?' })
    await house.put('ann@mail.test', message, { keywords: ['$seen'] })
    const { page } = await house.open('ann@mail.test')
    const held = Promise.withResolvers<void>()
    await page.route('**/frame/editor', async (route) => {
      await held.promise
      await route.continue()
    })
    await page.goto('/mail/')
    await row(page, 'A late editor').locator('.conversation-text').click()
    await page.getByRole('button', { name: 'Reply', exact: true }).click()
    await page.getByRole('combobox', { name: 'To' }).pressSequentially('bo')
    held.resolve()
    await page.frameLocator('.editor-frame').getByText('Any news?').waitFor()
    await page.keyboard.type('b@mail.test,')
    await page.getByRole('button', { name: /Remove .*bob@mail.test/ }).waitFor()
  })

  test('what comes while the page is still opening its stream of changes is shown', async () => {
    const bob = await house.open('bob@mail.test')
    const asked = Promise.withResolvers<() => Promise<void>>()
    await bob.page.route('**/jmap/eventsource**', (route) => asked.resolve(() => route.continue()))
    await bob.page.goto('/mail/')
    await bob.page.getByRole('heading', { name: 'Inbox' }).waitFor()
    const goOn = await asked.promise
    await bob.page.waitForLoadState('networkidle')
    const message = letter({ from: 'Dan <dan@elsewhere.test>', subject: 'Between two stools', text: 'Here.' })
    await house.put('bob@mail.test', message)
    await goOn()
    await row(bob.page, 'Between two stools').waitFor()
    assertQuiet(bob)
  })

  test('what is to go out tomorrow is taken back', async () => {
    const ann = await house.open('ann@mail.test')
    const editor = await write(ann.page, 'Not before tomorrow')
    await editor.pressSequentially('Good morning.')
    await ann.page.getByRole('button', { name: 'Send later' }).click()
    await ann.page.getByText('Tomorrow morning').click()
    await ann.page.getByText('Goes out').waitFor()
    await ann.page.getByRole('button', { name: 'Undo' }).click()
    await ann.page.getByText('Taken back').waitFor()
    await ann.page.getByRole('dialog', { name: 'Draft' }).waitFor()
    await ann.page.getByRole('button', { name: 'Close and keep the draft' }).click()
    await ann.page.getByRole('link', { name: 'Drafts' }).click()
    await row(ann.page, 'Not before tomorrow').waitFor()
    assertQuiet(ann)
  })

  test('a conversation is dragged to a folder', async () => {
    const ann = await house.open('ann@mail.test')
    await ann.page.goto('/mail/')
    await row(ann.page, 'To be filed').waitFor()
    await row(ann.page, 'To be filed').dragTo(ann.page.locator('.folder', { hasText: 'Archive' }))
    await ann.page.getByText('moved to Archive').waitFor()
    await until(ann.page, 'gone', async () => (await row(ann.page, 'To be filed').count()) === 0)
    await ann.page.getByRole('link', { name: 'Archive' }).click()
    await row(ann.page, 'To be filed').waitFor()
    assertQuiet(ann)
  })

  test('a label of one’s own is made, leads to all that has it, and is gone when nothing has it', async () => {
    const bob = await house.open('bob@mail.test')
    const { page } = bob
    const message = letter({ from: 'Dan <dan@elsewhere.test>', subject: 'Scores', text: 'Letter D.' })
    await house.put('bob@mail.test', message, { keywords: ['$seen'] })
    await page.goto('/mail/')
    await row(page, 'Scores').locator('.conversation-text').click()
    await page.locator('.thread-title', { hasText: 'Scores' }).waitFor()
    const choose = async (label: string): Promise<void> => {
      await page
        .getByRole('toolbar', { name: 'Conversation' })
        .getByRole('button', { name: 'Move or label' })
        .click()
      await page.getByRole('menu', { name: 'Move or label' }).getByText(label, { exact: true }).click()
    }
    await choose('New label…')
    const dialog = page.getByRole('dialog', { name: 'New label' })
    await dialog.getByLabel('Name').fill('Brass band')
    await dialog.getByText('It will be “brass-band”').waitFor()
    await assertAccessible(page, 'new label')
    await page.keyboard.press('Enter')
    await page.locator('.thread-title').getByRole('link', { name: 'brass-band' }).click()
    await page.getByRole('heading', { name: 'brass-band', level: 1 }).waitFor()
    await row(page, 'Scores').waitFor()
    const side = page.getByRole('navigation').getByRole('link', { name: 'brass-band' })
    await side.waitFor()
    await row(page, 'Scores').locator('.conversation-text').click()
    await page.locator('.thread-title', { hasText: 'Scores' }).waitFor()
    await choose('brass-band')
    await page.getByText('Nothing has this label').waitFor()
    await assertAccessible(page, 'no such label')
    await page.getByRole('button', { name: 'Remove “brass-band” from the side' }).click()
    await side.waitFor({ state: 'detached' })
    assertQuiet(bob)
  })

  test('a link is asked for in a dialog, and leads there', async () => {
    const ann = await house.open('ann@mail.test')
    const editor = await write(ann.page, 'With a link')
    await editor.pressSequentially('menu')
    await ann.page.keyboard.press('Control+a')
    await ann.page.getByRole('button', { name: 'Link' }).click()
    const dialog = ann.page.getByRole('dialog', { name: 'Link' })
    await dialog.waitFor()
    await assertAccessible(ann.page, 'link')
    await ann.page.keyboard.type('javascript:alert(1)')
    assert.equal(await dialog.getByRole('button', { name: 'Set link' }).isDisabled(), true)
    await dialog.getByLabel('Where it leads').fill('example.org/menu')
    await ann.page.keyboard.press('Enter')
    await editor.locator('a[href="https://example.org/menu"]', { hasText: 'menu' }).waitFor()
    assert.equal(await dialog.count(), 0)
    assertQuiet(ann)
  })

  test('a new server: the link of its start makes the first domain and the first admin, once', async () => {
    const fresh = await startPosthorn(
      resolveConfig([
        {
          name: 'test',
          settings: {
            profile: 'test',
            hostname: 'mail.fresh.test',
            auth: { allowClearText: true, argon2Memory: 8, argon2Passes: 1 },
            listeners: [{ service: 'http', address: '127.0.0.1', port: 0, tls: 'none' }],
          },
        },
      ]),
    )
    try {
      const [{ port } = { port: 0 }] = fresh.listeners
      const link = new URL(fresh.setupLink ?? 'http://none.invalid/')
      const page = await (await house.browser.newContext({ serviceWorkers: 'block' })).newPage()
      const address = `http://localhost:${port}${link.pathname}${link.hash}`
      await page.goto(address)
      await until(
        page,
        'the domain',
        async () => (await page.getByLabel('Domain').inputValue()) === 'fresh.test',
      )
      await assertAccessible(page, 'set-up')
      await page.getByLabel('Your address').fill('eve')
      await page.getByLabel('Password').fill(password)
      await page.keyboard.press('Enter')
      await page.waitForURL('**/admin/')
      const session = await page.request.get(`http://localhost:${port}/api/v1/session`)
      assert.match(await session.text(), /eve@fresh\.test/)
      await page.goto('about:blank')
      await page.goto(address)
      await page.getByText('This link does not hold').waitFor()
    } finally {
      await fresh.stop()
    }
  })
})
