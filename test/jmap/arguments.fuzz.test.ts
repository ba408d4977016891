// No arguments make a method fail: whatever a client sends is answered, or refused with an error that it can act on.
import assert from 'node:assert/strict'
import { test } from 'node:test'
import fc from 'fast-check'
import { mailHouse, mailUsing } from '../support/mail-house.ts'
import { standardUsing } from '../support/jmap-house.ts'

const types = [
  'Mailbox',
  'Thread',
  'Email',
  'Quota',
  'Blob',
  'SearchSnippet',
  'PushSubscription',
  'Identity',
  'EmailSubmission',
  'VacationResponse',
]
const verbs = [
  'get',
  'changes',
  'set',
  'copy',
  'query',
  'queryChanges',
  'import',
  'parse',
  'upload',
  'lookup',
]

const name = fc.tuple(fc.constantFrom(...types), fc.constantFrom(...verbs)).map((words) => words.join('/'))
const id = fc.constantFrom(
  'F1_1',
  'F1_2',
  'M1_1',
  'T1_1',
  'B1_1',
  'B1_1_0-5i',
  'U1_1',
  '#k',
  'Qoctets',
  'P1',
  'nothing',
  '',
  '€',
)
const words = fc.constantFrom(
  ...[
    'AND',
    'NOT',
    'receivedAt',
    'name',
    '$seen',
    'seen',
    'inbox',
    '2026-01-01T00:00:00Z',
    'asText',
    'text/plain',
  ],
  ...[
    'header:Subject:asText',
    'header:From:asAddresses:all',
    'i;unicode-casemap',
    'size',
    '0',
    '1',
    '__proto__',
  ],
)
const scalar = fc.oneof(
  { weight: 6, arbitrary: id },
  { weight: 4, arbitrary: words },
  fc.constantFrom(null, true, false, 0, 1, -1, 3, 1.5, 2 ** 53),
  fc.string({ maxLength: 8 }),
)
const members = fc.oneof(
  fc.constantFrom(
    ...[
      'operator',
      'conditions',
      'inMailbox',
      'inMailboxOtherThan',
      'text',
      'subject',
      'header',
      'hasKeyword',
      'before',
    ],
    ...[
      'property',
      'isAscending',
      'collation',
      'keyword',
      'name',
      'parentId',
      'role',
      'mailboxIds',
      'keywords',
      'id',
    ],
    ...[
      'from',
      'to',
      'bodyStructure',
      'bodyValues',
      'textBody',
      'htmlBody',
      'attachments',
      'partId',
      'type',
      'value',
    ],
    ...[
      'blobId',
      'subParts',
      'headers',
      'email',
      'data',
      'data:asText',
      'data:asBase64',
      'url',
      'deviceClientId',
    ],
    ...[
      'mailboxIds/F1_1',
      'keywords/$seen',
      'sortOrder',
      'isSubscribed',
      'receivedAt',
      'header:X:asText',
      'subject/x',
    ],
  ),
  id,
)
const value = fc.letrec<{ any: unknown }>((tie) => ({
  any: fc.oneof(
    { maxDepth: 5 },
    { weight: 4, arbitrary: scalar },
    fc.array(tie('any'), { maxLength: 3 }),
    fc.dictionary(members, tie('any'), { maxKeys: 4 }),
  ),
})).any

const args = fc.record(
  {
    accountId: fc.constantFrom('A1', 'A1', 'A1', 'A1', 'A2', 'x'),
    ...{ fromAccountId: fc.constantFrom('A1', 'A2'), ids: fc.oneof(fc.array(id, { maxLength: 3 }), value) },
    properties: fc.oneof(fc.array(words, { maxLength: 3 }), value),
    ...{ sinceState: fc.oneof(words, value), sinceQueryState: fc.oneof(words, value), maxChanges: value },
    filter: fc.oneof(fc.dictionary(members, value, { maxKeys: 3 }), value),
    sort: fc.oneof(fc.array(fc.dictionary(members, value, { maxKeys: 3 }), { maxLength: 2 }), value),
    ...{ position: value, anchor: id, anchorOffset: value, limit: value, calculateTotal: fc.boolean() },
    ...{ collapseThreads: fc.boolean(), upToId: id, ifInState: value },
    create: fc.dictionary(fc.constantFrom('k', 'l'), fc.dictionary(members, value), { maxKeys: 2 }),
    update: fc.dictionary(id, fc.dictionary(members, value), { maxKeys: 2 }),
    destroy: fc.array(id, { maxLength: 2 }),
    emails: fc.dictionary(fc.constantFrom('i'), fc.dictionary(members, value), { maxKeys: 1 }),
    emailIds: fc.array(id, { maxLength: 2 }),
    blobIds: fc.array(id, { maxLength: 2 }),
    ...{ typeNames: fc.array(fc.constantFrom(...types), { maxLength: 2 }), offset: value, length: value },
    ...{ bodyProperties: fc.array(words, { maxLength: 2 }), fetchAllBodyValues: fc.boolean() },
    maxBodyValueBytes: fc.constantFrom(0, 1, 3),
  },
  { requiredKeys: ['accountId'] },
)

/** Of the arguments those that a method has, so that most calls are read further than to the first stranger. */
const known: Readonly<Record<string, readonly string[]>> = {
  get: [
    'ids',
    'properties',
    'bodyProperties',
    'fetchAllBodyValues',
    'maxBodyValueBytes',
    'filter',
    'emailIds',
    'offset',
    'length',
  ],
  changes: ['sinceState', 'maxChanges'],
  set: ['create', 'update', 'destroy', 'ifInState'],
  copy: ['fromAccountId', 'create', 'blobIds'],
  query: [
    'filter',
    'sort',
    'position',
    'anchor',
    'anchorOffset',
    'limit',
    'calculateTotal',
    'collapseThreads',
  ],
  queryChanges: [
    'filter',
    'sort',
    'sinceQueryState',
    'maxChanges',
    'upToId',
    'calculateTotal',
    'collapseThreads',
  ],
  import: ['emails', 'ifInState'],
  parse: ['blobIds', 'properties', 'bodyProperties', 'fetchAllBodyValues', 'maxBodyValueBytes'],
  upload: ['create'],
  lookup: ['typeNames', 'ids'],
}

test('whatever the arguments, a call is answered or refused, and never fails', async (context) => {
  const { house, ann } = await mailHouse(context)
  await house.account('ben')
  const blobId = await house.upload(ann, 'From: a@x.test\r\nSubject: hi\r\n\r\nText.\r\n', 'message/rfc822')
  const first = { emails: { i: { blobId, mailboxIds: { F1_1: true } } } }
  await house.call(ann, 'Email/import', { accountId: 'A1', ...first }, mailUsing)
  const using = [...new Set([...mailUsing, ...standardUsing])]
  await fc.assert(
    fc.asyncProperty(fc.array(fc.tuple(name, args), { minLength: 1, maxLength: 6 }), async (calls) => {
      const asked = calls.map(([method, given]) => {
        const wanted = known[method.split('/')[1] ?? ''] ?? []
        const kept = Object.entries(given).filter(([key]) => key === 'accountId' || wanted.includes(key))
        const ofNoAccount = method.startsWith('PushSubscription')
        return [
          method,
          Object.fromEntries(kept.filter(([key]) => !ofNoAccount || key !== 'accountId')),
          '0',
        ] as const
      })
      const answers = await house.calls(ann, asked, using)
      for (const [index, [told, answer]] of answers.entries()) {
        assert.notEqual(answer['type'], 'serverFail', `${told} ${JSON.stringify(asked[index])} ${troubles()}`)
      }
    }),
    { numRuns: 400 },
  )
  function troubles(): string {
    return JSON.stringify(
      house.events.filter(({ name: kind }) => kind === 'jmap.trouble').at(-1)?.fields ?? null,
    )
  }
})
