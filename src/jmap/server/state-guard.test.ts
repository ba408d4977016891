// `ifInState` holds against whoever writes at the same time (RFC 8620 §5.3).
import assert from 'node:assert/strict'
import { test } from 'node:test'
import { textAt } from '../../../test/support/jmap-house.ts'
import { type Loose, mailHouse } from '../../../test/support/mail-house.ts'

/** Asked all at once. */
async function race(
  mail: Awaited<ReturnType<typeof mailHouse>>,
  name: string,
  all: readonly object[],
): Promise<string[]> {
  const answers = await Promise.all(all.map((args, at) => mail.calls([[name, args, String(at)]])))
  return answers.map(([answer]) => (answer?.[0] === 'error' ? textAt(answer[1], 'type') : 'done')).toSorted()
}

const oneOfThree = ['done', 'stateMismatch', 'stateMismatch']

test('of calls that ask for one state, one is done', async (context) => {
  const mail = await mailHouse(context)
  const inbox = await mail.mailbox('INBOX')
  const stateOf = async (type: string): Promise<unknown> =>
    (await mail.call(`${type}/get`, { ids: [] }))['state']
  const email = { mailboxIds: { [inbox]: true }, subject: 'x' }
  const made = (await mail.call('Email/set', { create: { k: email } })) as Loose
  const id: string = made['created'].k.id
  const [one, two, three] = ['a', 'b', 'c'].map((word) => ({ [`keywords/${word}`]: true }))
  const cases: [string, object[]][] = [
    ['Email', [one, two, three].map((patch) => ({ update: { [id]: patch } }))],
    ['Email', [1, 2, 3].map((at) => ({ create: { [`k${at}`]: email } }))],
    ['Mailbox', ['a', 'b', 'c'].map((name) => ({ create: { [name]: { name } } }))],
    ['Mailbox', [1, 2, 3].map((sortOrder) => ({ update: { [inbox]: { sortOrder } } }))],
    ['Identity', ['a', 'b', 'c'].map((name) => ({ create: { k: { name, email: mail.ann.address } } }))],
    ['VacationResponse', ['a', 'b', 'c'].map((subject) => ({ update: { singleton: { subject } } }))],
    [
      'Email',
      [
        { destroy: [id] },
        ...['d', 'e'].map((word) => ({ update: { [id]: { [`keywords/${word}`]: true } } })),
      ],
    ],
  ]
  for (const [type, all] of cases) {
    const ifInState = await stateOf(type)
    const asked = all.map((args) => ({ ifInState, ...args }))
    assert.deepEqual(await race(mail, `${type}/set`, asked), oneOfThree, `${type} ${JSON.stringify(all)}`)
  }
  // What moves the account and not the state stops nobody.
  const ifInState = await stateOf('Identity')
  const [vacation, identity] = await Promise.all([
    mail.call('VacationResponse/set', { update: { singleton: { textBody: 'y' } } }),
    mail.call('Identity/set', { ifInState, create: { k: { name: 'n', email: mail.ann.address } } }),
  ])
  assert.ok((vacation as Loose)['updated'] && (identity as Loose)['created'])
  assert.equal((identity as Loose)['oldState'], ifInState)
})
