import assert from 'node:assert/strict'
import { test } from 'node:test'
import { MimeWalker } from '../../mail/mime/walker.ts'
import { bodyValue, truncated } from './body-value.ts'
import { bodyStructure, everyPart, flatBody, partProperty, type BodyPart } from './email-body.ts'

function structure(text: string): BodyPart {
  const walker = new MimeWalker()
  walker.push(Buffer.from(text.replaceAll('\n', '\r\n'), 'latin1'))
  return bodyStructure(walker.finish().root)
}

type Tree = readonly [type: string, ...children: (string | Tree)[]]

let boundaries = 0
function render(tree: Tree | string): string {
  if (typeof tree === 'string') {
    const [type = '', disposition = '', description = ''] = tree.split(' ')
    const header = [`Content-Type: ${type}`, `Content-Description: ${description}`]
    if (disposition !== '-') header.push(`Content-Disposition: ${disposition}`)
    return `${header.join('\n')}\n\n${type === 'message/rfc822' ? 'Subject: x\n\n' : ''}body`
  }
  const boundary = `b${boundaries++}`
  const [type, ...children] = tree
  const parts = children.map((child) => `--${boundary}\n${render(child)}\n`).join('')
  return `Content-Type: ${type}; boundary=${boundary}\n\n${parts}--${boundary}--\n`
}

const names = (parts: readonly BodyPart[]): string => parts.map(({ part }) => part.description).join(' ')

function flat(tree: Tree | string): { text: string; html: string; attached: string; has: boolean } {
  const { textBody, htmlBody, attachments, hasAttachment } = flatBody(structure(render(tree)))
  return { text: names(textBody), html: names(htmlBody), attached: names(attachments), has: hasAttachment }
}

test('RFC 8621 §4.1.4: the example of a message from a list', () => {
  const tree: Tree = [
    'multipart/mixed',
    'text/plain inline A',
    [
      'multipart/mixed',
      [
        'multipart/alternative',
        ['multipart/mixed', 'text/plain inline B', 'image/jpeg inline C', 'text/plain inline D'],
        ['multipart/related', 'text/html - E', 'image/jpeg - F'],
      ],
      'image/jpeg attachment G',
      'application/x-excel - H',
      'message/rfc822 - J',
    ],
    'text/plain inline K',
  ]
  assert.deepEqual(flat(tree), { text: 'A B C D K', html: 'A E K', attached: 'C F G H J', has: true })
})

test('one alternative stands for the other; a lonely part is the body', () => {
  assert.deepEqual(flat('text/plain - A'), { text: 'A', html: 'A', attached: '', has: false })
  assert.deepEqual(flat('application/pdf - A'), { text: '', html: '', attached: 'A', has: true })
  assert.deepEqual(flat(['multipart/alternative', 'text/html - A']), {
    text: 'A',
    html: 'A',
    attached: '',
    has: false,
  })
  assert.deepEqual(flat(['multipart/alternative', 'text/plain - A', 'text/calendar - B']), {
    ...{ text: 'A', html: 'A', attached: 'B', has: true },
  })
  assert.deepEqual(flat(['multipart/mixed', 'text/plain - A', 'text/plain inline;filename=x B']), {
    ...{ text: 'A', html: 'A', attached: 'B', has: false },
  })
})

test('part ids are unique and absent of multiparts alone', () => {
  const root = structure(
    render(['multipart/mixed', 'text/plain - A', ['multipart/mixed', 'text/html - B'], 'message/rfc822 - C']),
  )
  const ids = Array.from(everyPart(root), ({ partId, type }) => [partId, type])
  assert.deepEqual(ids, [
    [null, 'multipart/mixed'],
    ['1', 'text/plain'],
    [null, 'multipart/mixed'],
    ['2.1', 'text/html'],
    ['3', 'message/rfc822'],
  ])
})

test('values: charset, line ends, and what could not be decoded', () => {
  const value = (type: string, octets: string, encoding = '8bit') => {
    const root = structure(`Content-Type: ${type}\nContent-Transfer-Encoding: ${encoding}\n\n`)
    const { value: text, isEncodingProblem } = bodyValue(root, Buffer.from(octets, 'latin1'), 0)
    return [text, isEncodingProblem]
  }
  assert.deepEqual(value('text/plain', 'a\r\nb\n'), ['a\nb\n', false])
  assert.deepEqual(value('text/plain; charset=iso-8859-1', '\xe9'), ['é', false])
  assert.deepEqual(value('text/plain; charset=utf-8', '\xc3\xa9'), ['é', false])
  assert.deepEqual(value('text/plain; charset=utf-8', '\xe9'), ['\ufffd', true])
  assert.deepEqual(value('text/plain; charset=nonsense', 'a'), ['a', true])
  assert.deepEqual(value('text/plain; charset=utf-8', 'YQ==', 'base64'), ['a', false])
  assert.deepEqual(value('text/plain', 'a', 'x-unknown'), ['a', true])
})

test('cutting keeps characters and tags whole', () => {
  const cut = (text: string, most: number, isHtml = false) => truncated(text, { most, isHtml })
  assert.equal(cut('aéb', 2), 'a')
  assert.equal(cut('aéb', 3), 'aé')
  assert.equal(cut('aéb', 4), 'aéb')
  assert.equal(cut('a😀', 4), 'a')
  assert.equal(cut('ab', 0), 'ab')
  assert.equal(cut('<p>x<a href="https://example.com">', 12, true), '<p>x')
  assert.equal(cut('<p>x<a>', 4, true), '<p>x')
})

test('charset is that of any type which names one, and cid stands without comments and brackets', () => {
  const told = (header: string): unknown[] => {
    const part = structure(`${header}\n\nx`)
    return ['charset', 'cid'].map((name) => partProperty(part, name))
  }
  assert.deepEqual(told('Content-Type: application/xml; charset=UTF-8'), ['UTF-8', null])
  assert.deepEqual(told('Content-Type: application/xml'), [null, null])
  assert.deepEqual(told('Content-Type: text/html'), ['us-ascii', null])
  assert.deepEqual(told('Content-ID: (one) <a@b> (two)'), ['us-ascii', 'a@b'])
  assert.deepEqual(told('Content-ID: a@b'), ['us-ascii', 'a@b'])
})
