// A message in the catcher's page: from every side, its links, releasing it, the picture of it, and one that cannot be read.
import assert from 'node:assert/strict'
import { readFile } from 'node:fs/promises'
import { PhotonImage } from '@silvia-odwyer/photon-node'
import { openCatcherHouse } from '../support/catcher-house.ts'
import { inBrowser, open, opened, row, type Settings } from './catcher-page.ts'
import { until } from './harness.ts'
import { order } from './sample-mail.ts'
import { assertAccessible } from './watched-page.ts'

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

inBrowser('a message that could not be read is read when somebody tries again', async (context, browser) => {
  const { page } = await open(context, browser, { mail: [order] })
  await page.route(/\/catcher\/messages\/\w+$/, (route) => route.fulfill({ status: 503, body: '{}' }))
  await row(page, 'Your order').getByRole('link').click()
  await page.getByText('The message could not be opened').waitFor()
  await page.unrouteAll()
  await page.getByRole('button', { name: 'Try again' }).click()
  await opened(page, 'Your order #2041 is on its way').waitFor()
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

const long = `From: Shop <app@shop.example>
To: Ann <ann@example.org>
Subject: Longer than a page
MIME-Version: 1.0
Content-Type: text/html; charset=utf-8

<!doctype html><html><head><style>body { margin: 0 } p { margin: 0; height: 1000px; background: #def }</style></head>
<body>${Array.from({ length: 6 }, (_, index) => `<p>Part ${index}: <a href="https://elsewhere.test/part-${index}">read on</a></p>`).join('\n')}</body></html>
`

inBrowser('a mail is printed to its end, as the width of paper makes it', async (context, browser) => {
  const { page, house, assertClean } = await open(context, browser)
  await house.send(long)
  await row(page, 'Longer than a page').click()
  await page.locator('.device[style*="--paper-height"]').waitFor()
  const paper = page.locator('.device')
  assert.match((await paper.getAttribute('style')) ?? '', /--paper-width: 680px; --paper-height: 6000px/)
  const pdf = (await page.pdf({ format: 'A4' })).toString('latin1')
  // A page of A4 has room for some 1050 pixels.
  const pages = pdf.match(/\/Type\s*\/Page\b/g)?.length ?? 0
  assert.ok(pages >= 6 && pages <= 8, `${pages} pages`)
  // As on a phone, where somebody looks at it so.
  await page.getByRole('button', { name: 'Phone' }).click()
  await page.locator('.device[style*="--paper-width: 375px"]').waitFor()
  assertClean()
})
