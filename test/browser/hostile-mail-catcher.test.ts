// Mail that attacks the developer who looks at what was caught: each file of test/corpora/hostile-html in the catcher's preview, which shows the
// HTML as it came, and opened alone. Nothing of it may run, the page around it stays as it is, and nothing is fetched: by requests that
// the browser tells of, and by what its own network log says of names looked up (preconnect, dns-prefetch), which nobody else sees.
import assert from 'node:assert/strict'
import { mkdtemp, readdir, readFile, rm } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { test } from 'node:test'
import type { Browser, Page } from 'playwright-core'
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

/** Frames in which something of the mail ran. A named element is no code that ran. */
async function ran(page: Page): Promise<string[]> {
  const found = await Promise.all(
    page.frames().map(async (frame) => {
      // The browser's own page in the place of a document that was forbidden never answers, and runs nothing.
      if (frame.url().startsWith('chrome-error:') || frame.isDetached()) return []
      const pwned: unknown = await frame.evaluate('window.pwned').catch(() => undefined)
      return pwned === 1 ? [`ran in ${frame.url()}`] : []
    }),
  )
  return found.flat()
}

/** A page for the catcher's preview, and one for the HTML alone. */
interface Lane {
  readonly preview: Page
  readonly alone: Page
  readonly signs: string[]
}

async function openLane(browser: Browser, origin: string): Promise<Lane> {
  const opened = await browser.newContext({ viewport: desktop, reducedMotion: 'reduce' })
  opened.setDefaultTimeout(patience)
  const [preview, alone] = [await opened.newPage(), await opened.newPage()]
  const signs = listen(preview, origin)
  const others = listen(alone, origin)
  return {
    ...{ preview, alone },
    get signs() {
      return [...signs, ...others]
    },
  }
}

/** Milliseconds for the browser to do one thing: the deepest nesting keeps a slow machine busy for long. */
const patience = 120_000
const tooDeep = 'nesting-50000.html'
/** Pages work beside each other, on as many processors as there are. */
const lanes = 2

test('hostile mail in the catcher', { skip, concurrency: lanes }, async (context) => {
  const house = await openCatcherHouse(context)
  const logs = await mkdtemp(join(tmpdir(), 'posthorn-netlog-'))
  context.after(() => rm(logs, { recursive: true, force: true }))
  const log = join(logs, 'net.json')
  const browser = await openBrowser(context, [`--log-net-log=${log}`, '--net-log-capture-mode=Default'])

  const put = async (html: string): Promise<string> => {
    const lines = Buffer.from(html)
      .toString('base64')
      .replaceAll(/(.{76})/g, '$1\n')
    const message = `From: mallory@evil.test\nTo: ann@example.org\nSubject: A vector\nMIME-Version: 1.0\nContent-Type: text/html; charset=utf-8\nContent-Transfer-Encoding: base64\n\n${lines}\n`
    const [, id] = /^250 .* delivered as (\S+)/.exec(await house.send(message)) ?? []
    assert.ok(id !== undefined)
    return id
  }
  const show = async (page: Page, id: string): Promise<string> => {
    await page.goto(`${house.url}/message/${id}`)
    await page.locator('iframe').waitFor()
    await page.waitForLoadState('load')
    return page.evaluate(skeleton)
  }
  /** Alone, and as it is laid out for a screenshot; what ran there. */
  const open = async (page: Page, id: string): Promise<string[]> => {
    const found: string[] = []
    for (const how of ['', '?screenshot=1']) {
      const url = `${house.url}/api/v1/catcher/messages/${id}/html${how}`
      await page.goto(url)
      assert.equal(page.url(), url)
      found.push(...(await ran(page)))
    }
    return found
  }

  const free = await Promise.all(Array.from({ length: lanes }, () => openLane(browser, house.url)))
  const plain = await show(free[0]?.preview ?? assert.fail(), await put('<p>harmless</p>'))
  // The HTML is shown as it came: what 50,000 levels cost the browser (half a minute) is its own, and `deep-nesting` has 3,000.
  const names = (await readdir(folder)).filter((name) => name.endsWith('.html') && name !== tooDeep).sort()
  assert.ok(names.length >= 100)
  await Promise.all(
    names.map((name) =>
      context.test(name.replace('.html', ''), async () => {
        const lane = free.pop() ?? assert.fail('more at once than there are pages')
        try {
          const { preview, alone } = lane
          const before = lane.signs.length
          const id = await put(await readFile(join(folder, name), 'utf8'))
          const [around, ranAlone] = await Promise.all([show(preview, id), open(alone, id)])
          assert.equal(around, plain, 'the page around it')
          assert.deepEqual([...(await ran(preview)), ...ranAlone, ...lane.signs.slice(before)], [])
        } finally {
          free.push(lane)
        }
      }),
    ),
  )

  await context.test('nothing happened later', () => {
    const late = free.flatMap(({ signs }) => signs)
    assert.deepEqual(late, [])
  })

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
