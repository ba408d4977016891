import assert from 'node:assert/strict'
import { test } from 'node:test'
import fc from 'fast-check'
import { tryReport } from './dsn-parse.ts'
import {
  formatReportHead,
  formatReportTail,
  type Report,
  type ReportedRecipient,
  returnedEncoder,
} from './dsn.ts'
import type { MessageStructure } from './mime/structure.ts'
import { MimeWalker } from './mime/walker.ts'

const recipient: ReportedRecipient = {
  finalRecipient: 'bob@far.example',
  originalRecipient: 'rfc822;Bob@house.example',
  action: 'failed',
  status: '5.1.1',
  remoteMta: 'mx.far.example',
  diagnostic: '550-5.1.1 No such user here\n550 5.1.1 ask your postmaster',
  reason: '',
  lastAttemptAt: Date.UTC(2026, 0, 2),
  willRetryUntil: null,
}

const report: Report = {
  reportingMta: 'mail.house.example',
  from: 'mailer-daemon@house.example',
  to: 'ann@house.example',
  messageId: 'r1@house.example',
  boundary: 'b1',
  now: Date.UTC(2026, 0, 2),
  arrivedAt: Date.UTC(2026, 0, 1),
  deliverBy: null,
  futureRelease: null,
  envelopeId: 'env+1',
  logId: 'q1',
  originalMessageId: 'm1@house.example',
  originalSubject: 'Lunch',
  recipients: [recipient],
  returned: { type: 'headers', utf8: false, eightBit: false },
}

function whole(
  of: Report,
  returned: string,
): { bytes: Uint8Array; text: string; structure: MessageStructure } {
  const encoder = returnedEncoder(of.returned)
  const bytes = Buffer.concat([
    Buffer.from(formatReportHead(of)),
    encoder.write(Buffer.from(returned.slice(0, 10))),
    encoder.write(Buffer.from(returned.slice(10))),
    encoder.finish(),
    Buffer.from(formatReportTail(of)),
  ])
  return { bytes, text: bytes.toString(), structure: walk(bytes) }
}

function walk(bytes: Uint8Array): MessageStructure {
  const walker = new MimeWalker()
  walker.push(bytes)
  return walker.finish()
}

const returnedHeader = 'From: ann@house.example\r\nMessage-ID: <m1@house.example>\r\nSubject: Lunch\r\n'

test('a report of failure: three parts, the reply verbatim for people and programs', () => {
  const { text, structure, bytes } = whole(report, returnedHeader)
  assert.deepEqual(structure.defects, [])
  assert.deepEqual(
    structure.root.parts.map(({ type, subtype }) => `${type}/${subtype}`),
    ['text/plain', 'message/delivery-status', 'text/rfc822-headers'],
  )
  assert.match(text, /^Auto-Submitted: auto-replied\r$/m)
  assert.match(text, /mx\.far\.example said:\r\n +550-5\.1\.1 No such user here\r\n +550 5\.1\.1 ask/)
  assert.match(
    text,
    /Diagnostic-Code: smtp; 550-5\.1\.1 No such user here\r\n 550 5\.1\.1 ask your postmaster\r\n/,
  )
  assert.match(text, /Reporting-MTA: dns; mail\.house\.example\r\n/)
  assert.match(text, /Original-Envelope-Id: env\+1\r\n/)
  assert.deepEqual(tryReport(bytes, structure), {
    form: 'standard',
    envelopeId: 'env+1',
    originalMessageId: 'm1@house.example',
    recipients: [
      {
        finalRecipient: 'bob@far.example',
        originalRecipient: 'Bob@house.example',
        action: 'failed',
        status: '5.1.1',
        diagnostic: '550-5.1.1 No such user here 550 5.1.1 ask your postmaster',
      },
    ],
  })
})

test('times that the sender asked for are fields of the message (RFC 2852 §5, RFC 4865 §5.1.2)', () => {
  const asked = { ...report, deliverBy: Date.UTC(2026, 0, 1, 0, 2), futureRelease: 'for;600' }
  const { text } = whole(asked, returnedHeader)
  assert.match(
    text,
    /Arrival-Date: Thu, 01 Jan 2026 00:00:00 \+0000\r\nDeliver-By-Date: Thu, 01 Jan 2026 00:02:00 \+0000\r\n/,
  )
  assert.match(text, /\r\nFuture-Release-Request: for;600\r\n/)
  assert.doesNotMatch(whole(report, returnedHeader).text, /Deliver-By|Future-Release/)
})

test('a host that is known by its address alone stands in brackets (RFC 3464 §2.3.5)', () => {
  for (const [remoteMta, shown] of [
    ['192.0.2.7', '[192.0.2.7]'],
    ['2001:db8::7', '[IPv6:2001:db8::7]'],
  ] as const) {
    const { text } = whole({ ...report, recipients: [{ ...recipient, remoteMta }] }, returnedHeader)
    assert.ok(text.includes(`Remote-MTA: dns; ${shown}\r\n`), text)
  }
})

test('a whole message comes back as message/rfc822', () => {
  const of: Report = { ...report, returned: { type: 'full', utf8: false, eightBit: true } }
  const { structure, bytes } = whole(of, `${returnedHeader}\r\nGrüße\r\n`)
  assert.equal(structure.root.parts[2]?.message?.envelope.subject, 'Lunch')
  assert.equal(structure.root.parts[2]?.encoding, '8bit')
  assert.equal(tryReport(bytes, structure)?.originalMessageId, 'm1@house.example')
})

test('RFC 6533: what is beyond ASCII goes in types of its own, all in 7 bits', () => {
  const of: Report = {
    ...report,
    recipients: [
      {
        ...recipient,
        finalRecipient: 'jürgen@größe.example',
        originalRecipient: 'utf-8;jürgen@größe.example',
      },
    ],
    returned: { type: 'full', utf8: true, eightBit: true },
  }
  const { structure, bytes, text } = whole(
    of,
    `Subject: Grüße\r\nMessage-ID: <m1@x.example>\r\n\r\n${'hallo '.repeat(50)}\r\n`,
  )
  assert.ok(bytes.every((octet) => octet < 128))
  assert.deepEqual(
    structure.root.parts.map(({ type, subtype, encoding }) => `${type}/${subtype} ${encoding}`),
    [
      'text/plain quoted-printable',
      'message/global-delivery-status quoted-printable',
      'message/global base64',
    ],
  )
  const parsed = tryReport(bytes, structure)
  assert.equal(
    Buffer.from(parsed?.recipients[0]?.finalRecipient ?? '', 'latin1').toString(),
    'jürgen@größe.example',
  )
  assert.equal(parsed?.originalMessageId, 'm1@x.example')
  assert.ok(text.split('\r\n').every((line) => line.length <= 998))
})

test('delay, success, relayed and expanded have their own words', () => {
  const delayed = whole(
    {
      ...report,
      recipients: [
        { ...recipient, action: 'delayed', status: '4.4.1', willRetryUntil: Date.UTC(2026, 0, 6) },
      ],
    },
    returnedHeader,
  ).text
  assert.match(delayed, /you need not send it again/)
  assert.match(delayed, /Will-Retry-Until: Tue, 06 Jan 2026/)
  for (const action of ['delivered', 'relayed', 'expanded'] as const) {
    const { text } = whole(
      { ...report, recipients: [{ ...recipient, action, status: '2.0.0' }] },
      returnedHeader,
    )
    assert.match(text, new RegExp(`Action: ${action}\r\n`))
    assert.doesNotMatch(text, /will not be tried again/)
  }
})

test('nothing that a host or sender says can add a field or a part', () => {
  const evil = 'x\r\n\r\nAction: delivered\r\n--b1--\r\n'
  const { bytes, structure } = whole(
    {
      ...report,
      envelopeId: evil,
      originalSubject: evil,
      originalMessageId: evil,
      recipients: [
        { ...recipient, diagnostic: evil, remoteMta: evil, finalRecipient: evil, originalRecipient: evil },
      ],
    },
    returnedHeader,
  )
  assert.equal(structure.root.parts.length, 3)
  assert.deepEqual(
    tryReport(bytes, structure)?.recipients.map(({ action }) => action),
    ['failed'],
  )
})

function message(text: string): Uint8Array {
  return Buffer.from(text.replaceAll('\n', '\r\n'))
}

test('reports of before the standard', () => {
  const exim = message(
    'From: Mail Delivery System <Mailer-Daemon@far.example>\nX-Failed-Recipients: bob@far.example,\n  eve@far.example\n' +
      'Subject: Mail delivery failed\n\nA message could not be delivered.\n  bob@far.example\n    550 5.1.1 unknown\n\n' +
      '------ This is a copy of your message, including all the headers. ------\n\nMessage-ID: <m7@house.example>\n\nhello\n',
  )
  const parsed = tryReport(exim, walk(exim))
  assert.equal(parsed?.form, 'guess')
  assert.equal(parsed.originalMessageId, 'm7@house.example')
  assert.deepEqual(
    parsed.recipients.map(({ finalRecipient, status }) => `${finalRecipient} ${status}`),
    ['bob@far.example 5.1.1', 'eve@far.example 5.1.1'],
  )
})

test('ordinary mail is no report', () => {
  const plain = message('From: bob@far.example\nSubject: 5.1.1\n\nMessage-ID: <x@y>\n')
  assert.equal(tryReport(plain, walk(plain)), undefined)
})

test('reading never throws', () => {
  fc.assert(
    fc.property(fc.string(), fc.string({ unit: 'grapheme' }), (one, other) => {
      const bytes = Buffer.from(
        `Content-Type: multipart/report; boundary=b\r\n\r\n--b\r\nContent-Type: message/delivery-status\r\n\r\n${one}\r\n\r\nAction: ${other}\r\n--b\r\nContent-Type: message/rfc822\r\n\r\n${other}\r\n--b--\r\n`,
      )
      tryReport(bytes, walk(bytes))
    }),
    { numRuns: 100 },
  )
})
