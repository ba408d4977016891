import assert from 'node:assert/strict'
import { test } from 'node:test'
import { core } from '../proto/capabilities.ts'
import { CreatedIds } from '../proto/created-ids.ts'
import { MethodError } from '../proto/errors.ts'
import { record, string } from '../proto/shape.ts'
import { jmapSection } from '../../config/sections/jmap.ts'
import { echo } from './core-methods.ts'
import { runCalls } from './dispatch.ts'
import { type CallContext, type Method, plainMethod } from './module.ts'
import { account } from '../../../test/support/jmap-values.ts'

const context = (...using: string[]): CallContext => ({
  caller: {
    account: account(1, 'ann@x.test'),
    via: 'password',
    scopes: new Set(['mail']),
    sessionId: null,
    appPasswordId: null,
  },
  using: new Set(using),
  createdIds: new CreatedIds(),
  limits: jmapSection.parse({}),
  findAccount: async () => undefined,
  supports: () => true,
  modSeqOf: async () => undefined,
  now: () => 0,
})

async function run(
  methods: readonly Method[],
  calls: readonly (readonly [string, object, string])[],
  using = core,
) {
  const troubles: string[] = []
  const parts = {
    methods: new Map(methods.map((method) => [method.name, method])),
    onTrouble: (name: string) => void troubles.push(name),
  }
  const answers = await runCalls(
    parts,
    context(using),
    calls.map(([name, args, callId]) => ({ name, arguments: JSON.parse(JSON.stringify(args)), callId })),
  )
  return {
    troubles,
    answers: answers.map(({ name, arguments: args, callId }) => [name, args, callId]),
  }
}

test('Core/echo gives back what it was given', async () => {
  const { answers } = await run([echo], [['Core/echo', { hello: true, high: 5 }, 'b3ff']])
  assert.deepEqual(answers, [['Core/echo', { hello: true, high: 5 }, 'b3ff']])
})

test('a method that is not there, or not opted into, is unknown, and the next call runs', async () => {
  const calls = [
    ['Foo/get', {}, 'a'],
    ['Core/echo', { '#back': { resultOf: 'a', name: 'error', path: '/type' } }, 'b'],
  ] as const
  assert.deepEqual((await run([echo], calls)).answers, [
    ['error', { type: 'unknownMethod' }, 'a'],
    ['Core/echo', { back: 'unknownMethod' }, 'b'],
  ])
  assert.deepEqual((await run([echo], calls, 'urn:other')).answers[1]?.[1], { type: 'unknownMethod' })
})

test('a surprise is serverFail of its call alone, and told to the log', async () => {
  const failing: Method = {
    name: 'Foo/fail',
    capability: core,
    call: () => Promise.reject(new Error('secret words')),
  }
  const { answers, troubles } = await run(
    [echo, failing],
    [
      ['Foo/fail', {}, '1'],
      ['Core/echo', {}, '2'],
    ],
  )
  assert.deepEqual(troubles, ['Foo/fail'])
  assert.ok(!JSON.stringify(answers).includes('secret'))
  assert.equal(answers[1]?.[0], 'Core/echo')
})

test('implicit calls answer right behind, under the same id', async () => {
  const named = plainMethod({
    name: 'Foo/named',
    capability: core,
    shape: record({ name: string }),
    run: async (_call, { name }) =>
      name === 'bad'
        ? new MethodError('forbidden', 'no')
        : {
            arguments: { name },
            then: name === 'first' ? [{ name: 'Foo/named', arguments: { name: 'bad' } }] : [],
          },
  })
  const { answers } = await run(
    [named],
    [
      ['Foo/named', { name: 'first' }, 'x'],
      ['Foo/named', { other: 1 }, 'y'],
    ],
  )
  assert.deepEqual(answers, [
    ['Foo/named', { name: 'first' }, 'x'],
    ['error', { type: 'forbidden', description: 'no' }, 'x'],
    ['error', { type: 'invalidArguments', description: 'other: is not known here' }, 'y'],
  ])
})
