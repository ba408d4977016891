// The preview: from the first text that can be read, decoded, bounded.
import assert from 'node:assert/strict'
import { test } from 'node:test'
import { feedEveryWay } from '../../../test/support/feed.ts'
import { MimeWalker } from './walker.ts'

function preview(...lines: string[]): string {
  return feedEveryWay(Buffer.from(lines.join('\r\n')), (chunks) => {
    const walker = new MimeWalker()
    for (const chunk of chunks) walker.push(chunk)
    return walker.finish().preview
  })
}

test('text is decoded, folded and cut', () => {
  assert.equal(
    preview(
      'Content-Type: text/plain; charset=iso-8859-1',
      'Content-Transfer-Encoding: quoted-printable',
      '',
      'caf=E9',
      '\t x',
    ),
    'café x',
  )
  assert.equal(
    preview('Content-Transfer-Encoding: base64', '', Buffer.from('grün\r\n').toString('base64')),
    'grün',
  )
  assert.equal(preview('', 'word '.repeat(100)).length, 199)
  assert.equal([...preview('', '😀'.repeat(1_000))].length, 200)
  assert.equal(preview('', 'a\0b\x1b[31m\u202ec\u200bd'), 'ab[31mcd')
})

test('plain text is preferred, attachments are passed over, and HTML is stripped', () => {
  const html = ['--b', 'Content-Type: text/html', '', '<p>html</p>']
  const head = ['Content-Type: multipart/mixed; boundary=b', '']
  const attached = ['--b', 'Content-Disposition: attachment', '', 'attached']
  const blank = ['--b', '', '  ', '']
  assert.equal(preview(...head, ...attached, ...html, ...blank, '--b', '', 'plain', '--b--'), 'plain')
  assert.equal(preview(...head, ...attached, ...html, '--b--'), 'html')
  assert.equal(
    preview(
      'Content-Type: text/html',
      '',
      '<!DOCTYPE html><html><head><title>T</title><style>p{x:1}</style></head><!-- c --><body>',
      '<h1>Gr&uuml;&#223;e</h1><p>a&nbsp;&amp; <b>b</b>old, 1 < 2 &bogus; &#x110000;</p><script>x()</script>end<br',
    ),
    'Grüße a & bold, 1 < 2 &bogus; &#x110000; end',
  )
})

test('markup that never ends is bounded', () => {
  for (const piece of ['<', '<!--', '<style', '<a ', '&', '&#1;', '</']) {
    const text = preview('Content-Type: text/html', '', piece.repeat(2_000))
    assert.ok(text.length <= 200)
  }
})
