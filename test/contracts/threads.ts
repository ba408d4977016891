// What the store promises of threads: RFC 8621 §3 within an account, decided when a message comes and never again.
import assert from 'node:assert/strict'
import type { AccountId, MailboxId } from '../../src/store/model.ts'
import { everything, type House, letter, type Room } from './house.ts'

/** A message with these identifiers. */
function mail(
  id: string | null,
  options: { subject?: string; references?: string; inReplyTo?: string } = {},
): string {
  const { subject = 'Plans', references, inReplyTo } = options
  const lines = [
    ...(id === null ? [] : [`Message-ID: <${id}>`]),
    ...(references === undefined ? [] : [`References: ${references}`]),
    ...(inReplyTo === undefined ? [] : [`In-Reply-To: <${inReplyTo}>`]),
    `Subject: ${subject}`,
  ]
  return `${lines.join('\r\n')}\r\n\r\nText.\r\n`
}

/** Threads of the messages of INBOX, in order of UID; read both ways. */
async function threads(house: House, account: AccountId, mailbox?: MailboxId): Promise<number[]> {
  const place = { account, mailbox: mailbox ?? (await house.mailbox(account)).id }
  const loaded = await house.store.loadEmails(place)
  const texts = (await Array.fromAsync(house.store.messageTexts({ ...place, uids: everything }))).flat()
  assert.deepEqual(
    texts.map(({ uid, email, thread }) => [uid, email, thread]),
    Array.from(loaded.uids, (uid, index) => [uid, loaded.emails[index], loaded.threads[index]]),
  )
  return [...loaded.threads]
}

async function inbox(house: House, ...messages: string[]): Promise<{ account: AccountId; found: number[] }> {
  const account = await house.account()
  for (const message of messages) await house.deliver([account], message)
  return { account, found: await threads(house, account) }
}

export function threadContract(test: Room): void {
  test('a reply is in the thread of what it names, whose id is that of the first email', async (house) => {
    const { found } = await inbox(
      house,
      mail('a@x'),
      mail('b@x', { subject: 'Re: Plans', inReplyTo: 'a@x' }),
      mail('other@x', { subject: 'Other' }),
      mail('c@x', { subject: 'AW: [list] plans', references: '<a@x> <b@x>' }),
      mail(null, { subject: 'Plans' }),
    )
    assert.deepEqual(found, [1, 1, 3, 1, 5])
  })

  test('the same message twice is one thread, and so are siblings without their parent', async (house) => {
    const { found } = await inbox(
      house,
      mail('a@x'),
      mail('a@x'),
      mail('c@x', { references: '<gone@x>', subject: 'Re: Lost' }),
      mail('d@x', { inReplyTo: 'gone@x', subject: 'Re: Lost' }),
      mail('gone@x', { subject: 'Lost' }),
    )
    assert.deepEqual(found, [1, 1, 3, 3, 3])
  })

  test('an answer with another subject begins a thread', async (house) => {
    const { found } = await inbox(
      house,
      mail('a@x'),
      mail('b@x', { subject: 'Lunch', references: '<a@x>' }),
      mail('c@x', { subject: 'Re: Lunch', references: '<a@x> <b@x>' }),
      mail('d@x', { subject: 'Re: Plans', references: '<a@x> <b@x>' }),
    )
    assert.deepEqual(found, [1, 2, 2, 1])
  })

  test('what joins two threads is in the older one, and neither of them moves', async (house) => {
    const { found } = await inbox(
      house,
      mail('a@x'),
      mail('b@x'),
      mail('c@x', { references: '<b@x> <a@x>' }),
      mail('d@x', { references: '<b@x>' }),
    )
    assert.deepEqual(found, [1, 2, 1, 2])
  })

  test('the thread outlives its first email, and is what it was where the mail goes', async (house) => {
    const { account } = await inbox(house, mail('a@x'), mail('b@x', { references: '<a@x>' }))
    const from = (await house.mailbox(account)).id
    const to = (await house.mailbox(account, 'Sent')).id
    await house.store.expunge({ account, mailbox: from, uids: [[1, 1]], which: 'regardless' })
    const { now } = house
    assert.ok((await house.store.copy({ account, from, to, uids: everything, now })).ok)
    assert.ok((await house.store.move({ account, from, to, uids: everything, now })).ok)
    assert.deepEqual(await threads(house, account, to), [1, 1])
    await house.deliver([account], mail('c@x', { references: '<a@x>' }))
    assert.deepEqual(await threads(house, account), [1])
  })

  test('each account has threads of its own', async (house) => {
    const [ann, ben] = [await house.account('ann'), await house.account('ben')]
    await house.deliver([ben], letter('first'))
    await house.deliver([ann], mail('a@x'))
    await house.deliver([ann, ben, ann], mail('b@x', { references: '<a@x>' }))
    assert.deepEqual(await threads(house, ann), [1, 1, 1])
    assert.deepEqual(await threads(house, ben), [1, 2])
  })

  test('appended together they find each other, and many as few', async (house) => {
    const account = await house.account()
    const { id: mailbox } = await house.mailbox(account, 'Sent')
    const { now } = house
    await house.deliver([account], mail('root@x'))
    const contents = Array.from({ length: 1_500 }, (_, index) =>
      mail(`m${index}@x`, { references: index % 2 === 0 ? '<root@x>' : `<lost${index % 3}@x>` }),
    )
    const messages = []
    for (const content of contents) {
      messages.push({ message: await house.stage(content), flags: 0, keywords: '', internalDate: now })
    }
    assert.ok((await house.store.append({ account, mailbox, messages, now })).ok)
    const lost = [5, 3, 7]
    assert.deepEqual(
      [...(await house.store.loadEmails({ account, mailbox })).threads],
      contents.map((_, index) => (index % 2 === 0 ? 1 : lost[index % 3])),
    )
  })

  test('of very many references the root and the nearest count', async (house) => {
    const many = Array.from({ length: 90 }, (_, index) => `<r${index}@x>`).join('\r\n ')
    const { found } = await inbox(
      house,
      mail('long@x', { references: many }),
      mail('p@x', { references: '<r0@x>' }),
      mail('q@x', { references: '<r89@x>' }),
      mail('r@x', { references: '<r20@x>' }),
    )
    assert.deepEqual(found, [1, 1, 1, 4])
  })

  test('a thread is forgotten a while after its last email has gone', async (house) => {
    const { account } = await inbox(house, mail('a@x'), mail('b@x', { subject: 'Other' }))
    const { id: mailbox } = await house.mailbox(account)
    await house.store.expunge({ account, mailbox, uids: [[1, 1]], which: 'regardless' })
    const hundredDays = 100 * 24 * 3_600_000
    await house.store.collectGarbage({ now: house.now })
    await house.deliver([account], mail('c@x', { references: '<a@x>' }))
    assert.deepEqual(await threads(house, account), [2, 1])
    await house.store.expunge({ account, mailbox, uids: [[3, 3]], which: 'regardless' })
    await house.store.collectGarbage({ now: house.now + hundredDays })
    await house.store.collectGarbage({ now: house.now + 2 * hundredDays })
    await house.deliver([account], mail('d@x', { references: '<a@x>' }))
    await house.deliver([account], mail('e@x', { references: '<b@x>', subject: 'Other' }))
    assert.deepEqual(await threads(house, account), [2, 4, 2])
  })
}
