import assert from 'node:assert/strict'
import { describe, it } from 'node:test'
import fc from 'fast-check'
import { htmlText } from './html-text.ts'

describe('htmlText', () => {
  for (const [html, text] of [
    ['<p>One</p><p>two</p>', 'One two'],
    ['sc<b>ha</b>tz', 'schatz'],
    ['Gr&ouml;&szlig;e &amp; &#x2714; &#9731; &unknown;', 'Größe & ✔ ☃ &unknown;'],
    ['a<!-- not > this -->b', 'ab'],
    ['<style>p { color: red }</style>x<SCRIPT>y < z</script >w', 'x w'],
    ['1 < 2 > 0', '1 < 2 > 0'],
    ['<img src=x alt="A cat">see', 'see\nA cat'],
    ['go <a href="https://example.org/a?b=1&amp;c">there</a>!', 'go there!\nhttps://example.org/a?b=1&c'],
    ['<a title="a > b" href=\'x\'>y</a>', 'y\na > b\nx'],
    ['in&shy;visi\u200bble', 'invisible'],
    ['<td>1</td>\r\n<td>2', '1 2'],
    ['İ<STYLE>x</STYLE>y', 'İ y'],
    ['unclosed <script> rest', 'unclosed'],
    ['<HEAD><meta content=x><title>No</title>no</HEAD><body>yes', 'yes'],
    ['<head><title>No</title><body>yes', 'yes'],
    ['<head><title>No</title><p>yes', 'yes'],
    ['<header>yes</header>', 'yes'],
  ] as const) {
    it(`reads ${html}`, () => assert.equal(htmlText(html), text))
  }

  it('ends in time that grows with the text, whatever it is', () => {
    for (const piece of [
      '<',
      '<a ',
      '<a b="',
      "<a b='",
      '<!--',
      '<style>',
      '<head>',
      '&#',
      '<a href=',
      '</',
      '<div>',
    ]) {
      const started = process.hrtime.bigint()
      htmlText(piece.repeat(200_000))
      assert.ok(process.hrtime.bigint() - started < 3_000_000_000n, piece)
    }
  })

  it('takes anything', () => {
    const pieces = fc.constantFrom(
      '<',
      '>',
      '"',
      "'",
      '&',
      ';',
      '#',
      'a',
      ' ',
      '=',
      '/',
      '!',
      '-',
      'style',
      'href',
    )
    fc.assert(
      fc.property(fc.array(pieces, { maxLength: 60 }), (parts) => {
        assert.equal(typeof htmlText(parts.join('')), 'string')
      }),
      { numRuns: 500 },
    )
  })
})
