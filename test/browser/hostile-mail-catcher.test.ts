// Mail that attacks the developer who looks at what was caught: each file of test/corpora/hostile-html in the catcher's preview, which shows the
// HTML as it came, and opened alone. Nothing of it may run, the page around it stays as it is, and nothing is fetched: by requests that
// the browser tells of, and by what its own network log says of names looked up (preconnect, dns-prefetch), which nobody else sees.
import assert from 'node:assert/strict'
import { mkdtemp, readdir, readFile, rm } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { test } from 'node:test'
import type { Page } from 'playwright-core'
import { openCatcherHouse } from '../support/catcher-house.ts'
import { desktop, openBrowser, skip } from './watched-page.ts'

const folder = join(import.meta.dirname, '../corpora/hostile-html')

/** The elements around the mail; the same for every mail of this kind. */
const skeleton = `[...document.querySelectorAll('.message-pane *, .shell-bar *')].map(({ localName }) => localName).join(' ') + location.pathname.split('/')[1]`

/** What ran, in any frame; and where pages went. */
function listen(page: Page, origin: string): string[] {
  const signs: string[] = []
  page.on('dialog', (dialog) => {
    signs.push(`dialog: ${dialog.message()}`)
    void dialog.dismiss()
  })
  page.on('console', (message) => {
    if (message.text() === 'pwned') signs.push('console')
  })
  page.on('popup', (popup) => signs.push(`popup: ${popup.url()}`))
  page.on('download', (download) => signs.push(`download: ${download.url()}`))
  page.on('framenavigated', (frame) => {
    if (!frame.url().startsWith(`${origin}/`) && !/^(?:about:|chrome-error:)/.test(frame.url()))
      signs.push(`went to ${frame.url()}`)
  })
  // The browser tells of what it was about to ask for, and then that the policy forbade it.
  page.on('requestfailed', (request) => {
    const reason = request.failure()?.errorText ?? ''
    if (isElsewhere(request.url(), origin) && !/csp|BLOCKED_BY|origin/i.test(reason))
      signs.push(`asked for ${request.url()}: ${reason}`)
  })
  page.on('response', (response) => {
    if (isElsewhere(response.url(), origin)) signs.push(`was answered by ${response.url()}`)
  })
  return signs
}

function isElsewhere(url: string, origin: string): boolean {
  return !url.startsWith(`${origin}/`) && !/^(?:data|about):/.test(url)
}

async function ran(page: Page): Promise<string[]> {
  const found: string[] = []
  for (const frame of page.frames()) {
    // A frame whose document was forbidden never answers.
    const answer = frame.evaluate('window.pwned').catch(() => undefined)
    const pwned: unknown = await Promise.race([answer, page.waitForTimeout(2000)])
    // A named element is no code that ran.
    if (pwned === 1) found.push(`ran in ${frame.url()}`)
  }
  return found
}

test('hostile mail in the catcher', { skip, timeout: 280_000 }, async (context) => {
  const house = await openCatcherHouse(context)
  const logs = await mkdtemp(join(tmpdir(), 'posthorn-netlog-'))
  context.after(() => rm(logs, { recursive: true, force: true }))
  const log = join(logs, 'net.json')
  const browser = await openBrowser(context, [`--log-net-log=${log}`, '--net-log-capture-mode=Default'])
  const opened = await browser.newContext({ viewport: desktop, reducedMotion: 'reduce' })
  const page = await opened.newPage()
  page.setDefaultTimeout(20_000)
  const signs = listen(page, house.url)
  await page.goto(house.url)

  const put = async (html: string): Promise<string> => {
    const lines = Buffer.from(html)
      .toString('base64')
      .replaceAll(/(.{76})/g, '$1\n')
    const message = `From: mallory@evil.test\nTo: ann@example.org\nSubject: A vector\nMIME-Version: 1.0\nContent-Type: text/html; charset=utf-8\nContent-Transfer-Encoding: base64\n\n${lines}\n`
    const [, id] = /^250 .* delivered as (\S+)/.exec(await house.send(message)) ?? []
    assert.ok(id !== undefined)
    return id
  }
  const show = async (id: string): Promise<string> => {
    await page.goto(`${house.url}/message/${id}`)
    await page.locator('iframe').waitFor()
    await page.waitForLoadState('load')
    return page.evaluate(skeleton)
  }
  const plain = await show(await put('<p>harmless</p>'))

  const names = (await readdir(folder)).filter((name) => name.endsWith('.html')).sort()
  assert.ok(names.length >= 100)
  for (const name of names) {
    await context.test(name.replace('.html', ''), async () => {
      signs.length = 0
      const id = await put(await readFile(join(folder, name), 'utf8'))
      const started = performance.now()
      assert.equal(await show(id), plain, 'the page around it')
      assert.deepEqual([...signs, ...(await ran(page))], [])
      await page.goto(`${house.url}/api/v1/catcher/messages/${id}/html`)
      assert.equal(page.url(), `${house.url}/api/v1/catcher/messages/${id}/html`)
      assert.deepEqual([...signs, ...(await ran(page))], [])
      assert.ok(performance.now() - started < 30_000, 'it took too long')
    })
  }

  await context.test('no name of theirs was looked up, by whatever way', async () => {
    await browser.close()
    const text = await readFile(log, 'utf8')
    assert.ok(text.includes('127.0.0.1'), 'the log has nothing')
    const { events } = JSON.parse(text) as { events: readonly { params?: { host?: string; url?: string } }[] }
    const elsewhere = events
      .flatMap(({ params }) => [params?.host ?? '', params?.url ?? ''])
      .filter((one) => /evil\.test/.test(one))
    assert.deepEqual([...new Set(elsewhere)], [])
  })
})
