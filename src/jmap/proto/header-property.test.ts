import assert from 'node:assert/strict'
import { test } from 'node:test'
import { allowsForm, tryHeaderProperty } from './header-property.ts'

test('properties of header fields', () => {
  assert.deepEqual(tryHeaderProperty('header:Subject'), { field: 'Subject', form: 'Raw', all: false })
  // RFC 8621 §4.1.3.
  const resent = { field: 'Resent-To', form: 'Addresses', all: true }
  assert.deepEqual(tryHeaderProperty('header:Resent-To:asAddresses:all'), resent)
  assert.deepEqual(tryHeaderProperty('header:X:all'), { field: 'X', form: 'Raw', all: true })
  const none = [
    'header:',
    'header:X:all:asText',
    'header:X:asFoo',
    'header:X:astext',
    'header:a b',
    'headers',
    'header:x:',
  ]
  for (const name of none) assert.equal(tryHeaderProperty(name), undefined, name)
})

test('forms that fields may have', () => {
  const allowed = [
    'Subject:asText',
    'From:asGroupedAddresses',
    'X-Mine:asDate',
    'List-Id:asText',
    'List-Post:asURLs',
    'Received',
  ]
  const forbidden = [
    'From:asDate',
    'FROM:asText',
    'Subject:asAddresses',
    'Received:asText',
    'List-Post:asText',
    'Date:asText',
  ]
  for (const name of allowed) {
    const property = tryHeaderProperty(`header:${name}`)
    assert.ok(property && allowsForm(property), name)
  }
  for (const name of forbidden) {
    const property = tryHeaderProperty(`header:${name}`)
    assert.ok(property && !allowsForm(property), name)
  }
})
