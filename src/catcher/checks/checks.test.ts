// Checks of a message: HTML against what mail programs know, links without reaching inside, List-Unsubscribe, spamd's report.
import assert from 'node:assert/strict'
import { once } from 'node:events'
import { createServer } from 'node:http'
import type { AddressInfo } from 'node:net'
import { test, type TestContext } from 'node:test'
import fc from 'fast-check'
import { catcherSection } from '../../config/sections/catcher.ts'
import type { HeaderField } from '../../mail/header.ts'
import { splitHeader } from '../../mail/header.ts'
import { RealClock } from '../../net/real-clock.ts'
import { emptyCssFacts, readInlineStyle, readSheet } from './css-facts.ts'
import { checkHtml } from './html.ts'
import { checkLinks, type LinkCheckOptions, linksOf } from './links.ts'
import { parseReport } from './spam.ts'
import { readListUnsubscribe } from './unsubscribe.ts'

const fields = (text: string): readonly HeaderField[] => splitHeader(text.replaceAll('\n', '\r\n')).fields

test('plain HTML is supported nearly everywhere, modern layout is not', async () => {
  const plain = await checkHtml('<html><body><p>Hello <b>Ann</b></p></body></html>')
  assert.ok(plain.total.supported > 75, JSON.stringify(plain.total))
  const modern = await checkHtml(
    '<style>@media (prefers-color-scheme: dark) { a:hover > b { color: var(--x) } }</style><div style="display:grid;gap:1rem"><dialog>x</dialog></div>',
  )
  const slugs = modern.warnings.map(({ slug }) => slug)
  for (const slug of [
    'css-display-grid',
    'css-gap',
    'css-unit-rem',
    'css-variables',
    'html-dialog',
    'css-pseudo-class-hover',
    'css-at-media-prefers-color-scheme',
    'css-selector-child',
  ]) {
    assert.ok(slugs.includes(slug), slug)
  }
  assert.ok(modern.total.supported < plain.total.supported)
  for (const { results, score } of modern.warnings) {
    assert.ok(results.length > 0)
    assert.ok(Math.abs(score.supported + score.partial + score.unsupported - 100) < 0.01)
  }
  assert.ok((modern.platforms['android'] ?? []).includes('Gmail'))
})

test('style sheets: declarations, rules, at-rules, and what is broken', () => {
  const facts = emptyCssFacts()
  readSheet(
    '/* c */ @import "x.css"; @media (hover) { a, .b { color: red !important; background: url(data:a;b) } } p { & b { margin: 0 } } @font-face { src: url(x) } q { content: "a;}" ',
    facts,
  )
  assert.deepEqual(facts.atRules, ['@import "x.css"', '@media (hover)', '@font-face'])
  assert.deepEqual(facts.selectors, ['a, .b', 'p', '& b', 'q'])
  assert.deepEqual(facts.declarations, [
    ['color', 'red !important'],
    ['background', 'url(data:a;b)'],
    ['margin', '0'],
    ['src', 'url(x)'],
  ])
  assert.deepEqual([facts.comments, facts.nested], [1, 1])
  fc.assert(
    fc.property(fc.string(), (text) => {
      readSheet(text, emptyCssFacts())
      readInlineStyle(text, emptyCssFacts())
    }),
    { numRuns: 300 },
  )
})

test('links of a message', () => {
  const html =
    '<a href="https://a.example/?x=1&amp;y=2">a</a><img src="http://b.example/i.png"><a href="mailto:x@y.example">m</a><a href="javascript:alert(1)">j</a><link rel=stylesheet href="https://c.example/s.css">'
  assert.deepEqual(
    linksOf(html, 'See https://d.example/path). Or (https://a.example/?x=1&y=2), or ftp://e.example'),
    [
      ...[
        'https://a.example/?x=1&y=2',
        'http://b.example/i.png',
        'https://c.example/s.css',
        'https://d.example/path',
      ],
    ],
  )
})

const { links: config } = catcherSection.parse({ links: { perHost: 0, timeout: 2000 } })

const options = (change: Partial<LinkCheckOptions> = {}): LinkCheckOptions => ({
  ...{ config, clock: new RealClock(), redirects: 'tell', signal: new AbortController().signal },
  lookUp: (host) => Promise.resolve(host.endsWith('.internal.example') ? ['10.0.0.1'] : ['127.0.0.1']),
  isPublic: (address) => !/^(?:127\.|10\.|169\.254\.|::1$|::ffff:)/.test(address),
  ...change,
})

async function site(context: TestContext): Promise<{ base: string; asked: string[] }> {
  const asked: string[] = []
  const server = createServer((request, response) => {
    asked.push(`${request.method} ${request.url}`)
    if (request.url === '/loop') response.writeHead(302, { location: '/loop' }).end()
    else if (request.url === '/there') response.writeHead(301, { location: '/ok' }).end()
    else if (request.url === '/inside')
      response.writeHead(302, { location: 'http://x.internal.example/secret' }).end()
    else if (request.url === '/get-only') response.writeHead(request.method === 'HEAD' ? 405 : 200).end()
    else response.writeHead(request.url === '/ok' ? 200 : 404).end()
  }).listen(0, '127.0.0.1')
  await once(server, 'listening')
  context.after(() => server.close())
  const { port } = server.address() as AddressInfo
  return { base: `http://site.example:${port}`, asked }
}

test('links are asked, redirects told or followed, to an end', async (context) => {
  const { base } = await site(context)
  const allowed = { ...config, private: 'allowed' as const }
  const paths = ['/ok', '/gone', '/there', '/loop', '/get-only']
  const urls = paths.map((path) => `${base}${path}`)
  const told = await checkLinks(urls, options({ config: allowed }))
  assert.deepEqual(
    told.map(({ statusCode, ok }) => [statusCode, ok]),
    [
      [200, true],
      [404, false],
      [301, true],
      [302, true],
      [200, true],
    ],
  )
  const followed = await checkLinks(urls, options({ config: allowed, redirects: 'follow' }))
  assert.deepEqual(
    followed.map(({ statusCode, status }) => [statusCode, status]),
    [
      [200, 'OK'],
      [404, 'Not Found'],
      [200, 'OK'],
      [0, 'too many redirects'],
      [200, 'OK'],
    ],
  )
  assert.equal(followed[2]?.finalUrl, `${base}/ok`)
})

test('nothing inside is asked: not by name, by address, by number, nor by a redirect', async (context) => {
  const { base, asked } = await site(context)
  const urls = [
    `${base}/ok`,
    base.replace('site.example', '127.0.0.1'),
    base.replace('site.example', '[::1]'),
    base.replace('site.example', '[::ffff:127.0.0.1]'),
    base.replace('site.example', '2130706433'),
    base.replace('site.example', '0x7f.1'),
    'http://169.254.169.254/latest/meta-data/',
    'http://user:pass@site.example/',
  ]
  const results = await checkLinks(urls, options())
  assert.deepEqual(asked, [])
  for (const { ok, statusCode, url } of results) assert.deepEqual([ok, statusCode], [false, 0], url)
  // Public by our word, then sent inside.
  const judge = (address: string): boolean => address === '127.0.0.1'
  const [sent] = await checkLinks([`${base}/inside`], options({ redirects: 'follow', isPublic: judge }))
  assert.equal(sent?.status, 'leads to a private address, which is not asked')
})

test('List-Unsubscribe: what is right, and what is not', () => {
  const signed = 'DKIM-Signature: v=1; d=x.example; h=From:List-Unsubscribe:List-Unsubscribe-Post; b=x\n'
  const good = readListUnsubscribe(
    fields(
      `${signed}List-Unsubscribe: <https://x.example/u>, (or mail) <mailto:u@x.example?subject=stop>\nList-Unsubscribe-Post: List-Unsubscribe=One-Click\n`,
    ),
  )
  assert.deepEqual([good.oneClick, good.problems], [true, []])
  const cases: readonly (readonly [header: string, problem: RegExp])[] = [
    ['List-Unsubscribe: https://x.example/u\n', /no link in angle brackets/],
    ['List-Unsubscribe: <ftp://x.example/u>\n', /neither http/],
    ['List-Unsubscribe: <mailto:nobody>\n', /no address/],
    ['List-Unsubscribe: <https://x.example/1>, <https://x.example/2>\n', /more than one web link/],
    [
      'List-Unsubscribe: <mailto:u@x.example>\nList-Unsubscribe-Post: List-Unsubscribe=One-Click\n',
      /needs an https link/,
    ],
    [
      'List-Unsubscribe: <https://x.example/>\nList-Unsubscribe-Post: yes\n',
      /is not List-Unsubscribe=One-Click/,
    ],
    [
      'List-Unsubscribe: <https://x.example/>\nList-Unsubscribe: <https://y.example/>\n',
      /more than one List-Unsubscribe field/,
    ],
  ]
  for (const [header, problem] of cases) {
    const { oneClick, problems } = readListUnsubscribe(fields(header))
    assert.equal(oneClick, false)
    assert.match(problems.join(), problem, header)
  }
  assert.deepEqual(readListUnsubscribe([]).problems, [])
})

test('spamd: the verdict and its rules', () => {
  const report = [
    'SPAMD/1.1 0 EX_OK',
    'Content-length: 100',
    'Spam: True ; 6.5 / 5.0',
    '',
    'Content analysis details:   (6.5 points, 5.0 required)',
    ' pts rule name              description',
    '---- ---------------------- --------------------------------------------------',
    ' 5.0 GTUBE                  BODY: Generic Test for Unsolicited Bulk Email',
    '-0.5 ALL_TRUSTED            Passed through trusted hosts only via SMTP',
  ].join('\r\n')
  const verdict = parseReport(report)
  assert.deepEqual([verdict.isSpam, verdict.score, verdict.threshold], [true, 6.5, 5])
  assert.deepEqual(
    verdict.rules.map(({ name, score }) => [name, score]),
    [
      ['GTUBE', 5],
      ['ALL_TRUSTED', -0.5],
    ],
  )
  assert.throws(() => parseReport('SPAMD/1.0 76 Bad header line'), /spamd/)
  assert.throws(() => parseReport('HTTP/1.1 200 OK'), /spamd/)
})
