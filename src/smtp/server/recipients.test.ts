// Who may be a recipient, and every known way of hiding one that may not.
import assert from 'node:assert/strict'
import { test, type TestContext } from 'node:test'
import { testStore } from '../../../test/support/store.ts'
import { SeededRandom } from '../../base/seeded-random.ts'
import { VirtualClock } from '../../base/virtual-clock.ts'
import { authSection, directorySection } from '../../config/sections/auth.ts'
import { createDirectory } from '../../directory/create.ts'
import type { Directory } from '../../directory/directory.ts'
import { createEvents } from '../../events/event.ts'
import { formatAddress } from '../../mail/address.ts'
import { ingest } from '../../store/ingest.ts'
import type { Store } from '../../store/store.ts'
import { parseForwardPath } from '../proto/grammar.ts'
import { judgeRecipient } from './recipients.ts'

interface Account {
  readonly address: string
  readonly quota?: number
  readonly used?: number
}

async function addAccount(store: Store, { address, quota, used = 0 }: Account): Promise<void> {
  const added = await store.addAccount({
    address,
    credentials: { argon2id: null, scramSha256: null },
    quota: { bytes: quota ?? null, messages: null },
    mailboxes: [],
    now: 0,
  })
  assert.ok(added.ok)
  if (used === 0) return
  const incoming = ingest({ blobs: store.blobs })
  await incoming.write(Buffer.alloc(used, 'x'))
  const { message } = await incoming.finish()
  const targets = [{ account: added.account.id, prefix: '' }]
  assert.ok((await store.deliver({ message, internalDate: 0, targets })).ok)
}

async function openHouse(context: TestContext): Promise<Directory> {
  const store = await testStore(context)
  await store.addDomain({ name: 'example.org', now: 0 })
  await addAccount(store, { address: 'ann@example.org' })
  await addAccount(store, { address: 'full@example.org', quota: 1000, used: 1000 })
  await addAccount(store, { address: 'small@example.org', quota: 1000, used: 900 })
  await store.setAlias({ address: '@example.org', targets: ['ann@example.org'], now: 0 })
  return createDirectory({
    ...{ store, clock: new VirtualClock(), random: new SeededRandom(1), events: createEvents([]) },
    ...{ auth: authSection.parse({}), directory: directorySection.parse({}) },
    serverSecret: new Uint8Array(32),
  })
}

async function codeFor(
  directory: Directory,
  path: string,
  { role = 'mx', size = null }: { role?: 'mx' | 'submission'; size?: number | null } = {},
): Promise<string> {
  const parsed = parseForwardPath(`TO:${path}`)
  if ('wire' in parsed) return `${parsed.code} ${parsed.enhanced}`
  const verdict = await judgeRecipient(directory, {
    ...{ role, size, address: parsed.recipient.address },
    relay: role === 'submission' ? 'anywhere' : 'ours',
  })
  return verdict.ok
    ? [
        ...verdict.recipients.map(({ account }) => account.address),
        ...verdict.remote.map(({ address }) => `to ${formatAddress(address)}`),
      ].join(' ')
    : `${verdict.reply.code} ${verdict.reply.enhanced}`
}

// With a catch-all for example.org: each of these would be taken if its local part were not looked at.
const disguises = [
  '<victim@far.example>',
  '<victim%far.example@example.org>',
  '<victim%far.example%more.example@example.org>',
  '<@example.org:victim@far.example>',
  '<@example.org,@other.example:victim@far.example>',
  '<far.example!victim@example.org>',
  '<"victim@far.example"@example.org>',
  '<"victim%far.example"@example.org>',
  '<"far.example!victim"@example.org>',
  '<"a@evil.example x"@example.org>',
  '<victim@[192.0.2.1]>',
  '<victim@[IPv6:2001:db8::1]>',
]

for (const path of disguises) {
  test(`relaying to ${path} is denied`, async (context) => {
    const house = await openHouse(context)
    assert.equal(await codeFor(house, path), '550 5.7.1')
    // Who logged in may send anywhere, by its name; hidden behind a domain of ours it is denied to him too.
    const submitted = await codeFor(house, path, { role: 'submission' })
    assert.equal(submitted.includes('example.org'), false, submitted)
    assert.match(submitted, /^550 5\.7\.1$|^to \S+@(?:far\.example|\[.*\])$/)
  })
}

const malformed = [
  '<victim@far.example@example.org>',
  '<@far.example:victim@example.org@example.org>',
  '<user@example.org(x)far.example>',
  '<victim@far.example\\@example.org>',
  '<example.org:victim@far.example>',
  '<@far.example>',
]

for (const path of malformed) {
  test(`${path} is no path`, async (context) => {
    assert.match(await codeFor(await openHouse(context), path), /^501 5\.1\.3$/)
  })
}

test('local recipients, source routes ignored (RFC 5321 appendix C)', async (context) => {
  const house = await openHouse(context)
  assert.equal(await codeFor(house, '<ann@example.org>'), 'ann@example.org')
  assert.equal(await codeFor(house, '<@far.example,@example.org:ann@EXAMPLE.org>'), 'ann@example.org')
  assert.equal(await codeFor(house, '<"ann"@example.org>'), 'ann@example.org')
  assert.equal(await codeFor(house, '<anybody@example.org>'), 'ann@example.org')
})

test('full mailboxes: now full is for later, too small for the declared size is for good', async (context) => {
  const house = await openHouse(context)
  assert.equal(await codeFor(house, '<full@example.org>'), '452 4.2.2')
  assert.equal(await codeFor(house, '<small@example.org>', { size: 50 }), 'small@example.org')
  assert.equal(await codeFor(house, '<small@example.org>', { size: 500 }), '452 4.2.2')
  assert.equal(await codeFor(house, '<small@example.org>', { size: 5000 }), '552 5.2.2')
})
