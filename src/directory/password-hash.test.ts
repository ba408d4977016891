// Hashes as strings, the gate in front of them, and lists of accounts.
import assert from 'node:assert/strict'
import { test } from 'node:test'
import fc from 'fast-check'
import { Gate } from './gate.ts'
import { parseImportLine } from './import-line.ts'
import { formatPhc, hashPassword, isOutdated, tryParsePhc, verifyPassword } from './password-hash.ts'

const cheap = { memory: 64, passes: 1, parallelism: 1 }

test('A password has the hash that was made of it, and no other has', async () => {
  const text = formatPhc(await hashPassword('correct horse', cheap, new Uint8Array(16).fill(1)))
  const hash = tryParsePhc(text)
  assert.ok(hash)
  assert.equal(formatPhc(hash), text)
  assert.ok(await verifyPassword('correct horse', hash))
  assert.ok(!(await verifyPassword('correct horsf', hash)))
  assert.ok(!isOutdated(hash, cheap))
  assert.ok(isOutdated(hash, { ...cheap, passes: 2 }))
})

test('A hash made by the reference implementation is understood', async () => {
  // From the tests of the argon2 reference implementation (version 19, "password", "somesalt").
  const hash = tryParsePhc(
    '$argon2id$v=19$m=256,t=2,p=1$c29tZXNhbHQ$nf65EOgLrQMR/uIPnA4rEsF5h7TKyQwu9U1bMCHGi/4',
  )
  assert.ok(hash)
  assert.ok(await verifyPassword('password', hash))
})

test('Hashes of other kinds, and hashes that would cost too much, are none', () => {
  const tail = 'c29tZXNhbHQ$nf65EOgLrQMR/uIPnA4rEsF5h7TKyQwu9U1bMCHGi/4'
  for (const text of [
    '',
    `$argon2i$v=19$m=256,t=2,p=1$${tail}`,
    `$argon2id$v=16$m=256,t=2,p=1$${tail}`,
    `$argon2id$v=19$m=4194304,t=2,p=1$${tail}`,
    `$argon2id$v=19$m=256,t=100000,p=1$${tail}`,
    `$argon2id$v=19$m=7,t=1,p=1$${tail}`,
    '$argon2id$v=19$m=256,t=2,p=1$c29tZXNhbHQ$',
  ]) {
    assert.equal(tryParsePhc(text), undefined, text)
  }
})

test('The gate runs so many at once, lets so many wait in order, and turns the rest away', async () => {
  const gate = new Gate({ concurrency: 2, maximumWaiting: 2 })
  const order: number[] = []
  let running = 0
  let most = 0
  const work = (id: number) => async () => {
    most = Math.max(most, ++running)
    await Promise.resolve()
    order.push(id)
    running--
    if (id === 1) throw new Error('broken')
    return id
  }
  const outcomes = await Promise.allSettled([0, 1, 2, 3, 4].map((id) => gate.run(work(id))))
  assert.deepEqual(
    outcomes.map((outcome) => (outcome.status === 'fulfilled' ? outcome.value : 'threw')),
    [{ result: 0 }, 'threw', { result: 2 }, { result: 3 }, 'full'],
  )
  assert.deepEqual(order, [0, 1, 2, 3])
  assert.equal(most, 2)
  assert.deepEqual(await gate.run(work(5)), { result: 5 })
})

test('Import lines: passwords, marked and bare hashes, comments, and what is wrong', () => {
  const phc = '$argon2id$v=19$m=256,t=2,p=1$c29tZXNhbHQ$nf65EOgLrQMR/uIPnA4rEsF5h7TKyQwu9U1bMCHGi/4'
  const passwordOf = (text: string) => {
    const line = parseImportLine(text)
    return line.type === 'password' ? `${line.address} ${line.password.reveal()}` : line.type
  }
  assert.equal(passwordOf('ann@example.org secret'), 'ann@example.org secret')
  assert.equal(passwordOf('ann@example.org,se cret \r'), 'ann@example.org se cret ')
  assert.equal(passwordOf('  ann@example.org , ,x'), 'ann@example.org ,x')
  assert.equal(passwordOf('ann@example.org\t{PLAIN}{odd}'), 'ann@example.org {odd}')
  assert.equal(passwordOf('# a comment'), 'empty')
  assert.equal(passwordOf(''), 'empty')
  for (const text of [
    `ann@example.org ${phc}`,
    `ann@example.org,{ARGON2ID}${phc}`,
    `ann@example.org {argon2id}${phc} `,
  ]) {
    const line = parseImportLine(text)
    assert.ok(line.type === 'hash', text)
    assert.deepEqual(line.credentials, { argon2id: phc, scramSha256: null })
  }
  for (const text of [
    'ann',
    'ann@example.org',
    'ann@example.org {SHA512-CRYPT}$6$x',
    'ann@example.org $argon2i$x',
  ]) {
    assert.equal(parseImportLine(text).type, 'bad', text)
  }
  const refused = parseImportLine('ann@example.org {MD5}sEcReT')
  assert.ok(refused.type === 'bad' && !refused.message.includes('sEcReT'))
})

test('No line makes the parser throw', () => {
  fc.assert(
    fc.property(fc.string({ maxLength: 60 }), (text) => {
      parseImportLine(text)
      parseImportLine(`a@b ${text}`)
      tryParsePhc(text)
    }),
    { numRuns: 200 },
  )
})
