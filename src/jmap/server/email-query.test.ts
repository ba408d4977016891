// Email/query and Email/queryChanges (RFC 8621 §4.4, §4.5), as a client asks; mail comes and changes as by SMTP and IMAP.
import assert from 'node:assert/strict'
import { test } from 'node:test'
import type { Loose } from '../../../test/support/mail-house.ts'
import { MailScene } from '../../../test/support/mail-scene.ts'
import { Flag } from '../../store/model.ts'

test('Email/query: conditions and operators of RFC 8621 §4.4.1', async (context) => {
  const scene = await MailScene.open(context)
  const inbox = await scene.box()
  const one = await scene.put({
    id: 'a',
    subject: 'Invoice number',
    body: 'The rain in Spain',
    flags: Flag.seen,
    from: 'Ann Ax <a@x>',
  })
  const two = await scene.put({
    references: 'a',
    subject: 'Re: Invoice number',
    keywords: '$Junk',
    to: 'Team <team@x>',
  })
  const three = await scene.put({
    mailbox: 'Other',
    body: `${'x'.repeat(500)} falls`,
    header: 'X-Mark: yes\r\nCc: c@x\r\nBcc: d@x',
  })
  const four = await scene.put({
    ...{ subject: '<b>"quoted" word', type: 'multipart/mixed; boundary=b' },
    body: '--b\r\n\r\nplain\r\n--b\r\nContent-Type: application/pdf; name=x.pdf\r\n\r\nx\r\n--b--\r\n',
  })
  const other = await scene.box('Other')
  const sort = [{ property: 'receivedAt' }]
  const expected: readonly [object | null, string[]][] = [
    [null, [one, two, three, four]],
    [{}, [one, two, three, four]],
    [{ inMailbox: inbox }, [one, two, four]],
    [{ inMailbox: 'F1_99' }, []],
    [{ inMailboxOtherThan: [inbox] }, [three]],
    [{ before: '2001-09-09T01:48:40Z' }, [one]],
    [{ after: '2001-09-09T01:48:40Z' }, [two, three, four]],
    [{ minSize: 500 }, [three]],
    [{ maxSize: 500, inMailbox: inbox }, [one, two, four]],
    [{ hasKeyword: '$seen' }, [one]],
    [{ hasKeyword: '$JUNK' }, [two]],
    [{ notKeyword: '$seen' }, [two, three, four]],
    [{ allInThreadHaveKeyword: '$seen' }, []],
    [{ someInThreadHaveKeyword: '$seen' }, [one, two]],
    [{ noneInThreadHaveKeyword: '$seen' }, [three, four]],
    [{ hasAttachment: true }, [four]],
    [{ hasAttachment: false }, [one, two, three]],
    [{ text: 'SPAIN' }, [one]],
    [{ text: 'spain invoice' }, [one]],
    [{ text: '"rain in"' }, [one]],
    [{ text: '"in rain"' }, []],
    [{ text: String.raw`'\"quoted\" word'` }, [four]],
    [{ from: 'ann ax' }, [one]],
    [{ to: 'team' }, [two]],
    [{ cc: 'c@x' }, [three]],
    [{ bcc: 'd@x' }, [three]],
    [{ subject: 'invoice' }, [one, two]],
    [{ body: 'falls' }, [three]],
    [{ header: ['x-mark'] }, [three]],
    [{ header: ['X-Mark', 'YES'] }, [three]],
    [{ header: ['X-Mark', 'no'] }, []],
    [{ operator: 'AND', conditions: [{ subject: 'invoice' }, { notKeyword: '$seen' }] }, [two]],
    [{ operator: 'OR', conditions: [{ body: 'falls' }, { hasKeyword: '$seen' }] }, [one, three]],
    [{ operator: 'NOT', conditions: [{ text: 'falls' }, { hasKeyword: '$seen' }] }, [two, four]],
    [{ operator: 'AND', conditions: [] }, [one, two, three, four]],
    [{ operator: 'OR', conditions: [] }, []],
  ]
  for (const [filter, ids] of expected) {
    assert.deepEqual(await scene.ids({ filter, sort }), ids, JSON.stringify(filter))
  }
  assert.ok(other)
  assert.equal(await scene.refusal('Email/query', { filter: { colour: 'red' } }), 'unsupportedFilter')
  for (const filter of [
    { hasKeyword: 'a b' },
    { before: 'x' },
    { header: [] },
    { inMailbox: null },
    { operator: 'XOR', conditions: [] },
  ]) {
    assert.equal(await scene.refusal('Email/query', { filter }), 'invalidArguments', JSON.stringify(filter))
  }
})

test('filters and sorts are bounded', async (context) => {
  const scene = await MailScene.open(context)
  const some = (count: number): object[] => Array.from({ length: count }, () => ({ hasKeyword: 'x' }))
  const filterOf = (count: number): object => ({ operator: 'OR', conditions: some(count) })
  assert.deepEqual(await scene.ids({ filter: filterOf(200) }), [])
  const asked = {
    'Email/query': {},
    'SearchSnippet/get': { emailIds: [] },
    'Email/queryChanges': { sinceQueryState: '1' },
  }
  for (const [name, args] of Object.entries(asked)) {
    assert.equal(await scene.refusal(name, { ...args, filter: filterOf(201) }), 'unsupportedFilter', name)
  }
  const sort = Array.from({ length: 21 }, () => ({ property: 'size' }))
  assert.equal(await scene.refusal('Email/query', { sort }), 'unsupportedSort')
})

test('Email/query: sorts, windows, anchors, totals and threads', async (context) => {
  const scene = await MailScene.open(context)
  const a = await scene.put({ subject: 'Re: banana', from: 'Zoe <b@x>', body: 'xx', id: 't1' })
  const b = await scene.put({ subject: 'apple', from: '"" <m@x>', body: 'x', flags: Flag.flagged })
  const c = await scene.put({ subject: 'Banana', from: 'adam@x', body: 'xxx', references: 't1' })
  const by = (...sort: object[]): Promise<string[]> => scene.ids({ sort })
  assert.deepEqual(await by({ property: 'receivedAt' }), [a, b, c])
  assert.deepEqual(await by({ property: 'receivedAt', isAscending: false }), [c, b, a])
  assert.deepEqual(await by(), [c, b, a])
  assert.deepEqual(await by({ property: 'from' }), [c, b, a])
  assert.deepEqual(await by({ property: 'subject' }, { property: 'receivedAt' }), [b, a, c])
  assert.deepEqual(await by({ property: 'subject', collation: 'i;octet' }), [c, b, a])
  assert.deepEqual(
    await by({ property: 'subject', isAscending: false }, { property: 'receivedAt', isAscending: false }),
    [c, a, b],
  )
  assert.deepEqual(
    await by({ property: 'hasKeyword', keyword: '$flagged', isAscending: false }, { property: 'receivedAt' }),
    [b, a, c],
  )
  assert.deepEqual(
    await by({ property: 'someInThreadHaveKeyword', keyword: '$flagged' }, { property: 'size' }),
    [a, c, b].toSorted((one, two) => (one === b ? 1 : two === b ? -1 : 0)),
  )
  for (const sort of [[{ property: 'hasKeyword' }], [{ property: 'size', keyword: 'x' }]]) {
    assert.equal(await scene.refusal('Email/query', { sort }), 'invalidArguments')
  }
  assert.equal(await scene.refusal('Email/query', { sort: [{ property: 'colour' }] }), 'unsupportedSort')
  assert.equal(
    await scene.refusal('Email/query', { sort: [{ property: 'from', collation: 'i;nonsense' }] }),
    'unsupportedSort',
  )
  assert.equal(await scene.refusal('Email/query', { anchor: 'M1_9' }), 'anchorNotFound')
  const window = await scene.call('Email/query', {
    anchor: b,
    anchorOffset: -1,
    limit: 2,
    calculateTotal: true,
  })
  assert.deepEqual(
    [window['ids'], window['position'], window['total'], window['canCalculateChanges']],
    [[c, b], 0, 3, true],
  )
  assert.deepEqual(await scene.ids({ position: -1 }), [a])
  assert.deepEqual(await scene.ids({ collapseThreads: true }), [c, b])
})

test('Email/queryChanges: what a client makes of it is what /query tells', async (context) => {
  const scene = await MailScene.open(context)
  const { store } = scene.mail.house
  const account = scene.account.id
  const inbox = await scene.boxOf()
  const trash = await scene.boxOf('Trash')
  for (let index = 0; index < 8; index++)
    await scene.put({ id: `t${index}`, ...(index % 3 === 2 ? { references: 't0', subject: 'S1' } : {}) })
  const box = await scene.box()
  const questions = [
    { filter: { inMailbox: box }, sort: [{ property: 'receivedAt', isAscending: false }] },
    { filter: { inMailbox: box }, collapseThreads: true },
    { filter: { notKeyword: '$seen' }, sort: [{ property: 'subject' }] },
    { filter: { noneInThreadHaveKeyword: '$seen' } },
    {
      filter: null,
      sort: [{ property: 'someInThreadHaveKeyword', keyword: '$seen' }],
      collapseThreads: true,
    },
    { filter: null, sort: [{ property: 'size' }] },
    { filter: { operator: 'NOT', conditions: [{ inMailbox: box }] } },
  ]
  const ask = async (question: object): Promise<Loose> =>
    scene.call('Email/query', { ...question, calculateTotal: true })
  const changes: (() => Promise<unknown>)[] = [
    () => scene.flag('INBOX', 2, Flag.seen),
    () => scene.put({ id: 'new', references: 't0', subject: 'S1' }),
    () => store.move({ account, from: inbox, to: trash, uids: [[3, 4]], now: 0 }),
    () => scene.flag('INBOX', 5, Flag.deleted),
    () => store.copy({ account, from: inbox, to: trash, uids: [[6, 6]], now: 0 }),
    () =>
      store.expunge({
        account,
        mailbox: inbox,
        which: 'regardless',
        uids: [
          [1, 1],
          [7, 7],
        ],
      }),
    () => scene.flag('INBOX', 5, Flag.deleted, 'remove'),
  ]
  const starts = await Promise.all(questions.map(ask))
  for (const change of changes) {
    const before = await Promise.all(questions.map(ask))
    await change()
    for (const [at, question] of questions.entries()) {
      const now = await ask(question)
      for (const old of [before[at], starts[at]]) {
        const args = { ...question, sinceQueryState: old?.['queryState'], calculateTotal: true }
        const told = await scene.call('Email/queryChanges', args)
        const ids = (old?.['ids'] ?? []).filter((id: string) => !told['removed'].includes(id))
        for (const { id, index } of told['added']) ids.splice(index, 0, id)
        assert.deepEqual(ids, now['ids'], JSON.stringify([question, told]))
        assert.deepEqual([told['newQueryState'], told['total']], [now['queryState'], now['total']])
      }
    }
  }
  const [first] = starts
  const same = { sinceQueryState: first?.['queryState'], ...questions[0] }
  assert.equal(await scene.refusal('Email/queryChanges', { ...same, maxChanges: 1 }), 'tooManyChanges')
  assert.equal(
    await scene.refusal('Email/queryChanges', { ...same, sinceQueryState: 'x' }),
    'cannotCalculateChanges',
  )
  const { queryState } = await ask({ filter: { inMailbox: box } })
  await scene.flag('INBOX', 6, Flag.flagged)
  const flagged = await scene.call('Email/queryChanges', {
    filter: { inMailbox: box },
    sinceQueryState: queryState,
  })
  assert.deepEqual([flagged['removed'], flagged['added']], [[], []])
})
