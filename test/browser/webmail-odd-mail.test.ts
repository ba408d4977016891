// Mail as it comes: newsletters laid out with the attributes of old HTML, names and subjects without end, words from right to left,
// names of files that lie; and drafts that somebody is sorry to have sent or thrown away.
import assert from 'node:assert/strict'
import { after, afterEach, before, describe, test } from 'node:test'
import type { Locator, Page } from 'playwright-core'
import { assertQuiet, dark, type House, letter, noChromium, openHouse, phone, until } from './harness.ts'

const newsletter = `From: Deals <news@deals.test>
To: ann@mail.test
Subject: Autumn
MIME-Version: 1.0
Content-Type: text/html; charset=utf-8

<body bgcolor="#eeeeee"><table width="320" cellpadding="9" cellspacing="0" border="1" align="center"><tr>
<td colspan="2" bgcolor="#0a3d62" valign="top">Sale</td></tr><tr><td width="90" nowrap>a</td><td>b</td></tr></table>
<div dir="rtl" class="arabic">\u0645\u0631\u062d\u0628\u0627</div><p align="right"><font color="#c0392b" size="5" face="Arial">Now</font></p></body>
`

const named = `From: Mira <mira@elsewhere.test>
To: ann@mail.test
Subject: The files
MIME-Version: 1.0
Content-Type: multipart/mixed; boundary=b

--b
Content-Type: text/plain

Here.
--b
Content-Type: application/octet-stream
Content-Disposition: attachment; filename*=utf-8''evil%E2%80%AEgpj.exe

MZ
--b--
`

const endless = 'Unbroken'.repeat(30)

describe('webmail, odd mail', { skip: noChromium }, () => {
  let house: House
  after(() => house.close())
  afterEach(() => house.closePages())
  before(async () => {
    house = await openHouse()
    const put = (message: string) => house.put('ann@mail.test', message)
    await put(newsletter)
    await put(named)
    await put(letter({ from: `"${endless}" <e@elsewhere.test>`, subject: endless, text: 'Long.' }))
    for (const [number, subject] of ['The roof', 'Re: The roof', 'AW: Re: The roof'].entries()) {
      const id = `Message-ID: <roof${number}@elsewhere.test>`
      const references = number === 0 ? '' : 'References: <roof0@elsewhere.test>\n'
      await put(
        letter({ from: 'Tom <tom@elsewhere.test>', subject, text: `Drip ${number}.` }).replace(
          /Message-ID: .*\n/,
          `${id}\n${references}`,
        ),
      )
    }
  })

  const row = (page: Page, text: string): Locator => page.locator('.conversation', { hasText: text })
  const inMail = (page: Page, text: string): Promise<unknown> => {
    const frame = page.frames().find((one) => new URL(one.url()).pathname.startsWith('/frame/message'))
    assert.ok(frame !== undefined, 'no frame of mail')
    return frame.evaluate(text)
  }

  test('a newsletter keeps what lays it out', async () => {
    const ann = await house.open('ann@mail.test', dark)
    await ann.page.goto('/mail/')
    await row(ann.page, 'Autumn').locator('.conversation-text').click()
    await ann.page.frameLocator('.html-mail').getByText('Sale').waitFor()
    const kept = await inMail(
      ann.page,
      `({
        attributes: [...document.querySelectorAll('.mail-body, .mail-body *')].flatMap(({ attributes }) =>
          [...attributes].map(({ name, value }) => name + '=' + value)),
        width: document.querySelector('table').offsetWidth,
        direction: getComputedStyle(document.querySelector('.arabic')).direction,
        ground: getComputedStyle(document.querySelector('.mail-body')).backgroundColor,
        margin: getComputedStyle(document.querySelector('.mail-body')).paddingLeft,
      })`,
    )
    const { attributes, ...drawn } = kept as { attributes: string[] }
    const wanted =
      'width=320 cellpadding=9 cellspacing=0 border=1 align=center colspan=2 bgcolor=#0a3d62 valign=top'
    for (const attribute of `${wanted} width=90 dir=rtl align=right color=#c0392b size=5 face=Arial`.split(
      ' ',
    )) {
      assert.ok(attributes.includes(attribute), `${attribute} is lost: ${attributes.join(' ')}`)
    }
    assert.deepEqual(drawn, { width: 320, direction: 'rtl', ground: 'rgb(238, 238, 238)', margin: '16px' })
    assertQuiet(ann)
  })

  test('names without end push nothing out of its place', async () => {
    const { page, troubles } = await house.open('ann@mail.test', phone)
    await house.jmap('ann@mail.test', [
      [
        'Mailbox/set',
        { accountId: await house.accountId('ann@mail.test'), create: { a: { name: endless } } },
        '0',
      ],
    ])
    await page.goto('/mail/')
    const outside = (selector: string): Promise<number> =>
      page
        .locator(selector)
        .evaluateAll(
          (elements, width) => elements.filter((one) => one.getBoundingClientRect().right > width).length,
          page.viewportSize()?.width ?? 0,
        )
    await row(page, 'Unbroken').waitFor()
    assert.equal(await outside('.conversation-time, .conversation-people, .conversation-subject'), 0)
    await page.getByRole('button', { name: 'Folders', exact: true }).click()
    // What is unread stands at the end of the line.
    await page.locator('.shell-side.is-open .nav-item', { hasText: 'Unbroken' }).waitFor()
    const side = await page.locator('.shell-side').evaluate((one) => [one.scrollWidth, one.clientWidth])
    assert.equal(side[0], side[1], 'the folders scroll sideways')
    await page.getByRole('link', { name: /Inbox.*unread/ }).click()
    await row(page, 'Unbroken').locator('.conversation-text').click()
    await page.locator('.message', { hasText: 'Long.' }).waitFor()
    assert.equal(await outside('.message-time, .message-who, .thread-title'), 0)
    assert.deepEqual(troubles, [])
  })

  test('a conversation is called what it began with, and a file by its true name', async () => {
    const ann = await house.open('ann@mail.test')
    await ann.page.goto('/mail/')
    const subject = row(ann.page, 'The roof').locator('.conversation-subject')
    assert.equal((await subject.innerText()).trim(), 'The roof')
    await row(ann.page, 'The roof').locator('.conversation-text').click()
    await ann.page.getByRole('heading', { level: 1, name: 'The roof', exact: true }).waitFor()
    await row(ann.page, 'The files').locator('.conversation-text').click()
    await ann.page.locator('.attachment', { hasText: 'evilgpj.exe' }).waitFor()
    assertQuiet(ann)
  })

  test('many recipients leave room for the text and for sending', async () => {
    const to = Array.from({ length: 60 }, (_, number) => `Member ${number} <m${number}@club.test>`).join(', ')
    const message = letter({
      from: 'Club <club@club.test>',
      to: `${to}, ann@mail.test`,
      subject: 'To all',
      text: 'x',
    })
    await house.put('ann@mail.test', message)
    for (const size of [{}, phone]) {
      const ann = await house.open('ann@mail.test', size)
      await ann.page.goto('/mail/')
      await row(ann.page, 'To all').locator('.conversation-text').click()
      await ann.page.getByRole('button', { name: 'Reply to all' }).click()
      const window = ann.page.getByRole('dialog', { name: 'Reply' })
      await window.getByText('Member 59').waitFor()
      const text = await window.locator('.editor-frame').boundingBox()
      assert.ok(text !== null && text.height > 100, `room for the text: ${text?.height}`)
      // Nothing lies over it.
      await window.getByRole('button', { name: 'Send', exact: true }).click({ trial: true })
      await window.getByLabel('Cc', { exact: true }).pressSequentially('bob@mail.test,')
      await window.getByRole('button', { name: /Remove .*bob@mail.test/ }).waitFor()
      assertQuiet(ann)
    }
  })

  test('a dialog gives the focus back', async () => {
    const ann = await house.open('ann@mail.test')
    await ann.page.goto('/mail/')
    const button = ann.page.getByRole('button', { name: 'New folder' })
    await button.focus()
    await ann.page.keyboard.press('Enter')
    await ann.page.getByRole('dialog', { name: 'New folder' }).waitFor()
    await ann.page.keyboard.press('Escape')
    await ann.page.getByRole('dialog', { name: 'New folder' }).waitFor({ state: 'detached' })
    await until(ann.page, 'the focus', () => button.evaluate((one) => one.matches(':focus')))
    assertQuiet(ann)
  })

  test('plain text that was sent and taken back, or thrown away, is there again', async () => {
    const ann = await house.open('ann@mail.test')
    const { page } = ann
    await page.goto('/mail/')
    await page.getByRole('heading', { name: 'Inbox' }).waitFor()
    await page.keyboard.press('c')
    const fresh = page.getByRole('dialog', { name: 'New message' })
    await fresh.waitFor()
    await page.keyboard.type('bob@mail.test,')
    await page.getByPlaceholder('Subject').fill('Plainly')
    await fresh.getByRole('button', { name: 'More' }).click()
    await page.getByRole('menuitemcheckbox', { name: 'Plain text' }).click()
    const text = page.getByRole('textbox', { name: 'Text of the message' })
    await text.fill('One line,\n\nand another.')
    await page.getByRole('button', { name: 'Send', exact: true }).click()
    await page.getByRole('button', { name: 'Undo' }).click()
    const again = page.getByRole('dialog', { name: 'Draft' })
    await again.waitFor()
    assert.equal(await text.inputValue(), 'One line,\n\nand another.')
    await again.getByRole('button', { name: 'Throw the draft away' }).click()
    await page.getByText('Draft thrown away').waitFor()
    // By the key, which is there for longer than the toast.
    await page.keyboard.press('z')
    await again.waitFor()
    assert.equal(await text.inputValue(), 'One line,\n\nand another.')
    await text.fill('One line, and another.')
    await until(
      page,
      'saved again',
      async () => (await again.getByText('Saved', { exact: true }).count()) === 1,
    )
    assertQuiet(ann)
  })
})
