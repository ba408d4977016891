import assert from 'node:assert/strict'
import { test } from 'node:test'
import { textLinks } from './text-links.ts'

test('links in sentences, brackets and quotes', () => {
  const cases: readonly (readonly [string, readonly string[]])[] = [
    ['See https://x.test/a, or (http://x.test/b).', ['https://x.test/a', 'http://x.test/b']],
    [
      'https://en.wikipedia.test/wiki/Post_(disambiguation)',
      ['https://en.wikipedia.test/wiki/Post_(disambiguation)'],
    ],
    ['[https://x.test/?a[]=1] {https://x.test/c}', ['https://x.test/?a[]=1', 'https://x.test/c']],
    [
      '<https://x.test/d> "https://x.test/e" mailto:ann@x.test!',
      ['https://x.test/d', 'https://x.test/e', 'mailto:ann@x.test'],
    ],
    ['https://x.test/f https://x.test/f', ['https://x.test/f']],
    ['nothing://x.test http:/x https://', []],
  ]
  for (const [text, links] of cases) assert.deepEqual(textLinks(text), links, text)
})
