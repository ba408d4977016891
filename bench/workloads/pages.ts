// The pages in Chromium: from the address to the list, and scrolling from top to bottom of it. A frame that takes more than 34 ms is
// one that was dropped (60 a second are wanted); each step of scrolling is one animation frame.
import { existsSync } from 'node:fs'
import { mkdtemp, rm } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { setTimeout as sleep } from 'node:timers/promises'
import { type Browser, chromium, type Page, type Request } from 'playwright-core'
import { smtpSource } from '../load/smtp-source.ts'
import { median, type Row } from '../report.ts'
import { posthornCatcher } from '../rivals/catchers.ts'
import { startPosthorn } from '../rivals/posthorn.ts'
import type { RunningServer } from '../server.ts'
import { openImap } from './reading.ts'

const executablePath =
  [process.env['POSTHORN_CHROMIUM'] ?? '', '/usr/bin/chromium'].find((path) => existsSync(path)) ?? null
const frameMilliseconds = 34
/** From top to bottom in so many frames: about ten seconds. */
const throughFrames = 600
/** At a hand's speed: a turn of the wheel in each frame. */
const handFrames = 300
const handPixels = 100

export interface PagesBench {
  readonly ports: {
    readonly smtp: number
    readonly imap: number
    readonly pop3: number
    readonly http: number
  }
  readonly scale: number
  readonly times: number
  readonly say: (text: string) => void
}

/** Nothing, and said so, where there is no Chromium. */
export async function measurePages(bench: PagesBench): Promise<Row[]> {
  if (executablePath === null) {
    bench.say('NO PAGE IS MEASURED: there is no Chromium; apt-get install chromium, or set POSTHORN_CHROMIUM')
    return []
  }
  const browser = await chromium.launch({ executablePath, args: ['--no-sandbox', '--disable-dev-shm-usage'] })
  try {
    return [...(await measureCatcherPage(browser, bench)), ...(await measureWebmail(browser, bench))]
  } finally {
    await browser.close()
  }
}

async function measureCatcherPage(browser: Browser, bench: PagesBench): Promise<Row[]> {
  const { ports, times, scale, say } = bench
  const messages = Math.ceil(10_000 * scale)
  const folder = await mkdtemp(join(tmpdir(), 'posthorn-bench-pages-'))
  try {
    await using catcher = await posthornCatcher(folder, { ports }).start()
    say(`pages: ${catcher.name} with ${messages} messages`)
    await smtpSource({ port: ports.smtp, sessions: 10, messages, size: 4096, connections: 'kept' })
    const runs: Looked[] = []
    for (let run = 0; run < times; run++) {
      runs.push(
        await look(browser, () =>
          Promise.resolve({
            ...{ address: `http://127.0.0.1:${ports.http}/`, row: '.caught-subject' },
            list: '.caught-list',
          }),
        ),
      )
    }
    return rowsOf(`catcher, ${messages} messages`, runs)
  } finally {
    await rm(folder, { recursive: true, force: true })
  }
}

async function measureWebmail(browser: Browser, bench: PagesBench): Promise<Row[]> {
  const { ports, times, scale, say } = bench
  const messages = Math.ceil(100_000 * scale)
  await using server = await startPosthorn({ ...ports, users: 1 })
  say(`pages: webmail with ${messages} messages`)
  await fill(server, messages)
  const origin = `http://127.0.0.1:${ports.http}`
  const runs: Looked[] = []
  for (let run = 0; run < times; run++) {
    runs.push(
      await look(browser, async (page) => {
        const data = { address: 'user0@bench.test', password: 'secret' }
        const answer = await page.context().request.post(`${origin}/api/v1/session`, {
          ...{ data, headers: { origin } },
        })
        if (answer.status() !== 200) throw new Error(`no session: ${await answer.text()}`)
        return { address: `${origin}/mail/`, row: '.conversation-subject', list: '#conversations' }
      }),
    )
  }
  return rowsOf(`webmail, ${messages} messages`, runs)
}

/** Where a list is: its address, what its first row is known by, and what scrolls. */
interface Place {
  readonly address: string
  readonly row: string
  readonly list: string
}

interface Looked {
  readonly toList: number
  /** Octets of JavaScript on the wire until then, compressed. */
  readonly script: number
  readonly through: Scrolled
  readonly byHand: Scrolled
}

interface Scrolled {
  /** Milliseconds of each. */
  readonly frames: readonly number[]
  /** Processor time of the page's main thread, in milliseconds, for a frame: what others on the machine do is not in it. */
  readonly busy: number
}

/** Opens a page with an empty cache, waits for the first row, scrolls through, and then back up as a hand does. */
async function look(browser: Browser, prepare: (page: Page) => Promise<Place>): Promise<Looked> {
  const context = await browser.newContext({
    viewport: { width: 1280, height: 800 },
    serviceWorkers: 'block',
  })
  try {
    const page = await context.newPage()
    const { address, row, list } = await prepare(page)
    const loaded: Promise<number>[] = []
    page.on('requestfinished', (request) => {
      if (request.resourceType() === 'script') loaded.push(bodySize(request))
    })
    const start = performance.now()
    await page.goto(address, { waitUntil: 'commit' })
    await page.locator(row).first().waitFor()
    const toList = performance.now() - start
    const script = (await Promise.all(loaded)).reduce((sum, size) => sum + size, 0)
    await sleep(1000)
    const through = await scroll(page, { list, frames: throughFrames, step: 'through' })
    await page.locator(row).first().waitFor()
    const byHand = await scroll(page, { list, frames: handFrames, step: -handPixels })
    return { toList, script, through, byHand }
  } finally {
    await context.close()
  }
}

async function bodySize(request: Request): Promise<number> {
  const { responseBodySize } = await request.sizes()
  return responseBodySize
}

interface Scrolling {
  readonly list: string
  readonly frames: number
  /** Pixels in each frame. */
  readonly step: number | 'through'
}

async function scroll(page: Page, request: Scrolling): Promise<Scrolled> {
  const tools = await page.context().newCDPSession(page)
  await tools.send('Performance.enable', { timeDomain: 'threadTicks' })
  const busy = async (): Promise<number> => {
    const { metrics } = await tools.send('Performance.getMetrics')
    return (metrics.find(({ name }) => name === 'TaskDuration')?.value ?? 0) * 1000
  }
  const before = await busy()
  const frames = await page.evaluate(scrollBy, request)
  const spent = (await busy()) - before
  await tools.detach()
  return { frames, busy: spent / frames.length }
}

/** Runs in the page: scrolls in each animation frame, and gives the milliseconds between them. */
function scrollBy(request: Scrolling): Promise<number[]> {
  // The page's own types are not those of this program.
  const page = globalThis as unknown as {
    document: { querySelector(selector: string): { scrollTop: number; scrollHeight: number } | null }
    requestAnimationFrame(next: (now: number) => void): void
  }
  const box = page.document.querySelector(request.list)
  if (box === null) throw new Error(`nothing scrolls at ${request.list}`)
  const step = request.step === 'through' ? box.scrollHeight / request.frames : request.step
  const taken: number[] = []
  return new Promise((resolve) => {
    let last = 0
    const frame = (now: number): void => {
      if (last !== 0) taken.push(now - last)
      last = now
      if (taken.length >= request.frames) resolve(taken)
      else {
        box.scrollTop += step
        page.requestAnimationFrame(frame)
      }
    }
    page.requestAnimationFrame(frame)
  })
}

function rowsOf(name: string, runs: readonly Looked[]): Row[] {
  const middle = (figure: (run: Looked) => number): number => median(runs.map(figure))
  const figures = (pick: (run: Looked) => Scrolled): Record<string, number> => ({
    frames: middle((run) => pick(run).frames.length),
    'median, ms': middle((run) => median(pick(run).frames)),
    'longest, ms': middle((run) => Math.max(...pick(run).frames)),
    [`over ${frameMilliseconds} ms`]: middle(
      (run) => pick(run).frames.filter((taken) => taken > frameMilliseconds).length,
    ),
    'CPU ms a frame': middle((run) => pick(run).busy),
  })
  const server = 'posthorn'
  return [
    {
      workload: `${name}: to the list`,
      server,
      figures: { ms: middle(({ toList }) => toList), 'JS, KB': middle(({ script }) => script / 1000) },
    },
    { workload: `${name}: top to bottom`, server, figures: figures(({ through }) => through) },
    { workload: `${name}: by hand`, server, figures: figures(({ byHand }) => byHand) },
  ]
}

/** Messages of many people and subjects into INBOX, a thousand in each APPEND (RFC 3502). */
async function fill(server: RunningServer, messages: number): Promise<void> {
  using reader = await openImap(server, 'user0')
  const group = 1000
  for (let done = 0; done < messages; done += group) {
    const parts = Array.from({ length: Math.min(group, messages - done) }, (_, index) => {
      const text = letter(done + index)
      return ` {${text.length}+}\r\n${text}`
    })
    reader.send(`a APPEND INBOX${parts.join('')}\r\n`)
    const answer = (await reader.until(/(^|\r\n)a [^\r\n]*\r\n$/)).toString('latin1')
    if (!answer.includes('a OK')) throw new Error(answer.slice(0, 200))
  }
}

function letter(number: number): string {
  const date = new Date(Date.UTC(2020, 0, 1) + number * 1_800_000).toUTCString()
  return [
    `From: Person ${number % 997} <p${number % 997}@client.test>`,
    'To: user0@bench.test',
    `Subject: About matter ${number} and what came of it`,
    `Date: ${date.replace('GMT', '+0000')}`,
    `Message-ID: <m${number}@client.test>`,
    '',
    `This is letter ${number}. It is short, and says what is in the list beside its subject.`,
    '',
  ].join('\r\n')
}
