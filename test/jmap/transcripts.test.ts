import assert from 'node:assert/strict'
import { readdirSync, readFileSync } from 'node:fs'
import { type TestContext, test } from 'node:test'
import type { Json, JsonObject } from '../../src/jmap/proto/json.ts'
import type { Account } from '../../src/store/model.ts'
import { JmapHouse } from '../support/jmap-house.ts'
import { differenceOf, type Exchange, filledIn, parseJmapTranscript } from '../support/jmap-transcript.ts'
import { mailHouse } from '../support/mail-house.ts'

const folder = new URL('./transcripts/', import.meta.url)

async function play(context: TestContext, text: string): Promise<void> {
  const { users, shared, using, exchanges } = parseJmapTranscript(text)
  const accounts = new Map<string, Account>()
  const withMail = using.includes('urn:ietf:params:jmap:mail')
  const house = withMail ? await houseOfMail(context, accounts) : await JmapHouse.open(context)
  for (const name of users) {
    if (accounts.has(name)) continue
    accounts.set(name, await house.account(name, { bytes: 1_000_000, messages: 1000 }))
  }
  for (const name of shared) await shareInbox(house, accounts.get(name), accounts.get(users[0] ?? ''))
  const names = new Map<string, Json>()
  for (const exchange of exchanges) {
    const account =
      accounts.get(exchange.as) ?? assert.fail(`line ${exchange.line}: there is no ${exchange.as}`)
    await playOne({ house, account, using, names }, exchange)
  }
}

/** Ann is there, and without quotas. */
async function houseOfMail(context: TestContext, accounts: Map<string, Account>): Promise<JmapHouse> {
  const { house, ann } = await mailHouse(context)
  accounts.set('ann', ann)
  return house
}

async function shareInbox(house: JmapHouse, owner?: Account, other?: Account): Promise<void> {
  assert.ok(owner && other)
  const inbox = await house.store.findMailbox({ account: owner.id, name: 'INBOX' })
  assert.ok(inbox)
  const grant = { account: owner.id, mailbox: inbox.id, grantee: other.id, negative: false } as const
  await house.store.setAccess({ ...grant, mode: 'replace', rights: 'lrswite' })
}

interface Playing {
  readonly house: JmapHouse
  readonly account: Account
  readonly using: readonly string[]
  readonly names: Map<string, Json>
}

async function playOne({ house, account, using, names }: Playing, exchange: Exchange): Promise<void> {
  const { request, status, expected, line } = exchange
  const [type, body] =
    request.type === 'body'
      ? [request.contentType, request.text]
      : ['application/json', JSON.stringify({ using, methodCalls: filledIn([...request.calls], names) })]
  const response = await house.fetch(account, '/jmap/api', {
    ...{ method: 'POST', body, headers: { 'content-type': type } },
  })
  const answer = (await response.json()) as JsonObject
  assert.equal(response.status, status ?? 200, `line ${line}: ${JSON.stringify(answer)}`)
  const wanted: Json = status === null ? [...expected] : (expected[0] ?? null)
  const told = status === null ? answer['methodResponses'] : answer
  const difference = differenceOf(wanted, told, names)
  assert.equal(difference, undefined, `line ${line}: ${difference}\n${JSON.stringify(told, null, 1)}`)
}

for (const name of readdirSync(folder).toSorted()) {
  if (name.endsWith('.txt')) {
    test(name, (context) => play(context, readFileSync(new URL(name, folder), 'utf8')))
  }
}
