// Properties of the pure parts, for values that nobody thought of.
import assert from 'node:assert/strict'
import { test } from 'node:test'
import fc from 'fast-check'
import { partBlobId, tryBlobReference, uploadBlobId } from './blob-ids.ts'
import { formatUtcDate, tryDate } from './date.ts'
import { SetError, MethodError } from './errors.ts'
import { parseIJson, parseIJsonText } from './i-json.ts'
import { isJsonObject, jsonEquals, memberOf, type Json, type JsonObject } from './json.ts'
import { applyPatch } from './patch.ts'
import { escapeToken, evaluatePointer, tryPointer } from './pointer.ts'
import { encodeStates, statesSince } from './push.ts'
import { resolveReferences } from './references.ts'
import { parseRequest } from './request.ts'
import { readSocketMessage } from './socket-message.ts'
import { isId } from './shape.ts'

// What fast-check makes is JSON.
const json = fc.jsonValue({ maxDepth: 4 }).map((value) => value as Json)
const object = json.filter(isJsonObject)
const runs = { numRuns: 200 }

test('I-JSON reads what JSON.stringify writes, and takes any octets', () => {
  fc.assert(
    fc.property(json, (value) => {
      const text = JSON.stringify(value)
      const read = parseIJsonText(text)
      // A lone surrogate or −0 in what was made is not in what can be read.
      if (read.ok) assert.ok(jsonEquals(read.value, JSON.parse(text)))
      else assert.match(text, /\\ud[89a-f]/i)
    }),
    runs,
  )
  fc.assert(
    fc.property(fc.uint8Array({ maxLength: 200 }), (octets) => {
      parseIJson(octets)
    }),
    runs,
  )
})

test('a member that stands twice is found wherever it stands', () => {
  fc.assert(
    fc.property(object, fc.string(), json, (outer, name, value) => {
      const member = `${JSON.stringify(name)}:${JSON.stringify(value)}`
      const text = `{"a":[${JSON.stringify(outer)},{${member},"x":1,${member}}]}`
      assert.equal(parseIJsonText(text).ok, false)
    }),
    runs,
  )
})

test('every place in a value has a pointer that leads there', () => {
  fc.assert(
    fc.property(json, (value) => {
      const visit = (place: Json, path: string): void => {
        const tokens = tryPointer(path)
        assert.ok(tokens)
        const found = evaluatePointer(value, tokens)
        assert.ok(found !== undefined && jsonEquals(found, place))
        if (Array.isArray(place)) place.forEach((item: Json, index) => visit(item, `${path}/${index}`))
        else if (isJsonObject(place)) {
          for (const [name, member] of Object.entries(place)) visit(member, `${path}/${escapeToken(name)}`)
        }
      }
      visit(value, '')
    }),
    runs,
  )
})

test('pointers and references of any text give a value or an error', () => {
  const path = fc
    .array(fc.constantFrom('', '*', '0', '1', 'a', '~', '~1', '-'))
    .map((tokens) => `/${tokens.join('/')}`)
  fc.assert(
    fc.property(object, path, (args, text) => {
      const responses = [{ name: 'a', arguments: args, callId: 'c' }]
      const found = resolveReferences({ '#x': { resultOf: 'c', name: 'a', path: text } }, responses, {
        room: 500,
      })
      assert.ok(found instanceof MethodError || Object.hasOwn(found, 'x'))
    }),
    runs,
  )
})

test('a patch of whole properties does what a spread does; what is refused changes nothing', () => {
  const names = fc.constantFrom('a', 'b', 'c', '__proto__')
  const record = fc.dictionary(names, json).map((value) => value as JsonObject)
  fc.assert(
    fc.property(record, record, (current, patch) => {
      const before = JSON.stringify(current)
      const done = applyPatch(current, patch, { mutable: ['a', 'b', 'c', '__proto__'], fixed: [] })
      assert.ok(!(done instanceof SetError))
      assert.equal(JSON.stringify(current), before)
      for (const name of new Set([...Object.keys(current), ...Object.keys(patch)])) {
        const wanted = memberOf(patch, name) ?? (Object.hasOwn(patch, name) ? null : memberOf(current, name))
        assert.ok(jsonEquals(memberOf(done.object, name) ?? null, wanted ?? null), name)
      }
    }),
    runs,
  )
  const paths = fc
    .array(fc.constantFrom('a', 'b', '0', '~0', ''), { minLength: 1 })
    .map((parts) => parts.join('/'))
  fc.assert(
    fc.property(record, fc.dictionary(paths, json), (current, patch) => {
      applyPatch(current, patch as JsonObject, { mutable: ['a', 'b'], fixed: ['c'], defaults: { b: 1 } })
    }),
    runs,
  )
})

test('requests and messages of any JSON are read or refused', () => {
  fc.assert(
    fc.property(json, (value) => {
      parseRequest(value)
      readSocketMessage(value)
      parseRequest({ using: value, methodCalls: [value, [value, value, value]] })
      readSocketMessage({ '@type': 'WebSocketPushEnable', dataTypes: value, pushState: value })
    }),
    runs,
  )
})

test('dates come back as they went', () => {
  fc.assert(
    fc.property(fc.integer({ min: -62_000_000_000, max: 250_000_000_000 }), (seconds) => {
      assert.equal(tryDate(formatUtcDate(seconds * 1000)), seconds * 1000)
    }),
    runs,
  )
  for (const text of [
    '2014-10-30T14:12:00+08:00',
    '2014-10-30T06:12:00Z',
    '2016-12-31T23:59:60Z',
    '2024-02-29T00:00:00.5Z',
    '2014-10-30T06:12:00.000Z',
  ]) {
    assert.ok(tryDate(text) !== undefined, text)
  }
  for (const text of [
    '2014-10-30t06:12:00Z',
    '2014-10-30T06:12:00z',
    '2014-10-30T06:12Z',
    '2014-10-30',
    '2014-02-30T06:12:00Z',
    '2014-13-01T06:12:00Z',
    '2014-10-30T24:00:00Z',
    '2014-10-30T06:12:00+24:00',
    '2014-10-30T06:12:00',
    ' 2014-10-30T06:12:00Z',
  ]) {
    assert.equal(tryDate(text), undefined, text)
  }
})

test('ids of blobs are Ids and come back as they went; others mean nothing or something bounded', () => {
  const range = fc.record({
    bodyStart: fc.nat(2 ** 30),
    length: fc.nat(2 ** 30),
    encoding: fc.constantFrom('base64', 'quoted-printable', '7bit', 'x-odd'),
  })
  fc.assert(
    fc.property(
      fc.integer({ min: 1 }),
      fc.integer({ min: 1 }),
      fc.array(range, { maxLength: 8 }),
      (account, upload, ranges) => {
        let id = uploadBlobId(account, upload)
        for (const { bodyStart, length, encoding } of ranges) {
          id = partBlobId(id, { bodyStart, bodyEnd: bodyStart + length, encoding }) ?? assert.fail()
        }
        assert.ok(isId(id))
        const read = tryBlobReference(id)
        assert.deepEqual(read?.root, { type: 'upload', account, upload })
        assert.deepEqual(
          read?.ranges.map(({ start, end }) => [start, end]),
          ranges.map(({ bodyStart, length }) => [bodyStart, bodyStart + length]),
        )
      },
    ),
    runs,
  )
  fc.assert(
    fc.property(fc.stringMatching(/^[BU][0-9]{0,3}(_[0-9a-z-]{0,12}){0,12}$/), (text) => {
      const read = tryBlobReference(text)
      assert.ok(read === undefined || read.ranges.length <= 8)
    }),
    runs,
  )
})

test('tokens tell exactly what changed, and everything where they are none', () => {
  const types = ['Email', 'Mailbox', 'Thread']
  const states = fc.dictionary(
    fc.stringMatching(/^A[1-9]$/),
    fc.record({ Email: fc.string(), Mailbox: fc.string() }),
  )
  const mapped = states.map(
    (all) => new Map(Object.entries(all).map(([id, one]) => [id, new Map(Object.entries(one))])),
  )
  fc.assert(
    fc.property(mapped, mapped, (before, after) => {
      const changed = statesSince(after, encodeStates(before, types), types)
      for (const [account, known] of after) {
        for (const [type, state] of known) {
          assert.equal(changed.get(account)?.has(type) ?? false, before.get(account)?.get(type) !== state)
        }
      }
    }),
    runs,
  )
  fc.assert(
    fc.property(mapped, fc.string(), (now, text) => {
      const told = statesSince(now, text, types)
      for (const [account, known] of now) assert.deepEqual(told.get(account), known)
    }),
    runs,
  )
})
